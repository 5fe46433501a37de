/* SQL of files. */
#include "core/file/file_store.h"

static const struct db_stmt insert = {
    "file_insert",
    "INSERT INTO files (id, owner_id, name, name_key, content_id, size, type, state, mode, version, modified_at, created_at, "
    "updated_at, folder_id) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $12, $13)", NULL};
static const struct db_stmt get = {"file_get", "SELECT " FILE_COLUMNS " FROM " FILE_TABLES " WHERE f.id = $1", NULL};
static const struct db_stmt get_many = {
    "file_get_many",
    "WITH RECURSIVE pick (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM pick WHERE i + 1 < $2) "
    "SELECT " FILE_COLUMNS ", pick.i FROM pick JOIN files f ON f.id = substr($1, pick.i * 16 + 1, 16) " FILE_JOINS, NULL};
static const struct db_stmt lock = {
    "file_lock", "SELECT owner_id, version FROM files WHERE id = $1 FOR UPDATE", "SELECT owner_id, version FROM files WHERE id = $1"};
#define PICKED                                                                                                         \
    "WITH RECURSIVE pick (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM pick WHERE i + 1 < $2) "                          \
    "SELECT 1 FROM files f WHERE f.id IN (SELECT substr($1, i * 16 + 1, 16) FROM pick) ORDER BY f.id"
static const struct db_stmt lock_many = {"file_lock_many", PICKED " FOR UPDATE", PICKED};
static const struct db_stmt change = {
    "file_change",
    "UPDATE files SET name = COALESCE($2, name), name_key = COALESCE($3, name_key), description = COALESCE($4, description), "
    "category = COALESCE($5, category), tags = COALESCE($6, tags), folder_id = CASE WHEN $7 = 0 THEN folder_id ELSE $8 END, "
    "updated_at = $9 WHERE id = $1", NULL};
static const struct db_stmt set_trashed = {
    "file_set_trashed", "UPDATE files SET trashed_at = $2, folder_id = $3, trashed_from = $4 WHERE id = $1", NULL};
static const struct db_stmt overdue = {
    "file_overdue", "SELECT id FROM files WHERE trashed_at <= $1 ORDER BY trashed_at LIMIT $2", NULL};
static const struct db_stmt inspected = {
    "file_inspected",
    "UPDATE files SET detected_type = $3, state = $4, state_why = $5 WHERE id = $1 AND content_id = $2 "
    "AND state IN ('scanning', 'ready')", NULL};
static const struct db_stmt remove_file = {"file_delete", "DELETE FROM files WHERE id = $1", NULL};

/* The root is no folder's row. */
static struct db_value place(const struct id *folder) { return id_is_zero(*folder) ? db_null() : db_id(folder); }

enum err file_store_insert(struct ctx *c, struct db_conn *conn, const struct file_insert *in)
{
    const struct file *f = &in->file;
    return db_exec(c, conn, &insert, NULL, db_id(&f->id), db_id(&f->owner_id), db_text(f->name), db_text(in->name_key),
                   db_id(&f->content.id), db_i64((int64_t)f->size), db_text(f->type), db_text(f->state), db_text(f->mode),
                   db_i64(f->version), db_i64(f->modified_at), db_i64(f->created_at), place(&f->folder_id));
}

void file_store_row(const struct db_result *r, size_t i, struct file *ret)
{
    *ret = (struct file){.id = db_get_id(r, i, 0),
                         .owner_id = db_get_id(r, i, 1),
                         .name = db_get_slice(r, i, 2),
                         .size = (uint64_t)db_get_i64(r, i, 3),
                         .type = db_get_slice(r, i, 4),
                         .state = db_get_slice(r, i, 5),
                         .mode = db_get_slice(r, i, 6),
                         .version = db_get_i64(r, i, 7),
                         .description = db_get_slice(r, i, 8),
                         .modified_at = db_get_i64(r, i, 9),
                         .created_at = db_get_i64(r, i, 10),
                         .updated_at = db_get_i64(r, i, 11),
                         .detected_type = db_get_slice(r, i, 12),
                         .state_why = db_get_slice(r, i, 13),
                         .trashed_at = db_get_i64(r, i, 14),
                         .processing = db_at(r, i, 15)->type != DB_NULL,
                         .processed_bytes = (uint64_t)db_get_i64(r, i, 15),
                         .folder_id = db_get_id(r, i, 16),
                         .folder = db_get_slice(r, i, 17),
                         .category = db_get_slice(r, i, 18),
                         .tags = db_get_slice(r, i, 19)};
    content_store_row(r, i, 20, &ret->content);
}

enum err file_store_get(struct ctx *c, struct db_conn *conn, const struct id *id, struct file *ret)
{
    struct db_result r;
    TRY(db_one(c, conn, &get, &r, db_id(id)));
    file_store_row(&r, 0, ret);
    return ERR_OK;
}

enum err file_store_get_many(struct ctx *c, struct db_conn *conn, const struct id *ids, size_t n, struct file *ret)
{
    struct db_result r;
    if (n == 0) return ERR_OK;
    TRY(db_exec(c, conn, &get_many, &r, db_bytes(slice_of(ids, n * sizeof *ids)), db_i64((int64_t)n)));
    for (size_t i = 0; i < n; i++) ret[i] = (struct file){.id = {{0}}};
    for (size_t i = 0; i < r.rows; i++) file_store_row(&r, i, &ret[db_get_i64(&r, i, r.cols - 1)]);
    return ERR_OK;
}

enum err file_store_lock(struct ctx *c, struct db_conn *conn, const struct id *id, struct file_lock *ret)
{
    struct db_result r;
    TRY(db_one(c, conn, &lock, &r, db_id(id)));
    *ret = (struct file_lock){db_get_id(&r, 0, 0), db_get_i64(&r, 0, 1)};
    return ERR_OK;
}

enum err file_store_hold_many(struct ctx *c, struct db_conn *conn, const struct id *ids, size_t n, struct file *ret)
{
    if (n) TRY(db_exec(c, conn, &lock_many, NULL, db_bytes(slice_of(ids, n * sizeof *ids)), db_i64((int64_t)n)));
    return file_store_get_many(c, conn, ids, n, ret);
}

enum err file_store_change(struct ctx *c, struct db_conn *conn, const struct id *id, const struct file_update *u, int64_t now_ms)
{
    struct id root = {{0}};
    return db_later(c, conn, &change, db_id(id), db_text_opt(u->name), db_text_opt(u->name_key), db_text_opt(u->description),
                  db_text_opt(u->category), db_text_opt(u->tags), db_i64(u->folder != NULL), place(u->folder ? u->folder : &root),
                  db_i64(now_ms));
}

enum err file_store_set_trashed(struct ctx *c, struct db_conn *conn, const struct id *id, const struct file_trashing *t)
{
    return db_later(c, conn, &set_trashed, db_id(id), t->at_ms ? db_i64(t->at_ms) : db_null(), place(&t->folder),
                  db_text(t->from));
}

enum err file_store_overdue(struct ctx *c, struct db_conn *conn, int64_t before_ms, size_t limit, struct db_result *ret)
{
    return db_exec(c, conn, &overdue, ret, db_i64(before_ms), db_i64((int64_t)limit));
}

enum err file_store_delete(struct ctx *c, struct db_conn *conn, const struct id *id)
{
    return db_later(c, conn, &remove_file, db_id(id));
}

enum err file_store_inspected(struct ctx *c, struct db_conn *conn, const struct file *f, bool *ret_done)
{
    struct db_result r;
    TRY(db_exec(c, conn, &inspected, &r, db_id(&f->id), db_id(&f->content.id), db_text(f->detected_type), db_text(f->state),
                db_text(f->state_why)));
    *ret_done = r.changes == 1;
    return ERR_OK;
}
