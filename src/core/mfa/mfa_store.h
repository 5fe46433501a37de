/* SQL of second factors. Internal to core/mfa. */
#ifndef SEALDROP_CORE_MFA_MFA_STORE_H
#define SEALDROP_CORE_MFA_MFA_STORE_H

#include "core/key/key.h"
#include "core/mfa/mfa.h"
#include "crypto/hash.h"

MUST_USE enum err mfa_store_state(struct ctx *c, struct db_conn *conn, const struct id *user, struct mfa_state *ret);
/* The wrapped secret; ERR_NOT_FOUND. A pending one must be made after `since_ms`. */
MUST_USE enum err totp_store_get(struct ctx *c, struct db_conn *conn, const struct id *user, bool pending, int64_t since_ms,
                                 struct slice *ret_wrapped);
/* Replaces one that is pending already. */
MUST_USE enum err totp_store_put_pending(struct ctx *c, struct db_conn *conn, const struct id *user, const struct wrapped *w,
                                         int64_t now_ms);
/* Uses a step up: *ret_used false when it, or a later one, was used before. */
MUST_USE enum err totp_store_use(struct ctx *c, struct db_conn *conn, const struct id *user, struct slice wrapped, int64_t step,
                                 bool *ret_used);
/* The pending secret replaces the one in force. */
MUST_USE enum err totp_store_confirm(struct ctx *c, struct db_conn *conn, const struct id *user);
MUST_USE enum err totp_store_remove(struct ctx *c, struct db_conn *conn, const struct id *user);
MUST_USE enum err passkeys_store_remove(struct ctx *c, struct db_conn *conn, const struct id *user);

MUST_USE enum err recovery_store_add(struct ctx *c, struct db_conn *conn, const struct id *user, const struct sha256 *hash);
enum recovery_found { RECOVERY_NONE, RECOVERY_USED_BEFORE, RECOVERY_GOOD };
/* Uses a code up. */
MUST_USE enum err recovery_store_use(struct ctx *c, struct db_conn *conn, const struct id *user, const struct sha256 *hash,
                                     int64_t now_ms, enum recovery_found *ret);
MUST_USE enum err recovery_store_remove(struct ctx *c, struct db_conn *conn, const struct id *user);

/* Wrong codes in a row; the row of the user is locked until the transaction ends. */
MUST_USE enum err mfa_store_fails(struct ctx *c, struct db_conn *conn, const struct id *user, int64_t *ret_fails,
                                  int64_t *ret_blocked_until);
MUST_USE enum err mfa_store_set_fails(struct ctx *c, struct db_conn *conn, const struct id *user, int64_t fails,
                                      int64_t blocked_until);

#endif
