/* apikey: keys for programs: "sdk_" id "_" secret (8 characters, then 256 bits). Only the secret's SHA-256 is stored; the key is shown
 * once. What a key may do is its scopes AND what its owner may at the moment of the call. */
#ifndef SEALDROP_CORE_APIKEY_APIKEY_H
#define SEALDROP_CORE_APIKEY_APIKEY_H

#include "core/app/app.h"
#include "core/principal.h"

#define APIKEY_PREFIX "sdk_"
#define APIKEYS_PER_USER_MAX 100

struct apikey {
    struct slice id;
    struct slice name;
    unsigned scopes;
    int64_t created_at;
    int64_t expires_at;   /* 0: never */
    int64_t last_used_at; /* 0: never; at most a minute old */
};
struct apikey_new {
    struct slice name;
    unsigned scopes;
    uint64_t expires_in_s; /* 0: never */
};
/* Scopes that the caller's own role could not use are refused (ERR_DENIED). */
MUST_USE enum err apikey_create(struct ctx *c, struct app *app, const struct principal *who, const struct apikey_new *n,
                                struct apikey *ret, struct slice *ret_key);
MUST_USE enum err apikey_list(struct ctx *c, struct app *app, const struct principal *who, struct apikey **ret, size_t *ret_n);
/* At once. ERR_NOT_FOUND unless it is the caller's. */
MUST_USE enum err apikey_revoke(struct ctx *c, struct app *app, const struct principal *who, struct slice id);
/* ERR_UNAUTH unless it is a living key of an active account. */
MUST_USE enum err apikey_authenticate(struct ctx *c, struct app *app, struct slice key, struct principal *ret);

/* ERR_UNAUTH when the key of the caller was revoked, is over, or its account is suspended, gone or in another role. */
MUST_USE enum err apikey_recheck(struct ctx *c, struct app *app, const struct principal *who);
/* In the transaction of what an administrator does to accounts: whether the caller, by session or by key, may still act.
 * NULL: the command line on the server itself. ERR_UNAUTH as session_recheck_tx. */
MUST_USE enum err caller_recheck_tx(struct ctx *c, struct db_conn *conn, const struct app *app, const struct principal *who);

#endif
