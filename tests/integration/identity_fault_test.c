/* Every allocation of a device sign-in and of making passkey options fails, once and for ever: a clean error, no leak, and it works
 * again. (The same for external providers is in oidc_test.c, which has the provider.) Called below HTTP: answers made without memory
 * have no body to look at. */
#include "base/limits.h"
#include "core/device/device.h"
#include "core/passkey/passkey.h"
#include "core/session/session.h"
#include "integration/loopback.h"

struct scene {
    struct app *app;
    struct principal who;
};

static enum err device_story(struct ctx *c, const struct scene *s)
{
    struct device_codes k;
    struct device_request r;
    struct device_grant g;
    TRY(device_start(c, s->app, SLICE("robot"), SLICE("192.0.2.1"), &k));
    TRY(device_get(c, s->app, &s->who, k.user_code, &r));
    TRY(device_decide(c, s->app, &s->who, k.user_code, true));
    TRY(device_take(c, s->app, k.device_code, &g));
    return g.user.active ? device_purge(c, s->app) : ERR_INTERNAL;
}

static enum err passkey_story(struct ctx *c, const struct scene *s)
{
    struct slice json;
    struct user user;
    TRY(passkey_options(c, s->app, &s->who, &json));
    TRY(user_by_id(c, s->app, &s->who.user_id, &user));
    return passkey_login_options(c, s->app, &user, &json);
}

static void fail_each(const struct scene *s, enum err (*story)(struct ctx *c, const struct scene *s), bool for_ever)
{
    for (uint64_t n = 0; n < 3000; n++) {
        struct ctx c;
        ctx_init(&c, LIMIT_REQUEST_ARENA_BYTES);
        test_fail_alloc(n, for_ever);
        enum err e = story(&c, s);
        bool fired = test_alloc_fired();
        test_fail_alloc(UINT64_MAX, false);
        ctx_done(&c);
        loop_advance(10 * 60 * 1000); /* past every limit of tries */
        if (fired && (e == ERR_OK || e == ERR_NOMEM || e == ERR_CRYPTO)) continue;
        if (fired || e != ERR_OK) test_fail(__FILE__, __LINE__, "allocation %u: %s", (unsigned)n, err_name(e));
        return;
    }
    test_fail(__FILE__, __LINE__, "never ends");
}

TEST(identity_survives_allocation_faults)
{
    struct loop l;
    if (loop_missing()) return;
    loop_open(&l);
    struct scene s = {.app = l.app};
    CLEANUP(ctx_done) struct ctx c;
    ctx_init(&c, LIMIT_REQUEST_ARENA_BYTES);
    CHECK_OK(session_authenticate(&c, l.app, slice_cstr(loop_user(&l, "anna@example.com", ROLE_USER)), &s.who));
    fail_each(&s, device_story, false);
    fail_each(&s, device_story, true);
    fail_each(&s, passkey_story, false);
    fail_each(&s, passkey_story, true);
    loop_close(&l);
}
