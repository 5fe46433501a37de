/* SQL of uploads and their parts. */
#include "core/upload/upload_store.h"

#include "core/content/content_store.h"

#define UPLOAD_COLUMNS                                                                                                 \
    "id, file_id, owner_id, name, size, type, mode, part_size, state, blob_ref, wrapped_key, reserved_bytes, "         \
    "modified_at, created_at, expires_at, content_id, received, fence, partial, memo, joins, folder_id, adds_version"

static const struct db_stmt insert = {
    "upload_insert",
    "INSERT INTO uploads (" UPLOAD_COLUMNS ", kek_id) "
    "VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24)", NULL};
static const struct db_stmt get = {"upload_get", "SELECT " UPLOAD_COLUMNS " FROM uploads WHERE id = $1", NULL};
static const struct db_stmt lock = {
    "upload_lock", "SELECT " UPLOAD_COLUMNS " FROM uploads WHERE id = $1 FOR UPDATE",
    "SELECT " UPLOAD_COLUMNS " FROM uploads WHERE id = $1"};
static const struct db_stmt list = {
    "upload_list",
    "SELECT " UPLOAD_COLUMNS " FROM uploads WHERE owner_id = $1 AND state IN ('open', 'append', 'completing') AND partial = 0 "
    "AND (created_at < $2 OR (created_at = $2 AND id < $3)) ORDER BY created_at DESC, id DESC LIMIT $4", NULL};
static const struct db_stmt set_state = {"upload_set_state", "UPDATE uploads SET state = $2 WHERE id = $1", NULL};
static const struct db_stmt finish = {
    "upload_finish",
    "UPDATE uploads SET state = 'complete', size = $2, kek_id = NULL, wrapped_key = NULL, reserved_bytes = 0 "
    "WHERE id = $1", NULL};
static const struct db_stmt hold = {
    "upload_hold",
    "UPDATE uploads SET state = 'partial', size = $2, reserved_bytes = $2, kek_id = NULL, wrapped_key = NULL WHERE id = $1", NULL};
static const struct db_stmt held = {
    "upload_held",
    "SELECT " CONTENT_COLUMNS " FROM uploads u JOIN contents c ON c.id = u.content_id WHERE u.id = $1 AND u.state = 'partial'", NULL};
static const struct db_stmt touch = {
    "upload_touch",
    "UPDATE uploads SET reserved_bytes = reserved_bytes + $2, expires_at = $3 WHERE id = $1", NULL};
static const struct db_stmt remove_upload = {"upload_delete", "DELETE FROM uploads WHERE id = $1", NULL};
static const struct db_stmt overdue = {
    "upload_overdue", "SELECT id FROM uploads WHERE expires_at <= $1 ORDER BY expires_at LIMIT $2", NULL};
static const struct db_stmt part_insert = {
    "part_insert",
    "INSERT INTO upload_parts (upload_id, number, size, crc32, header, tag) VALUES ($1, $2, $3, $4, $5, $6)", NULL};
static const struct db_stmt part_get = {
    "part_get",
    "SELECT number, size, crc32, header, tag FROM upload_parts WHERE upload_id = $1 AND number = $2", NULL};
static const struct db_stmt part_list = {
    "part_list",
    "SELECT number, size, crc32, header, tag FROM upload_parts WHERE upload_id = $1 ORDER BY number", NULL};
static const struct db_stmt part_numbers = {
    "part_numbers", "SELECT number FROM upload_parts WHERE upload_id = $1 ORDER BY number", NULL};
static const struct db_stmt part_clear = {"part_clear", "DELETE FROM upload_parts WHERE upload_id = $1", NULL};

static void read_row(const struct db_result *r, size_t i, struct upload *ret)
{
    bool sized = db_at(r, i, 4)->type != DB_NULL;
    *ret = (struct upload){.id = db_get_id(r, i, 0),
                           .file_id = db_get_id(r, i, 1),
                           .owner_id = db_get_id(r, i, 2),
                           .name = db_get_slice(r, i, 3),
                           .size = sized ? (uint64_t)db_get_i64(r, i, 4) : UPLOAD_SIZE_UNKNOWN,
                           .type = db_get_slice(r, i, 5),
                           .mode = db_get_slice(r, i, 6),
                           .part_size = (uint32_t)db_get_i64(r, i, 7),
                           .state = db_get_slice(r, i, 8),
                           .blob_ref = db_get_slice(r, i, 9),
                           .wrapped_key = db_get_slice(r, i, 10),
                           .reserved_bytes = (uint64_t)db_get_i64(r, i, 11),
                           .modified_at = db_get_i64(r, i, 12),
                           .created_at = db_get_i64(r, i, 13),
                           .expires_at = db_get_i64(r, i, 14),
                           .content_id = db_get_id(r, i, 15),
                           .received = (uint64_t)db_get_i64(r, i, 16),
                           .fence = db_get_i64(r, i, 17),
                           .partial = db_get_i64(r, i, 18) != 0,
                           .memo = db_get_slice(r, i, 19),
                           .joins = db_get_slice(r, i, 20),
                           .folder_id = db_get_id(r, i, 21),
                           .adds_version = db_get_i64(r, i, 22) != 0};
}

enum err upload_store_insert(struct ctx *c, struct db_conn *conn, const struct upload *u, const struct id *kek_id)
{
    struct db_value size = u->size == UPLOAD_SIZE_UNKNOWN ? db_null() : db_i64((int64_t)u->size);
    return db_exec(c, conn, &insert, NULL, db_id(&u->id), db_id(&u->file_id), db_id(&u->owner_id), db_text(u->name), size,
                   db_text(u->type), db_text(u->mode), db_i64(u->part_size), db_text(u->state), db_text(u->blob_ref),
                   db_bytes(u->wrapped_key), db_i64((int64_t)u->reserved_bytes), db_i64(u->modified_at),
                   db_i64(u->created_at), db_i64(u->expires_at), db_id(&u->content_id), db_i64((int64_t)u->received),
                   db_i64(u->fence), db_i64(u->partial), db_text(u->memo), db_text(u->joins),
                   id_is_zero(u->folder_id) ? db_null() : db_id(&u->folder_id), db_i64(u->adds_version),
                   db_id(kek_id));
}

static enum err get_by(struct ctx *c, struct db_conn *conn, const struct db_stmt *stmt, const struct id *id,
                       struct upload *ret)
{
    struct db_result r;
    TRY(db_one(c, conn, stmt, &r, db_id(id)));
    read_row(&r, 0, ret);
    return ERR_OK;
}

enum err upload_store_get(struct ctx *c, struct db_conn *conn, const struct id *id, struct upload *ret)
{
    return get_by(c, conn, &get, id, ret);
}

enum err upload_store_lock(struct ctx *c, struct db_conn *conn, const struct id *id, struct upload *ret)
{
    return get_by(c, conn, &lock, id, ret);
}

enum err upload_store_list(struct ctx *c, struct db_conn *conn, const struct id *owner, const struct page *page,
                           struct upload **ret, size_t *ret_n)
{
    struct db_result r;
    TRY(db_exec(c, conn, &list, &r, db_id(owner), db_i64(page->before_ms), db_id(&page->before_id),
                db_i64((int64_t)page->limit + 1)));
    struct upload *uploads = ARENA_ARRAY(&c->arena, struct upload, r.rows + 1);
    if (!uploads) return ERR_NOMEM;
    for (size_t i = 0; i < r.rows; i++) read_row(&r, i, &uploads[i]);
    *ret = uploads;
    *ret_n = r.rows;
    return ERR_OK;
}

enum err upload_store_set_state(struct ctx *c, struct db_conn *conn, const struct id *id, const char *state)
{
    return db_one(c, conn, &set_state, NULL, db_id(id), db_text(slice_cstr(state)));
}

enum err upload_store_finish(struct ctx *c, struct db_conn *conn, const struct id *id, uint64_t size)
{
    return db_one(c, conn, &finish, NULL, db_id(id), db_i64((int64_t)size));
}

enum err upload_store_hold(struct ctx *c, struct db_conn *conn, const struct id *id, uint64_t size)
{
    return db_one(c, conn, &hold, NULL, db_id(id), db_i64((int64_t)size));
}

enum err upload_store_content(struct ctx *c, struct db_conn *conn, const struct id *id, struct content *ret)
{
    struct db_result r;
    TRY(db_one(c, conn, &held, &r, db_id(id)));
    content_store_row(&r, 0, 0, ret);
    return ERR_OK;
}

enum err upload_store_touch(struct ctx *c, struct db_conn *conn, const struct id *id, uint64_t more_reserved,
                            int64_t expires_ms)
{
    return db_one(c, conn, &touch, NULL, db_id(id), db_i64((int64_t)more_reserved), db_i64(expires_ms));
}

enum err upload_store_delete(struct ctx *c, struct db_conn *conn, const struct id *id)
{
    return db_one(c, conn, &remove_upload, NULL, db_id(id));
}

enum err upload_store_overdue(struct ctx *c, struct db_conn *conn, int64_t now_ms, size_t limit, struct db_result *ret)
{
    return db_exec(c, conn, &overdue, ret, db_i64(now_ms), db_i64((int64_t)limit));
}

enum err part_store_insert(struct ctx *c, struct db_conn *conn, const struct id *upload, const struct part_record *p)
{
    return db_exec(c, conn, &part_insert, NULL, db_id(upload), db_i64((int64_t)p->number), db_i64((int64_t)p->size),
                   db_i64(p->crc32), db_bytes(slice_of(p->header.b, SEAL_HEADER)), db_text(slice_cstr(p->tag.text)));
}

static enum err read_part(const struct db_result *r, size_t i, struct part_record *ret)
{
    struct slice header = db_get_slice(r, i, 3), tag = db_get_slice(r, i, 4);
    if (header.len != SEAL_HEADER || tag.len >= BLOB_TAG_BYTES) return ERR_CORRUPT;
    *ret = (struct part_record){.number = (uint64_t)db_get_i64(r, i, 0),
                                .size = (uint64_t)db_get_i64(r, i, 1),
                                .crc32 = (uint32_t)db_get_i64(r, i, 2)};
    memcpy(ret->header.b, header.ptr, SEAL_HEADER);
    memcpy(ret->tag.text, tag.ptr, tag.len);
    return ERR_OK;
}

enum err part_store_get(struct ctx *c, struct db_conn *conn, const struct id *upload, uint64_t number,
                        struct part_record *ret)
{
    struct db_result r;
    TRY(db_one(c, conn, &part_get, &r, db_id(upload), db_i64((int64_t)number)));
    return read_part(&r, 0, ret);
}

enum err part_store_list(struct ctx *c, struct db_conn *conn, const struct id *upload, struct part_record **ret,
                         size_t *ret_n)
{
    struct db_result r;
    TRY(db_exec(c, conn, &part_list, &r, db_id(upload)));
    /* One more: completion may add the empty last part. */
    struct part_record *parts = ARENA_ARRAY(&c->arena, struct part_record, r.rows + 1);
    if (!parts) return ERR_NOMEM;
    for (size_t i = 0; i < r.rows; i++) TRY(read_part(&r, i, &parts[i]));
    *ret = parts;
    *ret_n = r.rows;
    return ERR_OK;
}

enum err part_store_numbers(struct ctx *c, struct db_conn *conn, const struct id *upload, struct db_result *ret)
{
    return db_exec(c, conn, &part_numbers, ret, db_id(upload));
}

enum err part_store_clear(struct ctx *c, struct db_conn *conn, const struct id *upload)
{
    return db_exec(c, conn, &part_clear, NULL, db_id(upload));
}
