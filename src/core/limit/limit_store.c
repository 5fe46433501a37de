/* SQL of limits: one row a key, the time until which its past events are paid for (GCRA). */
#include "core/limit/limit_store.h"

/* Further ahead than events can lead ($6): the clock was set back; the key starts again with no room left. */
static const struct db_stmt take = {
    "limit_take",
    "INSERT INTO limits (key, paid_at) VALUES ($1, $2) ON CONFLICT (key) DO UPDATE SET paid_at = "
    "CASE WHEN limits.paid_at < $3 THEN $2 WHEN limits.paid_at > $6 THEN $6 ELSE limits.paid_at + $4 END "
    "WHERE limits.paid_at <= $5 OR limits.paid_at > $6", NULL};
static const struct db_stmt get = {"limit_get", "SELECT paid_at FROM limits WHERE key = $1", NULL};
static const struct db_stmt purge = {"limit_purge", "DELETE FROM limits WHERE paid_at < $1", NULL};

enum err limit_store_take(struct ctx *c, struct db_conn *conn, const struct sha256 *key, const struct limit_times *t,
                          int64_t *ret_paid_at)
{
    struct db_result r;
    TRY(db_exec(c, conn, &take, &r, db_bytes(sha256_view(key)), db_i64(t->now_us + t->step_us), db_i64(t->now_us),
                db_i64(t->step_us), db_i64(t->now_us + t->room_us - t->step_us), db_i64(t->now_us + t->room_us)));
    if (r.changes == 1) return ERR_OK;
    TRY(db_one(c, conn, &get, &r, db_bytes(sha256_view(key))));
    *ret_paid_at = db_get_i64(&r, 0, 0);
    return ERR_NOT_FOUND;
}

enum err limit_store_purge(struct ctx *c, struct db_conn *conn, int64_t before_us)
{
    return db_exec(c, conn, &purge, NULL, db_i64(before_us));
}
