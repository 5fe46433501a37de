/* Local backend with the n-th system call failing, once or for ever: clean errors, no descriptor lost, no promise broken. */
#include <errno.h>

#include "base/intmath.h"
#include "base/limits.h"
#include "blob/fs_story_test.h"
#include "lib/test.h"
#include "os/sys.h"

static struct {
    uint64_t seen, at;
    bool for_ever, fired;
    int with;
} fault;

static bool hit(void)
{
    uint64_t n = fault.seen++;
    if (n != fault.at && !(n > fault.at && fault.for_ever)) return false;
    fault.fired = true;
    errno = fault.with;
    return true;
}

/* clang-format off */
static int f_open(const char *p, int f, mode_t m) { return hit() ? -1 : sys_real()->open(p, f, m); }
static ssize_t f_pread(int fd, void *b, size_t n, off_t o) { return hit() ? -1 : sys_real()->pread(fd, b, n, o); }
static ssize_t f_pwrite(int fd, const void *b, size_t n, off_t o) { return hit() ? -1 : sys_real()->pwrite(fd, b, n, o); }
/* Nothing here depends on the disk being reached: not waiting for it keeps the loops short. */
static int f_fsync(int fd) { return fd >= 0 && hit() ? -1 : 0; }
static int f_fdatasync(int fd) { return fd >= 0 && hit() ? -1 : 0; }
static int no_sync(int fd) { return fd >= 0 ? 0 : -1; }
static int f_ftruncate(int fd, off_t n) { return hit() ? -1 : sys_real()->ftruncate(fd, n); }
static int f_fstat(int fd, struct stat *st) { return hit() ? -1 : sys_real()->fstat(fd, st); }
static int f_stat(const char *p, struct stat *st) { return hit() ? -1 : sys_real()->stat(p, st); }
static int f_lstat(const char *p, struct stat *st) { return hit() ? -1 : sys_real()->lstat(p, st); }
static int f_statvfs(const char *p, struct statvfs *st) { return hit() ? -1 : sys_real()->statvfs(p, st); }
static int f_rename(const char *a, const char *b) { return hit() ? -1 : sys_real()->rename(a, b); }
static int f_unlink(const char *p) { return hit() ? -1 : sys_real()->unlink(p); }
static int f_mkdir(const char *p, mode_t m) { return hit() ? -1 : sys_real()->mkdir(p, m); }
static int f_flock(int fd, int op) { return hit() ? -1 : sys_real()->flock(fd, op); }
static DIR *f_opendir(const char *p) { return hit() ? NULL : sys_real()->opendir(p); }
static struct dirent *f_readdir(DIR *d) { return hit() ? NULL : sys_real()->readdir(d); }
static int f_random(void *b, size_t n) { return hit() ? -1 : sys_real()->random(b, n); }
/* clang-format on */

static void arm(uint64_t at, bool for_ever, int with)
{
    struct sys_table *t = sys_table();
    fault.seen = 0;
    fault.at = at;
    fault.for_ever = for_ever;
    fault.with = with;
    fault.fired = false;
    t->open = f_open, t->pread = f_pread, t->pwrite = f_pwrite, t->fsync = f_fsync, t->fdatasync = f_fdatasync;
    t->ftruncate = f_ftruncate, t->fstat = f_fstat, t->stat = f_stat, t->lstat = f_lstat, t->statvfs = f_statvfs;
    t->rename = f_rename, t->unlink = f_unlink, t->mkdir = f_mkdir, t->flock = f_flock;
    t->opendir = f_opendir, t->readdir = f_readdir, t->random = f_random;
}

static void disarm(void)
{
    *sys_table() = *sys_real();
    sys_table()->fsync = sys_table()->fdatasync = no_sync;
}

static unsigned open_descriptors(void)
{
    unsigned n = 0;
    DIR *d = sys()->opendir("/proc/self/fd");
    while (d && sys()->readdir(d)) n++;
    if (d) sys()->closedir(d);
    return n;
}

/* One telling. `fresh`: continue on a store opened anew, as after a restart, instead of the one that failed. */
static bool tell_once(const char *dir, uint64_t at, bool for_ever, int with, bool fresh)
{
    struct ctx c;
    struct blob_store *s = NULL;
    struct story t = {.key = key_new()};
    unsigned before = open_descriptors();
    ctx_init(&c, 1 * MIB);
    arm(at, for_ever, with);
    enum err e = blob_fs_open(&c, dir, &s);
    if (e == ERR_OK) e = story_tell(&c, s, &t);
    disarm();
    enum err allowed = with == ENOSPC ? ERR_NOSPACE : ERR_IO;
    bool good = e == ERR_OK || e == allowed;
    if (!good) test_fail(__FILE__, __LINE__, "%s: %s", err_name(e), c.err_detail);
    if (fresh || !s) {
        blob_store_close(s);
        s = NULL;
        good = good && blob_fs_open(&c, dir, &s) == ERR_OK;
    }
    good = good && story_finish(&c, s, &t);
    blob_store_close(s);
    ctx_done(&c);
    if (open_descriptors() == before) return good;
    test_fail(__FILE__, __LINE__, "descriptors leak");
    return false;
}

static bool tell_all(int with, bool for_ever, bool fresh)
{
    const char *base = test_dir();
    fault.fired = true;
    for (uint64_t n = 0; fault.fired && n < 1000; n++) {
        char dir[200];
        snprintf(dir, sizeof dir, "%s/%llu", base, (unsigned long long)n);
        if (!tell_once(dir, n, for_ever, with, fresh)) {
            test_fail(__FILE__, __LINE__, "with call %llu failing", (unsigned long long)n);
            return false;
        }
    }
    *sys_table() = *sys_real();
    return !fault.fired;
}

TEST(system_calls_fail_once)
{
    static const int with[] = {EIO, ENOSPC, EINTR};
    for (size_t i = 0; i < ARRAY_LEN(with); i++) CHECK(tell_all(with[i], false, false) && tell_all(with[i], false, true));
}

TEST(system_calls_fail_for_ever)
{
    static const int with[] = {EIO, ENOSPC};
    for (size_t i = 0; i < ARRAY_LEN(with); i++) CHECK(tell_all(with[i], true, false) && tell_all(with[i], true, true));
}
