/* SQL of uploads and their parts. Internal to core/upload. */
#ifndef SEALDROP_CORE_UPLOAD_UPLOAD_STORE_H
#define SEALDROP_CORE_UPLOAD_UPLOAD_STORE_H

#include "core/key/key.h"
#include "core/content/part_sealer.h"
#include "core/upload/upload.h"

MUST_USE enum err upload_store_insert(struct ctx *c, struct db_conn *conn, const struct upload *u, const struct id *kek_id);
MUST_USE enum err upload_store_get(struct ctx *c, struct db_conn *conn, const struct id *id, struct upload *ret);
/* The same, locked until the transaction ends. */
MUST_USE enum err upload_store_lock(struct ctx *c, struct db_conn *conn, const struct id *id, struct upload *ret);
MUST_USE enum err upload_store_list(struct ctx *c, struct db_conn *conn, const struct id *owner, const struct page *page,
                                    struct upload **ret, size_t *ret_n);
MUST_USE enum err upload_store_set_state(struct ctx *c, struct db_conn *conn, const struct id *id, const char *state);
/* After completion: the key lives on in the file row only. */
MUST_USE enum err upload_store_finish(struct ctx *c, struct db_conn *conn, const struct id *id, uint64_t size);
/* After the end of a partial one: its key lives on with the content that it holds, its size stays reserved. */
MUST_USE enum err upload_store_hold(struct ctx *c, struct db_conn *conn, const struct id *id, uint64_t size);
/* What it holds. */
MUST_USE enum err upload_store_content(struct ctx *c, struct db_conn *conn, const struct id *id, struct content *ret);
MUST_USE enum err upload_store_touch(struct ctx *c, struct db_conn *conn, const struct id *id, uint64_t more_reserved,
                                     int64_t expires_ms);
MUST_USE enum err upload_store_delete(struct ctx *c, struct db_conn *conn, const struct id *id);
/* Ids of overdue uploads. Columns: id. */
MUST_USE enum err upload_store_overdue(struct ctx *c, struct db_conn *conn, int64_t now_ms, size_t limit,
                                       struct db_result *ret);

/* ERR_EXISTS when the part is there. */
MUST_USE enum err part_store_insert(struct ctx *c, struct db_conn *conn, const struct id *upload,
                                    const struct part_record *p);
/* ERR_NOT_FOUND when it is not there. */
MUST_USE enum err part_store_get(struct ctx *c, struct db_conn *conn, const struct id *upload, uint64_t number,
                                 struct part_record *ret);
/* All, in order. */
MUST_USE enum err part_store_list(struct ctx *c, struct db_conn *conn, const struct id *upload, struct part_record **ret,
                                  size_t *ret_n);
/* Column: number; in order. */
MUST_USE enum err part_store_numbers(struct ctx *c, struct db_conn *conn, const struct id *upload, struct db_result *ret);
MUST_USE enum err part_store_clear(struct ctx *c, struct db_conn *conn, const struct id *upload);

#endif
