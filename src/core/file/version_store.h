/* SQL of versions. Internal to core/file and core/upload. */
#ifndef SEALDROP_CORE_FILE_VERSION_STORE_H
#define SEALDROP_CORE_FILE_VERSION_STORE_H

#include "core/content/content_store.h"
#include "core/file/version.h"

/* The file as it was in that version. */
void version_as_file(const struct file *f, const struct file_version *v, struct file *ret);

struct version_row {
    struct id file_id;
    int64_t version;
    struct id content_id;
    uint64_t size;
    struct slice type, state;
    int64_t modified_at, created_at;
    struct id created_by;
};
MUST_USE enum err version_store_insert(struct ctx *c, struct db_conn *conn, const struct version_row *v);
/* Until the transaction ends its content stays the one it is (sealing anew changes it). ERR_NOT_FOUND. */
MUST_USE enum err version_store_lock(struct ctx *c, struct db_conn *conn, const struct id *file, int64_t version);
struct version_copy {
    struct id file_id;
    int64_t from, to;
    int64_t created_at;
    struct id created_by;
};
/* Version `from` once more as version `to`. ERR_NOT_FOUND. */
MUST_USE enum err version_store_copy(struct ctx *c, struct db_conn *conn, const struct version_copy *v);
/* From now on the file shows this version, and those before it are replaced. */
MUST_USE enum err version_store_show(struct ctx *c, struct db_conn *conn, const struct id *file, int64_t version, int64_t now_ms);
/* Those with numbers below `before`, newest first. */
MUST_USE enum err version_store_list(struct ctx *c, struct db_conn *conn, const struct id *file, int64_t before, size_t limit,
                                     struct file_version **ret, size_t *ret_n);
MUST_USE enum err version_store_get(struct ctx *c, struct db_conn *conn, const struct id *file, int64_t version,
                                    struct file_version *ret);
MUST_USE enum err version_store_by_content(struct ctx *c, struct db_conn *conn, const struct id *file, const struct id *content,
                                           struct file_version *ret);
/* What inspection found of a content. */
MUST_USE enum err version_store_inspected(struct ctx *c, struct db_conn *conn, const struct file *f);
/* The three that follow remove rows. Columns: content id, size, version. */
MUST_USE enum err version_store_delete(struct ctx *c, struct db_conn *conn, const struct id *file, int64_t version,
                                       struct db_result *ret);
/* All but the newest `keep`. */
MUST_USE enum err version_store_trim(struct ctx *c, struct db_conn *conn, const struct id *file, uint64_t keep,
                                     struct db_result *ret);
MUST_USE enum err version_store_delete_all(struct ctx *c, struct db_conn *conn, const struct id *file, struct db_result *ret);
/* Columns: file id, version. */
MUST_USE enum err version_store_overdue(struct ctx *c, struct db_conn *conn, int64_t before_ms, size_t limit,
                                        struct db_result *ret);

#endif
