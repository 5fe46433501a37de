/* SQL of mailed tokens. */
#include "core/account/account_store.h"

#include "base/intmath.h"

static const struct db_stmt insert = {
    "mailed_insert",
    "INSERT INTO mailed_tokens (hash, purpose, user_id, data, created_at, expires_at) VALUES ($1, $2, $3, $4, $5, $6)", NULL};
static const struct db_stmt take = {
    "mailed_take",
    "UPDATE mailed_tokens SET used_at = $3 WHERE hash = $1 AND purpose = $2 AND used_at IS NULL AND expires_at > $3 "
    "RETURNING user_id, data", NULL};
static const struct db_stmt peek = {
    "mailed_peek",
    "SELECT user_id, data FROM mailed_tokens WHERE hash = $1 AND purpose = $2 AND used_at IS NULL AND expires_at > $3", NULL};
static const struct db_stmt drop = {
    "mailed_drop", "DELETE FROM mailed_tokens WHERE user_id = $1 AND purpose = $2", NULL};
static const struct db_stmt purge = {"mailed_purge", "DELETE FROM mailed_tokens WHERE expires_at < $1", NULL};
static const struct db_stmt confirm = {
    "account_confirm", "UPDATE users SET email_verified_at = COALESCE(email_verified_at, $2) WHERE id = $1", NULL};
static const struct db_stmt confirm_first = {
    "account_confirm_first", "UPDATE users SET email_verified_at = $2 WHERE id = $1 AND email_verified_at IS NULL", NULL};
static const struct db_stmt drop_ways_in[] = {
    {"account_drop_external", "DELETE FROM external_identities WHERE user_id = $1", NULL},
    {"account_drop_passkeys", "DELETE FROM passkeys WHERE user_id = $1", NULL},
    {"account_drop_totp", "DELETE FROM totp WHERE user_id = $1", NULL},
    {"account_drop_recovery", "DELETE FROM recovery_codes WHERE user_id = $1", NULL},
    {"account_drop_keys", "DELETE FROM api_keys WHERE user_id = $1", NULL},
};
static const struct db_stmt set_quota = {"account_set_quota", "UPDATE users SET quota_bytes = $2 WHERE id = $1", NULL};

enum err mailed_store_insert(struct ctx *c, struct db_conn *conn, const struct mailed_token *t)
{
    return db_exec(c, conn, &insert, NULL, db_bytes(sha256_view(&t->hash)), db_text(slice_cstr(t->purpose)),
                   t->user_id ? db_id(t->user_id) : db_null(), db_text(t->data), db_i64(t->created_at), db_i64(t->expires_at));
}

static enum err get(struct ctx *c, struct db_conn *conn, const struct db_stmt *stmt, const struct sha256 *hash,
                    const char *purpose, int64_t now_ms, struct db_result *ret)
{
    return db_one(c, conn, stmt, ret, db_bytes(sha256_view(hash)), db_text(slice_cstr(purpose)), db_i64(now_ms));
}

enum err mailed_store_take(struct ctx *c, struct db_conn *conn, const struct sha256 *hash, const char *purpose,
                           int64_t now_ms, struct id *ret_user, struct slice *ret_data)
{
    struct db_result r;
    TRY(get(c, conn, &take, hash, purpose, now_ms, &r));
    *ret_user = db_get_id(&r, 0, 0);
    *ret_data = db_get_slice(&r, 0, 1);
    return ERR_OK;
}

enum err mailed_store_peek(struct ctx *c, struct db_conn *conn, const struct sha256 *hash, const char *purpose,
                           int64_t now_ms, struct id *ret_user, struct slice *ret_data)
{
    struct db_result r;
    TRY(get(c, conn, &peek, hash, purpose, now_ms, &r));
    *ret_user = db_get_id(&r, 0, 0);
    *ret_data = db_get_slice(&r, 0, 1);
    return ERR_OK;
}

enum err mailed_store_drop(struct ctx *c, struct db_conn *conn, const struct id *user, const char *purpose)
{
    return db_exec(c, conn, &drop, NULL, db_id(user), db_text(slice_cstr(purpose)));
}

enum err mailed_store_purge(struct ctx *c, struct db_conn *conn, int64_t before_ms)
{
    return db_exec(c, conn, &purge, NULL, db_i64(before_ms));
}

enum err account_store_confirm(struct ctx *c, struct db_conn *conn, const struct id *user, int64_t now_ms)
{
    return db_exec(c, conn, &confirm, NULL, db_id(user), db_i64(now_ms));
}

enum err account_store_confirm_first(struct ctx *c, struct db_conn *conn, const struct id *user, int64_t now_ms)
{
    return db_one(c, conn, &confirm_first, NULL, db_id(user), db_i64(now_ms));
}

enum err account_store_drop_ways_in(struct ctx *c, struct db_conn *conn, const struct id *user)
{
    for (size_t i = 0; i < ARRAY_LEN(drop_ways_in); i++) TRY(db_exec(c, conn, &drop_ways_in[i], NULL, db_id(user)));
    return ERR_OK;
}

enum err account_store_set_quota(struct ctx *c, struct db_conn *conn, const struct id *user, uint64_t quota_bytes)
{
    return db_exec(c, conn, &set_quota, NULL, db_id(user), db_i64((int64_t)quota_bytes));
}
