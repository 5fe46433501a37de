/* loop: one I/O thread: an epoll set, a timer wheel, a list of messages from other threads, and the connections it owns.
 *
 * A connection or exchange belongs to one loop for life and is touched by that thread only; workers hand results back as
 * messages. Connections are edge-triggered: what epoll said is kept in the connection until the kernel says "would block". */
#ifndef SEALDROP_NET_LOOP_IMPL_H
#define SEALDROP_NET_LOOP_IMPL_H

#include <stdatomic.h>

#include "base/buf.h"
#include "base/limits.h"
#include "net/http.h"
#include "net/timer_impl.h"
#include "net/workers_impl.h"
#include "os/sys.h"

struct conn;
struct exchange;
struct http_server;

/* Something another thread wants done on the loop. Embedded by its owner; not touched between post and run. */
struct message {
    struct message *next;
    void (*run)(struct message *m);
};

/* A fixed-size block kept for reuse. */
struct block {
    struct block *next;
};

struct listener {
    int fd; /* -1: closed */
    bool armed;
};

struct loop {
    struct http_server *server;
    struct thread thread;
    int epoll_fd, wake_fd;
    int64_t now_ms; /* of this turn */
    struct buf log_lines; /* of this turn */
    struct wheel wheel;
    struct listener *listeners;
    size_t listener_count;
    struct timer accept_timer; /* accepting again after the system ran out of something */
    unsigned conn_max;

    struct conn *conns; /* all */
    unsigned conn_count;
    unsigned exchange_count; /* alive, with or without a connection */
    struct conn *run_first, **run_last;

    atomic_bool asleep; /* in epoll_wait or about to be: a message must wake it */
    struct job *calls, **calls_last; /* submitted together at the end of the turn: one lock, one wake-up */
    struct mutex lock;  /* guards messages */
    struct message *messages, **messages_last;

    struct block *out_blocks, *head_blocks; /* spare buffers, see loop_block_take */
    unsigned out_spare, head_spare;
    struct exchange *exchanges; /* spare */
    unsigned exchange_spare;
    char *scratch; /* LOOP_SCRATCH_BYTES, free for use within one call */

    char date[30]; /* for the Date header */
    int64_t date_s;

    bool stopping;
    int64_t stop_at_ms; /* when what still runs is aborted */
    struct message start_message, stop_message;
};

#define LOOP_OUT_BYTES (176 * KIB)
#define LOOP_SCRATCH_BYTES (64 * KIB)
#define LOOP_TURN_BYTES (1 * MIB) /* one connection's share of a turn */

MUST_USE enum err loop_init(struct loop *l, struct http_server *s);
void loop_done(struct loop *l);
/* The thread's body; returns when stopping and nothing is left. */
void loop_run(void *loop);
void loop_post(struct loop *l, struct message *m);
/* Give the connection a turn soon. Harmless when it has one already. */
void loop_schedule(struct loop *l, struct conn *conn);
/* Has a handler run by a worker, after this turn. */
void loop_submit_call(struct loop *l, struct job *j);
/* Stop or start taking connections, as the counts say. */
void loop_accept_update(struct loop *l);
/* The value of the Date header, of this second. */
struct slice loop_date(struct loop *l);

/* Buffers of LOOP_OUT_BYTES and LIMIT_HTTP_HEAD_BYTES, a few kept warm for the next connection. NULL when out of memory. */
MUST_USE char *loop_out_take(struct loop *l);
void loop_out_give(struct loop *l, char *p);
MUST_USE char *loop_head_take(struct loop *l);
void loop_head_give(struct loop *l, char *p);

#endif
