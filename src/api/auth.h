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
};
/* The account has proven everything its policy asks for: start the session and answer with its tokens. */
MUST_USE enum err begin_session(struct call *q, const struct begin *b);
MUST_USE enum err reply_session(struct call *q, const struct session_tokens *t, bool cookie);

#endif
