/* Limits of tries hold over a restart, for all nodes together, exactly; and are as the settings say. */
#include "core/limit/limit.h"

#include <stdatomic.h>

#include "base/limits.h"
#include "integration/loopback.h"
#include "os/thread.h"

#define LOGIN "/api/v1/auth/login"
#define FROM "198.51.100.7"

static int try_login(struct loop *l, const char *email, const char *peer, uint32_t *ret_wait_s)
{
    ANSWER a = {0};
    uint64_t wait_s = 0;
    LOOP(l, &a, .target = LOGIN, .peer = peer, .json = loop_text("{\"email\":\"%s\",\"password\":\"guess guess guess\"}", email));
    if (a.status == 429) {
        if (slice_u64(loop_header(&a, "retry-after"), UINT32_MAX, &wait_s) != ERR_OK || !wait_s)
            test_fail(__FILE__, __LINE__, "nobody says how long to wait");
        if (ret_wait_s) *ret_wait_s = (uint32_t)wait_s;
    }
    return a.status;
}

static int knock(struct loop *l, const char *target, const char *json)
{
    ANSWER a = {0};
    LOOP(l, &a, .method = json ? "POST" : "GET", .target = target, .json = json, .peer = FROM);
    return a.status == 429 && !loop_header(&a, "retry-after").len ? 0 : a.status;
}

/* Tries until it is refused; how many were let through. */
static unsigned exhaust(struct loop *l, const char *email, const char *peer)
{
    unsigned n = 0;
    while (n < 1000 && try_login(l, email ? email : loop_text("u%u@example.com", n), peer, NULL) == 401) n++;
    return n;
}

TEST(limits_of_an_address_hold_over_a_restart)
{
    static const struct {
        const char *target, *json;
    } doors[] = {
        {"/api/v1/setup", "{\"setup_token\":\"x\",\"email\":\"a@example.com\",\"password\":\"correct horse battery\"}"},
        {"/api/v1/auth/refresh", "{\"refresh_token\":\"x\"}"},
        {"/api/v1/auth/register", "{\"email\":\"a@example.com\",\"password\":\"correct horse battery\"}"},
        {"/api/v1/auth/email/verify", "{\"token\":\"x\"}"},
        {"/api/v1/auth/password/forgot", "{\"email\":\"a@example.com\"}"},
        {"/api/v1/auth/password/reset", "{\"token\":\"x\",\"new_password\":\"correct horse battery\"}"},
        {"/api/v1/auth/2fa/verify", "{\"mfa_token\":\"x\",\"code\":\"000000\"}"},
        {"/api/v1/auth/device", "{}"},
        {"/api/v1/auth/device/token", "{\"device_code\":\"x\"}"},
        {"/api/v1/share/AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA/verify", "{\"password\":\"x\"}"},
    };
    struct loop l;
    if (loop_missing()) return;
    loop_open(&l);
    l.cfg.tries.per_address = 7;
    loop_reopen(&l);
    CHECK_U64(exhaust(&l, NULL, FROM), 7);
    loop_reopen(&l);
    CHECK_U64((unsigned)try_login(&l, "other@example.com", FROM, NULL), 429);
    for (size_t i = 0; i < ARRAY_LEN(doors); i++) {
        if (knock(&l, doors[i].target, doors[i].json) == 429) continue;
        test_fail(__FILE__, __LINE__, "%s is not held up", doors[i].target);
    }
    CHECK_U64((unsigned)try_login(&l, "other@example.com", "198.51.100.8", NULL), 401);
    loop_advance(60 * 1000 / 7 + 1);
    loop_reopen(&l);
    CHECK_U64((unsigned)try_login(&l, "other@example.com", FROM, NULL), 401);
    CHECK_U64((unsigned)try_login(&l, "other@example.com", FROM, NULL), 429);
    loop_close(&l);
}

static int look(struct loop *l, const char *token, const char *peer)
{
    ANSWER a = {0};
    LOOP(l, &a, .target = loop_text("/api/v1/share/%s", token), .peer = peer);
    return a.status == 429 && !loop_header(&a, "retry-after").len ? 0 : a.status;
}

static const char *no_link(unsigned i) { return loop_text("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA%04u", i); }

TEST(limits_of_links_that_do_not_exist)
{
    struct loop l;
    unsigned n = 0;
    if (loop_missing()) return;
    loop_open(&l);
    l.cfg.tries = (struct app_tries){.per_address = 6, .logins = 8};
    loop_reopen(&l);
    const char *good = loop_link(&l, loop_user(&l, "anna@example.com", ROLE_USER), SLICE("content"), "{}");
    while (n < 50 && look(&l, no_link(n), FROM) == 404) n++;
    CHECK_U64(n, 6);
    /* Whoever guesses so much does not even see a right one; others do. */
    CHECK_U64((unsigned)look(&l, good, FROM), 429);
    CHECK_U64((unsigned)look(&l, good, "198.51.100.8"), 200);
    loop_reopen(&l);
    CHECK_U64((unsigned)look(&l, no_link(7), FROM), 429);
    /* Everybody together: what does not exist gets no answer any more, what does is there. */
    for (n = 0; n < 50 && look(&l, no_link(n), loop_text("192.0.2.%u", n)) == 404;) n++;
    CHECK_U64(n, 2);
    CHECK_U64((unsigned)look(&l, good, "192.0.2.99"), 200);
    loop_advance(60 * 1000);
    CHECK_U64((unsigned)look(&l, good, FROM), 200);
    CHECK_U64((unsigned)look(&l, no_link(8), FROM), 404);
    loop_close(&l);
}

TEST(limits_of_sign_ins_hold_over_a_restart)
{
    struct loop l;
    uint32_t wait_s = 0;
    if (loop_missing()) return;
    loop_open(&l);
    l.cfg.tries = (struct app_tries){.per_address = 100, .logins_per_address = 5, .logins = 9};
    loop_reopen(&l);
    CHECK_U64(exhaust(&l, NULL, FROM), 5);
    loop_reopen(&l);
    CHECK_U64((unsigned)try_login(&l, "a@example.com", FROM, &wait_s), 429);
    CHECK_U64(wait_s, 60 / 5);
    /* Everybody together: whoever comes from elsewhere has what is left. What was refused did not count. */
    CHECK_U64((unsigned)try_login(&l, "a@example.com", "192.0.2.1", NULL), 401);
    CHECK_U64((unsigned)try_login(&l, "a@example.com", "192.0.2.2", NULL), 401);
    loop_reopen(&l);
    CHECK_U64(exhaust(&l, "a@example.com", "192.0.2.3"), 2);
    loop_reopen(&l);
    CHECK_U64((unsigned)try_login(&l, "b@example.com", "192.0.2.4", &wait_s), 429);
    CHECK_U64(wait_s, 7);
    loop_close(&l);
}

TEST(limits_of_an_account_hold_over_a_restart)
{
    struct loop l;
    unsigned n = 0;
    if (loop_missing()) return;
    loop_open(&l);
    loop_user(&l, "anna@example.com", ROLE_USER); /* has signed in once */
    for (; n < 100; n++) {
        ANSWER a = {0};
        LOOP(&l, &a, .target = LOGIN, .peer = loop_text("192.0.2.%u", n),
             .json = "{\"email\":\"anna@example.com\",\"password\":\"" LOOP_PASSWORD "\"}");
        if (a.status != 200) break;
        if (n % 5 == 4) loop_reopen(&l);
    }
    CHECK_U64(n, LIMIT_LOGINS_PER_ACCOUNT - 1);
    loop_close(&l);
}

#define THREADS 4
struct takers {
    struct app *app[2];
    _Atomic unsigned next, let, refused, other;
};

static void take_many(void *arg)
{
    struct takers *t = arg;
    struct app *app = t->app[atomic_fetch_add(&t->next, 1) % 2];
    for (int i = 0; i < 20; i++) {
        CLEANUP(ctx_done) struct ctx c;
        struct limit some[] = {{"of one", SLICE("same"), {100, 60 * 1000}}, {"of all", SLICE(""), {30, 60 * 1000}}};
        ctx_init(&c, LIMIT_REQUEST_ARENA_BYTES);
        enum err e = limit_take(&c, app, some, 2);
        atomic_fetch_add(e == ERR_OK ? &t->let : e == ERR_RATE ? &t->refused : &t->other, 1);
    }
}

TEST(limits_are_exact_for_all_nodes_together)
{
    struct loop l, second;
    struct thread threads[THREADS] = {{.started = false}};
    if (loop_missing()) return;
    loop_open(&l);
    if (!loop_durable(&l)) {
        loop_close(&l);
        return;
    }
    loop_open_beside(&second, &l);
    struct takers t = {.app = {l.app, second.app}};
    for (size_t i = 0; i < THREADS; i++) CHECK_OK(thread_start(&threads[i], "taker", take_many, &t));
    for (size_t i = 0; i < THREADS; i++) thread_join(&threads[i]);
    CHECK_U64(t.let, 30);
    CHECK_U64(t.refused, 20 * THREADS - 30);
    CHECK_U64(t.other, 0);
    loop_close(&second);
    loop_close(&l);
}

static enum err take(struct loop *l, struct limit limit, uint32_t *ret_wait_s)
{
    CLEANUP(ctx_done) struct ctx c;
    ctx_init(&c, LIMIT_REQUEST_ARENA_BYTES);
    enum err e = limit_take(&c, l->app, &limit, 1);
    if (ret_wait_s) *ret_wait_s = c.retry_after_s;
    return e;
}

TEST(limits_forgive_a_clock_that_was_set_back)
{
    const struct limit one = {"clock", SLICE("x"), {3, 30 * 1000}};
    struct loop l;
    uint32_t wait_s = 0;
    if (loop_missing()) return;
    loop_open(&l);
    loop_advance(3600 * 1000); /* the monotonic clock of the tests begins at 0 */
    for (int i = 0; i < 3; i++) CHECK_OK(take(&l, one, NULL));
    CHECK_ERR(take(&l, one, &wait_s), ERR_RATE);
    loop_advance(-3600 * 1000);
    loop_reopen(&l);
    CHECK_OK(take(&l, one, NULL));
    CHECK_ERR(take(&l, one, &wait_s), ERR_RATE);
    CHECK_U64(wait_s, 10);
    loop_advance(30 * 1000);
    for (int i = 0; i < 3; i++) CHECK_OK(take(&l, one, NULL));
    CHECK_ERR(take(&l, one, NULL), ERR_RATE);
    loop_close(&l);
}

static const struct db_stmt rows = {"test_limits_rows", "SELECT COUNT(*) FROM limits", NULL};

static enum err count_tx(struct ctx *c, struct db_conn *conn, void *arg)
{
    struct db_result r;
    TRY(db_exec0(c, conn, &rows, &r));
    *(int64_t *)arg = db_get_i64(&r, 0, 0);
    return ERR_OK;
}

TEST(limits_are_forgotten_when_they_are_over)
{
    CLEANUP(ctx_done) struct ctx c;
    struct loop l;
    int64_t n = 0;
    if (loop_missing()) return;
    ctx_init(&c, LIMIT_REQUEST_ARENA_BYTES);
    loop_open(&l);
    CHECK_OK(take(&l, (struct limit){"short", SLICE("x"), {1, 1000}}, NULL));
    CHECK_OK(take(&l, (struct limit){"long", SLICE("x"), {1, 3600 * 1000}}, NULL));
    loop_advance(60 * 1000);
    CHECK_OK(limit_purge(&c, l.app));
    CHECK_OK(db_tx(&c, l.be.db, DB_READ, count_tx, &n));
    CHECK_U64((uint64_t)n, 1);
    loop_reopen(&l);
    CHECK_ERR(take(&l, (struct limit){"long", SLICE("x"), {1, 3600 * 1000}}, NULL), ERR_RATE);
    loop_close(&l);
}
