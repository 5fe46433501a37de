/* Discovery, keys and the token endpoint; documents are kept for an hour. */
#include "core/oidc/provider.h"

#include "base/limits.h"
#include "base/mem.h"
#include "codec/json.h"
#include "codec/uri.h"
#include "os/clock.h"
#include "os/thread.h"

#define DOCUMENT_BYTES_MAX (256 * KIB)
#define KEEP_MS (60 * 60 * 1000ll)

struct document {
    struct buf text;
    int64_t at_ms; /* monotonic; 0: none */
};
struct known {
    struct document discovery, keys;
};
struct oidc_state {
    const struct oidc_config *cfg;
    struct mutex lock; /* guards what follows */
    struct known known[OIDC_PROVIDERS_MAX];
};

enum err oidc_state_new(const struct oidc_config *cfg, struct oidc_state **ret)
{
    struct oidc_state *s = MEM_NEW(struct oidc_state);
    if (!s) return ERR_NOMEM;
    s->cfg = cfg;
    mutex_init(&s->lock);
    for (size_t i = 0; i < OIDC_PROVIDERS_MAX; i++)
        s->known[i].discovery.text.max = s->known[i].keys.text.max = DOCUMENT_BYTES_MAX;
    *ret = s;
    return ERR_OK;
}

void oidc_state_free(struct oidc_state *s)
{
    if (!s) return;
    for (size_t i = 0; i < OIDC_PROVIDERS_MAX; i++) {
        buf_done(&s->known[i].discovery.text);
        buf_done(&s->known[i].keys.text);
    }
    mutex_done(&s->lock);
    mem_free(s);
}

bool provider_url_ok(struct slice url)
{
    struct uri u;
    if (uri_parse(url, &u) != ERR_OK || u.fragment.ptr) return false;
    if (slice_eq(u.scheme, SLICE("https"))) return true;
    return slice_eq(u.host, SLICE("localhost")) || slice_eq(u.host, SLICE("127.0.0.1")) || slice_eq(u.host, SLICE("::1"));
}

static bool name_ok(struct slice name)
{
    for (size_t i = 0; i < name.len; i++) {
        char ch = name.ptr[i];
        if (!((ch >= 'a' && ch <= 'z') || (ch >= '0' && ch <= '9') || ch == '-')) return false;
    }
    return name.len > 0 && name.len <= 32;
}

enum err oidc_check_config(struct ctx *c, const struct oidc_config *cfg)
{
    if (cfg->count > OIDC_PROVIDERS_MAX) return refuse(c, ERR_INVALID, "config", "oidc.providers: at most 16");
    for (size_t i = 0; i < cfg->count; i++) {
        const struct oidc_provider *p = &cfg->providers[i];
        if (!name_ok(p->name))
            return refuse(c, ERR_INVALID, "config", "oidc.providers: a name is lower-case letters, digits and '-'");
        if (!provider_url_ok(p->issuer))
            return refuse(c, ERR_INVALID, "config", "oidc_" SLICE_FMT ".issuer is not a URL that begins with https://", SLICE_ARG(p->name));
        if (!p->client_id.len) return refuse(c, ERR_INVALID, "config", "oidc_" SLICE_FMT ".client_id is missing", SLICE_ARG(p->name));
    }
    return ERR_OK;
}

enum err provider_find(const struct oidc_config *cfg, struct slice name, size_t *ret)
{
    for (size_t i = 0; cfg && i < cfg->count; i++) {
        if (!slice_eq(cfg->providers[i].name, name)) continue;
        *ret = i;
        return ERR_OK;
    }
    return ERR_NOT_FOUND;
}

static enum err unreachable(struct ctx *c, enum err e, const char *what)
{
    if (e == ERR_NOMEM) return e;
    ctx_clear_error(c);
    return refuse(c, ERR_PEER, "provider_unreachable", "The sign-in provider does not answer as it should (%s). Try again later.", what);
}

/* The document as it is kept, or a new one. Two at once may both fetch: harmless. */
static enum err get(struct ctx *c, struct oidc_state *s, struct document *d, const char *url, bool again, struct slice *ret)
{
    CLEANUP(buf_done) struct buf fresh = BUF_INIT(DOCUMENT_BYTES_MAX);
    int64_t now = clock_mono_ms();
    {
        GUARD(&s->lock);
        if (!again && d->at_ms && now - d->at_ms < KEEP_MS) return arena_slice(&c->arena, buf_view(&d->text), ret);
    }
    enum err e = s->cfg->fetch(s->cfg->fetch_arg, c, &(struct oidc_request){.url = url}, &fresh);
    if (e != ERR_OK) return unreachable(c, e, "no document");
    GUARD(&s->lock);
    buf_reset(&d->text);
    d->at_ms = 0;
    TRY(buf_put(&d->text, buf_view(&fresh)));
    d->at_ms = now ? now : 1;
    return arena_slice(&c->arena, buf_view(&fresh), ret);
}

struct discovery_document {
    struct slice issuer, authorization_endpoint, token_endpoint, jwks_uri;
};
#define MEMBER(m) JSON_FIELD(struct discovery_document, m, JSON_STRING, .flags = JSON_REQUIRED, .max = 2048)
JSON_TABLE(oidc_discovery_table, "Discovery", struct discovery_document, MEMBER(issuer), MEMBER(authorization_endpoint),
           MEMBER(token_endpoint), MEMBER(jwks_uri));

enum err provider_discover(struct ctx *c, struct app *app, size_t i, struct discovery *ret)
{
    struct oidc_state *s = app->oidc;
    const struct oidc_provider *p = &s->cfg->providers[i];
    struct discovery_document d = {.issuer = {NULL, 0}};
    struct slice url, text, issuer = p->issuer;
    if (issuer.len && issuer.ptr[issuer.len - 1] == '/') issuer.len--;
    TRY(arena_printf(&c->arena, &url, SLICE_FMT "/.well-known/openid-configuration", SLICE_ARG(issuer)));
    TRY(get(c, s, &s->known[i].discovery, url.ptr, false, &text));
    enum err e = json_decode(c, text, &oidc_discovery_table, JSON_LENIENT, &d);
    if (e != ERR_OK) return unreachable(c, e, "its description cannot be read");
    if (!slice_eq(d.issuer, p->issuer)) return unreachable(c, ERR_PEER, "it calls itself by another name");
    if (!provider_url_ok(d.authorization_endpoint) || !provider_url_ok(d.token_endpoint) || !provider_url_ok(d.jwks_uri))
        return unreachable(c, ERR_PEER, "an address of it is not https");
    *ret = (struct discovery){d.authorization_endpoint, d.token_endpoint, d.jwks_uri};
    return ERR_OK;
}

enum err provider_keys(struct ctx *c, struct app *app, size_t i, bool again, struct slice *ret)
{
    static const struct cache_rate_rule once_a_minute = {.burst = 1, .per_ms = 60 * 1000};
    struct oidc_state *s = app->oidc;
    struct discovery d;
    struct slice key;
    const char *url = NULL;
    TRY(arena_printf(&c->arena, &key, "oidc-keys:" SLICE_FMT, SLICE_ARG(s->cfg->providers[i].name)));
    if (again) TRY(cache_rate(app->be.cache, key, &once_a_minute, clock_mono_ms(), &c->retry_after_s));
    TRY(provider_discover(c, app, i, &d));
    TRY(arena_cstr(&c->arena, d.jwks_uri, &url));
    return get(c, s, &s->known[i].keys, url, again, ret);
}

/* application/x-www-form-urlencoded, to the letter: some providers compare. */
static enum err form_encode(struct buf *b, struct slice s)
{
    for (size_t i = 0; i < s.len; i++) {
        char ch = s.ptr[i];
        bool plain = (ch >= 'a' && ch <= 'z') || (ch >= 'A' && ch <= 'Z') || (ch >= '0' && ch <= '9') || ch == '*' || ch == '-' ||
                     ch == '.' || ch == '_';
        if (plain || ch == ' ')
            TRY(buf_putc(b, plain ? ch : '+'));
        else
            TRY(buf_printf(b, "%%%02X", (unsigned)(uint8_t)ch));
    }
    return ERR_OK;
}

static enum err put_pair(struct buf *b, const char *name, struct slice value)
{
    TRY(buf_printf(b, "%s%s=", b->len ? "&" : "", name));
    return form_encode(b, value);
}

/* RFC 6749, 2.3.1: both parts are form-encoded before they are joined. */
static enum err basic(struct ctx *c, const struct oidc_provider *p, struct slice *ret)
{
    CLEANUP(buf_done) struct buf b = {.max = 8 * KIB, .sensitive = true};
    if (!p->client_secret.len) return ERR_OK;
    TRY(form_encode(&b, p->client_id));
    TRY(buf_putc(&b, ':'));
    TRY(form_encode(&b, p->client_secret));
    return arena_slice(&c->arena, buf_view(&b), ret);
}

struct token_answer {
    struct slice id_token;
};
JSON_TABLE(oidc_token_table, "TokenAnswer", struct token_answer,
           JSON_FIELD(struct token_answer, id_token, JSON_STRING, .flags = JSON_REQUIRED, .max = 64 * KIB));

enum err provider_token(struct ctx *c, struct app *app, size_t i, struct slice code, struct slice redirect_uri,
                        struct slice verifier, struct slice *ret)
{
    CLEANUP(buf_done) struct buf form = {.max = 16 * KIB, .sensitive = true};
    CLEANUP(buf_done) struct buf answer = {.max = DOCUMENT_BYTES_MAX, .sensitive = true};
    const struct oidc_config *cfg = app->oidc->cfg;
    const struct oidc_provider *p = &cfg->providers[i];
    struct token_answer out = {{NULL, 0}};
    struct oidc_request rq = {.basic = {NULL, 0}};
    struct discovery d;
    TRY(provider_discover(c, app, i, &d));
    TRY(put_pair(&form, "grant_type", SLICE("authorization_code")));
    TRY(put_pair(&form, "code", code));
    TRY(put_pair(&form, "redirect_uri", redirect_uri));
    TRY(put_pair(&form, "code_verifier", verifier));
    if (!p->client_secret.len) TRY(put_pair(&form, "client_id", p->client_id));
    TRY(basic(c, p, &rq.basic));
    TRY(arena_cstr(&c->arena, d.token_endpoint, &rq.url));
    rq.form = buf_view(&form);
    enum err e = cfg->fetch(cfg->fetch_arg, c, &rq, &answer);
    if (e == ERR_OK) e = json_decode(c, buf_view(&answer), &oidc_token_table, JSON_LENIENT, &out);
    if (e != ERR_OK) return unreachable(c, e, "it gave no token");
    *ret = out.id_token;
    return ERR_OK;
}
