/* Health, metrics, public keys, the API document, the built-in pages. */
#include "api/api.h"
#include "base/intmath.h"
#include "base/limits.h"
#include "core/job/job.h"
#include "core/token/token.h"
#include "web/web.h"

enum err system_health(struct call *q)
{
    struct msg_health out = {SLICE("ok"), SLICE(SEALDROP_VERSION)};
    return reply(q, &out);
}

static struct slice check_word(bool ok)
{
    return ok ? SLICE("ok") : SLICE("failed");
}

enum err system_ready(struct call *q)
{
    uint64_t free_bytes = 0;
    bool db = db_ping(q->ctx, q->app->be.db) == ERR_OK;
    bool blobs = blob_health(q->ctx, q->app->be.blobs, &free_bytes) == ERR_OK;
    bool running = !api_stopping(q->api);
    bool all = db && blobs && running;
    ctx_clear_error(q->ctx);
    struct msg_check checks[] = {{SLICE("database"), check_word(db)},
                                 {SLICE("storage"), check_word(blobs)},
                                 {SLICE("accepting"), check_word(running)}};
    struct msg_ready out = {all ? SLICE("ready") : SLICE("not ready"), SLICE(SEALDROP_VERSION),
                            {checks, ARRAY_LEN(checks), true}};
    TRY(reply(q, &out));
    if (!all) q->resp->status = 503;
    return ERR_OK;
}

static enum err may_read_metrics(struct call *q)
{
    struct slice token = api_config(q->api)->metrics_token;
    struct slice value = http_request_header(q->http, "authorization");
    struct slice scheme = slice_cut(&value, ' ');
    if (token.len == 0) {
        bool local = strcmp(q->who.ip, "127.0.0.1") == 0 || strcmp(q->who.ip, "::1") == 0;
        if (local) return ERR_OK;
        return refuse(q->ctx, ERR_NOT_FOUND, "not_found", "There is nothing at this address.");
    }
    if (slice_eq_nocase(scheme, SLICE("bearer")) && value.len == token.len && mem_equal_ct(value.ptr, token.ptr, token.len))
        return ERR_OK;
    return refuse(q->ctx, ERR_UNAUTH, "unauthorized", "Metrics need their token.");
}

static enum err put_metric(struct buf *b, const char *name, const char *type, uint64_t v)
{
    return buf_printf(b, "# TYPE %s %s\n%s %llu\n", name, type, name, (unsigned long long)v);
}

static enum err put_metrics(struct call *q, struct buf *b)
{
    struct http_stats s = {0};
    struct api_counts counts;
    uint64_t waiting = 0, dead = 0, free_bytes = 0;
    if (api_server(q->api)) http_server_stats(api_server(q->api), &s);
    TRY(job_counts(q->ctx, q->app, &waiting, &dead));
    TRY(blob_health(q->ctx, q->app->be.blobs, &free_bytes));
    TRY(put_metric(b, "sealdrop_connections", "gauge", s.connections_now));
    TRY(put_metric(b, "sealdrop_connections_total", "counter", s.connections_total));
    TRY(put_metric(b, "sealdrop_http_requests_total", "counter", s.requests_total));
    TRY(put_metric(b, "sealdrop_http_streams", "gauge", s.streams_now));
    TRY(put_metric(b, "sealdrop_http_body_bytes_in_total", "counter", s.bytes_in_total));
    TRY(put_metric(b, "sealdrop_http_body_bytes_out_total", "counter", s.bytes_out_total));
    TRY(put_metric(b, "sealdrop_jobs_waiting", "gauge", waiting));
    TRY(put_metric(b, "sealdrop_jobs_dead", "gauge", dead));
    if (free_bytes != UINT64_MAX) TRY(put_metric(b, "sealdrop_storage_free_bytes", "gauge", free_bytes));
    api_counts(q->api, &counts);
    TRY(buf_put_cstr(b, "# TYPE sealdrop_http_responses_total counter\n"));
    for (unsigned i = 1; i < 6; i++)
        TRY(buf_printf(b, "sealdrop_http_responses_total{class=\"%uxx\"} %llu\n", i, (unsigned long long)counts.by_class[i]));
    return buf_printf(b, "# TYPE sealdrop_info gauge\nsealdrop_info{version=\"%s\"} 1\n", SEALDROP_VERSION);
}

static enum err reply_text(struct call *q, const char *type, struct buf *b)
{
    struct slice body;
    TRY(arena_slice(&q->ctx->arena, buf_view(b), &body));
    return http_response_memory(q->ctx, q->resp, 200, type, body);
}

enum err system_metrics(struct call *q)
{
    CLEANUP(buf_done) struct buf b = BUF_INIT(64 * KIB);
    TRY(may_read_metrics(q));
    TRY(put_metrics(q, &b));
    return reply_text(q, "text/plain; version=0.0.4; charset=utf-8", &b);
}

enum err system_jwks(struct call *q)
{
    CLEANUP(buf_done) struct buf b = BUF_INIT(4 * KIB);
    TRY(token_jwks(q->app->signer, &b));
    TRY(reply_header(q, "cache-control", SLICE("public, max-age=300")));
    return reply_text(q, "application/jwk-set+json", &b);
}

enum err system_openapi(struct call *q)
{
    CLEANUP(buf_done) struct buf b = BUF_INIT(1 * MIB);
    TRY(openapi_write(&b));
    return reply_text(q, "application/json", &b);
}

enum err system_asset(struct call *q)
{
    const struct static_asset *a = static_find(web_assets, web_asset_count, q->http->path);
    if (a) return static_respond(a, q->http, q->resp);
    return refuse(q->ctx, ERR_NOT_FOUND, "not_found", "There is nothing at this address.");
}
