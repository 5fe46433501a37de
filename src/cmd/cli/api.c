/* Calls to a server: URLs, JSON in and out, one renewal of the credential, retries with back-off. */
#include "cmd/cli/api.h"

#include "base/assert.h"
#include "base/intmath.h"
#include "base/limits.h"
#include "codec/uri.h"
#include "os/clock.h"
#include "os/thread.h"

#define BODY_MAX (8 * MIB)
#define ANSWER_MAX (8 * MIB)
#define PAUSE_FIRST_MS 200
#define PAUSE_MAX_MS 5000
#define STALL_SHOWN_MS 1000
#define TOKEN_MIN 16u
#define TOKEN_MAX 128u

static bool loopback(struct slice host)
{
    return slice_eq_nocase(host, SLICE("localhost")) || slice_eq(host, SLICE("127.0.0.1")) || slice_eq(host, SLICE("::1"));
}

static enum err print_origin(struct ctx *c, const struct uri *u, const char **ret)
{
    struct slice text = {0};
    bool https = slice_eq(u->scheme, SLICE("https"));
    if (!https && !loopback(u->host))
        return refuse(c, ERR_INVALID, "insecure_address", "the address must begin with https://: passwords travel over it");
    TRY(arena_printf(&c->arena, &text, "%s://%s" SLICE_FMT "%s", https ? "https" : "http", u->ipv6 ? "[" : "",
                     SLICE_ARG(u->host), u->ipv6 ? "]" : ""));
    if (u->port != (https ? 443u : 80u)) TRY(arena_printf(&c->arena, &text, SLICE_FMT ":%u", SLICE_ARG(text), u->port));
    /* One server, one spelling: pins and links are found by it. */
    char *origin = ARENA_ARRAY(&c->arena, char, text.len + 1);
    if (!origin) return fail(c, ERR_NOMEM, "origin");
    for (size_t i = 0; i < text.len; i++)
        origin[i] = text.ptr[i] >= 'A' && text.ptr[i] <= 'Z' ? (char)(text.ptr[i] - 'A' + 'a') : text.ptr[i];
    *ret = origin;
    return ERR_OK;
}

enum err server_origin(struct ctx *c, struct slice text, const char **ret)
{
    struct uri u = {0};
    struct slice whole = text;
    if (!slice_starts(text, SLICE("https://")) && !slice_starts(text, SLICE("http://")))
        TRY(arena_printf(&c->arena, &whole, "https://" SLICE_FMT, SLICE_ARG(text)));
    if (uri_parse(whole, &u) != ERR_OK || u.query.len || u.fragment.len || u.path.len > 1)
        return refuse(c, ERR_INVALID, "bad_address", "'" SLICE_FMT "' is not a server address like https://files.example.org",
                      SLICE_ARG(text));
    return print_origin(c, &u, ret);
}

static bool token_plausible(struct slice t)
{
    for (size_t i = 0; i < t.len; i++) {
        char ch = t.ptr[i];
        bool ok = (ch >= '0' && ch <= '9') || (ch >= 'A' && ch <= 'Z') || (ch >= 'a' && ch <= 'z') || ch == '-' || ch == '_';
        if (!ok) return false;
    }
    return t.len >= TOKEN_MIN && t.len <= TOKEN_MAX;
}

enum err server_link(struct ctx *c, struct slice text, const char **ret_origin, struct slice *ret_token)
{
    struct uri u = {0};
    bool parsed = uri_parse(text, &u) == ERR_OK && slice_starts(u.path, SLICE("/s/"));
    struct slice token = parsed ? slice_sub(u.path, 3, u.path.len) : (struct slice){0};
    if (!token_plausible(token))
        return refuse(c, ERR_INVALID, "bad_link", "this is not a link like https://HOST/s/TOKEN");
    if (u.fragment.len)
        return refuse(c, ERR_UNSUPPORTED, "end_to_end", "this link is end-to-end encrypted; open it in a browser");
    TRY(print_origin(c, &u, ret_origin));
    return arena_slice(&c->arena, token, ret_token);
}

enum err server_trust(struct ctx *c, const struct home *h, const char *ca_file, struct server *s)
{
    struct host_trust t = {0};
    TRY(trust_load(c, h, slice_cstr(s->origin), &t));
    s->pin = t.pin.ptr;
    s->ca_file = t.ca_file.ptr;
    if (ca_file) {
        s->ca_file = ca_file;
        s->pin = NULL;
    }
    const char *from_env = getenv("SSL_CERT_FILE");
    if (!s->ca_file && !s->pin && from_env && from_env[0]) s->ca_file = from_env;
    return ERR_OK;
}

enum err server_client(struct ctx *c, const struct server *s, bool bulk, struct client **ret)
{
    struct client_config cfg = {.ca_file = s->ca_file, .pin = s->pin, .http1 = bulk, .abort = s->halt};
    return client_open(c, &cfg, ret);
}

void api_pause(int64_t ms, const atomic_bool *halt)
{
    struct mutex m;
    struct cond never;
    mutex_init(&m);
    cond_init(&never);
    mutex_lock(&m);
    for (; ms > 0 && !atomic_load(halt); ms -= 100) cond_wait_for(&never, &m, MIN(ms, 100));
    mutex_unlock(&m);
    cond_done(&never);
    mutex_done(&m);
}

bool retry_again(struct retry *r, const struct ctx *c, enum err e, const struct server *s)
{
    int64_t now = clock_mono_ms();
    if (!client_worth_retry(e) || atomic_load(s->halt)) return false;
    if (r->tries == 0) r->since_ms = now;
    if (r->tries >= API_TRIES_MAX || now - r->since_ms > API_PATIENCE_MS) return false;
    int64_t ms = MIN(PAUSE_FIRST_MS << MIN(r->tries, 5u), PAUSE_MAX_MS);
    uint8_t jitter = 0;
    if (os_random(&jitter, 1) == ERR_OK) ms += ms * jitter / 512; /* so that many clients do not come back as one */
    if (e == ERR_RATE || e == ERR_BUSY) ms = MAX(ms, (int64_t)MIN(c->retry_after_s, 60u) * 1000);
    r->tries++;
    if (now - r->since_ms >= STALL_SHOWN_MS) {
        progress_stall(s->progress, r->since_ms, r->tries, API_TRIES_MAX);
        r->stalled = true;
    }
    api_pause(ms, s->halt);
    return !atomic_load(s->halt);
}

void retry_reset(struct retry *r, const struct server *s)
{
    if (r->stalled) progress_stall(s->progress, 0, 0, 0);
    *r = (struct retry){0};
}

enum err api_bytes(struct ctx *c, struct client *cl, const struct server *s, const char *path,
                   struct credential *credential, const struct client_request *rq, struct client_answer *ret)
{
    struct slice url = {0}, value = {0}, header = {0};
    struct client_request full = *rq;
    const char *headers[2];
    size_t given = rq->header_count;
    ASSERT(given < ARRAY_LEN(headers));
    TRY(arena_printf(&c->arena, &url, "%s/api/v1%s", s->origin, path));
    full.url = url.ptr;
    if (given) headers[0] = rq->headers[0];
    for (bool renewed = false;; renewed = true) {
        if (credential) {
            TRY(credential->get(credential, c, cl, value, &value));
            TRY(arena_printf(&c->arena, &header, "Authorization: " SLICE_FMT, SLICE_ARG(value)));
            headers[given] = header.ptr;
            full.headers = headers;
            full.header_count = given + 1;
        }
        enum err e = client_call(c, cl, &full, ret);
        if (e != ERR_UNAUTH || !credential || renewed) return e;
    }
}

static enum err call_once(struct ctx *c, struct client *cl, const struct server *s, const struct call *call,
                          struct slice body)
{
    struct slice key = {0};
    struct client_answer answer = {0};
    struct client_request rq = {.method = call->method, .answer_max = ANSWER_MAX};
    const char *headers[1];
    if (call->in) {
        rq.body = body;
        rq.content_type = "application/json";
    }
    if (call->idempotency_key) {
        TRY(arena_printf(&c->arena, &key, "Idempotency-Key: %s", call->idempotency_key));
        headers[0] = key.ptr;
        rq.headers = headers;
        rq.header_count = 1;
    }
    enum err e = api_bytes(c, cl, s, call->path, call->credential, &rq, &answer);
    if (e == ERR_OK && call->out &&
        json_decode(c, buf_view(&answer.body), call->out_table, JSON_LENIENT, call->out) != ERR_OK)
        e = fail(c, ERR_PEER, "%s %s: the answer is not what this client understands", call->method, call->path);
    client_answer_done(&answer);
    return e;
}

enum err api_call(struct ctx *c, struct client *cl, const struct server *s, const struct call *call)
{
    CLEANUP(buf_done) struct buf body = BUF_INIT(BODY_MAX);
    struct retry r = {0};
    enum err e = ERR_OK;
    body.sensitive = true;
    if (call->in) TRY(json_encode(&body, call->in_table, call->in));
    do e = call_once(c, cl, s, call, buf_view(&body));
    while (e != ERR_OK && call->patient && retry_again(&r, c, e, s));
    retry_reset(&r, s);
    return e;
}
