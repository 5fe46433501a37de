/* ls, search: what is in the library; mv, tag: putting it in order. */
#include "base/limits.h"
#include "base/time.h"
#include "cmd/cli/library.h"
#include "codec/text.h"
#include "codec/uri.h"

static const struct arg_option opt_shared = {"shared", 0, ARG_FLAG, offsetof(struct options, shared), NULL,
                                             "files that others share with you"};
static const struct arg_option opt_trash = {"trash", 0, ARG_FLAG, offsetof(struct options, trash), NULL, "what lies in the trash"};
static const struct arg_option opt_add = {"add", 'a', ARG_TEXT, offsetof(struct options, add), "TAGS", "tags to add: \"draft, 2026\""};
static const struct arg_option opt_remove = {"remove", 'r', ARG_TEXT, offsetof(struct options, remove), "TAGS", "tags to take off"};
static const struct arg_option *const ls_options[] = {&opt_shared, &opt_trash, &opt_json};
static const struct arg_option *const search_options[] = {&opt_shared, &opt_json};
static const struct arg_option *const tag_options[] = {&opt_add, &opt_remove, &opt_json};

/* Lines are printed as the pages come. */
struct printing {
    struct app *a;
    bool any;     /* something was printed */
    bool folders; /* show where a file lies */
};

static enum err put_tags(struct buf *out, const struct wire_item *item)
{
    const struct slice *tags = item->tags.items;
    for (size_t i = 0; i < item->tags.count; i++) TRY(buf_printf(out, "  #" SLICE_FMT, SLICE_ARG(tags[i])));
    return ERR_OK;
}

static enum err item_text(struct buf *out, const struct printing *p, const struct wire_item *item)
{
    CLEANUP(buf_done) struct buf size = BUF_INIT(64);
    char id[ID_TEXT_LEN + 1], time[TIME_RFC3339_LEN + 1] = "";
    id_text(item->id, id);
    if (item->created_at.set) time_rfc3339(item->created_at.v, time);
    TRY(size_print(&size, item->size));
    TRY(buf_printf(out, "%s  %.10s  %9.*s  ", id, time, (int)size.len, size.ptr));
    if (p->folders && item->folder.len > 1) TRY(buf_printf(out, SLICE_FMT "/", SLICE_ARG(item->folder)));
    TRY(buf_printf(out, SLICE_FMT, SLICE_ARG(item->name)));
    TRY(put_tags(out, item));
    if (item->owner_name.len) TRY(buf_printf(out, "  (" SLICE_FMT ", %.*s)", SLICE_ARG(item->owner_name), SLICE_ARG(item->permission)));
    if (item->state.len && !slice_eq(item->state, SLICE("ready"))) TRY(buf_printf(out, "  [" SLICE_FMT "]", SLICE_ARG(item->state)));
    return buf_putc(out, '\n');
}

static enum err print_item(void *arg, const struct wire_item *item)
{
    CLEANUP(buf_done) struct buf text = BUF_INIT(1 * MIB);
    struct printing *p = arg;
    if (p->a->opt.json) {
        TRY(buf_put_cstr(&text, p->any ? "," : "["));
        TRY(json_encode(&text, &wire_item_table, item));
    } else {
        TRY(item_text(&text, p, item));
    }
    p->any = true;
    return app_print(p->a, &text);
}

static enum err print_folder(void *arg, const struct wire_folder *folder)
{
    CLEANUP(buf_done) struct buf text = BUF_INIT(64 * KIB);
    struct printing *p = arg;
    TRY(buf_printf(&text, "%-36s  %10s  %9llu  " SLICE_FMT "/\n", "folder", "", (unsigned long long)folder->file_count,
                   SLICE_ARG(folder->name)));
    p->any = true;
    return app_print(p->a, &text);
}

static enum err end(struct printing *p, const char *nothing)
{
    CLEANUP(buf_done) struct buf text = BUF_INIT(16);
    if (!p->a->opt.json) {
        if (!p->any) progress_say(NULL, "%s", nothing);
        return ERR_OK;
    }
    TRY(buf_put_cstr(&text, p->any ? "]\n" : "[]\n"));
    return app_print(p->a, &text);
}

static enum err query_of(struct app *a, const char *name, struct slice value, const char *more, const char **ret)
{
    CLEANUP(buf_done) struct buf text = BUF_INIT(16 * KIB);
    TRY(buf_printf(&text, "%s=", name));
    TRY(uri_encode(&text, value));
    TRY(buf_put_cstr(&text, more));
    return arena_cstr(&a->c->arena, buf_view(&text), ret);
}

static enum err run_ls(struct app *a)
{
    CLEANUP(library_done) struct library l = {0};
    struct printing p = {.a = a, .folders = a->opt.trash};
    struct wire_folder folder = {0};
    const char *query = NULL, *where = a->operand_count ? a->operands[0] : "/";
    bool apart = a->opt.shared || a->opt.trash;
    if (apart && a->operand_count) return refuse(a->c, ERR_INVALID, "usage", "--shared and --trash go without a folder");
    TRY(library_open(a, &l));
    if (apart) {
        TRY(library_each(&l, a->opt.shared ? "shared=with_me&sort=name" : "state=trashed&sort=name", print_item, &p));
        return end(&p, a->opt.shared ? "Nobody shares a file with you." : "The trash is empty.");
    }
    enum err e = library_find_folder(&l, slice_cstr(where), &folder);
    if (e == ERR_NOT_FOUND) return refuse(a->c, e, "not_found", "there is no folder '%s'; folders begin with /", where);
    TRY(e);
    TRY(query_of(a, "folder", folder.path, "&sort=name", &query));
    if (!a->opt.json) TRY(library_each_folder(&l, folder.path, print_folder, &p));
    TRY(library_each(&l, query, print_item, &p));
    return end(&p, "This folder is empty.");
}

static enum err run_search(struct app *a)
{
    CLEANUP(library_done) struct library l = {0};
    CLEANUP(buf_done) struct buf words = BUF_INIT(4 * KIB);
    struct printing p = {.a = a, .folders = true};
    const char *query = NULL;
    for (size_t i = 0; i < a->operand_count; i++) TRY(buf_printf(&words, "%s%s", i ? " " : "", a->operands[i]));
    TRY(library_open(a, &l));
    TRY(query_of(a, "q", buf_view(&words), a->opt.shared ? "&shared=with_me" : "", &query));
    TRY(library_each(&l, query, print_item, &p));
    return end(&p, "Nothing found.");
}

static enum err patch(struct library *l, const struct id *file, const struct wire_item_patch *in, struct wire_item *ret)
{
    struct wire_item_out out = {0};
    struct slice path = {0};
    char id[ID_TEXT_LEN + 1];
    id_text(*file, id);
    TRY(arena_printf(&l->app->c->arena, &path, "/files/%s", id));
    struct call call = {.method = "PATCH", .path = path.ptr, .in_table = &wire_item_patch_table, .in = in,
                        .out_table = &wire_item_out_table, .out = &out};
    TRY(library_call(l, &call));
    *ret = *out.file;
    return ERR_OK;
}

/* Where things go: into a folder ("/a/", or one that is there), or to a new name. */
static enum err destination(struct library *l, const char *to, bool several, struct wire_item_patch *ret)
{
    struct wire_folder folder = {0};
    struct slice text = slice_cstr(to);
    enum err e = library_find_folder(l, text, &folder);
    *ret = (struct wire_item_patch){.folder = folder.path};
    if (e != ERR_NOT_FOUND) return e;
    if (slice_ends(text, SLICE("/")))
        return refuse(l->app->c, ERR_NOT_FOUND, "not_found", "there is no folder '%s'; `sealdrop upload --folder` makes folders", to);
    if (several) return refuse(l->app->c, ERR_INVALID, "usage", "'%s' is no folder, and several files cannot have one name", to);
    library_split(text, &ret->folder, &ret->name);
    if (text.ptr[0] != '/') ret->folder = (struct slice){0}; /* only the name changes */
    return ERR_OK;
}

static enum err run_mv(struct app *a)
{
    CLEANUP(library_done) struct library l = {0};
    CLEANUP(buf_done) struct buf text = BUF_INIT(64 * KIB);
    struct wire_item_patch to;
    struct wire_item item = {0};
    size_t n = a->operand_count - 1;
    TRY(library_open(a, &l));
    TRY(destination(&l, a->operands[n], n > 1, &to));
    for (size_t i = 0; i < n; i++) {
        TRY(library_find(&l, a->operands[i], &item));
        TRY(patch(&l, &item.id, &to, &item));
    }
    if (!a->stdout_tty) return ERR_OK;
    TRY(buf_printf(&text, n == 1 ? "Moved: " SLICE_FMT "%s" SLICE_FMT "\n" : "Moved, to " SLICE_FMT "%s\n", SLICE_ARG(item.folder),
                   item.folder.len > 1 ? "/" : "", SLICE_ARG(item.name)));
    return app_print(a, &text);
}

static bool listed(struct slice list, struct slice tag)
{
    while (list.len)
        if (slice_eq_nocase(slice_trim(slice_cut(&list, ',')), tag)) return true;
    return false;
}

/* The tags it shall have: those it has, less those to be taken off, and the new ones. */
static enum err new_tags(struct app *a, const struct wire_item *item, struct json_list *ret)
{
    const struct slice *had = item->tags.items;
    struct slice add = slice_cstr(a->opt.add ? a->opt.add : ""), remove = slice_cstr(a->opt.remove ? a->opt.remove : ""), rest = add;
    size_t n = 0, max = item->tags.count + 1;
    for (size_t i = 0; i < add.len; i++) max += add.ptr[i] == ',';
    struct slice *tags = ARENA_ARRAY(&a->c->arena, struct slice, max + 1);
    if (!tags) return fail(a->c, ERR_NOMEM, "tags");
    for (size_t i = 0; i < item->tags.count; i++)
        if (!listed(remove, had[i]) && !listed(add, had[i])) tags[n++] = had[i];
    while (rest.len) {
        struct slice tag = slice_trim(slice_cut(&rest, ','));
        if (tag.len) tags[n++] = tag;
    }
    *ret = (struct json_list){tags, n, true};
    return ERR_OK;
}

static enum err run_tag(struct app *a)
{
    CLEANUP(library_done) struct library l = {0};
    struct printing p = {.a = a, .folders = true};
    TRY(library_open(a, &l));
    for (size_t i = 0; i < a->operand_count; i++) {
        struct wire_item item = {0};
        struct wire_item_patch to = {.name = {0}};
        TRY(library_find(&l, a->operands[i], &item));
        TRY(new_tags(a, &item, &to.tags));
        if (a->opt.add || a->opt.remove) TRY(patch(&l, &item.id, &to, &item));
        TRY(print_item(&p, &item));
    }
    return end(&p, "");
}

const struct arg_command cmd_ls = {"ls", "[FOLDER]", 0, 1, "List the files and folders of your library.", NULL, ls_options, 3, run_ls};
const struct arg_command cmd_search = {
    "search", "WORD…", 1, 50, "Find files by name, tag, category or description; every word must be a part of it.", NULL,
    search_options, 2, run_search};
const struct arg_command cmd_mv = {
    "mv", "FILE… FOLDER|NAME", 2, 1000, "Move files to another folder, or give one another name.",
    "`mv may.pdf /reports/`, `mv /reports/may.pdf june.pdf`, `mv ID /archive/2026.pdf`. FILE is an id or a path.\n", NULL, 0, run_mv};
const struct arg_command cmd_tag = {"tag", "FILE…", 1, 1000, "Show the tags of files, add some, take some off.", NULL, tag_options, 3,
                                    run_tag};
