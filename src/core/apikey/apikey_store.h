/* SQL of API keys. Internal to core/apikey. */
#ifndef SEALDROP_CORE_APIKEY_APIKEY_STORE_H
#define SEALDROP_CORE_APIKEY_APIKEY_STORE_H

#include "core/apikey/apikey.h"
#include "crypto/hash.h"

MUST_USE enum err apikey_store_insert(struct ctx *c, struct db_conn *conn, const struct id *user, const struct apikey *k,
                                      const struct sha256 *secret);
MUST_USE enum err apikey_store_count(struct ctx *c, struct db_conn *conn, const struct id *user, uint64_t *ret);
MUST_USE enum err apikey_store_list(struct ctx *c, struct db_conn *conn, const struct id *user, struct apikey **ret,
                                    size_t *ret_n);
MUST_USE enum err apikey_store_revoke(struct ctx *c, struct db_conn *conn, const struct id *user, struct slice id,
                                      int64_t now_ms);
struct apikey_row {
    struct apikey key;
    struct id user_id;
    struct sha256 secret;
    struct slice role, user_state;
};
/* Living keys only. ERR_NOT_FOUND. */
MUST_USE enum err apikey_store_get(struct ctx *c, struct db_conn *conn, struct slice id, int64_t now_ms,
                                   struct apikey_row *ret);
MUST_USE enum err apikey_store_touch(struct ctx *c, struct db_conn *conn, struct slice id, int64_t now_ms);

#endif
