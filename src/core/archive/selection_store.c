/* SQL of selections. The ids of the files stand one after another. */
#include "core/archive/selection_store.h"

#include "base/limits.h"

static const struct db_stmt insert = {
    "selection_insert", "INSERT INTO selections (id, user_id, files, expires_at) VALUES ($1, $2, $3, $4)", NULL};
static const struct db_stmt trim = {
    "selection_trim",
    "DELETE FROM selections WHERE user_id = $1 AND id NOT IN "
    "(SELECT id FROM selections WHERE user_id = $1 ORDER BY expires_at DESC, id DESC LIMIT $2)", NULL};
static const struct db_stmt use = {
    "selection_use",
    "UPDATE selections SET expires_at = $4 WHERE id = $1 AND user_id = $2 AND expires_at > $3 RETURNING files", NULL};
static const struct db_stmt expire = {"selection_expire", "DELETE FROM selections WHERE expires_at <= $1", NULL};

enum err selection_store_insert(struct ctx *c, struct db_conn *conn, const struct id *id, const struct id *user,
                                const struct selection *s, int64_t until_ms)
{
    TRY(db_exec(c, conn, &insert, NULL, db_id(id), db_id(user), db_bytes(slice_of(s->files, s->n * sizeof *s->files)),
                db_i64(until_ms)));
    return db_exec(c, conn, &trim, NULL, db_id(user), db_i64(LIMIT_SELECTIONS));
}

enum err selection_store_use(struct ctx *c, struct db_conn *conn, const struct id *id, const struct id *user, int64_t now_ms,
                             int64_t until_ms, struct selection *ret)
{
    struct db_result r;
    TRY(db_one(c, conn, &use, &r, db_id(id), db_id(user), db_i64(now_ms), db_i64(until_ms)));
    struct slice raw = db_get_slice(&r, 0, 0);
    size_t n = raw.len / sizeof(struct id);
    struct id *files = ARENA_ARRAY(&c->arena, struct id, n + 1);
    if (!files) return ERR_NOMEM;
    memcpy(files, raw.ptr, n * sizeof *files);
    *ret = (struct selection){files, n};
    return ERR_OK;
}

enum err selection_store_expire(struct ctx *c, struct db_conn *conn, int64_t now_ms)
{
    return db_exec(c, conn, &expire, NULL, db_i64(now_ms));
}
