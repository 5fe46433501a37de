/* Answers: JSON from tables, problems (RFC 9457), the headers every answer carries, and reading of parameters. */
#include "api/api.h"

#include "base/limits.h"
#include "base/log.h"
#include "base/time.h"
#include "codec/uri.h"
#include "core/page.h"
#include "os/clock.h"

#define PROBLEM_REGISTRY "https://iana.org/assignments/http-problem-types#"
#define CSP_NOTHING "default-src 'none'; frame-ancestors 'none'"
/* Only what this server is built with: no inline script or style, no way for a script to make markup, nothing from elsewhere. */
#define CSP_PAGE \
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; " \
    "frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'"

static const struct http_header common[] = {
    {{"strict-transport-security", 25}, {"max-age=31536000", 16}},
    {{"x-content-type-options", 22}, {"nosniff", 7}},
    {{"referrer-policy", 15}, {"no-referrer", 11}},
    {{"cross-origin-opener-policy", 26}, {"same-origin", 11}},
    {{"cross-origin-resource-policy", 28}, {"same-origin", 11}},
};

static bool has_header(const struct http_response *resp, struct slice name)
{
    for (size_t i = 0; i < resp->header_count; i++)
        if (slice_eq(resp->headers[i].name, name)) return true;
    return false;
}

/* What the handler has set stays. */
static void put_static(struct http_response *resp, struct http_header h)
{
    size_t cap = sizeof resp->headers / sizeof resp->headers[0];
    if (resp->header_count < cap && !has_header(resp, h.name)) resp->headers[resp->header_count++] = h;
}

void reply_common(struct ctx *c, struct http_response *resp, bool html)
{
    for (size_t i = 0; i < sizeof common / sizeof common[0]; i++) put_static(resp, common[i]);
    put_static(resp, (struct http_header){SLICE("content-security-policy"), html ? SLICE(CSP_PAGE) : SLICE(CSP_NOTHING)});
    put_static(resp, (struct http_header){SLICE("cache-control"), SLICE("no-store")});
    if (c->request_id.len) put_static(resp, (struct http_header){SLICE("x-request-id"), c->request_id});
}

enum err reply_header(struct call *q, const char *name, struct slice value)
{
    return http_response_header(q->ctx, q->resp, name, value);
}

static enum err json_body(struct ctx *c, struct http_response *resp, int status, const char *type, struct buf *b)
{
    struct slice body;
    TRY(arena_slice(&c->arena, buf_view(b), &body));
    return http_response_memory(c, resp, status, type, body);
}

enum err reply(struct call *q, const void *obj)
{
    CLEANUP(buf_done) struct buf b = {.max = LIMIT_JSON_ANSWER_BYTES, .sensitive = true};
    TRY(json_encode(&b, q->route->out, obj));
    return json_body(q->ctx, q->resp, q->route->status, "application/json", &b);
}

enum err reply_empty(struct call *q)
{
    q->resp->status = q->route->status;
    return ERR_OK;
}

struct problem {
    int status;
    struct slice title, code, detail;
    const struct registered_problem *registered; /* NULL: a type of our own */
    struct slice request_id;
    const struct field_error *errors;
    size_t error_count;
};

static enum err put_member(struct buf *b, const char *name, struct slice value)
{
    TRY(buf_printf(b, ",\"%s\":", name));
    return json_put_string(b, value);
}

static enum err put_problem(struct buf *b, const struct problem *p)
{
    if (p->registered)
        TRY(buf_printf(b, "{\"type\":\"" PROBLEM_REGISTRY "%s\",\"status\":%d", p->registered->name, p->status));
    else
        TRY(buf_printf(b, "{\"type\":\"urn:sealdrop:problem:" SLICE_FMT "\",\"status\":%d", SLICE_ARG(p->code), p->status));
    TRY(put_member(b, "title", p->title));
    TRY(put_member(b, "detail", p->detail));
    TRY(put_member(b, "code", p->code));
    TRY(put_member(b, "request_id", p->request_id));
    for (size_t i = 0; i < p->error_count; i++) {
        TRY(buf_put_cstr(b, i ? "," : ",\"errors\":["));
        TRY(buf_put_cstr(b, "{\"field\":"));
        TRY(json_put_string(b, p->errors[i].field));
        TRY(put_member(b, "message", p->errors[i].message));
        TRY(buf_putc(b, '}'));
    }
    if (p->error_count) TRY(buf_putc(b, ']'));
    for (size_t i = 0; p->registered && i < 2; i++) {
        const struct problem_member *m = &p->registered->members[i];
        if (m->name) TRY(buf_printf(b, ",\"%s\":%llu", m->name, (unsigned long long)m->value));
    }
    return buf_putc(b, '}');
}

static void send_problem(struct ctx *c, struct http_response *resp, const struct problem *p)
{
    CLEANUP(buf_done) struct buf b = BUF_INIT(16 * KIB);
    resp->header_count = 0;
    resp->body_kind = HTTP_BODY_NONE;
    enum err e = put_problem(&b, p);
    if (e == ERR_OK) e = json_body(c, resp, p->status, "application/problem+json", &b);
    /* Without memory the bare status still tells. */
    if (e != ERR_OK) resp->status = p->status;
}

void reply_problem_raw(struct ctx *c, struct http_response *resp, int status, struct slice code, struct slice detail)
{
    struct problem p = {.status = status, .title = detail, .code = code, .detail = detail, .request_id = c->request_id};
    send_problem(c, resp, &p);
}

void reply_registered(struct ctx *c, struct http_response *resp, const struct registered_problem *p)
{
    struct problem all = {.status = p->status, .title = slice_cstr(p->title), .code = slice_cstr(p->code),
                          .detail = slice_cstr(p->detail), .registered = p, .request_id = c->request_id};
    send_problem(c, resp, &all);
}

static void log_failure(const struct call *q, enum err e, int status)
{
    const struct ctx *c = q->ctx;
    log_error("request_failed", LOG_TEXT("route", slice_cstr(q->route ? q->route->pattern : "?")),
              LOG_NUM("status", status), LOG_TEXT("error", slice_cstr(err_name(e))),
              LOG_TEXT("detail", slice_cstr(c->err_detail)), LOG_TEXT("at", slice_cstr(c->err_file ? c->err_file : "?")),
              LOG_NUM("line", c->err_line), LOG_TEXT("request_id", c->request_id));
}

void reply_problem(struct call *q, enum err e)
{
    struct ctx *c = q->ctx;
    int status = q->route && q->route->status_of ? q->route->status_of(c, e) : err_http_status(e);
    bool public = c->err == e && c->err_public.ptr;
    struct problem p = {.status = status,
                        .title = slice_cstr(err_text(e)),
                        .code = slice_cstr(public && c->err_code ? c->err_code : err_name(e)),
                        .detail = public ? c->err_public : slice_cstr(err_text(e)),
                        .request_id = c->request_id,
                        .errors = c->field_errors,
                        .error_count = c->field_error_count};
    if (c->field_error_count && !public) p.detail = SLICE("Some fields are not valid; see errors.");
    if (status >= 500 && e != ERR_BUSY) log_failure(q, e, status);
    if (q->resp->body_kind == HTTP_BODY_SOURCE) q->resp->source->ops->close(q->resp->source, c, false, 0);
    send_problem(c, q->resp, &p);
    if (e == ERR_UNAUTH) err_ignore(reply_header(q, "www-authenticate", SLICE("Bearer")), "the status says it too");
    uint32_t wait_s = c->retry_after_s ? c->retry_after_s : 1;
    struct slice text;
    if ((e == ERR_RATE || e == ERR_LOCKED || e == ERR_BUSY) && arena_printf(&c->arena, &text, "%u", wait_s) == ERR_OK)
        err_ignore(reply_header(q, "retry-after", text), "a hint only");
}

enum err param_id(struct call *q, size_t i, struct id *ret)
{
    if (id_parse(q->params[i], ret) == ERR_OK) return ERR_OK;
    return refuse(q->ctx, ERR_NOT_FOUND, "not_found", "There is nothing here, or it is not yours.");
}

enum err param_u64(struct call *q, size_t i, uint64_t *ret)
{
    if (slice_u64(q->params[i], INT64_MAX, ret) == ERR_OK) return ERR_OK;
    return refuse(q->ctx, ERR_INVALID, "invalid", "The last part of the path must be a number.");
}

enum err query_text(struct call *q, const char *name, struct slice *ret)
{
    enum err e = query_get(&q->ctx->arena, q->http->query, name, ret);
    if (e == ERR_NOT_FOUND) {
        *ret = (struct slice){0};
        return ERR_OK;
    }
    if (e == ERR_INVALID) ctx_field_error(q->ctx, name, "is malformed or given twice");
    return e;
}

enum err query_u64(struct call *q, const char *name, uint64_t max, struct opt_u64 *ret)
{
    struct slice text;
    TRY(query_text(q, name, &text));
    *ret = (struct opt_u64){text.ptr != NULL, 0};
    if (!text.ptr || slice_u64(text, max, &ret->v) == ERR_OK) return ERR_OK;
    ctx_field_error(q->ctx, name, "is not a number in range");
    return ERR_INVALID;
}

enum err query_bool(struct call *q, const char *name, bool absent, bool *ret)
{
    struct slice text;
    TRY(query_text(q, name, &text));
    bool yes = slice_eq(text, SLICE("true"));
    if (text.ptr && !yes && !slice_eq(text, SLICE("false"))) {
        ctx_field_error(q->ctx, name, "is true or false");
        return ERR_INVALID;
    }
    *ret = text.ptr ? yes : absent;
    return ERR_OK;
}

enum err query_id(struct call *q, const char *name, struct opt_id *ret)
{
    struct slice text;
    TRY(query_text(q, name, &text));
    *ret = (struct opt_id){.set = text.ptr != NULL};
    if (!text.ptr || id_parse(text, &ret->v) == ERR_OK) return ERR_OK;
    ctx_field_error(q->ctx, name, "is not an id");
    return ERR_INVALID;
}

enum err query_time(struct call *q, const char *name, int64_t otherwise, int64_t *ret)
{
    struct slice text;
    TRY(query_text(q, name, &text));
    *ret = otherwise;
    if (!text.ptr || time_parse_rfc3339(text, ret) == ERR_OK) return ERR_OK;
    ctx_field_error(q->ctx, name, "is not a time like 2026-11-21T20:15:00Z");
    return ERR_INVALID;
}

static enum err page_members(struct call *q, uint64_t *ret_limit, struct slice *ret_cursor)
{
    struct opt_u64 limit;
    TRY(query_u64(q, "limit", LIMIT_PAGE_ITEMS, &limit));
    if (limit.set && limit.v == 0) {
        ctx_field_error(q->ctx, "limit", "must be 1 to 200");
        return ERR_INVALID;
    }
    *ret_limit = limit.v;
    return query_text(q, "cursor", ret_cursor);
}

enum err query_page(struct call *q, struct page *ret)
{
    uint64_t limit = 0;
    struct slice cursor;
    TRY(page_members(q, &limit, &cursor));
    return page_parse(q->ctx, limit, cursor, ret);
}

enum err query_page_key(struct call *q, char order, struct page_key *ret)
{
    uint64_t limit = 0;
    struct slice cursor;
    TRY(page_members(q, &limit, &cursor));
    return page_key_parse(q->ctx, limit, cursor, order, ret);
}

enum err lifetime(struct call *q, const struct opt_u64 *in, const struct opt_i64 *at, struct opt_u64 *ret)
{
    int64_t left_ms = at->v - clock_wall_ms();
    *ret = *in;
    if (!at->set) return ERR_OK;
    if (in->set || left_ms < 1000) {
        ctx_field_error(q->ctx, "expires_at", in->set ? "and expires_in exclude each other" : "must lie in the future");
        return ERR_INVALID;
    }
    *ret = (struct opt_u64){true, (uint64_t)left_ms / 1000};
    return ERR_OK;
}
