/* SQL of contents. */
#include "core/content/content_store.h"

static const struct db_stmt insert = {
    "content_insert",
    "INSERT INTO contents (id, owner_id, size, stored_size, part_size, sealed_size, crc32, sha256, headers, headers_hash, kek_id, "
    "wrapped_key, codec, refs, created_at, frames, dedupe_key) "
    "VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)", NULL};
static const struct db_stmt tables = {"content_tables", "SELECT headers, frames FROM contents WHERE id = $1", NULL};
static const struct db_stmt set_sha256 = {"content_set_sha256", "UPDATE contents SET sha256 = $2 WHERE id = $1", NULL};
static const struct db_stmt hold = {"content_hold", "UPDATE contents SET refs = refs + 1 WHERE id = $1", NULL};
static const struct db_stmt drop = {"content_drop", "UPDATE contents SET refs = refs - 1 WHERE id = $1 RETURNING refs", NULL};
static const struct db_stmt remove_content = {"content_delete", "DELETE FROM contents WHERE id = $1", NULL};

static struct db_value bytes_or_null(struct slice s) { return s.len ? db_bytes(s) : db_null(); }

enum err content_store_insert(struct ctx *c, struct db_conn *conn, const struct content_insert *in)
{
    const struct content *t = &in->content;
    return db_exec(c, conn, &insert, NULL, db_id(&t->id), db_id(&t->owner_id), db_i64((int64_t)t->size),
                   db_i64((int64_t)t->stored_size), db_i64(t->part_size), db_i64((int64_t)t->sealed_size), db_i64(t->crc32),
                   bytes_or_null(t->sha256), db_bytes(in->tables.headers), db_bytes(t->headers_hash), db_id(&in->kek_id),
                   db_bytes(t->wrapped_key), db_text(t->codec), db_i64(in->refs), db_i64(in->created_at),
                   bytes_or_null(in->tables.frames), bytes_or_null(in->dedupe_key));
}

enum err content_store_tables(struct ctx *c, struct db_conn *conn, const struct id *id, struct content_tables *ret)
{
    struct db_result r;
    TRY(db_one(c, conn, &tables, &r, db_id(id)));
    *ret = (struct content_tables){db_get_slice(&r, 0, 0), db_get_slice(&r, 0, 1)};
    return ERR_OK;
}

enum err content_store_set_sha256(struct ctx *c, struct db_conn *conn, const struct id *id, struct slice sha256)
{
    return db_one(c, conn, &set_sha256, NULL, db_id(id), db_bytes(sha256));
}

enum err content_store_hold(struct ctx *c, struct db_conn *conn, const struct id *id)
{
    return db_one(c, conn, &hold, NULL, db_id(id));
}

enum err content_store_drop(struct ctx *c, struct db_conn *conn, const struct id *id, bool *ret_last)
{
    struct db_result r;
    TRY(db_one(c, conn, &drop, &r, db_id(id)));
    *ret_last = db_get_i64(&r, 0, 0) <= 0;
    return ERR_OK;
}

enum err content_store_delete(struct ctx *c, struct db_conn *conn, const struct id *id)
{
    return db_later(c, conn, &remove_content, db_id(id));
}

void content_store_row(const struct db_result *r, size_t i, size_t col, struct content *ret)
{
    *ret = (struct content){.id = db_get_id(r, i, col),
                            .owner_id = db_get_id(r, i, col + 1),
                            .size = (uint64_t)db_get_i64(r, i, col + 2),
                            .stored_size = (uint64_t)db_get_i64(r, i, col + 3),
                            .part_size = (uint32_t)db_get_i64(r, i, col + 4),
                            .sealed_size = (uint64_t)db_get_i64(r, i, col + 5),
                            .crc32 = (uint32_t)db_get_i64(r, i, col + 6),
                            .sha256 = db_get_slice(r, i, col + 7),
                            .headers_hash = db_get_slice(r, i, col + 8),
                            .wrapped_key = db_get_slice(r, i, col + 9),
                            .codec = db_get_slice(r, i, col + 10)};
}
