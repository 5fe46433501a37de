/* The part of an exchange that runs on workers: the application's functions, its sinks and sources. While a job is in flight
 * it alone touches ctx, resp, sink, source, job_pieces and read_pieces (see exchange_impl.h). */
#include <string.h>

#include "net/server_impl.h"

static struct exchange *of_job(struct job *j)
{
    return (struct exchange *)((char *)j - offsetof(struct exchange, job));
}

/* Fills pieces from the source, at most read_max. The very first read is passed on as it is, for an early first byte;
 * later pieces are filled to the brim. */
static void read_source(struct exchange *x)
{
    struct piece_pool *pool = &x->loop->server->pieces;
    while (x->read_pieces.count < x->read_max && !x->read_end && x->read_err == ERR_OK) {
        struct piece *p = piece_take(pool);
        if (!p) {
            x->read_err = ERR_NOMEM;
            return;
        }
        do {
            size_t n = 0, cap = sizeof p->data - p->len;
            x->read_err = x->source->ops->read(x->source, &x->ctx, p->data + p->len, cap, &n);
            if (x->read_err != ERR_OK) break;
            if (n == 0) x->read_end = true;
            p->len += n;
        } while (!x->read_first && !x->read_end && p->len < sizeof p->data);
        x->read_first = false;
        if (p->len)
            pieces_push(&x->read_pieces, p);
        else
            piece_give(pool, p);
    }
}

/* The handler has answered: take its source over, and read the beginning while we are here. */
static void take_answer(struct exchange *x)
{
    if (x->resp.body_kind != HTTP_BODY_SOURCE) return;
    x->source = x->resp.source;
    x->read_first = true;
    x->read_max = 1;
    if (!exchange_bodyless(x) && !x->source->ops->read_now) read_source(x);
}

static void write_sink(struct exchange *x)
{
    struct piece_pool *pool = &x->loop->server->pieces;
    struct piece *p;
    while ((p = pieces_pop(&x->job_pieces))) {
        if (x->sink_failed == ERR_OK)
            x->sink_failed = x->sink->ops->write(x->sink, &x->ctx, p->data, p->len);
        x->job_bytes += p->len;
        piece_give(pool, p);
    }
}

static void finish_sink(struct exchange *x)
{
    struct http_sink *sink = TAKE(x->sink);
    sink->ops->finish(sink, &x->ctx, x->sink_failed, &x->resp);
    take_answer(x);
}

static void run_job(struct job *j)
{
    struct exchange *x = of_job(j);
    const struct http_app *app = &x->loop->server->app;
    switch (x->job_kind) {
    case X_JOB_CALL:
        if (atomic_load(&x->cancelled)) break;
        app->call(app->arg, &x->req, &x->resp);
        take_answer(x);
        break;
    case X_JOB_OPEN:
        if (atomic_load(&x->cancelled)) break;
        app->open(app->arg, &x->req, &x->sink, &x->resp);
        if (!x->sink) take_answer(x);
        break;
    case X_JOB_WRITE:
        write_sink(x);
        if (x->job_finish || x->sink_failed != ERR_OK) finish_sink(x);
        break;
    case X_JOB_ABORT: {
        /* What has arrived is worth keeping for one who resumes. */
        write_sink(x);
        struct http_sink *sink = TAKE(x->sink);
        sink->ops->abort(sink, &x->ctx);
        break;
    }
    case X_JOB_READ: read_source(x); break;
    case X_JOB_CLOSE: {
        struct http_source *source = TAKE(x->source);
        source->ops->close(source, &x->ctx, x->complete, x->sent_bytes);
        break;
    }
    }
    loop_post(x->loop, &x->back);
}

/* On the loop again. */
static void job_back(struct message *m)
{
    struct exchange *x = (struct exchange *)((char *)m - offsetof(struct exchange, back));
    x->busy = false;
    x->taken_bytes += x->job_bytes;
    x->job_bytes = 0;
    x->job_piece_count = 0;
    pieces_append(&x->out, &x->read_pieces);
    if (x->read_end) x->source_ended = true;
    if (x->read_err != ERR_OK) x->source_failed = true;
    exchange_advance(x);
}

void exchange_submit(struct exchange *x, enum exchange_job kind)
{
    x->busy = true;
    x->job_kind = kind;
    x->job.run = run_job;
    x->back.run = job_back;
    x->job_piece_count = x->job_pieces.count;
    if (kind == X_JOB_CALL || kind == X_JOB_OPEN) {
        loop_submit_call(x->loop, &x->job);
        return;
    }
    x->job.next = NULL;
    workers_submit(x->loop->server->workers, JOBS_PIECE, &x->job);
}
