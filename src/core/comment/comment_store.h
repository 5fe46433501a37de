/* SQL of comments. Internal to core/comment. */
#ifndef SEALDROP_CORE_COMMENT_COMMENT_STORE_H
#define SEALDROP_CORE_COMMENT_COMMENT_STORE_H

#include "core/comment/comment.h"

MUST_USE enum err comment_store_list(struct ctx *c, struct db_conn *conn, const struct id *file, const struct page *page,
                                     struct comment **ret, size_t *ret_n);
/* ERR_NOT_FOUND unless it is of this file. */
MUST_USE enum err comment_store_get(struct ctx *c, struct db_conn *conn, const struct id *file, const struct id *comment,
                                    struct comment *ret);
MUST_USE enum err comment_store_count(struct ctx *c, struct db_conn *conn, const struct id *file, uint64_t *ret);
/* ERR_NOT_FOUND when the file or the author is gone. */
MUST_USE enum err comment_store_insert(struct ctx *c, struct db_conn *conn, const struct id *file, const struct comment *m);
/* Only its author's: ERR_NOT_FOUND. */
MUST_USE enum err comment_store_change(struct ctx *c, struct db_conn *conn, const struct id *comment, const struct id *author,
                                       struct slice text, int64_t now_ms);
MUST_USE enum err comment_store_delete(struct ctx *c, struct db_conn *conn, const struct id *comment);

#endif
