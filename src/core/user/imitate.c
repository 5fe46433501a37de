/* Kinds of password hashes, how often each is, and which one an address without an account has. */
#include "core/user/imitate.h"

#include "base/buf.h"
#include "base/intmath.h"
#include "base/limits.h"
#include "core/user/password.h"
#include "core/user/user_store.h"
#include "crypto/hash.h"
#include "os/thread.h"

#define KINDS_MAX 32
#define BCRYPT_HEAD 7 /* "$2b$10$" */
#define BCRYPT_REST "....................................................." /* salt and hash: 53 characters */
#define ARGON2_REST "AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"

struct kind {
    char text[HASH_KIND_BYTES + 1];
    uint64_t count;
};

struct hash_kinds {
    struct mutex m; /* guards the rest */
    struct kind kinds[KINDS_MAX];
    size_t n;
    uint64_t total;
};

enum err hash_kinds_new(struct hash_kinds **ret)
{
    struct hash_kinds *k = MEM_NEW(struct hash_kinds);
    if (!k) return ERR_NOMEM;
    mutex_init(&k->m);
    *ret = k;
    return ERR_OK;
}

void hash_kinds_free(struct hash_kinds *k)
{
    if (!k) return;
    mutex_done(&k->m);
    mem_free(k);
}

struct slice hash_kind(struct slice hash)
{
    size_t head = slice_starts(hash, SLICE(PASSWORD_IMPORT)) ? sizeof PASSWORD_IMPORT - 1 : 0, dollars = 0, i = head;
    if (slice_starts(slice_sub(hash, head, hash.len), SLICE("$2"))) return slice_sub(hash, 0, head + BCRYPT_HEAD);
    while (i < hash.len && dollars < 4) dollars += hash.ptr[i++] == '$';
    return slice_sub(hash, 0, i);
}

/* Of the settings in force. */
static enum err present_kind(struct ctx *c, const struct app *app, struct slice *ret)
{
    return arena_printf(&c->arena, ret, "$argon2id$v=19$m=%u,t=%u,p=1$", app->cfg.password_cost.memory_kib,
                        app->cfg.password_cost.passes);
}

static enum err load_tx(struct ctx *c, struct db_conn *conn, void *arg)
{
    return user_store_hash_kinds(c, conn, KINDS_MAX, arg);
}

static void add(struct hash_kinds *k, struct slice text, uint64_t count)
{
    if (k->n == KINDS_MAX || text.len > HASH_KIND_BYTES || count == 0) return;
    memcpy(k->kinds[k->n].text, text.ptr, text.len);
    k->kinds[k->n].text[text.len] = '\0';
    k->kinds[k->n++].count = count;
    k->total += count;
}

enum err password_kinds_load(struct ctx *c, struct app *app)
{
    struct db_result r;
    struct slice present;
    TRY(present_kind(c, app, &present));
    TRY(db_tx(c, app->be.db, DB_READ, load_tx, &r));
    struct hash_kinds *k = app->hash_kinds;
    GUARD(&k->m);
    k->n = 0;
    k->total = 0;
    for (int others = 0; others < 2; others++)
        for (size_t i = 0; i < r.rows; i++)
            if (slice_eq(db_get_slice(&r, i, 0), present) == !others) add(k, db_get_slice(&r, i, 0), (uint64_t)db_get_i64(&r, i, 1));
    return ERR_OK;
}

/* Where the address stands among all accounts: 0 up to, not including, `total`. */
static enum err place_of(const struct app *app, struct slice folded, uint64_t total, uint64_t *ret)
{
    CLEANUP(buf_done) struct buf in = BUF_INIT(4 * KIB);
    struct sha256 mac;
    TRY(buf_put(&in, SLICE("sft/1/imitate\0")));
    TRY(buf_put(&in, folded));
    TRY(hmac_sha256(slice_of(app->server_key.b, KEY_BYTES), buf_view(&in), &mac));
    *ret = (uint64_t)((unsigned __int128)load_u64be(mac.b) * total >> 64);
    return ERR_OK;
}

enum err hash_imitate(struct ctx *c, struct app *app, struct slice folded, struct slice *ret)
{
    struct hash_kinds *k = app->hash_kinds;
    struct slice kind;
    uint64_t place = 0;
    TRY(present_kind(c, app, &kind));
    GUARD(&k->m);
    TRY(place_of(app, folded, k->total, &place));
    for (size_t i = 0; i < k->n; place -= k->kinds[i++].count) {
        if (place >= k->kinds[i].count) continue;
        kind = slice_cstr(k->kinds[i].text);
        break;
    }
    bool bcrypt = slice_starts(kind, SLICE(PASSWORD_IMPORT "$2"));
    return arena_printf(&c->arena, ret, SLICE_FMT "%s", SLICE_ARG(kind), bcrypt ? BCRYPT_REST : ARGON2_REST);
}
