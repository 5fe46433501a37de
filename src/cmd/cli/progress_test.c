/* progress: what a line says, cutting to the width, the smoothed speed. */
#include "cmd/cli/progress.h"

#include "lib/test.h"

static void check_line(const struct progress_view *v, unsigned width, const char *want)
{
    CLEANUP(buf_done) struct buf out = BUF_INIT(1024);
    CHECK_OK(progress_print(&out, v, width));
    CHECK_SLICE(buf_view(&out), slice_cstr(want));
}

TEST(progress_lines)
{
    struct progress_view v = {.done = 1300000000, .total = 3100000000, .rate = 118200000, .files_done = 3, .files = 12};
    check_line(&v, 200, " 41 %  1.3 GB of 3.1 GB  118.2 MB/s  16 s left  files 3/12");
    v.tries = 3;
    v.tries_max = 50;
    v.stalled_s = 12;
    check_line(&v, 200, " 41 %  1.3 GB of 3.1 GB  stalled 12 s – retrying 3/50  files 3/12");
    check_line(&v, 41, " 41 %  1.3 GB of 3.1 GB  stalled 12 s – r");
    check_line(&v, 0, "");
    struct progress_view done = {.done = 5, .total = 5, .rate = 5, .files_done = 1, .files = 1};
    check_line(&done, 200, "100 %  5 B of 5 B  5 B/s");
    struct progress_view empty = {.files = 1};
    check_line(&empty, 200, "100 %  0 B of 0 B");
    struct progress_view unknown = {.done = 2000, .total = UINT64_MAX, .rate = 1000, .files = 1};
    check_line(&unknown, 200, "2 kB  1 kB/s");
    struct progress_view huge = {.done = UINT64_MAX - 1, .total = UINT64_MAX - 1, .files = 1};
    CLEANUP(buf_done) struct buf out = BUF_INIT(1024);
    CHECK_OK(progress_print(&out, &huge, 80));
}

TEST(progress_speed)
{
    struct progress_rate r = {0};
    progress_rate_add(&r, 0, 1000);
    progress_rate_add(&r, 1000, 2000);
    CHECK_U64((uint64_t)r.bytes_per_s, 1000);
    progress_rate_add(&r, 1000, 2000); /* no time passed */
    CHECK_U64((uint64_t)r.bytes_per_s, 1000);
    progress_rate_add(&r, 1000, 3000); /* a stop slows it, gently */
    CHECK(r.bytes_per_s > 700 && r.bytes_per_s < 800);
    for (int i = 0; i < 60; i++) progress_rate_add(&r, 1000, 4000 + i * 1000);
    CHECK(r.bytes_per_s < 1);
    progress_rate_add(&r, 0, 100000); /* a retry takes bytes back */
    CHECK(r.bytes_per_s >= 0);
}

TEST(progress_lifecycle)
{
    struct progress *p = NULL;
    CHECK_OK(progress_start(PROGRESS_NONE, 10, 1, &p));
    progress_add(p, 5);
    progress_flight(p, 0, 3);
    progress_flight(p, 1000, 3);
    progress_file(p);
    progress_stall(p, 0, 1, 50);
    progress_stop(p);
    progress_stop(NULL);
    progress_add(NULL, 1);
    test_fail_alloc(0, true);
    CHECK_ERR(progress_start(PROGRESS_NONE, 10, 1, &p), ERR_NOMEM);
}
