/* Idempotency-Key around a handler. */
#include "api/idempotency.h"

#include "base/limits.h"
#include "core/app/idempotency.h"

#define KEY_TEXT_MAX 255

static enum err identify(struct call *q, struct slice key, struct idempotency *ret)
{
    CLEANUP(hasher_cleanup) struct hasher *h = NULL;
    TRY(hasher_new(&h));
    /* The body is part of what was asked, and so is the exact path. */
    TRY(hasher_add(h, q->who.user_id.b, sizeof q->who.user_id.b));
    TRY(hasher_add(h, q->http->path.ptr, q->http->path.len));
    TRY(hasher_add(h, "\0", 1));
    TRY(hasher_add(h, key.ptr, key.len));
    TRY(hasher_sum(h, &ret->key));
    return sha256(q->http->body, &ret->request);
}

static enum err first_time(struct call *q, const struct idempotency *i)
{
    enum err e = q->route->call(q);
    if (e == ERR_OK && q->resp->body_kind == HTTP_BODY_MEMORY)
        return idempotency_finish(q->ctx, q->app, i, q->resp->status, q->resp->memory);
    CLEANUP(ctx_done) struct ctx own;
    ctx_init(&own, LIMIT_REQUEST_ARENA_BYTES);
    err_ignore(idempotency_drop(&own, q->app, i), "it runs out by itself after a minute");
    return e;
}

enum err idempotent_call(struct call *q)
{
    struct idempotency i;
    struct slice key = http_request_header(q->http, "idempotency-key"), body;
    int status = 0;
    if (!key.ptr) return q->route->call(q);
    if (key.len == 0 || key.len > KEY_TEXT_MAX)
        return refuse(q->ctx, ERR_INVALID, "idempotency_key", "Idempotency-Key must have 1 to 255 characters.");
    TRY(identify(q, key, &i));
    enum err e = idempotency_begin(q->ctx, q->app, &i, &status, &body);
    if (e == ERR_OK) return first_time(q, &i);
    if (e != ERR_EXISTS) return e;
    ctx_clear_error(q->ctx);
    TRY(http_response_memory(q->ctx, q->resp, status, "application/json", body));
    return reply_header(q, "idempotency-replayed", SLICE("true"));
}
