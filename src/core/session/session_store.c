/* SQL of sessions and refresh tokens. */
#include "core/session/session_store.h"

static const struct db_stmt insert = {
    "session_insert",
    "INSERT INTO sessions (id, user_id, device_name, ip, created_at, last_used_at, auth_at, expires_at, user_agent, amr, "
    "idle_ms, country) VALUES ($1, $2, $3, $4, $5, $5, $10, $6, $7, $8, $9, $11)", NULL};
/* Sessions are forgotten some time after they end; that there were any is not. */
static const struct db_stmt past = {
    "session_past",
    "SELECT (SELECT signed_in_at FROM users WHERE id = $1), COUNT(*), COUNT(CASE WHEN user_agent = $2 AND device_name = $3 THEN 1 END), "
    "COUNT(CASE WHEN country <> '' THEN 1 END), COUNT(CASE WHEN country = $4 THEN 1 END) FROM sessions WHERE user_id = $1", NULL};
static const struct db_stmt signed_in = {"session_signed_in", "UPDATE users SET signed_in_at = $2 WHERE id = $1", NULL};
static const struct db_stmt list = {
    "session_list",
    "SELECT id, device_name, user_agent, ip, amr, created_at, last_used_at, expires_at, country FROM sessions "
    "WHERE user_id = $1 AND revoked_at IS NULL AND expires_at > $2 ORDER BY last_used_at DESC, id", NULL};
static const struct db_stmt revoke_one = {
    "session_revoke_one",
    "UPDATE sessions SET revoked_at = COALESCE(revoked_at, $3) WHERE id = $2 AND user_id = $1", NULL};
static const struct db_stmt revoke_all = {
    "session_revoke_all",
    "UPDATE sessions SET revoked_at = $3 WHERE user_id = $1 AND revoked_at IS NULL AND (id <> $2 OR $2 IS NULL)", NULL};
static const struct db_stmt prove = {
    "session_prove",
    "UPDATE sessions SET auth_at = $2, last_used_at = $2 WHERE id = $1 AND revoked_at IS NULL AND expires_at > $2 "
    "RETURNING user_id, amr", NULL};
static const struct db_stmt touch = {"session_touch", "UPDATE sessions SET last_used_at = $2 WHERE id = $1", NULL};
static const struct db_stmt revoke = {
    "session_revoke", "UPDATE sessions SET revoked_at = $2 WHERE id = $1 AND revoked_at IS NULL", NULL};
static const struct db_stmt revoked = {"session_revoked", "SELECT id FROM sessions WHERE revoked_at >= $1", NULL};
static const struct db_stmt purge = {
    "session_purge", "DELETE FROM sessions WHERE expires_at < $1 OR revoked_at < $1", NULL};
static const struct db_stmt refresh_get = {
    "refresh_get",
    "SELECT r.session_id, s.user_id, r.expires_at, s.expires_at, s.revoked_at, r.used_at, s.auth_at, s.idle_ms, s.amr "
    "FROM refresh_tokens r JOIN sessions s ON s.id = r.session_id WHERE r.hash = $1 FOR UPDATE",
    "SELECT r.session_id, s.user_id, r.expires_at, s.expires_at, s.revoked_at, r.used_at, s.auth_at, s.idle_ms, s.amr "
    "FROM refresh_tokens r JOIN sessions s ON s.id = r.session_id WHERE r.hash = $1"};
static const struct db_stmt refresh_insert = {
    "refresh_insert",
    "INSERT INTO refresh_tokens (hash, session_id, created_at, expires_at) VALUES ($1, $2, $3, $4)", NULL};
static const struct db_stmt refresh_use = {
    "refresh_use", "UPDATE refresh_tokens SET used_at = $2 WHERE hash = $1 AND used_at IS NULL", NULL};

static const struct db_stmt lives = {
    "session_lives", "SELECT 1 FROM sessions WHERE id = $1 AND user_id = $2 AND revoked_at IS NULL AND expires_at > $3", NULL};

enum err session_store_insert(struct ctx *c, struct db_conn *conn, const struct session_row *s)
{
    return db_exec(c, conn, &insert, NULL, db_id(&s->id), db_id(&s->user_id), db_text(s->device_name), db_text(s->ip),
                   db_i64(s->created_at), db_i64(s->expires_at), db_text(s->user_agent), db_text(s->amr),
                   db_i64(s->idle_ms), db_i64(s->auth_at), db_text(s->country));
}

enum err session_store_past(struct ctx *c, struct db_conn *conn, const struct session_row *s, struct session_past *ret)
{
    struct db_result r;
    TRY(db_one(c, conn, &past, &r, db_id(&s->user_id), db_text(s->user_agent), db_text(s->device_name), db_text(s->country)));
    *ret = (struct session_past){.first = db_at(&r, 0, 0)->type == DB_NULL && db_get_i64(&r, 0, 1) == 0,
                                 .same_device = db_get_i64(&r, 0, 2) > 0,
                                 .any_country = db_get_i64(&r, 0, 3) > 0,
                                 .same_country = db_get_i64(&r, 0, 4) > 0};
    return ERR_OK;
}

enum err session_store_signed_in(struct ctx *c, struct db_conn *conn, const struct id *user, int64_t now_ms)
{
    return db_exec(c, conn, &signed_in, NULL, db_id(user), db_i64(now_ms));
}

enum err session_store_touch(struct ctx *c, struct db_conn *conn, const struct id *id, int64_t now_ms)
{
    return db_exec(c, conn, &touch, NULL, db_id(id), db_i64(now_ms));
}

enum err session_store_revoke(struct ctx *c, struct db_conn *conn, const struct id *id, int64_t now_ms)
{
    return db_exec(c, conn, &revoke, NULL, db_id(id), db_i64(now_ms));
}

enum err session_store_revoked(struct ctx *c, struct db_conn *conn, int64_t since_ms, struct db_result *ret)
{
    return db_exec(c, conn, &revoked, ret, db_i64(since_ms));
}

enum err session_store_purge(struct ctx *c, struct db_conn *conn, int64_t before_ms)
{
    return db_exec(c, conn, &purge, NULL, db_i64(before_ms));
}

enum err refresh_store_get(struct ctx *c, struct db_conn *conn, const struct sha256 *hash, struct refresh_row *ret)
{
    struct db_result r;
    TRY(db_one(c, conn, &refresh_get, &r, db_bytes(sha256_view(hash))));
    *ret = (struct refresh_row){.session_id = db_get_id(&r, 0, 0),
                                .user_id = db_get_id(&r, 0, 1),
                                .token_expires_at = db_get_i64(&r, 0, 2),
                                .session_expires_at = db_get_i64(&r, 0, 3),
                                .revoked = db_at(&r, 0, 4)->type != DB_NULL,
                                .used = db_at(&r, 0, 5)->type != DB_NULL,
                                .used_at = db_get_i64(&r, 0, 5),
                                .auth_at = db_get_i64(&r, 0, 6),
                                .idle_ms = db_get_i64(&r, 0, 7),
                                .amr = db_get_slice(&r, 0, 8)};
    return ERR_OK;
}

enum err refresh_store_insert(struct ctx *c, struct db_conn *conn, const struct sha256 *hash, const struct id *session,
                              int64_t now_ms, int64_t expires_ms)
{
    return db_exec(c, conn, &refresh_insert, NULL, db_bytes(sha256_view(hash)), db_id(session), db_i64(now_ms),
                   db_i64(expires_ms));
}

enum err refresh_store_use(struct ctx *c, struct db_conn *conn, const struct sha256 *hash, int64_t now_ms)
{
    return db_exec(c, conn, &refresh_use, NULL, db_bytes(sha256_view(hash)), db_i64(now_ms));
}

enum err session_store_list(struct ctx *c, struct db_conn *conn, const struct id *user, int64_t now_ms,
                            struct session_info **ret, size_t *ret_n)
{
    struct db_result r;
    TRY(db_exec(c, conn, &list, &r, db_id(user), db_i64(now_ms)));
    struct session_info *rows = ARENA_ARRAY(&c->arena, struct session_info, r.rows + 1);
    if (!rows) return ERR_NOMEM;
    for (size_t i = 0; i < r.rows; i++)
        rows[i] = (struct session_info){.id = db_get_id(&r, i, 0),
                                        .device_name = db_get_slice(&r, i, 1),
                                        .user_agent = db_get_slice(&r, i, 2),
                                        .ip = db_get_slice(&r, i, 3),
                                        .amr = db_get_slice(&r, i, 4),
                                        .created_at = db_get_i64(&r, i, 5),
                                        .last_used_at = db_get_i64(&r, i, 6),
                                        .expires_at = db_get_i64(&r, i, 7),
                                        .country = db_get_slice(&r, i, 8)};
    *ret = rows;
    *ret_n = r.rows;
    return ERR_OK;
}

enum err session_store_revoke_one(struct ctx *c, struct db_conn *conn, const struct id *user, const struct id *session,
                                  int64_t now_ms)
{
    return db_one(c, conn, &revoke_one, NULL, db_id(user), db_id(session), db_i64(now_ms));
}

enum err session_store_revoke_all(struct ctx *c, struct db_conn *conn, const struct id *user, const struct id *keep,
                                  int64_t now_ms)
{
    return db_exec(c, conn, &revoke_all, NULL, db_id(user), keep ? db_id(keep) : db_null(), db_i64(now_ms));
}

enum err session_store_prove(struct ctx *c, struct db_conn *conn, const struct id *session, int64_t now_ms,
                             struct id *ret_user, struct slice *ret_amr)
{
    struct db_result r;
    TRY(db_one(c, conn, &prove, &r, db_id(session), db_i64(now_ms)));
    *ret_user = db_get_id(&r, 0, 0);
    *ret_amr = db_get_slice(&r, 0, 1);
    return ERR_OK;
}

enum err session_store_lives(struct ctx *c, struct db_conn *conn, const struct id *user, const struct id *session, int64_t now_ms)
{
    struct db_result r;
    return db_one(c, conn, &lives, &r, db_id(session), db_id(user), db_i64(now_ms));
}
