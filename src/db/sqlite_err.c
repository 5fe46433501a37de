/* SQLite at its edges: what its result codes mean to us, and its file system calls through the table of os/sys.h. */
#include <pthread.h>
#include <sqlite3.h>

#include "base/assert.h"
#include "db/db_impl.h"
#include "os/sys.h"

static enum err constraint_err(int code)
{
    switch (code) {
    case SQLITE_CONSTRAINT_UNIQUE:
    case SQLITE_CONSTRAINT_PRIMARYKEY:
    case SQLITE_CONSTRAINT_ROWID: return ERR_EXISTS;
    case SQLITE_CONSTRAINT_FOREIGNKEY: return ERR_NOT_FOUND;
    default: return ERR_INVALID;
    }
}

enum err db_sqlite_err(int code, bool *ret_retry)
{
    *ret_retry = false;
    if (code == SQLITE_IOERR_NOMEM) return ERR_NOMEM;
    switch (code & 0xff) {
    case SQLITE_OK:
    case SQLITE_ROW:
    case SQLITE_DONE: return ERR_OK;
    case SQLITE_BUSY:
    case SQLITE_LOCKED: *ret_retry = true; return code == SQLITE_BUSY_SNAPSHOT ? ERR_CONFLICT : ERR_BUSY;
    case SQLITE_CONSTRAINT: return constraint_err(code);
    case SQLITE_NOMEM: return ERR_NOMEM;
    case SQLITE_FULL: return ERR_NOSPACE;
    case SQLITE_IOERR:
    case SQLITE_CANTOPEN: return ERR_IO;
    case SQLITE_PERM:
    case SQLITE_AUTH: return ERR_DENIED;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB: return ERR_CORRUPT;
    case SQLITE_TOOBIG: return ERR_TOO_LARGE;
    case SQLITE_INTERRUPT: return ERR_CANCELLED;
    default: return ERR_INTERNAL;
    }
}

/* The table is looked up at each call, so that a test may change it between calls. */
static int via_open(const char *path, int flags, int mode) { return sys()->open(path, flags, (mode_t)mode); }
static int via_close(int fd) { return sys()->close(fd); }
static int via_fstat(int fd, struct stat *st) { return sys()->fstat(fd, st); }
static int via_stat(const char *path, struct stat *st) { return sys()->stat(path, st); }
static int via_ftruncate(int fd, off_t len) { return sys()->ftruncate(fd, len); }
static ssize_t via_read(int fd, void *buf, size_t n) { return sys()->read(fd, buf, n); }
static ssize_t via_write(int fd, const void *buf, size_t n) { return sys()->write(fd, buf, n); }
static ssize_t via_pread(int fd, void *buf, size_t n, off_t off) { return sys()->pread(fd, buf, n, off); }
static ssize_t via_pwrite(int fd, const void *buf, size_t n, off_t off) { return sys()->pwrite(fd, buf, n, off); }
static int via_unlink(const char *path) { return sys()->unlink(path); }

static void replace_calls(void)
{
    /* fsync and fdatasync are not in SQLite's own table: the tests interpose those (db_sqlite_sys.c). */
    static const struct {
        const char *name;
        sqlite3_syscall_ptr fn;
    } calls[] = {
        {"open", (sqlite3_syscall_ptr)via_open},       {"close", (sqlite3_syscall_ptr)via_close},
        {"fstat", (sqlite3_syscall_ptr)via_fstat},     {"stat", (sqlite3_syscall_ptr)via_stat},
        {"read", (sqlite3_syscall_ptr)via_read},       {"ftruncate", (sqlite3_syscall_ptr)via_ftruncate},
        {"write", (sqlite3_syscall_ptr)via_write},     {"pread", (sqlite3_syscall_ptr)via_pread},
        {"pread64", (sqlite3_syscall_ptr)via_pread},   {"pwrite", (sqlite3_syscall_ptr)via_pwrite},
        {"pwrite64", (sqlite3_syscall_ptr)via_pwrite}, {"unlink", (sqlite3_syscall_ptr)via_unlink},
    };
    sqlite3_vfs *vfs = sqlite3_vfs_find("unix");
    ASSERT(vfs && vfs->iVersion >= 3);
    for (size_t i = 0; i < sizeof calls / sizeof calls[0]; i++)
        ASSERT(vfs->xSetSystemCall(vfs, calls[i].name, calls[i].fn) == SQLITE_OK);
}

void db_sqlite_use_sys(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, replace_calls);
}
