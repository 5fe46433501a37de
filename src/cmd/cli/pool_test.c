/* pool: everything is done once, open items stay few, the first error is the result, halting stops. Run under TSan too. */
#include "cmd/cli/pool.h"

#include "lib/test.h"
#include "os/thread.h"

#define ITEMS 300u
#define PARTS_MAX 7u

struct fake {
    atomic_bool halt;
    atomic_uint opened[ITEMS], closed[ITEMS], parts[ITEMS][PARTS_MAX];
    atomic_uint open_now, open_most, started, stopped;
    size_t fail_open, fail_part, fail_close; /* item that fails; ITEMS: none */
    enum err fail_start;
    size_t halt_at;
    atomic_uint done;
};

static uint64_t parts_of(size_t item) { return item % (PARTS_MAX + 1); }

/* Parts that were done: only as many workers work as that has use for. */
static uint64_t f_moved(void *arg) { return atomic_load(&((struct fake *)arg)->done); }
static enum err f_start(void *arg, struct worker *w)
{
    struct fake *f = arg;
    (void)w;
    atomic_fetch_add(&f->started, 1);
    return f->fail_start;
}
static void f_stop(void *arg, struct worker *w)
{
    struct fake *f = arg;
    (void)w;
    atomic_fetch_add(&f->stopped, 1);
}
static enum err f_open(void *arg, struct worker *w, size_t item, uint64_t *ret)
{
    struct fake *f = arg;
    if (item == f->fail_open) return refuse(&w->ctx, ERR_QUOTA, "quota_exceeded", "item %zu does not fit", item);
    if (item == f->halt_at) atomic_store(&f->halt, true);
    unsigned now = atomic_fetch_add(&f->open_now, 1) + 1, most = atomic_load(&f->open_most);
    while (now > most && !atomic_compare_exchange_weak(&f->open_most, &most, now)) continue;
    atomic_fetch_add(&f->opened[item], 1);
    *ret = parts_of(item);
    return ERR_OK;
}
static bool f_have(void *arg, size_t item, uint64_t part)
{
    (void)arg;
    return item % 10 == 3 && part == 1;
}
static enum err f_part(void *arg, struct worker *w, size_t item, uint64_t part)
{
    struct fake *f = arg;
    if (item == f->fail_part) return fail(&w->ctx, ERR_CORRUPT, "bad");
    atomic_fetch_add(&f->parts[item][part], 1);
    atomic_fetch_add(&f->done, 1);
    return ERR_OK;
}
static enum err f_close(void *arg, struct worker *w, size_t item)
{
    struct fake *f = arg;
    atomic_fetch_sub(&f->open_now, 1);
    if (item == f->fail_close) return fail(&w->ctx, ERR_CLOSED, "gone");
    for (uint64_t part = 0; part < parts_of(item); part++)
        if (!f_have(arg, item, part) && atomic_load(&f->parts[item][part]) != 1) return fail(&w->ctx, ERR_INTERNAL, "early");
    atomic_fetch_add(&f->closed[item], 1);
    return ERR_OK;
}

static enum err run(struct ctx *c, struct fake *f, unsigned workers)
{
    struct pool_job job = {.arg = f, .items = ITEMS, .workers = workers, .halt = &f->halt, .moved = f_moved, .start = f_start,
                           .stop = f_stop, .open = f_open, .have = f_have, .part = f_part, .close = f_close};
    return pool_run(c, &job);
}

static struct fake *quiet(void)
{
    static struct fake f;
    memset(&f, 0, sizeof f);
    f.fail_open = f.fail_part = f.fail_close = f.halt_at = ITEMS;
    return &f;
}

TEST(pool_does_everything_once)
{
    for (unsigned workers = 1; workers <= POOL_WORKERS_MAX; workers++) {
        CLEANUP(ctx_done) struct ctx c;
        struct fake *f = quiet();
        ctx_init(&c, 65536);
        CHECK_OK(run(&c, f, workers));
        for (size_t i = 0; i < ITEMS; i++) CHECK(f->opened[i] == 1 && f->closed[i] == 1);
        for (size_t i = 0; i < ITEMS; i++)
            for (uint64_t part = 0; part < parts_of(i); part++) CHECK(f->parts[i][part] == !f_have(f, i, part));
        CHECK(f->started == workers && f->stopped == workers && f->open_most <= 2 * workers);
    }
}

TEST(pool_first_error_wins_and_stops)
{
    CLEANUP(ctx_done) struct ctx c;
    ctx_init(&c, 65536);
    struct fake *f = quiet();
    f->fail_open = 100;
    CHECK_ERR(run(&c, f, 4), ERR_QUOTA);
    CHECK(strcmp(c.err_code, "quota_exceeded") == 0 && strcmp(c.err_detail, "item 100 does not fit") == 0);
    CHECK(f->halt && f->opened[ITEMS - 1] == 0 && f->stopped == 4);
    f = quiet();
    f->fail_part = 50;
    CHECK_ERR(run(&c, f, 4), ERR_CORRUPT);
    f = quiet();
    f->fail_close = 8; /* an item without parts */
    CHECK_ERR(run(&c, f, 2), ERR_CLOSED);
    f = quiet();
    f->fail_start = ERR_NOMEM;
    CHECK_ERR(run(&c, f, 3), ERR_NOMEM);
    CHECK(f->started == 3 && f->stopped == 3);
}

TEST(pool_halt_is_cancelled)
{
    CLEANUP(ctx_done) struct ctx c;
    ctx_init(&c, 65536);
    struct fake *f = quiet();
    f->halt_at = 20;
    CHECK_ERR(run(&c, f, 4), ERR_CANCELLED);
    /* What fails because of the halt does not hide it. */
    f = quiet();
    f->halt_at = f->fail_close = 16;
    CHECK_ERR(run(&c, f, 1), ERR_CANCELLED);
}

TEST(pool_no_memory)
{
    for (uint64_t n = 0; n < 100; n++) {
        CLEANUP(ctx_done) struct ctx c;
        struct fake *f = quiet();
        ctx_init(&c, 65536);
        test_fail_alloc(n, false);
        enum err e = run(&c, f, 2);
        bool fired = test_alloc_fired();
        test_fail_alloc(UINT64_MAX, false);
        CHECK(fired ? e == ERR_NOMEM || e == ERR_BUSY || e == ERR_OK : e == ERR_OK);
        if (!fired) return;
    }
    CHECK(false);
}
