/* Writing an HTTP/1 answer: status line, fields, framing, body. */
#include <stdio.h>
#include <string.h>

#include "base/intmath.h"
#include "net/http1_impl.h"
#include "net/response_impl.h"

#define SMALL_BODY_BYTES (12 * KIB) /* goes into one write, and one TLS record, with its head */
#define FRAME_ROOM 32u              /* of a chunk's line, or the last chunk */

/* Whether the connection can serve another request after this answer. What is left of the body must be known and short. */
static bool may_keep(const struct conn *c, const struct exchange *x)
{
    const struct h1 *h = &c->h1;
    if (!h->keep_alive || x->close_after || c->stopping) return false;
    if (h->requests >= LIMIT_HTTP_REQUESTS_PER_CONNECTION) return false;
    if (h->minor == 0 && !exchange_bodyless(x) && exchange_length(x) == HTTP_LENGTH_UNKNOWN)
        return false;
    if (x->body == BODY_DONE) return true;
    return !h->is_chunked && !x->expect_continue && h->body_left <= LIMIT_HTTP_DRAIN_BYTES;
}

/* Appends to the scratch buffer; the head's limit was chosen so that everything fits or the head is refused. */
struct out {
    char *p;
    size_t len, cap;
    bool full;
};

static void put(struct out *o, struct slice s)
{
    if (s.len > o->cap - o->len) {
        o->full = true;
        return;
    }
    if (s.len) memcpy(o->p + o->len, s.ptr, s.len);
    o->len += s.len;
}

static void put_field(struct out *o, struct slice name, struct slice value)
{
    put(o, name);
    put(o, SLICE(": "));
    put(o, value);
    put(o, SLICE("\r\n"));
}

static void put_u64(struct out *o, uint64_t v)
{
    char digits[20];
    size_t n = sizeof digits;
    do {
        digits[--n] = (char)('0' + v % 10);
        v /= 10;
    } while (v);
    put(o, slice_of(digits + n, sizeof digits - n));
}

static void put_framing(struct conn *c, const struct exchange *x, struct out *o)
{
    struct h1 *h = &c->h1;
    uint64_t length = exchange_length(x);
    h->chunked_out = false;
    if (x->resp.status == 204 || x->resp.status == 304) return;
    if (length != HTTP_LENGTH_UNKNOWN) {
        put(o, SLICE("content-length: "));
        put_u64(o, length);
        put(o, SLICE("\r\n"));
    } else if (h->minor >= 1) {
        put(o, SLICE("transfer-encoding: chunked\r\n"));
        h->chunked_out = !exchange_bodyless(x);
    }
}

static void put_status(struct out *o, int status)
{
    put(o, SLICE("HTTP/1.1 "));
    put_u64(o, (uint64_t)status);
    put(o, SLICE(" "));
    put(o, slice_cstr(response_reason(status)));
    put(o, SLICE("\r\n"));
}

static bool write_head(struct conn *c, struct exchange *x, struct out *o)
{
    struct h1 *h = &c->h1;
    h->keep_alive = may_keep(c, x);
    put_status(o, x->resp.status);
    put_field(o, SLICE("date"), loop_date(c->loop));
    for (size_t i = 0; i < x->resp.header_count; i++)
        put_field(o, x->resp.headers[i].name, x->resp.headers[i].value);
    put_framing(c, x, o);
    if (!h->keep_alive)
        put(o, SLICE("connection: close\r\n"));
    else if (h->minor == 0)
        put(o, SLICE("connection: keep-alive\r\n"));
    put(o, SLICE("\r\n"));
    return !o->full;
}

/* The head, with a small body behind it. False: not now, or never (the connection is dead). */
static bool send_head(struct conn *c, struct exchange *x)
{
    struct out o = {c->loop->scratch, 0, LIMIT_HTTP_RESPONSE_HEAD_BYTES, false};
    struct slice body = {0};
    size_t n = 0;
    if (!conn_has_room(c, LIMIT_HTTP_RESPONSE_HEAD_BYTES + SMALL_BODY_BYTES)) return false;
    if (!write_head(c, x, &o)) {
        conn_kill(c);
        return false;
    }
    bool small = x->resp.body_kind == HTTP_BODY_MEMORY && exchange_next(x, &body) == NEXT_DATA &&
                 body.len <= SMALL_BODY_BYTES;
    if (small) {
        o.cap = LOOP_SCRATCH_BYTES;
        put(&o, body);
    }
    if (!conn_write(c, o.p, o.len, &n)) return false;
    x->answered = true;
    if (small) exchange_sent(x, body.len);
    return true;
}

bool http1_send_interims(struct conn *c)
{
    struct exchange *x = c->h1.x;
    size_t n = 0;
    /* Only while the client takes what it is told: one that does not read before it has sent everything must not be stalled by us. */
    while (x->interims && !x->answered) {
        struct out o = {c->loop->scratch, 0, LIMIT_HTTP_RESPONSE_HEAD_BYTES, false};
        const struct interim *m = x->interims;
        if (!conn_flush(c) || !conn_flushed(c) || !conn_has_room(c, LIMIT_HTTP_RESPONSE_HEAD_BYTES)) return false;
        put_status(&o, m->status);
        for (size_t i = 0; i < m->header_count; i++) put_field(&o, m->headers[i].name, m->headers[i].value);
        put(&o, SLICE("\r\n"));
        if (!o.full && !conn_write(c, o.p, o.len, &n)) return false;
        interim_drop(x);
    }
    return conn_flush(c);
}

/* Framing bytes go in whole or not at all. */
static bool send_frame(struct conn *c, const char *p, size_t len)
{
    size_t n = 0;
    return conn_has_room(c, FRAME_ROOM) && conn_write(c, p, len, &n);
}

/* A run of the body; *ret_n bytes of it went. False: blocked. The line end behind a chunk is written with what follows. */
static bool send_data(struct conn *c, const struct exchange *x, struct slice data, size_t *ret_n)
{
    struct h1 *h = &c->h1;
    if (!h->chunked_out) return conn_write(c, data.ptr, data.len, ret_n) && *ret_n > 0;
    if (h->out_chunk_left == 0) {
        char line[FRAME_ROOM];
        int len = snprintf(line, sizeof line, "%s%zx\r\n", x->out_bytes ? "\r\n" : "", data.len);
        if (!send_frame(c, line, (size_t)len)) return false;
        h->out_chunk_left = data.len;
    }
    if (!conn_has_room(c, FRAME_ROOM)) return false;
    if (!conn_write(c, data.ptr, (size_t)MIN(data.len, h->out_chunk_left), ret_n)) return false;
    h->out_chunk_left -= *ret_n;
    return *ret_n > 0;
}

enum h1_sent http1_send(struct conn *c, size_t *budget)
{
    struct exchange *x = c->h1.x;
    if (!x->answered && !send_head(c, x)) return c->dead ? H1_SENT_BROKEN : H1_SENT_BLOCKED;
    while (!c->h1.out_ended) {
        struct slice data = {0};
        size_t n = 0;
        enum exchange_next next = exchange_next(x, &data);
        if (next == NEXT_BROKEN) {
            conn_kill(c);
            return H1_SENT_BROKEN;
        }
        if (next == NEXT_WAIT || (next == NEXT_DATA && *budget == 0)) {
            if (next == NEXT_DATA) loop_schedule(c->loop, c);
            return conn_flush(c) ? H1_SENT_BLOCKED : H1_SENT_BROKEN;
        }
        if (next == NEXT_END) {
            const char *last = x->out_bytes ? "\r\n0\r\n\r\n" : "0\r\n\r\n";
            c->h1.out_ended = !c->h1.chunked_out || send_frame(c, last, strlen(last));
            break;
        }
        if (!send_data(c, x, data, &n)) break;
        exchange_sent(x, n);
        *budget -= MIN(*budget, n);
    }
    if (!conn_flush(c)) return H1_SENT_BROKEN;
    return c->h1.out_ended && conn_flushed(c) ? H1_SENT_ALL : H1_SENT_BLOCKED;
}
