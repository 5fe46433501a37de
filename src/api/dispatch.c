/* From the edge to a handler and back: finds the row, enforces it, decodes, calls, counts, logs. */
#include "api/api.h"

#include <stdatomic.h>

#include "api/cookie.h"
#include "api/guard.h"
#include "api/idempotency.h"
#include "api/refusal.h"
#include "api/tus.h"
#include "base/address.h"
#include "base/limits.h"
#include "base/log.h"
#include "codec/uri.h"
#include "core/apikey/apikey.h"
#include "core/limit/limit.h"
#include "core/session/session.h"
#include "os/clock.h"

#define REQUEST_ID_LEN 16u

struct api {
    struct app *app;
    struct api_config cfg;
    struct router *router;
    const struct http_server *server;
    atomic_bool stopping, setup_done;
    _Atomic uint64_t by_class[6];
};

const struct api_config *api_config(const struct api *api) { return &api->cfg; }
const struct http_server *api_server(const struct api *api) { return api->server; }
bool api_stopping(const struct api *api) { return atomic_load(&api->stopping); }
bool api_setup_done(const struct api *api) { return atomic_load(&api->setup_done); }
void api_set_setup_done(struct api *api) { atomic_store(&api->setup_done, true); }
void api_set_server(struct api *api, const struct http_server *server) { api->server = server; }
void api_set_stopping(struct api *api) { atomic_store(&api->stopping, true); }

void api_counts(const struct api *api, struct api_counts *ret)
{
    for (size_t i = 0; i < 6; i++) ret->by_class[i] = atomic_load(&api->by_class[i]);
}

static void row(size_t i, enum http_method *ret_method, const char **ret_pattern)
{
    *ret_method = api_routes[i].method;
    *ret_pattern = api_routes[i].pattern;
}

enum err api_new(struct ctx *c, struct app *app, const struct api_config *cfg, struct api **ret)
{
    struct api *api = MEM_NEW(struct api);
    if (!api) return ERR_NOMEM;
    api->app = app;
    api->cfg = *cfg;
    atomic_store(&api->setup_done, cfg->setup_token.len == 0);
    enum err e = router_new(api_route_count, row, &api->router);
    if (e != ERR_OK) {
        api_free(api);
        return fail(c, e, "route table");
    }
    *ret = api;
    return ERR_OK;
}

void api_free(struct api *api)
{
    if (!api) return;
    router_free(api->router);
    mem_free(api);
}

/* Ids need to be different, not secret: randomness for several is fetched at once. */
static enum err new_request_id(struct ctx *c)
{
    static const char alphabet[] = "0123456789abcdefghijklmnopqrstuv";
    static _Thread_local uint8_t pool[REQUEST_ID_LEN * 32];
    static _Thread_local size_t left;
    char text[REQUEST_ID_LEN];
    if (left == 0) {
        TRY(os_random(pool, sizeof pool));
        left = sizeof pool;
    }
    left -= sizeof text;
    for (size_t i = 0; i < sizeof text; i++) text[i] = alphabet[pool[left + i] & 31];
    return arena_slice(&c->arena, slice_of(text, sizeof text), &c->request_id);
}

/* ---- plan: on the I/O thread ---- */

static void plan(void *arg, struct http_request *req, struct http_plan *ret)
{
    struct api *api = arg;
    struct router_match m = {0};
    *ret = (struct http_plan){.kind = HTTP_PLAN_INLINE};
    struct call *q = ARENA_NEW(&req->ctx->arena, struct call);
    if (!q || new_request_id(req->ctx) != ERR_OK) return;
    req->user = q;
    q->api = api;
    q->app = api->app;
    q->ctx = req->ctx;
    q->http = req;
    memcpy(q->who.ip, req->peer, sizeof q->who.ip);
    q->refused = router_find(api->router, req->ctx, tus_method(req), tus_path(req->path), &m);
    q->allowed = m.allowed;
    if (q->refused != ERR_OK) {
        /* Answered at once, whatever body comes along. */
        if (req->has_body) *ret = (struct http_plan){HTTP_PLAN_STREAM, UINT64_MAX};
        return;
    }
    q->route = &api_routes[m.index];
    memcpy(q->params, m.params, sizeof q->params);
    if (q->route->open) {
        *ret = (struct http_plan){HTTP_PLAN_STREAM, q->route->body_max};
    } else if (!q->route->nonblocking || req->has_body) {
        *ret = (struct http_plan){HTTP_PLAN_CALL, q->route->in ? LIMIT_HTTP_CALL_BODY_BYTES : LIMIT_HTTP_CHUNK_LINE_BYTES};
    }
}

/* ---- phases ---- */

static enum err limit_phase(struct call *q)
{
    char from[ADDRESS_KEY_BYTES];
    if (q->route->rate == RATE_NONE) return ERR_OK;
    address_key(q->who.ip, from);
    struct limit tries = {"address", slice_cstr(from), {q->app->cfg.tries.per_address, 60 * 1000}};
    return limit_take(q->ctx, q->app, &tries, 1);
}

static enum err authenticate_signed_in(struct call *q, struct slice scheme, struct slice value)
{
    if (!value.ptr || !slice_eq_nocase(scheme, SLICE("bearer"))) {
        value = cookie_get(q->http, COOKIE_ACCESS);
        q->who.by_cookie = true;
    }
    if (value.len == 0) return refuse(q->ctx, ERR_UNAUTH, "unauthorized", "Sign in first.");
    if (slice_starts(value, SLICE(APIKEY_PREFIX)) && !q->who.by_cookie)
        return apikey_authenticate(q->ctx, q->app, value, &q->who);
    return session_authenticate(q->ctx, q->app, value, &q->who);
}

static enum err authenticate_either(struct call *q, struct slice scheme, struct slice value)
{
    bool header = http_request_header(q->http, "authorization").ptr != NULL;
    enum err e = authenticate_signed_in(q, scheme, value);
    if (header || e != ERR_UNAUTH) return e;
    /* A browser sends what is left of an old session along; only the secret in the body counts then. */
    ctx_clear_error(q->ctx);
    q->who.signed_in = false;
    return ERR_OK;
}

enum err need_session(struct call *q)
{
    if (q->who.signed_in) return ERR_OK;
    if (q->forged) return refuse(q->ctx, ERR_DENIED, "csrf", "This request did not come from the web app of this server.");
    return refuse(q->ctx, ERR_UNAUTH, "unauthorized", "Sign in first.");
}

static enum err authenticate_phase(struct call *q)
{
    struct slice value = http_request_header(q->http, "authorization");
    struct slice scheme = slice_cut(&value, ' ');
    value = slice_trim(value);
    if (q->route->caller == CALLER_LINK)
        q->ticket = slice_eq_nocase(scheme, SLICE("link")) ? value : cookie_get(q->http, COOKIE_TICKET);
    if (q->route->caller == CALLER_EITHER) return authenticate_either(q, scheme, value);
    if (q->route->caller != CALLER_USER && q->route->caller != CALLER_ADMIN) return ERR_OK;
    return authenticate_signed_in(q, scheme, value);
}

/* Cookies go along with requests that other sites make: those must prove that our own page made them. */
static enum err csrf_phase(struct call *q)
{
    enum http_method m = q->http->method;
    bool safe = m == HTTP_GET || m == HTTP_HEAD || m == HTTP_OPTIONS;
    if (safe || !q->who.signed_in || !q->who.by_cookie) return ERR_OK;
    if (same_origin(q) && csrf_matches(q, http_request_header(q->http, "x-csrf-token"))) return ERR_OK;
    if (q->route->caller == CALLER_EITHER) {
        q->who.signed_in = false;
        q->forged = true;
        return ERR_OK;
    }
    return refuse(q->ctx, ERR_DENIED, "csrf", "This request did not come from the web app of this server.");
}

static enum err authorise_phase(struct call *q)
{
    const struct route *r = q->route;
    if (q->who.by_key && !(q->who.scopes & r->scope))
        return refuse(q->ctx, ERR_DENIED, "scope", "This API key does not have the scope for this request.");
    if (r->caller == CALLER_ADMIN && q->who.role != ROLE_ADMIN)
        return refuse(q->ctx, ERR_DENIED, "denied", "Only administrators may do this.");
    /* A key was made in a session that had just proven its secret, for the scope it is used with; there is nobody to ask again. */
    if (r->fresh && !q->who.by_key && (q->who.signed_in || r->caller != CALLER_EITHER) && clock_wall_ms() - q->who.auth_at_ms > FRESH_MS)
        return refuse(q->ctx, ERR_DENIED, "reauth_required",
                      "Prove who you are once more (POST /api/v1/auth/reauthenticate), then repeat.");
    return ERR_OK;
}

static bool known_parameter(const struct route *r, struct slice name)
{
    for (const char *const *known = r->query; known && *known; known++)
        if (slice_eq(name, slice_cstr(*known)) || strcmp(*known, "*") == 0) return true;
    return false;
}

static enum err check_query(struct call *q)
{
    struct slice rest = q->http->query, name, value;
    /* People's links collect tracking parameters on their way; those of the API are exact. */
    if (!slice_starts(slice_cstr(q->route->pattern), SLICE("/api/"))) return ERR_OK;
    while (query_next(&rest, &name, &value)) {
        const char *text = NULL;
        if (known_parameter(q->route, name)) continue;
        if (arena_cstr(&q->ctx->arena, slice_sub(name, 0, 64), &text) != ERR_OK) text = "?";
        ctx_field_error(q->ctx, text, "is not a parameter of this request");
        return ERR_INVALID;
    }
    return ERR_OK;
}

static enum err decode_phase(struct call *q)
{
    const struct route *r = q->route;
    TRY(check_query(q));
    if (r->open) return ERR_OK;
    if (!r->in) {
        if (q->http->body.len == 0) return ERR_OK;
        return refuse(q->ctx, ERR_INVALID, "no_body", "This request takes no body.");
    }
    struct slice type = http_request_header(q->http, "content-type"), rest = type;
    if (q->http->body.len && !slice_eq_nocase(slice_trim(slice_cut(&rest, ';')), SLICE("application/json")))
        return refuse(q->ctx, ERR_INVALID, "unsupported_media_type", "The body must be application/json.");
    void *in = arena_alloc(&q->ctx->arena, 1, r->in->size);
    if (!in) return ERR_NOMEM;
    struct slice body = q->http->body.len ? q->http->body : SLICE("{}");
    TRY(json_decode(q->ctx, body, r->in, JSON_STRICT, in));
    q->in = in;
    return ERR_OK;
}

static call_fn *const phases[] = {limit_phase, authenticate_phase, csrf_phase, authorise_phase, decode_phase};

static enum err run_phases(struct call *q)
{
    for (size_t i = 0; i < sizeof phases / sizeof phases[0]; i++) TRY(phases[i](q));
    return ERR_OK;
}

static enum err no_route(struct call *q)
{
    CLEANUP(buf_done) struct buf allow = BUF_INIT(128);
    if (q->refused == ERR_UNSUPPORTED) {
        for (unsigned m = 0; m < HTTP_METHOD_COUNT; m++) {
            if (!(q->allowed & 1u << m)) continue;
            if (allow.len) TRY(buf_put_cstr(&allow, ", "));
            TRY(buf_put_cstr(&allow, http_method_name((enum http_method)m)));
        }
        reply_problem_raw(q->ctx, q->resp, 405, SLICE("method_not_allowed"), SLICE("This address does not take this method."));
        return reply_header(q, "allow", buf_view(&allow));
    }
    if (q->refused == ERR_NOT_FOUND)
        return refuse(q->ctx, ERR_NOT_FOUND, "not_found", "There is nothing at this address.");
    return q->refused;
}

/* ---- call and open: on workers ---- */

static void refused(struct call *q, enum err e)
{
    note_refusal(q, e);
    reply_problem(q, e);
}

static enum err handle(struct call *q)
{
    if (!q->route) return no_route(q);
    TRY(run_phases(q));
    if (q->route->caller == CALLER_LINK) TRY(check_misses(q));
    enum err e = q->route->creates ? idempotent_call(q) : q->route->call(q);
    return e == ERR_NOT_FOUND && q->route->caller == CALLER_LINK ? count_miss(q, e) : e;
}

static void call(void *arg, struct http_request *req, struct http_response *resp)
{
    struct call *q = req->user;
    (void)arg;
    if (!q) {
        resp->status = 503;
        return;
    }
    q->resp = resp;
    enum err e = handle(q);
    if (e != ERR_OK) refused(q, e);
    reply_common(q->ctx, resp, q->route && q->route->out_type && strcmp(q->route->out_type, "text/html") == 0);
    tus_common(q->ctx, req, resp);
}

static void open_stream(void *arg, struct http_request *req, struct http_sink **ret, struct http_response *resp)
{
    struct call *q = req->user;
    (void)arg;
    q->resp = resp;
    enum err e = q->route ? run_phases(q) : no_route(q);
    if (e == ERR_OK && q->route) e = q->route->open(q, ret);
    if (e == ERR_OK && *ret && q->who.signed_in) e = guard_sink(q, ret);
    if (e != ERR_OK && *ret) {
        (*ret)->ops->abort(*ret, q->ctx);
        *ret = NULL;
    }
    if (e == ERR_OK && *ret) return;
    if (e != ERR_OK) refused(q, e);
    reply_common(q->ctx, resp, false);
    tus_common(q->ctx, req, resp);
}

/* ---- the end ---- */

static void done(void *arg, struct http_request *req, const struct http_done *d)
{
    struct api *api = arg;
    const struct call *q = req->user;
    unsigned class = (unsigned)d->status / 100;
    atomic_fetch_add_explicit(&api->by_class[class < 6 ? class : 0], 1, memory_order_relaxed);
    if (!q) return;
    /* The pattern, not the path: paths of links are secrets. */
    log_info("request", LOG_TEXT("method", slice_cstr(http_method_name(req->method))),
             LOG_TEXT("route", slice_cstr(q->route ? q->route->pattern : "-")), LOG_NUM("status", d->status),
             LOG_NUM("complete", d->complete), LOG_NUM("ms", d->duration_ms), LOG_NUM("in", d->bytes_in),
             LOG_NUM("out", d->bytes_out), LOG_TEXT("ip", slice_cstr(req->peer)),
             LOG_TEXT("request_id", req->ctx->request_id));
}

static void problem(void *arg, struct ctx *c, const struct http_request *req, int status, const char *detail,
                    struct http_response *resp)
{
    (void)arg;
    if (!c->request_id.len) err_ignore(new_request_id(c), "an answer without an id is better than none");
    reply_problem_raw(c, resp, status, SLICE("bad_request"), slice_cstr(detail));
    reply_common(c, resp, false);
    tus_common(c, req, resp);
}

struct http_app api_http_app(struct api *api)
{
    return (struct http_app){.arg = api, .plan = plan, .call = call, .open = open_stream, .done = done, .problem = problem};
}
