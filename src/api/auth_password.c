/* Proving oneself again, and new passwords. */
#include "api/auth.h"
#include "api/encode.h"
#include "core/mfa/mfa.h"
#include "core/session/session.h"
#include "core/user/password.h"

enum err reauthenticate_call(struct call *q)
{
    const struct msg_mfa_change *in = q->in;
    struct session_tokens t;
    struct user user;
    TRY(prove_password(q, "auth.reauthenticate", in->password, &user));
    TRY(prove_code(q, &user, in->code));
    TRY(session_prove_again(q->ctx, q->app, &q->who, &t));
    return reply_session(q, &t, q->who.by_cookie);
}

/* A sign-in that must end in a new password. */
static enum err change_and_sign_in(struct call *q, const struct msg_password_change *in)
{
    struct user user, now;
    bool otp = false;
    q->who.signed_in = false;
    TRY(mfa_token_open(q->ctx, q->app, in->mfa_token, MFA_NEW_PASSWORD, &user, &otp));
    TRY(password_change(q->ctx, q->app, &(struct password_change){&user, &q->who, NULL, in->new_password, "new_password"}));
    TRY(user_by_id(q->ctx, q->app, &user.id, &now));
    struct begin b = {.user = &now, .device_name = in->device_name, .amr = otp ? "pwd otp" : "pwd",
                      .cookie = slice_eq(in->session, SLICE("cookie"))};
    return sign_in_next(q, &b, otp);
}

enum err password_change_call(struct call *q)
{
    const struct msg_password_change *in = q->in;
    struct user user;
    struct msg_user out_user;
    struct msg_tokens out = {.user = &out_user};
    if (in->mfa_token.ptr) return change_and_sign_in(q, in);
    TRY(need_session(q));
    TRY(prove_password(q, "auth.password.change", in->current_password, &user));
    TRY(password_change(q->ctx, q->app,
                        &(struct password_change){&user, &q->who, &q->who.session_id, in->new_password, "new_password"}));
    encode_user(&user, &out_user);
    return reply(q, &out);
}
