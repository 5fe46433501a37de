/* See sys_fault.h. Counters are atomic: the blob store sweeps its trash in a thread of its own. */
#include "fault/sys_fault.h"

#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/syscall.h>

#include "fault/power.h"
#include "fault/story.h"
#include "os/sys.h"

/* SQLite calls these directly: this program's own definitions, which the library then finds, lead it to the table. */
#define SEAM __attribute__((visibility("default")))
SEAM int fdatasync(int fd)
{
    return sys()->fdatasync == fdatasync ? (int)syscall(SYS_fdatasync, fd) : sys()->fdatasync(fd);
}
SEAM int fsync(int fd) { return sys()->fsync == fsync ? (int)syscall(SYS_fsync, fd) : sys()->fsync(fd); }

enum what { NOTHING, FAIL, KILL_BEFORE, KILL_AFTER };

static struct {
    enum what what;
    unsigned calls;
    uint64_t at;
    bool for_ever, power;
    int error;
    _Atomic uint64_t seen;
    atomic_bool fired;
    _Atomic(enum fcall) first;
} armed;

const char *fcall_name(enum fcall call)
{
    static const char *const names[] = {"open",  "create", "read",   "pread", "write", "pwrite", "sync", "ftruncate",
                                        "rename", "link",  "unlink", "mkdir", "fstat", "stat",   "list", "random"};
    return call < CALL_COUNT ? names[call] : "none";
}

static void die(void)
{
    if (armed.power) power_cut();
    raise(SIGKILL);
}

/* True: this call fails. Before the call. */
static bool strike(enum fcall call)
{
    if (armed.what == NOTHING || !(armed.calls & BIT(call)) || (armed.what == FAIL && !armed.power && !story_asking())) return false;
    uint64_t n = atomic_fetch_add(&armed.seen, 1);
    if (armed.what != FAIL) {
        if (armed.what == KILL_BEFORE && n == armed.at) die();
        return false;
    }
    if (n != armed.at && !(n > armed.at && armed.for_ever)) return false;
    if (!atomic_exchange(&armed.fired, true)) atomic_store(&armed.first, call);
    errno = armed.error;
    return true;
}

/* After the call. */
static void struck(enum fcall call)
{
    if (armed.what == KILL_AFTER && (armed.calls & BIT(call)) && atomic_load(&armed.seen) == armed.at + 1) die();
}

static int f_open(const char *path, int flags, mode_t mode)
{
    struct stat st;
    enum fcall call = flags & O_CREAT && sys_real()->stat(path, &st) != 0 ? CALL_CREATE : CALL_OPEN;
    if (strike(call)) return -1;
    int fd = armed.power ? power_open(path, flags, mode) : sys_real()->open(path, flags, mode);
    int error = errno;
    struck(call);
    errno = error;
    return fd;
}

static ssize_t f_read(int fd, void *b, size_t n) { return strike(CALL_READ) ? -1 : sys_real()->read(fd, b, n); }
static ssize_t f_pread(int fd, void *b, size_t n, off_t o) { return strike(CALL_PREAD) ? -1 : sys_real()->pread(fd, b, n, o); }
static int f_fstat(int fd, struct stat *st) { return strike(CALL_FSTAT) ? -1 : sys_real()->fstat(fd, st); }
static int f_stat(const char *p, struct stat *st) { return strike(CALL_STAT) ? -1 : sys_real()->stat(p, st); }
static int f_lstat(const char *p, struct stat *st) { return strike(CALL_STAT) ? -1 : sys_real()->lstat(p, st); }
static DIR *f_opendir(const char *p) { return strike(CALL_LIST) ? NULL : sys_real()->opendir(p); }
static struct dirent *f_readdir(DIR *d) { return strike(CALL_LIST) ? NULL : sys_real()->readdir(d); }
static int f_random(void *b, size_t n) { return strike(CALL_RANDOM) ? -1 : sys_real()->random(b, n); }

static ssize_t f_write(int fd, const void *b, size_t n)
{
    if (strike(CALL_WRITE)) return -1;
    if (armed.power) power_write(fd, n, lseek(fd, 0, SEEK_CUR));
    ssize_t put = sys_real()->write(fd, b, n);
    struck(CALL_WRITE);
    return put;
}

static ssize_t f_pwrite(int fd, const void *b, size_t n, off_t off)
{
    if (strike(CALL_PWRITE)) return -1;
    if (armed.power) power_write(fd, n, off);
    ssize_t put = sys_real()->pwrite(fd, b, n, off);
    struck(CALL_PWRITE);
    return put;
}

static int f_sync(int fd)
{
    if (strike(CALL_SYNC)) {
        if (armed.power) power_drop(fd);
        errno = armed.error;
        return -1;
    }
    if (armed.power) power_sync(fd);
    struck(CALL_SYNC);
    return 0;
}

static int f_ftruncate(int fd, off_t len)
{
    if (strike(CALL_TRUNCATE)) return -1;
    if (armed.power) power_truncate(fd, len);
    int r = sys_real()->ftruncate(fd, len);
    struck(CALL_TRUNCATE);
    return r;
}

static int f_rename(const char *from, const char *to)
{
    if (strike(CALL_RENAME)) return -1;
    int r = armed.power ? power_rename(from, to) : sys_real()->rename(from, to);
    int error = errno;
    struck(CALL_RENAME);
    errno = error;
    return r;
}

static int f_link(const char *from, const char *to)
{
    if (strike(CALL_LINK)) return -1;
    int r = sys_real()->link(from, to);
    int error = errno;
    struck(CALL_LINK);
    errno = error;
    return r;
}

static int f_unlink(const char *path)
{
    if (strike(CALL_UNLINK)) return -1;
    int r = armed.power ? power_unlink(path) : sys_real()->unlink(path);
    int error = errno;
    struck(CALL_UNLINK);
    errno = error;
    return r;
}

static int f_mkdir(const char *path, mode_t mode)
{
    if (strike(CALL_MKDIR)) return -1;
    int r = armed.power ? power_mkdir(path, mode) : sys_real()->mkdir(path, mode);
    int error = errno;
    struck(CALL_MKDIR);
    errno = error;
    return r;
}

void sys_fault_install(void)
{
    struct sys_table *t = sys_table();
    t->open = f_open, t->read = f_read, t->write = f_write, t->pread = f_pread, t->pwrite = f_pwrite;
    t->fsync = t->fdatasync = f_sync, t->ftruncate = f_ftruncate, t->fstat = f_fstat, t->stat = f_stat;
    t->lstat = f_lstat, t->rename = f_rename, t->link = f_link, t->unlink = f_unlink, t->mkdir = f_mkdir;
    t->opendir = f_opendir, t->readdir = f_readdir, t->random = f_random;
}

static void arm(enum what what, unsigned calls, uint64_t n)
{
    armed.what = NOTHING;
    armed.calls = calls;
    armed.at = n;
    armed.for_ever = armed.power = false;
    atomic_store(&armed.seen, 0);
    atomic_store(&armed.fired, false);
    atomic_store(&armed.first, CALL_COUNT);
    armed.what = what;
}

void sys_fault_fail(unsigned calls, uint64_t n, bool for_ever, int error)
{
    arm(FAIL, calls, n);
    armed.for_ever = for_ever;
    armed.error = error;
}

void sys_fault_lose_sync(uint64_t n)
{
    arm(FAIL, BIT(CALL_SYNC), n);
    armed.error = EIO;
    armed.power = true;
}

void sys_fault_kill(uint64_t n, bool after, bool power)
{
    arm(after ? KILL_AFTER : KILL_BEFORE, CALLS_DURABLE, n);
    armed.power = power;
}

/* The counts of what was armed can still be asked for. */
void sys_fault_off(void) { armed.what = NOTHING; }

uint64_t sys_fault_seen(void) { return atomic_load(&armed.seen); }
bool sys_fault_fired(void) { return atomic_load(&armed.fired); }
enum fcall sys_fault_first(void) { return atomic_load(&armed.first); }
