/* Device sign-in: the codes, who may approve, what the program hears, and that an approval proves nothing new. */
#include <stdatomic.h>

#include "base/limits.h"
#include "core/session/session.h"
#include "integration/loopback.h"

#define API "/api/v1"

struct codes {
    const char *device, *user;
};

static struct codes start(struct loop *l)
{
    ANSWER a = {0};
    LOOP(l, &a, .target = API "/auth/device", .json = "{\"device_name\":\"build server\"}", .peer = "192.0.2.7");
    if (a.status != 200) test_fail(__FILE__, __LINE__, "start: %d", a.status);
    return (struct codes){loop_str(&a, "device_code"), loop_str(&a, "user_code")};
}

static void poll(struct loop *l, struct codes k, struct loop_answer *a)
{
    LOOP(l, a, .target = API "/auth/device/token", .json = loop_text("{\"device_code\":\"%s\"}", k.device));
}

static void decide(struct loop *l, const char *bearer, const char *code, bool approve, struct loop_answer *a)
{
    LOOP(l, a, .target = API "/auth/device/approve", .bearer = bearer,
         .json = loop_text("{\"user_code\":\"%s\",\"approve\":%s}", code, approve ? "true" : "false"));
}

TEST(device_signs_in_after_approval)
{
    struct loop l;
    ANSWER a = {0};
    if (loop_missing()) return;
    loop_open(&l);
    const char *anna = loop_user(&l, "anna@example.com", ROLE_USER);
    LOOP(&l, &a, .target = API "/auth/device", .json = "{\"device_name\":\"build server\"}", .peer = "192.0.2.7");
    CHECK_STATUS(&a, 200);
    CHECK_STR(&a, "verification_uri", LOOP_URL "/device");
    CHECK_U64(loop_num(&a, "expires_in"), 600);
    CHECK_U64(loop_num(&a, "interval"), 5);
    struct codes k = {loop_str(&a, "device_code"), loop_str(&a, "user_code")};
    CHECK_U64(strlen(k.user), 9);
    CHECK(k.user[4] == '-');
    poll(&l, k, &a);
    CHECK_PROBLEM(&a, 400, "authorization_pending");
    poll(&l, k, &a);
    CHECK_PROBLEM(&a, 400, "slow_down");
    loop_advance(5000);
    poll(&l, k, &a);
    CHECK_PROBLEM(&a, 400, "authorization_pending");
    LOOP(&l, &a, .target = loop_text(API "/auth/device/%s", k.user), .bearer = anna);
    CHECK_STATUS(&a, 200);
    CHECK_STR(&a, "device_name", "build server");
    CHECK_STR(&a, "ip", "192.0.2.7");
    decide(&l, anna, loop_text("%c%c %.2s%.4s", k.user[0] + 32, k.user[1], k.user + 2, k.user + 5), true, &a);
    CHECK_STATUS(&a, 204);
    poll(&l, k, &a);
    CHECK_STATUS(&a, 200);
    const char *access = loop_str(&a, "access_token");
    CHECK_STR(&a, "user.email", "anna@example.com");
    LOOP(&l, &a, .target = API "/me", .bearer = access);
    CHECK_STR(&a, "user.email", "anna@example.com");
    poll(&l, k, &a);
    CHECK_PROBLEM(&a, 400, "expired");
    decide(&l, anna, k.user, true, &a);
    CHECK_PROBLEM(&a, 404, "not_found");
    loop_close(&l);
}

TEST(device_refused_expired_or_unknown)
{
    struct loop l;
    ANSWER a = {0};
    if (loop_missing()) return;
    loop_open(&l);
    const char *anna = loop_user(&l, "anna@example.com", ROLE_USER);
    struct codes k = start(&l);
    decide(&l, anna, k.user, false, &a);
    CHECK_STATUS(&a, 204);
    poll(&l, k, &a);
    CHECK_PROBLEM(&a, 400, "access_denied");
    decide(&l, anna, k.user, true, &a);
    CHECK_PROBLEM(&a, 404, "not_found");
    k = start(&l);
    decide(&l, anna, k.user, true, &a);
    CHECK_STATUS(&a, 204);
    loop_advance(600 * 1000);
    poll(&l, k, &a);
    CHECK_PROBLEM(&a, 400, "expired");
    poll(&l, (struct codes){"sdc_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", NULL}, &a);
    CHECK_PROBLEM(&a, 400, "expired");
    /* The code alone is good for nothing without an account. */
    k = start(&l);
    decide(&l, NULL, k.user, true, &a);
    CHECK_PROBLEM(&a, 401, "unauthorized");
    poll(&l, (struct codes){k.user, NULL}, &a);
    CHECK_PROBLEM(&a, 400, "expired");
    loop_jobs(&l);
    loop_close(&l);
}

TEST(device_approval_is_no_new_proof)
{
    struct loop l;
    ANSWER a = {0};
    if (loop_missing()) return;
    loop_open(&l);
    const char *refresh = NULL;
    loop_user(&l, "anna@example.com", ROLE_USER);
    loop_sign_in(&l, "anna@example.com", LOOP_PASSWORD, &refresh);
    loop_advance(FRESH_MS + 1000);
    LOOP(&l, &a, .target = API "/auth/refresh", .json = loop_text("{\"refresh_token\":\"%s\"}", refresh));
    CHECK_STATUS(&a, 200);
    const char *stale = loop_str(&a, "access_token");
    struct codes k = start(&l);
    decide(&l, stale, k.user, true, &a);
    CHECK_STATUS(&a, 204);
    poll(&l, k, &a);
    CHECK_STATUS(&a, 200);
    const char *device = loop_str(&a, "access_token");
    /* The claim itself: what asks for a fresh proof is refused with it (the dispatcher reads auth_at from there). */
    struct principal who = {0};
    CLEANUP(ctx_done) struct ctx c;
    ctx_init(&c, LIMIT_REQUEST_ARENA_BYTES);
    CHECK_OK(session_authenticate(&c, l.app, slice_cstr(device), &who));
    CHECK(loop_now_ms() - who.auth_at_ms > FRESH_MS);
    loop_close(&l);
}

TEST(device_approval_dies_with_the_approvers_session)
{
    struct loop l;
    ANSWER a = {0};
    if (loop_missing()) return;
    loop_open(&l);
    const char *anna = loop_user(&l, "anna@example.com", ROLE_USER);
    struct codes k = start(&l);
    decide(&l, anna, k.user, true, &a);
    CHECK_STATUS(&a, 204);
    LOOP(&l, &a, .method = "POST", .target = API "/auth/logout", .bearer = anna);
    CHECK_STATUS(&a, 204);
    poll(&l, k, &a);
    CHECK_PROBLEM(&a, 400, "expired");
    loop_close(&l);
}

TEST(device_codes_cannot_be_tried_out)
{
    struct loop l;
    ANSWER a = {0};
    if (loop_missing()) return;
    loop_open(&l);
    const char *anna = loop_user(&l, "anna@example.com", ROLE_USER);
    for (int i = 0; i < 10; i++) {
        LOOP(&l, &a, .target = API "/auth/device/BCDF-GHJK", .bearer = anna);
        CHECK_PROBLEM(&a, 404, "not_found");
    }
    struct codes k = start(&l);
    LOOP(&l, &a, .target = loop_text(API "/auth/device/%s", k.user), .bearer = anna);
    CHECK_PROBLEM(&a, 429, "rate_limited");
    decide(&l, anna, k.user, true, &a);
    CHECK_PROBLEM(&a, 429, "rate_limited");
    loop_close(&l);
}

struct race {
    struct loop *l;
    struct codes k;
    atomic_uint won;
};

static void take(void *arg, unsigned i)
{
    struct race *r = arg;
    ANSWER a = {0};
    (void)i;
    poll(r->l, r->k, &a);
    if (a.status == 200) atomic_fetch_add(&r->won, 1);
}

TEST(device_code_is_good_once)
{
    struct loop l;
    ANSWER a = {0};
    if (loop_missing()) return;
    loop_open(&l);
    const char *anna = loop_user(&l, "anna@example.com", ROLE_USER);
    struct race r = {.l = &l, .k = start(&l)};
    decide(&l, anna, r.k.user, true, &a);
    loop_parallel(16, take, &r);
    CHECK_U64(atomic_load(&r.won), 1);
    loop_close(&l);
}
