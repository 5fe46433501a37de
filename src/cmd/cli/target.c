/* Paths for fetched files: safe, unique, and not replacing anything unasked. */
#include "cmd/cli/target.h"

#include <errno.h>

#include "base/intmath.h"
#include "cmd/cli/names.h"
#include "codec/name.h"
#include "os/file.h"

#define NUMBER_MAX 10000u

static bool there(const char *path, struct stat *st) { return sys()->lstat(path, st) == 0; }

static enum err set_path(struct ctx *c, const char *dir, struct slice local, struct target *t)
{
    struct slice text = {0};
    TRY(arena_printf(&c->arena, &text, "%s/" SLICE_FMT, dir, SLICE_ARG(local)));
    t->path = text.ptr;
    return ERR_OK;
}

static int by_path(const void *a, const void *b)
{
    const struct target *const *x = a, *const *y = b;
    int r = strcmp((*x)->path, (*y)->path);
    return r ? r : (*x > *y) - (*x < *y);
}

static bool used(const struct target *targets, size_t n, const struct target *except)
{
    for (size_t i = 0; i < n; i++)
        if (&targets[i] != except && targets[i].path && strcmp(targets[i].path, except->path) == 0) return true;
    return false;
}

/* The first free "name (k)". */
static enum err renumber(struct ctx *c, const char *dir, struct slice local, struct target *targets, size_t n, struct target *t)
{
    struct stat st;
    struct slice name = local;
    for (unsigned k = 2; used(targets, n, t) || there(t->path, &st); k++) {
        if (k == NUMBER_MAX) return refuse(c, ERR_EXISTS, "exists", "'%s' and all its numbers exist already", t->path);
        TRY(name_numbered(&c->arena, local, k, &name));
        TRY(set_path(c, dir, name, t));
    }
    return ERR_OK;
}

/* Two files of one name in one transfer: the later ones are numbered. Sorted, so that it costs n log n. */
static enum err separate(struct ctx *c, const char *dir, struct target *targets, size_t n)
{
    struct target **sorted = ARENA_ARRAY(&c->arena, struct target *, n);
    size_t count = 0, skip = strlen(dir) + 1;
    if (!sorted) return fail(c, ERR_NOMEM, "list of files");
    for (size_t i = 0; i < n; i++)
        if (targets[i].path) sorted[count++] = &targets[i];
    qsort(sorted, count, sizeof *sorted, by_path);
    const char *before = "";
    for (size_t i = 0; i < count; i++) {
        const char *plain = sorted[i]->path;
        bool same = strcmp(before, plain) == 0;
        before = plain;
        if (same && !sorted[i]->done) TRY(renumber(c, dir, slice_cstr(plain + skip), targets, n, sorted[i]));
    }
    return ERR_OK;
}

static enum err settle(struct ctx *c, const char *dir, enum target_rule rule, struct target *targets, size_t n, struct target *t)
{
    struct stat st;
    if (!there(t->path, &st)) return ERR_OK;
    if (rule == TARGET_RENAME) return renumber(c, dir, slice_cstr(t->path + strlen(dir) + 1), targets, n, t);
    if (rule == TARGET_REFUSE)
        return refuse(c, ERR_EXISTS, "exists", "'%s' exists already; use --force to replace it or --rename to keep both", t->path);
    if (S_ISDIR(st.st_mode)) return refuse(c, ERR_EXISTS, "exists", "'%s' is a folder; move it away first", t->path);
    return ERR_OK;
}

/* Order of paths, without case: some file systems have none. '/' comes first, so that a folder's files follow its name at once. */
static int rank(char ch) { return ch == '/' ? 1 : ch >= 'A' && ch <= 'Z' ? ch - 'A' + 'a' : (unsigned char)ch; }

static int compare(const char *a, const char *b)
{
    while (*a && rank(*a) == rank(*b)) a++, b++;
    return rank(*a) - rank(*b);
}

static int by_rank(const void *a, const void *b)
{
    const char *const *x = a, *const *y = b;
    return compare(*x, *y);
}

/* Is `path` a file of this transfer, or a folder of one? */
static bool taken(const char *const *finals, size_t n, const char *path)
{
    size_t from = 0, to = n, len = strlen(path);
    while (from < to) {
        size_t mid = from + (to - from) / 2;
        if (compare(finals[mid], path) < 0)
            from = mid + 1;
        else
            to = mid;
    }
    if (from == n) return false;
    for (size_t i = 0; i < len; i++)
        if (rank(finals[from][i]) != rank(path[i])) return false;
    return finals[from][len] == '\0' || finals[from][len] == '/';
}

/* path + ".part", or the first ".part-k" that is nobody's final name. Two different paths never share one, for the ends tell k. */
static enum err set_temporary(struct ctx *c, const char *const *finals, size_t n, struct target *t)
{
    struct slice part = {0}, state = {0};
    TRY(arena_printf(&c->arena, &part, "%s.part", t->path));
    TRY(arena_printf(&c->arena, &state, "%s.state", part.ptr));
    for (unsigned k = 2; taken(finals, n, part.ptr) || taken(finals, n, state.ptr); k++) {
        TRY(arena_printf(&c->arena, &part, "%s.part-%u", t->path, k));
        TRY(arena_printf(&c->arena, &state, "%s.state", part.ptr));
    }
    t->part_path = part.ptr;
    t->state_path = state.ptr;
    return ERR_OK;
}

/* When all final names stand: one file's temporary name may be the name of another. */
static enum err set_temporaries(struct ctx *c, struct target *targets, size_t n)
{
    const char **finals = ARENA_ARRAY(&c->arena, const char *, n);
    if (!finals) return fail(c, ERR_NOMEM, "list of files");
    for (size_t i = 0; i < n; i++) finals[i] = targets[i].path;
    qsort(finals, n, sizeof *finals, by_rank);
    for (size_t i = 0; i < n; i++)
        if (!targets[i].done) TRY(set_temporary(c, finals, n, &targets[i]));
    return ERR_OK;
}

enum err target_plan(struct ctx *c, const char *dir, enum target_rule rule, struct target *targets, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        struct slice local = {0};
        if (targets[i].done) continue;
        if (name_safe_local(&c->arena, targets[i].name, false, &local) != ERR_OK)
            return refuse(c, ERR_INVALID, "bad_name", "the link holds a file whose name cannot be written safely");
        TRY(set_path(c, dir, local, &targets[i]));
    }
    TRY(separate(c, dir, targets, n));
    for (size_t i = 0; i < n; i++)
        if (!targets[i].done) TRY(settle(c, dir, rule, targets, n, &targets[i]));
    return set_temporaries(c, targets, n);
}

static enum err make_dir(struct ctx *c, const char *path, bool follow)
{
    struct stat st;
    if (sys()->mkdir(path, 0777) == 0) return ERR_OK;
    int made = errno;
    if (made != EEXIST) return fail(c, sys_err(made), "cannot make the folder '%s': %s", path, err_text(sys_err(made)));
    int r = follow ? sys()->stat(path, &st) : sys()->lstat(path, &st);
    if (r == 0 && S_ISDIR(st.st_mode)) return ERR_OK;
    if (r == 0 && S_ISLNK(st.st_mode))
        return refuse(c, ERR_DENIED, "symlink", "'%s' is a symbolic link; files are not written through it", path);
    return refuse(c, ERR_EXISTS, "exists", "'%s' is there already and is not a folder", path);
}

/* Every prefix of `path` that ends before a '/' at or after `from`. */
static enum err make_dirs(struct ctx *c, const char *path, size_t from, bool follow)
{
    struct slice s = slice_cstr(path);
    for (size_t i = MAX(from, 1u); i < s.len; i++) {
        const char *prefix = NULL;
        if (s.ptr[i] != '/') continue;
        TRY(arena_cstr(&c->arena, slice_sub(s, 0, i), &prefix));
        TRY(make_dir(c, prefix, follow));
    }
    return ERR_OK;
}

enum err target_make_dirs(struct ctx *c, const char *dir, const struct target *t)
{
    return make_dirs(c, t->path, strlen(dir) + 1, false);
}

enum err target_make_root(struct ctx *c, const char *dir)
{
    TRY(make_dirs(c, dir, 0, true));
    return make_dir(c, dir, true);
}

enum err target_publish(struct ctx *c, enum target_rule rule, const struct target *t, int fd)
{
    struct stat st, ours;
    bool replace = rule == TARGET_REPLACE;
    if (sys()->fstat(fd, &ours) != 0 || !there(t->part_path, &st) || ours.st_dev != st.st_dev || ours.st_ino != st.st_ino)
        return refuse(c, ERR_EXISTS, "exists", "'%s' is not the file any more that was written; try again", t->part_path);
    /* link() refuses to replace, which rename() does not; some file systems have no links. */
    if (!replace && sys()->link(t->part_path, t->path) == 0) {
        sys()->unlink(t->part_path);
    } else {
        if (!replace && (errno == EEXIST || there(t->path, &st)))
            return refuse(c, ERR_EXISTS, "exists", "'%s' appeared meanwhile; the new file is complete as '%s'", t->path, t->part_path);
        if (sys()->rename(t->part_path, t->path) != 0)
            return fail(c, sys_err(errno), "cannot rename '%s': %s", t->part_path, err_text(sys_err(errno)));
    }
    return ERR_OK;
}

static enum err sync_dir_of(struct ctx *c, struct slice path)
{
    const char *dir = NULL;
    path.len -= name_last(path).len;
    TRY(arena_cstr(&c->arena, path, &dir));
    enum err e = dir_sync(dir);
    return e == ERR_OK ? e : fail(c, e, "cannot sync the folder '%s': %s", dir, err_text(e));
}

enum err target_sync_dirs(struct ctx *c, const struct target *targets, size_t n)
{
    struct slice before = {0};
    for (size_t i = 0; i < n; i++) {
        struct slice path = slice_cstr(targets[i].path), dir = slice_sub(path, 0, path.len - name_last(path).len);
        /* Files of one folder stand together in a transfer. */
        if (!slice_eq(dir, before)) TRY(sync_dir_of(c, path));
        before = dir;
    }
    return ERR_OK;
}
