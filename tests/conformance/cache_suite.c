/* The cache suite: rates, values, once-marks, time, threads. */
#include "cache_suite.h"

#include <stdatomic.h>
#include <string.h>

#include "base/intmath.h"
#include "lib/test.h"
#include "os/thread.h"

static void cache_done(struct cache **c) { cache_close(*c); }

#define CACHE(name)                                                                                \
    CLEANUP(cache_done) struct cache *name = NULL;                                                 \
    CHECK_OK(backend_cache_open(&name))

TEST(values_are_stored_replaced_and_removed)
{
    CACHE(c);
    struct cache_value v = {.len = 5, .b = "as is"};
    CHECK_ERR(cache_get(c, SLICE("k"), 0, &v), ERR_NOT_FOUND);
    CHECK_SLICE(cache_value_view(&v), SLICE("as is"));
    CHECK_OK(cache_put(c, SLICE("k"), SLICE("one"), 100));
    CHECK_OK(cache_put(c, SLICE("other"), SLICE(""), 100));
    CHECK_OK(cache_get(c, SLICE("k"), 0, &v));
    CHECK_SLICE(cache_value_view(&v), SLICE("one"));
    CHECK_OK(cache_put(c, SLICE("k"), SLICE("a longer one"), 200));
    CHECK_OK(cache_get(c, SLICE("k"), 150, &v));
    CHECK_SLICE(cache_value_view(&v), SLICE("a longer one"));
    CHECK_OK(cache_remove(c, SLICE("k")));
    CHECK_OK(cache_remove(c, SLICE("k")));
    CHECK_ERR(cache_get(c, SLICE("k"), 0, &v), ERR_NOT_FOUND);
    CHECK_OK(cache_get(c, SLICE("other"), 0, &v));
    CHECK_U64(v.len, 0);
}

TEST(values_expire_by_the_time_passed_in)
{
    CACHE(c);
    struct cache_value v;
    CHECK_OK(cache_put(c, SLICE("k"), SLICE("v"), 1000));
    CHECK_OK(cache_get(c, SLICE("k"), 999, &v));
    CHECK_ERR(cache_get(c, SLICE("k"), 1000, &v), ERR_NOT_FOUND);
    CHECK_OK(cache_put(c, SLICE("k"), SLICE("v"), 1000));
    CHECK_ERR(cache_take(c, SLICE("k"), 1000, &v), ERR_NOT_FOUND);
    CHECK_OK(cache_put(c, SLICE("k"), SLICE("v"), 1000));
    CHECK_OK(cache_take(c, SLICE("k"), 999, &v));
    CHECK_SLICE(cache_value_view(&v), SLICE("v"));
    CHECK_ERR(cache_take(c, SLICE("k"), 999, &v), ERR_NOT_FOUND);
}

TEST(once_is_once_until_it_expires)
{
    CACHE(c);
    CHECK_OK(cache_add_once(c, SLICE("n"), 10, 100));
    CHECK_ERR(cache_add_once(c, SLICE("n"), 10, 100), ERR_EXISTS);
    /* The second try does not prolong the first. */
    CHECK_ERR(cache_add_once(c, SLICE("n"), 99, 500), ERR_EXISTS);
    CHECK_OK(cache_add_once(c, SLICE("n"), 100, 200));
    CHECK_ERR(cache_add_once(c, SLICE("n"), 150, 200), ERR_EXISTS);
    CHECK_OK(cache_add_once(c, SLICE("m"), 150, 200));
    CHECK_OK(cache_put(c, SLICE("v"), SLICE("x"), 200));
    CHECK_ERR(cache_add_once(c, SLICE("v"), 150, 200), ERR_EXISTS);
}

TEST(rates_count_by_key)
{
    static const struct cache_rate_rule rule = {.burst = 2, .per_ms = 2000};
    CACHE(c);
    uint32_t after = 77;
    struct cache_value v;
    for (int i = 0; i < 2; i++) CHECK_OK(cache_rate(c, SLICE("a"), &rule, 1000, &after));
    CHECK_U64(after, 77);
    CHECK_ERR(cache_rate(c, SLICE("a"), &rule, 1000, &after), ERR_RATE);
    CHECK_U64(after, 1);
    CHECK_OK(cache_rate(c, SLICE("b"), &rule, 1000, &after));
    CHECK_OK(cache_rate(c, SLICE("a"), &rule, 2000, &after));
    CHECK_ERR(cache_rate(c, SLICE("a"), &rule, 2000, &after), ERR_RATE);
    /* Names of their own. */
    CHECK_ERR(cache_get(c, SLICE("a"), 1000, &v), ERR_NOT_FOUND);
    CHECK_OK(cache_remove(c, SLICE("a")));
    CHECK_ERR(cache_rate(c, SLICE("a"), &rule, 2000, &after), ERR_RATE);
}

TEST(keys_and_values_have_limits)
{
    static const struct cache_rate_rule rule = {.burst = 2, .per_ms = 2000};
    CACHE(c);
    char long_one[CACHE_KEY_BYTES_MAX + 1];
    struct cache_value v;
    uint32_t after = 0;
    memset(long_one, 'k', sizeof long_one);
    struct slice most = {long_one, CACHE_KEY_BYTES_MAX}, more = {long_one, sizeof long_one}, none = SLICE("");
    struct slice value = {long_one, CACHE_VALUE_BYTES_MAX}, too_long = {long_one, CACHE_VALUE_BYTES_MAX + 1};
    CHECK_OK(cache_put(c, most, value, 10));
    CHECK_OK(cache_get(c, most, 1, &v));
    CHECK_SLICE(cache_value_view(&v), value);
    CHECK_ERR(cache_put(c, most, too_long, 10), ERR_TOO_LARGE);
    CHECK_OK(cache_get(c, most, 1, &v));
    CHECK_OK(cache_put(c, slice_of("a\0b", 3), SLICE("1"), 10));
    CHECK_ERR(cache_get(c, slice_of("a\0c", 3), 1, &v), ERR_NOT_FOUND);
    struct slice bad[] = {more, none};
    for (size_t i = 0; i < 2; i++) {
        CHECK_ERR(cache_put(c, bad[i], SLICE("v"), 10), ERR_INVALID);
        CHECK_ERR(cache_get(c, bad[i], 1, &v), ERR_INVALID);
        CHECK_ERR(cache_take(c, bad[i], 1, &v), ERR_INVALID);
        CHECK_ERR(cache_remove(c, bad[i]), ERR_INVALID);
        CHECK_ERR(cache_add_once(c, bad[i], 1, 10), ERR_INVALID);
        CHECK_ERR(cache_rate(c, bad[i], &rule, 1, &after), ERR_INVALID);
    }
}

struct crowd {
    struct cache *c;
    atomic_uint once, taken, passed, wrong;
};

static void rush(void *arg)
{
    static const struct cache_rate_rule rule = {.burst = 100, .per_ms = 1000000000};
    struct crowd *w = arg;
    for (unsigned i = 0; i < 500; i++) {
        char key = (char)('a' + i % 20);
        struct cache_value v;
        uint32_t after = 0;
        enum err e = cache_add_once(w->c, slice_of(&key, 1), 1, 100);
        if (e == ERR_OK) w->once++;
        if (e != ERR_OK && e != ERR_EXISTS) w->wrong++;
        e = cache_take(w->c, SLICE("token"), 1, &v);
        if (e == ERR_OK) w->taken++;
        if (e != ERR_OK && e != ERR_NOT_FOUND) w->wrong++;
        e = cache_rate(w->c, SLICE("all"), &rule, 1, &after);
        if (e == ERR_OK) w->passed++;
        if (e != ERR_OK && e != ERR_RATE) w->wrong++;
        if (cache_put(w->c, slice_of(&i, sizeof i), slice_of(&i, sizeof i), 100) != ERR_OK) w->wrong++;
        if (cache_get(w->c, slice_of(&i, sizeof i), 1, &v) == ERR_OK && memcmp(v.b, &i, sizeof i) != 0) w->wrong++;
    }
}

TEST(of_many_threads_exactly_one_wins)
{
    CACHE(c);
    static struct crowd w;
    struct thread t[8] = {0};
    w.c = c;
    CHECK_OK(cache_put(c, SLICE("token"), SLICE("x"), 100));
    for (size_t i = 0; i < ARRAY_LEN(t); i++) CHECK_OK(thread_start(&t[i], "crowd", rush, &w));
    for (size_t i = 0; i < ARRAY_LEN(t); i++) thread_join(&t[i]);
    CHECK_U64(w.once, 20);
    CHECK_U64(w.taken, 1);
    CHECK_U64(w.passed, 100);
    CHECK_U64(w.wrong, 0);
}
