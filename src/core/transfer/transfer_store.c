/* SQL of transfers. */
#include "core/transfer/transfer_store.h"

#include "core/file/file_store.h"

#define TRANSFER_COLUMNS                                                                                               \
    "t.id, t.owner_id, t.title, t.message, t.mode, t.password_hash, t.max_downloads, t.delete_files, t.expires_at, "   \
    "t.ended_at, t.ended_why, t.created_at, t.updated_at, "                                                            \
    "(SELECT COUNT(*) FROM transfer_files tf JOIN files f ON f.id = tf.file_id WHERE tf.transfer_id = t.id "           \
    "AND f.trashed_at IS NULL), "                                                                                      \
    "(SELECT CAST(COALESCE(SUM(f.size), 0) AS BIGINT) FROM transfer_files tf JOIN files f ON f.id = tf.file_id "       \
    "WHERE tf.transfer_id = t.id AND f.trashed_at IS NULL)"

static const struct db_stmt insert = {
    "transfer_insert",
    "INSERT INTO transfers (id, owner_id, title, message, mode, password_hash, max_downloads, delete_files, expires_at, "
    "created_at, updated_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $10)", NULL};
static const struct db_stmt add_file = {
    "transfer_add_file",
    "INSERT INTO transfer_files (transfer_id, file_id, position) SELECT $1, id, $4 FROM files "
    "WHERE id = $2 AND owner_id = COALESCE($3, owner_id) AND trashed_at IS NULL", NULL};
static const struct db_stmt get = {
    "transfer_get", "SELECT " TRANSFER_COLUMNS " FROM transfers t WHERE t.id = $1", NULL};
static const struct db_stmt list = {
    "transfer_list",
    "SELECT " TRANSFER_COLUMNS " FROM transfers t WHERE t.owner_id = $1 AND t.ended_at IS NULL "
    "AND (t.created_at < $2 OR (t.created_at = $2 AND t.id < $3)) ORDER BY t.created_at DESC, t.id DESC LIMIT $4", NULL};
static const struct db_stmt files = {
    "transfer_files",
    "SELECT " FILE_COLUMNS " FROM transfer_files tf JOIN files f ON f.id = tf.file_id " FILE_JOINS " "
    "WHERE tf.transfer_id = $1 AND f.trashed_at IS NULL ORDER BY tf.position", NULL};
static const struct db_stmt one_file = {
    "transfer_file",
    "SELECT " FILE_COLUMNS " FROM transfer_files tf JOIN files f ON f.id = tf.file_id " FILE_JOINS " "
    "WHERE tf.transfer_id = $1 AND tf.file_id = COALESCE($2, tf.file_id) AND (f.trashed_at IS NULL OR f.id = $2) LIMIT 2", NULL};
static const struct db_stmt sealed_bytes = {
    "transfer_sealed_bytes",
    "SELECT CAST(COALESCE(SUM(c.sealed_size), 0) AS BIGINT) FROM transfer_files tf JOIN files f ON f.id = tf.file_id "
    "JOIN contents c ON c.id = f.content_id "
    "WHERE tf.transfer_id = $1 AND f.trashed_at IS NULL", NULL};
static const struct db_stmt end_transfer = {
    "transfer_end",
    "UPDATE transfers SET ended_at = $3, ended_why = $2, updated_at = $3 WHERE id = $1 AND ended_at IS NULL", NULL};
static const struct db_stmt lone_files = {
    "transfer_lone_files",
    "SELECT tf.file_id FROM transfer_files tf WHERE tf.transfer_id = $1 AND NOT EXISTS (SELECT 1 FROM transfer_files o "
    "JOIN transfers t ON t.id = o.transfer_id WHERE o.file_id = tf.file_id AND o.transfer_id <> $1 "
    "AND t.ended_at IS NULL)", NULL};
static const struct db_stmt overdue = {
    "transfer_overdue",
    "SELECT id FROM transfers WHERE ended_at IS NULL AND expires_at <= $1 ORDER BY expires_at LIMIT $2", NULL};
static const struct db_stmt purge = {"transfer_purge", "DELETE FROM transfers WHERE ended_at < $1", NULL};

static void read_row(const struct db_result *r, size_t i, struct transfer *ret)
{
    *ret = (struct transfer){.id = db_get_id(r, i, 0),
                             .owner_id = db_get_id(r, i, 1),
                             .title = db_get_slice(r, i, 2),
                             .message = db_get_slice(r, i, 3),
                             .mode = db_get_slice(r, i, 4),
                             .password_hash = db_get_slice(r, i, 5),
                             .limited = db_at(r, i, 6)->type != DB_NULL,
                             .max_downloads = (uint64_t)db_get_i64(r, i, 6),
                             .delete_files = db_get_i64(r, i, 7) != 0,
                             .expires_at = db_get_i64(r, i, 8),
                             .ended_at = db_get_i64(r, i, 9),
                             .ended_why = db_get_slice(r, i, 10),
                             .created_at = db_get_i64(r, i, 11),
                             .updated_at = db_get_i64(r, i, 12),
                             .file_count = (uint64_t)db_get_i64(r, i, 13),
                             .total_bytes = (uint64_t)db_get_i64(r, i, 14)};
}

static struct db_value number_or_null(bool set, int64_t v)
{
    return set ? db_i64(v) : db_null();
}

enum err transfer_store_insert(struct ctx *c, struct db_conn *conn, const struct transfer *t)
{
    return db_exec(c, conn, &insert, NULL, db_id(&t->id), db_id(&t->owner_id), db_text(t->title), db_text(t->message),
                   db_text(t->mode), db_text_opt(t->password_hash),
                   number_or_null(t->limited, (int64_t)t->max_downloads), db_i64(t->delete_files),
                   number_or_null(t->expires_at != 0, t->expires_at), db_i64(t->created_at));
}

enum err transfer_store_add_file(struct ctx *c, struct db_conn *conn, const struct id *transfer, const struct id *file,
                                 const struct id *owner, uint64_t position)
{
    return db_one(c, conn, &add_file, NULL, db_id(transfer), db_id(file), owner ? db_id(owner) : db_null(),
                  db_i64((int64_t)position));
}

enum err transfer_store_get(struct ctx *c, struct db_conn *conn, const struct id *id, struct transfer *ret)
{
    struct db_result r;
    TRY(db_one(c, conn, &get, &r, db_id(id)));
    read_row(&r, 0, ret);
    return ERR_OK;
}

enum err transfer_store_list(struct ctx *c, struct db_conn *conn, const struct id *owner, const struct page *page,
                             struct transfer **ret, size_t *ret_n)
{
    struct db_result r;
    TRY(db_exec(c, conn, &list, &r, db_id(owner), db_i64(page->before_ms), db_id(&page->before_id),
                db_i64((int64_t)page->limit + 1)));
    struct transfer *rows = ARENA_ARRAY(&c->arena, struct transfer, r.rows + 1);
    if (!rows) return ERR_NOMEM;
    for (size_t i = 0; i < r.rows; i++) read_row(&r, i, &rows[i]);
    *ret = rows;
    *ret_n = r.rows;
    return ERR_OK;
}

enum err transfer_store_files(struct ctx *c, struct db_conn *conn, const struct id *id, struct file **ret, size_t *ret_n)
{
    struct db_result r;
    TRY(db_exec(c, conn, &files, &r, db_id(id)));
    struct file *rows = ARENA_ARRAY(&c->arena, struct file, r.rows + 1);
    if (!rows) return ERR_NOMEM;
    for (size_t i = 0; i < r.rows; i++) file_store_row(&r, i, &rows[i]);
    *ret = rows;
    *ret_n = r.rows;
    return ERR_OK;
}

enum err transfer_store_end(struct ctx *c, struct db_conn *conn, const struct id *id, const char *why, int64_t now_ms)
{
    return db_one(c, conn, &end_transfer, NULL, db_id(id), db_text(slice_cstr(why)), db_i64(now_ms));
}

enum err transfer_store_lone_files(struct ctx *c, struct db_conn *conn, const struct id *id, struct db_result *ret)
{
    return db_exec(c, conn, &lone_files, ret, db_id(id));
}

enum err transfer_store_overdue(struct ctx *c, struct db_conn *conn, int64_t now_ms, size_t limit, struct db_result *ret)
{
    return db_exec(c, conn, &overdue, ret, db_i64(now_ms), db_i64((int64_t)limit));
}

enum err transfer_store_purge(struct ctx *c, struct db_conn *conn, int64_t before_ms, uint64_t *ret_n)
{
    struct db_result r;
    TRY(db_exec(c, conn, &purge, &r, db_i64(before_ms)));
    *ret_n = r.changes;
    return ERR_OK;
}

enum err transfer_store_file(struct ctx *c, struct db_conn *conn, const struct id *transfer, const struct id *file,
                             struct db_result *ret)
{
    return db_exec(c, conn, &one_file, ret, db_id(transfer), file ? db_id(file) : db_null());
}

enum err transfer_store_sealed_bytes(struct ctx *c, struct db_conn *conn, const struct id *id, uint64_t *ret)
{
    struct db_result r;
    TRY(db_one(c, conn, &sealed_bytes, &r, db_id(id)));
    *ret = (uint64_t)db_get_i64(&r, 0, 0);
    return ERR_OK;
}
