/* The HTTP/1 driver: one request after the other on a connection. Heads, bodies, keep-alive, early answers. */
#include "net/http1_impl.h"

#include <string.h>

#include "base/intmath.h"
#include "net/response_impl.h"
#include "net/server_impl.h"

/* For a client to notice an early answer, or to send the rest of a body nobody wants. */
#define LINGER_MS 5000

static const struct http_config *config(const struct conn *c) { return &c->loop->server->cfg; }

static void timer_in(struct conn *c, int64_t ms)
{
    wheel_set(&c->loop->wheel, &c->timer, c->loop->now_ms + ms);
}

static void next_head(struct conn *c)
{
    struct h1 *h = &c->h1;
    h->state = H1_HEAD;
    h->scan = (struct http1_scan){0};
    timer_in(c, h->requests ? config(c)->idle_ms : config(c)->head_ms);
    if (h->requests && c->in_off < c->in_len) timer_in(c, config(c)->head_ms);
}

void http1_start(struct conn *c)
{
    c->driver = &http1_driver;
    c->h1 = (struct h1){0};
    next_head(c);
}

/* ---- the head ---- */

static void begin_exchange(struct conn *c, struct exchange *x)
{
    c->h1.x = x;
    c->h1.state = H1_EXCHANGE;
    c->h1.out_ended = false;
    c->h1.out_chunk_left = 0;
    c->h1.dropped_bytes = 0;
    c->stall_mark = c->sent_bytes;
    timer_in(c, config(c)->stall_ms);
}

/* An answer to something that is not a request; the connection ends with it. */
static void refuse_head(struct conn *c, int status, const char *detail)
{
    struct exchange *x = exchange_new(c);
    if (!x) {
        conn_kill(c);
        return;
    }
    c->h1.keep_alive = false;
    c->h1.is_chunked = false;
    c->h1.minor = 1;
    begin_exchange(c, x);
    x->close_after = true;
    exchange_problem(x, status, detail);
}

/* The head is copied into the request's arena, so that the buffer can go on with the body. */
static enum err fill_request(struct exchange *x, const char *p, size_t n, struct http1_head *head,
                             struct http_refusal *why)
{
    struct http_request *req = &x->req;
    char *own = arena_alloc(&x->ctx.arena, n, 1);
    if (!own) return ERR_NOMEM;
    memcpy(own, p, n);
    if (!http1_parse_head(own, n, head, why)) return ERR_INVALID;
    req->method = head->method;
    req->version = 1;
    req->path = head->path;
    req->query = head->query;
    req->authority = head->authority;
    req->has_body = head->chunked || head->content_length > 0;
    req->has_length = !head->chunked;
    req->content_length = head->content_length;
    return request_set_headers(req, head->headers, head->header_count);
}

static void begin_request(struct conn *c, const char *p, size_t n)
{
    struct h1 *h = &c->h1;
    struct http1_head head;
    struct http_refusal why = {0};
    struct exchange *x = exchange_new(c);
    if (!x) {
        conn_kill(c);
        return;
    }
    h->requests++;
    begin_exchange(c, x);
    enum err e = fill_request(x, p, n, &head, &why);
    if (e != ERR_OK) {
        h->keep_alive = h->is_chunked = false;
        h->minor = 1;
        x->close_after = true;
        if (e == ERR_INVALID)
            exchange_problem(x, why.status, why.detail);
        else
            exchange_problem(x, 503, "The server is out of memory. Try again in a moment.");
        return;
    }
    h->minor = head.minor;
    if (h->minor == 0) x->req.interim = NULL;
    h->keep_alive = head.keep_alive;
    h->is_chunked = head.chunked;
    h->chunked = (struct http1_chunked){0};
    h->body_left = head.content_length;
    x->expect_continue = head.expect_continue && x->req.has_body;
    exchange_start(x);
}

/* More bytes into the head buffer. False: none now, or the connection is dead. */
static bool fill_buffer(struct conn *c)
{
    size_t n = 0;
    if (!c->in) c->in = loop_head_take(c->loop);
    if (!c->in) {
        conn_kill(c);
        return false;
    }
    if (c->in_off == c->in_len) c->in_off = c->in_len = 0;
    enum io io = conn_read(c, c->in + c->in_len, LIMIT_HTTP_HEAD_BYTES - c->in_len, &n);
    c->in_len += n;
    if (io == IO_EOF || io == IO_ERROR) conn_kill(c);
    return io == IO_OK;
}

static bool turn_head(struct conn *c)
{
    struct h1 *h = &c->h1;
    size_t end = 0;
    if (c->in_off) {
        memmove(c->in, c->in + c->in_off, c->in_len - c->in_off);
        c->in_len -= c->in_off;
        c->in_off = 0;
    }
    enum http1_found found = http1_scan_head(&h->scan, c->in ? c->in : "", c->in_len, &end);
    if (found == HTTP1_HEAD) {
        c->in_off = end;
        begin_request(c, c->in + h->scan.skipped, end - h->scan.skipped);
        return true;
    }
    if (found == HTTP1_BAD) {
        refuse_head(c, 400, "A line of the head does not end in CRLF.");
        return true;
    }
    if (c->in_len == LIMIT_HTTP_HEAD_BYTES) {
        bool target = !memchr(c->in, '\n', c->in_len);
        refuse_head(c, target ? 414 : 431,
                    target ? "The request target is too long." : "The header is too large.");
        return true;
    }
    bool first = c->in_len == 0;
    if (c->stopping && first) {
        conn_kill(c);
        return false;
    }
    if (!fill_buffer(c)) return false;
    /* The whole head has to come in time, not each byte of it. */
    if (first && h->requests) timer_in(c, config(c)->head_ms);
    return true;
}

/* ---- the body ---- */

/* What has come with the head first. */
static size_t from_buffer(struct conn *c, char *p, size_t cap)
{
    size_t n = MIN(cap, c->in_len - c->in_off);
    memcpy(p, c->in + c->in_off, n);
    c->in_off += n;
    return n;
}

/* Reads up to cap body bytes of a body with a Content-Length. */
static enum io read_plain(struct conn *c, char *p, size_t cap, size_t *ret_n)
{
    struct h1 *h = &c->h1;
    enum io io = IO_OK;
    cap = (size_t)MIN(cap, h->body_left);
    if (c->in_off < c->in_len)
        *ret_n = from_buffer(c, p, cap);
    else
        io = conn_read(c, p, cap, ret_n);
    h->body_left -= *ret_n;
    return io;
}

/* The same of a chunked body: framing goes through the head buffer, long data straight to its place. */
static enum io read_chunked(struct conn *c, char *p, size_t cap, size_t *ret_n, bool *ret_bad)
{
    struct h1 *h = &c->h1;
    for (;;) {
        if (c->in_off < c->in_len) {
            struct slice data = {0};
            size_t used = 0, have = MIN(cap, c->in_len - c->in_off);
            *ret_bad = http1_chunked_feed(&h->chunked, c->in + c->in_off, have, &used, &data) != ERR_OK;
            if (*ret_bad) return IO_OK;
            if (data.len) memcpy(p, data.ptr, data.len);
            c->in_off += used;
            *ret_n = data.len;
            if (data.len || http1_chunked_ended(&h->chunked)) return IO_OK;
        } else if (http1_chunked_in_data(&h->chunked)) {
            enum io io = conn_read(c, p, (size_t)MIN(cap, h->chunked.left), ret_n);
            if (io == IO_OK) http1_chunked_took(&h->chunked, *ret_n);
            return io;
        } else if (!fill_buffer(c)) {
            return c->dead ? IO_ERROR : IO_AGAIN;
        }
    }
}

static bool body_complete(const struct h1 *h)
{
    return h->is_chunked ? http1_chunked_ended(&h->chunked) : h->body_left == 0;
}

static void send_continue(struct conn *c, struct exchange *x)
{
    static const char line[] = "HTTP/1.1 100 Continue\r\n\r\n";
    size_t n = 0;
    /* A client that sends already does not wait. */
    if (c->in_off == c->in_len) {
        if (!conn_has_room(c, sizeof line) || !conn_write(c, line, sizeof line - 1, &n)) return;
        if (!conn_flush(c)) return;
    }
    x->expect_continue = false;
}

/* Body bytes to the exchange. False: nothing more for now. */
static bool turn_body(struct conn *c, size_t *budget)
{
    struct h1 *h = &c->h1;
    struct exchange *x = h->x;
    char *p = NULL;
    size_t cap = 0, n = 0;
    bool bad = false;
    if (*budget == 0) {
        loop_schedule(c->loop, c);
        return false;
    }
    if (x->expect_continue) send_continue(c, x);
    if (c->dead || !exchange_room(x, &p, &cap)) return false;
    enum io io = h->is_chunked ? read_chunked(c, p, cap, &n, &bad) : read_plain(c, p, cap, &n);
    if (io == IO_AGAIN) return false;
    if (io != IO_OK) {
        conn_kill(c);
        return false;
    }
    if (bad) {
        x->close_after = true;
        exchange_problem(x, 400, "The body is not in the chunked coding.");
        return false;
    }
    *budget -= MIN(*budget, n);
    if (n) exchange_got(x, n);
    if (x->body == BODY_OPEN && body_complete(h)) exchange_body_end(x);
    return x->body == BODY_OPEN;
}

/* ---- after the answer ---- */

static void exchange_over(struct conn *c)
{
    struct h1 *h = &c->h1;
    bool rest = h->x->body != BODY_DONE;
    exchange_release(TAKE(h->x), true);
    if (h->keep_alive && !c->stopping) {
        if (!rest) {
            next_head(c);
            return;
        }
        h->state = H1_DRAIN;
        timer_in(c, LINGER_MS);
        return;
    }
    if (!rest && c->in_off == c->in_len) {
        conn_shutdown(c);
        conn_kill(c);
        return;
    }
    /* Closing with bytes unread would reset the connection, and the client might never see the answer. */
    h->state = H1_LINGER;
    timer_in(c, LINGER_MS);
    conn_shutdown(c);
}

static bool turn_exchange(struct conn *c, size_t *budget)
{
    struct h1 *h = &c->h1;
    c->woken = NULL; /* there is but one */
    h->x->woken = false;
    bool told = http1_send_interims(c);
    while (h->x->body == BODY_OPEN && turn_body(c, budget)) continue;
    if (c->dead || !told || h->x->phase != EXCHANGE_ANSWER) return false;
    switch (http1_send(c, budget)) {
    case H1_SENT_ALL: exchange_over(c); return !c->dead;
    case H1_SENT_BLOCKED:
    case H1_SENT_BROKEN: break;
    }
    return false;
}

/* Reads and drops. False: nothing there now. */
static bool drop_some(struct conn *c, size_t max, size_t *budget)
{
    size_t n = 0;
    if (c->in_off < c->in_len) {
        n = MIN(max, c->in_len - c->in_off);
        c->in_off += n;
    } else {
        enum io io = conn_read(c, c->loop->scratch, MIN(max, (size_t)LOOP_SCRATCH_BYTES), &n);
        if (io == IO_EOF || io == IO_ERROR) conn_kill(c);
        if (io != IO_OK) return false;
    }
    c->h1.dropped_bytes += n;
    *budget -= MIN(*budget, n);
    if (c->h1.state == H1_DRAIN) c->h1.body_left -= n;
    return true;
}

static bool turn_drain(struct conn *c, size_t *budget)
{
    struct h1 *h = &c->h1;
    while (h->body_left)
        if (!drop_some(c, (size_t)h->body_left, budget)) return false;
    next_head(c);
    return true;
}

static bool turn_linger(struct conn *c, size_t *budget)
{
    while (c->h1.dropped_bytes < LIMIT_HTTP_DRAIN_BYTES)
        if (!drop_some(c, LIMIT_HTTP_DRAIN_BYTES, budget)) return false;
    conn_kill(c);
    return false;
}

static void http1_turn(struct conn *c)
{
    size_t budget = LOOP_TURN_BYTES;
    unsigned requests = c->h1.requests + 64;
    bool more = conn_flush(c);
    while (more && !c->dead) {
        switch (c->h1.state) {
        case H1_HEAD: more = turn_head(c); break;
        case H1_EXCHANGE: more = turn_exchange(c, &budget); break;
        case H1_DRAIN: more = turn_drain(c, &budget); break;
        case H1_LINGER: more = turn_linger(c, &budget); break;
        }
        /* Many small pipelined requests are a turn's work, too. */
        if (more && c->h1.requests >= requests) {
            loop_schedule(c->loop, c);
            break;
        }
    }
    if (c->in && c->in_off == c->in_len) conn_in_release(c);
}

static void http1_timeout(struct conn *c)
{
    switch (c->h1.state) {
    case H1_HEAD:
        if (c->in_len > c->in_off)
            refuse_head(c, 408, "The request came too slowly.");
        else
            conn_kill(c);
        return;
    case H1_EXCHANGE:
        /* A client may send all it has before it reads: what waits for it then are interim answers, and those do not count. */
        if (c->h1.x->phase != EXCHANGE_ANSWER) {
            c->stall_mark = UINT64_MAX;
            timer_in(c, config(c)->stall_ms);
            return;
        }
        if (!conn_flushed(c) && c->sent_bytes == c->stall_mark) {
            conn_kill(c);
            return;
        }
        c->stall_mark = c->sent_bytes;
        timer_in(c, config(c)->stall_ms);
        return;
    case H1_DRAIN:
    case H1_LINGER: conn_kill(c); return;
    }
}

static void http1_stop(struct conn *c)
{
    if (c->h1.state == H1_HEAD && c->in_len == c->in_off) conn_kill(c);
}

static void http1_close(struct conn *c)
{
    if (c->h1.x) exchange_release(TAKE(c->h1.x), false);
}

const struct driver http1_driver = {http1_turn, http1_timeout, http1_stop, http1_close};
