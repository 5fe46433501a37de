/* Passkeys over HTTP. */
#include "core/passkey/passkey.h"

#include "api/auth.h"
#include "api/messages_passkey.h"
#include "core/mfa/mfa.h"

enum err passkeys_options_call(struct call *q)
{
    struct msg_passkey_options out;
    TRY(passkey_options(q->ctx, q->app, &q->who, &out.public_key));
    return reply(q, &out);
}

static void encode(const struct passkey *p, struct msg_passkey *ret)
{
    *ret = (struct msg_passkey){p->id, p->name, p->created_at, {p->last_used_at != 0, p->last_used_at}};
}

enum err passkeys_new_call(struct call *q)
{
    const struct msg_passkey_new *in = q->in;
    struct passkey_new n = {in->name, in->client_data_json, in->attestation_object};
    struct passkey p;
    struct msg_passkey out;
    TRY(passkey_register(q->ctx, q->app, &q->who, &n, &p));
    encode(&p, &out);
    return reply(q, &(struct msg_passkey_out){&out});
}

enum err passkeys_list_call(struct call *q)
{
    struct passkey *rows;
    size_t n = 0;
    TRY(passkey_list(q->ctx, q->app, &q->who, &rows, &n));
    struct msg_passkey *items = ARENA_ARRAY(&q->ctx->arena, struct msg_passkey, n + 1);
    if (!items) return ERR_NOMEM;
    for (size_t i = 0; i < n; i++) encode(&rows[i], &items[i]);
    return reply(q, &(struct msg_passkey_list){{items, n, true}});
}

enum err passkeys_delete_call(struct call *q)
{
    struct id id;
    TRY(param_id(q, 0, &id));
    TRY(passkey_remove(q->ctx, q->app, &q->who, &id));
    return reply_empty(q);
}

/* The account of an unfinished sign-in, when there is one. */
static enum err half_signed_in(struct call *q, struct slice mfa_token, struct user *user, const struct user **ret)
{
    bool otp = false;
    *ret = NULL;
    if (!mfa_token.ptr) return ERR_OK;
    TRY(mfa_token_open(q->ctx, q->app, mfa_token, MFA_VERIFY, user, &otp));
    *ret = user;
    return ERR_OK;
}

enum err passkeys_login_options_call(struct call *q)
{
    const struct msg_passkey_begin *in = q->in;
    struct msg_passkey_options out;
    struct user half;
    const struct user *user;
    TRY(half_signed_in(q, in->mfa_token, &half, &user));
    TRY(passkey_login_options(q->ctx, q->app, user, &out.public_key));
    return reply(q, &out);
}

enum err passkeys_login_call(struct call *q)
{
    const struct msg_passkey_login *in = q->in;
    struct passkey_login login = {.who = &q->who,
                                  .credential_id = in->credential_id,
                                  .client_data = in->client_data_json,
                                  .auth_data = in->authenticator_data,
                                  .signature = in->signature,
                                  .user_handle = in->user_handle};
    struct user half, user;
    TRY(half_signed_in(q, in->mfa_token, &half, &login.user));
    TRY(passkey_login(q->ctx, q->app, &login, &user));
    struct begin b = {.user = &user,
                      .device_name = in->device_name,
                      .amr = login.user ? "pwd passkey" : "passkey",
                      .cookie = slice_eq(in->session, SLICE("cookie"))};
    return sign_in_next(q, &b, true);
}
