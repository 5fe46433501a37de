/* cache: the arithmetic of rate limits, and what only the local cache promises: its bound, what gives way, want of memory.
 * What every backend must do is in tests/conformance/cache_suite.c. */
#include <stdio.h>
#include <string.h>

#include "base/intmath.h"
#include "cache/cache_impl.h"
#include "lib/test.h"
#include "os/sys.h"

static void cache_done(struct cache **c) { cache_close(*c); }

static struct slice key_of(unsigned n)
{
    static char text[32];
    int len = snprintf(text, sizeof text, "key %u", n);
    return slice_of(text, (size_t)len);
}

TEST(gcra_spreads_evenly)
{
    static const struct cache_rate_rule rule = {.burst = 3, .per_ms = 3000};
    static const struct {
        int64_t now_ms;
        enum err want;
        uint32_t after_s;
    } steps[] = {
        {1000, ERR_OK, 0},   {1000, ERR_OK, 0},    {1000, ERR_OK, 0},   {1000, ERR_RATE, 1}, {1999, ERR_RATE, 1},
        {2000, ERR_OK, 0},   {2000, ERR_RATE, 1},  {5000, ERR_OK, 0},   {5000, ERR_OK, 0},   {5000, ERR_OK, 0},
        {5000, ERR_RATE, 1}, {99000, ERR_OK, 0},   {99000, ERR_OK, 0},  {99000, ERR_OK, 0},  {99000, ERR_RATE, 1},
        {98000, ERR_RATE, 1}, {99000, ERR_OK, 0},
    };
    int64_t tat = 0;
    for (size_t i = 0; i < ARRAY_LEN(steps); i++) {
        uint32_t after = 0;
        CHECK_ERR(cache_gcra(&rule, steps[i].now_ms, &tat, &after), steps[i].want);
        CHECK_U64(after, steps[i].after_s);
    }
}

TEST(gcra_tells_how_long_to_wait)
{
    static const struct cache_rate_rule slow = {.burst = 1, .per_ms = 3600 * 1000};
    int64_t tat = 0;
    uint32_t after = 0;
    CHECK_OK(cache_gcra(&slow, 0, &tat, &after));
    CHECK_ERR(cache_gcra(&slow, 1, &tat, &after), ERR_RATE);
    CHECK_U64(after, 3600);
    CHECK_ERR(cache_gcra(&slow, 3600 * 1000 - 1, &tat, &after), ERR_RATE);
    CHECK_U64(after, 1);
    CHECK_OK(cache_gcra(&slow, 3600 * 1000, &tat, &after));
}

TEST(gcra_holds_in_the_long_run)
{
    static const struct cache_rate_rule rules[] = {{7, 1000}, {1, 1}, {1000, 1}, {1000000, 3}, {3, 1000}, {UINT32_MAX, UINT32_MAX}};
    for (size_t i = 0; i < ARRAY_LEN(rules); i++) {
        int64_t tat = 0;
        uint64_t passed = 0;
        uint32_t after = 0;
        for (int64_t now = 5000; now < 15000; now += 10)
            for (int k = 0; k < 20; k++) passed += cache_gcra(&rules[i], now, &tat, &after) == ERR_OK;
        uint64_t most = rules[i].burst + (uint64_t)rules[i].burst * 10000 / rules[i].per_ms;
        CHECK(passed <= MAX(most, 1));
        uint64_t asked = 1000 * MIN((uint64_t)rules[i].burst, 20ull); /* what each round could have used */
        CHECK(passed >= MIN(most, asked) * 9 / 10);
    }
}

TEST(a_clock_set_back_does_not_lock_for_long)
{
    static const struct cache_rate_rule rule = {.burst = 2, .per_ms = 1000};
    int64_t tat = 0;
    uint32_t after = 0;
    CHECK_OK(cache_gcra(&rule, 1000000000, &tat, &after));
    CHECK_ERR(cache_gcra(&rule, 1000, &tat, &after), ERR_RATE);
    CHECK_U64(after, 1);
    CHECK_OK(cache_gcra(&rule, 2000, &tat, &after));
}

TEST(the_local_cache_is_bounded_and_forgets_the_least_used)
{
    static const struct cache_rate_rule rule = {.burst = 1, .per_ms = 1000000};
    CLEANUP(cache_done) struct cache *c = NULL;
    struct cache_value v;
    uint32_t after = 0;
    size_t kept = 0;
    CHECK_ERR(cache_local_open(15, &c), ERR_INVALID);
    CHECK_ERR(cache_local_open(SIZE_MAX, &c), ERR_INVALID);
    CHECK_OK(cache_local_open(160, &c));
    CHECK_OK(cache_put(c, SLICE("favourite"), SLICE("x"), 100));
    CHECK_OK(cache_rate(c, SLICE("watched"), &rule, 1, &after));
    for (unsigned i = 0; i < 5000; i++) {
        CHECK_OK(i % 2 ? cache_put(c, key_of(i), SLICE("v"), 100) : cache_add_once(c, key_of(i), 1, 100));
        CHECK_OK(cache_get(c, SLICE("favourite"), 1, &v));
        CHECK_ERR(cache_rate(c, SLICE("watched"), &rule, 1, &after), ERR_RATE);
    }
    for (unsigned i = 0; i < 5000; i++) kept += cache_get(c, key_of(i), 1, &v) == ERR_OK;
    CHECK(kept > 100 && kept <= 158);
}

TEST(want_of_memory_evicts_and_never_lets_pass)
{
    static const struct cache_rate_rule rule = {.burst = 1, .per_ms = 1000000};
    CLEANUP(cache_done) struct cache *c = NULL;
    struct cache_value v;
    uint32_t after = 0;
    test_fail_alloc(0, true);
    CHECK_ERR(cache_local_open(16, &c), ERR_NOMEM);
    for (uint64_t n = 1; n < 17; n++) {
        test_fail_alloc(n, false);
        CHECK_ERR(cache_local_open(16, &c), ERR_NOMEM);
    }
    test_fail_alloc(UINT64_MAX, false);
    CHECK_OK(cache_local_open(1600, &c));
    for (unsigned i = 0; i < 800; i++) CHECK_OK(cache_put(c, key_of(i), SLICE("v"), 100));
    test_fail_alloc(0, false);
    CHECK_OK(cache_rate(c, SLICE("new"), &rule, 1, &after));
    test_fail_alloc(UINT64_MAX, false);
    CHECK_ERR(cache_rate(c, SLICE("new"), &rule, 1, &after), ERR_RATE);
    test_fail_alloc(0, true);
    CHECK_ERR(cache_rate(c, SLICE("newer"), &rule, 1, &after), ERR_NOMEM);
    CHECK_ERR(cache_add_once(c, SLICE("nonce"), 1, 100), ERR_NOMEM);
    CHECK_ERR(cache_put(c, SLICE("value"), SLICE("x"), 100), ERR_NOMEM);
    test_fail_alloc(UINT64_MAX, false);
    CHECK_ERR(cache_get(c, SLICE("value"), 1, &v), ERR_NOT_FOUND);
    CHECK_OK(cache_put(c, SLICE("value"), SLICE("x"), 100));
}

static int no_random(void *buf, size_t n)
{
    memset(buf, 0, n);
    return -1;
}

TEST(without_randomness_there_is_no_cache)
{
    struct cache *c = NULL;
    sys_table()->random = no_random;
    enum err e = cache_local_open(16, &c);
    sys_table()->random = sys_real()->random;
    CHECK_ERR(e, ERR_CRYPTO);
    CHECK(!c);
    cache_close(NULL);
}
