/* Walking the file system: a list of work instead of recursion, bounded in depth and number. */
#include "cmd/cli/walk.h"

#include <errno.h>
#include <limits.h>

#include "base/intmath.h"
#include "base/limits.h"
#include "cmd/cli/names.h"
#include "codec/name.h"
#include "os/file.h"

/* Folders waiting to be read, as a chain in the arena. */
struct folder {
    struct folder *next;
    const char *path;
    struct slice name;
    unsigned depth;
};

struct walker {
    struct ctx *c;
    struct walk *out;
    struct folder *folders;
};

static enum err refuse_name(struct ctx *c, const char *path)
{
    return refuse(c, ERR_INVALID, "bad_name",
                  "'%s' cannot be sent: its name is too long, not UTF-8, has characters that mislead (control, '\\', a space at an "
                  "end, a dot at its end), or is a device of Windows (CON, aux.c)",
                  path);
}

static enum err add_file(struct walker *w, const char *path, struct slice name, const struct stat *st)
{
    if (w->out->count == LIMIT_TRANSFER_FILES)
        return refuse(w->c, ERR_TOO_LARGE, "too_many_files", "more than %u files; pack them into an archive first",
                      (unsigned)LIMIT_TRANSFER_FILES);
    if (path_check(name) != ERR_OK) return refuse_name(w->c, path);
    w->out->files[w->out->count++] = (struct walk_file){.path = path,
                                                        .name = name,
                                                        .size = (uint64_t)st->st_size,
                                                        .mtime_ns = st->st_mtim.tv_sec * 1000000000ll + st->st_mtim.tv_nsec};
    return ERR_OK;
}

static enum err add_folder(struct walker *w, const char *path, struct slice name, unsigned depth)
{
    struct folder *f = ARENA_NEW(&w->c->arena, struct folder);
    if (!f) return fail(w->c, ERR_NOMEM, "folder");
    if (depth > NAME_PATH_DEPTH) return refuse(w->c, ERR_INVALID, "too_deep", "'%s' lies too deep", path);
    *f = (struct folder){w->folders, path, name, depth};
    w->folders = f;
    return ERR_OK;
}

static enum err add_entry(struct walker *w, const struct folder *f, const char *entry)
{
    struct slice path = {0}, name = {0};
    struct stat st;
    TRY(arena_printf(&w->c->arena, &path, "%s/%s", f->path, entry));
    TRY(arena_printf(&w->c->arena, &name, SLICE_FMT "/%s", SLICE_ARG(f->name), entry));
    if (sys()->lstat(path.ptr, &st) != 0)
        return fail(w->c, sys_err(errno), "cannot look at '%s': %s", path.ptr, err_text(sys_err(errno)));
    if (S_ISDIR(st.st_mode)) return add_folder(w, path.ptr, name, f->depth + 1);
    if (S_ISREG(st.st_mode)) return add_file(w, path.ptr, name, &st);
    w->out->skipped++;
    return ERR_OK;
}

static void close_dir(DIR **d)
{
    if (*d) sys()->closedir(*d);
}

static enum err read_folder(struct walker *w, const struct folder *f)
{
    CLEANUP(close_dir) DIR *d = sys()->opendir(f->path);
    bool empty = true;
    if (!d) return fail(w->c, sys_err(errno), "cannot read the folder '%s': %s", f->path, err_text(sys_err(errno)));
    for (;;) {
        errno = 0;
        const struct dirent *entry = sys()->readdir(d);
        if (!entry && errno) return fail(w->c, sys_err(errno), "cannot read the folder '%s'", f->path);
        if (!entry) break;
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0) continue;
        empty = false;
        TRY(add_entry(w, f, entry->d_name));
    }
    if (empty) w->out->empty_dirs++;
    return ERR_OK;
}

static enum err add_root(struct walker *w, const char *given, const char **ret_real)
{
    char real[PATH_MAX];
    struct slice path = {0}, named = slice_cstr(given);
    struct stat st;
    if (!realpath(given, real) || sys()->stat(real, &st) != 0)
        return refuse(w->c, sys_err(errno), "no_such_file", "cannot find '%s'", given);
    TRY(arena_slice(&w->c->arena, slice_cstr(real), &path));
    *ret_real = path.ptr;
    /* The name the person used, also when it is a symbolic link; "." and "x/.." have none but the real one. */
    while (named.len > 1 && named.ptr[named.len - 1] == '/') named.len--;
    struct slice name = name_last(named);
    if (name_check(name) != ERR_OK) name = name_last(path);
    if (name.len == 0) return refuse(w->c, ERR_INVALID, "bad_name", "'%s' has no name to send it under", given);
    TRY(arena_slice(&w->c->arena, name, &name));
    if (S_ISDIR(st.st_mode)) return add_folder(w, path.ptr, name, 1);
    if (S_ISREG(st.st_mode)) return add_file(w, path.ptr, name, &st);
    return refuse(w->c, ERR_INVALID, "not_a_file", "'%s' is neither a file nor a folder", given);
}

static int by_path(const void *a, const void *b)
{
    const struct walk_file *x = a, *y = b;
    return strcmp(x->path, y->path);
}

static int by_name(const void *a, const void *b)
{
    const struct walk_file *x = a, *y = b;
    int r = memcmp(x->name.ptr, y->name.ptr, MIN(x->name.len, y->name.len));
    if (r == 0) r = (x->name.len > y->name.len) - (x->name.len < y->name.len);
    return r ? r : strcmp(x->path, y->path);
}

static void merge_same_path(struct walk *out)
{
    size_t n = 0;
    qsort(out->files, out->count, sizeof *out->files, by_path);
    for (size_t i = 0; i < out->count; i++)
        if (n == 0 || strcmp(out->files[n - 1].path, out->files[i].path) != 0) out->files[n++] = out->files[i];
    out->count = n;
}

static bool taken(const struct walk *w, size_t except, struct slice name)
{
    for (size_t i = 0; i < w->count; i++)
        if (i != except && slice_eq(w->files[i].name, name)) return true;
    return false;
}

/* Sorted by name, equal names stand together: only the later ones pay for the search of a free name. */
static enum err make_unique(struct ctx *c, struct walk *w)
{
    qsort(w->files, w->count, sizeof *w->files, by_name);
    for (size_t i = 1; i < w->count; i++) {
        struct slice plain = w->files[i].name, name = plain;
        if (!slice_eq(plain, w->files[i - 1].name)) continue;
        for (size_t j = i; j < w->count && slice_eq(w->files[j].name, plain); j++) {
            for (unsigned k = 2; taken(w, j, name); k++) TRY(name_numbered(&c->arena, plain, k, &name));
            w->files[j].name = name;
        }
        if (path_check(name) != ERR_OK) return refuse_name(c, w->files[i].path);
    }
    qsort(w->files, w->count, sizeof *w->files, by_name);
    return ERR_OK;
}

enum err walk_paths(struct ctx *c, const char *const *paths, size_t n, struct walk *ret)
{
    struct walk out = {.files = ARENA_ARRAY(&c->arena, struct walk_file, LIMIT_TRANSFER_FILES)};
    struct walker w = {.c = c, .out = &out};
    const char **roots = ARENA_ARRAY(&c->arena, const char *, n);
    if (!out.files || !roots) return fail(c, ERR_NOMEM, "list of files");
    for (size_t i = 0; i < n; i++) TRY(add_root(&w, paths[i], &roots[i]));
    out.roots = roots;
    out.root_count = n;
    while (w.folders) {
        struct folder *f = w.folders;
        w.folders = f->next;
        TRY(read_folder(&w, f));
    }
    if (out.count == 0) return refuse(c, ERR_INVALID, "nothing_to_send", "there is no file to send");
    merge_same_path(&out);
    TRY(make_unique(c, &out));
    for (size_t i = 0; i < out.count; i++) TRY(u64_add(out.bytes, out.files[i].size, &out.bytes));
    *ret = out;
    return ERR_OK;
}

enum err walk_stat(const char *path, uint64_t *ret_size, int64_t *ret_mtime_ns)
{
    struct stat st;
    if (sys()->stat(path, &st) != 0) return sys_err(errno);
    if (!S_ISREG(st.st_mode)) return ERR_INVALID;
    *ret_size = (uint64_t)st.st_size;
    *ret_mtime_ns = st.st_mtim.tv_sec * 1000000000ll + st.st_mtim.tv_nsec;
    return ERR_OK;
}
