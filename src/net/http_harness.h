/* For the tests of the HTTP engine: a server with an application that can do everything once, and a blunt client. */
#ifndef SEALDROP_NET_HTTP_HARNESS_H
#define SEALDROP_NET_HTTP_HARNESS_H

#include <openssl/ssl.h>
#include <stdatomic.h>

#include "base/buf.h"
#include "net/http.h"
#include "net/tls.h"

/* The application:
 *   /call         GET: "hello"; POST: the body back      /inline    "inline", on the I/O thread
 *   /header       the value of x-echo                    /peer      the peer's address and the authority
 *   /wait         a call that ends when `gate` opens     /none      204       /bad  no valid answer
 *   /sink         PUT: "<bytes> <sum>"                   /slow      the same, write() waits for `gate`
 *   /refuse       PUT: 403 from open()                   /failing   write() fails: 500 from finish()
 *   /source/N     N bytes                                /unknown/N the same without a length
 *   /broken/N     promises 2 N bytes, fails after N      /memory/N  N bytes from memory */
struct harness {
    struct http_server *server;
    struct tls *tls;
    struct ctx ctx;
    unsigned port;
    atomic_uint plans, calls, dones, completes, finishes, aborts, writes, closes, closes_complete, problems;
    atomic_uint live; /* sinks and sources */
    _Atomic uint64_t sink_bytes, source_bytes, last_sent_bytes;
    atomic_int last_status;
    atomic_bool gate;
    uint64_t call_max, stream_max;
};
struct harness_options {
    bool tls;
    struct http_config cfg; /* listen and tls are set by the harness */
};
/* False: could not open (in fault loops), nothing is left. */
bool harness_open(struct harness *h, const struct harness_options *opt);
/* Stops with a short deadline and checks that nothing is left alive. */
void harness_close(struct harness *h);
/* Polls until *counter >= want, for some seconds. */
bool harness_wait(const atomic_uint *counter, unsigned want);
/* A self-signed certificate under test_dir(); the common name tells them apart. */
void harness_certificate(const char *name, const char **ret_cert, const char **ret_key);
uint64_t harness_sum(uint64_t sum, const void *p, size_t n);
/* Byte i of every source. */
static inline char harness_byte(uint64_t i)
{
    return (char)(i * 7 + (i >> 11));
}

struct probe {
    int fd;
    SSL_CTX *ctx;
    SSL *ssl;
    struct buf in; /* received, not yet consumed */
};
struct answer {
    int status;
    struct slice head; /* in probe->in until the next call */
    uint64_t body_bytes;
    uint64_t body_sum;
    char body[4096]; /* the beginning */
    bool complete;   /* false: the connection ended in the body */
};
/* alpn: NULL for plain, "http/1.1" or "h2" over TLS. */
bool probe_open(struct probe *c, unsigned port, const char *alpn);
void probe_close(struct probe *c);
bool probe_send(struct probe *c, const void *p, size_t n);
bool probe_say(struct probe *c, const char *text);
/* More bytes into c->in; false at the end of the connection. */
bool probe_recv(struct probe *c);
/* Reads one answer (not an interim one). head_only: the answer to HEAD. False: no complete head came. */
bool probe_answer(struct probe *c, bool head_only, struct answer *ret);
/* True when the server ends the connection within some seconds. */
bool probe_sees_end(struct probe *c);
bool answer_has(const struct answer *a, const char *text);

#endif
