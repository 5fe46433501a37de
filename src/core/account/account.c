/* Forgotten passwords, invitations, and the job that decides what a request must not show. */
#include "core/account/account.h"

#include "base/limits.h"
#include "base/log.h"
#include "codec/text.h"
#include "codec/utf8.h"
#include "core/account/account_store.h"
#include "core/account/pending.h"
#include "core/apikey/apikey.h"
#include "core/app/sealed.h"
#include "core/audit/audit.h"
#include "core/limit/limit.h"
#include "core/session/session.h"
#include "core/user/password.h"
#include "os/clock.h"

#define RESET_TTL_MS (15 * 60 * 1000ll)
#define KEEP_MS (24 * 3600 * 1000ll)

#define F(strct, member, type, ...) JSON_FIELD(struct strct, member, type, __VA_ARGS__)
JSON_TABLE(pending_table, "Pending", struct pending,
           F(pending, what, JSON_STRING), F(pending, email, JSON_STRING), F(pending, display_name, JSON_STRING),
           F(pending, password_hash, JSON_STRING), F(pending, ip, JSON_STRING), F(pending, user_id, JSON_OPT_ID),
           F(pending, session_id, JSON_OPT_ID), F(pending, password_changed_at, JSON_OPT_U64));
JSON_TABLE(invite_table, "InviteData", struct invite_data,
           F(invite_data, email, JSON_STRING), F(invite_data, role, JSON_STRING), F(invite_data, quota_bytes, JSON_OPT_U64));

/* ---- the job ---- */

/* Mail that strangers can cause is bounded for each address. */
static enum err may_mail(struct ctx *c, struct app *app, struct slice email)
{
    struct limit mails = {"mail", SLICE(""), {5, 3600 * 1000}};
    if (utf8_fold(&c->arena, email, &mails.who) != ERR_OK) return ERR_RATE;
    return limit_take(c, app, &mails, 1);
}

enum err account_job(struct ctx *c, struct app *app, struct slice payload)
{
    struct slice json;
    struct pending p;
    TRY(sealed_text_open(c, app, PENDING_LABEL, payload, &json));
    TRY(json_decode(c, json, &pending_table, JSON_STRICT, &p));
    enum err e = may_mail(c, app, p.email);
    if (e == ERR_RATE) {
        ctx_clear_error(c);
        log_warn("mail_limit", LOG_TEXT("what", p.what), LOG_TEXT("ip", p.ip));
        return ERR_OK;
    }
    TRY(e);
    if (slice_eq(p.what, SLICE("email"))) return pending_email(c, app, &p);
    return slice_eq(p.what, SLICE("register")) ? pending_register(c, app, &p) : pending_forgot(c, app, &p);
}

/* ---- forgotten passwords ---- */

enum err account_forgot(struct ctx *c, struct app *app, const struct principal *who, struct slice email)
{
    struct pending p = {.what = SLICE("forgot"), .email = email, .ip = slice_cstr(who->ip)};
    return pending_enqueue(c, app, &p);
}

struct send_arg {
    struct app *app;
    struct mailed m;
    struct sha256 hash;
    const struct principal *admin; /* whose act it is; NULL: nobody's, or that of the command line */
    struct audit_event event;
};

static enum err send_tx(struct ctx *c, struct db_conn *conn, void *arg)
{
    struct send_arg *a = arg;
    TRY(caller_recheck_tx(c, conn, a->app, a->admin));
    TRY(mailed_send_tx(c, conn, a->app, &a->m, &a->hash));
    return audit_write(c, conn, &a->event);
}

static enum err send_mailed(struct ctx *c, struct app *app, struct send_arg *a)
{
    a->app = app;
    TRY(mailed_make(c, app, &a->m, &a->hash));
    return db_tx(c, app->be.db, DB_WRITE, send_tx, a);
}

enum err pending_forgot(struct ctx *c, struct app *app, const struct pending *p)
{
    struct user user;
    struct principal who = {.signed_in = false};
    memcpy(who.ip, p->ip.ptr, p->ip.len < sizeof who.ip ? p->ip.len : sizeof who.ip - 1);
    enum err e = user_by_email(c, app, p->email, &user);
    if (e == ERR_NOT_FOUND || (e == ERR_OK && !user.active)) {
        ctx_clear_error(c);
        return ERR_OK;
    }
    TRY(e);
    struct send_arg a = {.m = {.kind = MAILED_RESET, .user_id = &user.id, .to = user.email, .locale = user.locale, .ip = p->ip,
                               .ttl_ms = RESET_TTL_MS},
                         .event = {.event = "auth.password.forgot", .who = &who, .actor_id = &user.id, .object_type = "user",
                                   .object_id = &user.id}};
    TRY(send_mailed(c, app, &a));
    mailed_show(app, &a.m);
    return ERR_OK;
}

struct reset_arg {
    struct app *app;
    const struct principal *who;
    enum mailed_kind kind;
    struct sha256 hash;
    struct id user_id;
    struct user user;
    struct slice new_hash;
};

/* A link for a first password is over once there is one; nobody suspended comes back by either. */
static enum err find_reset_tx(struct ctx *c, struct db_conn *conn, void *arg)
{
    struct reset_arg *a = arg;
    struct slice data;
    int64_t now = clock_wall_ms();
    a->kind = MAILED_RESET;
    enum err e = mailed_store_peek(c, conn, &a->hash, mailed_purpose(a->kind), now, &a->user_id, &data);
    if (e == ERR_NOT_FOUND) {
        a->kind = MAILED_CHOOSE;
        e = mailed_store_peek(c, conn, &a->hash, mailed_purpose(a->kind), now, &a->user_id, &data);
    }
    TRY(e);
    TRY(user_load(c, conn, a->app, &a->user_id, &a->user));
    bool over = a->kind == MAILED_CHOOSE && a->user.password_hash.len;
    return over || !a->user.active ? ERR_NOT_FOUND : ERR_OK;
}

/* Who has the mailbox is first known now. Whoever had the account before may have left other ways in. */
static enum err first_proof_of_address(struct ctx *c, struct db_conn *conn, const struct reset_arg *a, const struct id *user,
                                       struct slice *ret_detail)
{
    if (!mail_configured(a->app)) return ERR_OK;
    enum err e = account_store_confirm_first(c, conn, user, clock_wall_ms());
    if (e == ERR_NOT_FOUND) return ERR_OK;
    TRY(e);
    *ret_detail = SLICE("address confirmed; factors, keys and external sign-ins removed");
    return account_store_drop_ways_in(c, conn, user);
}

static enum err reset_tx(struct ctx *c, struct db_conn *conn, void *arg)
{
    struct reset_arg *a = arg;
    struct id user;
    struct slice data, detail = SLICE("");
    int64_t now = clock_wall_ms();
    TRY(mailed_store_take(c, conn, &a->hash, mailed_purpose(a->kind), now, &user, &data));
    TRY(password_set_tx(c, conn, &user, a->new_hash));
    TRY(session_end_all_tx(c, conn, &user, NULL));
    TRY(first_proof_of_address(c, conn, a, &user, &detail));
    TRY(mail_notice(c, conn, a->app, MAIL_PASSWORD_CHANGED, &(struct mail_to){a->user.email, a->user.locale},
                    slice_cstr(a->who->ip)));
    return audit_write(c, conn, &(struct audit_event){.event = "auth.password.reset", .who = a->who, .actor_id = &user,
                                                      .object_type = "user", .object_id = &user, .detail = detail});
}

enum err account_reset(struct ctx *c, struct app *app, const struct principal *who, struct slice token, struct slice new_password)
{
    struct reset_arg a = {.app = app, .who = who};
    enum err e = mailed_hash(c, MAILED_RESET, token, &a.hash);
    if (e == ERR_OK) e = db_tx(c, app->be.db, DB_READ, find_reset_tx, &a);
    if (e == ERR_NOT_FOUND) return mailed_invalid(c);
    TRY(e);
    struct password_owner owner = {a.user.needs_factor, a.user.email, a.user.display_name};
    TRY(password_check_new(c, app, &owner, new_password, "new_password"));
    TRY(password_hash(c, app, new_password, &a.new_hash));
    e = db_tx(c, app->be.db, DB_WRITE, reset_tx, &a);
    if (e == ERR_NOT_FOUND) return mailed_invalid(c);
    TRY(e);
    return session_watch(c, app);
}

/* ---- invitations ---- */

static void give_link(const struct app *app, const struct mailed *m, struct invite *ret)
{
    *ret = (struct invite){.expires_at = m->expires_at};
    if (!mail_configured(app)) ret->link = m->link;
}

enum err account_invite(struct ctx *c, struct app *app, const struct principal *who, const struct invite_new *n, struct invite *ret)
{
    CLEANUP(buf_done) struct buf data = BUF_INIT(4 * KIB);
    struct invite_data d = {n->email, slice_cstr(role_name(n->role)), {n->has_quota, n->quota_bytes}};
    uint64_t ttl_s = n->expires_in_s ? n->expires_in_s : INVITE_DEFAULT_S;
    struct user user;
    if (!email_plausible(n->email)) ctx_field_error(c, "email", "is not an e-mail address");
    if (ttl_s > INVITE_MAX_S) ctx_field_error(c, "expires_in", "is longer than 90 days");
    if (c->field_error_count) return ERR_INVALID;
    enum err e = user_by_email(c, app, n->email, &user);
    if (e == ERR_OK) return refuse(c, ERR_EXISTS, "email_taken", "There is an account with this e-mail address already.");
    if (e != ERR_NOT_FOUND) return e;
    ctx_clear_error(c);
    TRY(json_encode(&data, &invite_table, &d));
    struct send_arg a = {.m = {.kind = MAILED_INVITE, .to = n->email, .data = buf_view(&data), .ttl_ms = (int64_t)ttl_s * 1000},
                         .admin = who,
                         .event = {.event = "user.invite", .who = who, .object_type = "invite", .email = n->email, .detail = d.role}};
    TRY(send_mailed(c, app, &a));
    give_link(app, &a.m, ret);
    return ERR_OK;
}

enum err account_send_choose(struct ctx *c, struct app *app, const struct principal *who, const struct user *user, struct invite *ret)
{
    struct send_arg a = {.m = {.kind = MAILED_CHOOSE, .user_id = &user->id, .to = user->email, .locale = user->locale,
                               .ttl_ms = INVITE_DEFAULT_S * 1000},
                         .admin = who,
                         .event = {.event = "user.invite", .who = who, .object_type = "user", .object_id = &user->id}};
    TRY(send_mailed(c, app, &a));
    give_link(app, &a.m, ret);
    return ERR_OK;
}

/* ---- expiry ---- */

static enum err purge_tx(struct ctx *c, struct db_conn *conn, void *arg)
{
    (void)arg;
    return mailed_store_purge(c, conn, clock_wall_ms() - KEEP_MS);
}

enum err account_purge(struct ctx *c, struct app *app) { return db_tx(c, app->be.db, DB_WRITE, purge_tx, NULL); }
