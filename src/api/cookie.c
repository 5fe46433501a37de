/* Session cookies and the CSRF token. */
#include "api/cookie.h"

#include "base/limits.h"
#include "codec/base64.h"
#include "crypto/hash.h"

struct slice cookie_get(const struct http_request *req, const char *name)
{
    struct slice rest = http_request_header(req, "cookie");
    while (rest.len) {
        struct slice pair = slice_trim(slice_cut(&rest, ';'));
        struct slice key = slice_cut(&pair, '=');
        if (slice_eq(key, slice_cstr(name))) return pair;
    }
    return SLICE("");
}

enum err cookie_set(struct call *q, const char *name, struct slice value, const char *attributes, int64_t max_age_s)
{
    struct slice text;
    TRY(arena_printf(&q->ctx->arena, &text, "%s=" SLICE_FMT "; %s; Max-Age=%lld; Secure; HttpOnly", name, SLICE_ARG(value),
                     attributes, (long long)max_age_s));
    return reply_header(q, "set-cookie", text);
}

enum err cookie_set_session(struct call *q, const struct session_tokens *t)
{
    TRY(cookie_set(q, COOKIE_ACCESS, t->access_token, "Path=/; SameSite=Lax", (int64_t)t->expires_in_s));
    if (!t->refresh_token.len) return ERR_OK;
    return cookie_set(q, COOKIE_REFRESH, t->refresh_token, "Path=/api/v1/auth; SameSite=Strict", LIMIT_REFRESH_MAX_MS / 1000);
}

enum err cookie_clear_session(struct call *q)
{
    TRY(cookie_set(q, COOKIE_ACCESS, SLICE(""), "Path=/; SameSite=Lax", 0));
    return cookie_set(q, COOKIE_REFRESH, SLICE(""), "Path=/api/v1/auth; SameSite=Strict", 0);
}

bool same_origin(const struct call *q)
{
    struct slice site = http_request_header(q->http, "sec-fetch-site"), origin = http_request_header(q->http, "origin");
    if (site.ptr) return slice_eq(site, SLICE("same-origin"));
    return origin.ptr && slice_eq(origin, q->app->cfg.public_url);
}

static enum err csrf_mac(const struct app *app, const struct id *session, struct sha256 *ret)
{
    CLEANUP(buf_done) struct buf in = BUF_INIT(64);
    TRY(buf_put(&in, SLICE("sft/1/csrf\0")));
    TRY(buf_put(&in, id_bytes(session)));
    return hmac_sha256(slice_of(app->server_key.b, KEY_BYTES), buf_view(&in), ret);
}

bool csrf_matches(const struct call *q, struct slice token)
{
    CLEANUP(buf_done) struct buf raw = BUF_INIT(SHA256_BYTES);
    struct sha256 want, got;
    if (base64url_decode(&raw, token) != ERR_OK || raw.len != SHA256_BYTES) return false;
    if (csrf_mac(q->app, &q->who.session_id, &want) != ERR_OK) return false;
    memcpy(got.b, raw.ptr, SHA256_BYTES);
    return sha256_equal(&want, &got);
}

enum err csrf_token(struct ctx *c, const struct app *app, const struct id *session, struct slice *ret)
{
    CLEANUP(buf_done) struct buf text = BUF_INIT(64);
    struct sha256 mac;
    TRY(csrf_mac(app, session, &mac));
    TRY(base64url_encode(&text, sha256_view(&mac)));
    return arena_slice(&c->arena, buf_view(&text), ret);
}
