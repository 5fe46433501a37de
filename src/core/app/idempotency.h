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
MUST_USE enum err idempotency_expire(struct ctx *c, struct app *app);

#endif
