/* The keyring of one process: the root key and the organisation keys in locked, guarded memory (sodium_malloc: own pages, kept
 * out of swap and core dumps, wiped at the end).
 *
 * The root's page is closed to all access except while a root operation runs; the pages of organisation keys are read-only except
 * while one is added. Both states, and the table, change only under the lock. A key in use is copied to the stack and wiped after. */
#include <sodium.h>
#include <string.h>

#include "crypto/crypto.h"
#include "crypto/keyring_impl.h"
#include "crypto/sft.h"
#include "os/clock.h"
#include "os/thread.h"

/* Guarded memory costs three pages beside its own: keys share. */
#define KEYS_PER_PAGE 64
#define PAGES_MAX (KEYRING_KEKS_MAX / KEYS_PER_PAGE)

struct kek {
    struct id id, org_id;
    bool active;
};

struct local_ring {
    struct keyring base;
    uint8_t fingerprint[8];
    struct mutex lock; /* guards all below */
    struct key *root;  /* guarded memory, closed */
    struct key *pages[PAGES_MAX]; /* guarded memory, read-only; key i is pages[i / KEYS_PER_PAGE][i % KEYS_PER_PAGE] */
    struct kek *keks;
    size_t count, cap;
};

static struct local_ring *local_of(struct keyring *k) { return (struct local_ring *)(void *)k; }

static void kek_context(struct sft_context *ret, const struct id *kek_id, const struct id *org_id)
{
    sft_context(ret, "sft/1/kek", id_bytes(kek_id), id_bytes(org_id));
}

/* Seal or open 32 bytes in fixed storage. */
static enum err seal_key(const struct key *under, struct slice context, const struct key *key, uint8_t ret[SEALED_KEK_BYTES])
{
    CLEANUP(buf_done) struct buf sealed = BUF_INIT(SEALED_KEK_BYTES);
    TRY(seal_message(under, context, slice_of(key->b, sizeof key->b), &sealed));
    memcpy(ret, sealed.ptr, SEALED_KEK_BYTES);
    return ERR_OK;
}

static enum err open_key(const struct key *under, struct slice context, struct slice sealed, struct key *ret)
{
    CLEANUP(buf_done) struct buf plain = BUF_INIT(KEY_BYTES);
    plain.sensitive = true;
    TRY(seal_open_message(under, context, sealed, &plain));
    if (plain.len != KEY_BYTES) return ERR_CORRUPT;
    memcpy(ret->b, plain.ptr, KEY_BYTES);
    return ERR_OK;
}

static enum err root_copy(struct local_ring *r, struct key *ret)
{
    GUARD(&r->lock);
    if (sodium_mprotect_readonly(r->root) != 0) return ERR_CRYPTO;
    *ret = *r->root;
    return sodium_mprotect_noaccess(r->root) == 0 ? ERR_OK : ERR_CRYPTO;
}

static struct kek *find(struct local_ring *r, const struct id *kek_id)
{
    for (size_t i = 0; i < r->count; i++)
        if (id_eq(r->keks[i].id, *kek_id)) return &r->keks[i];
    return NULL;
}

static const struct key *key_of(const struct local_ring *r, const struct kek *kek)
{
    size_t i = (size_t)(kek - r->keks);
    return &r->pages[i / KEYS_PER_PAGE][i % KEYS_PER_PAGE];
}

static enum err store(struct local_ring *r, const struct key *key, const struct id *kek_id, const struct id *org_id)
{
    struct key **page = &r->pages[r->count / KEYS_PER_PAGE];
    if (r->count == KEYRING_KEKS_MAX) return ERR_TOO_LARGE;
    if (r->count == r->cap) {
        struct kek *more = mem_realloc(r->keks, (r->cap + KEYS_PER_PAGE) * sizeof *more);
        if (!more) return ERR_NOMEM;
        r->keks = more;
        r->cap += KEYS_PER_PAGE;
    }
    if (!*page) {
        *page = sodium_allocarray(KEYS_PER_PAGE, sizeof **page);
        if (!*page) return ERR_NOMEM;
    }
    if (sodium_mprotect_readwrite(*page) != 0) return ERR_CRYPTO;
    (*page)[r->count % KEYS_PER_PAGE] = *key;
    r->keks[r->count] = (struct kek){*kek_id, *org_id, false};
    r->count++;
    return sodium_mprotect_readonly(*page) == 0 ? ERR_OK : ERR_CRYPTO;
}

static void set_active(struct local_ring *r, struct kek *chosen, bool active)
{
    for (size_t i = 0; active && i < r->count; i++)
        if (id_eq(r->keks[i].org_id, chosen->org_id)) r->keks[i].active = false;
    chosen->active = active;
}

/* Adds a key unless it is there, then sets whether it is the one to wrap with. ERR_EXISTS: another key has this id. */
static enum err put(struct local_ring *r, const struct key *key, const struct id *kek_id, const struct id *org_id, bool active)
{
    GUARD(&r->lock);
    const struct kek *known = find(r, kek_id);
    if (!known)
        TRY(store(r, key, kek_id, org_id));
    else if (!mem_equal_ct(key_of(r, known)->b, key->b, KEY_BYTES))
        return ERR_EXISTS;
    set_active(r, find(r, kek_id), active);
    return ERR_OK;
}

static enum err local_new_kek(struct ctx *c, struct keyring *k, const struct id *kek_id, const struct id *org_id,
                              struct sealed_kek *ret)
{
    CLEANUP(key_done) struct key root = {0};
    CLEANUP(key_done) struct key key = {0};
    struct sft_context context;
    struct sealed_kek sealed;
    kek_context(&context, kek_id, org_id);
    enum err e = os_random(key.b, sizeof key.b);
    if (e == ERR_OK) e = root_copy(local_of(k), &root);
    if (e == ERR_OK) e = seal_key(&root, sft_context_view(&context), &key, sealed.b);
    if (e == ERR_OK) e = put(local_of(k), &key, kek_id, org_id, false);
    if (e != ERR_OK) return fail(c, e, "cannot make an organisation key");
    *ret = sealed;
    return ERR_OK;
}

static enum err local_add_kek(struct ctx *c, struct keyring *k, const struct id *kek_id, const struct id *org_id, bool active,
                              struct slice sealed)
{
    CLEANUP(key_done) struct key root = {0};
    CLEANUP(key_done) struct key key = {0};
    struct sft_context context;
    kek_context(&context, kek_id, org_id);
    enum err e = root_copy(local_of(k), &root);
    if (e == ERR_OK) e = open_key(&root, sft_context_view(&context), sealed, &key);
    if (e == ERR_CORRUPT) return fail(c, e, "an organisation key is not under this root key");
    if (e == ERR_OK) e = put(local_of(k), &key, kek_id, org_id, active);
    return e == ERR_OK ? ERR_OK : fail(c, e, "cannot add an organisation key");
}

static enum err active_key(struct local_ring *r, const struct id *org_id, struct id *ret_id, struct key *ret)
{
    GUARD(&r->lock);
    for (size_t i = 0; i < r->count; i++) {
        if (!r->keks[i].active || !id_eq(r->keks[i].org_id, *org_id)) continue;
        *ret_id = r->keks[i].id;
        *ret = *key_of(r, &r->keks[i]);
        return ERR_OK;
    }
    return ERR_NOT_FOUND;
}

static enum err local_wrap(struct ctx *c, struct keyring *k, const struct id *org_id, struct slice context,
                           const struct key *key, struct wrapped_key *ret)
{
    CLEANUP(key_done) struct key kek = {0};
    struct wrapped_key w;
    struct id kek_id;
    if (active_key(local_of(k), org_id, &kek_id, &kek) != ERR_OK)
        return fail(c, ERR_NOT_FOUND, "the organisation has no active key");
    w.b[0] = WRAPPED_VERSION;
    w.b[1] = WRAPPED_ALG_COBBLESTONE_256;
    memcpy(w.b + WRAPPED_KEK_AT, kek_id.b, sizeof kek_id.b);
    enum err e = seal_key(&kek, context, key, w.b + WRAPPED_SEALED_AT);
    if (e != ERR_OK) return fail(c, e, "cannot wrap a key");
    *ret = w;
    return ERR_OK;
}

static enum err known_key(struct local_ring *r, const struct id *kek_id, struct key *ret)
{
    GUARD(&r->lock);
    const struct kek *kek = find(r, kek_id);
    if (!kek) return ERR_NOT_FOUND;
    *ret = *key_of(r, kek);
    return ERR_OK;
}

static enum err local_unwrap(struct ctx *c, struct keyring *k, struct slice context, struct slice wrapped, struct key *ret)
{
    CLEANUP(key_done) struct key kek = {0};
    struct id kek_id;
    char text[ID_TEXT_LEN + 1];
    TRY(wrapped_key_kek(wrapped, &kek_id));
    id_text(kek_id, text);
    if (known_key(local_of(k), &kek_id, &kek) != ERR_OK)
        return fail(c, ERR_NOT_FOUND, "organisation key %s is not in the ring", text);
    enum err e = open_key(&kek, context, slice_sub(wrapped, WRAPPED_SEALED_AT, wrapped.len), ret);
    return e == ERR_OK ? ERR_OK : fail(c, e, "a key wrapped under %s does not open", text);
}

static void local_fingerprint(const struct keyring *k, uint8_t ret[8])
{
    const struct local_ring *r = (const struct local_ring *)(const void *)k;
    memcpy(ret, r->fingerprint, sizeof r->fingerprint);
}

static void local_close(struct keyring *k)
{
    struct local_ring *r = local_of(k);
    sodium_free(r->root); /* opens, wipes, unmaps */
    for (size_t i = 0; i < PAGES_MAX; i++) sodium_free(r->pages[i]);
    mem_free(r->keks);
    mutex_done(&r->lock);
    mem_free(r);
}

static const struct keyring_ops local_ops = {
    .close = local_close,
    .fingerprint = local_fingerprint,
    .new_kek = local_new_kek,
    .add_kek = local_add_kek,
    .wrap = local_wrap,
    .unwrap = local_unwrap,
};

static enum err root_fingerprint(const struct key *root, uint8_t ret[8])
{
    CLEANUP(hasher_cleanup) struct hasher *h = NULL;
    struct sha256 hash;
    TRY(hasher_new(&h));
    TRY(hasher_add(h, "sft/1/root", sizeof "sft/1/root")); /* with its 0x00 */
    TRY(hasher_add(h, root->b, sizeof root->b));
    TRY(hasher_sum(h, &hash));
    memcpy(ret, hash.b, 8);
    return ERR_OK;
}

static void close_cleanup(struct keyring **k) { keyring_close(*k); }

enum err keyring_local_new(struct ctx *c, const struct key *root, struct keyring **ret)
{
    enum err e = crypto_setup();
    if (e != ERR_OK) return fail(c, e, "the cryptographic libraries do not start");
    struct local_ring *r = MEM_NEW(struct local_ring);
    if (!r) return fail(c, ERR_NOMEM, "no memory for a keyring");
    mutex_init(&r->lock);
    r->base.ops = &local_ops;
    CLEANUP(close_cleanup) struct keyring *k = &r->base;
    r->root = sodium_malloc(sizeof *r->root);
    if (!r->root) return fail(c, ERR_NOMEM, "no guarded memory for the root key");
    *r->root = *root;
    if (sodium_mprotect_noaccess(r->root) != 0) return fail(c, ERR_CRYPTO, "cannot close the root key's page");
    e = root_fingerprint(root, r->fingerprint);
    if (e != ERR_OK) return fail(c, e, "cannot fingerprint the root key");
    *ret = TAKE(k);
    return ERR_OK;
}
