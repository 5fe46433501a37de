/* mfa: second factors: TOTP with recovery codes, and the tokens of a sign-in that is not finished.
 *
 * A TOTP secret is stored as a wrapped key (label "sft/1/totp", the user id). A new one is pending until a code of it confirms it;
 * the one in force stays until then. A step is good for one use, decided by one UPDATE. Recovery codes are stored as
 * HMAC-SHA-256(pepper, "sft/1/recovery" 00 || user id || code) and are good for one use.
 * Wrong codes are counted per account, whichever way they come in, in the transaction that looks at them: after
 * LIMIT_MFA_FREE_FAILS each further one costs a pause. A right code that was used already does not count. */
#ifndef SEALDROP_CORE_MFA_MFA_H
#define SEALDROP_CORE_MFA_MFA_H

#include "core/user/user.h"

#define MFA_RECOVERY_CODES 10
#define MFA_RECOVERY_CODE_LEN 16

struct mfa_state {
    bool totp; /* confirmed */
    uint64_t recovery_left;
    uint64_t passkeys;
};
static inline bool mfa_on(const struct mfa_state *s)
{
    return s->totp || s->passkeys;
}
MUST_USE enum err mfa_state(struct ctx *c, struct app *app, const struct id *user, struct mfa_state *ret);

/* Who gives which code. */
struct mfa_proof {
    const struct user *user;
    const struct principal *who;
    struct slice code;          /* six digits, or a recovery code as a person types it */
    const struct id *session;   /* of the caller: it stays when the factors change, the others end; NULL: all end */
};
/* All of these: ERR_UNAUTH when a new password, a suspension or the end of the session came between. */

struct mfa_enrolment {
    struct slice secret; /* base 32 */
    struct slice otpauth_uri;
};
/* A new secret, pending for LIMIT_MFA_ENROLMENT_MS. The caller has proven the password and, if there is one, the factor in force; the
 * code is not looked at. */
MUST_USE enum err mfa_enrol(struct ctx *c, struct app *app, const struct mfa_proof *p, struct mfa_enrolment *ret);
/* TOTP or recovery. ERR_DENIED "wrong_code"; ERR_LOCKED "mfa_locked" while wrong ones cost a pause. */
MUST_USE enum err mfa_prove(struct ctx *c, struct app *app, const struct mfa_proof *p);
/* The first code of a pending secret puts it in force. ret_codes: MFA_RECOVERY_CODES fresh recovery codes, shown once. ERR_NOT_FOUND
 * "no_enrolment" when nothing is pending. Without a session (a sign-in that had to enrol) it must be the account's first factor. */
MUST_USE enum err mfa_confirm(struct ctx *c, struct app *app, const struct mfa_proof *p, struct slice **ret_codes);
/* With a code: TOTP and its recovery codes are gone. ERR_DENIED "mfa_required" where the account must have a factor. */
MUST_USE enum err mfa_disable(struct ctx *c, struct app *app, const struct mfa_proof *p);
/* With a code: new recovery codes, the old set is void. */
MUST_USE enum err mfa_renew_recovery(struct ctx *c, struct app *app, const struct mfa_proof *p, struct slice **ret_codes);
/* By an administrator: every factor of the account, passkeys too, is gone, its sessions end. who NULL: at the server itself. */
MUST_USE enum err mfa_reset_tx(struct ctx *c, struct db_conn *conn, const struct app *app, const struct principal *who,
                               const struct user *user);
MUST_USE enum err mfa_reset(struct ctx *c, struct app *app, const struct principal *who, const struct user *user);

/* What the bearer of an unfinished sign-in may do: exactly one thing. */
enum mfa_use {
    MFA_VERIFY = 1,  /* give the second factor */
    MFA_ENROL,       /* make the second factor that the account must have */
    MFA_NEW_PASSWORD /* change the password that may not be used any longer */
};
/* "sdm_…", LIMIT_MFA_TOKEN_MS long; nothing is stored: a MAC bound to the user and the password hash. `otp`: the second factor has been
 * given already. */
MUST_USE enum err mfa_token_new(struct ctx *c, struct app *app, const struct user *user, enum mfa_use use, bool otp,
                                struct slice *ret);
/* ERR_UNAUTH "unauthorized" unless it is a living token for this use of an active account. */
MUST_USE enum err mfa_token_open(struct ctx *c, struct app *app, struct slice token, enum mfa_use use, struct user *ret,
                                 bool *ret_otp);

#endif
