/* Registration: by invitation at once, or by a confirmed address where it is open to everybody. */
#include "base/intmath.h"
#include "base/limits.h"
#include "codec/json.h"
#include "codec/utf8.h"
#include "core/account/account_store.h"
#include "core/account/pending.h"
#include "core/app/sealed.h"
#include "core/audit/audit.h"
#include "core/job/job.h"
#include "core/user/password.h"
#include "os/clock.h"

#define VERIFY_TTL_MS (24 * 3600 * 1000ll)

/* ---- by invitation ---- */

struct invited {
    struct sha256 hash;
    struct invite_data invite;
    const struct app *app;
};

static enum err use_invite_tx(struct ctx *c, struct db_conn *conn, const struct user *user, void *arg)
{
    struct invited *a = arg;
    struct id nobody;
    struct slice data;
    int64_t now = clock_wall_ms();
    TRY(mailed_store_take(c, conn, &a->hash, mailed_purpose(MAILED_INVITE), now, &nobody, &data));
    if (a->invite.quota_bytes.set) TRY(account_store_set_quota(c, conn, &user->id, a->invite.quota_bytes.v));
    /* Whoever holds the mailed link reads that mailbox. */
    return mail_configured(a->app) ? account_store_confirm(c, conn, &user->id, now) : ERR_OK;
}

struct peek_arg {
    struct sha256 hash;
    enum mailed_kind kind;
    struct slice data;
    struct id user;
};

static enum err peek_tx(struct ctx *c, struct db_conn *conn, void *arg)
{
    struct peek_arg *a = arg;
    return mailed_store_peek(c, conn, &a->hash, mailed_purpose(a->kind), clock_wall_ms(), &a->user, &a->data);
}

static enum err same_address(struct ctx *c, struct slice a, struct slice b, bool *ret)
{
    struct slice x, y;
    *ret = false;
    if (utf8_fold(&c->arena, a, &x) != ERR_OK) return ERR_OK;
    TRY(utf8_fold(&c->arena, b, &y));
    *ret = slice_eq(x, y);
    return ERR_OK;
}

static enum err register_invited(struct ctx *c, struct app *app, const struct principal *who,
                                 const struct registration_new *n, struct user *ret)
{
    struct invited a = {.app = app};
    struct peek_arg peek = {.kind = MAILED_INVITE};
    bool same = false;
    enum err e = mailed_hash(c, MAILED_INVITE, n->invite, &peek.hash);
    if (e == ERR_OK) e = db_tx(c, app->be.db, DB_READ, peek_tx, &peek);
    if (e == ERR_NOT_FOUND) return mailed_invalid(c);
    TRY(e);
    TRY(json_decode(c, peek.data, &invite_table, JSON_STRICT, &a.invite));
    a.hash = peek.hash;
    TRY(same_address(c, n->email, a.invite.email, &same));
    if (!same) {
        ctx_field_error(c, "email", "is not the address that was invited");
        return ERR_INVALID;
    }
    struct user_new user = {.email = n->email, .password = n->password, .display_name = n->display_name, .who = who,
                            .also = use_invite_tx, .also_arg = &a};
    TRY(role_parse(a.invite.role, &user.role));
    e = user_create(c, app, &user, ret);
    return e == ERR_NOT_FOUND ? mailed_invalid(c) : e;
}

/* ---- open to everybody ---- */

static enum err add_job_tx(struct ctx *c, struct db_conn *conn, void *arg)
{
    const struct slice *payload = arg;
    return job_add(c, conn, &(struct job_new){.kind = "account", .payload = *payload});
}

enum err pending_enqueue(struct ctx *c, struct app *app, const struct pending *p)
{
    CLEANUP(buf_done) struct buf json = {.max = 16 * KIB, .sensitive = true};
    struct slice payload;
    TRY(json_encode(&json, &pending_table, p));
    TRY(sealed_text(c, app, PENDING_LABEL, buf_view(&json), &payload));
    return db_tx(c, app->be.db, DB_WRITE, add_job_tx, &payload);
}

static enum err register_open(struct ctx *c, struct app *app, const struct principal *who, const struct registration_new *n,
                              struct user *ret)
{
    struct user_new user = {.email = n->email, .password = n->password, .display_name = n->display_name, .role = ROLE_USER,
                            .who = who};
    struct pending p = {.what = SLICE("register"), .ip = slice_cstr(who->ip)};
    struct user made = {.role = ROLE_USER, .active = true, .quota = app->cfg.quota_user,
                        .created_at = clock_wall_ms()};
    TRY(user_check_new(c, app, &user));
    TRY(password_hash(c, app, user.password, &p.password_hash));
    TRY(os_new_id(&made.id));
    made.email = p.email = user.email;
    made.display_name = p.display_name = user.display_name;
    /* Whether the address is free is seen by the job only: making an account takes longer than not making one. */
    TRY(pending_enqueue(c, app, &p));
    *ret = made;
    return ERR_OK;
}

enum err account_register(struct ctx *c, struct app *app, const struct principal *who, const struct registration_new *n,
                          struct user *ret)
{
    if (n->invite.len) return register_invited(c, app, who, n, ret);
    if (app->cfg.registration == REGISTRATION_OPEN) return register_open(c, app, who, n, ret);
    if (app->cfg.registration == REGISTRATION_INVITE)
        return refuse(c, ERR_DENIED, "invite_required", "You need an invitation to make an account here. Ask an administrator.");
    return refuse(c, ERR_DENIED, "registration_closed", "Accounts on this server are made by its administrators.");
}

/* ---- the job: is the address free? ---- */

struct decide_arg {
    struct app *app;
    struct user owner; /* of the address, if it is taken */
    struct mailed m;
    struct sha256 hash;
};

static enum err verify_mail_tx(struct ctx *c, struct db_conn *conn, void *arg)
{
    struct decide_arg *a = arg;
    return mailed_send_tx(c, conn, a->app, &a->m, &a->hash);
}

enum err mail_exists_tx(struct ctx *c, struct db_conn *conn, const struct app *app, const struct user *owner)
{
    struct slice link;
    TRY(mail_link(c, app, "", SLICE(""), &link));
    struct mail_param params[] = {{"link", link}};
    return mail_queue(c, conn, app, &(struct mail_new){.template = MAIL_EXISTS, .to = owner->email, .locale = owner->locale,
                                                       .params = params, .param_count = 1});
}

static enum err exists_tx(struct ctx *c, struct db_conn *conn, void *arg)
{
    struct decide_arg *a = arg;
    return mail_exists_tx(c, conn, a->app, &a->owner);
}

/* Without mail nobody can be asked. */
static enum err register_unasked(struct ctx *c, struct app *app, const struct pending *p)
{
    struct principal who = {.signed_in = false};
    struct user_new n = {.email = p->email, .import_hash = p->password_hash, .display_name = p->display_name, .role = ROLE_USER,
                         .who = &who};
    struct user made;
    memcpy(who.ip, p->ip.ptr, MIN(p->ip.len, sizeof who.ip - 1));
    enum err e = user_create(c, app, &n, &made);
    if (e != ERR_EXISTS) return e;
    ctx_clear_error(c);
    return ERR_OK;
}

enum err pending_register(struct ctx *c, struct app *app, const struct pending *p)
{
    CLEANUP(buf_done) struct buf data = {.max = 16 * KIB, .sensitive = true};
    struct decide_arg a = {.app = app,
                           .m = {.kind = MAILED_VERIFY, .to = p->email, .ip = p->ip, .ttl_ms = VERIFY_TTL_MS}};
    enum err e = user_by_email(c, app, p->email, &a.owner);
    if (e == ERR_OK) return db_tx(c, app->be.db, DB_WRITE, exists_tx, &a);
    if (e != ERR_NOT_FOUND) return e;
    ctx_clear_error(c);
    if (!mail_configured(app)) return register_unasked(c, app, p);
    TRY(json_encode(&data, &pending_table, p));
    a.m.data = buf_view(&data);
    TRY(mailed_make(c, app, &a.m, &a.hash));
    return db_tx(c, app->be.db, DB_WRITE, verify_mail_tx, &a);
}

/* ---- the confirmed address ---- */

static enum err confirmed_tx(struct ctx *c, struct db_conn *conn, const struct user *user, void *arg)
{
    const struct sha256 *hash = arg;
    struct id nobody;
    struct slice data;
    int64_t now = clock_wall_ms();
    TRY(mailed_store_take(c, conn, hash, mailed_purpose(MAILED_VERIFY), now, &nobody, &data));
    return account_store_confirm(c, conn, &user->id, now);
}

enum err account_verify(struct ctx *c, struct app *app, const struct principal *who, struct slice token, struct user *ret)
{
    struct peek_arg peek = {.kind = MAILED_VERIFY};
    struct pending p;
    enum err e = mailed_hash(c, MAILED_VERIFY, token, &peek.hash);
    if (e == ERR_NOT_FOUND) return mailed_invalid(c);
    if (e == ERR_OK) e = db_tx(c, app->be.db, DB_READ, peek_tx, &peek);
    if (e == ERR_NOT_FOUND) return email_confirm(c, app, who, &peek.hash, ret);
    TRY(e);
    TRY(json_decode(c, peek.data, &pending_table, JSON_STRICT, &p));
    struct user_new n = {.email = p.email, .import_hash = p.password_hash, .display_name = p.display_name, .role = ROLE_USER,
                         .who = who, .also = confirmed_tx, .also_arg = &peek.hash};
    e = user_create(c, app, &n, ret);
    return e == ERR_NOT_FOUND || e == ERR_EXISTS ? mailed_invalid(c) : e;
}
