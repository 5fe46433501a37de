/* http: the edge. An event-driven HTTP/1.1 and HTTP/2 server over TLS or plain TCP that hides the protocol from handlers.
 *
 * N I/O threads (one epoll loop each) do accept, TLS, framing, timeouts and slow clients; M worker threads run handlers start to
 * end as plain blocking C. The application is four functions (struct http_app); the server calls, for each request:
 *   plan()   on the I/O thread when the head is complete; must not block: says which shape the request has
 *   call()   on a worker, whole body in req->body           (HTTP_PLAN_CALL; HTTP_PLAN_INLINE: on the I/O thread, no body)
 *   open()   on a worker, before any body byte is read      (HTTP_PLAN_STREAM); gives a sink, or answers at once
 *   done()   exactly once at the end of every request that had a plan(): after the last byte, or on abort
 * A request's calls never overlap and see each other's writes. req and its ctx live until done() returns.
 * `Expect: 100-continue` is answered when the body is wanted: after plan() for calls, after open() gave a sink for streams.
 * http_interim() tells something before the answer (103, 104).
 * Memory per stream is LIMIT_HTTP_STREAM_PIECES x LIMIT_HTTP_STREAM_PIECE_BYTES; the socket pauses when they are full. */
#ifndef SEALDROP_NET_HTTP_H
#define SEALDROP_NET_HTTP_H

#include "base/address.h"
#include "base/ctx.h"

enum http_method {
    HTTP_GET,
    HTTP_HEAD,
    HTTP_POST,
    HTTP_PUT,
    HTTP_PATCH,
    HTTP_DELETE,
    HTTP_OPTIONS,
    HTTP_METHOD_COUNT
};
const char *http_method_name(enum http_method m);

struct http_header {
    struct slice name; /* lower case */
    struct slice value;
};

struct http_request {
    enum http_method method;
    int version;            /* 1 or 2 */
    bool secure;            /* arrived over TLS */
    struct slice path;      /* as sent, still percent-encoded, begins with '/'; or "*" (OPTIONS only) */
    struct slice query;     /* without '?'; empty when none */
    struct slice authority; /* Host or :authority */
    const struct http_header *headers;
    size_t header_count;
    bool has_body;
    bool has_length;        /* Content-Length was given (always so for has_body == false, as 0) */
    uint64_t content_length;
    struct slice body;      /* HTTP_PLAN_CALL only */
    char peer[48];          /* numeric address of who asks, no port; IPv4-mapped shown as IPv4; behind a proxy of ours, as it says */
    struct ctx *ctx;
    /* How http_interim() reaches this client; NULL: it cannot be told anything before the answer. */
    void (*interim)(struct ctx *c, int status, const struct http_header *headers, size_t count);
    void *user;             /* the application's own; NULL at plan() */
};

/* The value of a header (name in lower case); ptr NULL when absent. Repeated list headers come joined by ", ". */
struct slice http_request_header(const struct http_request *req, const char *name);

/* A download body the server pulls, on workers, in order. */
struct http_source;
struct http_source_ops {
    /* Fill up to `cap` bytes; *ret_n == 0 means the end. An error ends the connection (HTTP/1) or the stream (HTTP/2) so
     * that the client sees it: bytes are never replaced by others. */
    enum err (*read)(struct http_source *s, struct ctx *c, void *p, size_t cap, size_t *ret_n);
    /* Optional. The same on the I/O thread, when the bytes are in memory and getting them cannot block: ERR_BUSY otherwise, and
     * read() follows on a worker. Saves two changes of thread and keeps the bytes in the cache of the core that sends them. */
    enum err (*read_now)(struct http_source *s, struct ctx *c, void *p, size_t cap, size_t *ret_n);
    /* Always called once, on a worker. `complete`: every byte was handed to the kernel; `sent_bytes`: how
     * many were (never told too many; when cut short, maybe some 100 KiB too few). Frees the source. */
    void (*close)(struct http_source *s, struct ctx *c, bool complete, uint64_t sent_bytes);
};
struct http_source {
    const struct http_source_ops *ops;
};

/* An upload body the server pushes, on workers, in order. Exactly one of finish and abort is called, once; both free it. */
struct http_response;
struct http_sink;
struct http_sink_ops {
    /* Gets whole pieces (LIMIT_HTTP_STREAM_PIECE_BYTES); the rest at the end of the body, or before abort().
     * On error the rest of the body is not delivered: finish() is called with `failed` set to that error. */
    enum err (*write)(struct http_sink *s, struct ctx *c, const void *p, size_t n);
    /* The body is complete, or write() failed: fill the response. */
    void (*finish)(struct http_sink *s, struct ctx *c, enum err failed, struct http_response *resp);
    /* The client went away, timed out or broke the protocol in mid-body: keep what may be kept. */
    void (*abort)(struct http_sink *s, struct ctx *c);
};
struct http_sink {
    const struct http_sink_ops *ops;
};

enum http_body_kind { HTTP_BODY_NONE, HTTP_BODY_MEMORY, HTTP_BODY_SOURCE };
#define HTTP_LENGTH_UNKNOWN UINT64_MAX

#define HTTP_HEADERS_MAX 32
struct http_response {
    int status;
    struct http_header headers[HTTP_HEADERS_MAX];
    size_t header_count;
    enum http_body_kind body_kind;
    struct slice memory;        /* arena, static, or otherwise alive until done() */
    struct http_source *source; /* owned by the server from here on, also for HEAD (closed without reading) */
    uint64_t source_length;     /* or HTTP_LENGTH_UNKNOWN */
    bool close;                 /* end the connection after this answer */
};

/* `name` lower case and static; value is copied into the arena; control characters in it are ERR_INVALID, and so are the
 * names that are the server's own business: content-length, transfer-encoding, connection, date. */
MUST_USE enum err http_response_header(struct ctx *c, struct http_response *resp, const char *name,
                                       struct slice value);
/* Body from memory that outlives the response. content-type is set. */
MUST_USE enum err http_response_memory(struct ctx *c, struct http_response *resp, int status,
                                       const char *content_type, struct slice body);
/* Takes ownership of `source` on ERR_OK and on error (then it is closed). content-length is sent when known. */
MUST_USE enum err http_response_source(struct ctx *c, struct http_response *resp, int status,
                                       const char *content_type, struct http_source *source, uint64_t length);

/* An interim answer (RFC 9110 section 15.2), 102 to 199, before the final one: from call(), open(), write() or finish(), not
 * from INLINE calls. Never blocks, and cannot fail: it informs. It goes out when there is room for it, in order, before the final
 * answer; of more than LIMIT_HTTP_INTERIMS that wait for a slow reader the newest takes the place of the one before it. Clients of
 * HTTP/1.0 get none. Names and values as in http_response_header, both are copied. */
void http_interim(const struct http_request *req, int status, const struct http_header *headers, size_t count);

enum http_plan_kind { HTTP_PLAN_CALL, HTTP_PLAN_INLINE, HTTP_PLAN_STREAM };
struct http_plan {
    enum http_plan_kind kind;
    uint64_t body_bytes_max; /* a larger body is answered 413 (for streams: checked against content-length, then counted) */
};

struct http_done {
    int status;           /* 0 when no answer could be sent */
    bool complete;        /* the whole answer was handed to the kernel */
    uint64_t bytes_in;    /* body */
    uint64_t bytes_out;   /* body */
    int64_t duration_ms;
};

struct http_app {
    void *arg;
    void (*plan)(void *arg, struct http_request *req, struct http_plan *ret);
    void (*call)(void *arg, struct http_request *req, struct http_response *resp);
    void (*open)(void *arg, struct http_request *req, struct http_sink **ret, struct http_response *resp);
    /* On any thread; must be quick and not block (log, count). */
    void (*done)(void *arg, struct http_request *req, const struct http_done *d);
    /* Answers made by the server itself (malformed head, too large, timeout): fills resp from status and a sentence.
     * req may be NULL when there was no parsable head. On the I/O thread; must not block. */
    void (*problem)(void *arg, struct ctx *c, const struct http_request *req, int status, const char *detail,
                    struct http_response *resp);
};

struct tls; /* net/tls.h */

struct http_config {
    const char *const *listen; /* "127.0.0.1:8443", "[::]:8443", ":8443" (both families); port 0 picks one */
    size_t listen_count;
    struct tls *tls;           /* NULL: plain HTTP. Referenced, not owned. */
    unsigned io_threads;       /* 0: one per core */
    unsigned workers;          /* 0: cores + 6 */
    unsigned connections_max;  /* 0: 20000; over it new connections wait in the backlog */
    int64_t handshake_ms;      /* 0: 10000 */
    int64_t head_ms;           /* whole head; 0: 10000 */
    int64_t idle_ms;           /* between requests; 0: 60000 */
    int64_t stall_ms;          /* no body byte in or out; 0: 30000 */
    uint64_t body_rate_min;    /* bytes/s averaged over 30 s; 0: 1024 */
    const struct address_net *proxies; /* whose X-Forwarded-For is believed; outlives the server */
    size_t proxy_count;
};

struct http_server;
MUST_USE enum err http_server_open(struct ctx *c, const struct http_config *cfg, const struct http_app *app,
                                   struct http_server **ret);
/* The port really bound for listen[i]. */
unsigned http_server_port(const struct http_server *s, size_t i);
/* New connections use `tls` from now on; old ones keep theirs. Takes its own reference. */
void http_server_set_tls(struct http_server *s, struct tls *tls);
struct http_stats {
    uint64_t connections_now, connections_total, requests_total, streams_now, bytes_in_total, bytes_out_total;
};
void http_server_stats(const struct http_server *s, struct http_stats *ret);
/* Stop accepting, finish what runs, at most `deadline_ms`; then abort the rest. Waits. */
void http_server_stop(struct http_server *s, int64_t deadline_ms);
void http_server_close(struct http_server *s);

#endif
