/* SQL of the administration of accounts. */
#include "core/admin/admin_store.h"

#define ACCOUNT_SELECT                                                                                                 \
    "SELECT u.id, u.state, u.email_verified_at, "                                                                      \
    "(SELECT MAX(s.last_used_at) FROM sessions s WHERE s.user_id = u.id), "                                            \
    "(SELECT COUNT(*) FROM totp t WHERE t.user_id = u.id AND t.pending = 0) + "                                        \
    "(SELECT COUNT(*) FROM passkeys p WHERE p.user_id = u.id) FROM users u "

static const struct db_stmt list = {
    "admin_list",
    ACCOUNT_SELECT "WHERE (u.created_at < $1 OR (u.created_at = $1 AND u.id < $2)) "
    "AND ($3 = '' OR u.email_key LIKE $3 ESCAPE '!' OR LOWER(u.display_name) LIKE $3 ESCAPE '!') "
    "ORDER BY u.created_at DESC, u.id DESC LIMIT $4", NULL};
static const struct db_stmt get = {"admin_get", ACCOUNT_SELECT "WHERE u.id = $1", NULL};
static const struct db_stmt active_admins = {
    "admin_active_admins", "SELECT id FROM users WHERE role = 'admin' AND state = 'active' ORDER BY id FOR UPDATE",
    "SELECT id FROM users WHERE role = 'admin' AND state = 'active' ORDER BY id"};
static const struct db_stmt change = {
    "admin_change",
    "UPDATE users SET role = COALESCE($2, role), quota_bytes = COALESCE($3, quota_bytes), quota_files = COALESCE($8, quota_files), "
    "file_bytes_max = COALESCE($9, file_bytes_max), transfer_bytes_max = COALESCE($10, transfer_bytes_max), "
    "must_change_password = COALESCE($4, must_change_password), mfa_required = COALESCE($5, mfa_required), "
    "display_name = COALESCE($6, display_name), updated_at = $7 WHERE id = $1", NULL};
static const struct db_stmt set_state = {"admin_set_state", "UPDATE users SET state = $2, updated_at = $3 WHERE id = $1", NULL};
static const struct db_stmt files = {"admin_files", "SELECT id FROM files WHERE owner_id = $1 LIMIT $2", NULL};
static const struct db_stmt uploads = {"admin_uploads", "SELECT id FROM uploads WHERE owner_id = $1 LIMIT $2", NULL};
static const struct db_stmt owned = {
    "admin_owned",
    "SELECT (SELECT COUNT(*) FROM files WHERE owner_id = $1) + "
    "(SELECT COUNT(*) FROM uploads WHERE owner_id = $1 AND state <> 'complete')", NULL};
static const struct db_stmt delete_transfers = {"admin_delete_transfers", "DELETE FROM transfers WHERE owner_id = $1", NULL};
static const struct db_stmt delete_user = {"admin_delete_user", "DELETE FROM users WHERE id = $1", NULL};

static enum err read_row(struct ctx *c, struct db_conn *conn, const struct app *app, const struct db_result *r, size_t i,
                         struct account *ret)
{
    struct id id = db_get_id(r, i, 0);
    *ret = (struct account){.state = db_get_slice(r, i, 1),
                            .email_verified_at = db_get_i64(r, i, 2),
                            .last_used_at = db_get_i64(r, i, 3),
                            .has_factor = db_get_i64(r, i, 4) > 0};
    return user_load(c, conn, app, &id, &ret->user);
}

enum err admin_store_list(struct ctx *c, struct db_conn *conn, const struct app *app, const struct page *page,
                          struct slice like, struct account **ret, size_t *ret_n)
{
    struct db_result r;
    TRY(db_exec(c, conn, &list, &r, db_i64(page->before_ms), db_id(&page->before_id), db_text(like),
                db_i64((int64_t)page->limit + 1)));
    struct account *rows = ARENA_ARRAY(&c->arena, struct account, r.rows + 1);
    if (!rows) return ERR_NOMEM;
    for (size_t i = 0; i < r.rows; i++) TRY(read_row(c, conn, app, &r, i, &rows[i]));
    *ret = rows;
    *ret_n = r.rows;
    return ERR_OK;
}

enum err admin_store_get(struct ctx *c, struct db_conn *conn, const struct app *app, const struct id *id, struct account *ret)
{
    struct db_result r;
    TRY(db_one(c, conn, &get, &r, db_id(id)));
    return read_row(c, conn, app, &r, 0, ret);
}

enum err admin_store_active_admins(struct ctx *c, struct db_conn *conn, struct db_result *ret)
{
    return db_exec0(c, conn, &active_admins, ret);
}

static struct db_value opt_i64(struct opt_u64 v) { return v.set ? db_i64((int64_t)v.v) : db_null(); }

enum err admin_store_change(struct ctx *c, struct db_conn *conn, const struct id *id, const struct account_patch *p,
                            int64_t now_ms)
{
    return db_one(c, conn, &change, NULL, db_id(id), p->set_role ? db_text(slice_cstr(role_name(p->role))) : db_null(),
                  opt_i64(p->quota.bytes),
                  p->set_must_change_password ? db_i64(p->must_change_password) : db_null(),
                  p->set_mfa_required ? db_i64(p->mfa_required) : db_null(), db_text_opt(p->display_name), db_i64(now_ms),
                  opt_i64(p->quota.files), opt_i64(p->quota.file_bytes), opt_i64(p->quota.transfer_bytes));
}

enum err admin_store_set_state(struct ctx *c, struct db_conn *conn, const struct id *id, const char *state, int64_t now_ms)
{
    return db_one(c, conn, &set_state, NULL, db_id(id), db_text(slice_cstr(state)), db_i64(now_ms));
}

enum err admin_store_files(struct ctx *c, struct db_conn *conn, const struct id *id, size_t limit, struct db_result *ret)
{
    return db_exec(c, conn, &files, ret, db_id(id), db_i64((int64_t)limit));
}

enum err admin_store_uploads(struct ctx *c, struct db_conn *conn, const struct id *id, size_t limit, struct db_result *ret)
{
    return db_exec(c, conn, &uploads, ret, db_id(id), db_i64((int64_t)limit));
}

enum err admin_store_owned(struct ctx *c, struct db_conn *conn, const struct id *id, uint64_t *ret)
{
    struct db_result r;
    TRY(db_one(c, conn, &owned, &r, db_id(id)));
    *ret = (uint64_t)db_get_i64(&r, 0, 0);
    return ERR_OK;
}

enum err admin_store_delete(struct ctx *c, struct db_conn *conn, const struct id *id)
{
    TRY(db_exec(c, conn, &delete_transfers, NULL, db_id(id)));
    return db_one(c, conn, &delete_user, NULL, db_id(id));
}
