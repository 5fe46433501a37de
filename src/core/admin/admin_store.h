/* SQL of the administration of accounts. Internal to core/admin. */
#ifndef SEALDROP_CORE_ADMIN_ADMIN_STORE_H
#define SEALDROP_CORE_ADMIN_ADMIN_STORE_H

#include "core/admin/admin.h"

/* `like` is empty or a pattern of page_like. */
MUST_USE enum err admin_store_list(struct ctx *c, struct db_conn *conn, const struct app *app, const struct page *page,
                                   struct slice like, struct account **ret, size_t *ret_n);
MUST_USE enum err admin_store_get(struct ctx *c, struct db_conn *conn, const struct app *app, const struct id *id,
                                  struct account *ret);
/* Column: id. Locks them, so that two demotions at the same time cannot both leave the other one. */
MUST_USE enum err admin_store_active_admins(struct ctx *c, struct db_conn *conn, struct db_result *ret);
MUST_USE enum err admin_store_change(struct ctx *c, struct db_conn *conn, const struct id *id, const struct account_patch *p,
                                     int64_t now_ms);
MUST_USE enum err admin_store_set_state(struct ctx *c, struct db_conn *conn, const struct id *id, const char *state, int64_t now_ms);
/* Column: id; up to `limit` of the user's. */
MUST_USE enum err admin_store_files(struct ctx *c, struct db_conn *conn, const struct id *id, size_t limit, struct db_result *ret);
MUST_USE enum err admin_store_uploads(struct ctx *c, struct db_conn *conn, const struct id *id, size_t limit, struct db_result *ret);
/* Files and unfinished uploads. */
MUST_USE enum err admin_store_owned(struct ctx *c, struct db_conn *conn, const struct id *id, uint64_t *ret);
/* The row and all that hangs on it, transfers and links too. Files and uploads must be gone. */
MUST_USE enum err admin_store_delete(struct ctx *c, struct db_conn *conn, const struct id *id);

#endif
