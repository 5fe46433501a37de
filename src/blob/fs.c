/* Local backend: opening and closing the store, its paths, reading, health. Writing is in fs_part.c and fs_commit.c, removal
 * and listing in fs_tree.c. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>

#include "base/mem.h"
#include "blob/fs_impl.h"

void fs_path_in(const struct fs_store *s, const char *name, struct fs_path *ret)
{
    snprintf(ret->s, sizeof ret->s, "%s/%s", s->dir, name);
}

void fs_path_of(const struct fs_store *s, const char *where, struct blob_key key,
                struct fs_path *ret)
{
    char id[ID_TEXT_LEN + 1];
    id_text(key.id, id);
    snprintf(ret->s, sizeof ret->s, "%s/%s/%s", s->dir, where, id);
}

void fs_path_shard(const struct fs_store *s, struct blob_key key, struct fs_path *ret)
{
    snprintf(ret->s, sizeof ret->s, "%s/%02x/%02x", s->dir, (unsigned)key.id.b[15],
             (unsigned)key.id.b[14]);
}

void fs_path_final(const struct fs_store *s, struct blob_key key, struct fs_path *ret)
{
    char id[ID_TEXT_LEN + 1];
    id_text(key.id, id);
    snprintf(ret->s, sizeof ret->s, "%s/%02x/%02x/%s", s->dir, (unsigned)key.id.b[15],
             (unsigned)key.id.b[14], id);
}

enum err fs_err(enum err e)
{
    return e == ERR_NOSPACE || e == ERR_NOMEM || e == ERR_BUSY ? e : ERR_IO;
}

enum err fs_sync_dir(struct ctx *c, const char *path)
{
    enum err e = dir_sync(path);
    return e == ERR_OK ? e : fail(c, fs_err(e), "sync directory '%s': %m", path);
}

static void reader_add(struct fs_store *s, struct fs_reader *r)
{
    GUARD(&s->m);
    r->next = s->readers;
    r->at = &s->readers;
    if (r->next) r->next->at = &r->next;
    s->readers = r;
}

static void reader_free(struct fs_store *s, struct fs_reader *r)
{
    mutex_lock(&s->m);
    *r->at = r->next;
    if (r->next) r->next->at = r->at;
    mutex_unlock(&s->m);
    fd_close(&r->fd);
    mem_free(r);
}

static enum err fs_open(struct ctx *c, struct blob_store *store, struct blob_key key,
                        struct blob_reader **ret, uint64_t *ret_size_bytes)
{
    struct fs_path path;
    uint64_t size = 0;
    fs_path_final(fs_of(store), key, &path);
    struct fs_reader *r = MEM_NEW(struct fs_reader);
    if (!r) return fail(c, ERR_NOMEM, "reader");
    r->fd = -1;
    r->key = key;
    reader_add(fs_of(store), r);
    enum err e = file_open(path.s, O_RDONLY, 0, &r->fd);
    if (e == ERR_OK) e = file_size(r->fd, &size);
    if (e != ERR_OK) {
        e = fail(c, e == ERR_NOT_FOUND ? e : fs_err(e), "open '%s': %m", path.s);
        reader_free(fs_of(store), r);
        return e;
    }
    *ret = &r->base;
    *ret_size_bytes = size;
    return ERR_OK;
}

static enum err fs_read(struct ctx *c, struct blob_reader *r, uint64_t off, void *p, size_t n,
                        size_t *ret_n)
{
    enum err e = file_pread(((struct fs_reader *)r)->fd, p, n, off, ret_n);
    return e == ERR_OK ? e : fail(c, fs_err(e), "read: %m");
}

static int fs_reader_fd(const struct blob_reader *r) { return ((const struct fs_reader *)r)->fd; }

static void fs_reader_close(struct blob_reader *base)
{
    reader_free(fs_of(base->store), (struct fs_reader *)base);
}

/* Writes one byte: a full or read-only file system still answers statvfs. */
static enum err fs_health(struct ctx *c, struct blob_store *store, uint64_t *ret_free_bytes)
{
    CLEANUP(fd_close) int fd = -1;
    struct fs_path probe;
    struct statvfs st;
    fs_path_in(fs_of(store), "tmp/.probe", &probe);
    if (sys()->statvfs(fs_of(store)->dir, &st) != 0)
        return fail(c, fs_err(sys_err(errno)), "statvfs: %m");
    enum err e = file_open(probe.s, O_WRONLY | O_CREAT, 0600, &fd);
    if (e == ERR_OK) e = file_pwrite_all(fd, "", 1, 0);
    if (e != ERR_OK) e = fail(c, fs_err(e), "write '%s': %m", probe.s);
    /* ENOENT: another check running at the same time was faster. */
    if (sys()->unlink(probe.s) != 0 && errno != ENOENT && e == ERR_OK)
        e = fail(c, fs_err(sys_err(errno)), "unlink '%s': %m", probe.s);
    if (e == ERR_OK) *ret_free_bytes = (uint64_t)st.f_bavail * st.f_frsize;
    return e;
}

static void fs_close(struct blob_store *store)
{
    struct fs_store *s = fs_of(store);
    atomic_store(&s->stop, true);
    thread_join(&s->sweeper);
    while (s->later) fs_later_free(fs_later_take(s, s->later->key));
    fd_close(&s->lock_fd);
    blob_gate_done(&s->gate);
    mutex_done(&s->m);
    mem_free(s);
}

static const struct blob_ops fs_ops = {
    .begin = fs_begin,
    .part_open = fs_part_open,
    .part_write = fs_part_write,
    .part_read = fs_part_read,
    .part_close = fs_part_close,
    .part_abort = fs_part_abort,
    .commit = fs_commit,
    .commit_all = fs_commit_all,
    .abort = fs_abort,
    .open = fs_open,
    .read = fs_read,
    .reader_fd = fs_reader_fd,
    .reader_close = fs_reader_close,
    .remove = fs_remove,
    .list = fs_list,
    .health = fs_health,
    .close = fs_close,
};

static enum err lock_dir(struct ctx *c, struct fs_store *s)
{
    struct fs_path path;
    fs_path_in(s, "lock", &path);
    enum err e = file_open(path.s, O_RDWR | O_CREAT, 0600, &s->lock_fd);
    if (e != ERR_OK) return fail(c, fs_err(e), "open '%s': %m", path.s);
    if (sys()->flock(s->lock_fd, LOCK_EX | LOCK_NB) == 0) return ERR_OK;
    if (errno == EWOULDBLOCK) return fail(c, ERR_BUSY, "'%s' is in use by another process", s->dir);
    return fail(c, fs_err(sys_err(errno)), "lock '%s': %m", path.s);
}

/* Synced even when found: an earlier process may have ended before it came to that. */
static enum err make_dirs(struct ctx *c, struct fs_store *s)
{
    static const char *const names[] = {"tmp", "trash"};
    struct fs_path path;
    for (size_t i = 0; i < 2; i++) {
        fs_path_in(s, names[i], &path);
        enum err e = dir_make(path.s);
        if (e != ERR_OK) return fail(c, fs_err(e), "make '%s': %m", path.s);
        TRY(fs_sync_dir(c, path.s));
    }
    return fs_sync_dir(c, s->dir);
}

static enum err set_up(struct ctx *c, struct fs_store *s)
{
    enum err e = dir_make(s->dir);
    if (e != ERR_OK) return fail(c, fs_err(e), "make '%s': %m", s->dir);
    TRY(lock_dir(c, s));
    TRY(make_dirs(c, s));
    return fs_sweep_start(c, s);
}

enum err blob_fs_open(struct ctx *c, const char *dir, struct blob_store **ret)
{
    size_t len = strlen(dir);
    if (len == 0 || len >= FS_DIR_BYTES) return fail(c, ERR_INVALID, "length of the directory name");
    struct fs_store *s = MEM_NEW(struct fs_store);
    if (!s) return fail(c, ERR_NOMEM, "store");
    s->base.ops = &fs_ops;
    s->base.props = (struct blob_props){
        .name = "fs",
        .part_bytes_min = 1,
        .part_bytes_max = BLOB_BYTES_MAX,
        .parts_max = LIMIT_PARTS,
        .erases = true,
    };
    memcpy(s->dir, dir, len);
    s->lock_fd = -1;
    mutex_init(&s->m);
    blob_gate_init(&s->gate);
    enum err e = set_up(c, s);
    if (e != ERR_OK) {
        fs_close(&s->base);
        return e;
    }
    *ret = &s->base;
    return ERR_OK;
}
