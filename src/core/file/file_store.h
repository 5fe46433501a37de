/* SQL of files. Internal to core/file and core/upload (which inserts). */
#ifndef SEALDROP_CORE_FILE_FILE_STORE_H
#define SEALDROP_CORE_FILE_FILE_STORE_H

#include "core/content/content_store.h"
#include "core/file/file.h"

struct file_insert {
    struct file file;
    struct slice name_key;
};
/* Its content must be there; its first version follows (version_store_insert). */
MUST_USE enum err file_store_insert(struct ctx *c, struct db_conn *conn, const struct file_insert *f);
MUST_USE enum err file_store_get(struct ctx *c, struct db_conn *conn, const struct id *id, struct file *ret);
/* By one statement, each at the place of its id; what is not there has a zero id. */
MUST_USE enum err file_store_get_many(struct ctx *c, struct db_conn *conn, const struct id *ids, size_t n, struct file *ret);
struct file_lock {
    struct id owner_id;
    int64_t version;
};
/* Until the transaction ends nobody else changes it or its versions. ERR_NOT_FOUND. */
MUST_USE enum err file_store_lock(struct ctx *c, struct db_conn *conn, const struct id *id, struct file_lock *ret);
/* The same for many, whoever names them in which order, and file_store_get_many. */
MUST_USE enum err file_store_hold_many(struct ctx *c, struct db_conn *conn, const struct id *ids, size_t n, struct file *ret);
struct file_update { /* ptr NULL: as it is */
    struct slice name, name_key, description, category, tags;
    const struct id *folder; /* NULL: as it is; zero: the root */
};
/* Of a file that is held; so are the next and file_store_delete. */
MUST_USE enum err file_store_change(struct ctx *c, struct db_conn *conn, const struct id *id, const struct file_update *u,
                                    int64_t now_ms);
struct file_trashing {
    int64_t at_ms;    /* 0: not in the trash */
    struct id folder; /* it lies in; zero: the root, or … */
    struct slice from; /* … a folder of this path, which is gone; else empty */
};
MUST_USE enum err file_store_set_trashed(struct ctx *c, struct db_conn *conn, const struct id *id, const struct file_trashing *t);
/* Column: id; what has been in the trash since before_ms or longer. */
MUST_USE enum err file_store_overdue(struct ctx *c, struct db_conn *conn, int64_t before_ms, size_t limit, struct db_result *ret);
/* What inspection found of its content: detected_type, state, state_why. Tells whether it still had that content, and a state that
 * inspection may change. */
MUST_USE enum err file_store_inspected(struct ctx *c, struct db_conn *conn, const struct file *f, bool *ret_done);
/* After its versions. */
MUST_USE enum err file_store_delete(struct ctx *c, struct db_conn *conn, const struct id *id);

/* A row of files, called f, with its content, for file_store_row: "SELECT " FILE_COLUMNS " FROM " FILE_TABLES " WHERE f. …" */
#define FILE_COLUMNS                                                                                                   \
    "f.id, f.owner_id, f.name, f.size, f.type, f.state, f.mode, f.version, f.description, f.modified_at, f.created_at, " \
    "f.updated_at, f.detected_type, f.state_why, f.trashed_at, "                                                      \
    "(SELECT r.done_bytes FROM reseals r WHERE r.content_id = f.content_id), "                                         \
    "f.folder_id, COALESCE(d.path, NULLIF(f.trashed_from, ''), '/'), f.category, f.tags, " CONTENT_COLUMNS
#define FILE_JOINS "JOIN contents c ON c.id = f.content_id LEFT JOIN folders d ON d.id = f.folder_id"
#define FILE_TABLES "files f " FILE_JOINS
void file_store_row(const struct db_result *r, size_t i, struct file *ret);

#endif
