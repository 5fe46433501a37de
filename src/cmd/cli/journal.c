/* Append-only JSON lines for resuming and for history. */
#include "cmd/cli/journal.h"

#include <errno.h>
#include <sys/file.h>

#include "base/mem.h"
#include "os/file.h"
#include "os/thread.h"

struct journal {
    int fd;
    struct buf path;
    const char *path_cstr;
    struct mutex lock; /* guards appends */
};

void journal_close(struct journal *j)
{
    if (!j) return;
    fd_close(&j->fd);
    buf_done(&j->path);
    mutex_done(&j->lock);
    mem_free(j);
}

void journal_cleanup(struct journal **j) { journal_close(*j); }

static enum err lock(struct journal *j, bool wait)
{
    int r;
    do r = sys()->flock(j->fd, LOCK_EX | (wait ? 0 : LOCK_NB));
    while (r != 0 && errno == EINTR && wait);
    if (r == 0) return ERR_OK;
    return errno == EWOULDBLOCK ? ERR_BUSY : sys_err(errno);
}

static enum err read_lines(struct ctx *c, struct journal *j, journal_line_fn *each, void *arg)
{
    CLEANUP(buf_done) struct buf text = BUF_INIT(JOURNAL_MAX);
    TRY(file_read_all(j->path_cstr, &text));
    struct slice rest = buf_view(&text);
    uint64_t whole = 0;
    while (slice_find(rest, '\n') < rest.len) {
        struct slice line = slice_cut(&rest, '\n');
        whole += line.len + 1;
        if (each) TRY(each(arg, c, line));
    }
    return rest.len ? file_truncate(j->fd, whole) : ERR_OK;
}

enum err journal_open(struct ctx *c, const char *path, bool wait, journal_line_fn *each, void *arg, struct journal **ret)
{
    CLEANUP(journal_cleanup) struct journal *j = MEM_NEW(struct journal);
    if (!j) return fail(c, ERR_NOMEM, "journal");
    j->fd = -1;
    mutex_init(&j->lock);
    j->path = BUF_INIT(16384);
    TRY(buf_put_cstr(&j->path, path));
    TRY(buf_cstr(&j->path, &j->path_cstr));
    enum err e = file_open(path, O_RDWR | O_CREAT | O_APPEND | O_NOFOLLOW, 0600, &j->fd);
    if (e != ERR_OK) return fail(c, e, "cannot open '%s': %s", path, err_text(e));
    e = lock(j, wait);
    if (e == ERR_BUSY) return refuse(c, e, "in_use", "'%s' is in use by another sealdrop", path);
    if (e == ERR_OK) e = read_lines(c, j, each, arg);
    if (e != ERR_OK) return c->err == e ? e : fail(c, e, "cannot read '%s': %s", path, err_text(e));
    *ret = TAKE(j);
    return ERR_OK;
}

enum err journal_append(struct ctx *c, struct journal *j, const struct json_table *t, const void *obj, bool durable)
{
    CLEANUP(buf_done) struct buf line = BUF_INIT(1u << 20);
    line.sensitive = true;
    enum err e = json_encode(&line, t, obj);
    if (e == ERR_OK) e = buf_putc(&line, '\n');
    GUARD(&j->lock);
    if (e == ERR_OK) e = file_write_all(j->fd, line.ptr, line.len);
    if (e == ERR_OK && durable) e = file_datasync(j->fd);
    return e == ERR_OK ? e : fail(c, e, "cannot write '%s': %s", j->path_cstr, err_text(e));
}

enum err journal_clear(struct ctx *c, struct journal *j)
{
    GUARD(&j->lock);
    enum err e = file_truncate(j->fd, 0);
    return e == ERR_OK ? e : fail(c, e, "cannot empty '%s': %s", j->path_cstr, err_text(e));
}

void journal_remove(struct journal *j)
{
    if (!j) return;
    sys()->unlink(j->path_cstr);
    journal_close(j);
}
