/* Set-up, signing in and out, and the account of the caller. */
#include "api/encode.h"
#include "core/session/session.h"

enum err auth_setup(struct call *q)
{
    const struct msg_setup *in = q->in;
    struct slice want = api_config(q->api)->setup_token;
    struct user_new n = {.email = in->email, .password = in->password, .display_name = in->display_name,
                         .role = ROLE_ADMIN, .must_be_first = true};
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

static enum err reply_tokens(struct call *q, const struct session_tokens *t)
{
    struct msg_user user;
    struct msg_tokens out = {.access_token = t->access_token,
                             .token_type = SLICE("Bearer"),
                             .expires_in = t->expires_in_s,
                             .refresh_token = t->refresh_token,
                             .user = &user};
    encode_user(&t->user, &user);
    return reply(q, &out);
}

enum err auth_login(struct call *q)
{
    const struct msg_login *in = q->in;
    struct session_login login = {in->email, in->password, in->device_name, slice_cstr(q->who.ip)};
    struct session_tokens t;
    TRY(session_login(q->ctx, q->app, &login, &t));
    return reply_tokens(q, &t);
}

enum err auth_refresh(struct call *q)
{
    const struct msg_refresh *in = q->in;
    struct session_tokens t;
    TRY(session_refresh(q->ctx, q->app, in->refresh_token, &t));
    return reply_tokens(q, &t);
}

enum err auth_logout(struct call *q)
{
    TRY(session_end(q->ctx, q->app, &q->who.session_id));
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
    TRY(user_rename(q->ctx, q->app, &q->who.user_id, in->display_name));
    return reply_me(q);
}
