/* SQL of links and grants. Every counter moves by one conditional update. */
#include "core/link/link_store.h"

#include "base/intmath.h"
#include "base/limits.h"

#define LINK_SELECT                                                                                                    \
    "SELECT l.id, l.transfer_id, l.permission, l.label, l.password_hash, l.expires_at, l.max_downloads, l.downloads, " \
    "l.locked_until, l.revoked_at, l.created_at, l.token_hash, t.owner_id, t.title, t.message, t.mode, "               \
    "u.display_name, t.expires_at, t.ended_at, t.ended_why, u.state, u.role, "                                         \
    "(SELECT COUNT(*) FROM grants g WHERE g.link_id = l.id AND g.state = 'reserved') "                                 \
    "FROM links l JOIN transfers t ON t.id = l.transfer_id JOIN users u ON u.id = t.owner_id "

static const struct db_stmt insert = {
    "link_insert",
    "INSERT INTO links (id, transfer_id, token_hash, permission, label, password_hash, expires_at, max_downloads, "
    "created_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)", NULL};
static const struct db_stmt by_token = {"link_by_token", LINK_SELECT "WHERE l.token_hash = $1", NULL};
static const struct db_stmt by_id = {"link_by_id", LINK_SELECT "WHERE l.id = $1", NULL};
static const struct db_stmt list = {
    "link_list", LINK_SELECT "WHERE l.transfer_id = $1 ORDER BY l.created_at, l.id", NULL};
static const struct db_stmt revoke = {
    "link_revoke", "UPDATE links SET revoked_at = COALESCE(revoked_at, $3) WHERE id = $2 AND transfer_id = $1", NULL};
static const struct db_stmt attempt = {
    "link_attempt",
    "UPDATE links SET "
    "fails = CASE WHEN locked_until IS NOT NULL THEN 1 ELSE fails + 1 END, "
    "locked_until = CASE WHEN locked_until IS NULL AND fails + 1 >= $3 THEN $4 ELSE NULL END "
    "WHERE id = $1 AND (locked_until IS NULL OR locked_until <= $2) RETURNING fails", NULL};
static const struct db_stmt attempt_ok = {
    "link_attempt_ok", "UPDATE links SET fails = 0, locked_until = NULL WHERE id = $1", NULL};
static const struct db_stmt take = {
    "link_take",
    "UPDATE links SET downloads = downloads + 1 WHERE id = $1 AND revoked_at IS NULL "
    "AND (max_downloads IS NULL OR downloads < max_downloads)", NULL};
static const struct db_stmt give_back = {
    "link_give_back",
    "UPDATE links SET downloads = downloads - 1 + (partial_bytes + $2) / $3, "
    "partial_bytes = (partial_bytes + $2) % $3 WHERE id = $1", NULL};
static const struct db_stmt grant_insert = {
    "grant_insert",
    "INSERT INTO grants (id, link_id, ticket, state, whole_bytes, holders, created_at, expires_at) "
    "VALUES ($1, $2, $3, 'reserved', $4, 1, $5, $6)", NULL};
static const struct db_stmt grant_get = {
    "grant_get",
    "SELECT id, link_id, state, whole_bytes, served_bytes, expires_at FROM grants WHERE id = $1 FOR UPDATE",
    "SELECT id, link_id, state, whole_bytes, served_bytes, expires_at FROM grants WHERE id = $1"};
static const struct db_stmt grant_join = {
    "grant_join",
    "UPDATE grants SET holders = holders + 1 WHERE id = (SELECT id FROM grants "
    "WHERE link_id = $1 AND ticket = $2 AND expires_at > $3 ORDER BY created_at DESC LIMIT 1) RETURNING id", NULL};
static const struct db_stmt grant_leave = {
    "grant_leave", "UPDATE grants SET holders = holders - 1 WHERE id = $1 RETURNING holders", NULL};
static const struct db_stmt grant_serve = {
    "grant_serve",
    "UPDATE grants SET served_bytes = served_bytes + $2, expires_at = CASE WHEN state = 'reserved' THEN $3 "
    "ELSE expires_at END WHERE id = $1", NULL};
static const struct db_stmt grant_commit = {
    "grant_commit", "UPDATE grants SET state = 'committed' WHERE id = $1 AND state = 'reserved'", NULL};
static const struct db_stmt grant_delete = {"grant_delete", "DELETE FROM grants WHERE id = $1", NULL};
static const struct db_stmt grant_overdue = {
    "grant_overdue", "SELECT id FROM grants WHERE expires_at <= $1 ORDER BY expires_at LIMIT $2", NULL};

static int64_t earlier(int64_t a, int64_t b)
{
    if (a == 0 || b == 0) return a + b;
    return a < b ? a : b;
}

/* A role that this program does not know shares nothing. */
static enum role role_of(struct slice word)
{
    enum role r = ROLE_GUEST;
    return role_parse(word, &r) == ERR_OK ? r : ROLE_GUEST;
}

static void read_row(const struct db_result *r, size_t i, struct link *ret)
{
    struct slice hash = db_get_slice(r, i, 11);
    *ret = (struct link){.id = db_get_id(r, i, 0),
                         .transfer_id = db_get_id(r, i, 1),
                         .permission = db_get_slice(r, i, 2),
                         .label = db_get_slice(r, i, 3),
                         .password_hash = db_get_slice(r, i, 4),
                         .expires_at = earlier(db_get_i64(r, i, 5), db_get_i64(r, i, 17)),
                         .limited = db_at(r, i, 6)->type != DB_NULL,
                         .max_downloads = (uint64_t)db_get_i64(r, i, 6),
                         .downloads = (uint64_t)db_get_i64(r, i, 7),
                         .locked_until = db_get_i64(r, i, 8),
                         .revoked_at = db_get_i64(r, i, 9),
                         .created_at = db_get_i64(r, i, 10),
                         .owner_id = db_get_id(r, i, 12),
                         .title = db_get_slice(r, i, 13),
                         .message = db_get_slice(r, i, 14),
                         .mode = db_get_slice(r, i, 15),
                         .sender = db_get_slice(r, i, 16),
                         .ended_at = db_get_i64(r, i, 18),
                         .ended_why = db_get_slice(r, i, 19),
                         .sender_active = slice_eq(db_get_slice(r, i, 20), SLICE("active")),
                         .sender_role = role_of(db_get_slice(r, i, 21)),
                         .running = (uint64_t)db_get_i64(r, i, 22)};
    memcpy(ret->token_context.b, hash.ptr, MIN(hash.len, sizeof ret->token_context.b));
}

enum err link_store_insert(struct ctx *c, struct db_conn *conn, const struct link *l, const struct sha256 *token)
{
    return db_exec(c, conn, &insert, NULL, db_id(&l->id), db_id(&l->transfer_id), db_bytes(sha256_view(token)),
                   db_text(l->permission), db_text(l->label), db_text_opt(l->password_hash),
                   l->expires_at ? db_i64(l->expires_at) : db_null(),
                   l->limited ? db_i64((int64_t)l->max_downloads) : db_null(), db_i64(l->created_at));
}

enum err link_store_by_token(struct ctx *c, struct db_conn *conn, const struct sha256 *token, struct link *ret)
{
    struct db_result r;
    TRY(db_one(c, conn, &by_token, &r, db_bytes(sha256_view(token))));
    read_row(&r, 0, ret);
    return ERR_OK;
}

enum err link_store_by_id(struct ctx *c, struct db_conn *conn, const struct id *id, struct link *ret)
{
    struct db_result r;
    TRY(db_one(c, conn, &by_id, &r, db_id(id)));
    read_row(&r, 0, ret);
    return ERR_OK;
}

enum err link_store_list(struct ctx *c, struct db_conn *conn, const struct id *transfer, struct link **ret, size_t *ret_n)
{
    struct db_result r;
    TRY(db_exec(c, conn, &list, &r, db_id(transfer)));
    struct link *rows = ARENA_ARRAY(&c->arena, struct link, r.rows + 1);
    if (!rows) return ERR_NOMEM;
    for (size_t i = 0; i < r.rows; i++) read_row(&r, i, &rows[i]);
    *ret = rows;
    *ret_n = r.rows;
    return ERR_OK;
}

enum err link_store_revoke(struct ctx *c, struct db_conn *conn, const struct id *transfer, const struct id *link,
                           int64_t now_ms)
{
    return db_one(c, conn, &revoke, NULL, db_id(transfer), db_id(link), db_i64(now_ms));
}

enum err link_store_attempt(struct ctx *c, struct db_conn *conn, const struct id *link, int64_t now_ms,
                            uint64_t *ret_fails)
{
    struct db_result r;
    TRY(db_one(c, conn, &attempt, &r, db_id(link), db_i64(now_ms), db_i64(LIMIT_LINK_ATTEMPTS),
               db_i64(now_ms + LIMIT_LINK_LOCK_MS)));
    *ret_fails = (uint64_t)db_get_i64(&r, 0, 0);
    return ERR_OK;
}

enum err link_store_attempt_ok(struct ctx *c, struct db_conn *conn, const struct id *link)
{
    return db_exec(c, conn, &attempt_ok, NULL, db_id(link));
}

enum err link_store_take(struct ctx *c, struct db_conn *conn, const struct link *l)
{
    return db_one(c, conn, &take, NULL, db_id(&l->id));
}

enum err link_store_give_back(struct ctx *c, struct db_conn *conn, const struct id *link, uint64_t served, uint64_t whole)
{
    return db_exec(c, conn, &give_back, NULL, db_id(link), db_i64((int64_t)served), db_i64((int64_t)MAX(whole, 1u)));
}

enum err grant_store_insert(struct ctx *c, struct db_conn *conn, const struct grant_row *g, const struct id *ticket,
                            int64_t now_ms)
{
    return db_exec(c, conn, &grant_insert, NULL, db_id(&g->id), db_id(&g->link_id),
                   id_is_zero(*ticket) ? db_null() : db_id(ticket), db_i64((int64_t)g->whole_bytes), db_i64(now_ms),
                   db_i64(g->expires_at));
}

static void read_grant(const struct db_result *r, struct grant_row *ret)
{
    *ret = (struct grant_row){.id = db_get_id(r, 0, 0),
                              .link_id = db_get_id(r, 0, 1),
                              .committed = slice_eq(db_get_slice(r, 0, 2), SLICE("committed")),
                              .whole_bytes = (uint64_t)db_get_i64(r, 0, 3),
                              .served_bytes = (uint64_t)db_get_i64(r, 0, 4),
                              .expires_at = db_get_i64(r, 0, 5)};
}

enum err grant_store_get(struct ctx *c, struct db_conn *conn, const struct id *id, struct grant_row *ret)
{
    struct db_result r;
    TRY(db_one(c, conn, &grant_get, &r, db_id(id)));
    read_grant(&r, ret);
    return ERR_OK;
}

enum err grant_store_join(struct ctx *c, struct db_conn *conn, const struct id *link, const struct id *ticket,
                          int64_t now_ms, struct id *ret)
{
    struct db_result r;
    TRY(db_one(c, conn, &grant_join, &r, db_id(link), db_id(ticket), db_i64(now_ms)));
    *ret = db_get_id(&r, 0, 0);
    return ERR_OK;
}

enum err grant_store_leave(struct ctx *c, struct db_conn *conn, const struct id *id, uint64_t *ret_holders)
{
    struct db_result r;
    TRY(db_one(c, conn, &grant_leave, &r, db_id(id)));
    *ret_holders = (uint64_t)db_get_i64(&r, 0, 0);
    return ERR_OK;
}

enum err grant_store_serve(struct ctx *c, struct db_conn *conn, const struct id *id, uint64_t served, int64_t expires_ms)
{
    return db_one(c, conn, &grant_serve, NULL, db_id(id), db_i64((int64_t)served), db_i64(expires_ms));
}

enum err grant_store_commit(struct ctx *c, struct db_conn *conn, const struct id *id)
{
    return db_exec(c, conn, &grant_commit, NULL, db_id(id));
}

enum err grant_store_delete(struct ctx *c, struct db_conn *conn, const struct id *id)
{
    return db_one(c, conn, &grant_delete, NULL, db_id(id));
}

enum err grant_store_overdue(struct ctx *c, struct db_conn *conn, int64_t now_ms, size_t limit, struct db_result *ret)
{
    return db_exec(c, conn, &grant_overdue, ret, db_i64(now_ms), db_i64((int64_t)limit));
}
