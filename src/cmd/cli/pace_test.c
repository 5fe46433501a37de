/* Paths of several kinds, and how many workers come of it. */
#include "cmd/cli/pace.h"

#include "base/intmath.h"
#include "lib/test.h"

/* What a path moves that gives each worker `each` and all together `most`. */
static uint64_t path(unsigned workers, uint64_t each, uint64_t most) { return MIN(workers * each, most); }

static unsigned settle(struct pace *p, uint64_t each, uint64_t most, unsigned spans)
{
    for (unsigned i = 0; i < spans; i++) pace_next(p, path(p->workers, each, most));
    return p->workers;
}

TEST(pace_grows_while_it_brings_more)
{
    struct pace p;
    pace_start(&p, 4, 12);
    CHECK_U64(settle(&p, 100, UINT64_MAX, 6), 12);
    CHECK_U64(settle(&p, 100, UINT64_MAX, 50), 12);
}

TEST(pace_stays_where_more_bring_nothing)
{
    struct pace p;
    pace_start(&p, 4, 12);
    for (unsigned i = 0; i < 100; i++) {
        unsigned n = pace_next(&p, path(p.workers, 100, 300));
        CHECK(n == 4 || n == 6);
    }
    /* It looks seldom: most of the time it rests at what was enough. */
    unsigned rests = 0;
    for (unsigned i = 0; i < 100; i++) rests += pace_next(&p, path(p.workers, 100, 300)) == 4;
    CHECK(rests > 80);
}

TEST(pace_finds_the_knee)
{
    struct pace p;
    pace_start(&p, 4, 12);
    settle(&p, 100, 800, 8);
    CHECK(p.workers >= 8 && p.workers <= 10);
}

TEST(pace_gives_way_when_the_path_breaks_down)
{
    struct pace p;
    pace_start(&p, 4, 12);
    settle(&p, 100, UINT64_MAX, 10);
    CHECK_U64(p.workers, 12);
    for (unsigned i = 0; i < 4; i++) pace_next(&p, 1000ull >> (2 * i));
    CHECK(p.workers < 12);
    for (unsigned i = 0; i < 200; i++) CHECK(pace_next(&p, 0) >= 2);
}

TEST(pace_never_past_its_bounds)
{
    struct pace p;
    pace_start(&p, 4, 3);
    for (unsigned i = 0; i < 100; i++) {
        unsigned n = pace_next(&p, i * 1000);
        CHECK(n >= 1 && n <= 3);
    }
}
