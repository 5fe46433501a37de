/* Rules of the administration of accounts. */
#include "core/admin/admin.h"

#include "base/limits.h"
#include "codec/text.h"
#include "codec/utf8.h"
#include "core/admin/admin_store.h"
#include "core/apikey/apikey.h"
#include "core/audit/audit.h"
#include "core/session/session.h"
#include "core/upload/upload.h"
#include "os/clock.h"

#define BATCH 100u

static enum err not_found(struct ctx *c)
{
    return refuse(c, ERR_NOT_FOUND, "not_found", "There is no such account.");
}

struct admin_arg {
    struct app *app;
    const struct principal *who;
    struct id id;
    struct account account;
    const struct account_patch *patch;
    const struct account_query *query;
    struct slice like;
    struct account *rows;
    size_t n;
    bool suspend, delete_files, more;
};

/* ---- looking ---- */

static enum err list_tx(struct ctx *c, struct db_conn *conn, void *arg)
{
    struct admin_arg *a = arg;
    return admin_store_list(c, conn, a->app, &a->query->page, a->like, &a->rows, &a->n);
}

enum err admin_user_list(struct ctx *c, struct app *app, const struct account_query *q, struct account **ret, size_t *ret_n)
{
    struct admin_arg a = {.app = app, .query = q};
    TRY(page_like(c, "q", q->q, &a.like));
    TRY(db_tx(c, app->be.db, DB_READ, list_tx, &a));
    *ret = a.rows;
    *ret_n = a.n;
    return ERR_OK;
}

static enum err get_tx(struct ctx *c, struct db_conn *conn, void *arg)
{
    struct admin_arg *a = arg;
    return admin_store_get(c, conn, a->app, &a->id, &a->account);
}

enum err admin_user_get(struct ctx *c, struct app *app, const struct id *id, struct account *ret)
{
    struct admin_arg a = {.app = app, .id = *id};
    enum err e = db_tx(c, app->be.db, DB_READ, get_tx, &a);
    if (e == ERR_NOT_FOUND) return not_found(c);
    TRY(e);
    *ret = a.account;
    return ERR_OK;
}

/* ---- making ---- */

static enum err made_tx(struct ctx *c, struct db_conn *conn, const struct user *user, void *arg)
{
    struct admin_arg *a = arg;
    TRY(caller_recheck_tx(c, conn, a->app, a->who));
    return admin_store_change(c, conn, &user->id, a->patch, clock_wall_ms());
}

enum err admin_user_create(struct ctx *c, struct app *app, const struct principal *who, const struct account_new *n,
                           struct account *ret, struct invite *ret_invite)
{
    struct account_patch quota = {.quota = n->quota};
    struct admin_arg a = {.app = app, .who = who, .patch = &quota};
    struct user_new user = {.email = n->email, .display_name = n->display_name, .role = n->role, .password = n->password,
                            .who = who, .vouched = true, .also = made_tx, .also_arg = &a};
    struct user made;
    if (n->password.ptr && n->send_invite) {
        ctx_field_error(c, "send_invite", "cannot go with a password");
        return ERR_INVALID;
    }
    if (!n->password.ptr) user.import_hash = SLICE("");
    TRY(user_create(c, app, &user, &made));
    *ret_invite = (struct invite){.expires_at = 0};
    if (n->send_invite) TRY(account_send_choose(c, app, who, &made, ret_invite));
    return admin_user_get(c, app, &made.id, ret);
}

/* ---- changing ---- */

/* Refuses what would leave no active administrator. */
static enum err keep_an_admin(struct ctx *c, struct db_conn *conn, const struct id *leaving)
{
    struct db_result r;
    TRY(admin_store_active_admins(c, conn, &r));
    if (r.rows != 1) return ERR_OK;
    struct id last = db_get_id(&r, 0, 0);
    if (!id_eq(last, *leaving)) return ERR_OK;
    return refuse(c, ERR_CONFLICT, "last_admin", "This is the last active administrator. Make another one first.");
}

static enum err write_record(struct ctx *c, struct db_conn *conn, const struct admin_arg *a, const char *event, struct slice detail)
{
    return audit_write(c, conn, &(struct audit_event){.event = event, .who = a->who, .object_type = "user", .object_id = &a->id,
                                                      .detail = detail});
}

static enum err record_quota(struct ctx *c, struct db_conn *conn, const struct admin_arg *a, const char *what, struct opt_u64 v)
{
    struct slice detail;
    if (!v.set) return ERR_OK;
    TRY(arena_printf(&c->arena, &detail, "%s %llu", what, (unsigned long long)v.v));
    return write_record(c, conn, a, "user.quota", detail);
}

/* One record a change, so that each is found by its name. */
static enum err record_changes(struct ctx *c, struct db_conn *conn, const struct admin_arg *a)
{
    const struct account_patch *p = a->patch;
    if (p->set_role) TRY(write_record(c, conn, a, "user.role", slice_cstr(role_name(p->role))));
    TRY(record_quota(c, conn, a, "bytes", p->quota.bytes));
    TRY(record_quota(c, conn, a, "files", p->quota.files));
    TRY(record_quota(c, conn, a, "file_bytes", p->quota.file_bytes));
    TRY(record_quota(c, conn, a, "transfer_bytes", p->quota.transfer_bytes));
    if (p->set_must_change_password)
        TRY(write_record(c, conn, a, "user.must_change_password", p->must_change_password ? SLICE("on") : SLICE("off")));
    if (p->set_mfa_required) TRY(write_record(c, conn, a, "user.mfa_required", p->mfa_required ? SLICE("on") : SLICE("off")));
    if (p->display_name.ptr) TRY(write_record(c, conn, a, "user.rename", SLICE("")));
    return ERR_OK;
}

static enum err change_tx(struct ctx *c, struct db_conn *conn, void *arg)
{
    struct admin_arg *a = arg;
    const struct account_patch *p = a->patch;
    TRY(caller_recheck_tx(c, conn, a->app, a->who));
    if (p->set_role && p->role != ROLE_ADMIN) TRY(keep_an_admin(c, conn, &a->id));
    TRY(admin_store_get(c, conn, a->app, &a->id, &a->account));
    TRY(admin_store_change(c, conn, &a->id, p, clock_wall_ms()));
    TRY(record_changes(c, conn, a));
    if (p->email.ptr && !slice_eq(p->email, a->account.user.email))
        TRY(account_set_email_tx(c, conn, &(struct email_set){a->app, a->who, &a->account.user, p->email, true, NULL}));
    /* Access tokens name the role; what must be done at the next sign-in needs one. */
    bool other_role = p->set_role && p->role != a->account.user.role;
    if (other_role || (p->set_must_change_password && p->must_change_password) || (p->set_mfa_required && p->mfa_required))
        TRY(session_end_all_tx(c, conn, &a->id, NULL));
    return admin_store_get(c, conn, a->app, &a->id, &a->account);
}

static enum err finish(struct ctx *c, struct admin_arg *a, enum err e, struct account *ret)
{
    if (e == ERR_NOT_FOUND) return not_found(c);
    TRY(e);
    TRY(session_watch(c, a->app));
    *ret = a->account;
    return ERR_OK;
}

enum err admin_user_change(struct ctx *c, struct app *app, const struct principal *who, const struct id *id,
                           const struct account_patch *p, struct account *ret)
{
    struct admin_arg a = {.app = app, .who = who, .id = *id, .patch = p};
    if (p->display_name.len > LIMIT_TITLE_BYTES || !utf8_valid(p->display_name)) ctx_field_error(c, "display_name", "is too long");
    if (p->email.ptr && !email_plausible(p->email)) ctx_field_error(c, "email", "is not an e-mail address");
    if (c->field_error_count) return ERR_INVALID;
    enum err e = db_tx(c, app->be.db, DB_WRITE, change_tx, &a);
    if (e == ERR_EXISTS) return refuse(c, e, "email_taken", "There is an account with this e-mail address already.");
    return finish(c, &a, e, ret);
}

static enum err suspend_tx(struct ctx *c, struct db_conn *conn, void *arg)
{
    struct admin_arg *a = arg;
    TRY(caller_recheck_tx(c, conn, a->app, a->who));
    if (a->suspend) TRY(keep_an_admin(c, conn, &a->id));
    TRY(admin_store_set_state(c, conn, &a->id, a->suspend ? "suspended" : "active", clock_wall_ms()));
    if (a->suspend) TRY(session_end_all_tx(c, conn, &a->id, NULL));
    TRY(write_record(c, conn, a, a->suspend ? "user.suspend" : "user.unsuspend", SLICE("")));
    return admin_store_get(c, conn, a->app, &a->id, &a->account);
}

enum err admin_user_suspend(struct ctx *c, struct app *app, const struct principal *who, const struct id *id, bool suspend,
                            struct account *ret)
{
    struct admin_arg a = {.app = app, .who = who, .id = *id, .suspend = suspend};
    return finish(c, &a, db_tx(c, app->be.db, DB_WRITE, suspend_tx, &a), ret);
}

/* ---- deleting ---- */

/* First nothing new can come. */
static enum err close_tx(struct ctx *c, struct db_conn *conn, void *arg)
{
    struct admin_arg *a = arg;
    uint64_t owned = 0;
    TRY(caller_recheck_tx(c, conn, a->app, a->who));
    TRY(keep_an_admin(c, conn, &a->id));
    TRY(admin_store_owned(c, conn, &a->id, &owned));
    if (owned && !a->delete_files)
        return refuse(c, ERR_CONFLICT, "user_has_files", "This account has files. Delete them with it (delete_files=true), or first.");
    TRY(admin_store_set_state(c, conn, &a->id, "suspended", clock_wall_ms()));
    return session_end_all_tx(c, conn, &a->id, NULL);
}

/* A batch in each transaction; the last one takes the account. */
static enum err delete_some_tx(struct ctx *c, struct db_conn *conn, void *arg)
{
    struct admin_arg *a = arg;
    struct db_result uploads, files;
    TRY(admin_store_uploads(c, conn, &a->id, BATCH, &uploads));
    for (size_t i = 0; i < uploads.rows; i++) {
        struct id id = db_get_id(&uploads, i, 0);
        TRY(upload_delete_tx(c, conn, &id));
    }
    TRY(admin_store_files(c, conn, &a->id, BATCH, &files));
    for (size_t i = 0; i < files.rows; i++) {
        struct id id = db_get_id(&files, i, 0);
        TRY(file_delete_tx(c, conn, a->who, &id, SLICE("account")));
    }
    a->more = uploads.rows == BATCH || files.rows == BATCH;
    if (a->more) return ERR_OK;
    TRY(session_end_all_tx(c, conn, &a->id, NULL));
    TRY(admin_store_delete(c, conn, &a->id));
    return write_record(c, conn, a, "user.delete", SLICE(""));
}

enum err admin_user_delete(struct ctx *c, struct app *app, const struct principal *who, const struct id *id, bool delete_files)
{
    struct admin_arg a = {.app = app, .who = who, .id = *id, .delete_files = delete_files};
    enum err e = db_tx(c, app->be.db, DB_WRITE, close_tx, &a);
    if (e == ERR_NOT_FOUND) return not_found(c);
    TRY(e);
    TRY(session_watch(c, app));
    do TRY(db_tx(c, app->be.db, DB_WRITE, delete_some_tx, &a));
    while (a.more);
    return session_watch(c, app);
}
