/* SQL of quotas: one conditional update decides, so two uploads can never both take the last byte. */
#include "core/quota/quota.h"

/* The user's own limit, or the role's: administrators' in parameter `admin`, everybody else's in parameter `other`. */
#define IN_FORCE(own, admin, other) "COALESCE(" own ", CASE WHEN role = 'admin' THEN " admin " ELSE " other " END)"
#define BYTES_MAX IN_FORCE("quota_bytes", "$4", "$5")
#define FILES_MAX IN_FORCE("quota_files", "$6", "$7")

static const struct db_stmt take = {
    "quota_take",
    "UPDATE users SET used_bytes = used_bytes + $2, used_files = used_files + $3 WHERE id = $1 "
    "AND (" BYTES_MAX " = 0 OR used_bytes + $2 <= " BYTES_MAX " OR $2 = 0) "
    "AND (" FILES_MAX " = 0 OR used_files + $3 <= " FILES_MAX " OR $3 = 0)", NULL};
static const struct db_stmt give_back = {
    "quota_give_back",
    "UPDATE users SET used_bytes = CASE WHEN used_bytes > $2 THEN used_bytes - $2 ELSE 0 END, "
    "used_files = CASE WHEN used_files > $3 THEN used_files - $3 ELSE 0 END WHERE id = $1", NULL};
static const struct db_stmt get = {
    "quota_get",
    "SELECT role, used_files, " QUOTA_COLUMNS " FROM users WHERE id = $1", NULL};

static uint64_t own_or(const struct db_result *r, size_t i, size_t column, uint64_t otherwise)
{
    return db_at(r, i, column)->type == DB_NULL ? otherwise : (uint64_t)db_get_i64(r, i, column);
}

struct quota quota_row(const struct app *app, enum role role, const struct db_result *r, size_t i, size_t first)
{
    const struct quota *of_role = role == ROLE_ADMIN ? &app->cfg.quota_admin : &app->cfg.quota_user;
    return (struct quota){own_or(r, i, first, of_role->bytes), own_or(r, i, first + 1, of_role->files),
                          own_or(r, i, first + 2, of_role->file_bytes), own_or(r, i, first + 3, of_role->transfer_bytes)};
}

static enum err load(struct ctx *c, struct db_conn *conn, const struct app *app, const struct id *user, struct quota *ret,
                     uint64_t *ret_files)
{
    struct db_result r;
    enum role role;
    TRY(db_one(c, conn, &get, &r, db_id(user)));
    if (role_parse(db_get_slice(&r, 0, 0), &role) != ERR_OK) return ERR_CORRUPT;
    *ret_files = (uint64_t)db_get_i64(&r, 0, 1);
    *ret = quota_row(app, role, &r, 0, 2);
    return ERR_OK;
}

enum err quota_get(struct ctx *c, struct db_conn *conn, const struct app *app, const struct id *user, struct quota *ret)
{
    uint64_t files = 0;
    return load(c, conn, app, user, ret, &files);
}

static enum err refuse_more(struct ctx *c, struct db_conn *conn, const struct app *app, const struct id *user, uint64_t files)
{
    struct quota q;
    uint64_t used = 0;
    TRY(load(c, conn, app, user, &q, &used));
    if (files && q.files && used + files > q.files)
        return refuse(c, ERR_QUOTA, "quota_files_exceeded", "You may have at most %llu files. Delete something first.",
                      (unsigned long long)q.files);
    return refuse(c, ERR_QUOTA, "quota_exceeded", "This would take you over your storage quota. Delete something first.");
}

static enum err take_both(struct ctx *c, struct db_conn *conn, const struct app *app, const struct id *user, uint64_t bytes,
                          uint64_t files)
{
    struct db_result r;
    const struct quota *admin = &app->cfg.quota_admin, *other = &app->cfg.quota_user;
    TRY(db_exec(c, conn, &take, &r, db_id(user), db_i64((int64_t)bytes), db_i64((int64_t)files), db_i64((int64_t)admin->bytes),
                db_i64((int64_t)other->bytes), db_i64((int64_t)admin->files), db_i64((int64_t)other->files)));
    return r.changes == 1 ? ERR_OK : refuse_more(c, conn, app, user, files);
}

enum err quota_take(struct ctx *c, struct db_conn *conn, const struct app *app, const struct id *user, uint64_t bytes)
{
    return bytes ? take_both(c, conn, app, user, bytes, 0) : ERR_OK;
}

enum err quota_take_file(struct ctx *c, struct db_conn *conn, const struct app *app, const struct id *user, uint64_t bytes)
{
    struct quota q;
    TRY(quota_get(c, conn, app, user, &q));
    TRY(quota_check_file(c, &q, bytes));
    return take_both(c, conn, app, user, bytes, 1);
}

enum err quota_take_files(struct ctx *c, struct db_conn *conn, const struct app *app, const struct id *user, uint64_t bytes,
                          uint64_t files)
{
    return take_both(c, conn, app, user, bytes, files);
}

enum err quota_give_back(struct ctx *c, struct db_conn *conn, const struct id *user, uint64_t bytes)
{
    return bytes ? db_later(c, conn, &give_back, db_id(user), db_i64((int64_t)bytes), db_i64(0)) : ERR_OK;
}

enum err quota_give_back_file(struct ctx *c, struct db_conn *conn, const struct id *user, uint64_t bytes)
{
    return db_later(c, conn, &give_back, db_id(user), db_i64((int64_t)bytes), db_i64(1));
}

enum err quota_check_file(struct ctx *c, const struct quota *q, uint64_t bytes)
{
    if (q->file_bytes == 0 || bytes <= q->file_bytes) return ERR_OK;
    return refuse(c, ERR_TOO_LARGE, "file_too_large", "A file of yours may have at most %llu bytes.",
                  (unsigned long long)q->file_bytes);
}

enum err quota_check_transfer(struct ctx *c, const struct quota *q, uint64_t bytes)
{
    if (q->transfer_bytes == 0 || bytes <= q->transfer_bytes) return ERR_OK;
    return refuse(c, ERR_TOO_LARGE, "transfer_too_large", "A transfer of yours may have at most %llu bytes.",
                  (unsigned long long)q->transfer_bytes);
}
