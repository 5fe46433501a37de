/* Rules of folders: names and paths, limits, moving a subtree, what must be empty. */
#include "core/folder/folder.h"

#include "base/limits.h"
#include "codec/name.h"
#include "codec/utf8.h"
#include "core/audit/audit.h"
#include "core/file/file.h"
#include "core/folder/folder_store.h"
#include "os/clock.h"

#define PATH_KEY_BYTES 2000 /* PostgreSQL's index takes 2704 */
#define DELETE_AT_ONCE 100
#define DELETE_ROUNDS_MAX 10000 /* of that many files; somebody may be adding as fast */

static enum err absent(struct ctx *c)
{
    return refuse(c, ERR_NOT_FOUND, "folder_not_found", "There is no such folder, or it is not yours.");
}

static enum err taken(struct ctx *c)
{
    return refuse(c, ERR_EXISTS, "folder_exists", "There is a folder of this name already.");
}

static enum err record(struct ctx *c, struct db_conn *conn, const struct principal *who, const struct id *id, const char *event,
                       struct slice detail)
{
    return audit_write(c, conn, &(struct audit_event){.event = event, .who = who, .object_type = "folder", .object_id = id,
                                                      .detail = detail});
}

static struct folder_row root_of(const struct id *owner)
{
    return (struct folder_row){.folder = {.owner_id = *owner, .path = SLICE("/"), .name = SLICE("")}, .path_key = SLICE("")};
}

/* ---- names and paths ---- */

/* What a folder of this name in `parent` is: everything but its id and times. */
static enum err make_row(struct ctx *c, const char *field, const struct folder_row *parent, struct slice name, struct folder_row *ret)
{
    struct folder_row f = {.folder = {.owner_id = parent->folder.owner_id, .parent_id = parent->folder.id}, .depth = parent->depth + 1};
    if (utf8_nfc(&c->arena, name, &f.folder.name) != ERR_OK || name_check(f.folder.name) != ERR_OK) {
        ctx_field_error(c, field, "is not a safe folder name: no control characters, no '/', no dot or space at its end");
        return ERR_INVALID;
    }
    TRY(utf8_fold(&c->arena, f.folder.name, &f.folder.name_key));
    if (f.folder.name_key.len > LIMIT_SORT_KEY_BYTES || parent->path_key.len + f.folder.name_key.len >= PATH_KEY_BYTES) {
        ctx_field_error(c, field, "is too long when its characters are written out");
        return ERR_INVALID;
    }
    struct slice above = parent->depth ? parent->folder.path : SLICE("");
    TRY(arena_printf(&c->arena, &f.folder.path, SLICE_FMT "/" SLICE_FMT, SLICE_ARG(above), SLICE_ARG(f.folder.name)));
    TRY(arena_printf(&c->arena, &f.path_key, SLICE_FMT "%c" SLICE_FMT, SLICE_ARG(parent->path_key), FOLDER_KEY_STEP,
                     SLICE_ARG(f.folder.name_key)));
    if (f.depth > LIMIT_FOLDER_DEPTH || f.folder.path.len > LIMIT_PATH_BYTES) {
        ctx_field_error(c, field, "lies too deep: at most 32 folders in each other, and 1024 bytes of path");
        return ERR_INVALID;
    }
    *ret = f;
    return ERR_OK;
}

static enum err insert(struct ctx *c, struct db_conn *conn, const struct principal *who, struct folder_row *f)
{
    uint64_t count = 0;
    TRY(folder_store_count(c, conn, &f->folder.owner_id, &count));
    if (count >= LIMIT_FOLDERS) return refuse(c, ERR_QUOTA, "too_many_folders", "An account may have %d folders.", LIMIT_FOLDERS);
    TRY(os_new_id(&f->folder.id));
    f->folder.created_at = f->folder.updated_at = clock_wall_ms();
    TRY(folder_store_insert(c, conn, f));
    return record(c, conn, who, &f->folder.id, "folder.create", SLICE(""));
}

/* Goes down `steps` from *at. */
static enum err descend(struct ctx *c, struct db_conn *conn, const struct principal *who, const struct folder_wanted *w,
                        struct slice steps, struct folder_row *at)
{
    while (steps.len) {
        struct folder_row next;
        TRY(make_row(c, w->field, at, slice_cut(&steps, '/'), &next));
        struct slice key = next.path_key;
        enum err e = folder_store_find(c, conn, &at->folder.owner_id, key, at);
        if (e == ERR_NOT_FOUND && w->create) {
            TRY(insert(c, conn, who, &next));
            *at = next;
            e = ERR_OK;
        }
        TRY(e);
    }
    return ERR_OK;
}

static enum err find(struct ctx *c, struct db_conn *conn, const struct principal *who, const struct id *owner,
                     const struct folder_wanted *w, struct folder_row *ret)
{
    struct folder_row at = root_of(owner);
    struct slice steps = w->text;
    struct id id;
    if (slice_starts(steps, SLICE("/"))) {
        steps = slice_sub(steps, 1, slice_ends(steps, SLICE("/")) && steps.len > 1 ? steps.len - 1 : steps.len);
        TRY(descend(c, conn, who, w, steps, &at));
    } else if (w->text.ptr) {
        if (id_parse(w->text, &id) != ERR_OK) {
            ctx_field_error(c, w->field, "is neither a folder's id nor a path that begins with \"/\"");
            return ERR_INVALID;
        }
        TRY(folder_store_get(c, conn, &id, &at));
        if (!id_eq(at.folder.owner_id, *owner)) return ERR_NOT_FOUND;
    }
    TRY(descend(c, conn, who, w, w->below, &at));
    *ret = at;
    return ERR_OK;
}

/* ---- resolving ---- */

struct folder_arg {
    struct app *app;
    const struct principal *who;
    struct id owner;
    const struct folder_wanted *wanted;
    struct folder_row row;
};

static enum err find_tx(struct ctx *c, struct db_conn *conn, void *arg)
{
    struct folder_arg *a = arg;
    struct folder_wanted looking = *a->wanted;
    looking.create = false;
    return find(c, conn, a->who, &a->owner, &looking, &a->row);
}

static enum err make_tx(struct ctx *c, struct db_conn *conn, void *arg)
{
    struct folder_arg *a = arg;
    TRY(folder_lock_tx(c, conn, &a->owner));
    return find(c, conn, a->who, &a->owner, a->wanted, &a->row);
}

enum err folder_resolve(struct ctx *c, struct app *app, const struct principal *who, const struct id *owner,
                        const struct folder_wanted *w, struct folder *ret)
{
    struct folder_arg a = {.app = app, .who = who, .owner = *owner, .wanted = w};
    /* Most uploads name a folder that is there. */
    enum err e = db_tx(c, app->be.db, DB_READ, find_tx, &a);
    if (e == ERR_NOT_FOUND && w->create) e = db_tx(c, app->be.db, DB_WRITE, make_tx, &a);
    if (e == ERR_NOT_FOUND) return absent(c);
    TRY(e);
    *ret = a.row.folder;
    return ERR_OK;
}

/* ---- lists ---- */

struct list_arg {
    struct id owner, parent;
    const struct page_key *page;
    struct folder *folders;
    size_t n;
};

static enum err list_tx(struct ctx *c, struct db_conn *conn, void *arg)
{
    struct list_arg *a = arg;
    return folder_store_list(c, conn, &a->owner, &a->parent, a->page, &a->folders, &a->n);
}

enum err folder_list(struct ctx *c, struct app *app, const struct principal *who, struct slice parent,
                     const struct page_key *page, struct folder **ret, size_t *ret_n)
{
    struct list_arg a = {.owner = who->user_id, .page = page};
    struct folder above;
    TRY(policy_check(c, app, who, ACTION_READ, NULL));
    TRY(folder_resolve(c, app, who, &who->user_id, &(struct folder_wanted){.field = "parent", .text = parent}, &above));
    a.parent = above.id;
    TRY(db_tx(c, app->be.db, DB_READ, list_tx, &a));
    *ret = a.folders;
    *ret_n = a.n;
    return ERR_OK;
}

/* ---- making ---- */

struct create_arg {
    const struct principal *who;
    const struct folder_new *n;
    struct folder_row row;
};

static enum err create_tx(struct ctx *c, struct db_conn *conn, void *arg)
{
    struct create_arg *a = arg;
    const struct id *owner = &a->who->user_id;
    struct folder_row parent, there;
    struct folder_wanted path = {.field = "path", .text = a->n->path, .create = true};
    TRY(folder_lock_tx(c, conn, owner));
    if (a->n->path.ptr) return find(c, conn, a->who, owner, &path, &a->row);
    TRY(find(c, conn, a->who, owner, &(struct folder_wanted){.field = "parent", .text = a->n->parent}, &parent));
    TRY(make_row(c, "name", &parent, a->n->name, &a->row));
    enum err e = folder_store_find(c, conn, owner, a->row.path_key, &there);
    if (e == ERR_OK) return taken(c);
    if (e != ERR_NOT_FOUND) return e;
    return insert(c, conn, a->who, &a->row);
}

enum err folder_create(struct ctx *c, struct app *app, const struct principal *who, const struct folder_new *n, struct folder *ret)
{
    struct create_arg a = {.who = who, .n = n};
    TRY(policy_check(c, app, who, ACTION_CREATE, NULL));
    if ((n->name.ptr != NULL) == (n->path.ptr != NULL) || (n->path.ptr && n->parent.ptr)) {
        ctx_field_error(c, "name", "or path is needed, and only one of them; parent goes with name");
        return ERR_INVALID;
    }
    if (n->path.ptr && (n->path.len < 2 || n->path.ptr[0] != '/')) {
        ctx_field_error(c, "path", "must begin with \"/\" and name a folder");
        return ERR_INVALID;
    }
    enum err e = db_tx(c, app->be.db, DB_WRITE, create_tx, &a);
    if (e == ERR_NOT_FOUND) return absent(c);
    TRY(e);
    *ret = a.row.folder;
    return ERR_OK;
}

/* ---- changing ---- */

struct change_arg {
    const struct principal *who;
    struct id id;
    const struct folder_patch *patch;
    struct folder_row row;
};

static enum err get_tx(struct ctx *c, struct db_conn *conn, void *arg)
{
    struct change_arg *a = arg;
    return folder_store_get(c, conn, &a->id, &a->row);
}

/* The folder, for somebody who may do this with it. */
static enum err get_for(struct ctx *c, struct app *app, enum action action, struct change_arg *a)
{
    enum err e = db_tx(c, app->be.db, DB_READ, get_tx, a);
    if (e == ERR_NOT_FOUND) return policy_absent(c);
    TRY(e);
    return policy_check(c, app, a->who, action,
                        &(struct policy_object){.type = "folder", .id = &a->id, .owner = &a->row.folder.owner_id});
}

static bool lies_in(const struct folder_row *f, const struct folder_row *above)
{
    size_t n = above->path_key.len;
    return slice_starts(f->path_key, above->path_key) && (f->path_key.len == n || f->path_key.ptr[n] == FOLDER_KEY_STEP);
}

/* All that is below must still fit where it goes. */
static enum err check_room(struct ctx *c, struct db_conn *conn, const struct folder_row *from, const struct folder_row *to)
{
    struct db_result below;
    TRY(folder_store_subtree(c, conn, from, &below));
    for (size_t i = 0; i < below.rows; i++) {
        size_t len = db_get_slice(&below, i, 0).len - from->folder.path.len + to->folder.path.len;
        if (len <= LIMIT_PATH_BYTES && db_get_i64(&below, i, 1) - from->depth + to->depth <= LIMIT_FOLDER_DEPTH) continue;
        return refuse(c, ERR_CONFLICT, "folder_too_deep", "What is in this folder would lie too deep there.");
    }
    return ERR_OK;
}

static enum err change_tx(struct ctx *c, struct db_conn *conn, void *arg)
{
    struct change_arg *a = arg;
    struct folder_row from, parent, to, there;
    TRY(folder_lock_tx(c, conn, &a->row.folder.owner_id));
    TRY(folder_store_get(c, conn, &a->id, &from));
    if (a->patch->parent.ptr) {
        TRY(find(c, conn, a->who, &from.folder.owner_id, &(struct folder_wanted){.field = "parent", .text = a->patch->parent}, &parent));
    } else if (id_is_zero(from.folder.parent_id)) {
        parent = root_of(&from.folder.owner_id);
    } else {
        TRY(folder_store_get(c, conn, &from.folder.parent_id, &parent));
    }
    if (parent.depth && lies_in(&parent, &from))
        return refuse(c, ERR_CONFLICT, "folder_cycle", "A folder cannot be moved into itself.");
    TRY(make_row(c, "name", &parent, a->patch->name.ptr ? a->patch->name : from.folder.name, &to));
    enum err e = folder_store_find(c, conn, &from.folder.owner_id, to.path_key, &there);
    if (e == ERR_OK && !id_eq(there.folder.id, a->id)) return taken(c);
    if (e != ERR_OK && e != ERR_NOT_FOUND) return e;
    TRY(check_room(c, conn, &from, &to));
    TRY(folder_store_move(c, conn, &from, &to, clock_wall_ms()));
    TRY(record(c, conn, a->who, &a->id, "folder.change", a->patch->parent.ptr ? SLICE("parent") : SLICE("name")));
    return folder_store_get(c, conn, &a->id, &a->row);
}

enum err folder_change(struct ctx *c, struct app *app, const struct principal *who, const struct id *id,
                       const struct folder_patch *p, struct folder *ret)
{
    struct change_arg a = {.who = who, .id = *id, .patch = p};
    TRY(get_for(c, app, ACTION_CHANGE, &a));
    enum err e = db_tx(c, app->be.db, DB_WRITE, change_tx, &a);
    if (e == ERR_NOT_FOUND) return absent(c);
    TRY(e);
    *ret = a.row.folder;
    return ERR_OK;
}

/* ---- deleting ---- */

struct delete_arg {
    struct change_arg folder;
    bool recursive;
    enum file_leaving how;
    size_t found; /* files, by the last transaction */
};

static enum err empty_tx(struct ctx *c, struct db_conn *conn, void *arg)
{
    struct delete_arg *a = arg;
    struct folder_row now;
    struct db_result files;
    TRY(folder_store_get(c, conn, &a->folder.id, &now));
    TRY(folder_store_some_files(c, conn, &now, a->recursive, DELETE_AT_ONCE, &files));
    for (size_t i = 0; i < files.rows; i++) {
        struct id file = db_get_id(&files, i, 0), in = db_get_id(&files, i, 1);
        enum err e = file_leave_tx(c, conn, a->folder.who, &file, &in, a->how);
        if (e != ERR_NOT_FOUND) TRY(e);
    }
    a->found = files.rows;
    return ERR_OK;
}

static enum err delete_tx(struct ctx *c, struct db_conn *conn, void *arg)
{
    struct delete_arg *a = arg;
    struct folder_row now;
    struct db_result left;
    bool folders = false, files = false;
    TRY(folder_lock_tx(c, conn, &a->folder.row.folder.owner_id));
    TRY(folder_store_get(c, conn, &a->folder.id, &now));
    TRY(folder_store_holds(c, conn, &now, &folders, &files));
    if (!a->recursive && (folders || files))
        return refuse(c, ERR_CONFLICT, "folder_not_empty",
                      "This folder is not empty; ?recursive=true puts what is in it into the trash.");
    TRY(folder_store_some_files(c, conn, &now, true, 1, &left));
    a->found = left.rows;
    if (left.rows) return ERR_OK;
    TRY(folder_store_delete(c, conn, &now));
    struct slice detail = a->how == FILE_LEAVES_FOR_EVER ? SLICE("purge") : a->recursive ? SLICE("recursive") : SLICE("");
    return record(c, conn, a->folder.who, &a->folder.id, "folder.delete", detail);
}

/* Looks first when nothing but what lies in the trash may leave. */
static enum err delete_in_rounds(struct ctx *c, struct app *app, struct delete_arg *a)
{
    for (unsigned round = 0; round < DELETE_ROUNDS_MAX; round++) {
        a->found = 0;
        if (a->recursive || round) TRY(db_tx(c, app->be.db, DB_WRITE, empty_tx, a));
        if (a->found) continue;
        TRY(db_tx(c, app->be.db, DB_WRITE, delete_tx, a));
        if (!a->found) return ERR_OK;
    }
    return refuse(c, ERR_CONFLICT, "folder_not_empty", "Files keep coming into this folder.");
}

enum err folder_delete(struct ctx *c, struct app *app, const struct principal *who, const struct id *id, bool recursive, bool purge)
{
    struct delete_arg a = {.folder = {.who = who, .id = *id}, .recursive = recursive, .how = FILE_LEAVES_TRASHED};
    if (recursive) a.how = purge ? FILE_LEAVES_FOR_EVER : FILE_LEAVES_TO_TRASH;
    if (purge && !recursive) {
        ctx_field_error(c, "purge", "goes with recursive=true");
        return ERR_INVALID;
    }
    TRY(get_for(c, app, ACTION_DELETE, &a.folder));
    enum err e = delete_in_rounds(c, app, &a);
    return e == ERR_NOT_FOUND ? policy_absent(c) : e;
}

/* ---- for other parts ---- */

enum err folder_lock_tx(struct ctx *c, struct db_conn *conn, const struct id *owner)
{
    return folder_store_lock(c, conn, owner);
}

enum err folder_place_tx(struct ctx *c, struct db_conn *conn, const struct id *owner, struct folder_place *place)
{
    struct folder_row row = root_of(owner);
    if (!id_is_zero(place->id)) {
        TRY(folder_lock_tx(c, conn, owner));
        enum err e = folder_store_get(c, conn, &place->id, &row);
        if (e != ERR_OK && e != ERR_NOT_FOUND) return e;
        if (e == ERR_NOT_FOUND || !id_eq(row.folder.owner_id, *owner)) row = root_of(owner);
    }
    *place = (struct folder_place){row.folder.id, row.folder.path};
    return ERR_OK;
}

enum err folder_make_tx(struct ctx *c, struct db_conn *conn, const struct principal *who, const struct id *owner, struct slice path,
                        struct folder_place *ret)
{
    struct folder_row row;
    TRY(folder_lock_tx(c, conn, owner));
    TRY(find(c, conn, who, owner, &(struct folder_wanted){.field = "folder", .text = path, .create = true}, &row));
    *ret = (struct folder_place){row.folder.id, row.folder.path};
    return ERR_OK;
}

enum err folder_tree_tx(struct ctx *c, struct db_conn *conn, const struct principal *who, const struct id *id, enum action action,
                        size_t limit, struct folder_tree *ret)
{
    struct folder_row row;
    enum err e = folder_store_get(c, conn, id, &row);
    if (e == ERR_NOT_FOUND) return policy_absent(c);
    TRY(e);
    TRY(policy_check_tx(c, conn, who, action, &(struct policy_object){.type = "folder", .id = id, .owner = &row.folder.owner_id}));
    ret->folder = row.folder;
    return folder_store_tree(c, conn, &row, limit, ret);
}

enum err folder_get_many_tx(struct ctx *c, struct db_conn *conn, const struct id *ids, size_t n, struct folder *ret)
{
    return folder_store_get_many(c, conn, ids, n, ret);
}
