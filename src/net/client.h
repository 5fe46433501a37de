/* client: a small blocking HTTPS client (libcurl), for the command-line client and for callers of other services.
 *
 * One `struct client` per thread; it keeps its connections. Certificates are checked against the system store, a CA file, or one
 * pinned fingerprint (net/tls_pin.h), always before a byte of the request is sent. Redirects are never followed. A non-2xx answer is an
 * error: its problem document (RFC 9457) goes into the ctx as refuse() does, and `status` tells the number.
 * Bodies are bounded: an answer in memory by `answer_max`, one in pieces by the receiver. */
#ifndef SEALDROP_NET_CLIENT_H
#define SEALDROP_NET_CLIENT_H

#include <stdatomic.h>

#include "base/buf.h"
#include "base/ctx.h"
#include "net/tls_pin.h"

/* Before the first client_open, once, while no other thread runs; and at the end. */
MUST_USE enum err client_setup(void);
void client_teardown(void);

struct client;
struct client_config {
    const char *user_agent;
    const char *ca_file;       /* PEM; NULL: the system store */
    const char *pin;           /* 64 lower-case hex digits; NULL: none. Replaces store and host name check. */
    bool http1;                /* HTTP/1.1 only: the fastest for bulk bytes; else HTTP/2 when offered */
    int64_t connect_ms;        /* 0: 15 s */
    int64_t stall_s;           /* no byte in or out for so long ends the call; 0: 30 s */
    const atomic_bool *abort;  /* true ends running calls with ERR_CANCELLED; may be NULL */
};
MUST_USE enum err client_open(struct ctx *c, const struct client_config *cfg, struct client **ret);
void client_close(struct client *cl);

/* Body bytes from `off` on, at most `cap`; *ret_n == 0 only at the end. Asked again from 0 when the request must be repeated. */
typedef enum err client_read_fn(void *arg, uint64_t off, void *p, size_t cap, size_t *ret_n);
/* Pieces of a 2xx answer, in order. An error ends the call with it. */
typedef enum err client_write_fn(void *arg, const void *p, size_t n);
/* Now and then: body bytes of this call so far. */
typedef void client_moved_fn(void *arg, uint64_t sent, uint64_t received);

struct client_request {
    const char *method; /* "GET", … */
    const char *url;
    const char *const *headers; /* "Name: value" */
    size_t header_count;
    const char *content_type;   /* of the body; NULL: none sent */
    struct slice body;          /* used when `read` is NULL; ptr NULL: no body */
    client_read_fn *read;
    void *read_arg;
    uint64_t read_length; /* exact */
    client_write_fn *write;     /* NULL: the answer goes to memory */
    void *write_arg;
    size_t answer_max;          /* 0: 1 MiB */
    bool ranged;                /* ask for [range_first, +range_length) and take nothing but a matching 206 */
    uint64_t range_first, range_length;
    client_moved_fn *moved;
    void *moved_arg;
};

struct client_answer {
    int status;      /* 0 when there was no answer */
    struct buf body; /* of a 2xx answer without `write` */
};
void client_answer_done(struct client_answer *a);

/* ERR_OK for 2xx. Otherwise the err of the status (client_status_err), or of the transport: ERR_CLOSED and ERR_TIMEOUT (worth another
 * try), ERR_DENIED with code "certificate_untrusted" or "certificate_changed", ERR_PEER for broken HTTP. */
MUST_USE enum err client_call(struct ctx *c, struct client *cl, const struct client_request *rq,
                              struct client_answer *ret);
/* The err for an HTTP status of 300 or more. */
enum err client_status_err(int status);
/* Another try of the same call may help. */
bool client_worth_retry(enum err e);
/* The certificate of the last handshake: its fingerprint (empty: none seen), and whether it was refused. */
const struct tls_pin *client_seen(const struct client *cl);

#endif
