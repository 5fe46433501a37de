/* SQL of signing keys. */
#include "core/token/token_store.h"

static const struct db_stmt current = {
    "signing_key_current",
    "SELECT kid, public_key, wrapped FROM signing_keys WHERE state = 'current' ORDER BY created_at LIMIT 1", NULL};
static const struct db_stmt insert = {
    "signing_key_insert",
    "INSERT INTO signing_keys (kid, public_key, wrapped, state, created_at) SELECT $1, $2, $3, 'current', $4 "
    "WHERE NOT EXISTS (SELECT 1 FROM signing_keys WHERE state = 'current')", NULL};

enum err token_store_current(struct ctx *c, struct db_conn *conn, struct db_result *ret)
{
    TRY(db_exec0(c, conn, &current, ret));
    return ret->rows ? ERR_OK : ERR_NOT_FOUND;
}

enum err token_store_insert(struct ctx *c, struct db_conn *conn, struct slice kid, struct slice public_key,
                            struct slice wrapped, int64_t now_ms)
{
    struct db_result r;
    TRY(db_exec(c, conn, &insert, &r, db_text(kid), db_bytes(public_key), db_bytes(wrapped), db_i64(now_ms)));
    return r.changes ? ERR_OK : ERR_EXISTS;
}
