/* SQL of files. Internal to core/file and core/upload (which inserts). */
#ifndef SEALDROP_CORE_FILE_FILE_STORE_H
#define SEALDROP_CORE_FILE_FILE_STORE_H

#include "core/file/file.h"

struct file_insert {
    struct file file;
    struct slice name_key;
    struct slice headers;
    struct id kek_id;
};
MUST_USE enum err file_store_insert(struct ctx *c, struct db_conn *conn, const struct file_insert *f);
MUST_USE enum err file_store_get(struct ctx *c, struct db_conn *conn, const struct id *id, struct file *ret);
/* 56 bytes a part. */
MUST_USE enum err file_store_headers(struct ctx *c, struct db_conn *conn, const struct id *id, struct slice *ret);
MUST_USE enum err file_store_list(struct ctx *c, struct db_conn *conn, const struct id *owner, const struct file_query *q,
                                  struct slice like, struct file **ret, size_t *ret_n);
MUST_USE enum err file_store_change(struct ctx *c, struct db_conn *conn, const struct id *id, const struct file_patch *p,
                                    struct slice name_key, int64_t now_ms);
MUST_USE enum err file_store_set_sha256(struct ctx *c, struct db_conn *conn, const struct id *id, struct slice sha256);
/* Removes the row and with it the wrapped key; tells whose it was and how big. ERR_NOT_FOUND. */
MUST_USE enum err file_store_delete(struct ctx *c, struct db_conn *conn, const struct id *id, struct id *ret_owner,
                                    uint64_t *ret_size);
/* A row of FILE_COLUMNS starting at column `col`. */
#define FILE_COLUMNS(t)                                                                                                \
    t "id, " t "owner_id, " t "name, " t "size, " t "type, " t "state, " t "mode, " t "version, " t "part_size, " t    \
      "sealed_size, " t "crc32, " t "sha256, " t "headers_hash, " t "wrapped_key, " t "description, " t                \
      "modified_at, " t "created_at, " t "updated_at"
void file_store_row(const struct db_result *r, size_t i, struct file *ret);

#endif
