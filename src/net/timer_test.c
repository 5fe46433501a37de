/* The timer wheel: never early, never lost, cheap to push back. */
#include "net/timer_impl.h"

#include <string.h>

#include "lib/test.h"

static struct wheel wheel;
static int fired;
static struct timer *rearm;

static void count(struct timer *t)
{
    fired++;
    if (t == rearm) wheel_set(&wheel, t, t->at_ms + 1000);
}

static struct timer make(void) { return (struct timer){.fire = count}; }

TEST(fires_when_due_and_not_before)
{
    static const int64_t delays[] = {0, 1, 63, 64, 65, 1000, 65535, 65536, 70000, 500000};
    for (size_t i = 0; i < sizeof delays / sizeof delays[0]; i++) {
        struct timer t = make();
        int64_t now = 12345;
        fired = 0;
        wheel_init(&wheel, now);
        wheel_set(&wheel, &t, now + delays[i]);
        for (int64_t at = now; at < now + delays[i]; at += 37) wheel_advance(&wheel, at);
        wheel_advance(&wheel, now + delays[i] - 1);
        CHECK(fired == 0);
        wheel_advance(&wheel, now + delays[i] + TIMER_TICK_MS);
        CHECK(fired == 1);
        wheel_advance(&wheel, now + 2 * delays[i] + 100000);
        CHECK(fired == 1);
    }
}

TEST(later_earlier_unset_and_drop)
{
    struct timer t = make();
    fired = 0;
    wheel_init(&wheel, 0);
    wheel_set(&wheel, &t, 1000);
    wheel_set(&wheel, &t, 5000); /* later: lazily */
    wheel_advance(&wheel, 4900);
    CHECK(fired == 0);
    wheel_set(&wheel, &t, 200000); /* and earlier again */
    wheel_set(&wheel, &t, 5100);
    wheel_advance(&wheel, 5300);
    CHECK(fired == 1);
    wheel_set(&wheel, &t, 6000);
    wheel_unset(&t);
    wheel_advance(&wheel, 7000);
    CHECK(fired == 1);
    wheel_set(&wheel, &t, 8000);
    wheel_drop(&t);
    wheel_drop(&t);
    wheel_advance(&wheel, 9000);
    CHECK(fired == 1);
}

TEST(a_leaping_clock_fires_all)
{
    struct timer t[200];
    fired = 0;
    wheel_init(&wheel, 0);
    for (int i = 0; i < 200; i++) {
        t[i] = make();
        wheel_set(&wheel, &t[i], i * 977);
    }
    wheel_advance(&wheel, 1000000000);
    CHECK(fired == 200);
}

TEST(may_be_set_again_while_firing)
{
    struct timer t = make();
    fired = 0;
    rearm = &t;
    wheel_init(&wheel, 0);
    wheel_set(&wheel, &t, 1000);
    for (int64_t at = 0; at <= 10100; at += 50) wheel_advance(&wheel, at);
    CHECK(fired == 10);
    rearm = NULL;
    wheel_drop(&t);
}
