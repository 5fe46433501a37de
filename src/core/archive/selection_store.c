/* SQL of selections. The ids of the files, and of the folders, stand one after another. */
#include "core/archive/selection_store.h"

#include "base/limits.h"

static const struct db_stmt insert = {
    "selection_insert",
    "INSERT INTO selections (id, user_id, tree_owner_id, base_id, name, files, folders, expires_at) "
    "VALUES ($1, $2, $3, $4, $5, $6, $7, $8)", NULL};
static const struct db_stmt trim = {
    "selection_trim",
    "DELETE FROM selections WHERE user_id = $1 AND id NOT IN "
    "(SELECT id FROM selections WHERE user_id = $1 ORDER BY expires_at DESC, id DESC LIMIT $2)", NULL};
static const struct db_stmt use = {
    "selection_use",
    "UPDATE selections SET expires_at = $4 WHERE id = $1 AND user_id = $2 AND expires_at > $3 "
    "RETURNING tree_owner_id, base_id, name, files, folders", NULL};
static const struct db_stmt expire = {"selection_expire", "DELETE FROM selections WHERE expires_at <= $1", NULL};

static struct db_value ids(const struct id *list, size_t n) { return db_bytes(slice_of(list, n * sizeof *list)); }

enum err selection_store_insert(struct ctx *c, struct db_conn *conn, const struct id *user, const struct selection_row *s,
                                int64_t until_ms)
{
    TRY(db_exec(c, conn, &insert, NULL, db_id(&s->s.id), db_id(user), db_id(&s->tree_owner), db_id(&s->base), db_text(s->s.name),
                ids(s->files, s->file_count), ids(s->folders, s->folder_count), db_i64(until_ms)));
    return db_exec(c, conn, &trim, NULL, db_id(user), db_i64(LIMIT_SELECTIONS));
}

static enum err read_ids(struct ctx *c, struct slice raw, struct id **ret, size_t *ret_n)
{
    *ret_n = raw.len / sizeof **ret;
    *ret = ARENA_ARRAY(&c->arena, struct id, *ret_n + 1);
    if (!*ret) return ERR_NOMEM;
    if (*ret_n) memcpy(*ret, raw.ptr, *ret_n * sizeof **ret);
    return ERR_OK;
}

enum err selection_store_use(struct ctx *c, struct db_conn *conn, const struct id *user, int64_t now_ms, int64_t until_ms,
                             struct selection_row *s)
{
    struct db_result r;
    TRY(db_one(c, conn, &use, &r, db_id(&s->s.id), db_id(user), db_i64(now_ms), db_i64(until_ms)));
    s->tree_owner = db_get_id(&r, 0, 0);
    s->base = db_get_id(&r, 0, 1);
    s->s.name = db_get_slice(&r, 0, 2);
    TRY(read_ids(c, db_get_slice(&r, 0, 3), &s->files, &s->file_count));
    return read_ids(c, db_get_slice(&r, 0, 4), &s->folders, &s->folder_count);
}

enum err selection_store_expire(struct ctx *c, struct db_conn *conn, int64_t now_ms)
{
    return db_exec(c, conn, &expire, NULL, db_i64(now_ms));
}
