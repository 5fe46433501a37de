/* Finding files and folders of the library. */
#include "cmd/cli/library.h"

#include "base/limits.h"
#include "codec/uri.h"

enum err library_open(struct app *a, struct library *ret)
{
    ret->app = a;
    TRY(session_open(a, &ret->session));
    return server_client(a->c, &ret->session.server, false, &ret->client);
}

void library_done(struct library *l)
{
    client_close(l->client);
    session_close(&l->session);
}

enum err library_call(struct library *l, struct call *call)
{
    call->credential = &l->session.credential;
    call->patient = true;
    return api_call(l->app->c, l->client, &l->session.server, call);
}

/* PATH?limit=200&QUERY&cursor=… */
static enum err page_path(struct library *l, const char *path, const char *query, struct slice cursor, const char **ret)
{
    CLEANUP(buf_done) struct buf text = BUF_INIT(16 * KIB);
    TRY(buf_printf(&text, "%s?limit=%u%s%s", path, LIMIT_PAGE_ITEMS, query[0] ? "&" : "", query));
    if (cursor.len) TRY(buf_put_cstr(&text, "&cursor="));
    if (cursor.len) TRY(uri_encode(&text, cursor));
    return arena_cstr(&l->app->c->arena, buf_view(&text), ret);
}

enum err library_each(struct library *l, const char *query, library_file_fn *fn, void *arg)
{
    struct slice cursor = {0};
    do {
        struct wire_item_page page = {0};
        struct call call = {.method = "GET", .out_table = &wire_item_page_table, .out = &page};
        TRY(page_path(l, "/files", query, cursor, &call.path));
        TRY(library_call(l, &call));
        const struct wire_item *items = page.items.items;
        for (size_t i = 0; i < page.items.count; i++) TRY(fn(arg, &items[i]));
        cursor = page.next_cursor;
    } while (cursor.len && !atomic_load(l->app->halt));
    return ERR_OK;
}

/* "NAME=" and the value, percent-encoded. */
static enum err put_value(struct buf *out, const char *name, struct slice value)
{
    TRY(buf_printf(out, "%s%s=", out->len ? "&" : "", name));
    return uri_encode(out, value);
}

enum err library_each_folder(struct library *l, struct slice path, library_folder_fn *fn, void *arg)
{
    CLEANUP(buf_done) struct buf text = BUF_INIT(8 * KIB);
    struct slice cursor = {0};
    const char *query = NULL;
    TRY(put_value(&text, "parent", path));
    TRY(arena_cstr(&l->app->c->arena, buf_view(&text), &query));
    do {
        struct wire_folder_page page = {0};
        struct call call = {.method = "GET", .out_table = &wire_folder_page_table, .out = &page};
        TRY(page_path(l, "/folders", query, cursor, &call.path));
        TRY(library_call(l, &call));
        const struct wire_folder *items = page.items.items;
        for (size_t i = 0; i < page.items.count; i++) TRY(fn(arg, &items[i]));
        cursor = page.next_cursor;
    } while (cursor.len && !atomic_load(l->app->halt));
    return ERR_OK;
}

enum err library_versions(struct library *l, const struct id *file, struct wire_version_page *ret)
{
    struct wire_version *all = ARENA_ARRAY(&l->app->c->arena, struct wire_version, LIMIT_FILE_VERSIONS);
    struct slice path, cursor = {0};
    char id[ID_TEXT_LEN + 1];
    size_t n = 0;
    if (!all) return ERR_NOMEM;
    id_text(*file, id);
    TRY(arena_printf(&l->app->c->arena, &path, "/files/%s/versions", id));
    do {
        struct wire_version_page page = {0};
        struct call call = {.method = "GET", .out_table = &wire_version_page_table, .out = &page};
        TRY(page_path(l, path.ptr, "", cursor, &call.path));
        TRY(library_call(l, &call));
        const struct wire_version *items = page.items.items;
        for (size_t i = 0; i < page.items.count && n < LIMIT_FILE_VERSIONS; i++) all[n++] = items[i];
        cursor = page.next_cursor;
    } while (cursor.len && n < LIMIT_FILE_VERSIONS && !atomic_load(l->app->halt));
    *ret = (struct wire_version_page){.items = {all, n, true}};
    return ERR_OK;
}

void library_split(struct slice path, struct slice *ret_folder, struct slice *ret_name)
{
    size_t cut = path.len;
    while (cut && path.ptr[cut - 1] != '/') cut--;
    *ret_name = slice_sub(path, cut, path.len);
    *ret_folder = cut > 1 ? slice_sub(path, 0, cut - 1) : SLICE("/");
}

struct finding {
    struct ctx *c;
    struct slice name;
    struct wire_item *found;
    size_t count;
};

static enum err match(void *arg, const struct wire_item *item)
{
    struct finding *f = arg;
    if (!slice_eq(item->name, f->name)) return ERR_OK;
    *f->found = *item;
    f->count++;
    return ERR_OK;
}

static enum err find_by_path(struct library *l, const char *what, struct wire_item *ret)
{
    CLEANUP(buf_done) struct buf text = BUF_INIT(16 * KIB);
    struct ctx *c = l->app->c;
    struct finding f = {.c = c, .found = ret};
    struct slice folder;
    const char *query = NULL;
    library_split(slice_cstr(what), &folder, &f.name);
    if (f.name.len == 0) return refuse(c, ERR_INVALID, "usage", "'%s' is a folder", what);
    TRY(put_value(&text, "folder", folder));
    TRY(put_value(&text, "q", f.name));
    TRY(arena_cstr(&c->arena, buf_view(&text), &query));
    enum err e = library_each(l, query, match, &f);
    if (e == ERR_NOT_FOUND || e == ERR_INVALID) ctx_clear_error(c);
    else TRY(e);
    if (f.count == 0)
        return refuse(c, ERR_NOT_FOUND, "not_found", "there is no file '%s'; `sealdrop ls` and `sealdrop search` tell what there is", what);
    if (f.count > 1)
        return refuse(c, ERR_CONFLICT, "ambiguous", "%zu files are called '%s'; name one by its id (`sealdrop ls`)", f.count, what);
    return ERR_OK;
}

enum err library_find(struct library *l, const char *what, struct wire_item *ret)
{
    struct wire_item_out out = {0};
    struct slice path = {0};
    struct id id;
    if (id_parse(slice_cstr(what), &id) != ERR_OK) return find_by_path(l, what, ret);
    TRY(arena_printf(&l->app->c->arena, &path, "/files/%s", what));
    struct call call = {.method = "GET", .path = path.ptr, .out_table = &wire_item_out_table, .out = &out};
    TRY(library_call(l, &call));
    *ret = *out.file;
    return ERR_OK;
}

struct finding_folder {
    struct slice path;
    struct wire_folder *found;
    bool done;
};

static enum err match_folder(void *arg, const struct wire_folder *folder)
{
    struct finding_folder *f = arg;
    if (!slice_eq(folder->path, f->path)) return ERR_OK;
    *f->found = *folder;
    f->done = true;
    return ERR_OK;
}

enum err library_find_folder(struct library *l, struct slice path, struct wire_folder *ret)
{
    struct finding_folder f = {path, ret, false};
    struct slice parent, name;
    if (path.len == 0 || path.ptr[0] != '/') return ERR_NOT_FOUND;
    while (f.path.len > 1 && f.path.ptr[f.path.len - 1] == '/') f.path.len--;
    if (f.path.len == 1) {
        *ret = (struct wire_folder){.path = f.path};
        return ERR_OK;
    }
    library_split(f.path, &parent, &name);
    enum err e = library_each_folder(l, parent, match_folder, &f);
    if (e == ERR_NOT_FOUND || e == ERR_INVALID) {
        ctx_clear_error(l->app->c);
        return ERR_NOT_FOUND;
    }
    TRY(e);
    return f.done ? ERR_OK : ERR_NOT_FOUND;
}
