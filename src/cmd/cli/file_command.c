/* rm, restore, versions, share: what concerns one file of the library, or several in the same way. */
#include "base/limits.h"
#include "base/time.h"
#include "cmd/cli/library.h"
#include "codec/text.h"
#include "codec/uri.h"

static const struct arg_option opt_purge = {"purge", 0, ARG_FLAG, offsetof(struct options, purge), NULL,
                                            "erase at once, past the trash; there is no way back"};
static const struct arg_option opt_recursive = {"recursive", 'R', ARG_FLAG, offsetof(struct options, recursive), NULL,
                                                "folders with all that is in them"};
static const struct arg_option opt_restore = {"restore", 0, ARG_COUNT, offsetof(struct options, restore), "N",
                                              "version N becomes the newest once more"};
static const struct arg_option opt_delete = {"delete", 0, ARG_COUNT, offsetof(struct options, drop), "N", "delete version N"};
static const struct arg_option opt_with = {"with", 'w', ARG_TEXT, offsetof(struct options, with), "EMAIL", "the account to share with"};
static const struct arg_option opt_permission = {"permission", 0, ARG_TEXT, offsetof(struct options, permission), "WORD",
                                                 "view, download (default) or edit"};
static const struct arg_option opt_expires = {"expires", 'x', ARG_DURATION, offsetof(struct options, expires), "TIME",
                                              "ends after TIME: 10m, 36h, 3d, 2w"};
static const struct arg_option opt_unshare = {"remove", 'r', ARG_TEXT, offsetof(struct options, remove), "EMAIL",
                                              "share no longer with that account"};
static const struct arg_option *const rm_options[] = {&opt_purge, &opt_recursive};
static const struct arg_option *const versions_options[] = {&opt_restore, &opt_delete, &opt_json};
static const struct arg_option *const share_options[] = {&opt_with, &opt_permission, &opt_expires, &opt_unshare, &opt_json};

/* METHOD /files/ID TAIL */
static enum err call_file(struct library *l, const char *method, const struct id *file, const char *tail, struct call *call)
{
    struct slice path = {0};
    char id[ID_TEXT_LEN + 1];
    id_text(*file, id);
    TRY(arena_printf(&l->app->c->arena, &path, "/files/%s%s", id, tail));
    call->method = method;
    call->path = path.ptr;
    return library_call(l, call);
}

static enum err say(struct app *a, const char *what)
{
    CLEANUP(buf_done) struct buf text = BUF_INIT(512);
    if (!a->stdout_tty) return ERR_OK;
    TRY(buf_printf(&text, "%s\n", what));
    return app_print(a, &text);
}

/* ---- rm ---- */

static enum err remove_folder(struct library *l, const struct wire_folder *folder)
{
    struct slice path = {0};
    char id[ID_TEXT_LEN + 1];
    if (folder->path.len < 2) return refuse(l->app->c, ERR_INVALID, "usage", "the root itself stays");
    if (!l->app->opt.recursive && (folder->file_count || folder->folder_count))
        return refuse(l->app->c, ERR_CONFLICT, "not_empty", "'" SLICE_FMT "' is not empty; --recursive puts what is in it into the trash",
                      SLICE_ARG(folder->path));
    id_text(folder->id, id);
    TRY(arena_printf(&l->app->c->arena, &path, "/folders/%s?recursive=%s%s", id, l->app->opt.recursive ? "true" : "false",
                     l->app->opt.recursive && l->app->opt.purge ? "&purge=true" : ""));
    struct call call = {.method = "DELETE", .path = path.ptr};
    return library_call(l, &call);
}

/* An id may be that of a transfer as well. */
static enum err remove_by_id(struct library *l, const struct id *id)
{
    struct call file = {.method = NULL}, transfer = {.method = "DELETE"};
    struct slice path = {0};
    char text[ID_TEXT_LEN + 1];
    enum err e = call_file(l, "DELETE", id, l->app->opt.purge ? "?purge=true" : "?purge=false", &file);
    if (e != ERR_NOT_FOUND) return e;
    ctx_clear_error(l->app->c);
    id_text(*id, text);
    TRY(arena_printf(&l->app->c->arena, &path, "/transfers/%s", text));
    transfer.path = path.ptr;
    return library_call(l, &transfer);
}

static enum err remove_one(struct library *l, const char *what)
{
    struct wire_folder folder = {0};
    struct wire_item item = {0};
    struct link_record record = {0};
    struct id id;
    if (id_parse(slice_cstr(what), &id) == ERR_OK) return remove_by_id(l, &id);
    if (strncmp(what, "http", 4) == 0) {
        TRY(session_known_link(l->app, &l->session, slice_cstr(what), &record));
        return remove_by_id(l, &record.transfer_id);
    }
    enum err e = library_find_folder(l, slice_cstr(what), &folder);
    if (e == ERR_OK) return remove_folder(l, &folder);
    if (e != ERR_NOT_FOUND) return e;
    TRY(library_find(l, what, &item));
    return remove_by_id(l, &item.id);
}

static enum err run_rm(struct app *a)
{
    CLEANUP(library_done) struct library l = {0};
    TRY(library_open(a, &l));
    for (size_t i = 0; i < a->operand_count; i++) TRY(remove_one(&l, a->operands[i]));
    return say(a, a->opt.purge ? "Erased."
                               : "Removed: files lie in the trash (`sealdrop ls --trash`); transfers and their links have ended.");
}

/* ---- restore ---- */

struct restoring {
    struct library *l;
    struct slice path;
    size_t count;
};

static enum err restore_by_id(struct library *l, const struct id *id)
{
    struct call call = {.method = NULL};
    return call_file(l, "POST", id, "/restore", &call);
}

/* The file of that path, and what lay in the folder of that path. */
static enum err restore_item(void *arg, const struct wire_item *item)
{
    struct restoring *r = arg;
    struct slice folder = item->folder.len > 1 ? item->folder : SLICE(""), path = {0};
    TRY(arena_printf(&r->l->app->c->arena, &path, SLICE_FMT "/" SLICE_FMT, SLICE_ARG(folder), SLICE_ARG(item->name)));
    bool below = slice_starts(path, r->path) && path.ptr[r->path.len] == '/';
    if (!below && !slice_eq(path, r->path)) return ERR_OK;
    r->count++;
    return restore_by_id(r->l, &item->id);
}

static enum err restore_one(struct library *l, const char *what)
{
    struct restoring r = {.l = l, .path = slice_cstr(what)};
    struct id id;
    if (id_parse(r.path, &id) == ERR_OK) return restore_by_id(l, &id);
    while (r.path.len > 1 && slice_ends(r.path, SLICE("/"))) r.path.len--;
    TRY(library_each(l, "state=trashed&sort=name", restore_item, &r));
    if (r.count) return ERR_OK;
    return refuse(l->app->c, ERR_NOT_FOUND, "not_found", "there is no '%s' in the trash; `sealdrop ls --trash` tells what there is", what);
}

static enum err run_restore(struct app *a)
{
    CLEANUP(library_done) struct library l = {0};
    TRY(library_open(a, &l));
    for (size_t i = 0; i < a->operand_count; i++) TRY(restore_one(&l, a->operands[i]));
    return say(a, "Back where it was.");
}

/* ---- versions ---- */

static enum err version_text(struct buf *out, const struct wire_version *v)
{
    char time[TIME_RFC3339_LEN + 1] = "";
    CLEANUP(buf_done) struct buf size = BUF_INIT(64);
    if (v->created_at.set) time_rfc3339(v->created_at.v, time);
    TRY(size_print(&size, v->size));
    return buf_printf(out, "%6llu  %.19s  %9.*s  " SLICE_FMT "\n", (unsigned long long)v->version, time, (int)size.len, size.ptr,
                      SLICE_ARG(v->type));
}

static enum err list_versions(struct library *l, const struct id *file)
{
    CLEANUP(buf_done) struct buf text = BUF_INIT(4 * MIB);
    struct wire_version_page page = {0};
    TRY(library_versions(l, file, &page));
    const struct wire_version *v = page.items.items;
    if (l->app->opt.json) {
        TRY(json_encode(&text, &wire_version_page_table, &page));
        TRY(buf_putc(&text, '\n'));
    }
    for (size_t i = 0; i < page.items.count && !l->app->opt.json; i++) TRY(version_text(&text, &v[i]));
    return app_print(l->app, &text);
}

static enum err run_versions(struct app *a)
{
    CLEANUP(library_done) struct library l = {0};
    struct wire_item item = {0};
    struct slice tail = {0};
    struct call call = {.method = NULL};
    if (a->opt.restore.set && a->opt.drop.set) return refuse(a->c, ERR_INVALID, "usage", "--restore and --delete exclude each other");
    TRY(library_open(a, &l));
    TRY(library_find(&l, a->operands[0], &item));
    if (a->opt.drop.set) {
        TRY(arena_printf(&a->c->arena, &tail, "/versions/%llu", (unsigned long long)a->opt.drop.v));
        TRY(call_file(&l, "DELETE", &item.id, tail.ptr, &call));
    }
    if (a->opt.restore.set) {
        TRY(arena_printf(&a->c->arena, &tail, "/versions/%llu/restore", (unsigned long long)a->opt.restore.v));
        TRY(call_file(&l, "POST", &item.id, tail.ptr, &call));
    }
    return list_versions(&l, &item.id);
}

/* ---- share ---- */

struct sharing {
    struct library *l;
    const struct id *file;
};

static enum err permission_text(struct buf *out, const struct wire_permission *p)
{
    TRY(buf_printf(out, "%-8.*s  " SLICE_FMT, (int)p->permission.len, p->permission.ptr, SLICE_ARG(p->display_name)));
    if (p->email.len) TRY(buf_printf(out, " <" SLICE_FMT ">", SLICE_ARG(p->email)));
    if (p->expires_at.set) {
        TRY(buf_put_cstr(out, "  "));
        TRY(app_time_left(out, p->expires_at.v));
        TRY(buf_put_cstr(out, " left"));
    }
    return buf_putc(out, '\n');
}

static enum err get_permissions(struct library *l, const struct id *file, struct wire_permission_page *ret)
{
    struct call call = {.out_table = &wire_permission_page_table, .out = ret};
    return call_file(l, "GET", file, "/permissions?limit=200", &call);
}

static enum err list_permissions(struct library *l, const struct id *file)
{
    CLEANUP(buf_done) struct buf text = BUF_INIT(4 * MIB);
    struct wire_permission_page page = {0};
    TRY(get_permissions(l, file, &page));
    const struct wire_permission *p = page.items.items;
    if (l->app->opt.json) {
        TRY(json_encode(&text, &wire_permission_page_table, &page));
        TRY(buf_putc(&text, '\n'));
    }
    for (size_t i = 0; i < page.items.count && !l->app->opt.json; i++) TRY(permission_text(&text, &p[i]));
    if (page.items.count == 0 && !l->app->opt.json) progress_say(NULL, "Shared with nobody.");
    return app_print(l->app, &text);
}

static enum err end_share(struct library *l, const struct id *file)
{
    struct wire_permission_page page = {0};
    struct call call = {.method = NULL};
    struct slice tail = {0}, email = slice_cstr(l->app->opt.remove);
    char id[ID_TEXT_LEN + 1];
    TRY(get_permissions(l, file, &page));
    const struct wire_permission *p = page.items.items;
    for (size_t i = 0; i < page.items.count; i++) {
        if (!slice_eq_nocase(p[i].email, email)) continue;
        id_text(p[i].user_id, id);
        TRY(arena_printf(&l->app->c->arena, &tail, "/permissions/%s", id));
        return call_file(l, "DELETE", file, tail.ptr, &call);
    }
    return refuse(l->app->c, ERR_NOT_FOUND, "not_found", "it is not shared with %s", l->app->opt.remove);
}

static enum err run_share(struct app *a)
{
    CLEANUP(library_done) struct library l = {0};
    struct wire_item item = {0};
    struct wire_permission_put in = {.email = slice_cstr(a->opt.with ? a->opt.with : ""),
                                     .permission = slice_cstr(a->opt.permission ? a->opt.permission : "download"),
                                     .expires_in = {a->opt.expires.set, a->opt.expires.v}};
    if (!a->opt.with && (a->opt.permission || a->opt.expires.set))
        return refuse(a->c, ERR_INVALID, "usage", "say with whom: --with EMAIL");
    TRY(library_open(a, &l));
    for (size_t i = 0; i < a->operand_count; i++) {
        struct call call = {.in_table = &wire_permission_put_table, .in = &in};
        TRY(library_find(&l, a->operands[i], &item));
        if (a->opt.with) TRY(call_file(&l, "PUT", &item.id, "/permissions", &call));
        if (a->opt.remove) TRY(end_share(&l, &item.id));
        TRY(list_permissions(&l, &item.id));
    }
    return ERR_OK;
}

const struct arg_command cmd_rm = {
    "rm", "FILE|FOLDER|ID|LINK…", 1, 1000, "Put files into the trash; end a transfer or the link you made of it.",
    "FILE is an id or a path. A transfer that is removed ends all its links.\n", rm_options, 2, run_rm};
const struct arg_command cmd_restore = {
    "restore", "FILE|FOLDER|ID…", 1, 1000, "Take files out of the trash, back to where they were.",
    "FILE and FOLDER are paths as `sealdrop ls --trash` shows them: /reports/may.pdf, or /reports for all that lay there.\n", NULL, 0,
    run_restore};
const struct arg_command cmd_versions = {"versions", "FILE", 1, 1, "List the versions of a file; restore or delete one.", NULL,
                                         versions_options, 3, run_versions};
const struct arg_command cmd_share = {
    "share", "FILE…", 1, 1000, "Share files with an account of this server; without options tell with whom they are shared.", NULL,
    share_options, 5, run_share};
