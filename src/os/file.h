/* Files and directories: whole operations over the system table, EINTR and short transfers handled.
 *
 * Errors are sys_err() of the failing call (errno stays set), plus what each function names. Thread-safe. */
#ifndef SEALDROP_OS_FILE_H
#define SEALDROP_OS_FILE_H

#include "base/buf.h"
#include "os/sys.h"

/* CLEANUP(fd_close) int fd = -1; closes when >= 0. */
void fd_close(int *fd);
MUST_USE enum err file_open(const char *path, int flags, mode_t mode, int *ret_fd);
/* All n bytes or an error; ERR_CORRUPT when the file ends early. */
MUST_USE enum err file_pread_all(int fd, void *buf, size_t n, uint64_t off);
/* Up to n bytes (fewer only at the end of the file). */
MUST_USE enum err file_pread(int fd, void *buf, size_t n, uint64_t off, size_t *ret_n);
/* What of it is in memory, at once; ERR_BUSY when the disk would have to be asked (or the file system cannot tell). */
MUST_USE enum err file_pread_now(int fd, void *buf, size_t n, uint64_t off, size_t *ret_n);
MUST_USE enum err file_pwrite_all(int fd, const void *buf, size_t n, uint64_t off);
MUST_USE enum err file_write_all(int fd, const void *buf, size_t n);
MUST_USE enum err file_read(int fd, void *buf, size_t n, size_t *ret_n);
MUST_USE enum err file_sync(int fd);
MUST_USE enum err file_datasync(int fd);
MUST_USE enum err file_size(int fd, uint64_t *ret);
MUST_USE enum err file_truncate(int fd, uint64_t size);
/* fsync a directory, so that names made or removed in it are durable. */
MUST_USE enum err dir_sync(const char *path);
/* mkdir -p with mode 0700; parents fsynced. */
MUST_USE enum err dir_make(const char *path);
/* Whole content, at most out->max bytes (ERR_TOO_LARGE). */
MUST_USE enum err file_read_all(const char *path, struct buf *out);
/* Atomic and durable replacement: temporary name, fsync, rename, directory fsync. */
MUST_USE enum err file_replace(const char *path, struct slice content, mode_t mode);
/* The same, but ERR_EXISTS when `path` is there already. */
MUST_USE enum err file_create(const char *path, struct slice content, mode_t mode);
MUST_USE enum err file_remove(const char *path);

#endif
