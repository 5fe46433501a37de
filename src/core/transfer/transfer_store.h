/* SQL of transfers. Internal to core/transfer and core/link (which joins). */
#ifndef SEALDROP_CORE_TRANSFER_TRANSFER_STORE_H
#define SEALDROP_CORE_TRANSFER_TRANSFER_STORE_H

#include "core/transfer/transfer.h"

MUST_USE enum err transfer_store_insert(struct ctx *c, struct db_conn *conn, const struct transfer *t);
/* ERR_NOT_FOUND when the file is not there or not `owner`'s (owner NULL: anybody's). */
MUST_USE enum err transfer_store_add_file(struct ctx *c, struct db_conn *conn, const struct id *transfer,
                                          const struct id *file, const struct id *owner, uint64_t position);
MUST_USE enum err transfer_store_get(struct ctx *c, struct db_conn *conn, const struct id *id, struct transfer *ret);
MUST_USE enum err transfer_store_list(struct ctx *c, struct db_conn *conn, const struct id *owner, const struct page *page,
                                      struct transfer **ret, size_t *ret_n);
MUST_USE enum err transfer_store_files(struct ctx *c, struct db_conn *conn, const struct id *id, struct file **ret,
                                       size_t *ret_n);
/* Rows of FILE_COLUMNS, at most two; `file` NULL: any. */
MUST_USE enum err transfer_store_file(struct ctx *c, struct db_conn *conn, const struct id *transfer, const struct id *file,
                                      struct db_result *ret);
MUST_USE enum err transfer_store_sealed_bytes(struct ctx *c, struct db_conn *conn, const struct id *id, uint64_t *ret);
/* Marks it ended; ERR_NOT_FOUND when it is already. */
MUST_USE enum err transfer_store_end(struct ctx *c, struct db_conn *conn, const struct id *id, const char *why,
                                     int64_t now_ms);
/* Column: id; files that are in this transfer and in no other living one. */
MUST_USE enum err transfer_store_lone_files(struct ctx *c, struct db_conn *conn, const struct id *id,
                                            struct db_result *ret);
MUST_USE enum err transfer_store_overdue(struct ctx *c, struct db_conn *conn, int64_t now_ms, size_t limit,
                                         struct db_result *ret);
MUST_USE enum err transfer_store_purge(struct ctx *c, struct db_conn *conn, int64_t before_ms, uint64_t *ret_n);

#endif
