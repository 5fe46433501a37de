/* The HTTP/2 driver: an nghttp2 session on a connection, its streams and their flow control.
 *
 * Windows open again for a stream when its sink has taken the bytes, for the connection at once: so a stream is bounded by
 * its own window, and slow streams cannot lock out the others. */
#include "net/http2_impl.h"

#include <string.h>

#include "base/intmath.h"
#include "base/mem.h"
#include "net/server_impl.h"

#define RECORD_BYTES 16384u
#define FRAME_HEAD_BYTES 9u
#define SEND_ROOM (2 * RECORD_BYTES)
/* CVE-2023-44487: streams opened and reset at once. So many in a burst, then so many a second. */
#define RESET_BURST 1000
#define RESET_RATE 33
#define EXCHANGES_OVER 4096u /* of a loop, beyond one a connection: requests reset while their handler runs */

static const struct http_config *config(const struct conn *c) { return &c->loop->server->cfg; }

static void timer_update(struct conn *c)
{
    struct h2 *h = c->h2;
    int64_t ms = config(c)->stall_ms;
    if (!h->streams) ms = h->used ? config(c)->idle_ms : config(c)->head_ms;
    c->stall_mark = c->sent_bytes;
    wheel_set(&c->loop->wheel, &c->timer, c->loop->now_ms + ms);
}

/* ---- streams ---- */

static void list_add(struct exchange **list, struct exchange *x)
{
    x->stream_prev = NULL;
    x->stream_next = *list;
    if (x->stream_next) x->stream_next->stream_prev = x;
    *list = x;
}

static void list_remove(struct exchange **list, struct exchange *x)
{
    if (x->stream_prev)
        x->stream_prev->stream_next = x->stream_next;
    else
        *list = x->stream_next;
    if (x->stream_next) x->stream_next->stream_prev = x->stream_prev;
    x->stream_prev = x->stream_next = NULL;
}

static void reset_stream(struct conn *c, int32_t id, uint32_t code)
{
    if (nghttp2_submit_rst_stream(c->h2->session, NGHTTP2_FLAG_NONE, id, code) != 0) conn_kill(c);
}

static int on_begin_headers(nghttp2_session *session, const nghttp2_frame *frame, void *user)
{
    struct conn *c = user;
    int32_t id = frame->hd.stream_id;
    if (frame->hd.type != NGHTTP2_HEADERS || frame->headers.cat != NGHTTP2_HCAT_REQUEST) return 0;
    bool many = c->loop->exchange_count >= c->loop->conn_max + EXCHANGES_OVER;
    struct exchange *x = many ? NULL : exchange_new(c);
    if (!x) {
        reset_stream(c, id, NGHTTP2_REFUSED_STREAM);
        return 0;
    }
    x->stream_id = id;
    if (nghttp2_session_set_stream_user_data(session, id, x) != 0) return NGHTTP2_ERR_CALLBACK_FAILURE;
    list_add(&c->h2->streams, x);
    c->h2->used = true;
    timer_update(c);
    wheel_set(&c->loop->wheel, &x->timer, c->loop->now_ms + config(c)->head_ms);
    return 0;
}

static int on_header(nghttp2_session *session, const nghttp2_frame *frame, const uint8_t *name,
                     size_t name_len, const uint8_t *value, size_t value_len, uint8_t flags, void *user)
{
    struct exchange *x = nghttp2_session_get_stream_user_data(session, frame->hd.stream_id);
    (void)flags;
    (void)user;
    /* Trailers are read and dropped. */
    if (x && x->phase == EXCHANGE_HEAD && !x->h2_submitted)
        http2_take_field(x, slice_of(name, name_len), slice_of(value, value_len));
    return 0;
}

static int on_frame(nghttp2_session *session, const nghttp2_frame *frame, void *user)
{
    struct exchange *x = nghttp2_session_get_stream_user_data(session, frame->hd.stream_id);
    bool end = frame->hd.flags & NGHTTP2_FLAG_END_STREAM;
    (void)user;
    if (!x || (frame->hd.type != NGHTTP2_HEADERS && frame->hd.type != NGHTTP2_DATA)) return 0;
    if (frame->hd.type == NGHTTP2_HEADERS && frame->headers.cat == NGHTTP2_HCAT_REQUEST)
        http2_begin(x, !end);
    else if (end)
        exchange_body_end(x);
    return 0;
}

static int on_data(nghttp2_session *session, uint8_t flags, int32_t id, const uint8_t *data, size_t len,
                   void *user)
{
    struct conn *c = user;
    struct exchange *x = nghttp2_session_get_stream_user_data(session, id);
    size_t kept = 0;
    (void)flags;
    while (x && kept < len) {
        char *to = NULL;
        size_t cap = 0;
        if (!exchange_room(x, &to, &cap)) break;
        size_t n = MIN(cap, len - kept);
        memcpy(to, data + kept, n);
        kept += n;
        exchange_got(x, n);
    }
    /* What a sink gets is counted when the sink has it; the rest is done with. */
    size_t done = x && x->plan.kind == HTTP_PLAN_STREAM ? len - kept : len;
    /* Of a body that nobody wants only so much is let in: see lingering. */
    if (x && x->h2_ended && (x->h2_dropped += len) > LIMIT_HTTP_DRAIN_BYTES) done = 0;
    if (nghttp2_session_consume_connection(session, len) != 0) conn_kill(c);
    if (done && nghttp2_session_consume_stream(session, id, done) != 0) conn_kill(c);
    /* The window covers exactly what there is room for: bytes for which there is none were sent against it. */
    if (x && kept < len && x->body != BODY_DROP && x->body != BODY_DONE)
        reset_stream(c, id, NGHTTP2_FLOW_CONTROL_ERROR);
    return 0;
}

static int on_sent(nghttp2_session *session, const nghttp2_frame *frame, void *user)
{
    struct exchange *x = nghttp2_session_get_stream_user_data(session, frame->hd.stream_id);
    (void)user;
    bool body = frame->hd.type == NGHTTP2_HEADERS || frame->hd.type == NGHTTP2_DATA;
    if (x && frame->hd.type == NGHTTP2_HEADERS && x->h2_interims) {
        x->h2_interims--;
        if (x->interims) exchange_wake(x);
    }
    if (!x || !body || !(frame->hd.flags & NGHTTP2_FLAG_END_STREAM)) return 0;
    x->h2_ended = true;
    x->sent_mark = UINT64_MAX;
    return 0;
}

static int on_close(nghttp2_session *session, int32_t id, uint32_t code, void *user)
{
    struct conn *c = user;
    struct exchange *x = nghttp2_session_get_stream_user_data(session, id);
    (void)code;
    if (!x) return 0;
    list_remove(&c->h2->streams, x);
    if (x->h2_ended)
        list_add(&c->h2->ending, x);
    else
        exchange_release(x, false);
    if (!c->h2->streams) timer_update(c);
    return 0;
}

/* ---- sending ---- */

static ssize_t read_body(nghttp2_session *session, int32_t id, uint8_t *to, size_t cap, uint32_t *flags,
                         nghttp2_data_source *source, void *user)
{
    struct exchange *x = source->ptr;
    size_t n = 0;
    (void)session;
    (void)id;
    (void)user;
    for (;;) {
        struct slice data = {0};
        switch (exchange_next(x, &data)) {
        case NEXT_DATA:
            if (n == cap) return (ssize_t)n;
            data.len = MIN(data.len, cap - n);
            memcpy(to + n, data.ptr, data.len);
            n += data.len;
            exchange_sent(x, data.len);
            continue;
        case NEXT_END: *flags |= NGHTTP2_DATA_FLAG_EOF; return (ssize_t)n;
        case NEXT_WAIT:
            if (n) return (ssize_t)n;
            x->h2_deferred = true;
            return NGHTTP2_ERR_DEFERRED;
        case NEXT_BROKEN: return n ? (ssize_t)n : NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
        }
    }
}

/* One DATA frame, with its head, fills one TLS record. */
static ssize_t frame_length(nghttp2_session *session, uint8_t type, int32_t id, int32_t session_window,
                            int32_t stream_window, uint32_t max_frame, void *user)
{
    (void)session;
    (void)type;
    (void)id;
    (void)session_window;
    (void)stream_window;
    (void)user;
    return (ssize_t)MIN(max_frame, RECORD_BYTES - FRAME_HEAD_BYTES);
}

static void send_continue(struct conn *c, struct exchange *x)
{
    static uint8_t name[] = ":status", value[] = "100";
    const nghttp2_nv nv = {name, value, sizeof name - 1, sizeof value - 1, 0};
    x->expect_continue = false;
    if (nghttp2_submit_headers(c->h2->session, NGHTTP2_FLAG_NONE, x->stream_id, NULL, &nv, 1, NULL) < 0)
        conn_kill(c);
}

/* Something about an exchange has changed: a worker is through with it, or its time is up. */
static void serve(struct conn *c, struct exchange *x)
{
    nghttp2_session *session = c->h2->session;
    const nghttp2_data_provider body = {{.ptr = x}, read_body};
    if (x->h2_ended) {
        if (exchange_lingered(x)) reset_stream(c, x->stream_id, NGHTTP2_NO_ERROR);
        return;
    }
    if (x->timed_out) {
        reset_stream(c, x->stream_id, NGHTTP2_CANCEL);
        return;
    }
    if (x->taken_bytes) {
        /* Fails only for a stream that is gone, or without memory. */
        if (nghttp2_session_consume_stream(session, x->stream_id, (size_t)x->taken_bytes) != 0) conn_kill(c);
        x->taken_bytes = 0;
    }
    /* All of them before the answer; before that only as many as the client reads. */
    while (x->interims && !x->h2_submitted && !c->dead) {
        if (x->phase != EXCHANGE_ANSWER && x->h2_interims >= LIMIT_HTTP_INTERIMS) break;
        if (!http2_interim(x)) conn_kill(c);
    }
    if (x->body == BODY_OPEN && x->expect_continue && x->in_bytes == 0) send_continue(c, x);
    if (x->phase == EXCHANGE_ANSWER && !x->h2_submitted) {
        if (!http2_respond(x, &body)) conn_kill(c);
    } else if (x->h2_deferred) {
        x->h2_deferred = false;
        if (nghttp2_session_resume_data(session, x->stream_id) != 0) conn_kill(c);
    }
}

static void serve_woken(struct conn *c)
{
    while (c->woken && !c->dead) {
        struct exchange *x = c->woken;
        c->woken = x->woken_next;
        x->woken = false;
        serve(c, x);
    }
}

static bool gather_out(struct conn *c)
{
    struct h2 *h = c->h2;
    size_t n = 0;
    /* SEND_ROOM was there before anything was gathered. */
    bool ok = h->gathered == 0 || (conn_write(c, h->gather, h->gathered, &n) && n == h->gathered);
    h->gathered = 0;
    if (!ok) conn_kill(c);
    return ok;
}

/* Frames until there are none, or no room, or the turn is over. False: the connection is dead. */
static bool send_frames(struct conn *c)
{
    struct h2 *h = c->h2;
    size_t budget = LOOP_TURN_BYTES;
    h->gather = c->loop->scratch;
    while (conn_has_room(c, SEND_ROOM)) {
        const uint8_t *p = NULL;
        ssize_t n = nghttp2_session_mem_send(h->session, &p);
        if (n < 0) conn_kill(c);
        if (n <= 0) break;
        if (h->gathered + (size_t)n > RECORD_BYTES && !gather_out(c)) return false;
        memcpy(h->gather + h->gathered, p, (size_t)n);
        h->gathered += (size_t)n;
        budget -= MIN(budget, (size_t)n);
        if (budget == 0) {
            loop_schedule(c->loop, c);
            break;
        }
    }
    return !c->dead && gather_out(c) && conn_flush(c);
}

/* What the kernel has taken in full is complete. */
static void end_streams(struct conn *c)
{
    struct exchange *x = c->h2->ending;
    while (x) {
        struct exchange *next = x->stream_next;
        if (x->sent_mark == UINT64_MAX) x->sent_mark = c->queued_bytes;
        if (x->sent_mark <= c->sent_bytes) {
            list_remove(&c->h2->ending, x);
            exchange_release(x, true);
        }
        x = next;
    }
}

/* ---- the connection ---- */

static void receive(struct conn *c)
{
    size_t budget = LOOP_TURN_BYTES;
    while (!c->dead && nghttp2_session_want_read(c->h2->session)) {
        size_t n = 0;
        if (budget == 0) {
            loop_schedule(c->loop, c);
            return;
        }
        enum io io = conn_read(c, c->loop->scratch, LOOP_SCRATCH_BYTES, &n);
        if (io == IO_AGAIN) return;
        if (io != IO_OK) {
            conn_kill(c);
            return;
        }
        budget -= MIN(budget, n);
        if (nghttp2_session_mem_recv(c->h2->session, (const uint8_t *)c->loop->scratch, n) < 0) conn_kill(c);
    }
}

static void http2_turn(struct conn *c)
{
    struct h2 *h = c->h2;
    if (!conn_flush(c)) return;
    receive(c);
    serve_woken(c);
    if (c->dead || !send_frames(c)) return;
    end_streams(c);
    if (nghttp2_session_want_read(h->session) || nghttp2_session_want_write(h->session)) return;
    if (!conn_flushed(c) || h->ending) return;
    conn_shutdown(c);
    conn_kill(c);
}

static void http2_timeout(struct conn *c)
{
    bool stalled = !conn_flushed(c) && c->sent_bytes == c->stall_mark;
    if (!c->h2->streams || stalled) {
        nghttp2_session_terminate_session(c->h2->session, NGHTTP2_NO_ERROR);
        if (!stalled) send_frames(c);
        conn_kill(c);
        return;
    }
    timer_update(c);
}

static void http2_stop(struct conn *c)
{
    nghttp2_session *s = c->h2->session;
    int32_t last = nghttp2_session_get_last_proc_stream_id(s);
    if (nghttp2_submit_goaway(s, NGHTTP2_FLAG_NONE, last, NGHTTP2_NO_ERROR, NULL, 0) != 0) conn_kill(c);
    loop_schedule(c->loop, c);
}

static void http2_close(struct conn *c)
{
    struct h2 *h = TAKE(c->h2);
    struct exchange **lists[] = {&h->streams, &h->ending};
    for (size_t i = 0; i < ARRAY_LEN(lists); i++) {
        while (*lists[i]) {
            struct exchange *x = *lists[i];
            list_remove(lists[i], x);
            exchange_release(x, false);
        }
    }
    nghttp2_session_del(h->session);
    mem_free(h);
}

const struct driver http2_driver = {http2_turn, http2_timeout, http2_stop, http2_close};

/* ---- birth ---- */

static void *h2_malloc(size_t n, void *user)
{
    (void)user;
    return mem_alloc(1, n);
}
static void h2_free(void *p, void *user)
{
    (void)user;
    mem_free(p);
}
static void *h2_calloc(size_t count, size_t n, void *user)
{
    (void)user;
    return mem_alloc(count, n);
}
static void *h2_realloc(void *p, size_t n, void *user)
{
    (void)user;
    return mem_realloc(p, n);
}

static void set_callbacks(nghttp2_session_callbacks *cb)
{
    nghttp2_session_callbacks_set_on_begin_headers_callback(cb, on_begin_headers);
    nghttp2_session_callbacks_set_on_header_callback(cb, on_header);
    nghttp2_session_callbacks_set_on_frame_recv_callback(cb, on_frame);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(cb, on_data);
    nghttp2_session_callbacks_set_on_frame_send_callback(cb, on_sent);
    nghttp2_session_callbacks_set_on_stream_close_callback(cb, on_close);
    nghttp2_session_callbacks_set_data_source_read_length_callback(cb, frame_length);
}

static void callbacks_cleanup(nghttp2_session_callbacks **cb) { nghttp2_session_callbacks_del(*cb); }
static void option_cleanup(nghttp2_option **opt) { nghttp2_option_del(*opt); }

static enum err session_new(struct conn *c, nghttp2_session **ret)
{
    CLEANUP(callbacks_cleanup) nghttp2_session_callbacks *cb = NULL;
    CLEANUP(option_cleanup) nghttp2_option *opt = NULL;
    nghttp2_mem mem = {NULL, h2_malloc, h2_free, h2_calloc, h2_realloc};
    if (nghttp2_session_callbacks_new(&cb) != 0 || nghttp2_option_new(&opt) != 0) return ERR_NOMEM;
    set_callbacks(cb);
    nghttp2_option_set_no_auto_window_update(opt, 1);
    nghttp2_option_set_no_closed_streams(opt, 1);
    nghttp2_option_set_stream_reset_rate_limit(opt, RESET_BURST, RESET_RATE);
    nghttp2_option_set_max_deflate_dynamic_table_size(opt, 4096);
    return nghttp2_session_server_new3(ret, cb, c, opt, &mem) == 0 ? ERR_OK : ERR_NOMEM;
}

static enum err greet(nghttp2_session *session)
{
    const nghttp2_settings_entry settings[] = {
        {NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, LIMIT_HTTP2_STREAMS},
        {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, LIMIT_HTTP2_STREAM_WINDOW_BYTES},
        {NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, LIMIT_HTTP_HEAD_BYTES},
        {NGHTTP2_SETTINGS_ENABLE_CONNECT_PROTOCOL, 0},
    };
    if (nghttp2_submit_settings(session, NGHTTP2_FLAG_NONE, settings, ARRAY_LEN(settings)) != 0)
        return ERR_NOMEM;
    return nghttp2_session_set_local_window_size(session, NGHTTP2_FLAG_NONE, 0,
                                                 LIMIT_HTTP2_CONNECTION_WINDOW_BYTES) == 0
               ? ERR_OK
               : ERR_NOMEM;
}

enum err http2_start(struct conn *c)
{
    CLEANUP(mem_cleanup) struct h2 *h = MEM_NEW(struct h2);
    if (!h) return ERR_NOMEM;
    TRY(session_new(c, &h->session));
    if (greet(h->session) != ERR_OK) {
        nghttp2_session_del(h->session);
        return ERR_NOMEM;
    }
    c->h2 = TAKE(h);
    c->driver = &http2_driver;
    timer_update(c);
    return ERR_OK;
}
