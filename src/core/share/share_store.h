/* SQL of shares. Internal to core/share and core/policy (which asks for the permission). */
#ifndef SEALDROP_CORE_SHARE_SHARE_STORE_H
#define SEALDROP_CORE_SHARE_SHARE_STORE_H

#include "core/share/share.h"

/* Of a share that is in force. ERR_NOT_FOUND. */
MUST_USE enum err share_store_permission(struct ctx *c, struct db_conn *conn, const struct id *file, const struct id *user,
                                         int64_t now_ms, struct slice *ret);
MUST_USE enum err share_store_list(struct ctx *c, struct db_conn *conn, const struct id *file, const struct page *page,
                                   int64_t now_ms, struct share **ret, size_t *ret_n);
MUST_USE enum err share_store_get(struct ctx *c, struct db_conn *conn, const struct id *file, const struct id *user,
                                  struct share *ret);
MUST_USE enum err share_store_count(struct ctx *c, struct db_conn *conn, const struct id *file, uint64_t *ret);
/* Inserts or replaces. ERR_NOT_FOUND when the file is gone, or the user is gone, suspended or the file's owner. */
MUST_USE enum err share_store_put(struct ctx *c, struct db_conn *conn, const struct id *file, const struct id *granted_by,
                                  const struct share_target *t, int64_t now_ms);
/* ERR_NOT_FOUND. */
MUST_USE enum err share_store_delete(struct ctx *c, struct db_conn *conn, const struct id *file, const struct id *user);
MUST_USE enum err share_store_expire(struct ctx *c, struct db_conn *conn, int64_t now_ms);

#endif
