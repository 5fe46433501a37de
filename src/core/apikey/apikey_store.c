/* SQL of API keys. */
#include "core/apikey/apikey_store.h"

static const struct db_stmt insert = {
    "apikey_insert",
    "INSERT INTO api_keys (id, user_id, name, secret_hash, scopes, created_at, expires_at) "
    "VALUES ($1, $2, $3, $4, $5, $6, $7)", NULL};
static const struct db_stmt count = {
    "apikey_count", "SELECT COUNT(*) FROM api_keys WHERE user_id = $1 AND revoked_at IS NULL", NULL};
static const struct db_stmt list = {
    "apikey_list",
    "SELECT id, name, scopes, created_at, expires_at, last_used_at FROM api_keys "
    "WHERE user_id = $1 AND revoked_at IS NULL ORDER BY created_at DESC, id", NULL};
static const struct db_stmt revoke = {
    "apikey_revoke", "UPDATE api_keys SET revoked_at = $3 WHERE id = $2 AND user_id = $1 AND revoked_at IS NULL", NULL};
static const struct db_stmt get = {
    "apikey_get",
    "SELECT k.id, k.name, k.scopes, k.created_at, k.expires_at, k.last_used_at, k.user_id, k.secret_hash, u.role, u.state "
    "FROM api_keys k JOIN users u ON u.id = k.user_id WHERE k.id = $1 AND k.revoked_at IS NULL "
    "AND (k.expires_at IS NULL OR k.expires_at > $2)", NULL};
static const struct db_stmt touch = {"apikey_touch", "UPDATE api_keys SET last_used_at = $2 WHERE id = $1", NULL};

static void read_row(const struct db_result *r, size_t i, struct apikey *ret)
{
    *ret = (struct apikey){.id = db_get_slice(r, i, 0),
                           .name = db_get_slice(r, i, 1),
                           .scopes = (unsigned)db_get_i64(r, i, 2),
                           .created_at = db_get_i64(r, i, 3),
                           .expires_at = db_get_i64(r, i, 4),
                           .last_used_at = db_get_i64(r, i, 5)};
}

enum err apikey_store_insert(struct ctx *c, struct db_conn *conn, const struct id *user, const struct apikey *k,
                             const struct sha256 *secret)
{
    return db_exec(c, conn, &insert, NULL, db_text(k->id), db_id(user), db_text(k->name), db_bytes(sha256_view(secret)),
                   db_i64(k->scopes), db_i64(k->created_at), k->expires_at ? db_i64(k->expires_at) : db_null());
}

enum err apikey_store_count(struct ctx *c, struct db_conn *conn, const struct id *user, uint64_t *ret)
{
    struct db_result r;
    TRY(db_exec(c, conn, &count, &r, db_id(user)));
    *ret = (uint64_t)db_get_i64(&r, 0, 0);
    return ERR_OK;
}

enum err apikey_store_list(struct ctx *c, struct db_conn *conn, const struct id *user, struct apikey **ret, size_t *ret_n)
{
    struct db_result r;
    TRY(db_exec(c, conn, &list, &r, db_id(user)));
    struct apikey *rows = ARENA_ARRAY(&c->arena, struct apikey, r.rows + 1);
    if (!rows) return ERR_NOMEM;
    for (size_t i = 0; i < r.rows; i++) read_row(&r, i, &rows[i]);
    *ret = rows;
    *ret_n = r.rows;
    return ERR_OK;
}

enum err apikey_store_revoke(struct ctx *c, struct db_conn *conn, const struct id *user, struct slice id, int64_t now_ms)
{
    return db_one(c, conn, &revoke, NULL, db_id(user), db_text(id), db_i64(now_ms));
}

enum err apikey_store_get(struct ctx *c, struct db_conn *conn, struct slice id, int64_t now_ms, struct apikey_row *ret)
{
    struct db_result r;
    TRY(db_one(c, conn, &get, &r, db_text(id), db_i64(now_ms)));
    struct slice hash = db_get_slice(&r, 0, 7);
    if (hash.len != SHA256_BYTES) return ERR_CORRUPT;
    read_row(&r, 0, &ret->key);
    ret->user_id = db_get_id(&r, 0, 6);
    memcpy(ret->secret.b, hash.ptr, SHA256_BYTES);
    ret->role = db_get_slice(&r, 0, 8);
    ret->user_state = db_get_slice(&r, 0, 9);
    return ERR_OK;
}

enum err apikey_store_touch(struct ctx *c, struct db_conn *conn, struct slice id, int64_t now_ms)
{
    return db_exec(c, conn, &touch, NULL, db_text(id), db_i64(now_ms));
}
