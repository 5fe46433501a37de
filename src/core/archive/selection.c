/* Rules of selections: what was picked, whether the caller may have each of it, and where it lies in the archive. Many files are read and
 * decided about in several transactions, so that nobody waits for the largest selection. */
#include "core/archive/selection.h"

#include <stdlib.h>

#include "base/intmath.h"
#include "base/limits.h"
#include "codec/utf8.h"
#include "core/archive/selection_store.h"
#include "core/audit/audit.h"
#include "core/file/file_store.h"
#include "core/folder/folder.h"
#include "os/clock.h"

#define BATCH 500u
#define TOLD_BYTES 100 /* of a name in an error */

/* One use of a selection. */
struct use {
    const struct principal *who;
    const struct selection_new *n; /* NULL: it was made earlier */
    struct selection_row row;
    struct file *files;      /* at the places of row.files */
    struct folder *folders;  /* at those of row.folders */
    size_t from;             /* of the batch */
    struct slice common;     /* path of the lowest folder with all that was picked, "" for the root; ptr NULL: nothing yet */
    struct id lowest;        /* a folder that is it or lies in it */
};

static enum err check_list(struct ctx *c, const char *field, const struct id *ids, size_t n, const char *too_many, const char *twice)
{
    if (n > LIMIT_BULK_FILES) ctx_field_error(c, field, too_many);
    for (size_t i = 1; i < n && c->field_error_count == 0; i++)
        for (size_t k = 0; k < i && c->field_error_count == 0; k++)
            if (id_eq(ids[i], ids[k])) ctx_field_error(c, field, twice);
    return c->field_error_count ? ERR_INVALID : ERR_OK;
}

static enum err check(struct ctx *c, const struct selection_new *n)
{
    if (n->file_count + n->folder_count == 0) {
        ctx_field_error(c, "ids", "or folder_ids must name at least one");
        return ERR_INVALID;
    }
    TRY(check_list(c, "ids", n->files, n->file_count, "names more than 1,000 files", "names a file twice"));
    return check_list(c, "folder_ids", n->folders, n->folder_count, "names more than 1,000 folders", "names a folder twice");
}

/* The same refusal, which also says of what. */
static enum err about(struct ctx *c, enum err e, const struct id *id, struct slice name)
{
    char sentence[sizeof c->err_detail], text[ID_TEXT_LEN + 1];
    if (c->err != e || !c->err_public.ptr) return e;
    size_t n = MIN(c->err_public.len, sizeof sentence - 1);
    memcpy(sentence, c->err_public.ptr, n);
    id_text(*id, text);
    struct slice what = e == ERR_NOT_FOUND ? slice_cstr(text) : name;
    what.len = utf8_cut(what, TOLD_BYTES);
    return refuse(c, e, c->err_code, "\"" SLICE_FMT "\": %.*s", SLICE_ARG(what), (int)n, sentence);
}

/* ---- what was picked ---- */

/* "/a/b" of "/a/b/c", "" of "/a". */
static struct slice above(struct slice path)
{
    while (path.len && path.ptr[path.len - 1] != '/') path.len--;
    return slice_sub(path, 0, path.len ? path.len - 1 : 0);
}

static bool lies_in(struct slice path, struct slice folder)
{
    return slice_starts(path, folder) && (path.len == folder.len || path.ptr[folder.len] == '/');
}

static void narrow(struct use *u, struct slice folder, const struct id *id)
{
    if (slice_eq(folder, SLICE("/"))) folder = SLICE("");
    if (!u->common.ptr) {
        u->common = folder;
        u->lowest = *id;
    }
    while (!lies_in(folder, u->common)) u->common = above(u->common);
}

static int by_id(const void *a, const void *b) { return memcmp(a, b, sizeof(struct id)); }

/* Files that were picked themselves stand first already. */
static enum err add_trees(struct ctx *c, struct use *u, const struct folder_tree *trees, size_t n)
{
    size_t files = u->n->file_count, folders = 0;
    for (size_t i = 0; i < n; i++) {
        files += trees[i].file_count;
        folders += trees[i].empty_count;
    }
    u->row.files = ARENA_ARRAY(&c->arena, struct id, files + 1);
    u->row.folders = ARENA_ARRAY(&c->arena, struct id, folders + 1);
    struct id *picked = ARENA_ARRAY(&c->arena, struct id, u->n->file_count + 1);
    if (!u->row.files || !u->row.folders || !picked) return ERR_NOMEM;
    if (u->n->file_count) memcpy(picked, u->n->files, u->n->file_count * sizeof *picked);
    memcpy(u->row.files, picked, u->n->file_count * sizeof *picked);
    qsort(picked, u->n->file_count, sizeof *picked, by_id);
    u->row.file_count = u->n->file_count;
    u->row.folder_count = 0;
    for (size_t i = 0; i < n; i++) {
        for (size_t k = 0; k < trees[i].file_count; k++)
            if (!bsearch(&trees[i].files[k], picked, u->n->file_count, sizeof *picked, by_id))
                u->row.files[u->row.file_count++] = trees[i].files[k];
        for (size_t k = 0; k < trees[i].empty_count; k++) u->row.folders[u->row.folder_count++] = trees[i].empty[k];
    }
    return ERR_OK;
}

static enum err too_large(struct ctx *c)
{
    return refuse(c, ERR_TOO_LARGE, "archive_too_large", "These are more than 10,000 files and empty folders; pick fewer at a time.");
}

/* Of a folder in another one that was picked as well nothing is left to say. */
static bool is_inner(const struct folder *folders, size_t n, size_t i)
{
    for (size_t k = 0; k < n; k++)
        if (k != i && !id_is_zero(folders[i].id) && !id_is_zero(folders[k].id) && id_eq(folders[i].owner_id, folders[k].owner_id) &&
            lies_in(folders[i].path, folders[k].path))
            return true;
    return false;
}

static enum err expand_tx(struct ctx *c, struct db_conn *conn, void *arg)
{
    struct use *u = arg;
    size_t n = u->n->folder_count, count = 0, entries = u->n->file_count;
    struct folder_tree *trees = ARENA_ARRAY(&c->arena, struct folder_tree, n + 1);
    struct folder *folders = ARENA_ARRAY(&c->arena, struct folder, n + 1);
    if (!trees || !folders) return ERR_NOMEM;
    u->common = (struct slice){0};
    u->row.tree_owner = u->who->user_id;
    TRY(folder_get_many_tx(c, conn, u->n->folders, n, folders));
    for (size_t i = 0; i < n; i++) {
        if (is_inner(folders, n, i)) continue;
        struct folder_tree *t = &trees[count++];
        enum err e = folder_tree_tx(c, conn, u->who, &u->n->folders[i], ACTION_DOWNLOAD, LIMIT_ARCHIVE_ENTRIES + 1, t);
        if (e != ERR_OK) return about(c, e, &u->n->folders[i], folders[i].name);
        if (!id_eq(t->folder.owner_id, trees[0].folder.owner_id)) {
            ctx_field_error(c, "folder_ids", "names folders of several people");
            return ERR_INVALID;
        }
        entries += t->file_count + t->empty_count;
        if (entries > LIMIT_ARCHIVE_ENTRIES + u->n->file_count) return too_large(c);
        u->row.tree_owner = t->folder.owner_id;
        u->row.s.name = t->folder.name;
        narrow(u, above(t->folder.path), &t->folder.parent_id);
    }
    if (u->n->file_count || n != 1) u->row.s.name = SLICE("files");
    TRY(add_trees(c, u, trees, count));
    return u->row.file_count + u->row.folder_count > LIMIT_ARCHIVE_ENTRIES ? too_large(c) : ERR_OK;
}

/* ---- each file ---- */

/* In the history of each file it was fetched once, however often the archive is continued. */
static enum err record(struct ctx *c, struct db_conn *conn, const struct use *u, const struct id *file)
{
    char text[ID_TEXT_LEN + 1];
    id_text(u->row.s.id, text);
    return audit_write(c, conn, &(struct audit_event){.event = "download.archive", .who = u->who, .object_type = "file",
                                                      .object_id = file, .detail = slice_cstr(text)});
}

static enum err batch_tx(struct ctx *c, struct db_conn *conn, void *arg)
{
    struct use *u = arg;
    size_t to = MIN(u->from + BATCH, u->row.file_count);
    TRY(file_store_get_many(c, conn, u->row.files + u->from, to - u->from, u->files + u->from));
    for (size_t i = u->from; i < to; i++) {
        const struct file *f = &u->files[i];
        enum err e = id_is_zero(f->id) ? policy_absent(c) : file_check_tx(c, conn, u->who, f, ACTION_DOWNLOAD);
        if (e != ERR_OK) return about(c, e, &u->row.files[i], f->name);
        if (u->n) TRY(record(c, conn, u, &f->id));
    }
    return ERR_OK;
}

static enum err load(struct ctx *c, struct app *app, struct use *u)
{
    u->files = ARENA_ARRAY(&c->arena, struct file, u->row.file_count + 1);
    if (!u->files) return ERR_NOMEM;
    for (u->from = 0; u->from < u->row.file_count; u->from += BATCH) TRY(db_tx(c, app->be.db, DB_WRITE, batch_tx, u));
    return ERR_OK;
}

/* ---- where it lies in the archive ---- */

/* Up from a folder that was picked, or held what was, to the one that holds all. */
static enum err find_base(struct ctx *c, struct db_conn *conn, const struct use *u, struct id *ret)
{
    struct id at = u->common.len ? u->lowest : (struct id){{0}};
    struct folder f = {.path = {0}};
    while (!id_is_zero(at)) {
        TRY(folder_get_many_tx(c, conn, &at, 1, &f));
        if (f.path.len <= u->common.len) break;
        at = f.parent_id;
    }
    *ret = at;
    return ERR_OK;
}

static enum err keep_tx(struct ctx *c, struct db_conn *conn, void *arg)
{
    struct use *u = arg;
    for (size_t i = 0; i < u->n->file_count; i++)
        if (id_eq(u->files[i].owner_id, u->row.tree_owner)) narrow(u, u->files[i].folder, &u->files[i].folder_id);
    TRY(find_base(c, conn, u, &u->row.base));
    return selection_store_insert(c, conn, &u->who->user_id, &u->row, clock_wall_ms() + LIMIT_SELECTION_MS);
}

static enum err again_tx(struct ctx *c, struct db_conn *conn, void *arg)
{
    struct use *u = arg;
    int64_t now = clock_wall_ms();
    enum err e = selection_store_use(c, conn, &u->who->user_id, now, now + LIMIT_SELECTION_MS, &u->row);
    return e == ERR_NOT_FOUND ? policy_absent(c) : e;
}

/* The base where it is now, and the folders that hold nothing. */
static enum err place_tx(struct ctx *c, struct db_conn *conn, void *arg)
{
    struct use *u = arg;
    struct folder base = {.path = {0}};
    u->folders = ARENA_ARRAY(&c->arena, struct folder, u->row.folder_count + 1);
    if (!u->folders) return ERR_NOMEM;
    if (!id_is_zero(u->row.base)) TRY(folder_get_many_tx(c, conn, &u->row.base, 1, &base));
    u->common = base.path.ptr ? base.path : SLICE("");
    TRY(folder_get_many_tx(c, conn, u->row.folders, u->row.folder_count, u->folders));
    for (size_t i = 0; i < u->row.folder_count; i++) {
        const struct folder *f = &u->folders[i];
        struct policy_object o = {.type = "folder", .id = &f->id, .owner = &f->owner_id};
        enum err e = id_is_zero(f->id) ? policy_absent(c) : policy_check_tx(c, conn, u->who, ACTION_DOWNLOAD, &o);
        if (e != ERR_OK) return about(c, e, &u->row.folders[i], f->name);
    }
    return ERR_OK;
}

/* What was moved out of the base since it was picked stands at the top. */
static enum err path_in(struct ctx *c, struct slice base, struct slice folder, struct slice name, const char *end, struct slice *ret)
{
    if (!lies_in(folder, base)) folder = base;
    struct slice dir = slice_sub(folder, MIN(base.len + 1, folder.len), folder.len);
    return arena_printf(&c->arena, ret, SLICE_FMT "%s" SLICE_FMT "%s", SLICE_ARG(dir), dir.len ? "/" : "", SLICE_ARG(name), end);
}

static enum err plan(struct ctx *c, struct app *app, const struct use *u, struct archive **ret)
{
    size_t n = u->row.file_count + u->row.folder_count;
    struct archive_item *items = ARENA_ARRAY(&c->arena, struct archive_item, n + 1);
    if (!items) return ERR_NOMEM;
    for (size_t i = 0; i < u->row.file_count; i++) {
        const struct file *f = &u->files[i];
        items[i].file = f;
        TRY(path_in(c, u->common, id_eq(f->owner_id, u->row.tree_owner) ? f->folder : u->common, f->name, "", &items[i].path));
    }
    for (size_t i = 0; i < u->row.folder_count; i++) {
        const struct folder *f = &u->folders[i];
        struct archive_item *item = &items[u->row.file_count + i];
        *item = (struct archive_item){.modified_at = f->updated_at};
        TRY(path_in(c, u->common, above(f->path), f->name, "/", &item->path));
    }
    return archive_new(app, items, n, ret);
}

static enum err run(struct ctx *c, struct app *app, struct use *u, struct archive **ret)
{
    TRY(db_tx(c, app->be.db, DB_WRITE, u->n ? expand_tx : again_tx, u));
    TRY(load(c, app, u));
    if (u->n) TRY(db_tx(c, app->be.db, DB_WRITE, keep_tx, u));
    TRY(db_tx(c, app->be.db, DB_WRITE, place_tx, u));
    return plan(c, app, u, ret);
}

/* The rows of many files are large: they live only until the archive has what it needs of them. */
static enum err run_apart(struct ctx *c, struct app *app, struct use *u, struct archive **ret, struct selection *ret_selection)
{
    CLEANUP(ctx_done) struct ctx own;
    ctx_init(&own, LIMIT_REQUEST_ARENA_BYTES);
    enum err e = run(&own, app, u, ret);
    if (e != ERR_OK) return ctx_pass_error(c, &own, e);
    ret_selection->id = u->row.s.id;
    e = arena_slice(&c->arena, u->row.s.name, &ret_selection->name);
    if (e != ERR_OK) archive_free(TAKE(*ret));
    return e;
}

enum err selection_open(struct ctx *c, struct app *app, const struct principal *who, const struct selection_new *n,
                        struct archive **ret, struct selection *ret_selection)
{
    struct use u = {.who = who, .n = n};
    TRY(check(c, n));
    TRY(os_new_id(&u.row.s.id));
    return run_apart(c, app, &u, ret, ret_selection);
}

enum err selection_reopen(struct ctx *c, struct app *app, const struct principal *who, const struct id *id, struct archive **ret,
                          struct selection *ret_selection)
{
    struct use u = {.who = who, .row.s.id = *id};
    return run_apart(c, app, &u, ret, ret_selection);
}

static enum err expire_tx(struct ctx *c, struct db_conn *conn, void *arg)
{
    (void)arg;
    return selection_store_expire(c, conn, clock_wall_ms());
}

enum err selection_expire(struct ctx *c, struct app *app) { return db_tx(c, app->be.db, DB_WRITE, expire_tx, NULL); }
