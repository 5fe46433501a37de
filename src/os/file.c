/* Whole file operations over the system table. Durability rules live here, once. */
#include "os/file.h"

#include <errno.h>
#include <stdio.h>

#include "base/intmath.h"
#include "base/limits.h"
#include "os/clock.h"

void fd_close(int *fd)
{
    if (*fd >= 0) sys()->close(*fd);
    *fd = -1;
}

enum err file_open(const char *path, int flags, mode_t mode, int *ret_fd)
{
    int fd;
    do fd = sys()->open(path, flags, mode);
    while (fd < 0 && errno == EINTR);
    if (fd < 0) return sys_err(errno);
    *ret_fd = fd;
    return ERR_OK;
}

enum err file_pread(int fd, void *buf, size_t n, uint64_t off, size_t *ret_n)
{
    char *p = buf;
    size_t done = 0;
    while (done < n) {
        ssize_t got = sys()->pread(fd, p + done, n - done, (off_t)(off + done));
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return sys_err(errno);
        if (got == 0) break;
        done += (size_t)got;
    }
    *ret_n = done;
    return ERR_OK;
}

enum err file_pread_now(int fd, void *buf, size_t n, uint64_t off, size_t *ret_n)
{
    struct iovec iov = {buf, n};
    ssize_t got = sys()->preadv2(fd, &iov, 1, (off_t)off, RWF_NOWAIT);
    if (got < 0) return errno == EAGAIN || errno == EOPNOTSUPP || errno == EINTR ? ERR_BUSY : sys_err(errno);
    *ret_n = (size_t)got;
    return ERR_OK;
}

enum err file_pread_all(int fd, void *buf, size_t n, uint64_t off)
{
    size_t got = 0;
    TRY(file_pread(fd, buf, n, off, &got));
    return got == n ? ERR_OK : ERR_CORRUPT;
}

enum err file_pwrite_all(int fd, const void *buf, size_t n, uint64_t off)
{
    const char *p = buf;
    while (n) {
        ssize_t put = sys()->pwrite(fd, p, n, (off_t)off);
        if (put < 0 && errno == EINTR) continue;
        if (put < 0) return sys_err(errno);
        if (put == 0) return ERR_NOSPACE;
        p += put;
        off += (uint64_t)put;
        n -= (size_t)put;
    }
    return ERR_OK;
}

enum err file_write_all(int fd, const void *buf, size_t n)
{
    const char *p = buf;
    while (n) {
        ssize_t put = sys()->write(fd, p, n);
        if (put < 0 && errno == EINTR) continue;
        if (put < 0) return sys_err(errno);
        p += put;
        n -= (size_t)put;
    }
    return ERR_OK;
}

enum err file_read(int fd, void *buf, size_t n, size_t *ret_n)
{
    for (;;) {
        ssize_t got = sys()->read(fd, buf, n);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return sys_err(errno);
        *ret_n = (size_t)got;
        return ERR_OK;
    }
}

/* A failed fsync is final: the kernel may have dropped the dirty pages, so it is never tried again. */
enum err file_sync(int fd)
{
    return sys()->fsync(fd) == 0 ? ERR_OK : sys_err(errno);
}

enum err file_datasync(int fd)
{
    return sys()->fdatasync(fd) == 0 ? ERR_OK : sys_err(errno);
}

enum err file_size(int fd, uint64_t *ret)
{
    struct stat st;
    if (sys()->fstat(fd, &st) != 0) return sys_err(errno);
    *ret = (uint64_t)st.st_size;
    return ERR_OK;
}

enum err file_truncate(int fd, uint64_t size)
{
    int r;
    do r = sys()->ftruncate(fd, (off_t)size);
    while (r < 0 && errno == EINTR);
    return r == 0 ? ERR_OK : sys_err(errno);
}

enum err dir_sync(const char *path)
{
    CLEANUP(fd_close) int fd = -1;
    TRY(file_open(path, O_RDONLY | O_DIRECTORY, 0, &fd));
    return file_sync(fd);
}

/* Path of the directory that holds `path`. */
static enum err parent_of(const char *path, struct buf *ret)
{
    struct slice s = slice_cstr(path);
    while (s.len > 1 && s.ptr[s.len - 1] == '/') s.len--;
    while (s.len && s.ptr[s.len - 1] != '/') s.len--;
    while (s.len > 1 && s.ptr[s.len - 1] == '/') s.len--;
    return buf_put(ret, s.len ? s : SLICE("."));
}

static enum err sync_parent(const char *path)
{
    CLEANUP(buf_done) struct buf parent = BUF_INIT(LIMIT_PATH_BYTES * 4);
    const char *dir = NULL;
    TRY(parent_of(path, &parent));
    TRY(buf_cstr(&parent, &dir));
    return dir_sync(dir);
}

static enum err make_one(const char *path)
{
    struct stat st;
    if (sys()->mkdir(path, 0700) == 0) return sync_parent(path);
    if (errno != EEXIST) return sys_err(errno);
    if (sys()->stat(path, &st) != 0) return sys_err(errno);
    if (S_ISDIR(st.st_mode)) return ERR_OK;
    errno = ENOTDIR;
    return ERR_EXISTS;
}

enum err dir_make(const char *path)
{
    CLEANUP(buf_done) struct buf part = BUF_INIT(LIMIT_PATH_BYTES * 4);
    struct stat st;
    if (sys()->stat(path, &st) == 0 && S_ISDIR(st.st_mode)) return ERR_OK;
    struct slice s = slice_cstr(path);
    for (size_t i = 1; i <= s.len; i++) {
        const char *p = NULL;
        if (i < s.len && s.ptr[i] != '/') continue;
        buf_reset(&part);
        TRY(buf_put(&part, slice_sub(s, 0, i)));
        TRY(buf_cstr(&part, &p));
        TRY(make_one(p));
    }
    return ERR_OK;
}

enum err file_read_all(const char *path, struct buf *out)
{
    CLEANUP(fd_close) int fd = -1;
    TRY(file_open(path, O_RDONLY, 0, &fd));
    for (;;) {
        size_t got = 0;
        if (out->len == out->max) {
            char one;
            TRY(file_read(fd, &one, 1, &got));
            return got ? ERR_TOO_LARGE : ERR_OK;
        }
        size_t room = MIN(out->max - out->len, (size_t)65536);
        TRY(buf_reserve(out, room));
        TRY(file_read(fd, out->ptr + out->len, room, &got));
        if (got == 0) return ERR_OK;
        out->len += got;
    }
}

static enum err write_synced(const char *path, struct slice content, mode_t mode)
{
    CLEANUP(fd_close) int fd = -1;
    TRY(file_open(path, O_WRONLY | O_CREAT | O_EXCL, mode, &fd));
    TRY(file_write_all(fd, content.ptr, content.len));
    return file_sync(fd);
}

static enum err publish(const char *temp, const char *path, bool replace)
{
    /* link() refuses to replace, which rename() does not. */
    int r = replace ? sys()->rename(temp, path) : sys()->link(temp, path);
    if (r != 0) return sys_err(errno);
    return sync_parent(path);
}

static enum err write_file(const char *path, struct slice content, mode_t mode, bool replace)
{
    CLEANUP(buf_done) struct buf name = BUF_INIT(LIMIT_PATH_BYTES * 4);
    const char *temp = NULL;
    uint64_t tag = 0;
    TRY(os_random(&tag, sizeof tag));
    TRY(buf_printf(&name, "%s.%016llx.tmp", path, (unsigned long long)tag));
    TRY(buf_cstr(&name, &temp));
    enum err e = write_synced(temp, content, mode);
    if (e == ERR_OK) e = publish(temp, path, replace);
    int saved = errno;
    if (e != ERR_OK || !replace) sys()->unlink(temp);
    errno = saved;
    return e;
}

enum err file_replace(const char *path, struct slice content, mode_t mode)
{
    return write_file(path, content, mode, true);
}

enum err file_create(const char *path, struct slice content, mode_t mode)
{
    return write_file(path, content, mode, false);
}

enum err file_remove(const char *path)
{
    if (sys()->unlink(path) != 0) return sys_err(errno);
    return sync_parent(path);
}
