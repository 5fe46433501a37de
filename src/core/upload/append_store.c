/* SQL of uploads that grow as one stream, and of their pieces. */
#include "core/upload/append_store.h"

#include "core/job/job.h"

static const struct db_stmt fence = {
    "upload_fence", "UPDATE uploads SET fence = fence + 1 WHERE id = $1 AND state = 'append' RETURNING fence", NULL};
static const struct db_stmt move = {
    "upload_move",
    "UPDATE uploads SET received = $4, expires_at = $5 WHERE id = $1 AND fence = $2 AND received = $3 AND state = 'append' "
    "AND COALESCE(size, $4) >= $4", NULL};
static const struct db_stmt reserve = {
    "upload_reserve",
    "UPDATE uploads SET reserved_bytes = reserved_bytes + $3, expires_at = $4 WHERE id = $1 AND fence = $2 AND state = 'append'", NULL};
static const struct db_stmt set_size = {
    "upload_set_size", "UPDATE uploads SET size = $2, reserved_bytes = $3 WHERE id = $1", NULL};
static const struct db_stmt piece_insert = {
    "piece_insert", "INSERT INTO upload_pieces (upload_id, start, size, blob_id, header) VALUES ($1, $2, $3, $4, $5)", NULL};
static const struct db_stmt piece_list = {
    "piece_list", "SELECT start, size, blob_id, header FROM upload_pieces WHERE upload_id = $1 ORDER BY start", NULL};
static const struct db_stmt piece_drop = {
    "piece_drop", "DELETE FROM upload_pieces WHERE upload_id = $1 AND start >= $2 AND start < $3 RETURNING blob_id", NULL};

enum err append_store_fence(struct ctx *c, struct db_conn *conn, const struct id *upload, int64_t *ret_fence)
{
    struct db_result r;
    TRY(db_one(c, conn, &fence, &r, db_id(upload)));
    *ret_fence = db_get_i64(&r, 0, 0);
    return ERR_OK;
}

enum err append_store_move(struct ctx *c, struct db_conn *conn, const struct append_move *m)
{
    struct db_result r;
    TRY(db_exec(c, conn, &move, &r, db_id(m->upload), db_i64(m->fence), db_i64((int64_t)m->from), db_i64((int64_t)m->to),
                db_i64(m->expires_ms)));
    return r.changes == 1 ? ERR_OK : append_superseded(c);
}

enum err append_store_reserve(struct ctx *c, struct db_conn *conn, const struct append_reserve *r)
{
    struct db_result done;
    TRY(db_exec(c, conn, &reserve, &done, db_id(r->upload), db_i64(r->fence), db_i64((int64_t)r->more), db_i64(r->expires_ms)));
    return done.changes == 1 ? ERR_OK : append_superseded(c);
}

enum err append_store_set_size(struct ctx *c, struct db_conn *conn, const struct id *upload, uint64_t size, uint64_t reserved)
{
    return db_one(c, conn, &set_size, NULL, db_id(upload), db_i64((int64_t)size), db_i64((int64_t)reserved));
}

enum err piece_store_insert(struct ctx *c, struct db_conn *conn, const struct id *upload, const struct piece *p)
{
    return db_exec(c, conn, &piece_insert, NULL, db_id(upload), db_i64((int64_t)p->start), db_i64((int64_t)p->size),
                   db_id(&p->blob_id), db_bytes(slice_of(p->header.b, SEAL_HEADER)));
}

enum err piece_store_list(struct ctx *c, struct db_conn *conn, const struct id *upload, struct piece **ret, size_t *ret_n)
{
    struct db_result r;
    TRY(db_exec(c, conn, &piece_list, &r, db_id(upload)));
    struct piece *pieces = ARENA_ARRAY(&c->arena, struct piece, r.rows + 1);
    if (!pieces) return ERR_NOMEM;
    for (size_t i = 0; i < r.rows; i++) {
        struct slice header = db_get_slice(&r, i, 3);
        if (header.len != SEAL_HEADER) return ERR_CORRUPT;
        pieces[i] = (struct piece){.start = (uint64_t)db_get_i64(&r, i, 0),
                                   .size = (uint64_t)db_get_i64(&r, i, 1),
                                   .blob_id = db_get_id(&r, i, 2)};
        memcpy(pieces[i].header.b, header.ptr, SEAL_HEADER);
    }
    *ret = pieces;
    *ret_n = r.rows;
    return ERR_OK;
}

enum err piece_store_drop(struct ctx *c, struct db_conn *conn, const struct id *upload, uint64_t from, uint64_t to)
{
    struct db_result r;
    char text[ID_TEXT_LEN + 1];
    TRY(db_exec(c, conn, &piece_drop, &r, db_id(upload), db_i64((int64_t)from), db_i64((int64_t)to)));
    for (size_t i = 0; i < r.rows; i++) {
        struct id id = db_get_id(&r, i, 0);
        id_text(id, text);
        TRY(job_add(c, conn, &(struct job_new){.kind = "delete_blob", .payload = slice_cstr(text)}));
    }
    return ERR_OK;
}
