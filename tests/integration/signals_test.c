/* What is odd about a sign-in stands in the audit log with it: a new device, a new country, many failures. And the places of
 * sessions, and searching the log by address. */
#include "base/limits.h"
#include "core/session/session.h"
#include "integration/loopback.h"
#include "net/geoip.h"

#define LOGIN "/api/v1/auth/login"
#define LOGS "/api/v1/admin/audit-logs"
#define HERE "192.0.2.7"      /* DE in tests/vectors/geoip */
#define THERE "198.51.100.9"  /* FR */
#define NOWHERE "203.0.113.1" /* not known */

static const char *admin; /* the reader's token */

static struct geoip *countries(void)
{
    CLEANUP(ctx_done) struct ctx c;
    struct geoip *g = NULL;
    ctx_init(&c, LIMIT_REQUEST_ARENA_BYTES);
    if (geoip_open(&c, TEST_SOURCE_DIR "/tests/vectors/geoip/countries.mmdb", &g) != ERR_OK)
        test_fail(__FILE__, __LINE__, "%s", c.err_detail);
    return g;
}

static void begin(struct loop *l, struct geoip *g)
{
    loop_open(l);
    if (g) l->cfg.geo = (struct app_geo){geoip_country, g};
    loop_reopen(l);
    admin = loop_user(l, "root@example.com", ROLE_ADMIN);
}

/* An account that never signed in. */
static void make_anna(struct loop *l)
{
    CLEANUP(ctx_done) struct ctx c;
    struct user user;
    struct user_new n = {.email = SLICE("anna@example.com"), .password = SLICE(LOOP_PASSWORD), .role = ROLE_USER};
    ctx_init(&c, LIMIT_REQUEST_ARENA_BYTES);
    enum err e = user_create(&c, l->app, &n, &user);
    if (e != ERR_OK) test_fail(__FILE__, __LINE__, "anna: %s: %s", err_name(e), c.err_detail);
}

/* Signs in and gives its token; "" when that fails. */
static const char *sign_in(struct loop *l, const char *password, const char *device, const char *agent, const char *ip)
{
    ANSWER a = {0};
    LOOP(l, &a, .target = LOGIN, .peer = ip, .headers = {{SLICE("user-agent"), slice_cstr(agent)}},
         .json = loop_text("{\"email\":\"anna@example.com\",\"password\":\"%s\",\"device_name\":\"%s\"}", password, device));
    return a.status == 200 ? loop_str(&a, "access_token") : "";
}

static void enter(struct loop *l, const char *device, const char *agent, const char *ip)
{
    if (!*sign_in(l, LOOP_PASSWORD, device, agent, ip)) test_fail(__FILE__, __LINE__, "no session for %s, %s", device, ip);
    loop_advance(1);
}

static void guess(struct loop *l, unsigned n)
{
    for (unsigned i = 0; i < n; i++) sign_in(l, "something quite different", "laptop", "browser", HERE);
    loop_advance(1);
}

/* The details of all signals, the oldest first. */
static const char *signals(struct loop *l)
{
    ANSWER a = {0};
    const char *all = "";
    LOOP(l, &a, .target = LOGS "?limit=200&event=auth.signal", .bearer = admin);
    for (size_t i = loop_count(&a, "items"); i > 0; i--) {
        const char *detail = loop_str(&a, loop_text("items.%zu.detail", i - 1));
        all = *all ? loop_text("%s %s", all, detail) : detail;
    }
    return all;
}
#define CHECK_SIGNALS(l, want) CHECK_SLICE(slice_cstr(signals(l)), slice_cstr(want))

TEST(new_devices_are_signalled)
{
    struct loop l;
    ANSWER a = {0};
    if (loop_missing()) return;
    begin(&l, NULL);
    make_anna(&l);
    enter(&l, "laptop", "browser", HERE); /* the first one of an account is no news */
    enter(&l, "laptop", "browser", THERE);
    CHECK_SIGNALS(&l, "");
    enter(&l, "phone", "browser", HERE);
    CHECK_SIGNALS(&l, "new_device");
    enter(&l, "phone", "browser", HERE);
    CHECK_SIGNALS(&l, "new_device");
    enter(&l, "phone", "another browser", HERE);
    CHECK_SIGNALS(&l, "new_device new_device");
    /* The record: who, from where, which session. */
    LOOP(&l, &a, .target = LOGS "?limit=1&event=auth.signal", .bearer = admin);
    const char *session = loop_str(&a, "items.0.object"), *actor = loop_str(&a, "items.0.actor");
    CHECK_STR(&a, "items.0.object_type", "session");
    CHECK_STR(&a, "items.0.ip", HERE);
    LOOP(&l, &a, .target = loop_text(LOGS "?event=auth.login&object=%s", session), .bearer = admin);
    CHECK_U64(loop_count(&a, "items"), 1);
    CHECK_STR(&a, "items.0.actor", actor);
    loop_close(&l);
}

TEST(device_after_long_absence_is_signalled)
{
    struct loop l;
    ANSWER a = {0};
    if (loop_missing()) return;
    begin(&l, NULL);
    make_anna(&l);
    enter(&l, "laptop", "browser", HERE);
    loop_advance(3 * LIMIT_REFRESH_MAX_MS);
    loop_jobs(&l); /* forgets the session */
    enter(&l, "stranger", "script", HERE);
    admin = loop_sign_in(&l, "root@example.com", LOOP_PASSWORD, NULL);
    LOOP(&l, &a, .target = LOGS "?event=auth.signal&ip=" HERE, .bearer = admin);
    CHECK_U64(loop_count(&a, "items"), 1);
    CHECK_STR(&a, "items.0.detail", "new_device");
    loop_close(&l);
}

TEST(new_countries_are_signalled)
{
    struct loop l;
    struct geoip *g = loop_missing() ? NULL : countries();
    if (!g) return;
    begin(&l, g);
    make_anna(&l);
    enter(&l, "laptop", "browser", NOWHERE);
    enter(&l, "laptop", "browser", HERE); /* nothing is known to differ from */
    enter(&l, "laptop", "browser", "192.0.2.99");
    enter(&l, "laptop", "browser", NOWHERE);
    CHECK_SIGNALS(&l, "");
    enter(&l, "laptop", "browser", THERE);
    CHECK_SIGNALS(&l, "new_country");
    enter(&l, "laptop", "browser", THERE);
    enter(&l, "laptop", "browser", HERE);
    CHECK_SIGNALS(&l, "new_country");
    enter(&l, "phone", "browser", "2001:db8::5");
    CHECK_U64(strlen(signals(&l)), strlen("new_country new_device new_country"));
    loop_close(&l);
    geoip_close(g);
}

TEST(unknown_places_are_no_new_countries)
{
    struct loop l;
    struct geoip *g = loop_missing() ? NULL : countries();
    if (!g) return;
    begin(&l, g);
    make_anna(&l);
    enter(&l, "laptop", "browser", HERE);
    enter(&l, "laptop", "browser", NOWHERE);
    CHECK_SIGNALS(&l, "");
    loop_close(&l);
    geoip_close(g);
}

TEST(sessions_show_their_country)
{
    struct loop l;
    ANSWER a = {0};
    struct geoip *g = loop_missing() ? NULL : countries();
    if (!g) return;
    begin(&l, g);
    make_anna(&l);
    enter(&l, "a", "browser", NOWHERE);
    enter(&l, "b", "browser", THERE);
    const char *bearer = sign_in(&l, LOOP_PASSWORD, "c", "browser", HERE);
    LOOP(&l, &a, .target = "/api/v1/auth/sessions", .bearer = bearer);
    CHECK_U64(loop_count(&a, "items"), 3);
    CHECK_STR(&a, "items.0.country", "DE");
    CHECK_STR(&a, "items.0.ip", HERE);
    CHECK_STR(&a, "items.1.country", "FR");
    CHECK(loop_is_null(&a, "items.2.country"));
    loop_close(&l);
    geoip_close(g);
}

TEST(many_failures_are_signalled)
{
    struct loop l;
    if (loop_missing()) return;
    begin(&l, NULL);
    make_anna(&l);
    guess(&l, LIMIT_SIGNAL_FAILS - 1);
    enter(&l, "laptop", "browser", HERE);
    guess(&l, 1); /* does not add up over a sign-in */
    enter(&l, "laptop", "browser", HERE);
    CHECK_SIGNALS(&l, "");
    guess(&l, LIMIT_SIGNAL_FAILS);
    enter(&l, "laptop", "browser", HERE);
    CHECK_SIGNALS(&l, "many_failures");
    enter(&l, "laptop", "browser", HERE);
    CHECK_SIGNALS(&l, "many_failures");
    loop_close(&l);
}

TEST(log_is_searched_by_address)
{
    struct loop l;
    ANSWER a = {0};
    if (loop_missing()) return;
    begin(&l, NULL);
    make_anna(&l);
    enter(&l, "laptop", "browser", HERE);
    enter(&l, "laptop", "browser", "2001:db8::5");
    sign_in(&l, "something quite different", "laptop", "browser", HERE);
    LOOP(&l, &a, .target = LOGS "?ip=" HERE, .bearer = admin);
    CHECK_U64(loop_count(&a, "items"), 2);
    CHECK_STR(&a, "items.0.result", "failed");
    CHECK_STR(&a, "items.1.ip", HERE);
    LOOP(&l, &a, .target = LOGS "?event=auth.login&ip=2001:DB8:0::5", .bearer = admin);
    CHECK_U64(loop_count(&a, "items"), 1);
    LOOP(&l, &a, .target = LOGS "?ip=192.0.2.70", .bearer = admin);
    CHECK_U64(loop_count(&a, "items"), 0);
    LOOP(&l, &a, .target = LOGS "?ip=192.0.2.", .bearer = admin);
    CHECK_STATUS(&a, 400);
    LOOP(&l, &a, .target = LOGS "?ip=", .bearer = admin);
    CHECK_STATUS(&a, 400);
    loop_close(&l);
}

/* Every allocation of a sign-in fails once: no crash, and never a signal without its session or a session without its signal. */
TEST(signals_survive_allocation_faults)
{
    struct loop l;
    ANSWER a = {0};
    bool fired = true;
    struct geoip *g = loop_missing() ? NULL : countries();
    if (!g) return;
    begin(&l, g);
    make_anna(&l);
    enter(&l, "laptop", "browser", THERE);
    for (uint64_t n = 0; fired && n < 150; n++) {
        CLEANUP(ctx_done) struct ctx c;
        struct user user;
        struct session_tokens t;
        struct principal who = {.ip = HERE};
        ctx_init(&c, LIMIT_REQUEST_ARENA_BYTES);
        CHECK_OK(user_by_email(&c, l.app, SLICE("anna@example.com"), &user));
        const char *device = loop_text("device %u", (unsigned)n);
        test_fail_alloc(n, false);
        struct session_new new = {.user = &user, .device_name = slice_cstr(device), .amr = "pwd", .who = &who};
        enum err e = session_start(&c, l.app, &new, &t);
        fired = test_alloc_fired();
        test_fail_alloc(UINT64_MAX, false);
        CHECK(e == ERR_OK || (fired && (e == ERR_NOMEM || e == ERR_CRYPTO)));
    }
    CHECK(!fired);
    LOOP(&l, &a, .target = LOGS "?limit=200&event=auth.login&ip=" HERE, .bearer = admin);
    size_t sessions = loop_count(&a, "items");
    CHECK(sessions > 0);
    LOOP(&l, &a, .target = LOGS "?limit=200&event=auth.signal&ip=" HERE, .bearer = admin);
    CHECK_U64(loop_count(&a, "items"), sessions + 1); /* a new device each, and a new country once */
    loop_close(&l);
    geoip_close(g);
}
