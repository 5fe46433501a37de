/* Hashes of what was presented. */
#include "core/app/once.h"
#include "os/clock.h"

static const struct db_stmt add = {
    "once_add", "INSERT INTO used_once (hash, expires_at) VALUES ($1, $2) ON CONFLICT DO NOTHING", NULL};
static const struct db_stmt purge = {"once_purge", "DELETE FROM used_once WHERE expires_at < $1", NULL};

enum err once_use(struct ctx *c, struct db_conn *conn, const struct sha256 *hash, int64_t expires_ms)
{
    return db_one(c, conn, &add, NULL, db_bytes(sha256_view(hash)), db_i64(expires_ms));
}

static enum err purge_tx(struct ctx *c, struct db_conn *conn, void *arg)
{
    (void)arg;
    return db_exec(c, conn, &purge, NULL, db_i64(clock_wall_ms()));
}

enum err once_purge(struct ctx *c, struct app *app) { return db_tx(c, app->be.db, DB_WRITE, purge_tx, NULL); }
