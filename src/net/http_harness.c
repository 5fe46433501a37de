/* The application and the client of the HTTP tests. */
#include "net/http_harness.h"

#include <arpa/inet.h>
#include <errno.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/time.h>
#include <time.h>

#include "base/intmath.h"
#include "base/mem.h"
#include "lib/test.h"
#include "os/file.h"

uint64_t harness_sum(uint64_t sum, const void *p, size_t n)
{
    const uint8_t *b = p;
    for (size_t i = 0; i < n; i++) sum = (sum ^ b[i]) * 0x100000001b3u;
    return sum;
}

static void nap(void)
{
    const struct timespec ms = {.tv_nsec = 1000000};
    nanosleep(&ms, NULL);
}

bool harness_wait(const atomic_uint *counter, unsigned want)
{
    for (int i = 0; i < 8000 && atomic_load(counter) < want; i++) nap();
    return atomic_load(counter) >= want;
}

/* ---- the sink ---- */

struct sink {
    struct http_sink base;
    struct harness *h;
    uint64_t bytes, sum;
    bool slow, failing;
};

static enum err sink_write(struct http_sink *base, struct ctx *c, const void *p, size_t n)
{
    struct sink *s = (struct sink *)base;
    while (s->slow && !atomic_load(&s->h->gate)) nap();
    atomic_fetch_add(&s->h->writes, 1);
    atomic_fetch_add(&s->h->sink_bytes, n);
    if (s->failing) return fail(c, ERR_NOSPACE, "as told");
    s->bytes += n;
    s->sum = harness_sum(s->sum, p, n);
    return ERR_OK;
}

static void sink_end(struct sink *s)
{
    atomic_fetch_sub(&s->h->live, 1);
    mem_free(s);
}

static void respond_error(struct http_response *resp, int status) { resp->status = status; }

static void sink_finish(struct http_sink *base, struct ctx *c, enum err failed, struct http_response *resp)
{
    struct sink *s = (struct sink *)base;
    struct slice text = {0};
    atomic_fetch_add(&s->h->finishes, 1);
    if (failed != ERR_OK)
        respond_error(resp, err_http_status(failed));
    else if (arena_printf(&c->arena, &text, "%llu %llx", (unsigned long long)s->bytes,
                          (unsigned long long)s->sum) != ERR_OK ||
             http_response_memory(c, resp, 201, "text/plain", text) != ERR_OK)
        respond_error(resp, 503);
    sink_end(s);
}

static void sink_abort(struct http_sink *base, struct ctx *c)
{
    struct sink *s = (struct sink *)base;
    (void)c;
    atomic_fetch_add(&s->h->aborts, 1);
    sink_end(s);
}

static const struct http_sink_ops sink_ops = {sink_write, sink_finish, sink_abort};

/* ---- the source ---- */

struct source {
    struct http_source base;
    struct harness *h;
    uint64_t at, end;
    bool broken;
    unsigned asked; /* how often read_now was */
};

static enum err source_read(struct http_source *base, struct ctx *c, void *p, size_t cap, size_t *ret_n)
{
    struct source *s = (struct source *)base;
    size_t n = (size_t)MIN(s->end - s->at, (uint64_t)MIN(cap, 100000u));
    if (n == 0 && s->broken) return fail(c, ERR_IO, "as told");
    for (size_t i = 0; i < n; i++) ((char *)p)[i] = harness_byte(s->at + i);
    s->at += n;
    atomic_fetch_add(&s->h->source_bytes, n);
    *ret_n = n;
    return ERR_OK;
}

static void source_close(struct http_source *base, struct ctx *c, bool complete, uint64_t sent_bytes)
{
    struct source *s = (struct source *)base;
    (void)c;
    (void)sent_bytes;
    atomic_store(&s->h->last_sent_bytes, sent_bytes);
    atomic_fetch_add(&s->h->closes, 1);
    if (complete) atomic_fetch_add(&s->h->closes_complete, 1);
    atomic_fetch_sub(&s->h->live, 1);
    mem_free(s);
}

/* Every third time it would block, as a file does that is only partly in memory. */
static enum err source_read_now(struct http_source *base, struct ctx *c, void *p, size_t cap, size_t *ret_n)
{
    struct source *s = (struct source *)base;
    if (s->asked++ % 3 == 0) return ERR_BUSY;
    return source_read(base, c, p, cap, ret_n);
}

static const struct http_source_ops source_ops = {.read = source_read, .close = source_close};
static const struct http_source_ops now_ops = {source_read, source_read_now, source_close};

static enum err give_source(struct harness *h, struct ctx *c, struct http_response *resp, uint64_t n,
                            uint64_t length, bool broken, bool now)
{
    struct source *s = MEM_NEW(struct source);
    if (!s) return ERR_NOMEM;
    *s = (struct source){{now ? &now_ops : &source_ops}, h, 0, n, broken, 0};
    atomic_fetch_add(&h->live, 1);
    return http_response_source(c, resp, 200, "application/octet-stream", &s->base, length);
}

/* ---- the application ---- */

static bool path_is(const struct http_request *req, const char *path)
{
    return slice_eq(req->path, slice_cstr(path));
}

static bool path_number(const struct http_request *req, const char *prefix, uint64_t *ret)
{
    struct slice p = slice_cstr(prefix);
    return slice_starts(req->path, p) &&
           slice_u64(slice_sub(req->path, p.len, req->path.len), UINT64_MAX / 4, ret) == ERR_OK;
}

static void app_plan(void *arg, struct http_request *req, struct http_plan *ret)
{
    struct harness *h = arg;
    atomic_fetch_add(&h->plans, 1);
    *ret = (struct http_plan){HTTP_PLAN_CALL, h->call_max};
    if (path_is(req, "/inline")) ret->kind = HTTP_PLAN_INLINE;
    if (req->method == HTTP_PUT) *ret = (struct http_plan){HTTP_PLAN_STREAM, h->stream_max};
}

static enum err call(struct harness *h, struct http_request *req, struct http_response *resp)
{
    struct ctx *c = req->ctx;
    uint64_t n = 0;
    struct slice text = SLICE("hello");
    if (path_is(req, "/wait"))
        while (!atomic_load(&h->gate)) nap();
    if (path_is(req, "/bad")) return ERR_OK;
    if (path_is(req, "/none")) {
        resp->status = 204;
        return ERR_OK;
    }
    if (path_number(req, "/source/", &n)) return give_source(h, c, resp, n, n, false, false);
    if (path_number(req, "/now/", &n)) return give_source(h, c, resp, n, n, false, true);
    if (path_number(req, "/nowbroken/", &n)) return give_source(h, c, resp, n, 2 * n, true, true);
    if (path_number(req, "/unknown/", &n))
        return give_source(h, c, resp, n, HTTP_LENGTH_UNKNOWN, false, false);
    if (path_number(req, "/broken/", &n)) return give_source(h, c, resp, n, 2 * n, true, false);
    if (path_is(req, "/inline")) text = SLICE("inline");
    if (path_is(req, "/header")) text = http_request_header(req, "x-echo");
    if (path_is(req, "/peer"))
        TRY(arena_printf(&c->arena, &text, "%s " SLICE_FMT " v%d", req->peer,
                         SLICE_ARG(req->authority), req->version));
    if (path_number(req, "/memory/", &n)) {
        char *p = arena_alloc(&c->arena, (size_t)n, 1);
        if (!p) return ERR_NOMEM;
        for (size_t i = 0; i < n; i++) p[i] = harness_byte(i);
        text = slice_of(p, (size_t)n);
    }
    if (req->method == HTTP_POST) text = req->body;
    return http_response_memory(c, resp, 200, "text/plain", text);
}

static void app_call(void *arg, struct http_request *req, struct http_response *resp)
{
    struct harness *h = arg;
    atomic_fetch_add(&h->calls, 1);
    enum err e = call(h, req, resp);
    if (e != ERR_OK) *resp = (struct http_response){.status = err_http_status(e)};
}

static void app_open(void *arg, struct http_request *req, struct http_sink **ret, struct http_response *resp)
{
    struct harness *h = arg;
    if (path_is(req, "/refuse")) {
        respond_error(resp, 403);
        return;
    }
    struct sink *s = MEM_NEW(struct sink);
    if (!s) {
        respond_error(resp, 503);
        return;
    }
    *s = (struct sink){{&sink_ops}, h, 0, 0, path_is(req, "/slow"), path_is(req, "/failing")};
    atomic_fetch_add(&h->live, 1);
    *ret = &s->base;
}

static void app_done(void *arg, struct http_request *req, const struct http_done *d)
{
    struct harness *h = arg;
    (void)req;
    atomic_store(&h->last_status, d->status);
    if (d->complete) atomic_fetch_add(&h->completes, 1);
    atomic_fetch_add(&h->dones, 1);
}

static void app_problem(void *arg, struct ctx *c, const struct http_request *req, int status,
                        const char *detail, struct http_response *resp)
{
    struct harness *h = arg;
    (void)req;
    atomic_fetch_add(&h->problems, 1);
    err_ignore(http_response_memory(c, resp, status, "text/plain", slice_cstr(detail)),
               "the server sends the bare status then");
}

bool harness_open(struct harness *h, const struct harness_options *opt)
{
    static const char *const listen[] = {"127.0.0.1:0"};
    struct http_config cfg = opt->cfg;
    *h = (struct harness){.call_max = 100000, .stream_max = UINT64_MAX / 2};
    struct http_app app = {h, app_plan, app_call, app_open, app_done, app_problem};
    ctx_init(&h->ctx, 65536);
    cfg.listen = listen;
    cfg.listen_count = 1;
    if (!cfg.io_threads) cfg.io_threads = 2;
    if (!cfg.workers) cfg.workers = 4;
    if (opt->tls) {
        const char *cert, *key;
        harness_certificate("first", &cert, &key);
        if (tls_open(&h->ctx, cert, key, TLS_MIN_1_2, NULL, &h->tls) != ERR_OK) return false;
        cfg.tls = h->tls;
    }
    if (http_server_open(&h->ctx, &cfg, &app, &h->server) != ERR_OK) {
        tls_unref(h->tls);
        ctx_done(&h->ctx);
        return false;
    }
    h->port = http_server_port(h->server, 0);
    return true;
}

void harness_close(struct harness *h)
{
    atomic_store(&h->gate, true);
    http_server_stop(h->server, 100);
    struct http_stats st;
    http_server_stats(h->server, &st);
    http_server_close(h->server);
    tls_unref(h->tls);
    ctx_done(&h->ctx);
    CHECK_U64(st.connections_now, 0);
    CHECK_U64(st.streams_now, 0);
    CHECK_U64(atomic_load(&h->live), 0);
    CHECK_U64(atomic_load(&h->dones), atomic_load(&h->plans));
}

/* ---- certificates ---- */

static bool write_certificate(const char *name, const char *cert_path, const char *key_path)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *x = X509_new();
    X509_NAME *subject = X509_get_subject_name(x);
    FILE *cf = fopen(cert_path, "w"), *kf = fopen(key_path, "w");
    bool ok = key && x && cf && kf;
    ok = ok && ASN1_INTEGER_set(X509_get_serialNumber(x), 1);
    ok = ok && X509_gmtime_adj(X509_getm_notBefore(x), 0) && X509_gmtime_adj(X509_getm_notAfter(x), 86400);
    ok = ok && X509_set_pubkey(x, key);
    ok = ok && X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC, (const unsigned char *)name, -1, -1, 0);
    ok = ok && X509_set_issuer_name(x, subject) && X509_sign(x, key, EVP_sha256());
    ok = ok && PEM_write_X509(cf, x) && PEM_write_PrivateKey(kf, key, NULL, NULL, 0, NULL, NULL);
    if (cf) fclose(cf);
    if (kf) fclose(kf);
    X509_free(x);
    EVP_PKEY_free(key);
    return ok;
}

void harness_certificate(const char *name, const char **ret_cert, const char **ret_key)
{
    static struct {
        char name[32], cert[128], key[128];
    } made[8];
    static size_t count;
    size_t i = 0;
    while (i < count && strcmp(made[i].name, name) != 0) i++;
    if (i == count) {
        const char *dir = test_dir();
        snprintf(made[i].name, sizeof made[i].name, "%s", name);
        snprintf(made[i].cert, sizeof made[i].cert, "%s/cert.pem", dir);
        snprintf(made[i].key, sizeof made[i].key, "%s/key.pem", dir);
        if (!write_certificate(name, made[i].cert, made[i].key))
            test_fail(__FILE__, __LINE__, "no certificate");
        count++;
    }
    *ret_cert = made[i].cert;
    *ret_key = made[i].key;
}

/* ---- the client ---- */

static bool probe_tls(struct probe *c, const char *alpn)
{
    unsigned char wire[16];
    size_t n = strlen(alpn);
    wire[0] = (unsigned char)n;
    memcpy(wire + 1, alpn, n);
    c->ctx = SSL_CTX_new(TLS_client_method());
    if (!c->ctx || SSL_CTX_set_alpn_protos(c->ctx, wire, (unsigned)n + 1) != 0) return false;
    SSL_CTX_set_options(c->ctx, SSL_OP_IGNORE_UNEXPECTED_EOF);
    c->ssl = SSL_new(c->ctx);
    return c->ssl && SSL_set_fd(c->ssl, c->fd) == 1 && SSL_connect(c->ssl) == 1;
}

bool probe_open(struct probe *c, unsigned port, const char *alpn)
{
    *c = (struct probe){.fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), .in = BUF_INIT(1 << 20)};
    struct sockaddr_in to = {.sin_family = AF_INET,
                             .sin_port = htons((uint16_t)port),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    signal(SIGPIPE, SIG_IGN); /* SSL_write has no MSG_NOSIGNAL */
    const struct timeval patience = {.tv_sec = 8};
    setsockopt(c->fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    setsockopt(c->fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
    if (connect(c->fd, (struct sockaddr *)&to, sizeof to) != 0) return false;
    return !alpn || probe_tls(c, alpn);
}

void probe_close(struct probe *c)
{
    SSL_free(c->ssl);
    SSL_CTX_free(c->ctx);
    buf_done(&c->in);
    if (c->fd >= 0) close(c->fd);
    c->fd = -1;
    c->ssl = NULL;
    c->ctx = NULL;
}

bool probe_send(struct probe *c, const void *p, size_t n)
{
    const char *at = p;
    while (n) {
        size_t step = MIN(n, 1u << 20);
        ssize_t sent = c->ssl ? SSL_write(c->ssl, at, (int)step) : send(c->fd, at, step, MSG_NOSIGNAL);
        if (sent <= 0) return false;
        at += sent;
        n -= (size_t)sent;
    }
    return true;
}

bool probe_say(struct probe *c, const char *text) { return probe_send(c, text, strlen(text)); }

bool probe_recv(struct probe *c)
{
    if (buf_reserve(&c->in, 65536) != ERR_OK) return false;
    char *to = c->in.ptr + c->in.len;
    ssize_t n = c->ssl ? SSL_read(c->ssl, to, 65536) : recv(c->fd, to, 65536, 0);
    if (n <= 0) return false;
    c->in.len += (size_t)n;
    return true;
}

bool probe_sees_end(struct probe *c)
{
    while (probe_recv(c)) buf_reset(&c->in);
    /* A timeout is not an end. */
    char b;
    struct timeval none = {.tv_usec = 1};
    setsockopt(c->fd, SOL_SOCKET, SO_RCVTIMEO, &none, sizeof none);
    ssize_t n = recv(c->fd, &b, 1, 0);
    return n == 0 || (n < 0 && errno != EAGAIN);
}

bool answer_has(const struct answer *a, const char *text)
{
    return memmem(a->head.ptr, a->head.len, text, strlen(text)) != NULL;
}

static void take_body(struct probe *c, struct answer *a, size_t off, size_t n)
{
    const char *p = c->in.ptr + off;
    if (a->body_bytes < sizeof a->body - 1) {
        size_t copy = MIN(n, sizeof a->body - 1 - (size_t)a->body_bytes);
        memcpy(a->body + a->body_bytes, p, copy);
    }
    a->body_bytes += n;
    a->body_sum = harness_sum(a->body_sum, p, n);
}

/* Body bytes behind the head at in.ptr[head..]: removed as they are taken. */
static bool read_length(struct probe *c, struct answer *a, size_t head, uint64_t length)
{
    while (a->body_bytes < length) {
        size_t n = (size_t)MIN((uint64_t)(c->in.len - head), length - a->body_bytes);
        if (n == 0) {
            if (!probe_recv(c)) return false;
            continue;
        }
        take_body(c, a, head, n);
        memmove(c->in.ptr + head, c->in.ptr + head + n, c->in.len - head - n);
        c->in.len -= n;
    }
    return true;
}

static bool read_line(struct probe *c, size_t head, char *line, size_t cap)
{
    for (;;) {
        char *end = memmem(c->in.ptr + head, c->in.len - head, "\r\n", 2);
        if (!end) {
            if (!probe_recv(c)) return false;
            continue;
        }
        size_t n = (size_t)(end - c->in.ptr) - head;
        if (n >= cap) return false;
        memcpy(line, c->in.ptr + head, n);
        line[n] = '\0';
        memmove(c->in.ptr + head, end + 2, c->in.len - head - n - 2);
        c->in.len -= n + 2;
        return true;
    }
}

static bool read_chunks(struct probe *c, struct answer *a, size_t head)
{
    char line[32];
    for (;;) {
        if (!read_line(c, head, line, sizeof line) || !line[0]) return false;
        uint64_t n = 0;
        for (char *p = line; *p; p++) n = n * 16 + (uint64_t)(*p <= '9' ? *p - '0' : *p - 'a' + 10);
        if (n && !read_length(c, a, head, a->body_bytes + n)) return false;
        if (!read_line(c, head, line, sizeof line) || line[0]) return false;
        if (n == 0) return true;
    }
}

bool probe_answer(struct probe *c, bool head_only, struct answer *ret)
{
    char *end;
    *ret = (struct answer){0};
    while (!c->in.ptr || !(end = memmem(c->in.ptr, c->in.len, "\r\n\r\n", 4)))
        if (!probe_recv(c)) return false;
    size_t head = (size_t)(end - c->in.ptr) + 4;
    uint64_t status = 0, length = 0;
    if (slice_u64(slice_sub(buf_view(&c->in), 9, 12), 999, &status) != ERR_OK) return false;
    /* The head is kept aside: the buffer moves while the body is read. */
    static char kept[8][20000];
    static unsigned turn;
    char *mine = kept[turn++ % 8];
    memcpy(mine, c->in.ptr, MIN(head, sizeof kept[0]));
    ret->head = slice_of(mine, MIN(head, sizeof kept[0]));
    ret->status = (int)status;
    buf_consume(&c->in, head);
    if (status / 100 == 1) return probe_answer(c, head_only, ret);
    ret->complete = true;
    if (head_only || status == 204 || status == 304) return true;
    if (answer_has(ret, "transfer-encoding: chunked")) {
        ret->complete = read_chunks(c, ret, 0);
        return true;
    }
    const char *at = memmem(mine, head, "content-length: ", 16);
    if (!at) {
        while (probe_recv(c)) continue;
        take_body(c, ret, 0, c->in.len);
        return true;
    }
    struct slice rest = slice_of(at + 16, (size_t)(mine + head - at - 16));
    if (slice_u64(slice_cut(&rest, '\r'), UINT64_MAX, &length) != ERR_OK) return false;
    ret->complete = read_length(c, ret, 0, length);
    return true;
}
