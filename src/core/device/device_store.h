/* SQL of device codes. Internal to core/device. */
#ifndef SEALDROP_CORE_DEVICE_DEVICE_STORE_H
#define SEALDROP_CORE_DEVICE_DEVICE_STORE_H

#include "core/device/device.h"
#include "crypto/hash.h"

struct device_row {
    struct sha256 hash;
    struct slice user_code; /* eight letters */
    struct slice device_name, ip;
    int64_t created_at, expires_at;
};
/* ERR_EXISTS when the short code is in use. */
MUST_USE enum err device_store_insert(struct ctx *c, struct db_conn *conn, const struct device_row *d);
/* Waiting and not over. ERR_NOT_FOUND. */
MUST_USE enum err device_store_find(struct ctx *c, struct db_conn *conn, struct slice user_code, int64_t now_ms,
                                    struct device_request *ret);
/* The same, and decides it. */
MUST_USE enum err device_store_decide(struct ctx *c, struct db_conn *conn, struct slice user_code, const struct principal *who,
                                      const char *state, int64_t now_ms);

struct device_poll {
    struct slice state;
    struct slice device_name;
    struct id user_id;
    bool approver_signed_in; /* still */
    int64_t auth_at_ms;
    int64_t expires_at, polled_at;
};
/* Locks the row on PostgreSQL. ERR_NOT_FOUND. */
MUST_USE enum err device_store_poll(struct ctx *c, struct db_conn *conn, const struct sha256 *hash, struct device_poll *ret);
MUST_USE enum err device_store_polled(struct ctx *c, struct db_conn *conn, const struct sha256 *hash, int64_t now_ms);
/* ERR_NOT_FOUND unless it was approved and not used. */
MUST_USE enum err device_store_use(struct ctx *c, struct db_conn *conn, const struct sha256 *hash);
MUST_USE enum err device_store_purge(struct ctx *c, struct db_conn *conn, int64_t before_ms);

#endif
