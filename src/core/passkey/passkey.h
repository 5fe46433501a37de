/* passkey: WebAuthn credentials of accounts: as the only proof (they then must verify the person: PIN, finger), or as second factor.
 *
 * Challenges are not stored: random, end, and a MAC over both, the purpose and the account; each is good once (its hash goes into
 * used_once, see core/app/once.h, in the transaction of what it allowed) and for five minutes. The site is the host of the public
 * URL, the origin must be the public URL itself. A counter that does not grow is a cloned authenticator: refused and recorded.
 * Whatever is wrong with an assertion, the answer is the same, and so it is for unknown credentials. */
#ifndef SEALDROP_CORE_PASSKEY_PASSKEY_H
#define SEALDROP_CORE_PASSKEY_PASSKEY_H

#include "core/app/app.h"
#include "core/principal.h"
#include "core/user/user.h"

#define PASSKEYS_PER_USER_MAX 20u
#define PASSKEY_CHALLENGE_MS (5 * 60 * 1000ll)

struct passkey {
    struct id id;
    struct slice name;
    int64_t created_at;
    int64_t last_used_at; /* 0: never */
};

/* PublicKeyCredentialCreationOptions as JSON (what browsers parse themselves), for the caller's account. */
MUST_USE enum err passkey_options(struct ctx *c, struct app *app, const struct principal *who, struct slice *ret_json);
struct passkey_new {
    struct slice name;
    struct slice client_data, attestation_object; /* as the browser gave them */
};
/* Ends the caller's other sessions and writes a notice. ERR_DENIED "passkey_refused"; ERR_EXISTS; ERR_QUOTA. */
MUST_USE enum err passkey_register(struct ctx *c, struct app *app, const struct principal *who, const struct passkey_new *n,
                                   struct passkey *ret);
MUST_USE enum err passkey_list(struct ctx *c, struct app *app, const struct principal *who, struct passkey **ret, size_t *ret_n);
/* As passkey_register. ERR_NOT_FOUND unless it is the caller's; ERR_DENIED "mfa_required" for the last factor of an account that must
 * have one. */
MUST_USE enum err passkey_remove(struct ctx *c, struct app *app, const struct principal *who, const struct id *id);

/* PublicKeyCredentialRequestOptions as JSON. `user` has given its password already, and its passkeys are named; NULL: anyone. */
MUST_USE enum err passkey_login_options(struct ctx *c, struct app *app, const struct user *user, struct slice *ret_json);
struct passkey_login {
    const struct principal *who; /* nobody yet */
    const struct user *user;     /* has given its password already: the passkey is its second factor; NULL: the only proof */
    struct slice credential_id, client_data, auth_data, signature;
    struct slice user_handle; /* empty: not told */
};
/* The account whose passkey it is. ERR_UNAUTH "passkey_refused". */
MUST_USE enum err passkey_login(struct ctx *c, struct app *app, const struct passkey_login *in, struct user *ret);

#endif
