/* The real system calls behind the replaceable table. */
#include "os/sys.h"

#include <errno.h>
#include <stdio.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/random.h>
#include <time.h>

static int real_open(const char *path, int flags, mode_t mode)
{
    return open(path, flags | O_CLOEXEC, mode);
}

static int64_t clock_ms(clockid_t id)
{
    struct timespec t = {0};
    clock_gettime(id, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static int64_t real_wall_ms(void) { return clock_ms(CLOCK_REALTIME); }
static int64_t real_mono_ms(void) { return clock_ms(CLOCK_MONOTONIC); }

static int real_random(void *buf, size_t n)
{
    unsigned char *p = buf;
    while (n) {
        ssize_t got = getrandom(p, n, 0);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return -1;
        p += got;
        n -= (size_t)got;
    }
    return 0;
}

#define REAL_CALLS \
    .open = real_open, \
    .close = close, \
    .read = read, \
    .write = write, \
    .pread = pread, \
    .pwrite = pwrite, \
    .preadv2 = preadv2, \
    .fsync = fsync, \
    .fdatasync = fdatasync, \
    .sync_file_range = sync_file_range, \
    .ftruncate = ftruncate, \
    .fstat = fstat, \
    .stat = stat, \
    .lstat = lstat, \
    .statvfs = statvfs, \
    .rename = rename, \
    .link = link, \
    .unlink = unlink, \
    .mkdir = mkdir, \
    .rmdir = rmdir, \
    .chmod = chmod, \
    .flock = flock, \
    .utimensat = utimensat, \
    .opendir = opendir, \
    .readdir = readdir, \
    .closedir = closedir, \
    .socket = socket, \
    .bind = bind, \
    .listen = listen, \
    .accept4 = accept4, \
    .connect = connect, \
    .setsockopt = setsockopt, \
    .getsockname = getsockname, \
    .recv = recv, \
    .send = send, \
    .shutdown = shutdown, \
    .epoll_create1 = epoll_create1, \
    .epoll_ctl = epoll_ctl, \
    .epoll_wait = epoll_wait, \
    .eventfd = eventfd, \
    .wall_ms = real_wall_ms, \
    .mono_ms = real_mono_ms, \
    .random = real_random,

static const struct sys_table real = {REAL_CALLS};
struct sys_table sys_now = {REAL_CALLS};

struct sys_table *sys_table(void) { return &sys_now; }
const struct sys_table *sys_real(void) { return &real; }

enum err sys_err(int errno_value)
{
    switch (errno_value) {
    case ENOSPC:
    case EDQUOT: return ERR_NOSPACE;
    case ENOENT: return ERR_NOT_FOUND;
    case EEXIST:
    case ENOTEMPTY: return ERR_EXISTS;
    case EACCES:
    case EPERM:
    case EROFS: return ERR_DENIED;
    case ENOMEM: return ERR_NOMEM;
    case EMFILE:
    case ENFILE: return ERR_BUSY;
    case ECONNRESET:
    case EPIPE:
    case ECONNREFUSED: return ERR_CLOSED;
    case ETIMEDOUT: return ERR_TIMEOUT;
    default: return ERR_IO;
    }
}
