/* SQL of passkeys. Internal to core/passkey. */
#ifndef SEALDROP_CORE_PASSKEY_PASSKEY_STORE_H
#define SEALDROP_CORE_PASSKEY_PASSKEY_STORE_H

#include "core/passkey/passkey.h"
#include "crypto/webauthn.h"

/* ERR_EXISTS when the credential is known already. */
MUST_USE enum err passkey_store_insert(struct ctx *c, struct db_conn *conn, const struct id *user, const struct passkey *p,
                                       const struct webauthn_credential *k);
MUST_USE enum err passkey_store_list(struct ctx *c, struct db_conn *conn, const struct id *user, struct passkey **ret,
                                     struct slice **ret_credential_ids, size_t *ret_n);
/* ERR_NOT_FOUND unless it is the user's. */
MUST_USE enum err passkey_store_remove(struct ctx *c, struct db_conn *conn, const struct id *user, const struct id *id);
struct passkey_row {
    struct id id, user_id;
    int64_t alg, sign_count;
    struct slice key;
};
MUST_USE enum err passkey_store_get(struct ctx *c, struct db_conn *conn, struct slice credential_id, struct passkey_row *ret);
/* ERR_NOT_FOUND unless the counter grew, or authenticator and row have none. */
MUST_USE enum err passkey_store_use(struct ctx *c, struct db_conn *conn, const struct id *id, int64_t sign_count, int64_t now_ms);
/* The account's factors: confirmed TOTP and passkeys. */
MUST_USE enum err passkey_store_factors(struct ctx *c, struct db_conn *conn, const struct id *user, uint64_t *ret);

#endif
