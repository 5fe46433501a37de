/* SQL of versions. */
#include "core/file/version_store.h"

#include "base/limits.h"

#define VERSION_COLUMNS                                                                                                \
    "v.version, v.size, v.type, v.state, v.modified_at, v.created_at, v.replaced_at, v.created_by, " CONTENT_COLUMNS
#define VERSION_TABLES "file_versions v JOIN contents c ON c.id = v.content_id"
#define CONTENT_AT 8

static const struct db_stmt insert = {
    "version_insert",
    "INSERT INTO file_versions (file_id, version, content_id, size, type, state, modified_at, created_at, created_by) "
    "VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)", NULL};
static const struct db_stmt lock = {
    "version_lock", "SELECT 1 FROM file_versions WHERE file_id = $1 AND version = $2 FOR UPDATE",
    "SELECT 1 FROM file_versions WHERE file_id = $1 AND version = $2"};
static const struct db_stmt copy = {
    "version_copy",
    "INSERT INTO file_versions (file_id, version, content_id, size, type, detected_type, state, modified_at, created_at, created_by) "
    "SELECT file_id, $3, content_id, size, type, detected_type, state, modified_at, $4, $5 FROM file_versions "
    "WHERE file_id = $1 AND version = $2", NULL};
static const struct db_stmt replace = {
    "version_replace",
    "UPDATE file_versions SET replaced_at = $3 WHERE file_id = $1 AND version < $2 AND replaced_at IS NULL", NULL};
static const struct db_stmt show = {
    "version_show",
    "UPDATE files SET version = v.version, content_id = v.content_id, size = v.size, type = v.type, detected_type = v.detected_type, "
    "state = v.state, state_why = '', modified_at = v.modified_at, updated_at = $3 "
    "FROM file_versions v WHERE files.id = $1 AND v.file_id = $1 AND v.version = $2", NULL};
static const struct db_stmt list = {
    "version_list",
    "SELECT " VERSION_COLUMNS " FROM " VERSION_TABLES " WHERE v.file_id = $1 AND v.version < $2 ORDER BY v.version DESC LIMIT $3", NULL};
static const struct db_stmt get = {
    "version_get", "SELECT " VERSION_COLUMNS " FROM " VERSION_TABLES " WHERE v.file_id = $1 AND v.version = $2", NULL};
static const struct db_stmt by_content = {
    "version_by_content",
    "SELECT " VERSION_COLUMNS " FROM " VERSION_TABLES " WHERE v.file_id = $1 AND v.content_id = $2 ORDER BY v.version DESC LIMIT 1", NULL};
static const struct db_stmt inspected = {
    "version_inspected",
    "UPDATE file_versions SET detected_type = $3, state = $4 WHERE file_id = $1 AND content_id = $2", NULL};
static const struct db_stmt remove_one = {
    "version_delete", "DELETE FROM file_versions WHERE file_id = $1 AND version = $2 RETURNING content_id, size, version", NULL};
static const struct db_stmt trim = {
    "version_trim",
    "DELETE FROM file_versions WHERE file_id = $1 AND version IN (SELECT version FROM file_versions WHERE file_id = $1 "
    "ORDER BY version DESC LIMIT $3 OFFSET $2) RETURNING content_id, size, version", NULL};
static const struct db_stmt remove_all = {
    "version_delete_all", "DELETE FROM file_versions WHERE file_id = $1 RETURNING content_id, size, version", NULL};
static const struct db_stmt overdue = {
    "version_overdue",
    "SELECT file_id, version FROM file_versions WHERE replaced_at < $1 ORDER BY replaced_at LIMIT $2", NULL};

static void read_row(const struct db_result *r, size_t i, struct file_version *ret)
{
    *ret = (struct file_version){.version = db_get_i64(r, i, 0),
                                 .size = (uint64_t)db_get_i64(r, i, 1),
                                 .type = db_get_slice(r, i, 2),
                                 .state = db_get_slice(r, i, 3),
                                 .modified_at = db_get_i64(r, i, 4),
                                 .created_at = db_get_i64(r, i, 5),
                                 .replaced_at = db_get_i64(r, i, 6),
                                 .created_by = db_get_id(r, i, 7)};
    content_store_row(r, i, CONTENT_AT, &ret->content);
}

enum err version_store_insert(struct ctx *c, struct db_conn *conn, const struct version_row *v)
{
    return db_exec(c, conn, &insert, NULL, db_id(&v->file_id), db_i64(v->version), db_id(&v->content_id), db_i64((int64_t)v->size),
                   db_text(v->type), db_text(v->state), db_i64(v->modified_at), db_i64(v->created_at), db_id(&v->created_by));
}

enum err version_store_lock(struct ctx *c, struct db_conn *conn, const struct id *file, int64_t version)
{
    struct db_result r;
    return db_one(c, conn, &lock, &r, db_id(file), db_i64(version));
}

enum err version_store_copy(struct ctx *c, struct db_conn *conn, const struct version_copy *v)
{
    return db_one(c, conn, &copy, NULL, db_id(&v->file_id), db_i64(v->from), db_i64(v->to), db_i64(v->created_at),
                  db_id(&v->created_by));
}

enum err version_store_show(struct ctx *c, struct db_conn *conn, const struct id *file, int64_t version, int64_t now_ms)
{
    TRY(db_exec(c, conn, &replace, NULL, db_id(file), db_i64(version), db_i64(now_ms)));
    return db_one(c, conn, &show, NULL, db_id(file), db_i64(version), db_i64(now_ms));
}

enum err version_store_list(struct ctx *c, struct db_conn *conn, const struct id *file, int64_t before, size_t limit,
                            struct file_version **ret, size_t *ret_n)
{
    struct db_result r;
    TRY(db_exec(c, conn, &list, &r, db_id(file), db_i64(before), db_i64((int64_t)limit)));
    struct file_version *rows = ARENA_ARRAY(&c->arena, struct file_version, r.rows + 1);
    if (!rows) return ERR_NOMEM;
    for (size_t i = 0; i < r.rows; i++) read_row(&r, i, &rows[i]);
    *ret = rows;
    *ret_n = r.rows;
    return ERR_OK;
}

enum err version_store_get(struct ctx *c, struct db_conn *conn, const struct id *file, int64_t version, struct file_version *ret)
{
    struct db_result r;
    TRY(db_one(c, conn, &get, &r, db_id(file), db_i64(version)));
    read_row(&r, 0, ret);
    return ERR_OK;
}

enum err version_store_by_content(struct ctx *c, struct db_conn *conn, const struct id *file, const struct id *content,
                                  struct file_version *ret)
{
    struct db_result r;
    TRY(db_one(c, conn, &by_content, &r, db_id(file), db_id(content)));
    read_row(&r, 0, ret);
    return ERR_OK;
}

enum err version_store_inspected(struct ctx *c, struct db_conn *conn, const struct file *f)
{
    return db_exec(c, conn, &inspected, NULL, db_id(&f->id), db_id(&f->content.id), db_text(f->detected_type), db_text(f->state));
}

enum err version_store_delete(struct ctx *c, struct db_conn *conn, const struct id *file, int64_t version, struct db_result *ret)
{
    return db_one(c, conn, &remove_one, ret, db_id(file), db_i64(version));
}

enum err version_store_trim(struct ctx *c, struct db_conn *conn, const struct id *file, uint64_t keep, struct db_result *ret)
{
    return db_exec(c, conn, &trim, ret, db_id(file), db_i64((int64_t)keep), db_i64(LIMIT_FILE_VERSIONS));
}

enum err version_store_delete_all(struct ctx *c, struct db_conn *conn, const struct id *file, struct db_result *ret)
{
    return db_exec(c, conn, &remove_all, ret, db_id(file));
}

enum err version_store_overdue(struct ctx *c, struct db_conn *conn, int64_t before_ms, size_t limit, struct db_result *ret)
{
    return db_exec(c, conn, &overdue, ret, db_i64(before_ms), db_i64((int64_t)limit));
}
