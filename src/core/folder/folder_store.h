/* SQL of folders. Internal to core/folder. */
#ifndef SEALDROP_CORE_FOLDER_FOLDER_STORE_H
#define SEALDROP_CORE_FOLDER_FOLDER_STORE_H

#include "core/folder/folder.h"

/* Each step of a path's key begins with this byte: no folded name holds it, which may hold '/' (of U+FF0F). */
#define FOLDER_KEY_STEP '\x1f'

struct folder_row {
    struct folder folder;
    struct slice path_key;
    int64_t depth; /* 1: in the root */
};
MUST_USE enum err folder_store_lock(struct ctx *c, struct db_conn *conn, const struct id *owner);
MUST_USE enum err folder_store_insert(struct ctx *c, struct db_conn *conn, const struct folder_row *f);
MUST_USE enum err folder_store_count(struct ctx *c, struct db_conn *conn, const struct id *owner, uint64_t *ret);
MUST_USE enum err folder_store_get(struct ctx *c, struct db_conn *conn, const struct id *id, struct folder_row *ret);
MUST_USE enum err folder_store_find(struct ctx *c, struct db_conn *conn, const struct id *owner, struct slice path_key,
                                    struct folder_row *ret);
MUST_USE enum err folder_store_list(struct ctx *c, struct db_conn *conn, const struct id *owner, const struct id *parent,
                                    const struct page_key *page, struct folder **ret, size_t *ret_n);
/* The folder itself and all below: columns path, depth. */
MUST_USE enum err folder_store_subtree(struct ctx *c, struct db_conn *conn, const struct folder_row *f, struct db_result *ret);
/* f's own row gets what `to` has (parent, name, path, depth), and the paths below follow. */
MUST_USE enum err folder_store_move(struct ctx *c, struct db_conn *conn, const struct folder_row *from, const struct folder_row *to,
                                    int64_t now_ms);
/* Whether something lies in it or below: folders (not counting itself); files out of the trash, and uploads. */
MUST_USE enum err folder_store_holds(struct ctx *c, struct db_conn *conn, const struct folder_row *f, bool *ret_folders,
                                     bool *ret_files);
/* Some files in it and below, at most n, by id: columns id, folder_id. Those in the trash, or (`all`) any. */
MUST_USE enum err folder_store_some_files(struct ctx *c, struct db_conn *conn, const struct folder_row *f, bool all, size_t n,
                                          struct db_result *ret);
/* Sets the lists of *ret, at most `limit` of each. */
MUST_USE enum err folder_store_tree(struct ctx *c, struct db_conn *conn, const struct folder_row *f, size_t limit,
                                    struct folder_tree *ret);
/* As folder_get_many_tx. */
MUST_USE enum err folder_store_get_many(struct ctx *c, struct db_conn *conn, const struct id *ids, size_t n, struct folder *ret);
/* It and all below, when no file is left in them. Uploads that name one of them find the root (folder_place_tx). */
MUST_USE enum err folder_store_delete(struct ctx *c, struct db_conn *conn, const struct folder_row *f);

#endif
