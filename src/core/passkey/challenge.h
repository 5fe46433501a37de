/* challenge: what an authenticator signs, without being stored. Internal to core/passkey. */
#ifndef SEALDROP_CORE_PASSKEY_CHALLENGE_H
#define SEALDROP_CORE_PASSKEY_CHALLENGE_H

#include "core/app/app.h"
#include "crypto/webauthn.h"

enum challenge_use { CHALLENGE_REGISTER = 1, CHALLENGE_LOGIN };

/* For an account, or for anyone (user NULL); base64url, in the arena. */
MUST_USE enum err challenge_new(struct ctx *c, const struct app *app, enum challenge_use use, const struct id *user,
                                struct slice *ret);

struct challenge {
    struct sha256 hash; /* to be good once */
    int64_t expires_ms;
};
/* The browser's account of what was signed: type, challenge, origin. Fills `expect` but for user_verified. ERR_DENIED when anything is
 * not ours. */
MUST_USE enum err challenge_check(struct ctx *c, const struct app *app, enum challenge_use use, const struct id *user,
                                  struct slice client_data, struct webauthn_expect *ret_expect, struct challenge *ret);
/* The host of the public URL. */
MUST_USE enum err challenge_rp_id(struct ctx *c, const struct app *app, struct slice *ret);

#endif
