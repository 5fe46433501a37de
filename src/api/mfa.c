/* Second factors over HTTP, and what a sign-in still needs after its first factor. */
#include "core/mfa/mfa.h"

#include "api/auth.h"
#include "base/limits.h"
#include "codec/qr_svg.h"
#include "core/user/password.h"

static enum err reply_pending(struct call *q, const struct user *user, enum mfa_use use, bool otp, const struct mfa_state *s)
{
    struct slice methods[3];
    struct msg_tokens out = {.mfa_required = {use == MFA_VERIFY, true},
                             .mfa_enrolment_required = {use == MFA_ENROL, true},
                             .password_change_required = {use == MFA_NEW_PASSWORD, true},
                             .methods = {methods, 0, use == MFA_VERIFY}};
    if (s->totp) methods[out.methods.count++] = SLICE("totp");
    if (s->recovery_left) methods[out.methods.count++] = SLICE("recovery");
    if (s->passkeys) methods[out.methods.count++] = SLICE("passkey");
    if (use != MFA_VERIFY) out.methods.count = 0;
    /* As it is now: the sign-in may have replaced its password hash. Not with another password than the one that was proven. */
    struct user now;
    enum err e = user_by_id(q->ctx, q->app, &user->id, &now);
    if (e == ERR_NOT_FOUND || (e == ERR_OK && !user_proof_stands(user, &now)))
        return refuse(q->ctx, ERR_UNAUTH, "invalid_credentials", "The e-mail address or the password is wrong.");
    TRY(e);
    TRY(mfa_token_new(q->ctx, q->app, &now, use, otp, &out.mfa_token));
    return reply(q, &out);
}

enum err sign_in_next(struct call *q, const struct begin *b, bool otp)
{
    struct mfa_state s = {0};
    TRY(mfa_state(q->ctx, q->app, &b->user->id, &s));
    if (!otp && mfa_on(&s)) return reply_pending(q, b->user, MFA_VERIFY, false, &s);
    if (!otp && b->user->needs_factor) return reply_pending(q, b->user, MFA_ENROL, false, &s);
    if (password_must_change(q->app, b->user)) return reply_pending(q, b->user, MFA_NEW_PASSWORD, otp, &s);
    return begin_session(q, b);
}

enum err prove_password(struct call *q, const char *event, struct slice password, struct user *ret)
{
    enum err e = user_by_id(q->ctx, q->app, &q->who.user_id, ret);
    if (e == ERR_NOT_FOUND) return refuse(q->ctx, ERR_UNAUTH, "unauthorized", "This account is gone.");
    TRY(e);
    struct password_try try = {ret, ret->email, event, &q->who};
    e = password_prove(q->ctx, q->app, &try, password);
    if (e == ERR_DENIED) return refuse(q->ctx, e, "wrong_password", "The password is wrong.");
    return e;
}

enum err prove_code(struct call *q, const struct user *user, struct slice code)
{
    struct mfa_state s = {0};
    TRY(mfa_state(q->ctx, q->app, &user->id, &s));
    if (!s.totp) return ERR_OK;
    if (!code.len) return refuse(q->ctx, ERR_DENIED, "code_required", "Give a code of your second factor as well.");
    return mfa_prove(q->ctx, q->app, &(struct mfa_proof){user, &q->who, code, &q->who.session_id});
}

/* Good only as long as there is no factor: then it takes that one. */
static enum err open_enrolment(struct call *q, struct slice token, struct user *ret)
{
    struct mfa_state s = {0};
    bool otp = false;
    TRY(mfa_token_open(q->ctx, q->app, token, MFA_ENROL, ret, &otp));
    TRY(mfa_state(q->ctx, q->app, &ret->id, &s));
    if (mfa_on(&s)) return refuse(q->ctx, ERR_UNAUTH, "unauthorized", "This account has a second factor now. Sign in again.");
    return ERR_OK;
}

enum err mfa_enable_call(struct call *q)
{
    const struct msg_mfa_enable *in = q->in;
    CLEANUP(buf_done) struct buf svg = {.max = 256 * KIB, .sensitive = true};
    struct mfa_enrolment e;
    struct user user;
    struct mfa_proof p = {&user, &q->who, SLICE(""), &q->who.session_id};
    const char *uri = NULL;
    if (in->mfa_token.ptr) {
        TRY(open_enrolment(q, in->mfa_token, &user));
        p.session = NULL;
    } else {
        TRY(need_session(q));
        TRY(prove_password(q, "auth.mfa.enrol", in->password, &user));
        TRY(prove_code(q, &user, in->code));
    }
    TRY(mfa_enrol(q->ctx, q->app, &p, &e));
    TRY(arena_cstr(&q->ctx->arena, e.otpauth_uri, &uri));
    TRY(qr_svg(&svg, uri));
    return reply(q, &(struct msg_mfa_enrolment){e.secret, e.otpauth_uri, buf_view(&svg)});
}

/* A signed-in caller confirms a new secret. */
static enum err confirm(struct call *q, struct slice code)
{
    struct msg_tokens out = {.recovery_codes = {NULL, MFA_RECOVERY_CODES, true}};
    struct slice *codes = NULL;
    struct user user;
    TRY(need_session(q));
    TRY(user_by_id(q->ctx, q->app, &q->who.user_id, &user));
    TRY(mfa_confirm(q->ctx, q->app, &(struct mfa_proof){&user, &q->who, code, &q->who.session_id}, &codes));
    out.recovery_codes.items = codes;
    return reply(q, &out);
}

/* A sign-in that had to make its second factor first: signed in with its first code. */
static enum err confirm_and_sign_in(struct call *q, const struct user *user, const struct begin *b, struct slice code)
{
    struct slice *codes = NULL;
    TRY(mfa_confirm(q->ctx, q->app, &(struct mfa_proof){user, &q->who, code, NULL}, &codes));
    struct begin with_codes = *b;
    with_codes.recovery_codes = codes;
    return sign_in_next(q, &with_codes, true);
}

/* Nobody is signed in: a wrong code is a failed sign-in. */
static enum err as_sign_in(enum err e, struct ctx *c)
{
    return e == ERR_DENIED ? refuse(c, ERR_UNAUTH, "wrong_code", "This code is wrong, or was used already. Wait for the next one.") : e;
}

enum err mfa_verify_call(struct call *q)
{
    const struct msg_mfa_verify *in = q->in;
    struct user user;
    bool otp = false;
    struct begin b = {.user = &user, .device_name = in->device_name, .amr = "pwd otp",
                      .cookie = slice_eq(in->session, SLICE("cookie"))};
    if (!in->mfa_token.ptr) return confirm(q, in->code);
    /* What cookies came along is another session's; this one begins with nobody signed in. */
    q->who.signed_in = false;
    enum err e = open_enrolment(q, in->mfa_token, &user);
    if (e == ERR_OK) return as_sign_in(confirm_and_sign_in(q, &user, &b, in->code), q->ctx);
    if (e != ERR_UNAUTH) return e;
    ctx_clear_error(q->ctx);
    TRY(mfa_token_open(q->ctx, q->app, in->mfa_token, MFA_VERIFY, &user, &otp));
    TRY(as_sign_in(mfa_prove(q->ctx, q->app, &(struct mfa_proof){&user, &q->who, in->code, NULL}), q->ctx));
    return sign_in_next(q, &b, true);
}

enum err mfa_disable_call(struct call *q)
{
    const struct msg_mfa_change *in = q->in;
    struct user user;
    TRY(prove_password(q, "auth.mfa.disable", in->password, &user));
    TRY(mfa_disable(q->ctx, q->app, &(struct mfa_proof){&user, &q->who, in->code, &q->who.session_id}));
    return reply_empty(q);
}

enum err mfa_recovery_call(struct call *q)
{
    const struct msg_mfa_change *in = q->in;
    struct msg_recovery_codes out = {{NULL, MFA_RECOVERY_CODES, true}};
    struct slice *codes = NULL;
    struct user user;
    TRY(prove_password(q, "auth.mfa.recovery", in->password, &user));
    TRY(mfa_renew_recovery(q->ctx, q->app, &(struct mfa_proof){&user, &q->who, in->code, &q->who.session_id}, &codes));
    out.recovery_codes.items = codes;
    return reply(q, &out);
}
