/* One request and its answer: what happens when. Runs on the I/O thread; exchange_job.c is the part on workers. */
#include <string.h>

#include "base/assert.h"
#include "base/intmath.h"
#include "base/mem.h"
#include "net/server_impl.h"
#include "os/clock.h"

#define SPARE_MAX 64u
#define SPARE_ARENA_BYTES (64 * KIB)
#define CALL_ARENA_BYTES (32 * KIB) /* bodies up to this live in the arena */
#define CALL_STEP_BYTES (16 * KIB)
#define RATE_WINDOW_MS 30000
/* Read at once on the I/O thread: what fits the second-level cache beside the records made of it. */
#define READ_NOW_BYTES (64u * 1024)
#define LINGER_MS 2000
#define READ_AHEAD 2u /* pieces a read job fills while as many are being sent */

static struct http_server *server_of(const struct exchange *x) { return x->loop->server; }

struct exchange *exchange_new(struct conn *c)
{
    struct loop *l = c->loop;
    struct exchange *x = l->exchanges;
    if (x) {
        l->exchanges = x->next;
        l->exchange_spare--;
        struct arena kept = x->ctx.arena;
        *x = (struct exchange){0};
        x->ctx.arena = kept;
    } else {
        x = MEM_NEW(struct exchange);
        if (!x) return NULL;
        ctx_init(&x->ctx, LIMIT_REQUEST_ARENA_BYTES);
    }
    l->exchange_count++;
    x->loop = l;
    x->conn = c;
    x->started_ms = l->now_ms;
    x->timer.fire = exchange_timer;
    x->req.ctx = &x->ctx;
    x->req.interim = interim_post;
    x->req.secure = c->ssl != NULL;
    memcpy(x->req.peer, c->peer, sizeof x->req.peer);
    return x;
}

static void recycle(struct exchange *x)
{
    struct loop *l = x->loop;
    l->exchange_count--;
    wheel_drop(&x->timer);
    buf_done(&x->call_buf);
    pieces_give(&server_of(x)->pieces, &x->in_queue);
    pieces_give(&server_of(x)->pieces, &x->job_pieces);
    pieces_give(&server_of(x)->pieces, &x->out);
    piece_give(&server_of(x)->pieces, x->fill);
    while (x->interims) interim_drop(x);
    if (l->exchange_spare == SPARE_MAX) {
        ctx_done(&x->ctx);
        mem_free(x);
        return;
    }
    if (x->ctx.arena.used_bytes > SPARE_ARENA_BYTES)
        arena_done(&x->ctx.arena);
    else
        arena_reset(&x->ctx.arena);
    x->next = l->exchanges;
    l->exchanges = x;
    l->exchange_spare++;
}

void exchange_wake(struct exchange *x)
{
    if (!x->conn || x->woken) return;
    x->woken = true;
    x->woken_next = x->conn->woken;
    x->conn->woken = x;
    loop_schedule(x->loop, x->conn);
}

/* resp is filled: over to the driver. */
static void answer(struct exchange *x)
{
    if (x->resp.body_kind == HTTP_BODY_SOURCE) x->source = x->resp.source;
    if (x->resp.status < 200 || x->resp.status > 599) {
        x->resp = (struct http_response){0};
        exchange_problem(x, 500, "The server made no valid answer.");
        return;
    }
    if (x->resp.close) x->close_after = true;
    if (x->body != BODY_DONE) x->body = BODY_DROP;
    piece_give(&server_of(x)->pieces, TAKE(x->fill));
    pieces_give(&server_of(x)->pieces, &x->in_queue);
    x->phase = EXCHANGE_ANSWER;
    exchange_advance(x);
    exchange_wake(x);
}

static void answer_problem(struct exchange *x)
{
    const struct http_app *app = &server_of(x)->app;
    const struct http_request *req = x->phase == EXCHANGE_HEAD ? NULL : &x->req;
    int status = x->problem_status;
    x->resp = (struct http_response){0};
    if (app->problem) app->problem(app->arg, &x->ctx, req, status, x->problem_detail, &x->resp);
    /* Without memory for more, or by a careless application: at least the status. */
    if (x->resp.status < 400 || x->resp.status > 599 || x->resp.body_kind == HTTP_BODY_SOURCE)
        x->resp = (struct http_response){.status = status};
    answer(x);
}

void exchange_problem(struct exchange *x, int status, const char *detail)
{
    if (x->phase == EXCHANGE_ANSWER) return;
    x->problem_status = status;
    x->problem_detail = detail;
    if (x->body != BODY_DONE) x->body = BODY_DROP;
    if (!x->busy) exchange_advance(x);
}

static void begin_call(struct exchange *x)
{
    if (workers_waiting(server_of(x)->workers) >= JOBS_WAITING_MAX) {
        exchange_problem(x, 503, "The server is busy. Try again in a moment.");
        return;
    }
    x->phase = EXCHANGE_WORK;
    exchange_submit(x, x->plan.kind == HTTP_PLAN_STREAM ? X_JOB_OPEN : X_JOB_CALL);
}

/* Room for a call's body: claimed lengths are believed only as far as the plan allows. */
static bool gather_begin(struct exchange *x)
{
    x->phase = EXCHANGE_GATHER;
    x->body = BODY_OPEN;
    if (x->req.has_length && x->req.content_length <= CALL_ARENA_BYTES) {
        x->call_body = arena_alloc(&x->ctx.arena, (size_t)x->req.content_length + 1, 1);
        return x->call_body != NULL;
    }
    uint64_t max = MIN(x->plan.body_bytes_max, UINT32_MAX);
    buf_init(&x->call_buf, (size_t)max + CALL_STEP_BYTES);
    x->call_buf.sensitive = true;
    size_t first = x->req.has_length ? (size_t)x->req.content_length : CALL_STEP_BYTES;
    return buf_reserve(&x->call_buf, first) == ERR_OK;
}

void exchange_watch(struct exchange *x)
{
    x->ticked_ms = x->loop->now_ms;
    wheel_set(&x->loop->wheel, &x->timer, x->loop->now_ms + MIN(1000, server_of(x)->cfg.stall_ms / 4 + 1));
}

void exchange_start(struct exchange *x)
{
    struct http_server *s = server_of(x);
    const struct http_app *app = &s->app;
    address_behind(http_request_header(&x->req, "x-forwarded-for"), s->cfg.proxies, s->cfg.proxy_count, x->req.peer);
    x->planned = true;
    x->phase = EXCHANGE_GATHER;
    x->body = x->req.has_body ? BODY_WAIT : BODY_DONE;
    atomic_fetch_add_explicit(&s->requests_total, 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&s->streams_now, 1, memory_order_relaxed);
    exchange_watch(x);
    app->plan(app->arg, &x->req, &x->plan);
    if (x->req.has_body && x->req.has_length &&
        x->req.content_length > x->plan.body_bytes_max) {
        exchange_problem(x, 413, "The body is larger than allowed here.");
    } else if (x->plan.kind == HTTP_PLAN_INLINE) {
        app->call(app->arg, &x->req, &x->resp);
        answer(x);
    } else if (x->plan.kind == HTTP_PLAN_STREAM || !x->req.has_body) {
        begin_call(x);
    } else if (gather_begin(x)) {
        exchange_wake(x);
    } else {
        exchange_problem(x, 503, "The server is out of memory. Try again in a moment.");
    }
}

static unsigned pieces_in(const struct exchange *x)
{
    return x->in_queue.count + x->job_piece_count + (x->fill ? 1 : 0);
}

static bool room_possible(const struct exchange *x)
{
    if (x->body != BODY_OPEN && x->body != BODY_WAIT) return false;
    if (x->plan.kind != HTTP_PLAN_STREAM) return x->body == BODY_OPEN;
    return x->fill || pieces_in(x) < LIMIT_HTTP_STREAM_PIECES;
}

bool exchange_room(struct exchange *x, char **ret, size_t *ret_cap)
{
    if (!room_possible(x)) return false;
    if (x->plan.kind == HTTP_PLAN_STREAM) {
        if (!x->fill) x->fill = piece_take(&server_of(x)->pieces);
        if (!x->fill) {
            exchange_problem(x, 503, "The server is out of memory. Try again in a moment.");
            return false;
        }
        *ret = x->fill->data + x->fill->len;
        *ret_cap = sizeof x->fill->data - x->fill->len;
    } else if (x->call_body) {
        *ret = x->call_body + x->in_bytes;
        *ret_cap = (size_t)(x->req.content_length - x->in_bytes);
    } else {
        if (x->call_buf.cap == x->call_buf.len &&
            buf_reserve(&x->call_buf, CALL_STEP_BYTES) != ERR_OK) {
            exchange_problem(x, 503, "The server is out of memory. Try again in a moment.");
            return false;
        }
        *ret = x->call_buf.ptr + x->call_buf.len;
        *ret_cap = x->call_buf.cap - x->call_buf.len;
    }
    return *ret_cap > 0;
}

void exchange_got(struct exchange *x, size_t n)
{
    x->in_bytes += n;
    atomic_fetch_add_explicit(&server_of(x)->bytes_in_total, n, memory_order_relaxed);
    if (x->in_bytes > x->plan.body_bytes_max) {
        exchange_problem(x, 413, "The body is larger than allowed here.");
        return;
    }
    if (x->plan.kind != HTTP_PLAN_STREAM) {
        if (!x->call_body) x->call_buf.len += n;
        return;
    }
    x->fill->len += n;
    if (x->fill->len < sizeof x->fill->data) return;
    pieces_push(&x->in_queue, TAKE(x->fill));
    if (!x->busy) exchange_advance(x);
}

static void queue_rest(struct exchange *x)
{
    if (x->fill && x->fill->len) pieces_push(&x->in_queue, TAKE(x->fill));
}

void exchange_body_end(struct exchange *x)
{
    if (x->body != BODY_OPEN && x->body != BODY_WAIT) {
        x->body = BODY_DONE;
        return;
    }
    x->body = BODY_DONE;
    queue_rest(x);
    if (x->call_body) x->req.body = slice_of(x->call_body, (size_t)x->in_bytes);
    else if (x->call_buf.len) x->req.body = buf_view(&x->call_buf);
    if (!x->busy) exchange_advance(x);
}

/* Hands what is queued to the sink; with the last of it, the end. */
static void feed_sink(struct exchange *x)
{
    if (!x->in_queue.count && x->body != BODY_DONE) return;
    pieces_append(&x->job_pieces, &x->in_queue);
    x->job_finish = x->body == BODY_DONE;
    exchange_submit(x, X_JOB_WRITE);
}

static void feed_driver(struct exchange *x)
{
    if (x->resp.body_kind != HTTP_BODY_SOURCE || exchange_bodyless(x)) return;
    if (x->source_ended || x->source_failed) return;
    if (x->source->ops->read_now && !x->read_must_wait) return;
    if (x->out.count + READ_AHEAD > LIMIT_HTTP_STREAM_PIECES) return;
    x->read_max = READ_AHEAD;
    exchange_submit(x, X_JOB_READ);
}

static void finish(struct exchange *x)
{
    struct http_server *s = server_of(x);
    if (x->planned) {
        struct http_done d = {
            .status = x->answered ? x->resp.status : 0,
            .complete = x->complete,
            .bytes_in = x->in_bytes,
            .bytes_out = x->out_bytes,
            .duration_ms = clock_mono_ms() - x->started_ms,
        };
        atomic_fetch_sub_explicit(&s->streams_now, 1, memory_order_relaxed);
        if (s->app.done) s->app.done(s->app.arg, &x->req, &d);
    }
    recycle(x);
}

/* Released by the driver: whatever the application still holds is given back, on a worker; then it is over. */
static void wind_up(struct exchange *x)
{
    if (x->sink) {
        queue_rest(x);
        pieces_append(&x->job_pieces, &x->in_queue);
        exchange_submit(x, X_JOB_ABORT);
    } else if (x->source) {
        exchange_submit(x, X_JOB_CLOSE);
    } else {
        finish(x);
    }
}

/* A job is back while the exchange was working. */
static void worked(struct exchange *x)
{
    if (!x->sink) {
        answer(x);
        return;
    }
    x->phase = EXCHANGE_SINK;
    if (x->body == BODY_WAIT) x->body = BODY_OPEN;
    feed_sink(x);
    exchange_wake(x);
}

void exchange_advance(struct exchange *x)
{
    ASSERT(!x->busy);
    if (!x->conn) {
        wind_up(x);
        return;
    }
    /* An answer of the application that is already there is better than ours. */
    if (x->problem_status && x->phase != EXCHANGE_ANSWER && !x->resp.status) {
        if (x->sink) {
            queue_rest(x);
            pieces_append(&x->job_pieces, &x->in_queue);
            exchange_submit(x, X_JOB_ABORT);
        } else {
            answer_problem(x);
        }
        return;
    }
    switch (x->phase) {
    case EXCHANGE_HEAD: break;
    case EXCHANGE_GATHER:
        if (x->body == BODY_DONE) begin_call(x);
        break;
    case EXCHANGE_WORK: worked(x); break;
    case EXCHANGE_SINK:
        if (x->sink)
            feed_sink(x);
        else
            answer(x);
        exchange_wake(x);
        break;
    case EXCHANGE_ANSWER:
        feed_driver(x);
        exchange_wake(x);
        break;
    }
}

bool exchange_bodyless(const struct exchange *x)
{
    return x->req.method == HTTP_HEAD || x->resp.status == 204 || x->resp.status == 304;
}

uint64_t exchange_length(const struct exchange *x)
{
    if (x->resp.body_kind == HTTP_BODY_SOURCE) return x->resp.source_length;
    return x->resp.body_kind == HTTP_BODY_MEMORY ? x->resp.memory.len : 0;
}

/* The next run of the source without leaving this thread, if it can be had. */
static void read_now(struct exchange *x)
{
    size_t n = 0;
    if (x->busy || x->source_ended || x->source_failed || x->out.first || !x->source->ops->read_now) return;
    struct piece *p = piece_take(&server_of(x)->pieces);
    enum err e = p ? x->source->ops->read_now(x->source, &x->ctx, p->data, READ_NOW_BYTES, &n) : ERR_NOMEM;
    if (e == ERR_OK && n) {
        p->len = n;
        pieces_push(&x->out, p);
        return;
    }
    piece_give(&server_of(x)->pieces, p);
    if (e == ERR_OK) {
        x->source_ended = true;
    } else if (e == ERR_BUSY) {
        x->read_must_wait = true;
        feed_driver(x);
        x->read_must_wait = false;
    } else {
        x->source_failed = true;
    }
}

enum exchange_next exchange_next(struct exchange *x, struct slice *ret)
{
    struct slice m = x->resp.memory;
    if (x->timed_out) return NEXT_BROKEN;
    if (exchange_bodyless(x) || x->resp.body_kind == HTTP_BODY_NONE) return NEXT_END;
    if (x->resp.body_kind == HTTP_BODY_MEMORY) {
        *ret = slice_sub(m, x->memory_off, m.len);
        return ret->len ? NEXT_DATA : NEXT_END;
    }
    uint64_t length = x->resp.source_length;
    read_now(x);
    if (x->out.first) {
        const struct piece *p = x->out.first;
        *ret = slice_of(p->data + p->off, p->len - p->off);
        /* More than was promised would be read as the next answer. */
        if (length != HTTP_LENGTH_UNKNOWN && ret->len > length - x->out_bytes) return NEXT_BROKEN;
        return NEXT_DATA;
    }
    if (x->source_failed) return NEXT_BROKEN;
    if (!x->source_ended) return NEXT_WAIT;
    return length == HTTP_LENGTH_UNKNOWN || x->out_bytes == length ? NEXT_END : NEXT_BROKEN;
}

void exchange_sent(struct exchange *x, size_t n)
{
    x->out_bytes += n;
    atomic_fetch_add_explicit(&server_of(x)->bytes_out_total, n, memory_order_relaxed);
    if (x->resp.body_kind == HTTP_BODY_MEMORY) {
        x->memory_off += n;
        return;
    }
    struct piece *p = x->out.first;
    p->off += n;
    if (p->off < p->len) return;
    piece_give(&server_of(x)->pieces, pieces_pop(&x->out));
    if (!x->busy) feed_driver(x);
}

void exchange_release(struct exchange *x, bool complete)
{
    struct conn *c = x->conn;
    for (struct exchange **at = &c->woken; *at; at = &(*at)->woken_next) {
        if (*at != x) continue;
        *at = x->woken_next;
        break;
    }
    uint64_t waiting = complete ? 0 : c->out_len - c->out_off;
    x->sent_bytes = x->out_bytes - MIN(x->out_bytes, waiting);
    x->conn = NULL;
    x->complete = complete;
    wheel_drop(&x->timer);
    atomic_store(&x->cancelled, true);
    if (!x->busy) wind_up(x);
}

/* Whether it is the client we are waiting for. */
static bool clients_turn(struct exchange *x)
{
    struct slice data;
    if (x->phase == EXCHANGE_ANSWER) return exchange_next(x, &data) == NEXT_DATA;
    return x->body == BODY_OPEN && room_possible(x);
}

bool exchange_lingered(const struct exchange *x) { return x->linger_ms >= LINGER_MS; }

/* Looks at the client about once a second: a sample, so that moving bytes costs no clock. */
void exchange_timer(struct timer *t)
{
    struct exchange *x = (struct exchange *)((char *)t - offsetof(struct exchange, timer));
    const struct http_config *cfg = &server_of(x)->cfg;
    int64_t now = x->loop->now_ms, elapsed = now - x->ticked_ms;
    if (x->phase == EXCHANGE_HEAD) { /* armed by HTTP/2 only: there the head is the stream's own */
        x->timed_out = true;
        exchange_wake(x);
        return;
    }
    uint64_t bytes = x->in_bytes + x->out_bytes, moved = bytes - x->ticked_bytes;
    x->ticked_bytes = bytes;
    exchange_watch(x);
    if (x->h2_ended) {
        x->linger_ms += elapsed;
        if (exchange_lingered(x)) exchange_wake(x);
        return;
    }
    bool turn = clients_turn(x), was = x->ticked_turn;
    x->ticked_turn = turn;
    if (moved || !turn) x->idle_ms = 0;
    /* Only what lies between two samples that both found us waiting: what came before may have been the handler's time. */
    if (!turn || !was) return;
    if (!moved) x->idle_ms += elapsed;
    x->rate_ms += elapsed;
    x->rate_bytes += moved;
    bool slow = false;
    if (x->rate_ms >= RATE_WINDOW_MS) {
        slow = x->rate_bytes * 1000 / (uint64_t)x->rate_ms < cfg->body_rate_min;
        x->rate_ms = 0;
        x->rate_bytes = 0;
    }
    if (!slow && x->idle_ms < cfg->stall_ms) return;
    if (x->phase == EXCHANGE_ANSWER) {
        x->timed_out = true;
        exchange_wake(x);
    } else {
        x->close_after = true;
        exchange_problem(x, 408, "The body came too slowly.");
    }
}
