/* SQL of accounts. */
#include "core/user/user_store.h"

#include "core/user/imitate.h"

#include "core/quota/quota.h"

#define USER_COLUMNS "id, email, display_name, role, state, password_hash, used_bytes, used_files, created_at, " \
                     "mfa_required, must_change_password, password_changed_at, locale, " QUOTA_COLUMNS

static const struct db_stmt insert = {
    "user_insert",
    "INSERT INTO users (id, email, email_key, display_name, role, state, password_hash, created_at, updated_at, "
    "email_verified_at, hash_kind) VALUES ($1, $2, $3, $4, $5, 'active', $6, $7, $7, $8, $9)", NULL};
static const struct db_stmt by_id = {"user_by_id", "SELECT " USER_COLUMNS " FROM users WHERE id = $1", NULL};
/* Writers of the row wait; new rows that refer to it do not. SQLite has one writer anyway. */
static const struct db_stmt by_id_locked = {
    "user_by_id_locked", "SELECT " USER_COLUMNS " FROM users WHERE id = $1 FOR NO KEY UPDATE",
    "SELECT " USER_COLUMNS " FROM users WHERE id = $1"};
static const struct db_stmt by_email = {
    "user_by_email", "SELECT " USER_COLUMNS " FROM users WHERE email_key = $1", NULL};
static const struct db_stmt list = {"user_list", "SELECT " USER_COLUMNS " FROM users ORDER BY created_at, id", NULL};
static const struct db_stmt count = {"user_count", "SELECT COUNT(*) FROM users", NULL};
/* The set-up and whoever else makes an account at the same time: one waits here for the other, and the set-up then sees it. SQLite has
 * one writer anyway. */
static const struct db_stmt first_lock = {
    "user_first_lock", "SELECT name FROM settings ORDER BY name FOR UPDATE", "SELECT name FROM settings ORDER BY name"};
static const struct db_stmt any_lock = {
    "user_any_lock", "SELECT name FROM settings ORDER BY name FOR SHARE", "SELECT name FROM settings ORDER BY name"};
static const struct db_stmt change = {
    "user_change",
    "UPDATE users SET display_name = COALESCE($2, display_name), locale = COALESCE($3, locale), updated_at = $4 WHERE id = $1", NULL};
static const struct db_stmt set_email = {
    "user_set_email",
    "UPDATE users SET email = $2, email_key = $3, email_verified_at = $4, updated_at = $5 WHERE id = $1", NULL};
static const struct db_stmt replace_hash = {
    "user_replace_hash",
    "UPDATE users SET password_hash = $3, hash_kind = $5, updated_at = $4 WHERE id = $1 AND password_hash = $2", NULL};
static const struct db_stmt set_password = {
    "user_set_password",
    "UPDATE users SET password_hash = $2, hash_kind = $4, password_changed_at = $3, must_change_password = 0, updated_at = $3 "
    "WHERE id = $1", NULL};

static const struct db_stmt hash_kinds = {
    "user_hash_kinds",
    "SELECT hash_kind, COUNT(*) FROM users WHERE hash_kind <> '' GROUP BY hash_kind ORDER BY COUNT(*) DESC, hash_kind LIMIT $1",
    NULL};

static enum err read_row(const struct app *app, const struct db_result *r, size_t i, struct user *ret)
{
    *ret = (struct user){
        .id = db_get_id(r, i, 0),
        .email = db_get_slice(r, i, 1),
        .display_name = db_get_slice(r, i, 2),
        .active = slice_eq(db_get_slice(r, i, 4), SLICE("active")),
        .password_hash = db_get_slice(r, i, 5),
        .used_bytes = (uint64_t)db_get_i64(r, i, 6),
        .used_files = (uint64_t)db_get_i64(r, i, 7),
        .created_at = db_get_i64(r, i, 8),
        .mfa_required = db_get_i64(r, i, 9) != 0,
        .must_change_password = db_get_i64(r, i, 10) != 0,
        .password_changed_at = db_get_i64(r, i, 11),
        .locale = db_get_slice(r, i, 12),
    };
    if (role_parse(db_get_slice(r, i, 3), &ret->role) != ERR_OK) return ERR_CORRUPT;
    ret->quota = quota_row(app, ret->role, r, i, 13);
    ret->needs_factor = ret->mfa_required || user_role_needs_factor(app, ret->role);
    return ERR_OK;
}

enum err user_store_insert(struct ctx *c, struct db_conn *conn, const struct user *u, struct slice email_key, bool confirmed)
{
    return db_exec(c, conn, &insert, NULL, db_id(&u->id), db_text(u->email), db_text(email_key),
                   db_text(u->display_name), db_text(slice_cstr(role_name(u->role))), db_text(u->password_hash),
                   db_i64(u->created_at), confirmed ? db_i64(u->created_at) : db_null(), db_text(hash_kind(u->password_hash)));
}

enum err user_load(struct ctx *c, struct db_conn *conn, const struct app *app, const struct id *id, struct user *ret)
{
    struct db_result r;
    TRY(db_one(c, conn, &by_id, &r, db_id(id)));
    return read_row(app, &r, 0, ret);
}

enum err user_load_locked(struct ctx *c, struct db_conn *conn, const struct app *app, const struct id *id, struct user *ret)
{
    struct db_result r;
    TRY(db_one(c, conn, &by_id_locked, &r, db_id(id)));
    return read_row(app, &r, 0, ret);
}

enum err user_store_by_email(struct ctx *c, struct db_conn *conn, const struct app *app, struct slice email_key,
                             struct user *ret)
{
    struct db_result r;
    TRY(db_one(c, conn, &by_email, &r, db_text(email_key)));
    return read_row(app, &r, 0, ret);
}

enum err user_store_list(struct ctx *c, struct db_conn *conn, const struct app *app, struct user **ret, size_t *ret_n)
{
    struct db_result r;
    TRY(db_exec0(c, conn, &list, &r));
    struct user *users = ARENA_ARRAY(&c->arena, struct user, r.rows + 1);
    if (!users) return ERR_NOMEM;
    for (size_t i = 0; i < r.rows; i++) TRY(read_row(app, &r, i, &users[i]));
    *ret = users;
    *ret_n = r.rows;
    return ERR_OK;
}

enum err user_store_count(struct ctx *c, struct db_conn *conn, uint64_t *ret)
{
    struct db_result r;
    TRY(db_exec0(c, conn, &count, &r));
    *ret = (uint64_t)db_get_i64(&r, 0, 0);
    return ERR_OK;
}

enum err user_store_count_locked(struct ctx *c, struct db_conn *conn, uint64_t *ret)
{
    struct db_result r;
    TRY(db_exec0(c, conn, &first_lock, &r));
    return user_store_count(c, conn, ret);
}

enum err user_store_hold_setup(struct ctx *c, struct db_conn *conn)
{
    struct db_result r;
    return db_exec0(c, conn, &any_lock, &r);
}

enum err user_store_change(struct ctx *c, struct db_conn *conn, const struct id *id, const struct user_patch *p, int64_t now_ms)
{
    return db_one(c, conn, &change, NULL, db_id(id), db_text_opt(p->display_name), db_text_opt(p->locale), db_i64(now_ms));
}

enum err user_store_set_email(struct ctx *c, struct db_conn *conn, const struct id *id, struct slice email, struct slice email_key,
                              bool confirmed, int64_t now_ms)
{
    return db_one(c, conn, &set_email, NULL, db_id(id), db_text(email), db_text(email_key), confirmed ? db_i64(now_ms) : db_null(),
                  db_i64(now_ms));
}

enum err user_store_replace_hash(struct ctx *c, struct db_conn *conn, const struct id *id, struct slice old,
                                 struct slice hash, int64_t now_ms)
{
    return db_exec(c, conn, &replace_hash, NULL, db_id(id), db_text(old), db_text(hash), db_i64(now_ms), db_text(hash_kind(hash)));
}

enum err user_store_set_password(struct ctx *c, struct db_conn *conn, const struct id *id, struct slice hash, int64_t now_ms)
{
    return db_one(c, conn, &set_password, NULL, db_id(id), db_text(hash), db_i64(now_ms), db_text(hash_kind(hash)));
}

enum err user_store_hash_kinds(struct ctx *c, struct db_conn *conn, size_t max, struct db_result *ret)
{
    return db_exec(c, conn, &hash_kinds, ret, db_i64((int64_t)max));
}
