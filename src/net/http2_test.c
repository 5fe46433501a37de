/* HTTP/2 over TLS, with nghttp2 as the client: the same application, many streams, flow control, what is refused. */
#include <nghttp2/nghttp2.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/intmath.h"
#include "base/limits.h"
#include "lib/test.h"
#include "net/http_harness.h"
#include "os/clock.h"
#include "os/sys.h"

#define STREAMS 512

struct stream {
    int32_t id;
    int status;
    uint64_t bytes, sum;
    char body[256];
    bool closed, interim, was_reset;
    uint32_t error;
    const char *up;
    uint64_t up_left;
    bool up_hold; /* never ends by itself */
};

static struct harness h;
static struct probe cl;
static nghttp2_session *session;
static struct stream streams[STREAMS];
static size_t stream_count, closed_count;
static uint32_t goaway_error;
static bool goaway_seen;
static char pattern[1 << 20];
static _Atomic int64_t leap_ms;

static int64_t leaping_clock(void) { return sys_real()->mono_ms() + atomic_load(&leap_ms); }

static void nap_ms(long ms)
{
    const struct timespec t = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};
    nanosleep(&t, NULL);
}

static struct stream *find(int32_t id)
{
    for (size_t i = 0; i < stream_count; i++)
        if (streams[i].id == id) return &streams[i];
    return NULL;
}

static int on_header(nghttp2_session *s, const nghttp2_frame *f, const uint8_t *name, size_t name_len,
                     const uint8_t *value, size_t value_len, uint8_t flags, void *user)
{
    struct stream *st = find(f->hd.stream_id);
    uint64_t status = 0;
    (void)s;
    (void)flags;
    (void)user;
    if (st && slice_eq(slice_of(name, name_len), SLICE(":status")) &&
        slice_u64(slice_of(value, value_len), 999, &status) == ERR_OK) {
        if (status == 100) st->interim = true;
        st->status = (int)status;
    }
    return 0;
}

static int on_data(nghttp2_session *s, uint8_t flags, int32_t id, const uint8_t *p, size_t n, void *user)
{
    struct stream *st = find(id);
    (void)s;
    (void)flags;
    (void)user;
    if (!st) return 0;
    if (st->bytes < sizeof st->body - 1)
        memcpy(st->body + st->bytes, p, MIN(n, sizeof st->body - 1 - st->bytes));
    st->bytes += n;
    st->sum = harness_sum(st->sum, p, n);
    return 0;
}

static int on_close(nghttp2_session *s, int32_t id, uint32_t code, void *user)
{
    struct stream *st = find(id);
    (void)s;
    (void)user;
    if (st && !st->closed) {
        st->closed = true;
        st->error = code;
        closed_count++;
    }
    return 0;
}

static int on_frame(nghttp2_session *s, const nghttp2_frame *f, void *user)
{
    (void)s;
    (void)user;
    if (f->hd.type == NGHTTP2_GOAWAY) {
        goaway_seen = true;
        goaway_error = f->goaway.error_code;
    }
    struct stream *st = f->hd.type == NGHTTP2_RST_STREAM ? find(f->hd.stream_id) : NULL;
    if (st) st->was_reset = true;
    return 0;
}

static ssize_t upload(nghttp2_session *s, int32_t id, uint8_t *to, size_t cap, uint32_t *flags,
                      nghttp2_data_source *source, void *user)
{
    struct stream *st = source->ptr;
    size_t n = (size_t)MIN((uint64_t)cap, st->up_left);
    (void)s;
    (void)id;
    (void)user;
    if (n == 0 && st->up_hold) return NGHTTP2_ERR_DEFERRED;
    if (st->up)
        memcpy(to, st->up, n);
    else
        memcpy(to, pattern, n);
    st->up_left -= n;
    if (st->up_left == 0 && !st->up_hold) *flags |= NGHTTP2_DATA_FLAG_EOF;
    return (ssize_t)n;
}

static bool h2_open(void)
{
    nghttp2_session_callbacks *cb;
    memset(pattern, 'p', sizeof pattern);
    memset(streams, 0, sizeof streams);
    stream_count = closed_count = 0;
    goaway_seen = false;
    if (!probe_open(&cl, h.port, "h2")) return false;
    nghttp2_session_callbacks_new(&cb);
    nghttp2_session_callbacks_set_on_header_callback(cb, on_header);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(cb, on_data);
    nghttp2_session_callbacks_set_on_stream_close_callback(cb, on_close);
    nghttp2_session_callbacks_set_on_frame_recv_callback(cb, on_frame);
    nghttp2_session_client_new(&session, cb, NULL);
    nghttp2_session_callbacks_del(cb);
    nghttp2_submit_settings(session, NGHTTP2_FLAG_NONE, NULL, 0);
    return true;
}

static void h2_close(void)
{
    nghttp2_session_del(session);
    session = NULL;
    probe_close(&cl);
}

static nghttp2_nv nv(const char *name, const char *value)
{
    nghttp2_nv f = {.namelen = strlen(name), .valuelen = strlen(value)};
    memcpy(&f.name, &name, sizeof f.name);
    memcpy(&f.value, &value, sizeof f.value);
    return f;
}

/* nghttp2 copies the list before this returns. */
static struct stream *ask(const char *method, const char *path, uint64_t up, const char *extra_name,
                          const char *extra_value)
{
    struct stream *st = &streams[stream_count++];
    nghttp2_nv list[6];
    size_t n = 0;
    list[n++] = nv(":method", method);
    list[n++] = nv(":path", path);
    list[n++] = nv(":scheme", "https");
    list[n++] = nv(":authority", "x");
    if (extra_name) list[n++] = nv(extra_name, extra_value);
    *st = (struct stream){.up_left = up};
    const nghttp2_data_provider body = {{.ptr = st}, upload};
    st->id = nghttp2_submit_request(session, NULL, list, n, up ? &body : NULL, NULL);
    return st;
}

static bool push_out(void)
{
    for (;;) {
        const uint8_t *p = NULL;
        ssize_t n = nghttp2_session_mem_send(session, &p);
        if (n < 0) return false;
        if (n == 0) return true;
        if (!probe_send(&cl, p, (size_t)n)) return false;
    }
}

static bool pull_in(void)
{
    if (!probe_recv(&cl)) return false;
    ssize_t n = nghttp2_session_mem_recv(session, (const uint8_t *)cl.in.ptr, cl.in.len);
    buf_reset(&cl.in);
    return n >= 0;
}

/* Until all streams are closed, or the connection is. */
static bool run(void)
{
    while (closed_count < stream_count)
        if (!push_out() || !pull_in()) return false;
    return push_out();
}

static uint64_t source_sum(uint64_t n)
{
    uint64_t sum = 0;
    for (uint64_t i = 0; i < n; i++) {
        char b = harness_byte(i);
        sum = harness_sum(sum, &b, 1);
    }
    return sum;
}

TEST(h2_daily)
{
    CHECK(harness_open(&h, &(struct harness_options){.tls = true}));
    CHECK(h2_open());
    for (int round = 0; round < 2; round++) {
        struct stream *call = ask("GET", "/call", 0, NULL, NULL);
        struct stream *inl = ask("GET", "/inline", 0, NULL, NULL);
        struct stream *post = ask("POST", "/call", 3, NULL, NULL);
        struct stream *echo = ask("GET", "/header", 0, "x-echo", "two words");
        struct stream *none = ask("GET", "/none", 0, NULL, NULL);
        struct stream *head = ask("HEAD", "/source/1000000", 0, NULL, NULL);
        struct stream *down = ask("GET", "/source/2000001", 0, NULL, NULL);
        struct stream *unknown = ask("GET", "/unknown/300001", 0, NULL, NULL);
        struct stream *memory = ask("GET", "/memory/400000", 0, NULL, NULL);
        struct stream *up = ask("PUT", "/sink", 1048576, NULL, NULL);
        CHECK(run());
        CHECK(call->status == 200 && strcmp(call->body, "hello") == 0);
        CHECK(inl->status == 200 && strcmp(inl->body, "inline") == 0);
        CHECK(post->status == 200 && strcmp(post->body, "ppp") == 0);
        CHECK(echo->status == 200 && strcmp(echo->body, "two words") == 0);
        CHECK(none->status == 204 && head->status == 200 && head->bytes == 0);
        CHECK(down->status == 200 && down->bytes == 2000001 && down->sum == source_sum(2000001));
        CHECK(unknown->bytes == 300001 && unknown->sum == source_sum(300001));
        CHECK(memory->bytes == 400000 && memory->sum == source_sum(400000));
        CHECK(up->status == 201 && strncmp(up->body, "1048576 ", 8) == 0);
        for (size_t i = 0; i < stream_count; i++) CHECK(streams[i].error == NGHTTP2_NO_ERROR);
        stream_count = closed_count = 0;
    }
    h2_close();
    CHECK(harness_wait(&h.dones, 20));
    CHECK_U64(atomic_load(&h.completes), 20);
    harness_close(&h);
}

TEST(h2_many_large_uploads_at_once)
{
    /* More than the connection's window together: slow ones must not lock the rest out. */
    CHECK(harness_open(&h, &(struct harness_options){.tls = true}));
    CHECK(h2_open());
    for (int i = 0; i < 40; i++) CHECK(ask("PUT", "/sink", 3 * MIB + (unsigned)i, NULL, NULL)->id > 0);
    for (int i = 0; i < 60; i++) CHECK(ask("POST", "/call", 90000, NULL, NULL)->id > 0);
    CHECK(run());
    for (size_t i = 0; i < stream_count; i++) CHECK(streams[i].status == (i < 40 ? 201 : 200));
    h2_close();
    harness_close(&h);
}

TEST(h2_a_slow_sink_holds_its_stream_back)
{
    struct http_stats st;
    CHECK(harness_open(&h, &(struct harness_options){.tls = true}));
    CHECK(h2_open());
    struct stream *slow = ask("PUT", "/slow", 20 * MIB, NULL, NULL);
    struct stream *other = ask("PUT", "/sink", 5 * MIB, NULL, NULL);
    while (!other->closed) CHECK(push_out() && pull_in());
    http_server_stats(h.server, &st);
    CHECK(st.bytes_in_total - 5 * MIB <= LIMIT_HTTP2_STREAM_WINDOW_BYTES);
    atomic_store(&h.gate, true);
    CHECK(run() && slow->status == 201 && strncmp(slow->body, "20971520 ", 9) == 0);
    h2_close();
    harness_close(&h);
}

TEST(h2_refusals)
{
    static char long_path[6000], long_value[18000];
    snprintf(long_path, sizeof long_path, "/%05000d", 0);
    snprintf(long_value, sizeof long_value, "%017000d", 0);
    const struct {
        const char *method, *path, *name, *value;
        int status; /* 0: the stream is reset */
    } cases[] = {
        {"BREW", "/call", NULL, NULL, 501},
        {"GET", long_path, NULL, NULL, 414},
        {"GET", "/call", "x", long_value, 431},
        {"GET", "/a b", NULL, NULL, 0},
        {"GET", "/\xc3\xa4", NULL, NULL, 0},
        {"GET", "/a#b", NULL, NULL, 400},
        {"GET", "*", NULL, NULL, 0},
        {"GET", "/call", "host", "other", 400},
        {"GET", "/call", "connection", "close", 0},
        {"GET", "/call", "transfer-encoding", "chunked", 0},
        {"GET", "/call", "te", "gzip", 0},
        {"GET", "/bad", NULL, NULL, 500},
    };
    CHECK(harness_open(&h, &(struct harness_options){.tls = true}));
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        CHECK(h2_open());
        struct stream *st = ask(cases[i].method, cases[i].path, 0, cases[i].name, cases[i].value);
        CHECK(st->id > 0 && run());
        bool reset = st->status == 0 && st->error != NGHTTP2_NO_ERROR;
        bool fine = cases[i].status ? st->status == cases[i].status : reset || st->status == 400;
        if (!fine) test_fail(__FILE__, __LINE__, "case %zu: %d, error %u", i, st->status, st->error);
        h2_close();
    }
    harness_close(&h);
}

TEST(h2_a_refused_client_may_read_the_answer)
{
    CHECK(harness_open(&h, &(struct harness_options){.tls = true}));
    CHECK(h2_open());
    /* Clients forget the answer when the stream is reset behind it: those that stop are not reset, those that do not, later. */
    struct stream *stops = ask("PUT", "/refuse", 3, NULL, NULL);
    CHECK(run() && stops->status == 403 && stops->error == NGHTTP2_NO_ERROR && !stops->was_reset);
    struct stream *goes_on = ask("PUT", "/refuse", 50000000, NULL, NULL);
    CHECK(run() && goes_on->status == 403 && goes_on->error == NGHTTP2_NO_ERROR && goes_on->was_reset);
    CHECK(goes_on->up_left > 40000000);
    /* One whose head was refused already is given no more time. */
    static char long_value[18000];
    snprintf(long_value, sizeof long_value, "%017000d", 0);
    int64_t begin = clock_mono_ms();
    struct stream *head = ask("PUT", "/sink", 50000000, "x", long_value);
    CHECK(run() && head->status == 431 && head->error == NGHTTP2_NO_ERROR && head->was_reset);
    CHECK(head->up_left > 40000000 && clock_mono_ms() - begin < 7000);
    h2_close();
    harness_close(&h);
}

TEST(h2_bodies_refused_or_broken)
{
    CHECK(harness_open(&h, &(struct harness_options){.tls = true}));
    h.stream_max = 100000;
    CHECK(h2_open());
    struct stream *declared = ask("PUT", "/sink", 200000, "content-length", "200000");
    struct stream *counted = ask("PUT", "/sink", 200000, NULL, NULL);
    struct stream *called = ask("POST", "/call", 200000, NULL, NULL);
    struct stream *refused = ask("PUT", "/refuse", 90000, NULL, NULL);
    struct stream *failing = ask("PUT", "/failing", 90000, NULL, NULL);
    struct stream *broken = ask("GET", "/broken/300000", 0, NULL, NULL);
    CHECK(run());
    CHECK(declared->status == 413 && counted->status == 413 && called->status == 413);
    CHECK(refused->status == 403 && failing->status == 507);
    CHECK(broken->status == 200 && broken->error == NGHTTP2_INTERNAL_ERROR && broken->bytes <= 300000);
    CHECK(atomic_load(&h.aborts) == 1 && atomic_load(&h.finishes) == 1);
    /* The connection goes on. */
    struct stream *fine = ask("GET", "/call", 0, NULL, NULL);
    CHECK(run() && fine->status == 200);
    h2_close();
    harness_close(&h);
}

TEST(h2_expect_continue)
{
    CHECK(harness_open(&h, &(struct harness_options){.tls = true}));
    CHECK(h2_open());
    struct stream *st = ask("PUT", "/sink", 5, "expect", "100-continue");
    st->up_hold = true;
    uint64_t held = st->up_left;
    st->up_left = 0;
    while (!st->interim) CHECK(push_out() && pull_in());
    st->up_hold = false;
    st->up_left = held;
    nghttp2_session_resume_data(session, st->id);
    CHECK(run() && st->status == 201);
    h2_close();
    harness_close(&h);
}

TEST(h2_a_reset_upload_is_aborted_once)
{
    CHECK(harness_open(&h, &(struct harness_options){.tls = true}));
    CHECK(h2_open());
    ask("GET", "/call", 0, NULL, NULL);
    CHECK(run()); /* the server's window is known now */
    struct stream *st = ask("PUT", "/sink", 300000, NULL, NULL);
    st->up_hold = true;
    struct http_stats stats = {0};
    while (stats.bytes_in_total < 300000) {
        CHECK(push_out());
        nap_ms(2);
        http_server_stats(h.server, &stats);
    }
    CHECK(harness_wait(&h.live, 1)); /* a busy worker may open the sink late; without one there is nothing to abort */
    nghttp2_submit_rst_stream(session, NGHTTP2_FLAG_NONE, st->id, NGHTTP2_CANCEL);
    CHECK(push_out() && harness_wait(&h.dones, 2));
    CHECK(atomic_load(&h.aborts) == 1 && atomic_load(&h.finishes) == 0);
    CHECK_U64(atomic_load(&h.sink_bytes), 300000);
    h2_close();
    harness_close(&h);
}

TEST(h2_rapid_resets_end_the_connection)
{
    CHECK(harness_open(&h, &(struct harness_options){.tls = true}));
    CHECK(h2_open());
    bool alive = true;
    for (int i = 0; i < 4000 && alive; i++) {
        stream_count = closed_count = 0;
        struct stream *st = ask("GET", "/wait", 0, NULL, NULL);
        alive = push_out() && nghttp2_submit_rst_stream(session, 0, st->id, NGHTTP2_CANCEL) == 0 && push_out();
    }
    while (pull_in()) continue;
    CHECK(goaway_seen && goaway_error != NGHTTP2_NO_ERROR);
    /* Those not begun are never begun: only as many handlers ran as there are workers. */
    atomic_store(&h.gate, true);
    CHECK(harness_wait(&h.dones, atomic_load(&h.plans)) && atomic_load(&h.plans) > 100);
    CHECK(atomic_load(&h.calls) <= 4);
    h2_close();
    harness_close(&h);
}

TEST(h2_graceful_stop_and_idle_timeout)
{
    atomic_store(&leap_ms, 0);
    sys_table()->mono_ms = leaping_clock;
    CHECK(harness_open(&h, &(struct harness_options){.tls = true}));
    CHECK(h2_open());
    struct stream *st = ask("GET", "/call", 0, NULL, NULL);
    CHECK(run() && st->status == 200);
    nap_ms(150);
    atomic_fetch_add(&leap_ms, 60100);
    while (pull_in()) continue;
    CHECK(goaway_seen && goaway_error == NGHTTP2_NO_ERROR);
    h2_close();
    /* A stream without window stalls. */
    CHECK(h2_open());
    nghttp2_settings_entry small = {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, 0};
    nghttp2_submit_settings(session, NGHTTP2_FLAG_NONE, &small, 1);
    st = ask("GET", "/source/1000000", 0, NULL, NULL);
    CHECK(push_out());
    nap_ms(2500);
    atomic_fetch_add(&leap_ms, 30100);
    CHECK(run() && st->error == NGHTTP2_CANCEL && st->bytes == 0);
    h2_close();
    /* And the stop. */
    CHECK(h2_open());
    st = ask("GET", "/wait", 0, NULL, NULL);
    CHECK(push_out());
    nap_ms(100);
    atomic_store(&h.gate, false);
    harness_close(&h); /* opens the gate, stops with a deadline */
    CHECK(run() && st->status == 200 && st->error == NGHTTP2_NO_ERROR);
    /* The answer may be here before the stop has begun. */
    while (pull_in()) continue;
    CHECK(goaway_seen);
    h2_close();
    sys_table()->mono_ms = sys_real()->mono_ms;
}

TEST(h2_allocation_faults)
{
    for (uint64_t n = 0; n < 3000 && !test_failed(); n++) {
        CHECK(harness_open(&h, &(struct harness_options){.tls = true, .cfg = {.io_threads = 1, .workers = 2}}));
        int64_t began = sys_real()->mono_ms();
        test_fail_alloc(n, n % 2);
        bool ok = h2_open();
        if (ok) {
            ask("GET", "/call", 0, NULL, NULL);
            ask("GET", "/source/300000", 0, NULL, NULL);
            ask("POST", "/call", 50000, NULL, NULL);
            ask("PUT", "/sink", 600000, NULL, NULL);
            ok = run();
        }
        bool fired = test_alloc_fired();
        test_fail_alloc(UINT64_MAX, false);
        CHECK(sys_real()->mono_ms() - began < 7000); /* the client was not left waiting */
        if (session) h2_close();
        else probe_close(&cl);
        harness_close(&h);
        if (fired) continue;
        CHECK(ok && n > 20);
        return;
    }
}
