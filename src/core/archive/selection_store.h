/* SQL of selections. Internal to core/archive. */
#ifndef SEALDROP_CORE_ARCHIVE_SELECTION_STORE_H
#define SEALDROP_CORE_ARCHIVE_SELECTION_STORE_H

#include "core/archive/selection.h"

struct selection_row {
    struct selection s;
    struct id tree_owner; /* only of this user's files are the folders in the archive */
    struct id base;       /* the folder that paths begin in; zero: the root */
    struct id *files, *folders;
    size_t file_count, folder_count;
};
/* The user's least recently used ones beyond LIMIT_SELECTIONS go. */
MUST_USE enum err selection_store_insert(struct ctx *c, struct db_conn *conn, const struct id *user, const struct selection_row *s,
                                         int64_t until_ms);
/* Selection s.id, kept until `until_ms` now. ERR_NOT_FOUND unless it is the user's and its time is not over. */
MUST_USE enum err selection_store_use(struct ctx *c, struct db_conn *conn, const struct id *user, int64_t now_ms, int64_t until_ms,
                                      struct selection_row *s);
MUST_USE enum err selection_store_expire(struct ctx *c, struct db_conn *conn, int64_t now_ms);

#endif
