/* download: files and whole folders of the library onto this disk, verified, as get does it with links. */
#include "base/limits.h"
#include "cmd/cli/get.h"
#include "cmd/cli/library.h"
#include "codec/text.h"
#include "codec/uri.h"

static const struct arg_option opt_version = {"version", 0, ARG_COUNT, offsetof(struct options, version), "N",
                                              "an older version (one file; `sealdrop versions` lists them)"};
static const struct arg_option *const download_options[] = {&opt_out,     &opt_stdout, &opt_version, &opt_force,
                                                            &opt_rename, &opt_json,   &opt_quiet,   &opt_progress};

/* What is to be fetched, under the names it shall have. */
struct list {
    struct library *l;
    struct wire_file *files; /* arena, grown by doubling */
    size_t count, cap;
    struct slice prefix; /* of names in the folder that is being listed: "photos/2024/"; or empty */
    struct slice *folders; /* paths still to be listed, each with the prefix of its names after it */
    size_t folder_count, folder_cap;
};

static enum err room(struct ctx *c, void **p, size_t size, size_t count, size_t *cap)
{
    if (count < *cap) return ERR_OK;
    size_t more = *cap ? *cap * 2 : 64;
    void *wider = arena_alloc(&c->arena, more, size);
    if (!wider) return fail(c, ERR_NOMEM, "list of files");
    if (count) memcpy(wider, *p, count * size);
    *p = wider;
    *cap = more;
    return ERR_OK;
}

static enum err add_file(void *arg, const struct wire_item *item)
{
    struct list *list = arg;
    struct ctx *c = list->l->app->c;
    void *files = list->files;
    struct wire_file f = {.id = item->id, .size = item->size, .type = item->type};
    if (list->count == LIMIT_TRANSFER_FILES) return refuse(c, ERR_TOO_LARGE, "too_many", "these are more than 10,000 files");
    TRY(arena_printf(&c->arena, &f.name, SLICE_FMT SLICE_FMT, SLICE_ARG(list->prefix), SLICE_ARG(item->name)));
    TRY(room(c, &files, sizeof f, list->count, &list->cap));
    list->files = files;
    list->files[list->count++] = f;
    return ERR_OK;
}

static enum err add_folder(void *arg, const struct wire_folder *folder)
{
    struct list *list = arg;
    struct ctx *c = list->l->app->c;
    void *folders = list->folders;
    struct slice prefix = {0};
    TRY(arena_printf(&c->arena, &prefix, SLICE_FMT SLICE_FMT "/", SLICE_ARG(list->prefix), SLICE_ARG(folder->name)));
    TRY(room(c, &folders, 2 * sizeof prefix, list->folder_count, &list->folder_cap));
    list->folders = folders;
    list->folders[2 * list->folder_count] = folder->path;
    list->folders[2 * list->folder_count + 1] = prefix;
    list->folder_count++;
    return ERR_OK;
}

/* Everything below the folder. */
static enum err add_tree(struct list *list, const struct wire_folder *top)
{
    struct ctx *c = list->l->app->c;
    list->prefix = SLICE("");
    if (top->name.len)
        TRY(add_folder(list, top));
    else
        TRY(add_folder(list, &(struct wire_folder){.path = top->path, .name = SLICE("library")}));
    while (list->folder_count) {
        CLEANUP(buf_done) struct buf query = BUF_INIT(8 * KIB);
        const char *text = NULL;
        struct slice path = list->folders[2 * --list->folder_count];
        list->prefix = list->folders[2 * list->folder_count + 1];
        TRY(buf_put_cstr(&query, "folder="));
        TRY(uri_encode(&query, path));
        TRY(arena_cstr(&c->arena, buf_view(&query), &text));
        TRY(library_each(list->l, text, add_file, list));
        TRY(library_each_folder(list->l, path, add_folder, list));
    }
    list->prefix = SLICE("");
    return ERR_OK;
}

static enum err add_operand(struct list *list, const char *what)
{
    struct wire_folder folder = {0};
    struct wire_item item = {0};
    enum err e = library_find_folder(list->l, slice_cstr(what), &folder);
    if (e == ERR_OK) return add_tree(list, &folder);
    if (e != ERR_NOT_FOUND) return e;
    TRY(library_find(list->l, what, &item));
    if (item.permission.len && slice_eq(item.permission, SLICE("view")))
        return refuse(list->l->app->c, ERR_DENIED, "view_only", "'%s' is shared with you for viewing only", what);
    return add_file(list, &item);
}

static enum err version_size(struct library *l, struct wire_file *file, uint64_t version)
{
    struct wire_version_page page = {0};
    TRY(library_versions(l, &file->id, &page));
    const struct wire_version *v = page.items.items;
    for (size_t i = 0; i < page.items.count; i++) {
        if (v[i].version != version) continue;
        file->size = v[i].size;
        return ERR_OK;
    }
    return refuse(l->app->c, ERR_NOT_FOUND, "not_found", "it has no version %llu", (unsigned long long)version);
}

static enum err sole_version(struct app *a, struct list *list, struct recipient *r)
{
    if (!a->opt.version.set) return ERR_OK;
    if (list->count != 1) return refuse(a->c, ERR_INVALID, "usage", "--version is for one file; this is %zu", list->count);
    TRY(version_size(list->l, &list->files[0], a->opt.version.v));
    r->version = (struct opt_u64){true, a->opt.version.v};
    return ERR_OK;
}

static enum err run_download(struct app *a)
{
    CLEANUP(library_done) struct library l = {0};
    CLEANUP(recipient_close) struct recipient r = {0};
    struct list list = {.l = &l};
    TRY(get_check_options(a));
    TRY(library_open(a, &l));
    for (size_t i = 0; i < a->operand_count; i++) TRY(add_operand(&list, a->operands[i]));
    if (list.count == 0) return refuse(a->c, ERR_NOT_FOUND, "no_files", "there are no files in it");
    TRY(recipient_own(a, &l.session, list.files, list.count, &r));
    TRY(sole_version(a, &list, &r));
    return a->opt.to_stdout ? get_to_stdout(a, &r) : get_to_disk(a, &r);
}

const struct arg_command cmd_download = {
    "download", "FILE|FOLDER…", 1, 1000, "Fetch files and folders of your library, and verify every byte.",
    "FILE is an id or a path, such as /reports/may.pdf. Files are written as NAME.part and get their name when they are verified.\n"
    "Interrupted, the same command goes on where it was.\n",
    download_options, sizeof download_options / sizeof download_options[0], run_download};
