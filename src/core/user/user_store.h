/* SQL of accounts. Internal to core/user. */
#ifndef SEALDROP_CORE_USER_USER_STORE_H
#define SEALDROP_CORE_USER_USER_STORE_H

#include "core/user/user.h"

MUST_USE enum err user_store_insert(struct ctx *c, struct db_conn *conn, const struct user *u, struct slice email_key,
                                    bool confirmed);
/* ERR_NOT_FOUND when absent. (By id: user_load in user.h.) */
MUST_USE enum err user_store_by_email(struct ctx *c, struct db_conn *conn, const struct app *app, struct slice email_key,
                                      struct user *ret);
MUST_USE enum err user_store_list(struct ctx *c, struct db_conn *conn, const struct app *app, struct user **ret,
                                  size_t *ret_n);
MUST_USE enum err user_store_count(struct ctx *c, struct db_conn *conn, uint64_t *ret);
/* The same for whom it must be 0: until the end of the transaction nobody else gets an answer. */
MUST_USE enum err user_store_count_locked(struct ctx *c, struct db_conn *conn, uint64_t *ret);
/* For everybody else who makes an account: until the end of the transaction no set-up looks. */
MUST_USE enum err user_store_hold_setup(struct ctx *c, struct db_conn *conn);
MUST_USE enum err user_store_change(struct ctx *c, struct db_conn *conn, const struct id *id, const struct user_patch *p,
                                    int64_t now_ms);
MUST_USE enum err user_store_set_email(struct ctx *c, struct db_conn *conn, const struct id *id, struct slice email,
                                       struct slice email_key, bool confirmed, int64_t now_ms);
/* Compare-and-set: the same password, hashed anew. */
MUST_USE enum err user_store_replace_hash(struct ctx *c, struct db_conn *conn, const struct id *id, struct slice old,
                                          struct slice hash, int64_t now_ms);
MUST_USE enum err user_store_set_password(struct ctx *c, struct db_conn *conn, const struct id *id, struct slice hash,
                                          int64_t now_ms);

/* Columns: kind of hash (imitate.h), how many accounts; the most common `max`. */
MUST_USE enum err user_store_hash_kinds(struct ctx *c, struct db_conn *conn, size_t max, struct db_result *ret);

#endif
