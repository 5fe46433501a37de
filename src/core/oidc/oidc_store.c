/* SQL of external identities. */
#include "core/oidc/oidc_store.h"

static const struct db_stmt use = {
    "oidc_use",
    "UPDATE external_identities SET last_used_at = $3 WHERE provider = $1 AND subject = $2 RETURNING user_id", NULL};
static const struct db_stmt add = {
    "oidc_link",
    "INSERT INTO external_identities (provider, subject, user_id, created_at, last_used_at) VALUES ($1, $2, $3, $4, $4)", NULL};
static const struct db_stmt by_email = {
    "oidc_by_email", "SELECT id FROM users WHERE email_key = $1 AND email_verified_at IS NOT NULL", NULL};
static const struct db_stmt confirm = {
    "oidc_confirm", "UPDATE users SET email_verified_at = $2 WHERE id = $1 AND email_verified_at IS NULL", NULL};

enum err oidc_store_use(struct ctx *c, struct db_conn *conn, struct slice provider, struct slice subject, int64_t now_ms,
                        struct id *ret_user)
{
    struct db_result r;
    TRY(db_one(c, conn, &use, &r, db_text(provider), db_text(subject), db_i64(now_ms)));
    *ret_user = db_get_id(&r, 0, 0);
    return ERR_OK;
}

enum err oidc_store_link(struct ctx *c, struct db_conn *conn, struct slice provider, struct slice subject,
                         const struct id *user, int64_t now_ms)
{
    return db_exec(c, conn, &add, NULL, db_text(provider), db_text(subject), db_id(user), db_i64(now_ms));
}

enum err oidc_store_by_email(struct ctx *c, struct db_conn *conn, struct slice email_key, struct id *ret)
{
    struct db_result r;
    TRY(db_one(c, conn, &by_email, &r, db_text(email_key)));
    *ret = db_get_id(&r, 0, 0);
    return ERR_OK;
}

enum err oidc_store_confirm(struct ctx *c, struct db_conn *conn, const struct id *user, int64_t now_ms)
{
    return db_exec(c, conn, &confirm, NULL, db_id(user), db_i64(now_ms));
}
