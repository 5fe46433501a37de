/* SQL of organisation keys and of everything wrapped under them. */
#include "core/key/key_store.h"

static const struct db_stmt kek_insert = {
    "kek_insert",
    "INSERT INTO keks (id, org_id, generation, provider, key_ref, sealed, state, created_at) "
    "SELECT $1, $2, COALESCE(MAX(generation), 0) + 1, 'file', '', $3, 'active', $4 FROM keks WHERE org_id = $2", NULL};
static const struct db_stmt kek_load = {
    "kek_load",
    "SELECT id, org_id, state, sealed FROM keks WHERE state <> 'destroyed' ORDER BY generation", NULL};
static const struct db_stmt kek_list = {
    "kek_list", "SELECT id, generation, state, created_at FROM keks ORDER BY generation DESC", NULL};
static const struct db_stmt kek_retire = {
    "kek_retire", "UPDATE keks SET state = 'decrypt-only' WHERE state = 'active' AND id <> $1", NULL};
static const struct db_stmt kek_destroy = {
    "kek_destroy",
    "UPDATE keks SET state = 'destroyed', sealed = NULL WHERE state = 'decrypt-only' "
    "AND EXISTS (SELECT 1 FROM keks a WHERE a.state = 'active' AND a.created_at < $1) "
    "AND NOT EXISTS (SELECT 1 FROM contents WHERE contents.kek_id = keks.id) "
    "AND NOT EXISTS (SELECT 1 FROM uploads WHERE uploads.kek_id = keks.id) "
    "AND NOT EXISTS (SELECT 1 FROM totp WHERE totp.kek_id = keks.id) RETURNING id", NULL};
/* SQLite has one writer anyway. */
static const struct db_stmt kek_hold = {
    "kek_hold", "SELECT 1 FROM keks WHERE id = $1 AND state <> 'destroyed' FOR SHARE",
    "SELECT 1 FROM keks WHERE id = $1 AND state <> 'destroyed'"};
static const struct db_stmt kek_lock_old = {
    "kek_lock_old", "SELECT id FROM keks WHERE state = 'decrypt-only' ORDER BY id FOR UPDATE",
    "SELECT id FROM keks WHERE state = 'decrypt-only'"};
static const struct db_stmt kek_any_old = {
    "kek_any_old", "SELECT COUNT(*) FROM keks WHERE state = 'decrypt-only'", NULL};
static const struct db_stmt rewrap_contents = {
    "rewrap_contents",
    "SELECT id, wrapped_key FROM contents WHERE kek_id IS NOT NULL AND kek_id <> $1 LIMIT $2", NULL};
static const struct db_stmt rewrap_uploads = {
    "rewrap_uploads",
    "SELECT id, wrapped_key, content_id FROM uploads WHERE kek_id IS NOT NULL AND kek_id <> $1 LIMIT $2", NULL};
static const struct db_stmt rewrap_content = {
    "rewrap_content", "UPDATE contents SET kek_id = $1, wrapped_key = $2 WHERE id = $3 AND wrapped_key = $4", NULL};
static const struct db_stmt rewrap_upload = {
    "rewrap_upload", "UPDATE uploads SET kek_id = $1, wrapped_key = $2 WHERE id = $3 AND wrapped_key = $4", NULL};
static const struct db_stmt rewrap_totps = {
    "rewrap_totps", "SELECT user_id, wrapped FROM totp WHERE kek_id <> $1 LIMIT $2", NULL};
static const struct db_stmt rewrap_totp = {
    "rewrap_totp", "UPDATE totp SET kek_id = $1, wrapped = $2 WHERE user_id = $3 AND wrapped = $4", NULL};
static const struct db_stmt secret_list = {
    "secret_list", "SELECT name, value FROM settings WHERE name LIKE 'secret.%'", NULL};
static const struct db_stmt secret_get = {"secret_get", "SELECT value FROM settings WHERE name = $1", NULL};
static const struct db_stmt secret_insert = {
    "secret_insert", "INSERT INTO settings (name, value) VALUES ($1, $2)", NULL};
static const struct db_stmt secret_replace = {
    "secret_replace", "UPDATE settings SET value = $3 WHERE name = $1 AND value = $2", NULL};

static const struct db_stmt signing_list = {"signing_list", "SELECT kid, wrapped FROM signing_keys", NULL};
static const struct db_stmt signing_replace = {
    "signing_replace", "UPDATE signing_keys SET wrapped = $3 WHERE kid = $1 AND wrapped = $2", NULL};

enum err kek_store_insert(struct ctx *c, struct db_conn *conn, const struct id *id, const struct id *org,
                          const struct sealed_kek *sealed, int64_t now_ms)
{
    return db_exec(c, conn, &kek_insert, NULL, db_id(id), db_id(org),
                   db_bytes(slice_of(sealed->b, sizeof sealed->b)), db_i64(now_ms));
}

enum err kek_store_load(struct ctx *c, struct db_conn *conn, struct db_result *ret)
{
    return db_exec0(c, conn, &kek_load, ret);
}

enum err kek_store_list(struct ctx *c, struct db_conn *conn, struct db_result *ret)
{
    return db_exec0(c, conn, &kek_list, ret);
}

enum err kek_store_retire_others(struct ctx *c, struct db_conn *conn, const struct id *active)
{
    return db_exec(c, conn, &kek_retire, NULL, db_id(active));
}

enum err kek_store_destroy_unused(struct ctx *c, struct db_conn *conn, int64_t before_ms, struct db_result *ret)
{
    return db_exec(c, conn, &kek_destroy, ret, db_i64(before_ms));
}

enum err kek_store_hold(struct ctx *c, struct db_conn *conn, const struct id *id)
{
    struct db_result r;
    return db_one(c, conn, &kek_hold, &r, db_id(id));
}

enum err kek_store_lock_old(struct ctx *c, struct db_conn *conn)
{
    struct db_result r;
    return db_exec0(c, conn, &kek_lock_old, &r);
}

enum err kek_store_any_old(struct ctx *c, struct db_conn *conn, bool *ret)
{
    struct db_result r;
    TRY(db_exec0(c, conn, &kek_any_old, &r));
    *ret = db_get_i64(&r, 0, 0) > 0;
    return ERR_OK;
}

enum err rewrap_store_contents(struct ctx *c, struct db_conn *conn, const struct id *active, size_t limit,
                            struct db_result *ret)
{
    return db_exec(c, conn, &rewrap_contents, ret, db_id(active), db_i64((int64_t)limit));
}

enum err rewrap_store_uploads(struct ctx *c, struct db_conn *conn, const struct id *active, size_t limit,
                              struct db_result *ret)
{
    return db_exec(c, conn, &rewrap_uploads, ret, db_id(active), db_i64((int64_t)limit));
}

static enum err rewrap(struct ctx *c, struct db_conn *conn, const struct db_stmt *stmt, const struct id *id,
                       struct slice old, const struct wrapped *now)
{
    return db_exec(c, conn, stmt, NULL, db_id(&now->kek_id), db_bytes(slice_of(now->key.b, sizeof now->key.b)),
                   db_id(id), db_bytes(old));
}

enum err rewrap_store_content(struct ctx *c, struct db_conn *conn, const struct id *id, struct slice old,
                           const struct wrapped *now)
{
    return rewrap(c, conn, &rewrap_content, id, old, now);
}

enum err rewrap_store_upload(struct ctx *c, struct db_conn *conn, const struct id *id, struct slice old,
                             const struct wrapped *now)
{
    return rewrap(c, conn, &rewrap_upload, id, old, now);
}

enum err rewrap_store_totps(struct ctx *c, struct db_conn *conn, const struct id *active, size_t limit, struct db_result *ret)
{
    return db_exec(c, conn, &rewrap_totps, ret, db_id(active), db_i64((int64_t)limit));
}

enum err rewrap_store_totp(struct ctx *c, struct db_conn *conn, const struct id *user, struct slice old, const struct wrapped *now)
{
    return rewrap(c, conn, &rewrap_totp, user, old, now);
}

enum err secret_store_list(struct ctx *c, struct db_conn *conn, struct db_result *ret)
{
    return db_exec0(c, conn, &secret_list, ret);
}

enum err secret_store_get(struct ctx *c, struct db_conn *conn, struct slice name, struct slice *ret)
{
    struct db_result r;
    TRY(db_one(c, conn, &secret_get, &r, db_text(name)));
    *ret = db_get_slice(&r, 0, 0);
    return ERR_OK;
}

enum err secret_store_insert(struct ctx *c, struct db_conn *conn, struct slice name, struct slice value)
{
    return db_exec(c, conn, &secret_insert, NULL, db_text(name), db_bytes(value));
}

enum err secret_store_replace(struct ctx *c, struct db_conn *conn, struct slice name, struct slice old,
                              struct slice value)
{
    return db_exec(c, conn, &secret_replace, NULL, db_text(name), db_bytes(old), db_bytes(value));
}

enum err signing_store_list(struct ctx *c, struct db_conn *conn, struct db_result *ret)
{
    return db_exec0(c, conn, &signing_list, ret);
}

enum err signing_store_replace(struct ctx *c, struct db_conn *conn, struct slice kid, struct slice old, struct slice value)
{
    return db_exec(c, conn, &signing_replace, NULL, db_text(kid), db_bytes(old), db_bytes(value));
}
