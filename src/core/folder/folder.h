/* folder: where the files of one owner lie. A tree of names; the root is no row and has the zero id. The path of a folder is unique
 * among its owner's, compared folded (codec/utf8.h): two nodes that make the same path at once make one folder. Files of one name may
 * lie beside each other.
 *
 * Everything that changes the tree, and everything that puts a file into it, first takes the owner's lock (folder_lock_tx), so that a
 * folder that is empty stays so until it is gone, and a subtree moves as one. */
#ifndef SEALDROP_CORE_FOLDER_FOLDER_H
#define SEALDROP_CORE_FOLDER_FOLDER_H

#include "core/app/app.h"
#include "core/page.h"
#include "core/policy/policy.h"

struct folder {
    struct id id;        /* zero: the root */
    struct id owner_id;
    struct id parent_id; /* zero: it lies in the root */
    struct slice name;   /* as it was given, in normal form C */
    struct slice name_key; /* what lists are sorted by */
    struct slice path;   /* "/a/b"; "/" for the root */
    uint64_t folders, files, bytes; /* directly in it; set by lists and by what gives one folder back */
    int64_t created_at, updated_at;
};

/* What people write for a folder: an id, or a path that begins with "/". Errors name `field`. With `create`, the folders of a path
 * that are not there are made. ERR_NOT_FOUND "folder_not_found" for what is absent or somebody else's. */
struct folder_wanted {
    const char *field;
    struct slice text;  /* ptr NULL: the root */
    struct slice below; /* names joined by '/', of folders below that; empty: none */
    bool create;
};
MUST_USE enum err folder_resolve(struct ctx *c, struct app *app, const struct principal *who, const struct id *owner,
                                 const struct folder_wanted *w, struct folder *ret);

/* Folders directly in `parent` (as folder_wanted.text), by name, with counts; one more than page->limit when there is
 * a next page. */
MUST_USE enum err folder_list(struct ctx *c, struct app *app, const struct principal *who, struct slice parent,
                              const struct page_key *page, struct folder **ret, size_t *ret_n);
/* `name` in `parent`, or all of `path` that is not there (exactly one of name and path). ERR_EXISTS "folder_exists" for a name. */
struct folder_new {
    struct slice name, parent, path;
};
MUST_USE enum err folder_create(struct ctx *c, struct app *app, const struct principal *who, const struct folder_new *n,
                                struct folder *ret);
/* ptr NULL: as it is. Moves with all that is below. */
struct folder_patch {
    struct slice name, parent;
};
MUST_USE enum err folder_change(struct ctx *c, struct app *app, const struct principal *who, const struct id *id,
                                const struct folder_patch *p, struct folder *ret);
/* ERR_CONFLICT "folder_not_empty" unless it is empty (of uploads on their way, too), or `recursive`: then its files go first, some at a
 * time, into the trash or (`purge`) for ever; what a failure leaves can be deleted again. Files in the trash, those that were there
 * before too, keep the path of their folder, and come back to it (core/file). */
MUST_USE enum err folder_delete(struct ctx *c, struct app *app, const struct principal *who, const struct id *id, bool recursive,
                                bool purge);

/* ---- inside the transaction of another part ---- */

/* The owner's tree stays as it is until the transaction ends. */
MUST_USE enum err folder_lock_tx(struct ctx *c, struct db_conn *conn, const struct id *owner);
struct folder_place {
    struct id id;
    struct slice path;
};
/* Takes the lock for putting a file into the folder place->id. When that is gone meanwhile, it becomes the root. Sets the path. */
MUST_USE enum err folder_place_tx(struct ctx *c, struct db_conn *conn, const struct id *owner, struct folder_place *place);
/* The same for a path, whose folders are made where they are not there. */
MUST_USE enum err folder_make_tx(struct ctx *c, struct db_conn *conn, const struct principal *who, const struct id *owner,
                                 struct slice path, struct folder_place *ret);
/* What lies in a folder and below it: ids of files out of the trash by path and name, and of folders that hold nothing. At most `limit`
 * of each. Whoever may do `action` with the folder; a right on each file is asked for apart. */
struct folder_tree {
    struct folder folder;
    struct id *files, *empty;
    size_t file_count, empty_count;
};
MUST_USE enum err folder_tree_tx(struct ctx *c, struct db_conn *conn, const struct principal *who, const struct id *id,
                                 enum action action, size_t limit, struct folder_tree *ret);
/* By one statement, each at the place of its id, without counts and sort key; what is not there has a zero id. */
MUST_USE enum err folder_get_many_tx(struct ctx *c, struct db_conn *conn, const struct id *ids, size_t n, struct folder *ret);

#endif
