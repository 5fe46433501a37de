/* sys: the one table of system calls, clock and randomness through which everything above goes.
 *
 * Tests replace entries (sys_table() is writable) to fail the n-th call, stop at a durable point, or turn the clock.
 * Every entry has the contract of the libc function of its name: -1 and errno on failure, EINTR possible.
 * The table must be changed only while no other thread runs. */
#ifndef SEALDROP_OS_SYS_H
#define SEALDROP_OS_SYS_H

#include <dirent.h>
#include <fcntl.h>
#include <netdb.h>
#include <stdint.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/err.h"

struct sys_table {
    int (*open)(const char *path, int flags, mode_t mode);
    int (*close)(int fd);
    ssize_t (*read)(int fd, void *buf, size_t n);
    ssize_t (*write)(int fd, const void *buf, size_t n);
    ssize_t (*pread)(int fd, void *buf, size_t n, off_t off);
    ssize_t (*pwrite)(int fd, const void *buf, size_t n, off_t off);
    ssize_t (*preadv2)(int fd, const struct iovec *iov, int n, off_t off, int flags);
    int (*fsync)(int fd);
    int (*fdatasync)(int fd);
    int (*sync_file_range)(int fd, off64_t off, off64_t n, unsigned flags);
    int (*ftruncate)(int fd, off_t len);
    int (*fstat)(int fd, struct stat *st);
    int (*stat)(const char *path, struct stat *st);
    int (*lstat)(const char *path, struct stat *st);
    int (*statvfs)(const char *path, struct statvfs *st);
    int (*rename)(const char *from, const char *to);
    int (*link)(const char *from, const char *to);
    int (*unlink)(const char *path);
    int (*mkdir)(const char *path, mode_t mode);
    int (*rmdir)(const char *path);
    int (*chmod)(const char *path, mode_t mode);
    int (*flock)(int fd, int op);
    int (*utimensat)(int dir, const char *path, const struct timespec t[2], int flags);
    DIR *(*opendir)(const char *path);
    struct dirent *(*readdir)(DIR *d);
    int (*closedir)(DIR *d);
    int (*socket)(int domain, int type, int protocol);
    int (*bind)(int fd, const struct sockaddr *a, socklen_t n);
    int (*listen)(int fd, int backlog);
    int (*accept4)(int fd, struct sockaddr *a, socklen_t *n, int flags);
    int (*connect)(int fd, const struct sockaddr *a, socklen_t n);
    int (*setsockopt)(int fd, int level, int name, const void *v, socklen_t n);
    int (*getsockname)(int fd, struct sockaddr *a, socklen_t *n);
    ssize_t (*recv)(int fd, void *buf, size_t n, int flags);
    ssize_t (*send)(int fd, const void *buf, size_t n, int flags);
    int (*shutdown)(int fd, int how);
    int (*epoll_create1)(int flags);
    int (*epoll_ctl)(int ep, int op, int fd, struct epoll_event *ev);
    int (*epoll_wait)(int ep, struct epoll_event *ev, int n, int timeout_ms);
    int (*eventfd)(unsigned initial, int flags);
    int64_t (*wall_ms)(void); /* milliseconds since 1970, UTC */
    int64_t (*mono_ms)(void); /* monotonic milliseconds; never jumps */
    int (*random)(void *buf, size_t n); /* cryptographic; 0 or -1 */
};

/* The table in force. Call through it: sys()->pwrite(...). */
extern struct sys_table sys_now;
static inline const struct sys_table *sys(void)
{
    return &sys_now;
}
/* For tests: the table, writable; and the real one to restore. */
struct sys_table *sys_table(void);
const struct sys_table *sys_real(void);

/* The err for an errno: ENOSPC/EDQUOT NOSPACE, ENOENT NOT_FOUND, EEXIST EXISTS, EACCES/EPERM DENIED, ENOMEM NOMEM,
 * EMFILE/ENFILE BUSY, ECONNRESET/EPIPE CLOSED, ETIMEDOUT TIMEOUT, else IO. */
enum err sys_err(int errno_value);

#endif
