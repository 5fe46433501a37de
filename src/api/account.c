/* Getting an account and getting back into it: registration, mailed links. */
#include "core/account/account.h"

#include "api/auth.h"
#include "api/encode.h"
#include "api/messages_account.h"

static enum err reply_user(struct call *q, const struct user *user)
{
    struct msg_user out_user;
    encode_user(user, &out_user);
    return reply(q, &(struct msg_user_out){&out_user});
}

enum err account_register_call(struct call *q)
{
    const struct msg_register *in = q->in;
    struct registration_new n = {in->email, in->password, in->display_name, in->invite};
    struct user user;
    TRY(account_register(q->ctx, q->app, &q->who, &n, &user));
    return reply_user(q, &user);
}

enum err account_verify_call(struct call *q)
{
    const struct msg_mailed_token *in = q->in;
    struct user user;
    TRY(account_verify(q->ctx, q->app, &q->who, in->token, &user));
    return reply_user(q, &user);
}

enum err email_change_call(struct call *q)
{
    const struct msg_email_change *in = q->in;
    struct user user;
    TRY(prove_password(q, "auth.email.change", in->password, &user));
    TRY(account_email_change(q->ctx, q->app, &q->who, &user, in->email));
    return reply_empty(q);
}

enum err account_forgot_call(struct call *q)
{
    const struct msg_forgot *in = q->in;
    TRY(account_forgot(q->ctx, q->app, &q->who, in->email));
    return reply_empty(q);
}

enum err account_reset_call(struct call *q)
{
    const struct msg_reset *in = q->in;
    TRY(account_reset(q->ctx, q->app, &q->who, in->token, in->new_password));
    return reply_empty(q);
}
