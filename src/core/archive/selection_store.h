/* SQL of selections. Internal to core/archive. */
#ifndef SEALDROP_CORE_ARCHIVE_SELECTION_STORE_H
#define SEALDROP_CORE_ARCHIVE_SELECTION_STORE_H

#include "core/archive/selection.h"

/* The user's least recently used ones beyond LIMIT_SELECTIONS go. */
MUST_USE enum err selection_store_insert(struct ctx *c, struct db_conn *conn, const struct id *id, const struct id *user,
                                         const struct selection *s, int64_t until_ms);
/* The selection, kept until `until_ms` now. ERR_NOT_FOUND unless it is the user's and its time is not over. */
MUST_USE enum err selection_store_use(struct ctx *c, struct db_conn *conn, const struct id *id, const struct id *user, int64_t now_ms,
                                      int64_t until_ms, struct selection *ret);
MUST_USE enum err selection_store_expire(struct ctx *c, struct db_conn *conn, int64_t now_ms);

#endif
