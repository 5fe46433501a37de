/* SQL of signing keys. Internal to core/token. */
#ifndef SEALDROP_CORE_TOKEN_TOKEN_STORE_H
#define SEALDROP_CORE_TOKEN_TOKEN_STORE_H

#include "core/app/app.h"

/* The current key: kid, public_key, wrapped. ERR_NOT_FOUND when there is none. */
MUST_USE enum err token_store_current(struct ctx *c, struct db_conn *conn, struct db_result *ret);
/* ERR_EXISTS when another node made one first. */
MUST_USE enum err token_store_insert(struct ctx *c, struct db_conn *conn, struct slice kid, struct slice public_key,
                                     struct slice wrapped, int64_t now_ms);

#endif
