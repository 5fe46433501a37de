/* Local backend and the power cut: the process ends before its n-th call that changes the disk, perhaps a second one goes on
 * and ends before its m-th, and then everything that had not been synced is taken back, as pessimistically as a file system
 * may: bytes become zeros, new names go, old ones return, renames are undone or half done. After that, promises are checked. */
#include <errno.h>
#include <ftw.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include "base/intmath.h"
#include "base/limits.h"
#include "blob/fs_impl.h"
#include "blob/fs_story_test.h"
#include "lib/test.h"
#include "os/sys.h"

enum op { OP_WRITE, OP_CREATE, OP_MKDIR, OP_RENAME, OP_UNLINK };

/* One change and what is known durable of it. `dir`: inode of the directory holding the (new) name. */
struct change {
    enum op op;
    ino_t ino, dir, old_dir;
    off_t off;
    size_t len;
    char path[200], from[200], stash[200]; /* stash: another name of a file that was renamed or unlinked */
    bool durable, old_gone;
};

/* Shared with the child. */
static struct disk {
    struct story story;
    struct change changes[256];
    size_t n;
    uint64_t steps, crash_at;
    bool done;
    char stash_dir[200];
} *disk;

static void step(void)
{
    if (disk->steps++ == disk->crash_at) _exit(0);
}

static ino_t ino_at(const char *path)
{
    struct stat st;
    return sys_real()->stat(path, &st) == 0 ? st.st_ino : 0;
}

static ino_t ino_of_parent(const char *path)
{
    char dir[200];
    snprintf(dir, sizeof dir, "%s", path);
    *strrchr(dir, '/') = '\0';
    return ino_at(dir);
}

static struct change *note(enum op op, const char *path)
{
    if (disk->n == ARRAY_LEN(disk->changes)) _exit(9);
    struct change *ch = &disk->changes[disk->n++];
    *ch = (struct change){.op = op};
    if (path) {
        snprintf(ch->path, sizeof ch->path, "%s", path);
        ch->dir = ino_of_parent(path);
    }
    return ch;
}

/* Keeps the file alive whatever becomes of its names. */
static void keep(struct change *ch, const char *path)
{
    snprintf(ch->stash, sizeof ch->stash, "%.150s/%zu", disk->stash_dir, disk->n);
    if (sys_real()->link(path, ch->stash) != 0) _exit(7);
}

static int c_open(const char *path, int flags, mode_t mode)
{
    bool creates = (flags & O_CREAT) && ino_at(path) == 0;
    if (creates) step();
    int fd = sys_real()->open(path, flags, mode);
    if (fd >= 0 && creates) note(OP_CREATE, path);
    return fd;
}

static ssize_t c_pwrite(int fd, const void *b, size_t n, off_t off)
{
    struct stat st;
    step();
    /* In two halves, so that a cut may fall within one write. */
    size_t half = n > STORY_LAST_BYTES ? n / 2 : n;
    ssize_t put = sys_real()->pwrite(fd, b, half, off);
    if (put > 0 && sys_real()->fstat(fd, &st) == 0) {
        struct change *ch = note(OP_WRITE, NULL);
        ch->ino = st.st_ino;
        ch->off = off;
        ch->len = (size_t)put;
    }
    return put;
}

/* Only noted: what a cut takes back is decided here, not by the disk below. */
static int synced(int fd)
{
    struct stat st;
    if (sys_real()->fstat(fd, &st) != 0) return -1;
    for (struct change *ch = disk->changes; ch < disk->changes + disk->n; ch++) {
        ino_t subject = ch->op == OP_WRITE ? ch->ino : ch->dir;
        if (subject == st.st_ino) ch->durable = true;
        /* No file system drops the old name for good before it has the new one (soft updates' rule, and any journal's). */
        if (ch->op == OP_RENAME && ch->old_dir == st.st_ino) ch->old_gone = ch->durable = true;
    }
    return 0;
}

static int c_fsync(int fd)
{
    step();
    return synced(fd);
}

static int c_fdatasync(int fd)
{
    step();
    return synced(fd);
}

static int c_mkdir(const char *path, mode_t mode)
{
    step();
    int r = sys_real()->mkdir(path, mode);
    if (r == 0) note(OP_MKDIR, path);
    return r;
}

static int c_rename(const char *from, const char *to)
{
    step();
    ino_t old_dir = ino_of_parent(from);
    int r = sys_real()->rename(from, to);
    if (r != 0) return r;
    struct change *ch = note(OP_RENAME, to);
    snprintf(ch->from, sizeof ch->from, "%s", from);
    ch->old_dir = old_dir;
    keep(ch, to);
    return 0;
}

static int c_unlink(const char *path)
{
    step();
    if (ino_at(path) != 0) keep(note(OP_UNLINK, path), path);
    return sys_real()->unlink(path);
}

static ino_t wanted;
static const struct change *losing;

static int lose_bytes(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
    static const char zeros[65536];
    (void)ftw;
    if (flag != FTW_F || st->st_ino != wanted) return 0;
    int fd = sys_real()->open(path, O_WRONLY, 0);
    ssize_t put = sys_real()->pwrite(fd, zeros, MIN(losing->len, sizeof zeros), losing->off);
    sys_real()->close(fd);
    return put < 0;
}

static int remove_entry(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
    (void)st;
    (void)flag;
    (void)ftw;
    return remove(path);
}

/* What a power cut may leave of the changes that were not synced, newest first. */
static void cut_power(const char *dir)
{
    for (size_t i = disk->n; i-- > 0;) {
        const struct change *ch = &disk->changes[i];
        losing = ch;
        wanted = ch->ino;
        /* The loss of the old name is a change of its own; it may reach the disk later than the new name. */
        if (ch->op == OP_RENAME && !ch->durable) sys_real()->unlink(ch->path);
        if (ch->op == OP_RENAME && !ch->old_gone) sys_real()->link(ch->stash, ch->from);
        if (ch->durable) continue;
        if (ch->op == OP_UNLINK) sys_real()->link(ch->stash, ch->path);
        if (ch->op == OP_WRITE) nftw(dir, lose_bytes, 16, FTW_PHYS);
        if (ch->op == OP_CREATE) sys_real()->unlink(ch->path);
        if (ch->op == OP_MKDIR) nftw(ch->path, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
    }
}

static void child(const char *dir)
{
    struct sys_table *t = sys_table();
    struct ctx c;
    struct blob_store *s = NULL;
    ctx_init(&c, 1 * MIB);
    t->open = c_open, t->pwrite = c_pwrite, t->fsync = c_fsync, t->fdatasync = c_fdatasync;
    t->mkdir = c_mkdir, t->rename = c_rename, t->unlink = c_unlink;
    if (blob_fs_open(&c, dir, &s) != ERR_OK) _exit(8);
    /* Its steps are counted too, so it has to come first: one order of steps, one thread at the notes. */
    thread_join(&fs_of(s)->sweeper);
    if (story_tell(&c, s, &disk->story) != ERR_OK) _exit(8);
    disk->done = true;
    _exit(0);
}

/* Runs one process up to its at-th step. */
static bool run(const char *dir, uint64_t at)
{
    int status = -1;
    disk->steps = 0;
    disk->crash_at = at;
    pid_t pid = fork();
    if (pid == 0) child(dir);
    if (pid > 0 && waitpid(pid, &status, 0) == pid && status == 0) return true;
    test_fail(__FILE__, __LINE__, "child ended with %d", status);
    return false;
}

/* UINT64_MAX for `second`: no second process. */
static bool crash_once(const char *base, uint64_t first, uint64_t second)
{
    char dir[200];
    struct ctx c;
    struct blob_store *s = NULL;
    memset(disk, 0, sizeof *disk);
    disk->story.key = key_new();
    snprintf(dir, sizeof dir, "%s/%llu.%llu", base, (unsigned long long)first, (unsigned long long)second);
    snprintf(disk->stash_dir, sizeof disk->stash_dir, "%.150s.stash", dir);
    bool good = sys()->mkdir(dir, 0700) == 0 && sys()->mkdir(disk->stash_dir, 0700) == 0 && run(dir, first);
    if (good && second != UINT64_MAX) good = run(dir, second);
    cut_power(dir);
    ctx_init(&c, 1 * MIB);
    good = good && blob_fs_open(&c, dir, &s) == ERR_OK && story_finish(&c, s, &disk->story);
    blob_store_close(s);
    ctx_done(&c);
    if (!good)
        test_fail(__FILE__, __LINE__, "cut before step %llu, then %llu", (unsigned long long)first,
                  (unsigned long long)second);
    return good;
}

static int no_sync(int fd) { return fd >= 0 ? 0 : -1; }

TEST(no_power_cut_breaks_a_promise)
{
    const char *base = test_dir();
    uint64_t steps = 0;
    disk = mmap(NULL, sizeof *disk, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    CHECK(disk != MAP_FAILED);
    /* The checks after a cut need not reach the disk. */
    sys_table()->fsync = sys_table()->fdatasync = no_sync;
    for (; steps < 200 && !disk->done; steps++)
        if (!crash_once(base, steps, UINT64_MAX)) break;
    CHECK(disk->done && steps > 20);
    /* Not every first step: each takes as long as all the cuts above. */
    for (uint64_t first = 1; first < steps && !test_failed(); first += 8) {
        disk->done = false;
        for (uint64_t second = 0; second < 200 && !disk->done; second++)
            if (!crash_once(base, first, second)) break;
    }
    *sys_table() = *sys_real();
    munmap(disk, sizeof *disk);
}
