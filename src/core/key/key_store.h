/* SQL of organisation keys, server secrets and the re-wrapping of what they protect. Internal to core/key. */
#ifndef SEALDROP_CORE_KEY_KEY_STORE_H
#define SEALDROP_CORE_KEY_KEY_STORE_H

#include "core/key/key.h"

MUST_USE enum err kek_store_insert(struct ctx *c, struct db_conn *conn, const struct id *id, const struct id *org,
                                   const struct sealed_kek *sealed, int64_t now_ms);
/* Columns: id, org_id, state, sealed. Not the destroyed ones. */
MUST_USE enum err kek_store_load(struct ctx *c, struct db_conn *conn, struct db_result *ret);
/* Columns: id, generation, state, created_at. */
MUST_USE enum err kek_store_list(struct ctx *c, struct db_conn *conn, struct db_result *ret);
MUST_USE enum err kek_store_retire_others(struct ctx *c, struct db_conn *conn, const struct id *active);
/* Destroys generations that wrap nothing any more, if the active one was made before `before_ms`. Column: id. */
MUST_USE enum err kek_store_destroy_unused(struct ctx *c, struct db_conn *conn, int64_t before_ms, struct db_result *ret);
/* Until the end of the transaction it is not destroyed. ERR_NOT_FOUND: it is already. */
MUST_USE enum err kek_store_hold(struct ctx *c, struct db_conn *conn, const struct id *id);
/* Waits for those who hold one that only decrypts, and keeps others from it. */
MUST_USE enum err kek_store_lock_old(struct ctx *c, struct db_conn *conn);
/* Whether a generation is left that only decrypts. */
MUST_USE enum err kek_store_any_old(struct ctx *c, struct db_conn *conn, bool *ret);

/* Columns: id, wrapped_key; rows of contents (or uploads) not under `active`. */
MUST_USE enum err rewrap_store_contents(struct ctx *c, struct db_conn *conn, const struct id *active, size_t limit,
                                     struct db_result *ret);
MUST_USE enum err rewrap_store_uploads(struct ctx *c, struct db_conn *conn, const struct id *active, size_t limit,
                                       struct db_result *ret);
/* Compare-and-set: leaves a row alone that changed meanwhile. */
MUST_USE enum err rewrap_store_content(struct ctx *c, struct db_conn *conn, const struct id *id, struct slice old,
                                    const struct wrapped *now);
MUST_USE enum err rewrap_store_upload(struct ctx *c, struct db_conn *conn, const struct id *id, struct slice old,
                                      const struct wrapped *now);
/* Columns: user id, wrapped secret. */
MUST_USE enum err rewrap_store_totps(struct ctx *c, struct db_conn *conn, const struct id *active, size_t limit,
                                     struct db_result *ret);
MUST_USE enum err rewrap_store_totp(struct ctx *c, struct db_conn *conn, const struct id *user, struct slice old,
                                    const struct wrapped *now);
/* Columns: name, value; all server secrets. */
MUST_USE enum err secret_store_list(struct ctx *c, struct db_conn *conn, struct db_result *ret);
MUST_USE enum err secret_store_get(struct ctx *c, struct db_conn *conn, struct slice name, struct slice *ret);
/* First writer wins: ERR_EXISTS for the others. */
MUST_USE enum err secret_store_insert(struct ctx *c, struct db_conn *conn, struct slice name, struct slice value);
MUST_USE enum err secret_store_replace(struct ctx *c, struct db_conn *conn, struct slice name, struct slice old,
                                       struct slice value);
/* Columns: kid, wrapped; all keys that sign tokens. */
MUST_USE enum err signing_store_list(struct ctx *c, struct db_conn *conn, struct db_result *ret);
MUST_USE enum err signing_store_replace(struct ctx *c, struct db_conn *conn, struct slice kid, struct slice old,
                                        struct slice value);

#endif
