/* SQL of wrong tries: passwords in a row. Internal to core/user. */
#ifndef SEALDROP_CORE_USER_TRIES_STORE_H
#define SEALDROP_CORE_USER_TRIES_STORE_H

#include "db/db.h"

/* Counts a try before it is looked at. ERR_NOT_FOUND: blocked; *ret_until is then the end of that, 0 when only a new password
 * helps. */
MUST_USE enum err tries_store_begin(struct ctx *c, struct db_conn *conn, struct slice key, const struct id *user,
                                    int64_t now_ms, int64_t *ret_fails, int64_t *ret_until);
MUST_USE enum err tries_store_block(struct ctx *c, struct db_conn *conn, struct slice key, int64_t until_ms);
/* A try that could not be looked at. */
MUST_USE enum err tries_store_give_back(struct ctx *c, struct db_conn *conn, struct slice key);
/* The try that was counted last was right. */
MUST_USE enum err tries_store_right(struct ctx *c, struct db_conn *conn, struct slice key);
/* Of an account, which has a new password. What was wrong since the last sign-in stays known. */
MUST_USE enum err tries_store_forget_user(struct ctx *c, struct db_conn *conn, const struct id *user);
/* A wrong second factor: counts for tries_store_take_wrong only. */
MUST_USE enum err tries_store_wrong(struct ctx *c, struct db_conn *conn, const struct id *user, int64_t now_ms);
/* What was wrong since the last call. */
MUST_USE enum err tries_store_take_wrong(struct ctx *c, struct db_conn *conn, const struct id *user, int64_t *ret);
MUST_USE enum err tries_store_purge(struct ctx *c, struct db_conn *conn, int64_t before_ms);

#endif
