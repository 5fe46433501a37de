/* Rules of the key hierarchy: what wraps what, generations, rotation. The cryptography is crypto/keyring. */
#include "core/key/key.h"

#include "core/audit/audit.h"
#include "core/job/job.h"
#include "core/key/key_store.h"
#include "crypto/sft.h"
#include "os/clock.h"

static void context_for(struct sft_context *ret, const struct app *app, const char *label, const struct id *object)
{
    sft_context(ret, label, id_bytes(&app->org_id), id_bytes(object));
}

#define PUT_TRIES 3

static enum err wrap(struct ctx *c, struct app *app, const char *label, const struct id *object, const struct key *key,
                     struct wrapped *ret)
{
    struct sft_context context;
    context_for(&context, app, label, object);
    TRY(keyring_wrap(c, app->be.keys, &app->org_id, sft_context_view(&context), key, &ret->key));
    return wrapped_key_kek(slice_of(ret->key.b, sizeof ret->key.b), &ret->kek_id);
}

enum err key_new(struct ctx *c, struct key *ret)
{
    if (os_random(ret->b, sizeof ret->b) != ERR_OK) return fail(c, ERR_CRYPTO, "no randomness for a new key");
    return ERR_OK;
}

static enum err load_tx(struct ctx *c, struct db_conn *conn, void *arg)
{
    struct app *app = arg;
    struct db_result r;
    TRY(kek_store_load(c, conn, &r));
    if (r.rows == 0) return ERR_NOT_FOUND;
    app->org_id = db_get_id(&r, 0, 1);
    for (size_t i = 0; i < r.rows; i++) {
        struct id kek = db_get_id(&r, i, 0), org = db_get_id(&r, i, 1);
        bool active = slice_eq(db_get_slice(&r, i, 2), SLICE("active"));
        TRY(keyring_add_kek(c, app->be.keys, &kek, &org, active, db_get_slice(&r, i, 3)));
    }
    return ERR_OK;
}

enum err key_reload(struct ctx *c, struct app *app)
{
    return db_tx(c, app->be.db, DB_READ, load_tx, app);
}

struct put_arg {
    struct wrapped *w;
    size_t n;
    key_put_fn *put;
    void *arg;
    bool gone;
};

static enum err put_tx(struct ctx *c, struct db_conn *conn, void *arg)
{
    struct put_arg *a = arg;
    for (size_t i = 0; i < a->n; i++) {
        if (i && id_eq(a->w[i].kek_id, a->w[i - 1].kek_id)) continue;
        enum err e = kek_store_hold(c, conn, &a->w[i].kek_id);
        a->gone = e == ERR_NOT_FOUND;
        TRY(e);
    }
    return a->put(c, conn, a->w, a->arg);
}

enum err key_put_all(struct ctx *c, struct app *app, const char *label, const struct key_item *items, size_t n, key_put_fn *put,
                     void *arg)
{
    struct put_arg a = {.w = ARENA_ARRAY(&c->arena, struct wrapped, n), .n = n, .put = put, .arg = arg};
    if (!a.w) return ERR_NOMEM;
    for (int i = 0; i < PUT_TRIES; i++) {
        for (size_t k = 0; k < n; k++) TRY(wrap(c, app, label, &items[k].object, items[k].key, &a.w[k]));
        enum err e = db_tx(c, app->be.db, DB_WRITE, put_tx, &a);
        if (!a.gone) return e;
        ctx_clear_error(c);
        TRY(key_reload(c, app));
    }
    return fail(c, ERR_BUSY, "the organisation key changes too fast");
}

enum err key_put(struct ctx *c, struct app *app, const char *label, const struct id *object, const struct key *key, key_put_fn *put,
                 void *arg)
{
    return key_put_all(c, app, label, &(struct key_item){*object, key}, 1, put, arg);
}

enum err key_unwrap(struct ctx *c, struct app *app, const char *label, const struct id *object, struct slice wrapped,
                    struct key *ret)
{
    struct sft_context context;
    context_for(&context, app, label, object);
    enum err e = keyring_unwrap(c, app->be.keys, sft_context_view(&context), wrapped, ret);
    if (e != ERR_NOT_FOUND) return e;
    TRY(key_reload(c, app));
    e = keyring_unwrap(c, app->be.keys, sft_context_view(&context), wrapped, ret);
    if (e == ERR_NOT_FOUND) return fail(c, ERR_CORRUPT, "a key is wrapped under an unknown organisation key");
    return e;
}

struct new_kek {
    struct app *app;
    struct id id;
    struct sealed_kek sealed;
};

static enum err first_tx(struct ctx *c, struct db_conn *conn, void *arg)
{
    struct new_kek *n = arg;
    struct db_result r;
    TRY(kek_store_load(c, conn, &r));
    if (r.rows) return ERR_EXISTS;
    return kek_store_insert(c, conn, &n->id, &n->app->org_id, &n->sealed, clock_wall_ms());
}

/* Only now may it wrap: a key lost with a failed transaction must never have wrapped anything. */
static enum err activate(struct ctx *c, const struct new_kek *n)
{
    return keyring_add_kek(c, n->app->be.keys, &n->id, &n->app->org_id, true, slice_of(n->sealed.b, sizeof n->sealed.b));
}

enum err key_load(struct ctx *c, struct app *app)
{
    enum err e = db_tx(c, app->be.db, DB_READ, load_tx, app);
    if (e != ERR_NOT_FOUND) return e;
    struct new_kek n = {.app = app};
    TRY(os_new_id(&app->org_id));
    TRY(os_new_id(&n.id));
    TRY(keyring_new_kek(c, app->be.keys, &n.id, &app->org_id, &n.sealed));
    e = db_tx(c, app->be.db, DB_WRITE, first_tx, &n);
    /* Another node was first: its key is the one. */
    if (e == ERR_EXISTS) return db_tx(c, app->be.db, DB_READ, load_tx, app);
    TRY(e);
    return activate(c, &n);
}

static enum err rotate_tx(struct ctx *c, struct db_conn *conn, void *arg)
{
    struct new_kek *n = arg;
    TRY(kek_store_insert(c, conn, &n->id, &n->app->org_id, &n->sealed, clock_wall_ms()));
    TRY(kek_store_retire_others(c, conn, &n->id));
    TRY(audit_write(c, conn, &(struct audit_event){.event = "key.rotate", .object_type = "key", .object_id = &n->id}));
    return job_add(c, conn, &(struct job_new){.kind = "rewrap", .dedupe = "rewrap"});
}

enum err key_rotate(struct ctx *c, struct app *app, struct id *ret_kek)
{
    struct new_kek n = {.app = app};
    TRY(os_new_id(&n.id));
    TRY(keyring_new_kek(c, app->be.keys, &n.id, &app->org_id, &n.sealed));
    TRY(db_tx(c, app->be.db, DB_WRITE, rotate_tx, &n));
    TRY(activate(c, &n));
    *ret_kek = n.id;
    return ERR_OK;
}

struct list_arg {
    struct kek_row *rows;
    size_t n;
};

static enum err list_tx(struct ctx *c, struct db_conn *conn, void *arg)
{
    struct list_arg *a = arg;
    struct db_result r;
    TRY(kek_store_list(c, conn, &r));
    a->n = r.rows;
    a->rows = ARENA_ARRAY(&c->arena, struct kek_row, r.rows + 1);
    if (!a->rows) return ERR_NOMEM;
    for (size_t i = 0; i < r.rows; i++)
        a->rows[i] = (struct kek_row){db_get_id(&r, i, 0), db_get_i64(&r, i, 1), db_get_slice(&r, i, 2),
                                      db_get_i64(&r, i, 3)};
    return ERR_OK;
}

enum err key_list(struct ctx *c, struct app *app, struct kek_row **ret, size_t *ret_n)
{
    struct list_arg a = {0};
    TRY(db_tx(c, app->be.db, DB_READ, list_tx, &a));
    *ret = a.rows;
    *ret_n = a.n;
    return ERR_OK;
}

/* Other nodes learn of a new generation by key_reload; until they must have, old ones stay. */
#define SETTLE_MS (2 * 60 * 1000ll)

struct rewrap_arg {
    struct app *app;
    struct id active;
    size_t batch;
    bool left;
};

typedef enum err rewrap_save_fn(struct ctx *c, struct db_conn *conn, const struct id *id, struct slice old,
                                const struct wrapped *now);

/* Rows of (id, wrapped[, bound id]): unwrap under the old key, wrap under the active one. */
static enum err rewrap_rows(struct ctx *c, struct db_conn *conn, struct app *app, const struct db_result *r, const char *label,
                            rewrap_save_fn *save)
{
    for (size_t i = 0; i < r->rows; i++) {
        CLEANUP(key_done) struct key key;
        struct wrapped now;
        struct id id = db_get_id(r, i, 0), object = db_get_id(r, i, r->cols == 3 ? 2 : 0);
        struct slice old = db_get_slice(r, i, 1);
        struct sft_context context;
        context_for(&context, app, label, &object);
        TRY(keyring_unwrap(c, app->be.keys, sft_context_view(&context), old, &key));
        TRY(wrap(c, app, label, &object, &key, &now));
        TRY(save(c, conn, &id, old, &now));
    }
    return ERR_OK;
}

static const struct id no_object = {{0}};

typedef enum err rewrap_named_fn(struct ctx *c, struct db_conn *conn, struct slice name, struct slice old,
                                 struct slice value);

/* Rows of (name, wrapped): the server's own keys, few enough to look at all. `label` NULL: the name is the label. */
static enum err rewrap_named(struct ctx *c, struct db_conn *conn, const struct rewrap_arg *a, const struct db_result *r,
                             const char *label, rewrap_named_fn *save)
{
    for (size_t i = 0; i < r->rows; i++) {
        CLEANUP(key_done) struct key key;
        struct wrapped now;
        struct id kek;
        struct slice name = db_get_slice(r, i, 0), old = db_get_slice(r, i, 1);
        const char *purpose = label;
        TRY(wrapped_key_kek(old, &kek));
        if (id_eq(kek, a->active)) continue;
        if (!purpose) TRY(arena_cstr(&c->arena, name, &purpose));
        struct sft_context context;
        context_for(&context, a->app, purpose, &no_object);
        TRY(keyring_unwrap(c, a->app->be.keys, sft_context_view(&context), old, &key));
        TRY(wrap(c, a->app, purpose, &no_object, &key, &now));
        TRY(save(c, conn, name, old, slice_of(now.key.b, sizeof now.key.b)));
    }
    return ERR_OK;
}

static enum err rewrap_secrets(struct ctx *c, struct db_conn *conn, const struct rewrap_arg *a)
{
    struct db_result secrets, signing;
    TRY(secret_store_list(c, conn, &secrets));
    TRY(rewrap_named(c, conn, a, &secrets, NULL, secret_store_replace));
    TRY(signing_store_list(c, conn, &signing));
    return rewrap_named(c, conn, a, &signing, KEY_LABEL_SIGNING, signing_store_replace);
}

static enum err rewrap_tx(struct ctx *c, struct db_conn *conn, void *arg)
{
    struct rewrap_arg *a = arg;
    struct db_result r;
    /* What others are about to store under an old one is seen below, or they find it destroyed. */
    TRY(kek_store_lock_old(c, conn));
    if (kek_store_hold(c, conn, &a->active) != ERR_OK) return fail(c, ERR_BUSY, "the active key is another one by now");
    TRY(rewrap_secrets(c, conn, a));
    TRY(rewrap_store_contents(c, conn, &a->active, a->batch, &r));
    TRY(rewrap_rows(c, conn, a->app, &r, "sft/1/dek", rewrap_store_content));
    TRY(rewrap_store_uploads(c, conn, &a->active, a->batch, &r));
    TRY(rewrap_rows(c, conn, a->app, &r, "sft/1/dek", rewrap_store_upload));
    TRY(rewrap_store_totps(c, conn, &a->active, a->batch, &r));
    TRY(rewrap_rows(c, conn, a->app, &r, "sft/1/totp", rewrap_store_totp));
    TRY(kek_store_destroy_unused(c, conn, clock_wall_ms() - SETTLE_MS, &r));
    for (size_t i = 0; i < r.rows; i++) {
        struct id gone = db_get_id(&r, i, 0);
        TRY(audit_write(c, conn, &(struct audit_event){.event = "key.destroy", .object_type = "key", .object_id = &gone}));
    }
    return kek_store_any_old(c, conn, &a->left);
}

enum err key_rewrap_some(struct ctx *c, struct app *app, size_t batch, bool *ret_left)
{
    struct rewrap_arg a = {.app = app, .batch = batch};
    struct key probe = {{0}};
    struct wrapped w;
    /* Load what other nodes made, then learn which generation is the active one. */
    TRY(key_reload(c, app));
    TRY(wrap(c, app, "probe", &no_object, &probe, &w));
    a.active = w.kek_id;
    TRY(db_tx(c, app->be.db, DB_WRITE, rewrap_tx, &a));
    *ret_left = a.left;
    return ERR_OK;
}

struct secret_arg {
    struct slice name;
    struct slice value;
};

static enum err secret_put(struct ctx *c, struct db_conn *conn, const struct wrapped *w, void *arg)
{
    const struct secret_arg *a = arg;
    return secret_store_insert(c, conn, a->name, slice_of(w->key.b, sizeof w->key.b));
}

static enum err secret_get_tx(struct ctx *c, struct db_conn *conn, void *arg)
{
    struct secret_arg *a = arg;
    return secret_store_get(c, conn, a->name, &a->value);
}

enum err key_secret(struct ctx *c, struct app *app, const char *name, struct key *ret)
{
    CLEANUP(key_done) struct key fresh = {{0}};
    struct secret_arg a = {0};
    TRY(arena_printf(&c->arena, &a.name, "secret.%s", name));
    const char *label = a.name.ptr;
    enum err e = db_tx(c, app->be.db, DB_READ, secret_get_tx, &a);
    if (e == ERR_NOT_FOUND) {
        TRY(key_new(c, &fresh));
        e = key_put(c, app, label, &no_object, &fresh, secret_put, &a);
        /* Ours, or that of another node that was first. */
        if (e == ERR_OK || e == ERR_EXISTS) e = db_tx(c, app->be.db, DB_READ, secret_get_tx, &a);
    }
    TRY(e);
    return key_unwrap(c, app, label, &no_object, a.value, ret);
}
