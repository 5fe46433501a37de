/* Local backend: what lies in the directories: removal with overwriting, the sweep of what was left of it, listing. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/intmath.h"
#include "base/mem.h"
#include "blob/fs_impl.h"

#define ERASE_STEP_BYTES (1 * MIB)

static void dir_close(DIR **d)
{
    if (*d) sys()->closedir(*d);
    *d = NULL;
}

/* One pass of zeros over the content, best effort: bytes that cannot be overwritten are still unlinked. */
static void overwrite(struct fs_store *s, int fd)
{
    CLEANUP(mem_cleanup) void *zeros = mem_alloc(1, ERASE_STEP_BYTES);
    uint64_t size = 0;
    if (!zeros || file_size(fd, &size) != ERR_OK) return;
    for (uint64_t at = 0; at < size && !atomic_load(&s->stop);) {
        size_t n = (size_t)MIN(size - at, (uint64_t)ERASE_STEP_BYTES);
        if (file_pwrite_all(fd, zeros, n, at) != ERR_OK) return;
        at += n;
    }
    err_ignore(file_datasync(fd), "best effort: the name goes in any case");
}

/* Overwrites and unlinks trash/<id>; ERR_OK when absent. When the store closes meanwhile it stays for the next sweep. */
static enum err empty_trash(struct ctx *c, struct fs_store *s, struct blob_key key)
{
    CLEANUP(fd_close) int fd = -1;
    struct fs_path path, trash;
    fs_path_of(s, "trash", key, &path);
    enum err e = file_open(path.s, O_WRONLY, 0, &fd);
    if (e == ERR_NOT_FOUND) return ERR_OK;
    if (e == ERR_OK) overwrite(s, fd);
    if (atomic_load(&s->stop)) return ERR_OK;
    if (sys()->unlink(path.s) != 0 && errno != ENOENT)
        return fail(c, fs_err(sys_err(errno)), "unlink '%s': %m", path.s);
    fs_path_in(s, "trash", &trash);
    return fs_sync_dir(c, trash.s);
}

/* The name goes at once, and durably; with overwriting it goes to trash/ first. */
static enum err drop_name(struct ctx *c, struct fs_store *s, struct blob_key key, enum blob_erase e)
{
    struct fs_path from, to;
    fs_path_final(s, key, &from);
    fs_path_of(s, "trash", key, &to);
    int r = e == BLOB_OVERWRITE ? sys()->rename(from.s, to.s) : sys()->unlink(from.s);
    if (r != 0 && errno == ENOENT) return ERR_OK;
    if (r != 0) return fail(c, fs_err(sys_err(errno)), "remove '%s': %m", from.s);
    fs_path_shard(s, key, &from);
    return fs_sync_dir(c, from.s);
}


/* Asked when the name is gone: nobody can begin any more. */
static bool is_read(struct fs_store *s, struct blob_key key)
{
    GUARD(&s->m);
    for (const struct fs_reader *r = s->readers; r; r = r->next)
        if (id_eq(r->key.id, key.id)) return true;
    return false;
}

enum err fs_remove(struct ctx *c, struct blob_store *store, struct blob_key key, enum blob_erase e)
{
    struct fs_store *s = fs_of(store);
    struct blob_gate_slot claim;
    blob_gate_claim(&s->gate, &claim, key);
    enum err result = drop_name(c, s, key, e);
    blob_gate_close(&s->gate, &claim);
    if (result != ERR_OK || e != BLOB_OVERWRITE) return result;
    return is_read(s, key) ? fail(c, ERR_BUSY, "the blob is still being read") : empty_trash(c, s, key);
}

struct walk {
    bool committed;
    blob_visit_fn *visit;
    void *arg;
};
typedef enum err entry_fn(struct ctx *c, const char *path, const char *name, const struct walk *w);

/* Calls `fn` for each entry. A directory that is absent or none is empty. */
static enum err each_entry(struct ctx *c, const char *dir, entry_fn *fn, const struct walk *w)
{
    CLEANUP(dir_close) DIR *d = sys()->opendir(dir);
    if (!d && (errno == ENOENT || errno == ENOTDIR)) return ERR_OK;
    if (!d) return fail(c, fs_err(sys_err(errno)), "list '%s': %m", dir);
    for (;;) {
        struct fs_path path;
        errno = 0;
        struct dirent *entry = sys()->readdir(d);
        if (!entry && errno) return fail(c, fs_err(sys_err(errno)), "list '%s': %m", dir);
        if (!entry) return ERR_OK;
        snprintf(path.s, sizeof path.s, "%s/%s", dir, entry->d_name);
        TRY(fn(c, path.s, entry->d_name, w));
    }
}

/* A file that went away meanwhile is skipped, as are names that are no id. */
static enum err see_blob(struct ctx *c, const char *path, const char *name, const struct walk *w)
{
    struct blob_key key;
    struct stat st;
    if (id_parse(slice_cstr(name), &key.id) != ERR_OK) return ERR_OK;
    if (sys()->lstat(path, &st) != 0)
        return errno == ENOENT ? ERR_OK : fail(c, fs_err(sys_err(errno)), "stat '%s': %m", path);
    int64_t ms = (int64_t)st.st_mtim.tv_sec * 1000 + st.st_mtim.tv_nsec / 1000000;
    return w->visit(c, key, w->committed, ms, w->arg);
}

static bool is_shard(const char *name)
{
    return strlen(name) == 2 && strspn(name, "0123456789abcdef") == 2;
}

static enum err see_inner(struct ctx *c, const char *path, const char *name, const struct walk *w)
{
    return is_shard(name) ? each_entry(c, path, see_blob, w) : ERR_OK;
}

static enum err see_outer(struct ctx *c, const char *path, const char *name, const struct walk *w)
{
    return is_shard(name) ? each_entry(c, path, see_inner, w) : ERR_OK;
}

/* tmp/ first: a blob committed during the walk may be told twice, but never missed. */
enum err fs_list(struct ctx *c, struct blob_store *store, blob_visit_fn *visit, void *arg)
{
    const struct fs_store *s = fs_of(store);
    struct fs_path tmp;
    fs_path_in(s, "tmp", &tmp);
    TRY(each_entry(c, tmp.s, see_blob, &(struct walk){false, visit, arg}));
    return each_entry(c, s->dir, see_outer, &(struct walk){true, visit, arg});
}

static enum err see_any(struct ctx *c, struct blob_key key, bool committed, int64_t ms, void *arg)
{
    (void)c;
    (void)key;
    (void)committed;
    (void)ms;
    *(bool *)arg = true;
    return ERR_CANCELLED;
}

static enum err sweep_one(struct ctx *c, struct blob_key key, bool committed, int64_t ms, void *arg)
{
    struct fs_store *s = arg;
    (void)committed;
    (void)ms;
    err_ignore(empty_trash(c, s, key), "stays for the sweep of the next start");
    return atomic_load(&s->stop) ? ERR_CANCELLED : ERR_OK;
}

static void sweep(void *arg)
{
    struct fs_store *s = arg;
    struct ctx c;
    struct fs_path path;
    ctx_init(&c, LIMIT_JOB_ARENA_BYTES);
    fs_path_in(s, "trash", &path);
    err_ignore(each_entry(&c, path.s, see_blob, &(struct walk){false, sweep_one, s}), "the next start sweeps again");
    ctx_done(&c);
}

/* In a thread: overwriting a large file takes longer than a start may. */
enum err fs_sweep_start(struct ctx *c, struct fs_store *s)
{
    struct fs_path path;
    bool any = false;
    fs_path_in(s, "trash", &path);
    enum err e = each_entry(c, path.s, see_blob, &(struct walk){false, see_any, &any});
    if (e != ERR_OK && !any) return e;
    if (!any) return ERR_OK;
    e = thread_start(&s->sweeper, "blob-sweep", sweep, s);
    return e == ERR_OK ? e : fail(c, e, "start the sweep");
}
