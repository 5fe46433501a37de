/* SQL of limits. Internal to core/limit. */
#ifndef SEALDROP_CORE_LIMIT_LIMIT_STORE_H
#define SEALDROP_CORE_LIMIT_LIMIT_STORE_H

#include "crypto/hash.h"
#include "db/db.h"

/* All in microseconds of the wall clock. `step`: what one event costs; `room`: how far ahead of now events may be paid for. */
struct limit_times {
    int64_t now_us, step_us, room_us;
};
/* Counts one event. ERR_NOT_FOUND when there is no room; *ret_paid_at then tells until when past events are paid for. */
MUST_USE enum err limit_store_take(struct ctx *c, struct db_conn *conn, const struct sha256 *key, const struct limit_times *t,
                                   int64_t *ret_paid_at);
MUST_USE enum err limit_store_purge(struct ctx *c, struct db_conn *conn, int64_t before_us);

#endif
