/* Another address for an account: asked for by its holder and confirmed at the new address, or set by an administrator. */
#include "base/intmath.h"
#include "base/limits.h"
#include "codec/text.h"
#include "codec/utf8.h"
#include "core/account/account_store.h"
#include "core/account/pending.h"
#include "core/audit/audit.h"
#include "core/limit/limit.h"
#include "core/session/session.h"
#include "os/clock.h"

#define CONFIRM_TTL_MS (24 * 3600 * 1000ll)
#define CHANGES_PER_HOUR 10

enum err account_email_change(struct ctx *c, struct app *app, const struct principal *who, const struct user *user, struct slice email)
{
    struct pending p = {.what = SLICE("email"), .email = email, .ip = slice_cstr(who->ip), .user_id = {true, user->id},
                        .session_id = {true, who->session_id}, .password_changed_at = {true, (uint64_t)user->password_changed_at}};
    struct limit changes = {"email-change", id_bytes(&user->id), {CHANGES_PER_HOUR, 3600 * 1000}};
    if (!email_plausible(email)) ctx_field_error(c, "email", "is not an e-mail address");
    if (slice_eq(email, user->email)) ctx_field_error(c, "email", "is the address of this account already");
    if (c->field_error_count) return ERR_INVALID;
    TRY(limit_take(c, app, &changes, 1));
    /* Whether the address is free is seen by the job only. */
    return pending_enqueue(c, app, &p);
}

enum err account_set_email_tx(struct ctx *c, struct db_conn *conn, const struct email_set *s)
{
    static const enum mailed_kind old_ways[] = {MAILED_RESET, MAILED_CHOOSE, MAILED_EMAIL};
    const struct user *user = s->user;
    TRY(user_set_email_tx(c, conn, &user->id, s->email, s->confirmed));
    /* What lies in the old mailbox opens nothing any more. */
    for (size_t i = 0; i < ARRAY_LEN(old_ways); i++) TRY(mailed_store_drop(c, conn, &user->id, mailed_purpose(old_ways[i])));
    TRY(session_end_all_tx(c, conn, &user->id, s->keep_session));
    TRY(mail_notice(c, conn, s->app, MAIL_EMAIL_CHANGED, &(struct mail_to){user->email, user->locale},
                    s->who ? slice_cstr(s->who->ip) : SLICE("")));
    return audit_write(c, conn, &(struct audit_event){.event = "user.email", .who = s->who, .object_type = "user",
                                                      .actor_id = s->keep_session ? &user->id : NULL, .object_id = &user->id,
                                                      .email = s->email});
}

struct change_arg {
    struct app *app;
    const struct principal *who;
    struct pending p;
    struct user user;
    bool confirmed;
    const struct sha256 *hash; /* of the token that confirms; NULL: nobody can be asked */
    struct mailed m;
    struct sha256 new_hash;
    const struct user *taken;
};

/* A new password since, by whoever, takes the wish back. */
static enum err change_tx(struct ctx *c, struct db_conn *conn, void *arg)
{
    struct change_arg *a = arg;
    struct id user;
    struct slice data;
    if (a->hash) {
        TRY(mailed_store_take(c, conn, a->hash, mailed_purpose(MAILED_EMAIL), clock_wall_ms(), &user, &data));
        TRY(json_decode(c, data, &pending_table, JSON_STRICT, &a->p));
    }
    TRY(user_load_locked(c, conn, a->app, &a->p.user_id.v, &a->user));
    if (!a->user.active || (uint64_t)a->user.password_changed_at != a->p.password_changed_at.v) return ERR_NOT_FOUND;
    TRY(account_set_email_tx(c, conn, &(struct email_set){a->app, a->who, &a->user, a->p.email, a->hash != NULL, &a->p.session_id.v}));
    return user_load(c, conn, a->app, &a->user.id, &a->user);
}

enum err email_confirm(struct ctx *c, struct app *app, const struct principal *who, const struct sha256 *hash, struct user *ret)
{
    struct change_arg a = {.app = app, .who = who, .hash = hash};
    enum err e = db_tx(c, app->be.db, DB_WRITE, change_tx, &a);
    /* Somebody else may have taken the address meanwhile. */
    if (e == ERR_NOT_FOUND || e == ERR_EXISTS) return mailed_invalid(c);
    TRY(e);
    *ret = a.user;
    return session_watch(c, app);
}

/* ---- the job ---- */

static enum err change_unasked(struct ctx *c, struct change_arg *a)
{
    enum err e = db_tx(c, a->app->be.db, DB_WRITE, change_tx, a);
    if (e == ERR_NOT_FOUND || e == ERR_EXISTS) {
        ctx_clear_error(c);
        return ERR_OK;
    }
    TRY(e);
    return session_watch(c, a->app);
}

/* The old address hears of it in any case: what its owner sees must not tell whether the new one is taken. */
static enum err ask_tx(struct ctx *c, struct db_conn *conn, void *arg)
{
    struct change_arg *a = arg;
    TRY(mail_notice(c, conn, a->app, MAIL_EMAIL_ASKED, &(struct mail_to){a->user.email, a->user.locale}, a->p.ip));
    TRY(audit_write(c, conn, &(struct audit_event){.event = "user.email.ask", .who = a->who, .actor_id = &a->user.id,
                                                   .object_type = "user", .object_id = &a->user.id, .email = a->p.email}));
    if (a->taken) return mail_exists_tx(c, conn, a->app, a->taken);
    return mailed_send_tx(c, conn, a->app, &a->m, &a->new_hash);
}

enum err pending_email(struct ctx *c, struct app *app, const struct pending *p)
{
    CLEANUP(buf_done) struct buf data = {.max = 16 * KIB, .sensitive = true};
    struct principal who = {.signed_in = false};
    struct change_arg a = {.app = app, .who = &who, .p = *p};
    struct user other;
    memcpy(who.ip, p->ip.ptr, MIN(p->ip.len, sizeof who.ip - 1));
    if (!mail_configured(app)) return change_unasked(c, &a);
    enum err e = user_by_id(c, app, &p->user_id.v, &a.user);
    if (e == ERR_OK) e = user_by_email(c, app, p->email, &other);
    else if (e == ERR_NOT_FOUND) return ERR_OK;
    if (e == ERR_OK) a.taken = &other;
    else if (e != ERR_NOT_FOUND) return e;
    ctx_clear_error(c);
    TRY(json_encode(&data, &pending_table, p));
    a.m = (struct mailed){.kind = MAILED_EMAIL, .user_id = &a.user.id, .to = p->email, .locale = a.user.locale, .ip = p->ip,
                          .data = buf_view(&data), .ttl_ms = CONFIRM_TTL_MS};
    TRY(mailed_make(c, app, &a.m, &a.new_hash));
    return db_tx(c, app->be.db, DB_WRITE, ask_tx, &a);
}
