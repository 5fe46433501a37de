/* exchange: one request and its answer, whatever the protocol: the state machine between a driver (I/O thread), the
 * application's functions (workers), and its sink or source.
 *
 * The driver fills x->req, calls exchange_start(), brings body bytes, and sends what x->resp says once phase is
 * EXCHANGE_ANSWER; it learns of changes by its turn() after exchange_wake(). At the end, or when the client is gone, it calls
 * exchange_release() and forgets the pointer.
 *
 * At most one job is in flight for an exchange (x->busy). While it is, the worker owns ctx, resp, sink, source, job_pieces
 * and read_pieces; the I/O thread owns the rest. An exchange outlives its connection until its last job is back: a job in
 * flight is a reference. */
#ifndef SEALDROP_NET_EXCHANGE_IMPL_H
#define SEALDROP_NET_EXCHANGE_IMPL_H

#include <stdatomic.h>

#include "base/buf.h"
#include "net/conn_impl.h"

/* A run of body bytes between socket and worker. */
struct piece {
    struct piece *next;
    size_t len, off;
    char data[LIMIT_HTTP_STREAM_PIECE_BYTES];
};
/* First-in-first-out list. */
struct pieces {
    struct piece *first, *last;
    unsigned count;
};
/* Spare pieces of the whole server. */
struct piece_pool {
    struct mutex lock; /* guards the rest */
    struct piece *spare;
    unsigned spare_count;
};
void piece_pool_init(struct piece_pool *p);
void piece_pool_done(struct piece_pool *p);
/* NULL when out of memory. Any thread. */
MUST_USE struct piece *piece_take(struct piece_pool *p);
void piece_give(struct piece_pool *p, struct piece *piece);
void pieces_give(struct piece_pool *p, struct pieces *list);
void pieces_push(struct pieces *list, struct piece *p);
MUST_USE struct piece *pieces_pop(struct pieces *list);
void pieces_append(struct pieces *list, struct pieces *more); /* `more` becomes empty */

/* An interim answer on its way from a worker to the wire. Its text lies behind it. */
struct interim {
    struct message message;
    struct interim *next;
    struct exchange *x;
    int status;
    size_t header_count;
    struct http_header headers[];
};

enum exchange_phase {
    EXCHANGE_HEAD,   /* the driver is filling req */
    EXCHANGE_GATHER, /* a call's body is being read */
    EXCHANGE_WORK,   /* call or open is running */
    EXCHANGE_SINK,   /* body pieces go to the sink */
    EXCHANGE_ANSWER  /* resp is the driver's to send */
};
enum exchange_body {
    BODY_WAIT, /* there is one; not wanted yet */
    BODY_OPEN, /* wanted */
    BODY_DONE, /* complete, or there is none */
    BODY_DROP  /* answered early: the rest is of no use */
};
enum exchange_job { X_JOB_CALL, X_JOB_OPEN, X_JOB_WRITE, X_JOB_ABORT, X_JOB_READ, X_JOB_CLOSE };

struct exchange {
    struct http_request req;
    struct ctx ctx;
    struct http_response resp;
    struct http_plan plan;
    struct loop *loop;
    struct conn *conn;     /* NULL: released */
    struct exchange *next; /* spare list */
    struct exchange *woken_next;
    bool woken;
    enum exchange_phase phase;
    enum exchange_body body;
    bool planned;         /* plan() was called: done() is owed */
    bool busy;            /* a job is in flight */
    bool answered;        /* the head of the answer was sent */
    bool complete;        /* the whole answer was handed to the kernel */
    bool expect_continue; /* the client waits for 100 (Continue) before it sends the body */
    bool close_after;     /* the connection cannot be used after this answer */
    int64_t started_ms;

    /* The body coming in */
    uint64_t in_bytes;
    char *call_body; /* of known length, in the arena */
    struct buf call_buf;
    struct piece *fill;
    struct pieces in_queue;
    uint64_t taken_bytes; /* given to the sink since the driver last asked (HTTP/2 windows) */
    int problem_status;   /* the server itself must answer with this */
    const char *problem_detail;

    /* The job */
    struct job job;
    struct message back;
    enum exchange_job job_kind;
    struct pieces job_pieces; /* to be written to the sink */
    unsigned job_piece_count; /* of them at submission, for the I/O thread */
    uint64_t job_bytes;       /* written by the job */
    bool job_finish;          /* and then finish */
    struct pieces read_pieces; /* read from the source */
    unsigned read_max;
    bool read_end;
    enum err read_err;
    bool read_first;
    atomic_bool cancelled; /* the client is gone: skip a call that has not begun */
    struct http_sink *sink;
    enum err sink_failed;
    struct http_source *source;

    /* The body going out */
    struct pieces out;
    size_t memory_off;
    bool source_ended, source_failed;
    bool read_must_wait; /* read_now said so: the next read is a worker's */
    bool timed_out; /* the client does not take it */
    uint64_t out_bytes;  /* body bytes the driver took */
    uint64_t sent_bytes; /* of them, surely in the kernel; set at the end */

    struct interim *interims; /* to be sent before the answer, the oldest first */

    /* Watching the client */
    struct timer timer;
    int64_t ticked_ms, idle_ms, rate_ms;
    uint64_t ticked_bytes, rate_bytes;
    bool ticked_turn; /* it was the client's turn at the last look */

    /* HTTP/2 */
    int32_t stream_id;
    struct exchange *stream_prev, *stream_next; /* the connection's open streams, or those waiting for the kernel */
    struct http_header *h2_headers;
    size_t h2_header_count, h2_header_bytes;
    struct slice h2_method, h2_path, h2_authority;
    bool h2_nomem, h2_too_large; /* while the header was collected */
    bool h2_submitted, h2_deferred, h2_ended;
    unsigned h2_interims; /* in nghttp2's hands, not yet on the wire */
    /* Lingering: the answer is complete, the client still sends. RFC 9113 8.1 allows to reset the stream at once (NO_ERROR), but
     * clients there are (curl 7.88) that then forget the answer. So they get time to read it and to stop by themselves. */
    int64_t linger_ms;
    uint64_t h2_dropped;
    uint64_t sent_mark; /* conn->queued_bytes behind its last byte */
};

/* NULL when out of memory. */
MUST_USE struct exchange *exchange_new(struct conn *c);
/* req is complete; req->has_body says whether body bytes will come. */
void exchange_start(struct exchange *x);
/* Its client is looked at about once a second from now on; exchange_start() does it. */
void exchange_watch(struct exchange *x);
/* The server answers by itself. Before exchange_start(), and after it while nothing was answered. */
void exchange_problem(struct exchange *x, int status, const char *detail);

/* Where the next body bytes go, while body is BODY_OPEN, or BODY_WAIT for a driver that cannot hold them back (HTTP/2).
 * False: no place now (exchange_wake() comes when there is). */
bool exchange_room(struct exchange *x, char **ret, size_t *ret_cap);
/* `n` bytes were put there. */
void exchange_got(struct exchange *x, size_t n);
/* The body is complete. */
void exchange_body_end(struct exchange *x);

enum exchange_next {
    NEXT_DATA,  /* *ret bytes to send */
    NEXT_WAIT,  /* exchange_wake() comes */
    NEXT_END,   /* that was all */
    NEXT_BROKEN /* the source failed: the client must see it */
};
/* The next run of the response's body; exchange_sent() says how much of it was taken. */
enum exchange_next exchange_next(struct exchange *x, struct slice *ret);
void exchange_sent(struct exchange *x, size_t n);
/* No body goes with this answer (HEAD, 204, 304). */
bool exchange_bodyless(const struct exchange *x);
/* The length of the response's body, or HTTP_LENGTH_UNKNOWN. */
uint64_t exchange_length(const struct exchange *x);

/* interim.c: what req.interim is: on a worker, in a job of the exchange that `c` belongs to. */
void interim_post(struct ctx *c, int status, const struct http_header *headers, size_t count);
/* The oldest one is sent, or of no use any more. */
void interim_drop(struct exchange *x);

/* The driver is done with it; it must not be touched again. `complete`: every byte was handed to the kernel. */
void exchange_release(struct exchange *x, bool complete);

/* exchange_job.c: the part that runs on workers. */
void exchange_submit(struct exchange *x, enum exchange_job kind);
/* exchange.c: what comes next, after a job is back or the driver brought something. */
void exchange_advance(struct exchange *x);
void exchange_timer(struct timer *t);
/* It has lingered long enough. */
bool exchange_lingered(const struct exchange *x);
/* Puts it on its connection's woken list and gives that a turn. */
void exchange_wake(struct exchange *x);

#endif
