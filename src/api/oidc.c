/* Signing in through external providers: two redirects, and a plain page when something is wrong. Nothing of the request is echoed. */
#include "core/oidc/oidc.h"

#include "api/cookie.h"
#include "api/messages_oidc.h"
#include "base/limits.h"
#include "core/session/session.h"

#define COOKIE_TRY "__Host-sd_oidc"
#define COOKIE_ATTRIBUTES "Path=/; SameSite=Lax"

enum err oidc_list_call(struct call *q)
{
    const struct oidc_config *cfg = q->app->cfg.oidc;
    size_t n = cfg ? cfg->count : 0;
    struct msg_oidc_provider *items = ARENA_ARRAY(&q->ctx->arena, struct msg_oidc_provider, n + 1);
    if (!items) return ERR_NOMEM;
    for (size_t i = 0; i < n; i++) {
        items[i].name = cfg->providers[i].name;
        TRY(arena_printf(&q->ctx->arena, &items[i].start, "/api/v1/auth/oidc/" SLICE_FMT "/start", SLICE_ARG(items[i].name)));
    }
    return reply(q, &(struct msg_oidc_providers){{items, n, true}});
}

/* The browser shows this, so it is a page and no problem document. Text of ours only. */
static enum err error_page(struct call *q, enum err e)
{
    struct ctx *c = q->ctx;
    struct slice body, words = c->err == e && c->err_public.len ? c->err_public : slice_cstr(err_text(e));
    if (e == ERR_NOMEM || e == ERR_BUSY || err_http_status(e) == 500) return e;
    TRY(arena_printf(&c->arena, &body,
                     "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>Sealdrop</title>"
                     "<link rel=\"stylesheet\" href=\"/style.css\"><h1>Not signed in</h1><p>" SLICE_FMT "</p>"
                     "<p><a href=\"/\">Back</a></p></html>",
                     SLICE_ARG(words)));
    q->resp->header_count = 0;
    return http_response_memory(c, q->resp, err_http_status(e), "text/html; charset=utf-8", body);
}

static enum err start(struct call *q)
{
    struct oidc_begin b;
    TRY(oidc_start(q->ctx, q->app, q->params[0], &b));
    TRY(cookie_set(q, COOKIE_TRY, b.cookie, COOKIE_ATTRIBUTES, OIDC_TRY_MS / 1000));
    TRY(reply_header(q, "location", b.url));
    return reply_empty(q);
}

enum err oidc_start_call(struct call *q)
{
    enum err e = start(q);
    return e == ERR_OK ? e : error_page(q, e);
}

static enum err callback(struct call *q)
{
    struct oidc_callback in = {.who = &q->who, .provider = q->params[0], .cookie = cookie_get(q->http, COOKIE_TRY)};
    struct user user;
    struct session_tokens t;
    TRY(query_text(q, "code", &in.code));
    TRY(query_text(q, "state", &in.state));
    TRY(query_text(q, "error", &in.error));
    TRY(query_text(q, "iss", &in.issuer));
    TRY(oidc_finish(q->ctx, q->app, &in, &user));
    struct session_new n = {.user = &user,
                            .who = &q->who,
                            .amr = "oidc",
                            .user_agent = http_request_header(q->http, "user-agent"),
                            .idle_ms = LIMIT_BROWSER_IDLE_MS};
    TRY(session_start(q->ctx, q->app, &n, &t));
    TRY(cookie_set_session(q, &t));
    TRY(cookie_set(q, COOKIE_TRY, SLICE(""), COOKIE_ATTRIBUTES, 0));
    TRY(reply_header(q, "location", SLICE("/")));
    return reply_empty(q);
}

enum err oidc_callback_call(struct call *q)
{
    enum err e = callback(q);
    return e == ERR_OK ? e : error_page(q, e);
}
