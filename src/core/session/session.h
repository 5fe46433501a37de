/* session: signing in, staying in, being thrown out.
 *
 * A sign-in makes a session row, a short access token and a rotating refresh token "sdr_…" (stored as SHA-256). Every use of a
 * refresh token makes its successor, which is a function of the old one: a repeated use within ten seconds (lost answer, two tabs)
 * gets the same successor; a later repeat ends the session, because then two parties hold it. Revocation acts on this node at
 * once and on all others within a second (session_watch). */
#ifndef SEALDROP_CORE_SESSION_SESSION_H
#define SEALDROP_CORE_SESSION_SESSION_H

#include "core/app/app.h"
#include "core/principal.h"
#include "core/user/user.h"

struct session_tokens {
    struct slice access_token;
    struct slice refresh_token;
    uint64_t expires_in_s;
    struct user user;
};

struct session_login {
    struct slice email;
    struct slice password;
    struct slice device_name;
    struct slice ip;
};

/* ERR_UNAUTH "invalid_credentials" whatever was wrong; ERR_RATE after too many tries per account and address. */
MUST_USE enum err session_login(struct ctx *c, struct app *app, const struct session_login *in, struct session_tokens *ret);
/* ERR_UNAUTH when unknown, over, used before, or the account is suspended. */
MUST_USE enum err session_refresh(struct ctx *c, struct app *app, struct slice refresh_token, struct session_tokens *ret);
MUST_USE enum err session_end(struct ctx *c, struct app *app, const struct id *session_id);
/* Who a bearer token stands for: signature, expiry, revocation. ERR_UNAUTH otherwise. */
MUST_USE enum err session_authenticate(struct ctx *c, struct app *app, struct slice token, struct principal *ret);

/* For the expiry job: forgets sessions that ended long ago. */
MUST_USE enum err session_purge(struct ctx *c, struct app *app);

/* The set of sessions revoked while their access tokens may still live. */
MUST_USE enum err revoked_set_new(struct revoked_set **ret);
void revoked_set_free(struct revoked_set *s);
/* Reads revocations made by any node since the last call; run every half second. */
MUST_USE enum err session_watch(struct ctx *c, struct app *app);

#endif
