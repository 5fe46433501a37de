/* Rules of sessions: sign-in, refresh-token rotation, revocation. */
#include "core/session/session.h"

#include "base/address.h"
#include "base/intmath.h"
#include "base/limits.h"
#include "codec/base64.h"
#include "codec/utf8.h"
#include "core/audit/audit.h"
#include "core/limit/limit.h"
#include "core/session/revoked.h"
#include "core/session/session_store.h"
#include "core/session/signal.h"
#include "core/token/token.h"
#include "core/user/password.h"
#include "os/clock.h"

#define REFRESH_PREFIX "sdr_"
/* Other nodes' clocks and commits may lag a little behind ours. */
#define WATCH_OVERLAP_MS 60000

static enum err unauthorized(struct ctx *c)
{
    return refuse(c, ERR_UNAUTH, "unauthorized", "Your session has ended. Sign in again.");
}

static enum err invalid_credentials(struct ctx *c)
{
    return refuse(c, ERR_UNAUTH, "invalid_credentials", "The e-mail address or the password is wrong.");
}

static enum err refresh_text(struct ctx *c, struct slice secret, struct slice *ret)
{
    CLEANUP(buf_done) struct buf b = {.max = 128, .sensitive = true};
    TRY(buf_put_cstr(&b, REFRESH_PREFIX));
    TRY(base64url_encode(&b, secret));
    return arena_slice(&c->arena, buf_view(&b), ret);
}

/* The token that replaces `old`: the same for everyone who presents `old`, unknown to everyone else. */
static enum err successor(struct ctx *c, struct app *app, struct slice old, struct slice *ret)
{
    CLEANUP(buf_done) struct buf in = {.max = 256, .sensitive = true};
    struct sha256 mac;
    TRY(buf_put_cstr(&in, "sft/1/rt"));
    TRY(buf_putc(&in, 0));
    TRY(buf_put(&in, old));
    TRY(hmac_sha256(slice_of(app->server_key.b, KEY_BYTES), buf_view(&in), &mac));
    return refresh_text(c, sha256_view(&mac), ret);
}

static enum err issue_access(struct ctx *c, struct app *app, const struct id *session, const struct user *user,
                             struct slice amr, int64_t auth_at, struct session_tokens *ret)
{
    int64_t now_s = clock_wall_ms() / 1000;
    struct token_claims claims = {.user_id = user->id,
                                  .session_id = *session,
                                  .role = user->role,
                                  .amr = amr,
                                  .auth_at_s = auth_at / 1000,
                                  .issued_at_s = now_s,
                                  .expires_at_s = now_s + LIMIT_ACCESS_TOKEN_MS / 1000};
    ret->expires_in_s = LIMIT_ACCESS_TOKEN_MS / 1000;
    ret->session_id = *session;
    ret->user = *user;
    return token_sign(c, app->signer, &claims, &ret->access_token);
}

static enum err check_limits(struct ctx *c, struct app *app, const struct session_login *in)
{
    struct slice folded;
    char from[ADDRESS_KEY_BYTES];
    address_key(in->who->ip, from);
    if (utf8_fold(&c->arena, in->email, &folded) != ERR_OK) folded = SLICE("?");
    const struct limit limits[] = {
        {"login-account", slice_sub(folded, 0, LIMIT_EMAIL_BYTES), {LIMIT_LOGINS_PER_ACCOUNT, 60 * 1000}},
        {"login-address", slice_cstr(from), {app->cfg.tries.logins_per_address, 60 * 1000}},
        {"login", SLICE(""), {app->cfg.tries.logins, 60 * 1000}},
    };
    return limit_take(c, app, limits, ARRAY_LEN(limits));
}

struct login_arg {
    struct app *app;
    const struct session_new *n;
    struct session_row row;
    struct sha256 token_hash;
    struct user user; /* as it is when the session begins */
};

static enum err login_tx(struct ctx *c, struct db_conn *conn, void *arg)
{
    struct login_arg *a = arg;
    int64_t end = MIN(a->row.created_at + a->row.idle_ms, a->row.expires_at);
    /* What ended all sessions since the proof did not see this one; what comes later waits for this row. */
    TRY(user_load_locked(c, conn, a->app, &a->row.user_id, &a->user));
    if (!user_proof_stands(a->n->user, &a->user)) return ERR_NOT_FOUND;
    TRY(session_signals(c, conn, a->n->who, &a->row));
    TRY(session_store_insert(c, conn, &a->row));
    TRY(session_store_signed_in(c, conn, &a->row.user_id, a->row.created_at));
    TRY(audit_write(c, conn, &(struct audit_event){.event = "auth.login", .who = a->n->who, .actor_id = &a->row.user_id,
                                                   .object_type = "session", .object_id = &a->row.id, .detail = a->row.amr}));
    return refresh_store_insert(c, conn, &a->token_hash, &a->row.id, a->row.created_at, end);
}

/* What clients say of themselves is kept only as far as it is text. */
static struct slice short_text(struct slice s, size_t max)
{
    s = slice_sub(s, 0, max);
    while (s.len && !utf8_valid(s)) s.len--;
    return s.ptr ? s : SLICE("");
}

enum err session_start(struct ctx *c, struct app *app, const struct session_new *n, struct session_tokens *ret)
{
    struct login_arg a = {.app = app, .n = n};
    struct session_tokens out = {0};
    uint8_t secret[32];
    char country[APP_COUNTRY_BYTES] = "";
    int64_t now = clock_wall_ms();
    if (app->cfg.geo.country) app->cfg.geo.country(app->cfg.geo.arg, n->who->ip, country);
    a.row = (struct session_row){.user_id = n->user->id,
                                 .device_name = short_text(n->device_name, LIMIT_DEVICE_NAME_BYTES),
                                 .user_agent = short_text(n->user_agent, LIMIT_TITLE_BYTES),
                                 .ip = slice_cstr(n->who->ip),
                                 .country = slice_cstr(country),
                                 .amr = slice_cstr(n->amr),
                                 .created_at = now,
                                 .auth_at = n->auth_at_ms ? n->auth_at_ms : now,
                                 .idle_ms = n->idle_ms ? n->idle_ms : LIMIT_REFRESH_IDLE_MS,
                                 .expires_at = now + LIMIT_REFRESH_MAX_MS};
    TRY(os_new_id(&a.row.id));
    TRY(os_random(secret, sizeof secret));
    TRY(refresh_text(c, slice_of(secret, sizeof secret), &out.refresh_token));
    TRY(sha256(out.refresh_token, &a.token_hash));
    enum err e = db_tx(c, app->be.db, DB_WRITE, login_tx, &a);
    if (e == ERR_NOT_FOUND) return invalid_credentials(c);
    TRY(e);
    TRY(issue_access(c, app, &a.row.id, &a.user, a.row.amr, a.row.auth_at, &out));
    *ret = out;
    return ERR_OK;
}

enum err session_check_login(struct ctx *c, struct app *app, const struct session_login *in, struct user *ret)
{
    struct user user;
    TRY(check_limits(c, app, in));
    enum err e = user_by_email(c, app, in->email, &user);
    if (e != ERR_OK && e != ERR_NOT_FOUND) return e;
    struct password_try try = {e == ERR_OK ? &user : NULL, in->email, "auth.login", in->who};
    e = password_prove(c, app, &try, in->password);
    if (e == ERR_OK && !user.active)
        audit_note(app, &(struct audit_event){.event = "auth.login", .result = "failed", .who = in->who, .email = in->email,
                                              .actor_id = &user.id, .detail = SLICE("suspended")});
    if (e == ERR_DENIED || (e == ERR_OK && !user.active))
        return invalid_credentials(c);
    TRY(e);
    *ret = user;
    return ERR_OK;
}

struct prove_arg {
    struct app *app;
    const struct principal *who;
    struct slice amr;
    struct user user;
};

static enum err prove_tx(struct ctx *c, struct db_conn *conn, void *arg)
{
    struct prove_arg *a = arg;
    struct id user;
    TRY(session_store_prove(c, conn, &a->who->session_id, clock_wall_ms(), &user, &a->amr));
    TRY(audit_write(c, conn, &(struct audit_event){.event = "auth.reauthenticate", .who = a->who, .object_type = "session",
                                                   .object_id = &a->who->session_id}));
    return user_load(c, conn, a->app, &user, &a->user);
}

enum err session_prove_again(struct ctx *c, struct app *app, const struct principal *who, struct session_tokens *ret)
{
    struct prove_arg a = {.app = app, .who = who};
    struct session_tokens out = {0};
    enum err e = db_tx(c, app->be.db, DB_WRITE, prove_tx, &a);
    if (e == ERR_NOT_FOUND) return unauthorized(c);
    TRY(e);
    TRY(issue_access(c, app, &who->session_id, &a.user, a.amr, clock_wall_ms(), &out));
    *ret = out;
    return ERR_OK;
}

struct refresh_arg {
    struct app *app;
    struct slice old_token;
    struct slice new_token;
    struct sha256 old_hash, new_hash;
    struct id session_id;
    struct user user;
    struct slice amr;
    int64_t auth_at;
    bool reused;
};

/* A used token came again too late: whoever holds the newer one is thrown out as well. */
static enum err end_reused(struct ctx *c, struct db_conn *conn, struct refresh_arg *a, int64_t now)
{
    a->reused = true;
    return session_store_revoke(c, conn, &a->session_id, now);
}

static enum err refresh_tx(struct ctx *c, struct db_conn *conn, void *arg)
{
    struct refresh_arg *a = arg;
    struct refresh_row r;
    int64_t now = clock_wall_ms();
    a->reused = false;
    TRY(refresh_store_get(c, conn, &a->old_hash, &r));
    a->session_id = r.session_id;
    a->amr = r.amr;
    a->auth_at = r.auth_at;
    if (r.revoked || now >= r.session_expires_at || now >= r.token_expires_at) return ERR_NOT_FOUND;
    if (r.used && now - r.used_at > LIMIT_REFRESH_RETRY_MS) return end_reused(c, conn, a, now);
    TRY(user_load(c, conn, a->app, &r.user_id, &a->user));
    if (!a->user.active) return ERR_NOT_FOUND;
    if (r.used) return ERR_OK;
    TRY(refresh_store_use(c, conn, &a->old_hash, now));
    TRY(refresh_store_insert(c, conn, &a->new_hash, &r.session_id, now,
                             MIN(now + r.idle_ms, r.session_expires_at)));
    return session_store_touch(c, conn, &r.session_id, now);
}

enum err session_refresh(struct ctx *c, struct app *app, struct slice refresh_token, struct session_tokens *ret)
{
    struct refresh_arg a = {.app = app, .old_token = refresh_token};
    struct session_tokens out = {0};
    if (!slice_starts(refresh_token, SLICE(REFRESH_PREFIX)) || refresh_token.len > 64) return unauthorized(c);
    TRY(successor(c, app, refresh_token, &a.new_token));
    TRY(sha256(refresh_token, &a.old_hash));
    TRY(sha256(a.new_token, &a.new_hash));
    enum err e = db_tx(c, app->be.db, DB_WRITE, refresh_tx, &a);
    if (e == ERR_NOT_FOUND) return unauthorized(c);
    TRY(e);
    if (a.reused) {
        TRY(revoked_add(app->revoked, &a.session_id, clock_wall_ms()));
        return unauthorized(c);
    }
    out.refresh_token = a.new_token;
    TRY(issue_access(c, app, &a.session_id, &a.user, a.amr, a.auth_at, &out));
    *ret = out;
    return ERR_OK;
}

struct end_arg {
    const struct principal *who;
    const struct id *session;
};

static enum err note_end(struct ctx *c, struct db_conn *conn, const struct end_arg *a, const char *event)
{
    return audit_write(c, conn, &(struct audit_event){.event = event, .who = a->who, .object_type = "session",
                                                      .object_id = a->session});
}

static enum err end_tx(struct ctx *c, struct db_conn *conn, void *arg)
{
    struct end_arg *a = arg;
    TRY(session_store_revoke(c, conn, a->session, clock_wall_ms()));
    return note_end(c, conn, a, "auth.logout");
}

enum err session_end(struct ctx *c, struct app *app, const struct principal *who)
{
    struct end_arg a = {who, &who->session_id};
    TRY(db_tx(c, app->be.db, DB_WRITE, end_tx, &a));
    return revoked_add(app->revoked, &who->session_id, clock_wall_ms());
}

static enum err purge_tx(struct ctx *c, struct db_conn *conn, void *arg)
{
    (void)arg;
    return session_store_purge(c, conn, clock_wall_ms() - LIMIT_REFRESH_MAX_MS);
}

enum err session_purge(struct ctx *c, struct app *app) { return db_tx(c, app->be.db, DB_WRITE, purge_tx, NULL); }

enum err session_authenticate(struct ctx *c, struct app *app, struct slice token, struct principal *ret)
{
    struct token_claims claims;
    enum err e = token_verify(c, app->signer, token, &claims);
    if (e == ERR_UNAUTH) return unauthorized(c);
    TRY(e);
    if (revoked_has(app->revoked, &claims.session_id)) return unauthorized(c);
    ret->signed_in = true;
    ret->user_id = claims.user_id;
    ret->session_id = claims.session_id;
    ret->role = claims.role;
    ret->auth_at_ms = claims.auth_at_s * 1000;
    return ERR_OK;
}

enum err session_recheck(struct ctx *c, struct app *app, const struct principal *who)
{
    return revoked_has(app->revoked, &who->session_id) ? unauthorized(c) : ERR_OK;
}

enum err session_recheck_tx(struct ctx *c, struct db_conn *conn, const struct app *app, const struct principal *who,
                            struct user *ret_user)
{
    struct user now;
    enum err e = user_load_locked(c, conn, app, &who->user_id, &now);
    if (e == ERR_OK) e = session_store_lives(c, conn, &who->user_id, &who->session_id, clock_wall_ms());
    if (e == ERR_NOT_FOUND) return unauthorized(c);
    TRY(e);
    if (!now.active || now.role != who->role) return unauthorized(c);
    if (ret_user) *ret_user = now;
    return ERR_OK;
}

struct list_arg {
    struct id user;
    struct session_info *rows;
    size_t n;
};

static enum err list_tx(struct ctx *c, struct db_conn *conn, void *arg)
{
    struct list_arg *a = arg;
    return session_store_list(c, conn, &a->user, clock_wall_ms(), &a->rows, &a->n);
}

enum err session_list(struct ctx *c, struct app *app, const struct id *user, struct session_info **ret, size_t *ret_n)
{
    struct list_arg a = {.user = *user};
    TRY(db_tx(c, app->be.db, DB_READ, list_tx, &a));
    *ret = a.rows;
    *ret_n = a.n;
    return ERR_OK;
}

static enum err end_one_tx(struct ctx *c, struct db_conn *conn, void *arg)
{
    struct end_arg *a = arg;
    TRY(session_store_revoke_one(c, conn, &a->who->user_id, a->session, clock_wall_ms()));
    return note_end(c, conn, a, "session.end");
}

enum err session_end_one(struct ctx *c, struct app *app, const struct principal *who, const struct id *session)
{
    struct end_arg a = {who, session};
    enum err e = db_tx(c, app->be.db, DB_WRITE, end_one_tx, &a);
    if (e == ERR_NOT_FOUND) return refuse(c, e, "not_found", "You have no such session.");
    TRY(e);
    return revoked_add(app->revoked, session, clock_wall_ms());
}

enum err session_end_all_tx(struct ctx *c, struct db_conn *conn, const struct id *user, const struct id *keep)
{
    return session_store_revoke_all(c, conn, user, keep, clock_wall_ms());
}

static enum err end_others_tx(struct ctx *c, struct db_conn *conn, void *arg)
{
    struct end_arg *a = arg;
    TRY(session_end_all_tx(c, conn, &a->who->user_id, &a->who->session_id));
    return note_end(c, conn, a, "session.end_others");
}

enum err session_end_others(struct ctx *c, struct app *app, const struct principal *who)
{
    struct end_arg a = {who, NULL};
    TRY(db_tx(c, app->be.db, DB_WRITE, end_others_tx, &a));
    return session_watch(c, app);
}

struct watch_arg {
    int64_t since_ms;
    struct db_result r;
};

static enum err watch_tx(struct ctx *c, struct db_conn *conn, void *arg)
{
    struct watch_arg *a = arg;
    return session_store_revoked(c, conn, a->since_ms, &a->r);
}

enum err session_watch(struct ctx *c, struct app *app)
{
    int64_t now = clock_wall_ms();
    struct watch_arg a = {.since_ms = revoked_read_to(app->revoked, now)};
    TRY(db_tx(c, app->be.db, DB_READ_ONE, watch_tx, &a));
    for (size_t i = 0; i < a.r.rows; i++) {
        struct id id = db_get_id(&a.r, i, 0);
        TRY(revoked_add(app->revoked, &id, now));
    }
    revoked_set_read_to(app->revoked, now - WATCH_OVERLAP_MS);
    return ERR_OK;
}
