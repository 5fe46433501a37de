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
    struct id session_id;
    struct user user;
};

struct session_login {
    struct slice email;
    struct slice password;
    const struct principal *who; /* nobody yet; for its address */
};
/* Checks e-mail and password, nothing more: second factors and policies are the caller's next step.
 * ERR_UNAUTH "invalid_credentials" whatever was wrong; ERR_RATE after too many tries per account and address. */
MUST_USE enum err session_check_login(struct ctx *c, struct app *app, const struct session_login *in, struct user *ret);

struct session_new {
    const struct user *user;
    struct slice device_name, user_agent;
    const char *amr;  /* how it was signed in: "pwd", "pwd otp", "passkey", "oidc", "device" */
    const struct principal *who; /* nobody yet; for the audit record */
    int64_t idle_ms;  /* ends when unused for so long; 0: LIMIT_REFRESH_IDLE_MS */
    int64_t auth_at_ms; /* when the secret was proven; 0: now */
};
/* The account proved who it is: a new session, with its tokens. ERR_UNAUTH "invalid_credentials" for a suspended account, and when its
 * password or role changed since n->user was read: the proof was the old one's (user_proof_stands).
 * What is odd about it is recorded with it ("auth.signal"): a device or a country that the account never signed in from, or many wrong
 * tries before it. */
MUST_USE enum err session_start(struct ctx *c, struct app *app, const struct session_new *n, struct session_tokens *ret);
/* The caller proved its secret again: a fresh access token for the same session. */
MUST_USE enum err session_prove_again(struct ctx *c, struct app *app, const struct principal *who, struct session_tokens *ret);
/* ERR_UNAUTH when unknown, over, used before, or the account is suspended. */
MUST_USE enum err session_refresh(struct ctx *c, struct app *app, struct slice refresh_token, struct session_tokens *ret);
/* The caller signs out. */
MUST_USE enum err session_end(struct ctx *c, struct app *app, const struct principal *who);
struct session_info {
    struct id id;
    struct slice device_name, user_agent, ip, country /* empty: not known */, amr;
    int64_t created_at, last_used_at, expires_at;
};
/* Living sessions of a user, the latest used first, in the arena. */
MUST_USE enum err session_list(struct ctx *c, struct app *app, const struct id *user, struct session_info **ret, size_t *ret_n);
/* ERR_NOT_FOUND unless the session is the caller's. */
MUST_USE enum err session_end_one(struct ctx *c, struct app *app, const struct principal *who, const struct id *session);
/* All of the caller's but the one it is in. */
MUST_USE enum err session_end_others(struct ctx *c, struct app *app, const struct principal *who);
/* All sessions of a user but `keep` (NULL: none is kept), inside the transaction of what asks for it: a new password, a changed factor,
 * suspension, demotion. The effect on this node follows by session_watch. */
MUST_USE enum err session_end_all_tx(struct ctx *c, struct db_conn *conn, const struct id *user, const struct id *keep);
/* Who a bearer token stands for: signature, expiry, revocation. ERR_UNAUTH otherwise. */
MUST_USE enum err session_authenticate(struct ctx *c, struct app *app, struct slice token, struct principal *ret);

/* For the expiry job: forgets sessions that ended long ago. */
MUST_USE enum err session_purge(struct ctx *c, struct app *app);

/* The set of sessions revoked while their access tokens may still live. */
MUST_USE enum err revoked_set_new(struct revoked_set **ret);
void revoked_set_free(struct revoked_set *s);
/* Reads revocations made by any node since the last call; run every half second. */
MUST_USE enum err session_watch(struct ctx *c, struct app *app);

/* From memory, which session_watch keeps: ERR_UNAUTH when the caller's session was ended, here or on another node. */
MUST_USE enum err session_recheck(struct ctx *c, struct app *app, const struct principal *who);
/* In the transaction of what gives the account another way in: its row is locked, and then looked at once more whether the caller's
 * session goes on, and the account is active in the same role. ERR_UNAUTH: a new password, a suspension or the end of the session came
 * between. *ret_user (may be NULL): the account now. */
MUST_USE enum err session_recheck_tx(struct ctx *c, struct db_conn *conn, const struct app *app, const struct principal *who,
                                     struct user *ret_user);

#endif
