/* SQL of wrong tries. */
#include "core/user/tries_store.h"

#include "base/limits.h"

static const struct db_stmt begin = {
    "tries_begin",
    "INSERT INTO login_tries (key, user_id, fails, wrong, last_at) VALUES ($1, $2, 1, 1, $3) ON CONFLICT (key) DO UPDATE "
    "SET fails = login_tries.fails + 1, wrong = login_tries.wrong + 1, last_at = $3, blocked_until = NULL WHERE login_tries.fails < $4 "
    "AND (login_tries.blocked_until IS NULL OR login_tries.blocked_until <= $3) RETURNING fails", NULL};
static const struct db_stmt blocked = {"tries_blocked", "SELECT fails, blocked_until FROM login_tries WHERE key = $1", NULL};
static const struct db_stmt block = {"tries_block", "UPDATE login_tries SET blocked_until = $2 WHERE key = $1", NULL};
static const struct db_stmt give_back = {
    "tries_give_back",
    "UPDATE login_tries SET fails = fails - 1, blocked_until = NULL, wrong = CASE WHEN wrong > 0 THEN wrong - 1 ELSE 0 END "
    "WHERE key = $1 AND fails > 0", NULL};
static const struct db_stmt right = {
    "tries_right",
    "UPDATE login_tries SET fails = 0, blocked_until = NULL, wrong = CASE WHEN wrong > 0 THEN wrong - 1 ELSE 0 END WHERE key = $1",
    NULL};
static const struct db_stmt forget_user = {
    "tries_forget_user", "UPDATE login_tries SET fails = 0, blocked_until = NULL WHERE user_id = $1", NULL};
static const struct db_stmt wrong = {
    "tries_wrong",
    "INSERT INTO login_tries (key, user_id, fails, wrong, last_at) VALUES ($1, $1, 0, 1, $2) ON CONFLICT (key) DO UPDATE "
    "SET wrong = login_tries.wrong + 1, last_at = $2", NULL};
static const struct db_stmt wrong_get = {
    "tries_wrong_get", "SELECT wrong FROM login_tries WHERE key = $1 FOR UPDATE", "SELECT wrong FROM login_tries WHERE key = $1"};
static const struct db_stmt wrong_reset = {"tries_wrong_reset", "UPDATE login_tries SET wrong = 0 WHERE key = $1", NULL};
static const struct db_stmt purge = {
    "tries_purge", "DELETE FROM login_tries WHERE user_id IS NULL AND last_at < $1", NULL};

enum err tries_store_begin(struct ctx *c, struct db_conn *conn, struct slice key, const struct id *user, int64_t now_ms,
                           int64_t *ret_fails, int64_t *ret_until)
{
    struct db_result r;
    TRY(db_exec(c, conn, &begin, &r, db_bytes(key), user ? db_id(user) : db_null(), db_i64(now_ms),
                db_i64(LIMIT_LOGIN_FAILS)));
    if (r.rows == 1) {
        *ret_fails = db_get_i64(&r, 0, 0);
        return ERR_OK;
    }
    TRY(db_one(c, conn, &blocked, &r, db_bytes(key)));
    *ret_until = db_get_i64(&r, 0, 0) >= LIMIT_LOGIN_FAILS ? 0 : db_get_i64(&r, 0, 1);
    return ERR_NOT_FOUND;
}

enum err tries_store_block(struct ctx *c, struct db_conn *conn, struct slice key, int64_t until_ms)
{
    return db_exec(c, conn, &block, NULL, db_bytes(key), db_i64(until_ms));
}

enum err tries_store_give_back(struct ctx *c, struct db_conn *conn, struct slice key)
{
    return db_exec(c, conn, &give_back, NULL, db_bytes(key));
}

enum err tries_store_right(struct ctx *c, struct db_conn *conn, struct slice key)
{
    return db_exec(c, conn, &right, NULL, db_bytes(key));
}

enum err tries_store_forget_user(struct ctx *c, struct db_conn *conn, const struct id *user)
{
    return db_exec(c, conn, &forget_user, NULL, db_id(user));
}

enum err tries_store_wrong(struct ctx *c, struct db_conn *conn, const struct id *user, int64_t now_ms)
{
    return db_exec(c, conn, &wrong, NULL, db_id(user), db_i64(now_ms));
}

enum err tries_store_take_wrong(struct ctx *c, struct db_conn *conn, const struct id *user, int64_t *ret)
{
    struct db_result r;
    *ret = 0;
    TRY(db_exec(c, conn, &wrong_get, &r, db_id(user)));
    if (r.rows == 0) return ERR_OK;
    *ret = db_get_i64(&r, 0, 0);
    return *ret ? db_exec(c, conn, &wrong_reset, NULL, db_id(user)) : ERR_OK;
}

enum err tries_store_purge(struct ctx *c, struct db_conn *conn, int64_t before_ms)
{
    return db_exec(c, conn, &purge, NULL, db_i64(before_ms));
}
