/* SQL of mailed tokens, and of what they change at accounts. Internal to core/account. */
#ifndef SEALDROP_CORE_ACCOUNT_ACCOUNT_STORE_H
#define SEALDROP_CORE_ACCOUNT_ACCOUNT_STORE_H

#include "core/account/account.h"
#include "crypto/hash.h"

struct mailed_token {
    struct sha256 hash;
    const char *purpose;
    const struct id *user_id; /* NULL: not of an account */
    struct slice data;
    int64_t created_at, expires_at;
};
MUST_USE enum err mailed_store_insert(struct ctx *c, struct db_conn *conn, const struct mailed_token *t);
/* Marks it used: of several callers exactly one gets it. ERR_NOT_FOUND when it is unknown, used or over. `ret_user` is zero for
 * tokens of no account. */
MUST_USE enum err mailed_store_take(struct ctx *c, struct db_conn *conn, const struct sha256 *hash, const char *purpose,
                                    int64_t now_ms, struct id *ret_user, struct slice *ret_data);
/* The same without using it. */
MUST_USE enum err mailed_store_peek(struct ctx *c, struct db_conn *conn, const struct sha256 *hash, const char *purpose,
                                    int64_t now_ms, struct id *ret_user, struct slice *ret_data);
/* Every token of this purpose that the account has. */
MUST_USE enum err mailed_store_drop(struct ctx *c, struct db_conn *conn, const struct id *user, const char *purpose);
MUST_USE enum err mailed_store_purge(struct ctx *c, struct db_conn *conn, int64_t before_ms);
MUST_USE enum err account_store_confirm(struct ctx *c, struct db_conn *conn, const struct id *user, int64_t now_ms);
/* ERR_NOT_FOUND when it was confirmed before. */
MUST_USE enum err account_store_confirm_first(struct ctx *c, struct db_conn *conn, const struct id *user, int64_t now_ms);
/* Every way into the account but its password: external identities, second factors, API keys. */
MUST_USE enum err account_store_drop_ways_in(struct ctx *c, struct db_conn *conn, const struct id *user);
MUST_USE enum err account_store_set_quota(struct ctx *c, struct db_conn *conn, const struct id *user, uint64_t quota_bytes);

#endif
