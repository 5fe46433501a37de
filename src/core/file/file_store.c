/* SQL of files. */
#include "core/file/file_store.h"

static const struct db_stmt insert = {
    "file_insert",
    "INSERT INTO files (id, owner_id, name, name_key, size, type, state, mode, version, part_size, sealed_size, crc32, "
    "headers, headers_hash, kek_id, wrapped_key, modified_at, created_at, updated_at) "
    "VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $18)", NULL};
static const struct db_stmt get = {"file_get", "SELECT " FILE_COLUMNS("") " FROM files WHERE id = $1", NULL};
static const struct db_stmt headers = {"file_headers", "SELECT headers FROM files WHERE id = $1", NULL};
static const struct db_stmt list = {
    "file_list",
    "SELECT " FILE_COLUMNS("") " FROM files WHERE owner_id = $1 AND (created_at < $2 OR (created_at = $2 AND id < $3)) "
    "AND ($4 = '' OR name_key LIKE $4 ESCAPE '!') AND ($5 = '' OR state = $5) "
    "ORDER BY created_at DESC, id DESC LIMIT $6", NULL};
static const struct db_stmt change = {
    "file_change",
    "UPDATE files SET name = COALESCE($2, name), name_key = COALESCE($3, name_key), "
    "description = COALESCE($4, description), updated_at = $5 WHERE id = $1", NULL};
static const struct db_stmt set_sha256 = {"file_set_sha256", "UPDATE files SET sha256 = $2 WHERE id = $1", NULL};
static const struct db_stmt remove_file = {
    "file_delete", "DELETE FROM files WHERE id = $1 RETURNING owner_id, size", NULL};

enum err file_store_insert(struct ctx *c, struct db_conn *conn, const struct file_insert *in)
{
    const struct file *f = &in->file;
    return db_exec(c, conn, &insert, NULL, db_id(&f->id), db_id(&f->owner_id), db_text(f->name), db_text(in->name_key),
                   db_i64((int64_t)f->size), db_text(f->type), db_text(f->state), db_text(f->mode), db_i64(f->version),
                   db_i64(f->part_size), db_i64((int64_t)f->sealed_size), db_i64(f->crc32), db_bytes(in->headers),
                   db_bytes(f->headers_hash), db_id(&in->kek_id), db_bytes(f->wrapped_key), db_i64(f->modified_at),
                   db_i64(f->created_at));
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
                         .part_size = (uint32_t)db_get_i64(r, i, 8),
                         .sealed_size = (uint64_t)db_get_i64(r, i, 9),
                         .crc32 = (uint32_t)db_get_i64(r, i, 10),
                         .sha256 = db_get_slice(r, i, 11),
                         .headers_hash = db_get_slice(r, i, 12),
                         .wrapped_key = db_get_slice(r, i, 13),
                         .description = db_get_slice(r, i, 14),
                         .modified_at = db_get_i64(r, i, 15),
                         .created_at = db_get_i64(r, i, 16),
                         .updated_at = db_get_i64(r, i, 17)};
}

enum err file_store_get(struct ctx *c, struct db_conn *conn, const struct id *id, struct file *ret)
{
    struct db_result r;
    TRY(db_one(c, conn, &get, &r, db_id(id)));
    file_store_row(&r, 0, ret);
    return ERR_OK;
}

enum err file_store_headers(struct ctx *c, struct db_conn *conn, const struct id *id, struct slice *ret)
{
    struct db_result r;
    TRY(db_one(c, conn, &headers, &r, db_id(id)));
    *ret = db_get_slice(&r, 0, 0);
    return ERR_OK;
}

enum err file_store_list(struct ctx *c, struct db_conn *conn, const struct id *owner, const struct file_query *q,
                         struct slice like, struct file **ret, size_t *ret_n)
{
    struct db_result r;
    TRY(db_exec(c, conn, &list, &r, db_id(owner), db_i64(q->page.before_ms), db_id(&q->page.before_id), db_text(like),
                db_text(q->state.ptr ? q->state : SLICE("")), db_i64((int64_t)q->page.limit + 1)));
    struct file *files = ARENA_ARRAY(&c->arena, struct file, r.rows + 1);
    if (!files) return ERR_NOMEM;
    for (size_t i = 0; i < r.rows; i++) file_store_row(&r, i, &files[i]);
    *ret = files;
    *ret_n = r.rows;
    return ERR_OK;
}

enum err file_store_change(struct ctx *c, struct db_conn *conn, const struct id *id, const struct file_patch *p,
                           struct slice name_key, int64_t now_ms)
{
    return db_one(c, conn, &change, NULL, db_id(id), db_text_opt(p->name), db_text_opt(name_key),
                  db_text_opt(p->description), db_i64(now_ms));
}

enum err file_store_set_sha256(struct ctx *c, struct db_conn *conn, const struct id *id, struct slice sha256)
{
    return db_one(c, conn, &set_sha256, NULL, db_id(id), db_bytes(sha256));
}

enum err file_store_delete(struct ctx *c, struct db_conn *conn, const struct id *id, struct id *ret_owner,
                           uint64_t *ret_size)
{
    struct db_result r;
    TRY(db_one(c, conn, &remove_file, &r, db_id(id)));
    *ret_owner = db_get_id(&r, 0, 0);
    *ret_size = (uint64_t)db_get_i64(&r, 0, 1);
    return ERR_OK;
}
