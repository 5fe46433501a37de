/* client: bodies both ways, bounds, mapping of answers, and certificates: nothing is sent to a server that is not trusted. */
#include "net/client.h"

#include "base/intmath.h"
#include "lib/test.h"
#include "net/http_harness.h"

struct one {
    struct harness h;
    struct ctx ctx;
    struct client *client;
    struct client_answer answer;
    char url[128];
};

static bool open_one(struct one *t, bool tls, struct client_config cfg)
{
    struct harness_options opt = {.tls = tls};
    memset(t, 0, sizeof *t);
    if (!harness_open(&t->h, &opt)) return false;
    ctx_init(&t->ctx, 1 << 20);
    return client_open(&t->ctx, &cfg, &t->client) == ERR_OK;
}

static void close_one(struct one *t)
{
    client_answer_done(&t->answer);
    client_close(t->client);
    ctx_done(&t->ctx);
    harness_close(&t->h);
}

static enum err call(struct one *t, const char *method, const char *path, struct client_request rq)
{
    snprintf(t->url, sizeof t->url, "%s://127.0.0.1:%u%s", t->h.tls ? "https" : "http", t->h.port, path);
    rq.method = method;
    rq.url = t->url;
    client_answer_done(&t->answer);
    ctx_clear_error(&t->ctx);
    return client_call(&t->ctx, t->client, &rq, &t->answer);
}
#define CALL(t, method, path, ...) call((t), (method), (path), (struct client_request){__VA_ARGS__})

struct source {
    uint64_t length;
    enum err fail;
};
static enum err read_bytes(void *arg, uint64_t off, void *p, size_t cap, size_t *ret_n)
{
    const struct source *s = arg;
    char *out = p;
    if (s->fail != ERR_OK && off > 100000) return s->fail;
    *ret_n = (size_t)MIN(s->length - off, cap);
    for (size_t i = 0; i < *ret_n; i++) out[i] = harness_byte(off + i);
    return ERR_OK;
}

struct drain {
    uint64_t n, sum, stop_at;
};
static enum err write_bytes(void *arg, const void *p, size_t n)
{
    struct drain *d = arg;
    d->n += n;
    d->sum = harness_sum(d->sum, p, n);
    return d->stop_at && d->n > d->stop_at ? ERR_NOSPACE : ERR_OK;
}

static uint64_t sum_of(uint64_t length)
{
    uint64_t sum = 0;
    for (uint64_t i = 0; i < length; i++) sum = harness_sum(sum, &(char){harness_byte(i)}, 1);
    return sum;
}

static void moved(void *arg, uint64_t sent, uint64_t received)
{
    uint64_t *most = arg;
    *most = MAX(*most, sent + received);
}

static void check_bodies(bool tls, bool http1)
{
    struct one t;
    uint64_t most = 0, length = 3000001;
    char want[64];
    CHECK(open_one(&t, tls, (struct client_config){.http1 = http1}));
    if (tls) { /* trust what it shows */
        CHECK_ERR(CALL(&t, "GET", "/call", .method = NULL), ERR_DENIED);
        struct client_config cfg = {.pin = client_seen(t.client)->seen, .http1 = http1};
        struct client *pinned = NULL;
        CHECK_OK(client_open(&t.ctx, &cfg, &pinned));
        client_close(t.client);
        t.client = pinned;
    }
    CHECK_OK(CALL(&t, "GET", "/call", .method = NULL));
    CHECK(t.answer.status == 200);
    CHECK_SLICE(buf_view(&t.answer.body), SLICE("hello"));
    CHECK_OK(CALL(&t, "POST", "/call", .body = SLICE("{\"a\":1}"), .content_type = "application/json"));
    CHECK_SLICE(buf_view(&t.answer.body), SLICE("{\"a\":1}"));
    struct source source = {.length = length};
    CHECK_OK(CALL(&t, "PUT", "/sink", .read = read_bytes, .read_arg = &source, .read_length = length, .moved = moved,
                  .moved_arg = &most));
    snprintf(want, sizeof want, "%llu %llx", (unsigned long long)length, (unsigned long long)sum_of(length));
    CHECK_SLICE(buf_view(&t.answer.body), slice_cstr(want));
    CHECK(most >= length);
    struct drain drain = {0};
    CHECK_OK(CALL(&t, "GET", "/source/3000001", .write = write_bytes, .write_arg = &drain));
    CHECK(drain.n == length && drain.sum == sum_of(length) && t.answer.body.len == 0);
    source.length = 0;
    CHECK_OK(CALL(&t, "PUT", "/sink", .read = read_bytes, .read_arg = &source));
    CHECK_SLICE(buf_view(&t.answer.body), SLICE("0 0"));
    CHECK_OK(CALL(&t, "GET", "/none", .method = NULL));
    CHECK(t.answer.status == 204 && t.answer.body.len == 0);
    CHECK_OK(CALL(&t, "GET", "/call", .method = NULL)); /* the body options of earlier calls are gone */
    close_one(&t);
}

TEST(client_bodies_plain) { check_bodies(false, true); }
TEST(client_bodies_tls_http1) { check_bodies(true, true); }
TEST(client_bodies_tls_http2) { check_bodies(true, false); }

TEST(client_bounds_and_failures)
{
    struct one t;
    struct drain drain = {.stop_at = 500000};
    struct source source = {.length = 3000000, .fail = ERR_CONFLICT};
    CHECK(open_one(&t, false, (struct client_config){.http1 = true}));
    CHECK_ERR(CALL(&t, "GET", "/memory/2000000", .method = NULL), ERR_TOO_LARGE); /* 1 MiB unless said */
    CHECK_OK(CALL(&t, "GET", "/memory/2000000", .answer_max = 2000000));
    CHECK_ERR(CALL(&t, "GET", "/source/3000000", .write = write_bytes, .write_arg = &drain), ERR_NOSPACE);
    CHECK_ERR(CALL(&t, "PUT", "/sink", .read = read_bytes, .read_arg = &source, .read_length = 3000000), ERR_CONFLICT);
    drain = (struct drain){0};
    CHECK_ERR(CALL(&t, "GET", "/broken/100000", .write = write_bytes, .write_arg = &drain), ERR_CLOSED);
    CHECK(client_worth_retry(ERR_CLOSED) && !client_worth_retry(ERR_DENIED) && !client_worth_retry(ERR_NOSPACE));
    /* A server that ignores the range would have us write its bytes to the wrong place. */
    drain = (struct drain){0};
    CHECK_ERR(CALL(&t, "GET", "/source/1000", .write = write_bytes, .write_arg = &drain, .ranged = true, .range_first = 10,
                   .range_length = 5),
              ERR_PEER);
    CHECK(drain.n == 0);
    /* The answer before the body was sent counts, and its body never goes to the receiver of bytes. */
    source = (struct source){.length = 50000000};
    CHECK_ERR(CALL(&t, "PUT", "/refuse", .read = read_bytes, .read_arg = &source, .read_length = source.length,
                   .write = write_bytes, .write_arg = &drain),
              ERR_DENIED);
    CHECK(t.answer.status == 403 && drain.n == 0);
    CHECK_ERR(CALL(&t, "PUT", "/failing", .read = read_bytes, .read_arg = &source, .read_length = 1000), ERR_NOSPACE);
    CHECK_OK(CALL(&t, "GET", "/call", .method = NULL));
    close_one(&t);
}

TEST(client_nobody_there)
{
    struct one t;
    CHECK(open_one(&t, false, (struct client_config){.http1 = true}));
    struct client_request rq = {.method = "GET", .url = "http://127.0.0.1:1/"};
    CHECK_ERR(client_call(&t.ctx, t.client, &rq, &t.answer), ERR_CLOSED);
    CHECK(t.answer.status == 0 && t.ctx.err_detail[0]);
    rq.url = "file:///etc/passwd";
    CHECK_ERR(client_call(&t.ctx, t.client, &rq, &t.answer), ERR_INVALID);
    close_one(&t);
}

TEST(client_abort)
{
    struct one t;
    static atomic_bool abort_now;
    struct drain drain = {0};
    atomic_store(&abort_now, true);
    CHECK(open_one(&t, false, (struct client_config){.http1 = true, .abort = &abort_now}));
    CHECK_ERR(CALL(&t, "GET", "/source/100000000", .write = write_bytes, .write_arg = &drain), ERR_CANCELLED);
    close_one(&t);
}

TEST(client_stall)
{
    struct one t;
    CHECK(open_one(&t, false, (struct client_config){.http1 = true, .stall_s = 1}));
    CHECK_ERR(CALL(&t, "GET", "/wait", .method = NULL), ERR_TIMEOUT);
    close_one(&t);
}

TEST(client_trusts_nobody_unasked)
{
    struct one t;
    const char *cert = NULL, *key = NULL;
    char wrong[TLS_PIN_HEX + 1], right[TLS_PIN_HEX + 1];
    CHECK(open_one(&t, true, (struct client_config){0}));
    CHECK_ERR(CALL(&t, "POST", "/call", .body = SLICE("secret")), ERR_DENIED);
    CHECK(strcmp(t.ctx.err_code, "certificate_untrusted") == 0);
    CHECK(client_seen(t.client)->refused && strlen(client_seen(t.client)->seen) == TLS_PIN_HEX);
    memcpy(right, client_seen(t.client)->seen, sizeof right);
    memcpy(wrong, right, sizeof wrong);
    wrong[0] = wrong[0] == '0' ? '1' : '0';
    client_close(t.client);
    CHECK_OK(client_open(&t.ctx, &(struct client_config){.pin = wrong}, &t.client));
    CHECK_ERR(CALL(&t, "POST", "/call", .body = SLICE("secret")), ERR_DENIED);
    CHECK(strcmp(t.ctx.err_code, "certificate_changed") == 0);
    client_close(t.client);
    /* Signed by whom we trust, but for another name: refused, and not a matter for pinning. */
    harness_certificate("first", &cert, &key);
    CHECK_OK(client_open(&t.ctx, &(struct client_config){.ca_file = cert}, &t.client));
    CHECK_ERR(CALL(&t, "POST", "/call", .body = SLICE("secret")), ERR_DENIED);
    CHECK(!client_seen(t.client)->refused);
    CHECK(atomic_load(&t.h.plans) == 0); /* not one request reached the server */
    client_close(t.client);
    CHECK_OK(client_open(&t.ctx, &(struct client_config){.pin = right}, &t.client));
    CHECK_OK(CALL(&t, "POST", "/call", .body = SLICE("secret")));
    CHECK(atomic_load(&t.h.plans) == 1);
    CHECK_ERR(client_open(&t.ctx, &(struct client_config){.pin = "xyz"}, &(struct client *){NULL}), ERR_INVALID);
    close_one(&t);
}

TEST(client_status_mapping)
{
    static const struct {
        int status;
        enum err want;
    } rows[] = {{400, ERR_INVALID},   {401, ERR_UNAUTH},    {403, ERR_DENIED}, {404, ERR_NOT_FOUND}, {410, ERR_GONE},
                {413, ERR_TOO_LARGE}, {423, ERR_LOCKED},    {429, ERR_RATE},   {500, ERR_INTERNAL},  {503, ERR_BUSY},
                {504, ERR_TIMEOUT},   {507, ERR_NOSPACE},   {301, ERR_PEER},   {304, ERR_PEER},      {418, ERR_INVALID},
                {599, ERR_INTERNAL},  {409, ERR_CONFLICT}};
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) CHECK(client_status_err(rows[i].status) == rows[i].want);
}

TEST(client_no_memory)
{
    struct one t;
    CHECK(open_one(&t, false, (struct client_config){.http1 = true}));
    for (uint64_t n = 0; n < 200; n++) {
        struct client *cl = NULL;
        struct ctx c;
        struct client_answer answer = {0};
        struct client_request rq = {.method = "GET", .url = "http://127.0.0.1:1/"};
        ctx_init(&c, 1 << 20);
        test_fail_alloc(n, false);
        enum err e = client_open(&c, &(struct client_config){0}, &cl);
        if (e == ERR_OK) e = client_call(&c, cl, &rq, &answer);
        bool fired = test_alloc_fired();
        test_fail_alloc(UINT64_MAX, false);
        client_answer_done(&answer);
        client_close(cl);
        ctx_done(&c);
        CHECK(e == ERR_CLOSED || (fired && e == ERR_NOMEM));
        if (!fired) break;
    }
    close_one(&t);
}
