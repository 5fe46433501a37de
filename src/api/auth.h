/* What every way of signing in ends with. */
#ifndef SEALDROP_API_AUTH_H
#define SEALDROP_API_AUTH_H

#include "api/api.h"
#include "core/session/session.h"

struct begin {
    const struct user *user;
    struct slice device_name;
    const char *amr; /* as in struct session_new */
    bool cookie;     /* a browser: tokens in cookies, idle limit */
    int64_t auth_at_ms; /* when the secret was proven; 0: now */
    const struct slice *recovery_codes; /* MFA_RECOVERY_CODES to show with the answer; NULL: none */
};
/* The account has proven its password, or a first factor like it: what its policy asks for next, or the session. `otp`: the second
 * factor was given as well. Answers. */
MUST_USE enum err sign_in_next(struct call *q, const struct begin *b, bool otp);
/* The account has proven everything its policy asks for: start the session and answer with its tokens. */
MUST_USE enum err begin_session(struct call *q, const struct begin *b);
/* For step-up: the caller's own password, counted as every try. ERR_DENIED "wrong_password". */
MUST_USE enum err prove_password(struct call *q, const char *event, struct slice password, struct user *ret);
/* A code of the second factor, where the account has TOTP. ERR_DENIED "code_required", "wrong_code". */
MUST_USE enum err prove_code(struct call *q, const struct user *user, struct slice code);
MUST_USE enum err reply_session(struct call *q, const struct session_tokens *t, bool cookie);

#endif
