/* Rules of accounts: what an address and a name must be, making and finding them. */
#include "core/user/user.h"

#include "base/limits.h"
#include "codec/text.h"
#include "codec/utf8.h"
#include "core/audit/audit.h"
#include "core/user/password.h"
#include "core/user/user_store.h"
#include "os/clock.h"

bool user_role_needs_factor(const struct app *app, enum role role)
{
    return app->cfg.mfa_policy == MFA_FOR_ALL || (app->cfg.mfa_policy == MFA_FOR_ADMINS && role == ROLE_ADMIN);
}

enum err user_check_new(struct ctx *c, const struct app *app, struct user_new *n)
{
    if (!email_plausible(n->email)) ctx_field_error(c, "email", "is not an e-mail address");
    if (!n->display_name.ptr) n->display_name = slice_sub(n->email, 0, slice_find(n->email, '@'));
    if (n->display_name.len > LIMIT_TITLE_BYTES || !utf8_valid(n->display_name))
        ctx_field_error(c, "display_name", "is too long");
    if (c->field_error_count) return ERR_INVALID;
    if (n->import_hash.ptr) return ERR_OK;
    struct password_owner owner = {user_role_needs_factor(app, n->role), n->email, n->display_name};
    return password_check_new(c, app, &owner, n->password, "password");
}

bool user_proof_stands(const struct user *seen, const struct user *now)
{
    return now->active && seen->password_changed_at == now->password_changed_at && seen->role == now->role &&
           seen->must_change_password == now->must_change_password && seen->mfa_required == now->mfa_required;
}

struct create_arg {
    struct app *app;
    struct user user;
    struct slice email_key;
    const struct user_new *n;
};

static enum err create_tx(struct ctx *c, struct db_conn *conn, void *arg)
{
    struct create_arg *a = arg;
    uint64_t n = 0;
    if (a->n->must_be_first)
        TRY(user_store_count_locked(c, conn, &n));
    else
        TRY(user_store_hold_setup(c, conn));
    if (n) return ERR_NOT_FOUND;
    TRY(user_store_insert(c, conn, &a->user, a->email_key, a->n->vouched));
    if (a->n->also) TRY(a->n->also(c, conn, &a->user, a->n->also_arg));
    TRY(audit_write(c, conn, &(struct audit_event){.event = "user.create", .who = a->n->who, .object_type = "user",
                                                   .object_id = &a->user.id, .email = a->user.email,
                                                   .detail = slice_cstr(role_name(a->user.role))}));
    return user_load(c, conn, a->app, &a->user.id, &a->user);
}

enum err user_create(struct ctx *c, struct app *app, const struct user_new *n, struct user *ret)
{
    struct user_new want = *n;
    struct create_arg a = {.app = app, .n = n};
    TRY(user_check_new(c, app, &want));
    TRY(utf8_fold(&c->arena, want.email, &a.email_key));
    a.user = (struct user){.email = want.email, .display_name = want.display_name, .role = want.role,
                           .created_at = clock_wall_ms()};
    TRY(os_new_id(&a.user.id));
    a.user.password_hash = want.import_hash;
    if (!want.import_hash.ptr) TRY(password_hash(c, app, want.password, &a.user.password_hash));
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

enum err user_by_id(struct ctx *c, struct app *app, const struct id *id, struct user *ret)
{
    struct find_arg a = {.app = app, .id = *id};
    TRY(db_tx(c, app->be.db, DB_READ_ONE, by_id_tx, &a));
    *ret = a.user;
    return ERR_OK;
}

enum err user_by_email(struct ctx *c, struct app *app, struct slice email, struct user *ret)
{
    struct find_arg a = {.app = app};
    if (!email_plausible(email)) return ERR_NOT_FOUND;
    TRY(utf8_fold(&c->arena, email, &a.key));
    TRY(db_tx(c, app->be.db, DB_READ_ONE, by_email_tx, &a));
    *ret = a.user;
    return ERR_OK;
}

enum err user_list(struct ctx *c, struct app *app, struct user **ret, size_t *ret_n)
{
    struct find_arg a = {.app = app};
    TRY(db_tx(c, app->be.db, DB_READ_ONE, list_tx, &a));
    *ret = a.users;
    *ret_n = a.n;
    return ERR_OK;
}

enum err user_count(struct ctx *c, struct app *app, uint64_t *ret)
{
    struct find_arg a = {.app = app};
    TRY(db_tx(c, app->be.db, DB_READ_ONE, count_tx, &a));
    *ret = a.count;
    return ERR_OK;
}

struct change_arg {
    const struct id *id;
    const struct user_patch *p;
};

static enum err change_tx(struct ctx *c, struct db_conn *conn, void *arg)
{
    const struct change_arg *a = arg;
    return user_store_change(c, conn, a->id, a->p, clock_wall_ms());
}

enum err user_change(struct ctx *c, struct app *app, const struct id *id, const struct user_patch *p)
{
    struct change_arg a = {id, p};
    return db_tx(c, app->be.db, DB_WRITE, change_tx, &a);
}

enum err user_set_email_tx(struct ctx *c, struct db_conn *conn, const struct id *id, struct slice email, bool confirmed)
{
    struct slice key;
    TRY(utf8_fold(&c->arena, email, &key));
    return user_store_set_email(c, conn, id, email, key, confirmed, clock_wall_ms());
}
