/* Looking once more, now and then, while the body of an upload arrives; and that it is no longer than one may be. */
#include "api/guard.h"

#include "core/apikey/apikey.h"
#include "core/session/session.h"
#include "os/clock.h"

struct guard {
    struct http_sink base;
    struct http_sink *inner;
    struct call *q;
    int64_t looked_at_ms;
    uint64_t bytes; /* of the body, as many as are known: all of them when they were declared */
};

static enum err measure(struct guard *g, struct ctx *c, size_t n)
{
    const struct http_request *req = g->q->http;
    uint64_t max = g->q->app->cfg.request_bytes_max;
    g->bytes = req->has_length ? req->content_length : g->bytes + n;
    if (max == 0 || g->bytes <= max) return ERR_OK;
    return refuse(c, ERR_TOO_LARGE, "request_too_large", "One request may bring at most %llu bytes: send the file in several.",
                  (unsigned long long)max);
}

static enum err look(struct guard *g, struct ctx *c)
{
    int64_t now = clock_mono_ms();
    if (now - g->looked_at_ms < GUARD_MS) return ERR_OK;
    g->looked_at_ms = now;
    return g->q->who.by_key ? apikey_recheck(c, g->q->app, &g->q->who) : session_recheck(c, g->q->app, &g->q->who);
}

static enum err guard_write(struct http_sink *s, struct ctx *c, const void *p, size_t n)
{
    struct guard *g = (struct guard *)s;
    TRY(look(g, c));
    TRY(measure(g, c, n));
    return g->inner->ops->write(g->inner, c, p, n);
}

static void guard_finish(struct http_sink *s, struct ctx *c, enum err failed, struct http_response *resp)
{
    struct guard *g = (struct guard *)s;
    if (failed == ERR_OK) failed = look(g, c);
    g->inner->ops->finish(g->inner, c, failed, resp);
}

static void guard_abort(struct http_sink *s, struct ctx *c)
{
    struct guard *g = (struct guard *)s;
    g->inner->ops->abort(g->inner, c);
}

static const struct http_sink_ops guard_ops = {.write = guard_write, .finish = guard_finish, .abort = guard_abort};

enum err guard_sink(struct call *q, struct http_sink **sink)
{
    struct guard *g = ARENA_NEW(&q->ctx->arena, struct guard);
    if (!g) return ERR_NOMEM;
    *g = (struct guard){.base = {&guard_ops}, .inner = *sink, .q = q, .looked_at_ms = clock_mono_ms()};
    *sink = &g->base;
    return ERR_OK;
}
