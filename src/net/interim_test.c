/* Interim answers, on HTTP/1 and HTTP/2: when they go out, in which order, and what happens when nobody reads them. */
#include <nghttp2/nghttp2.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/intmath.h"
#include "base/limits.h"
#include "base/mem.h"
#include "lib/test.h"
#include "net/http_harness.h"
#include "os/sys.h"

/* The application: every PUT is told 104 with its place in open(), 104 with its offset in each write(), 104 "last" in finish().
 *   /flood: open() tells FLOOD of them, each BIG bytes    /slow: write() tells, then waits for the gate
 *   /evil: with a line break in a value, and a field of the server's own        POST: 103, then the answer */
#define FLOOD 2000
#define BIG 4000
static struct {
    struct http_server *server;
    struct tls *tls;
    struct ctx ctx;
    unsigned port;
    atomic_bool gate;
    atomic_uint dones, aborts, live;
} w;
static char big[BIG + 1];

struct sink {
    struct http_sink base;
    const struct http_request *req;
    uint64_t bytes;
    bool slow;
};

static void nap_ms(long ms)
{
    const struct timespec t = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};
    nanosleep(&t, NULL);
}

static void tell(const struct http_request *req, int status, const char *name, const char *value)
{
    const struct http_header h[] = {{slice_cstr(name), slice_cstr(value)}, {SLICE("x-also"), SLICE("")}};
    http_interim(req, status, h, 2);
}

static void tell_number(const struct http_request *req, const char *name, uint64_t n)
{
    char text[24];
    snprintf(text, sizeof text, "%llu", (unsigned long long)n);
    tell(req, 104, name, text);
}

static enum err sink_write(struct http_sink *base, struct ctx *c, const void *p, size_t n)
{
    struct sink *s = (struct sink *)base;
    (void)c, (void)p;
    s->bytes += n;
    tell_number(s->req, "upload-offset", s->bytes);
    while (s->slow && !atomic_load(&w.gate)) nap_ms(1);
    return ERR_OK;
}

static void sink_end(struct sink *s)
{
    atomic_fetch_sub(&w.live, 1);
    mem_free(s);
}

static void sink_finish(struct http_sink *base, struct ctx *c, enum err failed, struct http_response *resp)
{
    struct sink *s = (struct sink *)base;
    (void)c, (void)failed;
    tell(s->req, 104, "last", "1");
    resp->status = 201;
    sink_end(s);
}

static void sink_abort(struct http_sink *base, struct ctx *c)
{
    struct sink *s = (struct sink *)base;
    (void)c;
    tell(s->req, 104, "nobody", "hears it");
    atomic_fetch_add(&w.aborts, 1);
    sink_end(s);
}

static const struct http_sink_ops sink_ops = {sink_write, sink_finish, sink_abort};

static bool path_is(const struct http_request *req, const char *path) { return slice_eq(req->path, slice_cstr(path)); }

static void app_plan(void *arg, struct http_request *req, struct http_plan *ret)
{
    (void)arg;
    *ret = (struct http_plan){req->method == HTTP_PUT ? HTTP_PLAN_STREAM : HTTP_PLAN_CALL, 1ull << 40};
}

static void app_call(void *arg, struct http_request *req, struct http_response *resp)
{
    (void)arg;
    tell(req, 103, "link", "</style.css>");
    resp->status = 204;
}

static void app_open(void *arg, struct http_request *req, struct http_sink **ret, struct http_response *resp)
{
    struct sink *s = MEM_NEW(struct sink);
    (void)arg;
    if (!s) {
        resp->status = 503;
        return;
    }
    *s = (struct sink){{&sink_ops}, req, 0, path_is(req, "/slow")};
    atomic_fetch_add(&w.live, 1);
    if (path_is(req, "/evil")) {
        tell(req, 104, "x", "a\r\nb: c");
        tell(req, 104, "content-length", "5");
    }
    tell(req, 104, "location", "/up/1");
    for (unsigned i = 0; path_is(req, "/flood") && i < FLOOD; i++) {
        const struct http_header h[] = {{SLICE("x-big"), slice_cstr(big)}};
        http_interim(req, 104, h, 1);
    }
    *ret = &s->base;
}

static void app_done(void *arg, struct http_request *req, const struct http_done *d)
{
    (void)arg, (void)req, (void)d;
    atomic_fetch_add(&w.dones, 1);
}

static bool world_open(bool tls)
{
    static const char *const listen[] = {"127.0.0.1:0"};
    struct http_app app = {.plan = app_plan, .call = app_call, .open = app_open, .done = app_done};
    struct http_config cfg = {.listen = listen, .listen_count = 1, .io_threads = 2, .workers = 4};
    memset(&w, 0, sizeof w);
    memset(big, 'b', BIG);
    ctx_init(&w.ctx, 65536);
    if (tls) {
        const char *cert, *key;
        harness_certificate("interim", &cert, &key);
        if (tls_open(&w.ctx, cert, key, TLS_MIN_1_2, NULL, &w.tls) != ERR_OK) return false;
        cfg.tls = w.tls;
    }
    if (http_server_open(&w.ctx, &cfg, &app, &w.server) != ERR_OK) return false;
    w.port = http_server_port(w.server, 0);
    return true;
}

static void world_close(void)
{
    atomic_store(&w.gate, true);
    http_server_stop(w.server, 100);
    http_server_close(w.server);
    tls_unref(w.tls);
    ctx_done(&w.ctx);
    CHECK_U64(atomic_load(&w.live), 0);
}

/* ---- HTTP/1 ---- */

static struct probe cl;

/* The next head, interim ones too, into `ret`; its status, 0 at the end of the connection. */
static int next_head(char *ret, size_t cap)
{
    char *end;
    uint64_t status = 0;
    while (!cl.in.ptr || !(end = memmem(cl.in.ptr, cl.in.len, "\r\n\r\n", 4)))
        if (!probe_recv(&cl)) return 0;
    size_t n = (size_t)(end - cl.in.ptr) + 4;
    snprintf(ret, cap, "%.*s", (int)n, cl.in.ptr);
    if (slice_u64(slice_sub(buf_view(&cl.in), 9, 12), 999, &status) != ERR_OK) return 0;
    buf_consume(&cl.in, n);
    return (int)status;
}

static bool offset_of(const char *head, uint64_t *ret)
{
    const char *at = strstr(head, "upload-offset: ");
    struct slice rest = at ? slice_cstr(at + 15) : (struct slice){0};
    return at && slice_u64(slice_cut(&rest, '\r'), UINT64_MAX, ret) == ERR_OK;
}

/* Heads up to the final one: place first, offsets that grow up to `bytes`, "last", 201. */
static void check_story(uint64_t bytes)
{
    char head[BIG * 2];
    uint64_t offset = 0, before = 0;
    CHECK(next_head(head, sizeof head) == 104);
    CHECK(strcmp(head, "HTTP/1.1 104 Upload Resumption Supported\r\nlocation: /up/1\r\nx-also: \r\n\r\n") == 0);
    while (next_head(head, sizeof head) == 104 && offset_of(head, &offset)) {
        CHECK(offset > before);
        before = offset;
    }
    CHECK_U64(before, bytes);
    CHECK(strstr(head, " 104 ") && strstr(head, "last: 1"));
    CHECK(next_head(head, sizeof head) == 201);
}

static void put_head(const char *path, uint64_t bytes, const char *more)
{
    char head[256];
    snprintf(head, sizeof head, "PUT %s HTTP/1.1\r\nHost: x\r\nContent-Length: %llu\r\n%s\r\n", path, (unsigned long long)bytes, more);
    CHECK(probe_say(&cl, head));
}

static void put_body(size_t n)
{
    static char zeros[1 << 20];
    for (size_t step; n; n -= step) {
        step = MIN(n, sizeof zeros);
        CHECK(probe_send(&cl, zeros, step));
    }
}

static void in_order(bool tls)
{
    CHECK(world_open(tls) && probe_open(&cl, w.port, tls ? "http/1.1" : NULL));
    for (int i = 0; i < 3; i++) {
        put_head("/up", 1000000, "");
        put_body(1000000);
        check_story(1000000);
        CHECK(probe_say(&cl, "POST /call HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\nab"));
        char head[1000];
        CHECK(next_head(head, sizeof head) == 103 && strstr(head, "link: </style.css>\r\n"));
        CHECK(next_head(head, sizeof head) == 204);
    }
    probe_close(&cl);
    world_close();
}

TEST(interims_in_order_plain) { in_order(false); }
TEST(interims_in_order_tls) { in_order(true); }

TEST(interims_and_continue)
{
    char head[1000];
    uint64_t offset = 0;
    CHECK(world_open(false) && probe_open(&cl, w.port, NULL));
    put_head("/slow", 262144, "Expect: 100-continue\r\n");
    CHECK(next_head(head, sizeof head) == 104 && strstr(head, "location: "));
    CHECK(next_head(head, sizeof head) == 100);
    put_body(262144);
    /* On the wire while write() still runs. */
    CHECK(next_head(head, sizeof head) == 104 && offset_of(head, &offset) && offset == 262144 && !atomic_load(&w.dones));
    atomic_store(&w.gate, true);
    CHECK(next_head(head, sizeof head) == 104 && strstr(head, "last: 1"));
    CHECK(next_head(head, sizeof head) == 201);
    probe_close(&cl);
    world_close();
}

TEST(interims_never_to_old_clients_nor_split)
{
    char head[1000];
    CHECK(world_open(false) && probe_open(&cl, w.port, NULL));
    CHECK(probe_say(&cl, "PUT /up HTTP/1.0\r\nContent-Length: 2\r\n\r\nab"));
    CHECK(next_head(head, sizeof head) == 201);
    probe_close(&cl);
    CHECK(probe_open(&cl, w.port, NULL));
    put_head("/evil", 5, "");
    put_body(5);
    check_story(5);
    probe_close(&cl);
    world_close();
}

TEST(interims_that_nobody_reads)
{
    char head[BIG * 2];
    unsigned bigs = 0;
    uint64_t offset = 0, before = 0;
    int status;
    bool last = false;
    CHECK(world_open(false) && probe_open(&cl, w.port, NULL));
    /* More than socket buffers hold, unread; the whole body goes in all the same, and the answer comes behind what was kept. */
    put_head("/flood", 64 << 20, "");
    put_body(64 << 20);
    CHECK(next_head(head, sizeof head) == 104 && strstr(head, "location: "));
    while ((status = next_head(head, sizeof head)) == 104) {
        if (strstr(head, "x-big: ")) bigs++;
        if (strstr(head, "last: 1")) last = true;
        if (!offset_of(head, &offset)) continue;
        CHECK(offset > before);
        before = offset;
    }
    CHECK(status == 201 && last && bigs < FLOOD);
    probe_close(&cl);
    world_close();
}

TEST(interims_to_a_client_that_is_gone)
{
    char head[1000];
    CHECK(world_open(false));
    for (unsigned i = 1; i <= 20; i++) {
        CHECK(probe_open(&cl, w.port, NULL));
        put_head(i % 2 ? "/flood" : "/up", 1 << 20, "");
        put_body(300000);
        if (i % 3) CHECK(next_head(head, sizeof head) == 104);
        probe_close(&cl);
        for (int wait = 0; wait < 8000 && atomic_load(&w.dones) < i; wait++) nap_ms(1);
        CHECK_U64(atomic_load(&w.aborts), i);
    }
    world_close();
}

/* ---- HTTP/2 ---- */

struct stream {
    int32_t id;
    char story[4096]; /* what came, in order: "104 location=/up/1;" */
    uint64_t offset;
    size_t left;
    bool hold, closed, continued;
};
static struct stream *find_stream(nghttp2_session *s, int32_t id) { return nghttp2_session_get_stream_user_data(s, id); }

static int on_header(nghttp2_session *s, const nghttp2_frame *f, const uint8_t *name, size_t name_len, const uint8_t *value,
                     size_t value_len, uint8_t flags, void *user)
{
    struct stream *st = find_stream(s, f->hd.stream_id);
    size_t n = st ? strlen(st->story) : 0;
    struct slice key = slice_of(name, name_len), v = slice_of(value, value_len);
    uint64_t offset = 0;
    (void)flags, (void)user;
    if (!st) return 0;
    if (slice_eq(key, SLICE(":status"))) {
        if (slice_eq(v, SLICE("100"))) st->continued = true;
        snprintf(st->story + n, sizeof st->story - n, "|" SLICE_FMT, SLICE_ARG(v));
    } else if (slice_eq(key, SLICE("upload-offset")) && slice_u64(v, UINT64_MAX, &offset) == ERR_OK) {
        if (offset <= st->offset) test_fail(__FILE__, __LINE__, "offset went back");
        st->offset = offset;
        st->story[n - 4] = '\0'; /* told once, by the last */
    } else if (slice_eq(key, SLICE("location")) || slice_eq(key, SLICE("last"))) {
        snprintf(st->story + n, sizeof st->story - n, " " SLICE_FMT, SLICE_ARG(key));
    }
    return 0;
}

static int on_close(nghttp2_session *s, int32_t id, uint32_t code, void *user)
{
    struct stream *st = find_stream(s, id);
    (void)code, (void)user;
    if (st) st->closed = true;
    return 0;
}

static ssize_t upload(nghttp2_session *s, int32_t id, uint8_t *to, size_t cap, uint32_t *flags, nghttp2_data_source *source, void *user)
{
    struct stream *st = source->ptr;
    size_t n = MIN(cap, st->left);
    (void)s, (void)id, (void)user;
    if (n == 0 && st->hold) return NGHTTP2_ERR_DEFERRED;
    memset(to, 0, n);
    st->left -= n;
    if (st->left == 0 && !st->hold) *flags |= NGHTTP2_DATA_FLAG_EOF;
    return (ssize_t)n;
}

static nghttp2_session *h2_open(void)
{
    nghttp2_session_callbacks *cb;
    nghttp2_session *s = NULL;
    if (!probe_open(&cl, w.port, "h2")) return NULL;
    nghttp2_session_callbacks_new(&cb);
    nghttp2_session_callbacks_set_on_header_callback(cb, on_header);
    nghttp2_session_callbacks_set_on_stream_close_callback(cb, on_close);
    nghttp2_session_client_new(&s, cb, NULL);
    nghttp2_session_callbacks_del(cb);
    nghttp2_submit_settings(s, NGHTTP2_FLAG_NONE, NULL, 0);
    return s;
}

static nghttp2_nv nv(const char *name, const char *value)
{
    nghttp2_nv f = {.namelen = strlen(name), .valuelen = strlen(value)};
    memcpy(&f.name, &name, sizeof f.name);
    memcpy(&f.value, &value, sizeof f.value);
    return f;
}

static void put(nghttp2_session *s, struct stream *st, const char *path, size_t bytes, bool wait)
{
    const nghttp2_nv list[] = {nv(":method", "PUT"), nv(":path", path), nv(":scheme", "https"), nv(":authority", "x"),
                               nv("expect", "100-continue")};
    *st = (struct stream){.left = wait ? 0 : bytes, .hold = wait};
    const nghttp2_data_provider body = {{.ptr = st}, upload};
    st->id = nghttp2_submit_request(s, NULL, list, wait ? 5 : 4, &body, st);
}

static bool push_out(nghttp2_session *s)
{
    const uint8_t *p = NULL;
    ssize_t n;
    while ((n = nghttp2_session_mem_send(s, &p)) > 0)
        if (!probe_send(&cl, p, (size_t)n)) return false;
    return n == 0;
}

static bool step(nghttp2_session *s)
{
    if (!push_out(s) || !probe_recv(&cl)) return false;
    ssize_t n = nghttp2_session_mem_recv(s, (const uint8_t *)cl.in.ptr, cl.in.len);
    buf_reset(&cl.in);
    return n >= 0;
}

TEST(interims_h2)
{
    struct stream a, b, c;
    CHECK(world_open(true));
    nghttp2_session *s = h2_open();
    CHECK(s);
    put(s, &a, "/up", 5000000, false);
    put(s, &b, "/up", 3000000, false);
    put(s, &c, "/up", 100000, true);
    while (!c.continued) CHECK(step(s));
    c.hold = false;
    c.left = 100000;
    nghttp2_session_resume_data(s, c.id);
    while (!a.closed || !b.closed || !c.closed) CHECK(step(s));
    CHECK(strcmp(a.story, "|104 location|104 last|201") == 0 && a.offset == 5000000);
    CHECK(strcmp(b.story, "|104 location|104 last|201") == 0 && b.offset == 3000000);
    CHECK(strcmp(c.story, "|104 location|100|104 last|201") == 0 && c.offset == 100000);
    nghttp2_session_del(s);
    probe_close(&cl);
    world_close();
}

TEST(interims_h2_flood_and_reset)
{
    CHECK(world_open(true));
    for (unsigned i = 1; i <= 6; i++) {
        struct stream flood, other;
        nghttp2_session *s = h2_open();
        CHECK(s);
        put(s, &flood, "/flood", 1000, true);
        if (i % 2) put(s, &other, "/up", 3000000, false);
        while (!flood.continued) CHECK(step(s));
        CHECK(strncmp(flood.story, "|104 location|104", 17) == 0);
        if (i % 2) {
            nghttp2_submit_rst_stream(s, NGHTTP2_FLAG_NONE, flood.id, NGHTTP2_CANCEL);
            while (!other.closed) CHECK(step(s));
            CHECK(strcmp(other.story, "|104 location|104 last|201") == 0);
        }
        nghttp2_session_del(s);
        probe_close(&cl);
        for (int wait = 0; wait < 8000 && atomic_load(&w.aborts) < i; wait++) nap_ms(1);
        CHECK_U64(atomic_load(&w.aborts), i);
    }
    world_close();
}

TEST(interims_without_memory)
{
    for (uint64_t n = 0; n < 600 && !test_failed(); n++) {
        struct stream a;
        CHECK(world_open(true));
        int64_t began = sys_real()->mono_ms();
        test_fail_alloc(n, n % 2);
        nghttp2_session *s = h2_open();
        bool ok = s != NULL;
        if (ok) put(s, &a, "/up", 600000, false);
        while (ok && !a.closed && !strstr(a.story, "|503")) ok = step(s); /* refused: it need not send the rest */
        bool fired = test_alloc_fired();
        test_fail_alloc(UINT64_MAX, false);
        CHECK(sys_real()->mono_ms() - began < 7000); /* the client was not left waiting */
        if (ok && strstr(a.story, "|201")) CHECK(strncmp(a.story, "|104", 4) == 0 || strcmp(a.story, "|201") == 0);
        nghttp2_session_del(s);
        probe_close(&cl);
        world_close();
        if (fired) continue;
        CHECK(ok && n > 10 && strcmp(a.story, "|104 location|104 last|201") == 0);
        return;
    }
}
