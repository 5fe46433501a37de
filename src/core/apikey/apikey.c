/* Rules of API keys. */
#include "core/apikey/apikey.h"

#include "base/limits.h"
#include "codec/base64.h"
#include "core/apikey/apikey_store.h"
#include "core/audit/audit.h"
#include "core/session/session.h"
#include "os/clock.h"

#define ID_LEN 8
#define SECRET_BYTES 32
#define TOUCH_MS (60 * 1000)

static enum err random_id(struct ctx *c, struct slice *ret)
{
    static const char alphabet[] = "abcdefghijkmnpqrstuvwxyz23456789";
    uint8_t raw[ID_LEN];
    char text[ID_LEN];
    TRY(os_random(raw, sizeof raw));
    for (size_t i = 0; i < ID_LEN; i++) text[i] = alphabet[raw[i] & 31];
    return arena_slice(&c->arena, slice_of(text, ID_LEN), ret);
}

static enum err check_new(struct ctx *c, const struct principal *who, const struct apikey_new *n)
{
    unsigned admin = SCOPE_ADMIN_READ | SCOPE_ADMIN_WRITE | SCOPE_AUDIT_READ;
    unsigned write = SCOPE_FILES_WRITE | SCOPE_TRANSFERS_WRITE;
    if (n->name.len == 0 || n->name.len > LIMIT_TITLE_BYTES) ctx_field_error(c, "name", "must have 1 to 200 bytes");
    if (n->scopes == 0) ctx_field_error(c, "scopes", "must name at least one");
    if (n->expires_in_s > LIMIT_EXPIRES_S) ctx_field_error(c, "expires_in", "is longer than ten years");
    if (c->field_error_count) return ERR_INVALID;
    bool beyond = (who->role != ROLE_ADMIN && (n->scopes & admin)) || (who->role == ROLE_GUEST && (n->scopes & write));
    if (beyond) return refuse(c, ERR_DENIED, "denied", "A key cannot have a scope that your own role does not.");
    return ERR_OK;
}

struct create_arg {
    const struct app *app;
    const struct principal *who;
    struct apikey key;
    struct sha256 secret;
};

static enum err create_tx(struct ctx *c, struct db_conn *conn, void *arg)
{
    struct create_arg *a = arg;
    uint64_t n = 0;
    TRY(session_recheck_tx(c, conn, a->app, a->who, NULL));
    TRY(apikey_store_count(c, conn, &a->who->user_id, &n));
    if (n >= APIKEYS_PER_USER_MAX) return refuse(c, ERR_QUOTA, "too_many_keys", "You have 100 API keys already. Revoke one first.");
    TRY(apikey_store_insert(c, conn, &a->who->user_id, &a->key, &a->secret));
    return audit_write(c, conn, &(struct audit_event){.event = "apikey.create", .who = a->who, .object_type = "apikey",
                                                      .detail = a->key.id});
}

enum err apikey_create(struct ctx *c, struct app *app, const struct principal *who, const struct apikey_new *n,
                       struct apikey *ret, struct slice *ret_key)
{
    struct create_arg a = {.app = app, .who = who};
    uint8_t secret[SECRET_BYTES];
    CLEANUP(buf_done) struct buf text = {.max = 128, .sensitive = true};
    TRY(check_new(c, who, n));
    a.key = (struct apikey){.name = n->name, .scopes = n->scopes, .created_at = clock_wall_ms()};
    if (n->expires_in_s) a.key.expires_at = a.key.created_at + (int64_t)n->expires_in_s * 1000;
    TRY(random_id(c, &a.key.id));
    TRY(os_random(secret, sizeof secret));
    TRY(sha256(slice_of(secret, sizeof secret), &a.secret));
    TRY(buf_printf(&text, APIKEY_PREFIX SLICE_FMT "_", SLICE_ARG(a.key.id)));
    TRY(base64url_encode(&text, slice_of(secret, sizeof secret)));
    TRY(db_tx(c, app->be.db, DB_WRITE, create_tx, &a));
    TRY(arena_slice(&c->arena, buf_view(&text), ret_key));
    *ret = a.key;
    return ERR_OK;
}

struct list_arg {
    const struct principal *who;
    struct slice id;
    struct apikey *rows;
    size_t n;
};

static enum err list_tx(struct ctx *c, struct db_conn *conn, void *arg)
{
    struct list_arg *a = arg;
    return apikey_store_list(c, conn, &a->who->user_id, &a->rows, &a->n);
}

enum err apikey_list(struct ctx *c, struct app *app, const struct principal *who, struct apikey **ret, size_t *ret_n)
{
    struct list_arg a = {.who = who};
    TRY(db_tx(c, app->be.db, DB_READ, list_tx, &a));
    *ret = a.rows;
    *ret_n = a.n;
    return ERR_OK;
}

static enum err revoke_tx(struct ctx *c, struct db_conn *conn, void *arg)
{
    struct list_arg *a = arg;
    TRY(apikey_store_revoke(c, conn, &a->who->user_id, a->id, clock_wall_ms()));
    return audit_write(c, conn, &(struct audit_event){.event = "apikey.revoke", .who = a->who, .object_type = "apikey",
                                                      .detail = a->id});
}

enum err apikey_revoke(struct ctx *c, struct app *app, const struct principal *who, struct slice id)
{
    struct list_arg a = {.who = who, .id = id};
    enum err e = db_tx(c, app->be.db, DB_WRITE, revoke_tx, &a);
    if (e == ERR_NOT_FOUND) return refuse(c, e, "not_found", "You have no such API key.");
    return e;
}

struct get_arg {
    struct slice id;
    struct apikey_row row;
};

static enum err get_tx(struct ctx *c, struct db_conn *conn, void *arg)
{
    struct get_arg *a = arg;
    return apikey_store_get(c, conn, a->id, clock_wall_ms(), &a->row);
}

static enum err touch_tx(struct ctx *c, struct db_conn *conn, void *arg)
{
    struct get_arg *a = arg;
    return apikey_store_touch(c, conn, a->id, clock_wall_ms());
}

static enum err parse_key(struct slice key, struct slice *ret_id, struct sha256 *ret_secret)
{
    CLEANUP(buf_done) struct buf raw = {.max = SECRET_BYTES, .sensitive = true};
    if (!slice_starts(key, SLICE(APIKEY_PREFIX))) return ERR_UNAUTH;
    struct slice rest = slice_sub(key, sizeof APIKEY_PREFIX - 1, key.len);
    if (rest.len <= ID_LEN || rest.ptr[ID_LEN] != '_') return ERR_UNAUTH;
    *ret_id = slice_sub(rest, 0, ID_LEN);
    enum err e = base64url_decode(&raw, slice_sub(rest, ID_LEN + 1, rest.len));
    if (e == ERR_NOMEM) return e;
    if (e != ERR_OK || raw.len != SECRET_BYTES) return ERR_UNAUTH;
    return sha256(buf_view(&raw), ret_secret);
}

static enum err check_row(const struct apikey_row *row, const struct sha256 *secret, struct principal *ret)
{
    if (!sha256_equal(&row->secret, secret)) return ERR_UNAUTH;
    if (!slice_eq(row->user_state, SLICE("active"))) return ERR_UNAUTH;
    ret->signed_in = true;
    ret->by_key = true;
    ret->user_id = row->user_id;
    ret->scopes = row->key.scopes;
    memcpy(ret->key_id, row->key.id.ptr, ID_LEN);
    return role_parse(row->role, &ret->role) == ERR_OK ? ERR_OK : ERR_UNAUTH;
}

static enum err not_valid(struct ctx *c)
{
    return refuse(c, ERR_UNAUTH, "unauthorized", "This API key is not valid, or no longer.");
}

enum err apikey_authenticate(struct ctx *c, struct app *app, struct slice key, struct principal *ret)
{
    struct get_arg a = {.id = {NULL, 0}};
    struct sha256 secret;
    enum err e = parse_key(key, &a.id, &secret);
    if (e == ERR_OK) e = db_tx(c, app->be.db, DB_READ_ONE, get_tx, &a);
    if (e == ERR_OK) e = check_row(&a.row, &secret, ret);
    if (e == ERR_NOT_FOUND || e == ERR_UNAUTH) return not_valid(c);
    TRY(e);
    int64_t now = clock_wall_ms();
    if (now - a.row.key.last_used_at > TOUCH_MS)
        err_ignore(db_tx(c, app->be.db, DB_WRITE, touch_tx, &a), "only the time of last use, for people to see");
    return ERR_OK;
}

static enum err check_same(struct ctx *c, const struct principal *who, enum err e, const struct apikey_row *row)
{
    if (e == ERR_NOT_FOUND) return not_valid(c);
    TRY(e);
    bool same = slice_eq(row->user_state, SLICE("active")) && slice_eq(row->role, slice_cstr(role_name(who->role)));
    return same ? ERR_OK : not_valid(c);
}

enum err apikey_recheck(struct ctx *c, struct app *app, const struct principal *who)
{
    struct get_arg a = {.id = slice_cstr(who->key_id)};
    enum err e = db_tx(c, app->be.db, DB_READ_ONE, get_tx, &a);
    return check_same(c, who, e, &a.row);
}

enum err caller_recheck_tx(struct ctx *c, struct db_conn *conn, const struct app *app, const struct principal *who)
{
    struct get_arg a;
    struct user now;
    if (!who) return ERR_OK;
    if (!who->signed_in) return not_valid(c);
    if (!who->by_key) return session_recheck_tx(c, conn, app, who, NULL);
    a = (struct get_arg){.id = slice_cstr(who->key_id)};
    /* Held until the end, so that a suspension comes before or after, not between. */
    enum err e = user_load_locked(c, conn, app, &who->user_id, &now);
    if (e == ERR_OK) e = get_tx(c, conn, &a);
    return check_same(c, who, e, &a.row);
}
