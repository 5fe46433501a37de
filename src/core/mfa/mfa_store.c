/* SQL of second factors. */
#include "core/mfa/mfa_store.h"

static const struct db_stmt state = {
    "mfa_state",
    "SELECT (SELECT COUNT(*) FROM totp WHERE user_id = $1 AND pending = 0), "
    "(SELECT COUNT(*) FROM recovery_codes WHERE user_id = $1 AND used_at IS NULL), "
    "(SELECT COUNT(*) FROM passkeys WHERE user_id = $1)", NULL};
static const struct db_stmt totp_get = {
    "totp_get", "SELECT wrapped FROM totp WHERE user_id = $1 AND pending = $2 AND created_at > $3", NULL};
static const struct db_stmt totp_put = {
    "totp_put",
    "INSERT INTO totp (user_id, pending, kek_id, wrapped, created_at) VALUES ($1, 1, $2, $3, $4) "
    "ON CONFLICT (user_id, pending) DO UPDATE SET kek_id = $2, wrapped = $3, created_at = $4, last_step = 0", NULL};
static const struct db_stmt totp_use = {
    "totp_use", "UPDATE totp SET last_step = $3 WHERE user_id = $1 AND wrapped = $2 AND last_step < $3", NULL};
static const struct db_stmt totp_drop = {"totp_drop", "DELETE FROM totp WHERE user_id = $1 AND pending = 0", NULL};
static const struct db_stmt totp_promote = {
    "totp_promote", "UPDATE totp SET pending = 0 WHERE user_id = $1 AND pending = 1", NULL};
static const struct db_stmt totp_remove = {"totp_remove", "DELETE FROM totp WHERE user_id = $1", NULL};
static const struct db_stmt passkeys_remove = {"mfa_passkeys_remove", "DELETE FROM passkeys WHERE user_id = $1", NULL};
static const struct db_stmt recovery_add = {
    "recovery_add", "INSERT INTO recovery_codes (user_id, hash) VALUES ($1, $2)", NULL};
static const struct db_stmt recovery_use = {
    "recovery_use", "UPDATE recovery_codes SET used_at = $3 WHERE user_id = $1 AND hash = $2 AND used_at IS NULL", NULL};
static const struct db_stmt recovery_known = {
    "recovery_known", "SELECT COUNT(*) FROM recovery_codes WHERE user_id = $1 AND hash = $2", NULL};
static const struct db_stmt recovery_remove = {"recovery_remove", "DELETE FROM recovery_codes WHERE user_id = $1", NULL};
static const struct db_stmt fails_get = {
    "mfa_fails_get", "SELECT mfa_fails, mfa_blocked_until FROM users WHERE id = $1 FOR UPDATE",
    "SELECT mfa_fails, mfa_blocked_until FROM users WHERE id = $1"};
static const struct db_stmt fails_set = {
    "mfa_fails_set", "UPDATE users SET mfa_fails = $2, mfa_blocked_until = $3 WHERE id = $1", NULL};

enum err mfa_store_state(struct ctx *c, struct db_conn *conn, const struct id *user, struct mfa_state *ret)
{
    struct db_result r;
    TRY(db_one(c, conn, &state, &r, db_id(user)));
    *ret = (struct mfa_state){db_get_i64(&r, 0, 0) > 0, (uint64_t)db_get_i64(&r, 0, 1), (uint64_t)db_get_i64(&r, 0, 2)};
    return ERR_OK;
}

enum err totp_store_get(struct ctx *c, struct db_conn *conn, const struct id *user, bool pending, int64_t since_ms,
                        struct slice *ret_wrapped)
{
    struct db_result r;
    TRY(db_one(c, conn, &totp_get, &r, db_id(user), db_i64(pending), db_i64(since_ms)));
    *ret_wrapped = db_get_slice(&r, 0, 0);
    return ERR_OK;
}

enum err totp_store_put_pending(struct ctx *c, struct db_conn *conn, const struct id *user, const struct wrapped *w, int64_t now_ms)
{
    return db_exec(c, conn, &totp_put, NULL, db_id(user), db_id(&w->kek_id), db_bytes(slice_of(w->key.b, sizeof w->key.b)),
                   db_i64(now_ms));
}

enum err totp_store_use(struct ctx *c, struct db_conn *conn, const struct id *user, struct slice wrapped, int64_t step,
                        bool *ret_used)
{
    struct db_result r;
    TRY(db_exec(c, conn, &totp_use, &r, db_id(user), db_bytes(wrapped), db_i64(step)));
    *ret_used = r.changes == 1;
    return ERR_OK;
}

enum err totp_store_confirm(struct ctx *c, struct db_conn *conn, const struct id *user)
{
    TRY(db_exec(c, conn, &totp_drop, NULL, db_id(user)));
    return db_one(c, conn, &totp_promote, NULL, db_id(user));
}

enum err totp_store_remove(struct ctx *c, struct db_conn *conn, const struct id *user)
{
    return db_exec(c, conn, &totp_remove, NULL, db_id(user));
}

enum err passkeys_store_remove(struct ctx *c, struct db_conn *conn, const struct id *user)
{
    return db_exec(c, conn, &passkeys_remove, NULL, db_id(user));
}

enum err recovery_store_add(struct ctx *c, struct db_conn *conn, const struct id *user, const struct sha256 *hash)
{
    return db_exec(c, conn, &recovery_add, NULL, db_id(user), db_bytes(sha256_view(hash)));
}

enum err recovery_store_use(struct ctx *c, struct db_conn *conn, const struct id *user, const struct sha256 *hash, int64_t now_ms,
                            enum recovery_found *ret)
{
    struct db_result r;
    TRY(db_exec(c, conn, &recovery_use, &r, db_id(user), db_bytes(sha256_view(hash)), db_i64(now_ms)));
    if (r.changes == 1) {
        *ret = RECOVERY_GOOD;
        return ERR_OK;
    }
    TRY(db_one(c, conn, &recovery_known, &r, db_id(user), db_bytes(sha256_view(hash))));
    *ret = db_get_i64(&r, 0, 0) ? RECOVERY_USED_BEFORE : RECOVERY_NONE;
    return ERR_OK;
}

enum err recovery_store_remove(struct ctx *c, struct db_conn *conn, const struct id *user)
{
    return db_exec(c, conn, &recovery_remove, NULL, db_id(user));
}

enum err mfa_store_fails(struct ctx *c, struct db_conn *conn, const struct id *user, int64_t *ret_fails, int64_t *ret_blocked_until)
{
    struct db_result r;
    TRY(db_one(c, conn, &fails_get, &r, db_id(user)));
    *ret_fails = db_get_i64(&r, 0, 0);
    *ret_blocked_until = db_get_i64(&r, 0, 1);
    return ERR_OK;
}

enum err mfa_store_set_fails(struct ctx *c, struct db_conn *conn, const struct id *user, int64_t fails, int64_t blocked_until)
{
    return db_one(c, conn, &fails_set, NULL, db_id(user), db_i64(fails), blocked_until ? db_i64(blocked_until) : db_null());
}
