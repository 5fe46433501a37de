/* SQL of device codes. */
#include "core/device/device_store.h"

static const struct db_stmt insert = {
    "device_insert",
    "INSERT INTO device_codes (hash, user_code, device_name, ip, state, created_at, expires_at) "
    "VALUES ($1, $2, $3, $4, 'waiting', $5, $6)", NULL};
static const struct db_stmt find = {
    "device_find",
    "SELECT device_name, ip, created_at, expires_at FROM device_codes "
    "WHERE user_code = $1 AND state = 'waiting' AND expires_at > $2", NULL};
static const struct db_stmt decide = {
    "device_decide",
    "UPDATE device_codes SET state = $3, user_id = $4, session_id = $5 "
    "WHERE user_code = $1 AND state = 'waiting' AND expires_at > $2", NULL};
#define POLL                                                                                                           \
    "SELECT d.state, d.device_name, d.user_id, s.id, s.auth_at, d.expires_at, d.polled_at FROM device_codes d "       \
    "LEFT JOIN sessions s ON s.id = d.session_id AND s.revoked_at IS NULL WHERE d.hash = $1"
static const struct db_stmt poll = {"device_poll", POLL " FOR UPDATE OF d", POLL};
static const struct db_stmt polled = {"device_polled", "UPDATE device_codes SET polled_at = $2 WHERE hash = $1", NULL};
static const struct db_stmt use = {
    "device_use", "UPDATE device_codes SET state = 'used' WHERE hash = $1 AND state = 'approved'", NULL};
static const struct db_stmt purge = {"device_purge", "DELETE FROM device_codes WHERE expires_at < $1", NULL};

enum err device_store_insert(struct ctx *c, struct db_conn *conn, const struct device_row *d)
{
    return db_exec(c, conn, &insert, NULL, db_bytes(sha256_view(&d->hash)), db_text(d->user_code), db_text(d->device_name),
                   db_text(d->ip), db_i64(d->created_at), db_i64(d->expires_at));
}

enum err device_store_find(struct ctx *c, struct db_conn *conn, struct slice user_code, int64_t now_ms,
                           struct device_request *ret)
{
    struct db_result r;
    TRY(db_one(c, conn, &find, &r, db_text(user_code), db_i64(now_ms)));
    *ret = (struct device_request){.device_name = db_get_slice(&r, 0, 0),
                                   .ip = db_get_slice(&r, 0, 1),
                                   .created_at = db_get_i64(&r, 0, 2),
                                   .expires_at = db_get_i64(&r, 0, 3)};
    return ERR_OK;
}

enum err device_store_decide(struct ctx *c, struct db_conn *conn, struct slice user_code, const struct principal *who,
                             const char *state, int64_t now_ms)
{
    return db_one(c, conn, &decide, NULL, db_text(user_code), db_i64(now_ms), db_text(slice_cstr(state)),
                  db_id(&who->user_id), db_id(&who->session_id));
}

enum err device_store_poll(struct ctx *c, struct db_conn *conn, const struct sha256 *hash, struct device_poll *ret)
{
    struct db_result r;
    TRY(db_one(c, conn, &poll, &r, db_bytes(sha256_view(hash))));
    *ret = (struct device_poll){.state = db_get_slice(&r, 0, 0),
                                .device_name = db_get_slice(&r, 0, 1),
                                .user_id = db_get_id(&r, 0, 2),
                                .approver_signed_in = db_get_slice(&r, 0, 3).ptr != NULL,
                                .auth_at_ms = db_get_i64(&r, 0, 4),
                                .expires_at = db_get_i64(&r, 0, 5),
                                .polled_at = db_get_i64(&r, 0, 6)};
    return ERR_OK;
}

enum err device_store_polled(struct ctx *c, struct db_conn *conn, const struct sha256 *hash, int64_t now_ms)
{
    return db_exec(c, conn, &polled, NULL, db_bytes(sha256_view(hash)), db_i64(now_ms));
}

enum err device_store_use(struct ctx *c, struct db_conn *conn, const struct sha256 *hash)
{
    return db_one(c, conn, &use, NULL, db_bytes(sha256_view(hash)));
}

enum err device_store_purge(struct ctx *c, struct db_conn *conn, int64_t before_ms)
{
    return db_exec(c, conn, &purge, NULL, db_i64(before_ms));
}
