/* conn: one accepted connection: its socket, its TLS, its buffers; what HTTP is on it is its driver's business.
 *
 * Writing collects up to LOOP_OUT_BYTES in one buffer, so that several TLS records and responses leave in one system call.
 * All buffers are given back when empty: an idle connection is this struct and its SSL. */
#ifndef SEALDROP_NET_CONN_IMPL_H
#define SEALDROP_NET_CONN_IMPL_H

#include <openssl/ssl.h>

#include "net/http1_parse.h"
#include "net/loop_impl.h"

struct h2;

/* A protocol on a connection. All run on the loop's thread. */
struct driver {
    /* Do what can be done: read, parse, write. Called after any event. */
    void (*turn)(struct conn *c);
    /* The connection's timer fired. */
    void (*timeout)(struct conn *c);
    /* Graceful stop: finish what runs, take nothing new. */
    void (*stop)(struct conn *c);
    /* The connection goes: release its exchanges. */
    void (*close)(struct conn *c);
};

/* A small TLS record is read in one system call instead of two. */
#define CONN_AHEAD_BYTES 1024u

enum h1_state { H1_HEAD, H1_EXCHANGE, H1_DRAIN, H1_LINGER };

struct h1 {
    enum h1_state state;
    struct exchange *x;
    struct http1_scan scan;
    struct http1_chunked chunked;
    int minor;              /* HTTP/1.minor of the present request */
    bool is_chunked;        /* its body comes chunked */
    bool keep_alive;        /* another request may follow on the connection */
    bool chunked_out;       /* the answer goes chunked */
    bool out_ended;         /* its last byte is in the out buffer */
    uint64_t out_chunk_left;
    uint64_t body_left;     /* of a Content-Length body, still on the wire */
    uint64_t dropped_bytes; /* body read and dropped after an early answer */
    unsigned requests;
};

struct conn {
    struct loop *loop;
    struct conn *prev, *next; /* all connections of the loop */
    struct conn *run_next;
    bool scheduled;
    bool readable, writable;
    bool peer_closed; /* the peer sent its last byte, maybe not all read yet */
    bool read_eof;
    bool dead;     /* to be destroyed after its turn */
    bool stopping; /* graceful stop */
    int fd;
    SSL *ssl; /* NULL: plain */
    const struct driver *driver;
    struct timer timer;
    char ahead[CONN_AHEAD_BYTES]; /* TLS: read beyond the record's head */
    size_t ahead_len, ahead_off;
    char *out; /* from the loop; NULL when empty */
    size_t out_len, out_off;
    uint64_t queued_bytes, sent_bytes; /* of out, ever */
    uint64_t stall_mark;               /* sent_bytes when the write timer was set */
    char *in;                          /* head buffer from the loop; NULL when empty */
    size_t in_len, in_off;
    struct exchange *woken; /* exchanges that changed since the last turn */
    struct h1 h1;
    struct h2 *h2;
    char peer[48];
};

/* Takes the accepted socket over; on failure it is closed. */
void conn_accept(struct loop *l, int fd, const struct sockaddr *peer, SSL *ssl);
/* Marks it for the end of its turn. Idempotent. */
void conn_kill(struct conn *c);
/* Called by the loop for a scheduled connection. */
void conn_run(struct conn *c);

enum io { IO_OK, IO_AGAIN, IO_EOF, IO_ERROR };
enum io conn_read(struct conn *c, void *p, size_t cap, size_t *ret_n);
/* Takes as much as there is room for: *ret_n < n means "blocked, try again when writable". False: the connection is dead. */
bool conn_write(struct conn *c, const void *p, size_t n, size_t *ret_n);
/* Room for small writes that must go in whole. */
bool conn_has_room(struct conn *c, size_t n);
/* Everything collected goes to the kernel, as far as it takes it. False: the connection is dead. */
bool conn_flush(struct conn *c);
static inline bool conn_flushed(const struct conn *c)
{
    return c->out_len == 0;
}
/* Ends TLS and the sending direction; reading goes on. */
void conn_shutdown(struct conn *c);
void conn_in_release(struct conn *c);

extern const struct driver http1_driver;
extern const struct driver http2_driver;
void http1_start(struct conn *c);
MUST_USE enum err http2_start(struct conn *c);
/* The custom BIO: SSL over conn_*'s socket calls. */
BIO *conn_bio_new(struct conn *c);

#endif
