/* account: how people get an account and back into it: registration, invitations, confirmed addresses, forgotten passwords.
 *
 * What arrives by mail is a token of 256 bits ("sdv_" confirm, "sdi_" invitation, "sdp_" password) that works once; only its SHA-256 is
 * stored. Whether an address has an account shows neither in an answer nor in its time: where that would be decided, the request
 * only leaves a job behind, and the job decides which mail goes out (or none). An address that nobody has confirmed yet has no row
 * among the accounts: what was asked for is kept with the token.
 *
 * Without a configured mail server addresses are not confirmed, and links go to the administrator (core/mail). */
#ifndef SEALDROP_CORE_ACCOUNT_ACCOUNT_H
#define SEALDROP_CORE_ACCOUNT_ACCOUNT_H

#include "core/app/app.h"
#include "core/principal.h"
#include "core/user/user.h"

struct registration_new {
    struct slice email, password, display_name; /* display_name: as in struct user_new */
    struct slice invite;                        /* token; empty: none */
};
/* By invitation at once; otherwise, where registration is open, after the address was confirmed. The answer is the account as it is or
 * will be; for a taken address it looks the same. ERR_DENIED "registration_closed" or "invite_required"; ERR_INVALID with field
 * errors, or "token_invalid" for an invitation that is used, over or unknown. */
MUST_USE enum err account_register(struct ctx *c, struct app *app, const struct principal *who,
                                   const struct registration_new *n, struct user *ret);
/* The address is confirmed: makes the account, or gives it the address it asked for. ERR_INVALID "token_invalid". */
MUST_USE enum err account_verify(struct ctx *c, struct app *app, const struct principal *who, struct slice token,
                                 struct user *ret);
/* Another address for the account, whose password was just proven. With mail: a token goes to the new address, which account_verify takes,
 * and a notice to the old one; nothing changes before. Without mail: changed by the job, at once. For a taken address the answer is the
 * same, and its owner is told by mail. ERR_INVALID with field errors, ERR_RATE. */
MUST_USE enum err account_email_change(struct ctx *c, struct app *app, const struct principal *who, const struct user *user,
                                       struct slice email);
struct email_set {
    const struct app *app;
    const struct principal *who;
    const struct user *user;
    struct slice email;
    bool confirmed;                /* its mailbox was read, or an administrator stands for it */
    const struct id *keep_session; /* of the holder, who changes it; the others end. NULL: all do */
};
/* The change itself: tokens mailed to the old address are void, sessions end, the old address is told. ERR_EXISTS when it is taken. */
MUST_USE enum err account_set_email_tx(struct ctx *c, struct db_conn *conn, const struct email_set *s);
/* Always ERR_OK but for a full disk and the like. */
MUST_USE enum err account_forgot(struct ctx *c, struct app *app, const struct principal *who, struct slice email);
/* A new password by a mailed token: ends every session; second factors stay. ERR_INVALID "token_invalid", or with field errors;
 * then the token stays good. Where it is the first proof of the address, other ways in (factors, API keys, external identities) are
 * removed: somebody else may have left them. */
MUST_USE enum err account_reset(struct ctx *c, struct app *app, const struct principal *who, struct slice token,
                                struct slice new_password);
/* The part of register, forgot and a change of address that knows whether there is an account; for the job "account". */
MUST_USE enum err account_job(struct ctx *c, struct app *app, struct slice payload);
/* For the expiry job: forgets tokens that are over. */
MUST_USE enum err account_purge(struct ctx *c, struct app *app);

#define INVITE_DEFAULT_S (7 * 86400ull)
#define INVITE_MAX_S (90 * 86400ull)
struct invite_new {
    struct slice email;
    enum role role;
    bool has_quota;
    uint64_t quota_bytes;
    uint64_t expires_in_s; /* 0: INVITE_DEFAULT_S */
};
struct invite {
    struct slice link; /* ptr NULL: it was mailed, and only the mail has it */
    int64_t expires_at;
};
/* ERR_EXISTS "email_taken": administrators may know. `who` NULL: at the server itself. */
MUST_USE enum err account_invite(struct ctx *c, struct app *app, const struct principal *who, const struct invite_new *n,
                                 struct invite *ret);
/* A link by which the holder of an account without a password chooses the first one; mailed, or given to the caller. */
MUST_USE enum err account_send_choose(struct ctx *c, struct app *app, const struct principal *who, const struct user *user,
                                      struct invite *ret);

#endif
