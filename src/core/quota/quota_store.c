/* SQL of quotas: one conditional update decides, so two uploads can never both take the last byte. */
#include "core/quota/quota.h"

static const struct db_stmt take = {
    "quota_take",
    "UPDATE users SET used_bytes = used_bytes + $2 WHERE id = $1 "
    "AND (COALESCE(quota_bytes, $3) = 0 OR used_bytes + $2 <= COALESCE(quota_bytes, $3))", NULL};
static const struct db_stmt give_back = {
    "quota_give_back",
    "UPDATE users SET used_bytes = CASE WHEN used_bytes > $2 THEN used_bytes - $2 ELSE 0 END WHERE id = $1", NULL};

enum err quota_take(struct ctx *c, struct db_conn *conn, const struct app *app, const struct id *user, uint64_t bytes)
{
    struct db_result r;
    if (bytes == 0) return ERR_OK;
    TRY(db_exec(c, conn, &take, &r, db_id(user), db_i64((int64_t)bytes), db_i64((int64_t)app->cfg.quota_bytes_default)));
    if (r.changes == 1) return ERR_OK;
    return refuse(c, ERR_QUOTA, "quota_exceeded", "This would take you over your storage quota. Delete something first.");
}

enum err quota_give_back(struct ctx *c, struct db_conn *conn, const struct id *user, uint64_t bytes)
{
    if (bytes == 0) return ERR_OK;
    return db_exec(c, conn, &give_back, NULL, db_id(user), db_i64((int64_t)bytes));
}
