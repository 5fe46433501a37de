/* Which refusals are recorded, and as what. (Wrong passwords and codes have records of their own, where they are checked.) */
#include "api/refusal.h"

#include "api/cookie.h"
#include "base/address.h"
#include "core/audit/audit.h"
#include "core/limit/limit.h"
#include "os/clock.h"

static bool code_is(const struct ctx *c, enum err e, const char *code)
{
    return c->err == e && c->err_code && strcmp(c->err_code, code) == 0;
}

static bool shows_credentials(const struct call *q)
{
    return http_request_header(q->http, "authorization").len || cookie_get(q->http, COOKIE_ACCESS).len;
}

/* The event's name; NULL: no record. */
static const char *event_of(const struct call *q, enum err e)
{
    const struct ctx *c = q->ctx;
    bool account = q->route->caller != CALLER_ANYONE && q->route->caller != CALLER_LINK;
    if (e == ERR_RATE || e == ERR_LOCKED || e == ERR_QUOTA) return "limit.hit";
    if (e == ERR_DENIED) {
        bool right = code_is(c, e, "denied") || code_is(c, e, "scope") || code_is(c, e, "csrf") || code_is(c, e, "view_only");
        return right ? "access.denied" : NULL;
    }
    if (e == ERR_UNAUTH) return account && !q->who.signed_in && shows_credentials(q) ? "access.denied" : NULL;
    /* An id of nobody, or of somebody else. */
    if (e == ERR_NOT_FOUND) return account && q->who.signed_in && q->params[0].len ? "access.denied" : NULL;
    return NULL;
}

/* The mark is only in the cache: after a restart the next miss brings it back. */
static enum err mark_key(struct call *q, char from[ADDRESS_KEY_BYTES], struct slice *ret)
{
    address_key(q->who.ip, from);
    return arena_printf(&q->ctx->arena, ret, "misses:%s", from);
}

enum err check_misses(struct call *q)
{
    struct slice key;
    struct cache_value mark;
    char from[ADDRESS_KEY_BYTES];
    TRY(mark_key(q, from, &key));
    enum err e = cache_get(q->app->be.cache, key, clock_mono_ms(), &mark);
    if (e != ERR_OK) return e == ERR_NOT_FOUND ? ERR_OK : e;
    q->ctx->retry_after_s = 1;
    return refuse(q->ctx, ERR_RATE, "rate_limited", "Too many links that do not exist. Wait a little.");
}

enum err count_miss(struct call *q, enum err e)
{
    struct slice key;
    char from[ADDRESS_KEY_BYTES];
    TRY(mark_key(q, from, &key));
    const struct app_tries *tries = &q->app->cfg.tries;
    struct limit one = {"miss-address", slice_cstr(from), {tries->per_address, 60 * 1000}};
    struct limit all = {"miss", SLICE(""), {tries->logins, 60 * 1000}};
    enum err limited = limit_take(q->ctx, q->app, &one, 1);
    if (limited == ERR_RATE)
        TRY(cache_put(q->app->be.cache, key, SLICE(""), clock_mono_ms() + (int64_t)q->ctx->retry_after_s * 1000));
    TRY(limited);
    TRY(limit_take(q->ctx, q->app, &all, 1));
    return e;
}

static const struct cache_rate_rule rule = {.burst = REFUSALS_PER_MINUTE, .per_ms = 60 * 1000};

static enum err may_note(struct call *q)
{
    struct slice key;
    uint32_t wait_s = 0;
    char from[ADDRESS_KEY_BYTES];
    address_key(q->who.ip, from);
    TRY(arena_printf(&q->ctx->arena, &key, "refusal:%s", from));
    return cache_rate(q->app->be.cache, key, &rule, clock_mono_ms(), &wait_s);
}

void note_refusal(struct call *q, enum err e)
{
    struct slice detail;
    struct id object;
    if (!q->route || q->route->nonblocking) return;
    const char *event = event_of(q, e);
    if (!event || may_note(q) != ERR_OK) return;
    bool named = id_parse(q->params[0], &object) == ERR_OK;
    if (arena_printf(&q->ctx->arena, &detail, "%s %s: %s", http_method_name(q->http->method), q->route->pattern,
                     q->ctx->err == e && q->ctx->err_code ? q->ctx->err_code : err_name(e)) != ERR_OK)
        return;
    audit_note(q->app, &(struct audit_event){.event = event, .result = "denied", .who = &q->who, .detail = detail,
                                             .object_id = named ? &object : NULL});
}
