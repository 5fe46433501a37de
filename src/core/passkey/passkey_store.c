/* SQL of passkeys. */
#include "core/passkey/passkey_store.h"

static const struct db_stmt insert = {
    "passkey_insert",
    "INSERT INTO passkeys (id, user_id, credential_id, alg, public_key, sign_count, name, created_at) "
    "VALUES ($1, $2, $3, $4, $5, $6, $7, $8)", NULL};
static const struct db_stmt list = {
    "passkey_list",
    "SELECT id, name, created_at, last_used_at, credential_id FROM passkeys WHERE user_id = $1 ORDER BY created_at, id", NULL};
static const struct db_stmt drop = {"passkey_remove", "DELETE FROM passkeys WHERE user_id = $1 AND id = $2", NULL};
static const struct db_stmt get = {
    "passkey_get", "SELECT id, user_id, alg, sign_count, public_key FROM passkeys WHERE credential_id = $1", NULL};
static const struct db_stmt use = {
    "passkey_use",
    "UPDATE passkeys SET sign_count = $2, last_used_at = $3 WHERE id = $1 AND (sign_count < $2 OR (sign_count = 0 AND $2 = 0))",
    NULL};
static const struct db_stmt factors = {
    "passkey_factors",
    "SELECT (SELECT COUNT(*) FROM totp WHERE user_id = $1 AND pending = 0) + "
    "(SELECT COUNT(*) FROM passkeys WHERE user_id = $1)", NULL};

enum err passkey_store_insert(struct ctx *c, struct db_conn *conn, const struct id *user, const struct passkey *p,
                              const struct webauthn_credential *k)
{
    return db_exec(c, conn, &insert, NULL, db_id(&p->id), db_id(user), db_bytes(slice_of(k->id, k->id_len)), db_i64(k->alg),
                   db_bytes(slice_of(k->key, k->key_len)), db_i64(k->sign_count), db_text(p->name), db_i64(p->created_at));
}

enum err passkey_store_list(struct ctx *c, struct db_conn *conn, const struct id *user, struct passkey **ret,
                            struct slice **ret_credential_ids, size_t *ret_n)
{
    struct db_result r;
    TRY(db_exec(c, conn, &list, &r, db_id(user)));
    struct passkey *rows = ARENA_ARRAY(&c->arena, struct passkey, r.rows + 1);
    struct slice *ids = ARENA_ARRAY(&c->arena, struct slice, r.rows + 1);
    if (!rows || !ids) return ERR_NOMEM;
    for (size_t i = 0; i < r.rows; i++) {
        rows[i] = (struct passkey){.id = db_get_id(&r, i, 0),
                                   .name = db_get_slice(&r, i, 1),
                                   .created_at = db_get_i64(&r, i, 2),
                                   .last_used_at = db_get_i64(&r, i, 3)};
        ids[i] = db_get_slice(&r, i, 4);
    }
    *ret = rows;
    *ret_credential_ids = ids;
    *ret_n = r.rows;
    return ERR_OK;
}

enum err passkey_store_remove(struct ctx *c, struct db_conn *conn, const struct id *user, const struct id *id)
{
    return db_one(c, conn, &drop, NULL, db_id(user), db_id(id));
}

enum err passkey_store_get(struct ctx *c, struct db_conn *conn, struct slice credential_id, struct passkey_row *ret)
{
    struct db_result r;
    TRY(db_one(c, conn, &get, &r, db_bytes(credential_id)));
    *ret = (struct passkey_row){.id = db_get_id(&r, 0, 0),
                                .user_id = db_get_id(&r, 0, 1),
                                .alg = db_get_i64(&r, 0, 2),
                                .sign_count = db_get_i64(&r, 0, 3),
                                .key = db_get_slice(&r, 0, 4)};
    return ERR_OK;
}

enum err passkey_store_use(struct ctx *c, struct db_conn *conn, const struct id *id, int64_t sign_count, int64_t now_ms)
{
    return db_one(c, conn, &use, NULL, db_id(id), db_i64(sign_count), db_i64(now_ms));
}

enum err passkey_store_factors(struct ctx *c, struct db_conn *conn, const struct id *user, uint64_t *ret)
{
    struct db_result r;
    TRY(db_one(c, conn, &factors, &r, db_id(user)));
    *ret = (uint64_t)db_get_i64(&r, 0, 0);
    return ERR_OK;
}
