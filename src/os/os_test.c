/* os: files that survive, injected failures, threads. */
#include "os/file.h"

#include <errno.h>

#include "base/limits.h"
#include "lib/test.h"
#include "os/clock.h"
#include "os/thread.h"

static const char *path_in(const char *dir, const char *name)
{
    static char path[256];
    snprintf(path, sizeof path, "%s/%s", dir, name);
    return path;
}

TEST(file_replace_and_create)
{
    const char *p = path_in(test_dir(), "f");
    CLEANUP(buf_done) struct buf b = BUF_INIT(100);
    CHECK_OK(file_replace(p, SLICE("one"), 0600));
    CHECK_OK(file_replace(p, SLICE("two"), 0600));
    CHECK_ERR(file_create(p, SLICE("three"), 0600), ERR_EXISTS);
    CHECK_OK(file_read_all(p, &b));
    CHECK_SLICE(buf_view(&b), SLICE("two"));
    b.max = 4;
    CHECK_ERR(file_read_all(p, &b), ERR_TOO_LARGE);
    CHECK_OK(file_remove(p));
    CHECK_ERR(file_remove(p), ERR_NOT_FOUND);
}

TEST(dir_make_is_idempotent)
{
    const char *d = test_dir();
    CHECK_OK(dir_make(path_in(d, "a/b/c")));
    CHECK_OK(dir_make(path_in(d, "a/b/c")));
    CHECK_OK(file_create(path_in(d, "a/file"), SLICE(""), 0600));
    CHECK_ERR(dir_make(path_in(d, "a/file/x")), ERR_EXISTS);
}

static int calls;
static ssize_t short_pwrite(int fd, const void *b, size_t n, off_t off)
{
    if (calls++ % 2 == 0) {
        errno = EINTR;
        return -1;
    }
    return sys_real()->pwrite(fd, b, n > 1 ? 1 : n, off);
}
static ssize_t full_write(int fd, const void *b, size_t n)
{
    (void)fd;
    (void)b;
    (void)n;
    errno = ENOSPC;
    return -1;
}

TEST(short_writes_and_eintr_are_finished)
{
    const char *p = path_in(test_dir(), "f");
    CLEANUP(fd_close) int fd = -1;
    char back[5];
    CHECK_OK(file_open(p, O_RDWR | O_CREAT, 0600, &fd));
    sys_table()->pwrite = short_pwrite;
    enum err e = file_pwrite_all(fd, "hello", 5, 3);
    sys_table()->pwrite = sys_real()->pwrite;
    CHECK_OK(e);
    CHECK_OK(file_pread_all(fd, back, 5, 3));
    CHECK_SLICE(slice_of(back, 5), SLICE("hello"));
    CHECK_ERR(file_pread_all(fd, back, 5, 4), ERR_CORRUPT);
}

TEST(failed_replace_leaves_the_old_file)
{
    const char *p = path_in(test_dir(), "f");
    CLEANUP(buf_done) struct buf b = BUF_INIT(100);
    CHECK_OK(file_replace(p, SLICE("old"), 0600));
    sys_table()->write = full_write;
    enum err e = file_replace(p, SLICE("new"), 0600);
    sys_table()->write = sys_real()->write;
    CHECK_ERR(e, ERR_NOSPACE);
    CHECK_OK(file_read_all(p, &b));
    CHECK_SLICE(buf_view(&b), SLICE("old"));
}

struct counter {
    struct mutex m;
    int n;
};
static void count(void *arg)
{
    struct counter *c = arg;
    for (int i = 0; i < 1000; i++) {
        GUARD(&c->m);
        c->n++;
    }
}

TEST(threads_and_guards)
{
    struct counter c = {.n = 0};
    struct thread t[4] = {0};
    mutex_init(&c.m);
    for (int i = 0; i < 4; i++) CHECK_OK(thread_start(&t[i], "count", count, &c));
    for (int i = 0; i < 4; i++) thread_join(&t[i]);
    mutex_done(&c.m);
    CHECK_U64(c.n, 4000);
    CHECK(thread_cores() >= 1);
}

TEST(ids_and_clock)
{
    struct id a, b;
    CHECK_OK(os_new_id(&a));
    CHECK_OK(os_new_id(&b));
    CHECK(!id_eq(a, b) && clock_mono_ms() > 0 && clock_wall_ms() > 1700000000000ll);
    CHECK_U64(sys_err(ENOSPC), ERR_NOSPACE);
}
