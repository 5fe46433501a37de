/* Rules of accounts: what an address, a name and a password must be; hashing behind the gate. */
#include "core/user/user.h"

#include "base/limits.h"
#include "codec/text.h"
#include "codec/utf8.h"
#include "core/app/gate.h"
#include "core/user/user_store.h"
#include "os/clock.h"

#define HASH_WAIT_MS 10000

static enum err hash_password(struct ctx *c, struct app *app, struct slice password, struct slice *ret)
{
    char phc[PWHASH_TEXT_MAX];
    struct slice normal;
    TRY(utf8_nfkc(&c->arena, password, &normal));
    TRY(gate_enter(app->hash_gate, HASH_WAIT_MS));
    enum err e = argon2id_hash(&app->pepper, normal, app->cfg.password_cost, phc);
    gate_leave(app->hash_gate);
    if (e != ERR_OK) return fail(c, e, "password hash");
    return arena_slice(&c->arena, slice_cstr(phc), ret);
}

/* What a password of nobody is compared with, so that unknown accounts take as long as known ones. */
static const char dummy_hash[] =
    "$argon2id$v=19$m=65536,t=3,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

struct hash_arg {
    struct app *app;
    const struct user *user;
    struct slice hash;
};

static enum err set_hash_tx(struct ctx *c, struct db_conn *conn, void *arg)
{
    struct hash_arg *a = arg;
    return user_store_set_hash(c, conn, &a->user->id, a->user->password_hash, a->hash, clock_wall_ms());
}

/* The settings ask for more than this hash was made with, and the password is at hand. */
static enum err strengthen(struct ctx *c, struct app *app, const struct user *user, struct slice password)
{
    struct hash_arg a = {.app = app, .user = user};
    if (!argon2id_outdated(user->password_hash, app->cfg.password_cost)) return ERR_OK;
    TRY(hash_password(c, app, password, &a.hash));
    return db_tx(c, app->be.db, DB_WRITE, set_hash_tx, &a);
}

enum err user_check_password(struct ctx *c, struct app *app, const struct user *user, struct slice password)
{
    struct slice normal, phc = user ? user->password_hash : slice_cstr(dummy_hash);
    if (password.len > LIMIT_PASSWORD_BYTES || !utf8_valid(password)) password = SLICE("");
    TRY(utf8_nfkc(&c->arena, password, &normal));
    TRY(gate_enter(app->hash_gate, HASH_WAIT_MS));
    enum err e = argon2id_verify(&app->pepper, normal, phc);
    gate_leave(app->hash_gate);
    if (!user && e == ERR_OK) e = ERR_DENIED;
    TRY(e);
    err_ignore(strengthen(c, app, user, password), "the sign-in stands; the next one tries again");
    return ERR_OK;
}

static enum err check_new(struct ctx *c, struct user_new *n)
{
    if (!email_plausible(n->email)) ctx_field_error(c, "email", "is not an e-mail address");
    if (!utf8_valid(n->password) || n->password.len < LIMIT_PASSWORD_MIN_BYTES)
        ctx_field_error(c, "password", "must have at least 12 characters");
    if (n->password.len > LIMIT_PASSWORD_BYTES) ctx_field_error(c, "password", "is longer than 1024 bytes");
    if (!n->display_name.ptr) n->display_name = slice_sub(n->email, 0, slice_find(n->email, '@'));
    if (n->display_name.len > LIMIT_TITLE_BYTES || !utf8_valid(n->display_name))
        ctx_field_error(c, "display_name", "is too long");
    return c->field_error_count ? ERR_INVALID : ERR_OK;
}

struct create_arg {
    struct app *app;
    struct user user;
    struct slice email_key;
    bool must_be_first;
};

static enum err create_tx(struct ctx *c, struct db_conn *conn, void *arg)
{
    struct create_arg *a = arg;
    uint64_t n = 0;
    if (a->must_be_first) TRY(user_store_count(c, conn, &n));
    if (n) return ERR_NOT_FOUND;
    TRY(user_store_insert(c, conn, &a->user, a->email_key));
    return user_load(c, conn, a->app, &a->user.id, &a->user);
}

enum err user_create(struct ctx *c, struct app *app, const struct user_new *n, struct user *ret)
{
    struct user_new want = *n;
    struct create_arg a = {.app = app, .must_be_first = n->must_be_first};
    TRY(check_new(c, &want));
    TRY(utf8_fold(&c->arena, want.email, &a.email_key));
    a.user = (struct user){.email = want.email, .display_name = want.display_name, .role = want.role,
                           .created_at = clock_wall_ms()};
    TRY(os_new_id(&a.user.id));
    TRY(hash_password(c, app, want.password, &a.user.password_hash));
    enum err e = db_tx(c, app->be.db, DB_WRITE, create_tx, &a);
    if (e == ERR_EXISTS) return refuse(c, e, "email_taken", "There is an account with this e-mail address already.");
    TRY(e);
    *ret = a.user;
    return ERR_OK;
}

struct find_arg {
    struct app *app;
    struct id id;
    struct slice key;
    struct user user;
    struct user *users;
    size_t n;
    uint64_t count;
};

static enum err by_id_tx(struct ctx *c, struct db_conn *conn, void *arg)
{
    struct find_arg *a = arg;
    return user_load(c, conn, a->app, &a->id, &a->user);
}

static enum err by_email_tx(struct ctx *c, struct db_conn *conn, void *arg)
{
    struct find_arg *a = arg;
    return user_store_by_email(c, conn, a->app, a->key, &a->user);
}

static enum err list_tx(struct ctx *c, struct db_conn *conn, void *arg)
{
    struct find_arg *a = arg;
    return user_store_list(c, conn, a->app, &a->users, &a->n);
}

static enum err count_tx(struct ctx *c, struct db_conn *conn, void *arg)
{
    struct find_arg *a = arg;
    return user_store_count(c, conn, &a->count);
}

static enum err rename_tx(struct ctx *c, struct db_conn *conn, void *arg)
{
    struct find_arg *a = arg;
    return user_store_rename(c, conn, &a->id, a->key, clock_wall_ms());
}

enum err user_by_id(struct ctx *c, struct app *app, const struct id *id, struct user *ret)
{
    struct find_arg a = {.app = app, .id = *id};
    TRY(db_tx(c, app->be.db, DB_READ, by_id_tx, &a));
    *ret = a.user;
    return ERR_OK;
}

enum err user_by_email(struct ctx *c, struct app *app, struct slice email, struct user *ret)
{
    struct find_arg a = {.app = app};
    if (!email_plausible(email)) return ERR_NOT_FOUND;
    TRY(utf8_fold(&c->arena, email, &a.key));
    TRY(db_tx(c, app->be.db, DB_READ, by_email_tx, &a));
    *ret = a.user;
    return ERR_OK;
}

enum err user_list(struct ctx *c, struct app *app, struct user **ret, size_t *ret_n)
{
    struct find_arg a = {.app = app};
    TRY(db_tx(c, app->be.db, DB_READ, list_tx, &a));
    *ret = a.users;
    *ret_n = a.n;
    return ERR_OK;
}

enum err user_count(struct ctx *c, struct app *app, uint64_t *ret)
{
    struct find_arg a = {.app = app};
    TRY(db_tx(c, app->be.db, DB_READ, count_tx, &a));
    *ret = a.count;
    return ERR_OK;
}

enum err user_rename(struct ctx *c, struct app *app, const struct id *id, struct slice display_name)
{
    struct find_arg a = {.app = app, .id = *id, .key = display_name};
    return db_tx(c, app->be.db, DB_WRITE, rename_tx, &a);
}
