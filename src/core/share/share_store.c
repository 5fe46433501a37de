/* SQL of shares. */
#include "core/share/share_store.h"

#include "core/file/file_store.h"

#define SHARE_SELECT                                                                                                   \
    "SELECT s.user_id, u.display_name, CASE WHEN s.by_address = 1 THEN u.email ELSE '' END, s.permission, "            \
    "s.granted_by, s.expires_at, s.created_at FROM file_shares s JOIN users u ON u.id = s.user_id "

static const struct db_stmt permission = {
    "share_permission",
    "SELECT permission FROM file_shares WHERE file_id = $1 AND user_id = $2 AND (expires_at IS NULL OR expires_at > $3)", NULL};
static const struct db_stmt list = {
    "share_list",
    SHARE_SELECT "WHERE s.file_id = $1 AND (s.expires_at IS NULL OR s.expires_at > $5) "
    "AND (s.created_at < $2 OR (s.created_at = $2 AND s.user_id < $3)) ORDER BY s.created_at DESC, s.user_id DESC LIMIT $4", NULL};
static const struct db_stmt get = {"share_get", SHARE_SELECT "WHERE s.file_id = $1 AND s.user_id = $2", NULL};
static const struct db_stmt count = {"share_count", "SELECT COUNT(*) FROM file_shares WHERE file_id = $1", NULL};
/* Whoever knew the address once is shown it from then on. */
static const struct db_stmt put = {
    "share_put",
    "INSERT INTO file_shares (file_id, user_id, permission, by_address, granted_by, expires_at, created_at) "
    "SELECT f.id, u.id, $3, $4, $5, $6, $7 FROM files f, users u "
    "WHERE f.id = $1 AND u.id = $2 AND u.state = 'active' AND f.owner_id <> u.id "
    "ON CONFLICT (file_id, user_id) DO UPDATE SET permission = excluded.permission, granted_by = excluded.granted_by, "
    "expires_at = excluded.expires_at, "
    "by_address = CASE WHEN file_shares.by_address = 1 THEN 1 ELSE excluded.by_address END", NULL};
static const struct db_stmt remove_share = {
    "share_delete", "DELETE FROM file_shares WHERE file_id = $1 AND user_id = $2", NULL};
static const struct db_stmt expire = {"share_expire", "DELETE FROM file_shares WHERE expires_at <= $1", NULL};

static void read_row(const struct db_result *r, size_t i, struct share *ret)
{
    *ret = (struct share){.user_id = db_get_id(r, i, 0),
                          .display_name = db_get_slice(r, i, 1),
                          .email = db_get_slice(r, i, 2),
                          .permission = db_get_slice(r, i, 3),
                          .granted_by = db_get_id(r, i, 4),
                          .expires_at = db_get_i64(r, i, 5),
                          .created_at = db_get_i64(r, i, 6)};
}

enum err share_store_permission(struct ctx *c, struct db_conn *conn, const struct id *file, const struct id *user,
                                int64_t now_ms, struct slice *ret)
{
    struct db_result r;
    TRY(db_one(c, conn, &permission, &r, db_id(file), db_id(user), db_i64(now_ms)));
    *ret = db_get_slice(&r, 0, 0);
    return ERR_OK;
}

enum err share_store_list(struct ctx *c, struct db_conn *conn, const struct id *file, const struct page *page,
                          int64_t now_ms, struct share **ret, size_t *ret_n)
{
    struct db_result r;
    TRY(db_exec(c, conn, &list, &r, db_id(file), db_i64(page->before_ms), db_id(&page->before_id),
                db_i64((int64_t)page->limit + 1), db_i64(now_ms)));
    struct share *rows = ARENA_ARRAY(&c->arena, struct share, r.rows + 1);
    if (!rows) return ERR_NOMEM;
    for (size_t i = 0; i < r.rows; i++) read_row(&r, i, &rows[i]);
    *ret = rows;
    *ret_n = r.rows;
    return ERR_OK;
}

enum err share_store_get(struct ctx *c, struct db_conn *conn, const struct id *file, const struct id *user, struct share *ret)
{
    struct db_result r;
    TRY(db_one(c, conn, &get, &r, db_id(file), db_id(user)));
    read_row(&r, 0, ret);
    return ERR_OK;
}

enum err share_store_count(struct ctx *c, struct db_conn *conn, const struct id *file, uint64_t *ret)
{
    struct db_result r;
    TRY(db_one(c, conn, &count, &r, db_id(file)));
    *ret = (uint64_t)db_get_i64(&r, 0, 0);
    return ERR_OK;
}

enum err share_store_put(struct ctx *c, struct db_conn *conn, const struct id *file, const struct id *granted_by,
                         const struct share_target *t, int64_t now_ms)
{
    return db_one(c, conn, &put, NULL, db_id(file), db_id(&t->user.id), db_text(t->permission), db_i64(t->by_address),
                  db_id(granted_by), t->expires_at ? db_i64(t->expires_at) : db_null(), db_i64(now_ms));
}

enum err share_store_delete(struct ctx *c, struct db_conn *conn, const struct id *file, const struct id *user)
{
    return db_one(c, conn, &remove_share, NULL, db_id(file), db_id(user));
}

enum err share_store_expire(struct ctx *c, struct db_conn *conn, int64_t now_ms)
{
    return db_exec(c, conn, &expire, NULL, db_i64(now_ms));
}
