/* SQL of the re-sealing: what is waiting or under way, and the change from one content to another. */
#include "core/content/reseal_impl.h"

static const struct db_stmt ask = {
    "reseal_ask",
    "INSERT INTO reseals (content_id, rotate, compress, created_at) VALUES ($1, $2, $3, $4) "
    "ON CONFLICT (content_id) DO UPDATE SET rotate = CASE WHEN excluded.rotate = 1 THEN 1 ELSE reseals.rotate END", NULL};
#define LOCK                                                                                                                 \
    "SELECT r.rotate, r.compress, r.next_id, r.next_ref, r.lease_until, c.refs, c.dedupe_key, " CONTENT_COLUMNS              \
    " FROM reseals r JOIN contents c ON c.id = r.content_id WHERE r.content_id = $1"
static const struct db_stmt lock = {"reseal_lock", LOCK " FOR UPDATE", LOCK};
static const struct db_stmt take = {
    "reseal_take",
    "UPDATE reseals SET next_id = $2, next_ref = '', lease_until = $3, done_bytes = 0 WHERE content_id = $1", NULL};
static const struct db_stmt set_ref = {
    "reseal_ref", "UPDATE reseals SET next_ref = $3 WHERE content_id = $1 AND next_id = $2", NULL};
static const struct db_stmt progress = {
    "reseal_progress", "UPDATE reseals SET done_bytes = $3, lease_until = $4 WHERE content_id = $1 AND next_id = $2", NULL};
static const struct db_stmt remove_reseal = {"reseal_delete", "DELETE FROM reseals WHERE content_id = $1", NULL};
static const struct db_stmt same = {
    "reseal_same",
    "UPDATE contents SET refs = refs + $4 WHERE owner_id = $1 AND dedupe_key = $2 AND id <> $3 RETURNING id", NULL};
static const struct db_stmt mark = {"reseal_mark", "UPDATE contents SET sha256 = $2, dedupe_key = $3 WHERE id = $1", NULL};
static const struct db_stmt move_versions = {
    "reseal_move_versions", "UPDATE file_versions SET content_id = $2 WHERE content_id = $1", NULL};
static const struct db_stmt move_files = {
    "reseal_move_files", "UPDATE files SET content_id = $2 WHERE content_id = $1 RETURNING id", NULL};

enum err reseal_store_ask(struct ctx *c, struct db_conn *conn, const struct id *content, bool rotate, bool compress, int64_t now_ms)
{
    return db_exec(c, conn, &ask, NULL, db_id(content), db_i64(rotate), db_i64(compress), db_i64(now_ms));
}

enum err reseal_store_lock(struct ctx *c, struct db_conn *conn, const struct id *content, struct reseal_row *ret)
{
    struct db_result r;
    TRY(db_one(c, conn, &lock, &r, db_id(content)));
    *ret = (struct reseal_row){.rotate = db_get_i64(&r, 0, 0) != 0,
                               .compress = db_get_i64(&r, 0, 1) != 0,
                               .started = db_get_slice(&r, 0, 2).ptr != NULL,
                               .next_id = db_get_id(&r, 0, 2),
                               .next_ref = db_get_slice(&r, 0, 3),
                               .lease_until = db_get_i64(&r, 0, 4),
                               .refs = db_get_i64(&r, 0, 5),
                               .dedupe_key = db_get_slice(&r, 0, 6)};
    content_store_row(&r, 0, 7, &ret->content);
    return ERR_OK;
}

enum err reseal_store_take(struct ctx *c, struct db_conn *conn, const struct id *content, const struct id *next, int64_t lease_until)
{
    return db_one(c, conn, &take, NULL, db_id(content), db_id(next), db_i64(lease_until));
}

enum err reseal_store_ref(struct ctx *c, struct db_conn *conn, const struct id *content, const struct id *next, struct slice ref)
{
    return db_one(c, conn, &set_ref, NULL, db_id(content), db_id(next), db_text(ref));
}

enum err reseal_store_progress(struct ctx *c, struct db_conn *conn, const struct id *content, const struct id *next,
                               uint64_t done_bytes, int64_t lease_until)
{
    return db_one(c, conn, &progress, NULL, db_id(content), db_id(next), db_i64((int64_t)done_bytes), db_i64(lease_until));
}

enum err reseal_store_delete(struct ctx *c, struct db_conn *conn, const struct id *content)
{
    return db_exec(c, conn, &remove_reseal, NULL, db_id(content));
}

enum err reseal_store_same(struct ctx *c, struct db_conn *conn, const struct id *owner, struct slice dedupe_key, const struct id *not,
                           int64_t refs, struct id *ret)
{
    struct db_result r;
    TRY(db_one(c, conn, &same, &r, db_id(owner), db_bytes(dedupe_key), db_id(not), db_i64(refs)));
    *ret = db_get_id(&r, 0, 0);
    return ERR_OK;
}

enum err reseal_store_mark(struct ctx *c, struct db_conn *conn, const struct id *content, struct slice sha256, struct slice dedupe_key)
{
    return db_one(c, conn, &mark, NULL, db_id(content), sha256.len ? db_bytes(sha256) : db_null(),
                  dedupe_key.len ? db_bytes(dedupe_key) : db_null());
}

enum err reseal_store_move(struct ctx *c, struct db_conn *conn, const struct id *from, const struct id *to, struct db_result *ret)
{
    TRY(db_exec(c, conn, &move_versions, NULL, db_id(from), db_id(to)));
    return db_exec(c, conn, &move_files, ret, db_id(from), db_id(to));
}
