/* The memory of idempotent requests: one row a key, reserved before the work and filled after it. */
#ifndef SEALDROP_CORE_APP_IDEMPOTENCY_H
#define SEALDROP_CORE_APP_IDEMPOTENCY_H

#include "core/app/app.h"
#include "crypto/hash.h"

#define IDEMPOTENCY_KEEP_MS (24 * 3600 * 1000ll)

struct idempotency {
    struct sha256 key;     /* of caller, route and the client's key */
    struct sha256 request; /* of the body */
};
/* ERR_OK: reserved, do the work, then finish or drop. ERR_EXISTS: *ret_status and *ret_body are the first answer.
 * ERR_BUSY: the first one is still running. ERR_CONFLICT: the key was used for another request. */
MUST_USE enum err idempotency_begin(struct ctx *c, struct app *app, const struct idempotency *i, int *ret_status,
                                    struct slice *ret_body);
MUST_USE enum err idempotency_finish(struct ctx *c, struct app *app, const struct idempotency *i, int status,
                                     struct slice body);
/* The work failed: the key may be used again. */
MUST_USE enum err idempotency_drop(struct ctx *c, struct app *app, const struct idempotency *i);

/* For what is made in one transaction, inside it: remembers that this request makes `object`. *ret_made: what it has made before,
 * else zero. ERR_CONFLICT: the key was used for another request. */
MUST_USE enum err idempotency_claim_tx(struct ctx *c, struct db_conn *conn, const struct idempotency *i, const struct id *object,
                                       int64_t until_ms, struct id *ret_made);
/* What it had made is gone, and `object` is made instead. */
MUST_USE enum err idempotency_renew_tx(struct ctx *c, struct db_conn *conn, const struct idempotency *i, const struct id *object,
                                       int64_t until_ms);
/* It made nothing after all. */
MUST_USE enum err idempotency_drop_tx(struct ctx *c, struct db_conn *conn, const struct idempotency *i);
MUST_USE enum err idempotency_expire(struct ctx *c, struct app *app);

#endif
