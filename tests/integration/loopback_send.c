/* Requests as net/ would make them, and the checks that every answer of every test goes through. */
#include <stdarg.h>

#include "base/limits.h"
#include "base/time.h"
#include "codec/json_tree.h"
#include "integration/loopback.h"
#include "net/http.h"

#define REQUEST_HEADERS (LOOP_HEADERS + 6)

struct loop_exchange {
    struct loop *l;
    struct loop_request r;
    struct ctx ctx;
    struct http_request req;
    struct http_header headers[REQUEST_HEADERS];
    struct http_response resp;
    struct http_sink *sink;
    struct http_source *source;
    enum err sink_err;
    bool answered;
    const char *told; /* interim answers */
    uint64_t sent; /* body bytes given to the client */
};

/* ---- the request ---- */

static void put_header(struct loop_exchange *x, const char *name, struct slice value)
{
    x->headers[x->req.header_count++] = (struct http_header){slice_cstr(name), value};
}

static void put_headers(struct loop_exchange *x)
{
    const struct loop_request *r = &x->r;
    put_header(x, "host", SLICE("drop.example:8443"));
    if (r->json) put_header(x, "content-type", SLICE("application/json"));
    if (r->type) put_header(x, "content-type", slice_cstr(r->type));
    if (x->req.has_length && x->req.content_length)
        put_header(x, "content-length", slice_cstr(loop_text("%zu", x->r.body.len)));
    if (r->bearer) put_header(x, "authorization", slice_cstr(loop_text("Bearer %s", r->bearer)));
    if (r->ticket) put_header(x, "authorization", slice_cstr(loop_text("Link %s", r->ticket)));
    for (size_t i = 0; i < LOOP_HEADERS && r->headers[i].name.len; i++) x->headers[x->req.header_count++] = r->headers[i];
    x->req.headers = x->headers;
}

static void record_interim(struct ctx *c, int status, const struct http_header *h, size_t n)
{
    struct loop_exchange *x = (struct loop_exchange *)((char *)c - offsetof(struct loop_exchange, ctx));
    const char *text = loop_text("%s%d", x->told, status);
    for (size_t i = 0; i < n; i++) text = loop_text("%s;" SLICE_FMT "=" SLICE_FMT, text, SLICE_ARG(h[i].name), SLICE_ARG(h[i].value));
    x->told = loop_text("%s|", text);
}

static enum http_method method_of(const struct loop_request *r)
{
    if (!r->method) return r->json || r->body.len ? HTTP_POST : HTTP_GET;
    for (unsigned m = 0; m < HTTP_METHOD_COUNT; m++)
        if (strcmp(r->method, http_method_name((enum http_method)m)) == 0) return (enum http_method)m;
    test_fail(__FILE__, __LINE__, "no method %s", r->method);
    return HTTP_GET;
}

static struct loop_exchange *new_exchange(struct loop *l, const struct loop_request *r)
{
    struct slice rest = slice_cstr(r->target);
    struct loop_exchange *x = reallocarray(NULL, 1, sizeof *x);
    *x = (struct loop_exchange){.l = l, .r = *r, .told = ""};
    if (r->json) x->r.body = slice_cstr(r->json);
    ctx_init(&x->ctx, LIMIT_REQUEST_ARENA_BYTES);
    x->req = (struct http_request){.method = method_of(r), .version = 1, .secure = true, .ctx = &x->ctx,
                                   .interim = r->deaf ? NULL : record_interim};
    x->req.path = slice_cut(&rest, '?');
    x->req.query = rest;
    x->req.authority = SLICE("drop.example:8443");
    x->req.has_body = x->r.body.len || r->cut || r->no_length;
    x->req.has_length = !r->no_length;
    x->req.content_length = r->no_length ? 0 : x->r.body.len;
    snprintf(x->req.peer, sizeof x->req.peer, "%s", r->peer ? r->peer : "127.0.0.1");
    put_headers(x);
    return x;
}

static void call(struct loop_exchange *x, enum http_plan_kind kind)
{
    const struct http_app *app = &x->l->http;
    x->answered = true;
    if (kind == HTTP_PLAN_CALL) x->req.body = x->r.body;
    app->call(app->arg, &x->req, &x->resp);
}

struct loop_exchange *loop_begin(struct loop *l, const struct loop_request *r)
{
    struct loop_exchange *x = new_exchange(l, r);
    const struct http_app *app = &l->http;
    struct http_plan plan = {0};
    app->plan(app->arg, &x->req, &plan);
    bool large = plan.kind != HTTP_PLAN_INLINE && x->r.body.len > plan.body_bytes_max;
    if (large) {
        x->answered = true;
        app->problem(app->arg, &x->ctx, &x->req, 413, "The body is larger than allowed here.", &x->resp);
    } else if (plan.kind == HTTP_PLAN_STREAM) {
        app->open(app->arg, &x->req, &x->sink, &x->resp);
        x->answered = !x->sink;
    } else {
        call(x, plan.kind);
    }
    return x;
}

bool loop_waiting(const struct loop_exchange *x) { return x->sink != NULL; }

enum err loop_put(struct loop_exchange *x, const void *p, size_t n)
{
    if (x->sink && x->sink_err == ERR_OK) x->sink_err = x->sink->ops->write(x->sink, &x->ctx, p, n);
    return x->sink_err;
}

void loop_abort(struct loop_exchange *x)
{
    if (!x->sink) return;
    x->sink->ops->abort(x->sink, &x->ctx);
    x->sink = NULL;
}

/* ---- the answer ---- */

static char *keep(char **at, struct slice s)
{
    char *p = *at;
    if (s.len) memcpy(p, s.ptr, s.len);
    p[s.len] = '\0';
    *at += s.len + 1;
    return p;
}

static void copy_head(const struct http_response *resp, struct loop_answer *a)
{
    size_t room = 1;
    for (size_t i = 0; i < resp->header_count; i++) room += resp->headers[i].name.len + resp->headers[i].value.len + 2;
    char *at = a->text = reallocarray(NULL, room, 1);
    a->status = resp->status;
    a->header_count = resp->header_count;
    for (size_t i = 0; i < resp->header_count; i++) {
        const struct http_header *h = &resp->headers[i];
        a->headers[i].name = slice_of(keep(&at, h->name), h->name.len);
        a->headers[i].value = slice_of(keep(&at, h->value), h->value.len);
    }
}

static bool bodyless(const struct loop_exchange *x)
{
    return x->req.method == HTTP_HEAD || x->resp.status == 204 || x->resp.status == 304;
}

static void add_body(struct loop_exchange *x, struct loop_answer *a, const void *p, size_t n)
{
    a->body = reallocarray(a->body, a->len + n + 1, 1);
    if (n) memcpy(a->body + a->len, p, n);
    a->len += n;
    a->body[a->len] = '\0';
    x->sent += n;
}

static void take_head(struct loop_exchange *x, struct loop_answer *a)
{
    const struct call *q = x->req.user;
    const struct http_response *resp = &x->resp;
    copy_head(resp, a);
    a->route = q ? q->route : NULL;
    a->length = resp->body_kind == HTTP_BODY_SOURCE ? resp->source_length
                : resp->body_kind == HTTP_BODY_MEMORY ? resp->memory.len
                                                      : 0;
    if (resp->body_kind == HTTP_BODY_SOURCE) x->source = resp->source;
    if (resp->body_kind == HTTP_BODY_MEMORY && !bodyless(x)) add_body(x, a, resp->memory.ptr, resp->memory.len);
}

void loop_finish(struct loop_exchange *x, struct loop_answer *a)
{
    if (x->sink) {
        struct http_sink *sink = x->sink;
        x->sink = NULL;
        sink->ops->finish(sink, &x->ctx, x->sink_err, &x->resp);
        x->answered = true;
    }
    take_head(x, a);
}

bool loop_take(struct loop_exchange *x, struct loop_answer *a, size_t n)
{
    static _Thread_local char piece[LIMIT_HTTP_STREAM_PIECE_BYTES];
    size_t got = 0;
    if (!x->source || bodyless(x) || a->read_err != ERR_OK) return false;
    const struct http_source_ops *ops = x->source->ops;
    size_t cap = MIN(n, sizeof piece);
    a->read_err = ops->read_now && !x->r.workers_only ? ops->read_now(x->source, &x->ctx, piece, cap, &got) : ERR_BUSY;
    if (a->read_err == ERR_BUSY) a->read_err = ops->read(x->source, &x->ctx, piece, cap, &got);
    if (a->read_err != ERR_OK || got == 0) return false;
    add_body(x, a, piece, got);
    return true;
}

/* ---- checks of every answer ---- */

struct slice loop_header(const struct loop_answer *a, const char *name)
{
    for (size_t i = 0; i < a->header_count; i++)
        if (slice_eq(a->headers[i].name, slice_cstr(name))) return a->headers[i].value;
    return (struct slice){0};
}

const char *loop_shown(const struct loop_answer *a)
{
    bool text = a->len && (a->body[0] == '{' || a->body[0] == '<');
    return text ? loop_text("%.500s", a->body) : loop_text("(%zu bytes)", a->len);
}

#define WRONG(x, a, ...)                                                                                               \
    test_fail(__FILE__, __LINE__, "%s %s gave %d: %s: %s", http_method_name((x)->req.method), (x)->r.target,           \
              (a)->status, loop_text(__VA_ARGS__), loop_shown(a))

static void check_common(const struct loop_exchange *x, const struct loop_answer *a)
{
    static const char *const always[] = {"x-request-id",    "x-content-type-options", "content-security-policy",
                                         "referrer-policy", "strict-transport-security", "cache-control",
                                         "cross-origin-opener-policy", "cross-origin-resource-policy"};
    for (size_t i = 0; i < ARRAY_LEN(always); i++)
        if (!loop_header(a, always[i]).len) WRONG(x, a, "no header %s", always[i]);
    for (size_t i = 0; i < a->header_count; i++)
        for (size_t k = 0; k < i; k++)
            if (slice_eq(a->headers[i].name, a->headers[k].name) && !slice_eq(a->headers[i].name, SLICE("set-cookie")))
                WRONG(x, a, "header %s twice", loop_text(SLICE_FMT, SLICE_ARG(a->headers[i].name)));
}

static void check_problem(const struct loop_exchange *x, struct loop_answer *a)
{
    struct slice id = loop_header(a, "x-request-id");
    /* Routes that browsers are sent to tell people what is wrong with a page. */
    bool page = a->route && a->route->out_type && strcmp(a->route->out_type, "text/html") == 0;
    if (page && slice_starts(loop_header(a, "content-type"), SLICE("text/html"))) return;
    if (!slice_eq(loop_header(a, "content-type"), SLICE("application/problem+json"))) WRONG(x, a, "not a problem");
    if (x->req.method == HTTP_HEAD) return;
    if (loop_num(a, "status") != a->status) WRONG(x, a, "status in the body differs");
    if (!loop_str(a, "code")[0] || !loop_str(a, "title")[0] || !loop_str(a, "detail")[0]) WRONG(x, a, "empty member");
    if (!slice_eq(slice_cstr(loop_str(a, "request_id")), id)) WRONG(x, a, "another request_id than in the header");
    bool registered = slice_starts(slice_cstr(loop_str(a, "type")), SLICE("https://iana.org/assignments/http-problem-types#"));
    if (!registered && !slice_eq(slice_cstr(loop_str(a, "type")), slice_cstr(loop_text("urn:sealdrop:problem:%s", loop_str(a, "code")))))
        WRONG(x, a, "type does not go with code");
    if (a->status == 429 && !loop_header(a, "retry-after").len) WRONG(x, a, "no Retry-After");
    if (a->status == 423 && !loop_header(a, "retry-after").len) WRONG(x, a, "no Retry-After");
}

/* JSON of other standards in it: no table can read that. */
static bool for_printing_only(const struct json_table *t)
{
    for (size_t i = 0; i < t->count; i++)
        if (t->fields[i].type == JSON_RAW) return true;
    return false;
}

static void check_json(const struct loop_exchange *x, const struct loop_answer *a)
{
    const struct json_table *t = a->route->out;
    if (for_printing_only(t)) return;
    CLEANUP(ctx_done) struct ctx c;
    ctx_init(&c, 64 * MIB);
    void *obj = arena_alloc(&c.arena, 1, t->size);
    enum err e = obj ? json_decode(&c, loop_body(a), t, JSON_STRICT, obj) : ERR_NOMEM;
    /* An armed allocation fault may have met the check instead of the product. */
    if (e == ERR_NOMEM && test_alloc_fired()) return;
    if (e != ERR_OK)
        WRONG(x, a, "not a %s: %s %s", t->name, c.err_detail,
              c.field_error_count ? loop_text(SLICE_FMT, SLICE_ARG(c.field_errors[0].field)) : "");
}

static void check_success(const struct loop_exchange *x, const struct loop_answer *a)
{
    const struct route *r = a->route;
    struct slice type = loop_header(a, "content-type");
    if (!r) {
        WRONG(x, a, "success without a route");
        return;
    }
    /* An upload that goes on has nothing to show yet. */
    if (r->open && !a->len && !type.len && slice_eq(loop_header(a, "upload-complete"), SLICE("?0"))) return;
    if (a->status != r->status && !(a->status == 206 && r->out_type)) WRONG(x, a, "the route says %d", r->status);
    if (!r->out && !r->out_type && (a->len || type.len)) WRONG(x, a, "a body nobody declared");
    if (!r->out || x->req.method == HTTP_HEAD) return;
    if (!slice_eq(type, SLICE("application/json"))) WRONG(x, a, "not JSON");
    check_json(x, a);
}

static void check_answer(const struct loop_exchange *x, struct loop_answer *a)
{
    check_common(x, a);
    bool ready = a->route && strcmp(a->route->pattern, "/health/ready") == 0;
    if (a->status >= 400 && !ready) check_problem(x, a);
    if (a->status < 300) check_success(x, a);
    bool whole = !x->r.stop && a->read_err == ERR_OK && !bodyless(x);
    if (whole && a->length != HTTP_LENGTH_UNKNOWN && a->length != a->len)
        WRONG(x, a, "announced %llu bytes, sent %zu", (unsigned long long)a->length, a->len);
    if (a->len > a->length) WRONG(x, a, "more bytes than announced");
}

static void drop_exchange(struct loop_exchange *x)
{
    ctx_done(&x->ctx);
    free(x);
}

void loop_end(struct loop_exchange *x, struct loop_answer *a, bool complete)
{
    const struct http_app *app = &x->l->http;
    a->told = x->told;
    if (x->source) x->source->ops->close(x->source, &x->ctx, complete, x->sent);
    struct http_done d = {.status = x->answered ? x->resp.status : 0, .complete = complete, .bytes_out = x->sent};
    app->done(app->arg, &x->req, &d);
    if (x->answered && complete && !x->l->lenient) check_answer(x, a);
    drop_exchange(x);
}

/* ---- one request ---- */

static void put_body(struct loop_exchange *x)
{
    size_t piece = x->r.piece ? x->r.piece : 64 * KIB, end = x->r.cut ? x->r.cut_after : x->r.body.len;
    for (size_t at = 0; at < end; at += piece)
        if (loop_put(x, x->r.body.ptr + at, MIN(piece, end - at)) != ERR_OK) return;
}

/* True when the client has all it was promised. */
static bool take_body(struct loop_exchange *x, struct loop_answer *a)
{
    size_t cap = x->r.read_cap ? x->r.read_cap : LIMIT_HTTP_STREAM_PIECE_BYTES;
    for (;;) {
        if (x->r.stop && x->sent >= x->r.stop_after) return false;
        size_t n = x->r.stop ? (size_t)MIN(cap, x->r.stop_after - x->sent) : cap;
        if (!loop_take(x, a, n)) return a->read_err == ERR_OK;
    }
}

void loop_send(struct loop *l, const struct loop_request *r, struct loop_answer *ret)
{
    *ret = (struct loop_answer){0};
    struct loop_exchange *x = loop_begin(l, r);
    if (x->sink) put_body(x);
    if (x->sink && r->cut) {
        loop_abort(x);
        loop_end(x, ret, false);
        return;
    }
    loop_finish(x, ret);
    bool complete = take_body(x, ret);
    /* Heads of cut answers are checked too. */
    if (!complete && !l->lenient) check_common(x, ret);
    loop_end(x, ret, complete);
}

void loop_next(struct loop *l, const struct loop_request *r, struct loop_answer *a)
{
    struct loop_answer fresh;
    loop_send(l, r, &fresh);
    loop_answer_done(a);
    *a = fresh;
}

void loop_answer_done(struct loop_answer *a)
{
    json_tree_free(&a->json);
    free(a->body);
    free(a->text);
    *a = (struct loop_answer){0};
}

/* ---- looking into JSON ---- */

static const struct json_node *step(const struct json_node *n, struct slice name)
{
    uint64_t i = 0;
    if (!n) return NULL;
    if (json_node_kind(n) == JSON_KIND_LIST)
        return slice_u64(name, 1000000, &i) == ERR_OK && i < json_node_count(n) ? json_node_item(n, i) : NULL;
    if (json_node_kind(n) != JSON_KIND_OBJECT) return NULL;
    return json_node_member(n, loop_text(SLICE_FMT, SLICE_ARG(name)));
}

static const struct json_node *find(struct loop_answer *a, const char *path)
{
    struct json_problem problem;
    struct slice rest = slice_cstr(path);
    if (!a->json && json_tree_parse(loop_body(a), &a->json, &problem) != ERR_OK) return NULL;
    const struct json_node *n = a->json;
    while (rest.len) n = step(n, slice_cut(&rest, '.'));
    return n;
}

const char *loop_str(struct loop_answer *a, const char *path)
{
    const struct json_node *n = find(a, path);
    if (!n || json_node_kind(n) != JSON_KIND_STRING) return "";
    return loop_text(SLICE_FMT, SLICE_ARG(json_node_string(n)));
}

int64_t loop_num(struct loop_answer *a, const char *path)
{
    const struct json_node *n = find(a, path);
    return n && json_node_kind(n) == JSON_KIND_INTEGER ? json_node_integer(n) : -1;
}

size_t loop_count(struct loop_answer *a, const char *path)
{
    const struct json_node *n = find(a, path);
    return n && json_node_kind(n) == JSON_KIND_LIST ? json_node_count(n) : 0;
}

bool loop_is_null(struct loop_answer *a, const char *path)
{
    const struct json_node *n = find(a, path);
    return !n || json_node_kind(n) == JSON_KIND_NULL;
}

bool loop_true(struct loop_answer *a, const char *path)
{
    const struct json_node *n = find(a, path);
    return n && json_node_kind(n) == JSON_KIND_BOOL && json_node_bool(n);
}
