/* See power.h. A change of content is known by the file's inode, a change of names by the directory's. */
#include "fault/power.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/intmath.h"
#include "os/sys.h"

enum op { OP_WRITE, OP_TRUNCATE, OP_CREATE, OP_MKDIR, OP_RENAME, OP_UNLINK };

struct change {
    enum op op;
    ino_t subject, old_dir; /* what must be synced: the file, or the directory that holds the (new) name */
    int fd;                 /* content: an own descriptor of the file */
    off_t off, old_size;
    size_t len, old_len;
    uint8_t *old;
    char path[256], from[256], stash[256];
    bool durable, old_gone;
};

/* Outside the product's memory: its allocation faults and counts are not meant for this. */
static struct change changes[4096];
static size_t change_count;
static struct {
    ino_t ino;
    int fd;
} files[512];
static size_t file_count;
static char stash_dir[200];
static bool keep_length;

static void give_up(const char *why)
{
    fprintf(stderr, "power: %s\n", why);
    _exit(70);
}

void power_start(const char *stash, bool keep)
{
    snprintf(stash_dir, sizeof stash_dir, "%s", stash);
    keep_length = keep;
    change_count = file_count = 0;
}

static struct change *note(enum op op)
{
    if (change_count == ARRAY_LEN(changes)) give_up("too many changes");
    struct change *ch = &changes[change_count++];
    *ch = (struct change){.op = op, .fd = -1};
    return ch;
}

static ino_t ino_at(const char *path)
{
    struct stat st;
    return sys_real()->stat(path, &st) == 0 ? st.st_ino : 0;
}

static ino_t ino_of_parent(const char *path)
{
    char dir[256];
    snprintf(dir, sizeof dir, "%s", path);
    *strrchr(dir, '/') = '\0';
    return ino_at(dir);
}

/* A descriptor that stays: one for each file, since closing one of a database would drop this process's locks on it. */
static int own_fd(int fd, ino_t ino)
{
    char path[64];
    for (size_t i = 0; i < file_count; i++)
        if (files[i].ino == ino) return files[i].fd;
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    int mine = sys_real()->open(path, O_RDWR | O_CLOEXEC, 0);
    if (mine < 0 || file_count == ARRAY_LEN(files)) give_up("descriptors");
    files[file_count].ino = ino;
    files[file_count++].fd = mine;
    return mine;
}

/* What the bytes [off, off + n) are before they change. */
static void note_content(enum op op, int fd, off_t off, size_t n)
{
    struct stat st;
    if (sys_real()->fstat(fd, &st) != 0) give_up("fstat");
    struct change *ch = note(op);
    ch->subject = st.st_ino;
    ch->fd = own_fd(fd, st.st_ino);
    ch->off = off;
    ch->len = n;
    ch->old_size = st.st_size;
    ch->old_len = off < st.st_size ? MIN(n, (size_t)(st.st_size - off)) : 0;
    if (!ch->old_len) return;
    ch->old = (calloc)(1, ch->old_len);
    if (!ch->old || sys_real()->pread(ch->fd, ch->old, ch->old_len, off) != (ssize_t)ch->old_len) give_up("old bytes");
}

void power_write(int fd, size_t n, off_t off) { note_content(OP_WRITE, fd, off, n); }

void power_truncate(int fd, off_t len)
{
    struct stat st;
    if (sys_real()->fstat(fd, &st) != 0) give_up("fstat");
    note_content(OP_TRUNCATE, fd, MIN(len, st.st_size), (size_t)(st.st_size - MIN(len, st.st_size)));
}

void power_sync(int fd)
{
    struct stat st;
    if (sys_real()->fstat(fd, &st) != 0) give_up("fstat");
    for (struct change *ch = changes; ch < changes + change_count; ch++) {
        if (ch->subject == st.st_ino) ch->durable = true;
        /* No file system drops the old name for good before it has the new one. */
        if (ch->op == OP_RENAME && ch->old_dir == st.st_ino) ch->old_gone = ch->durable = true;
    }
}

static struct change *note_name(enum op op, const char *path)
{
    struct change *ch = note(op);
    ch->subject = ino_of_parent(path);
    snprintf(ch->path, sizeof ch->path, "%s", path);
    return ch;
}

/* Keeps the file alive whatever becomes of its names. */
static void keep(struct change *ch, const char *path)
{
    snprintf(ch->stash, sizeof ch->stash, "%.190s/%d.%zu", stash_dir, (int)getpid(), change_count);
    if (sys_real()->link(path, ch->stash) != 0) give_up("stash");
}

int power_open(const char *path, int flags, mode_t mode)
{
    bool creates = (flags & O_CREAT) && ino_at(path) == 0;
    int fd = sys_real()->open(path, flags, mode);
    if (fd >= 0 && creates) note_name(OP_CREATE, path);
    return fd;
}

int power_rename(const char *from, const char *to)
{
    ino_t old_dir = ino_of_parent(from);
    int r = sys_real()->rename(from, to);
    if (r != 0) return r;
    struct change *ch = note_name(OP_RENAME, to);
    snprintf(ch->from, sizeof ch->from, "%s", from);
    ch->old_dir = old_dir;
    keep(ch, to);
    return 0;
}

int power_unlink(const char *path)
{
    if (ino_at(path) != 0) keep(note_name(OP_UNLINK, path), path);
    return sys_real()->unlink(path);
}

int power_mkdir(const char *path, mode_t mode)
{
    int r = sys_real()->mkdir(path, mode);
    if (r == 0) note_name(OP_MKDIR, path);
    return r;
}

static void restore_content(const struct change *ch)
{
    static const uint8_t zeros[4096];
    bool grew = ch->off + (off_t)ch->len > ch->old_size;
    bool good = !ch->old_len || sys_real()->pwrite(ch->fd, ch->old, ch->old_len, ch->off) == (ssize_t)ch->old_len;
    if (grew && ch->op == OP_WRITE && !keep_length) good = good && sys_real()->ftruncate(ch->fd, ch->old_size) == 0;
    for (size_t at = ch->old_len; grew && keep_length && at < ch->len; at += sizeof zeros) {
        size_t n = MIN(sizeof zeros, ch->len - at);
        good = good && sys_real()->pwrite(ch->fd, zeros, n, ch->off + (off_t)at) == (ssize_t)n;
    }
    if (!good) give_up("restore");
}

static int remove_entry(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
    (void)st;
    (void)flag;
    (void)ftw;
    return remove(path);
}

void power_drop(int fd)
{
    struct stat st;
    if (sys_real()->fstat(fd, &st) != 0) give_up("fstat");
    for (size_t i = change_count; i-- > 0;) {
        struct change *ch = &changes[i];
        if (ch->durable || ch->subject != st.st_ino || (ch->op != OP_WRITE && ch->op != OP_TRUNCATE)) continue;
        restore_content(ch);
        ch->durable = true;
    }
}

void power_cut(void)
{
    for (size_t i = change_count; i-- > 0;) {
        const struct change *ch = &changes[i];
        /* The loss of the old name is a change of its own; it may reach the disk later than the new name. */
        if (ch->op == OP_RENAME && !ch->durable) sys_real()->unlink(ch->path);
        if (ch->op == OP_RENAME && !ch->old_gone) sys_real()->link(ch->stash, ch->from);
        if (ch->durable) continue;
        if (ch->op == OP_WRITE || ch->op == OP_TRUNCATE) restore_content(ch);
        if (ch->op == OP_UNLINK) sys_real()->link(ch->stash, ch->path);
        if (ch->op == OP_CREATE) sys_real()->unlink(ch->path);
        if (ch->op == OP_MKDIR) nftw(ch->path, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
    }
}
