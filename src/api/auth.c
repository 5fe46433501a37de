/* Set-up, signing in and out, and the account of the caller. */
#include "api/auth.h"
#include "api/cookie.h"
#include "api/encode.h"
#include "base/limits.h"
#include "core/mfa/mfa.h"
#include "core/session/session.h"

enum err auth_setup(struct call *q)
{
    const struct msg_setup *in = q->in;
    struct slice want = api_config(q->api)->setup_token;
    struct user_new n = {.email = in->email, .password = in->password, .display_name = in->display_name,
                         .role = ROLE_ADMIN, .vouched = true, .must_be_first = true, .who = &q->who};
    struct user user;
    struct msg_user out_user;
    struct msg_user_out out = {&out_user};
    if (api_setup_done(q->api)) return refuse(q->ctx, ERR_NOT_FOUND, "not_found", "There is nothing at this address.");
    if (in->setup_token.len != want.len || !mem_equal_ct(in->setup_token.ptr, want.ptr, want.len))
        return refuse(q->ctx, ERR_DENIED, "wrong_setup_token", "This is not the set-up token of this server.");
    enum err e = user_create(q->ctx, q->app, &n, &user);
    if (e == ERR_NOT_FOUND) {
        api_set_setup_done(q->api);
        return refuse(q->ctx, e, "not_found", "There is nothing at this address.");
    }
    TRY(e);
    api_set_setup_done(q->api);
    encode_user(&user, &out_user);
    return reply(q, &out);
}

/* Tokens in the body for programs; in cookies, out of reach of scripts, for browsers. */
static enum err reply_tokens(struct call *q, const struct session_tokens *t, bool cookie, const struct slice *recovery_codes)
{
    struct msg_user user;
    struct msg_tokens out = {.token_type = SLICE("Bearer"), .expires_in = {true, t->expires_in_s}, .user = &user};
    if (recovery_codes) out.recovery_codes = (struct json_list){recovery_codes, MFA_RECOVERY_CODES, true};
    encode_user(&t->user, &user);
    if (cookie) {
        TRY(cookie_set_session(q, t));
        TRY(csrf_token(q->ctx, q->app, &t->session_id, &out.csrf_token));
        return reply(q, &out);
    }
    out.access_token = t->access_token;
    out.refresh_token = t->refresh_token;
    return reply(q, &out);
}

enum err reply_session(struct call *q, const struct session_tokens *t, bool cookie)
{
    return reply_tokens(q, t, cookie, NULL);
}

enum err begin_session(struct call *q, const struct begin *b)
{
    struct session_new n = {.user = b->user, .device_name = b->device_name, .who = &q->who, .amr = b->amr,
                            .user_agent = http_request_header(q->http, "user-agent"),
                            .idle_ms = b->cookie ? LIMIT_BROWSER_IDLE_MS : 0, .auth_at_ms = b->auth_at_ms};
    struct session_tokens t;
    if (b->cookie && !same_origin(q))
        return refuse(q->ctx, ERR_DENIED, "csrf", "Cookie sessions are for the web app of this server only.");
    TRY(session_start(q->ctx, q->app, &n, &t));
    return reply_tokens(q, &t, b->cookie, b->recovery_codes);
}

enum err auth_login(struct call *q)
{
    const struct msg_login *in = q->in;
    struct session_login login = {in->email, in->password, &q->who};
    struct user user;
    TRY(session_check_login(q->ctx, q->app, &login, &user));
    struct begin b = {.user = &user, .device_name = in->device_name, .amr = "pwd",
                      .cookie = slice_eq(in->session, SLICE("cookie"))};
    return sign_in_next(q, &b, false);
}

enum err auth_refresh(struct call *q)
{
    const struct msg_refresh *in = q->in;
    struct session_tokens t;
    bool cookie = !in->refresh_token.ptr;
    struct slice token = cookie ? cookie_get(q->http, COOKIE_REFRESH) : in->refresh_token;
    if (cookie && token.len && !same_origin(q))
        return refuse(q->ctx, ERR_DENIED, "csrf", "This request did not come from the web app of this server.");
    TRY(session_refresh(q->ctx, q->app, token, &t));
    return reply_session(q, &t, cookie);
}

enum err auth_logout(struct call *q)
{
    TRY(session_end(q->ctx, q->app, &q->who));
    if (q->who.by_cookie) TRY(cookie_clear_session(q));
    return reply_empty(q);
}

static enum err reply_me(struct call *q)
{
    struct user user;
    struct msg_user out_user;
    struct msg_user_out out = {&out_user};
    enum err e = user_by_id(q->ctx, q->app, &q->who.user_id, &user);
    if (e == ERR_NOT_FOUND) return refuse(q->ctx, ERR_UNAUTH, "unauthorized", "This account is gone.");
    TRY(e);
    encode_user(&user, &out_user);
    return reply(q, &out);
}

enum err auth_me(struct call *q) { return reply_me(q); }

enum err auth_me_change(struct call *q)
{
    const struct msg_me_patch *in = q->in;
    if (!in->display_name.ptr && !in->locale.ptr)
        return refuse(q->ctx, ERR_INVALID, "invalid", "Give a display_name or a locale.");
    TRY(user_change(q->ctx, q->app, &q->who.user_id, &(struct user_patch){in->display_name, in->locale}));
    return reply_me(q);
}
