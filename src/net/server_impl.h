/* server: what the loops share: configuration, application, workers, piece pool, counters. */
#ifndef SEALDROP_NET_SERVER_IMPL_H
#define SEALDROP_NET_SERVER_IMPL_H

#include "net/exchange_impl.h"
#include "net/tls_impl.h"

#define ADDRESS_SLOTS 4096u
#define JOBS_WAITING_MAX 10000u /* for a worker; over it new requests are answered 503 */

struct http_server {
    struct http_config cfg; /* with the defaults filled in */
    struct http_app app;
    struct workers *workers;
    struct piece_pool pieces;
    struct loop *loops;
    unsigned loop_count;
    unsigned *ports;
    bool stopped;

    struct mutex tls_lock; /* guards tls */
    struct tls *tls;

    _Atomic uint64_t connections_now, connections_total, requests_total, streams_now;
    _Atomic uint64_t bytes_in_total, bytes_out_total;
    /* Connections by a hash of the peer's address; a slot shared by two addresses only counts too many. */
    _Atomic uint32_t by_address[ADDRESS_SLOTS];
    uint64_t address_seed;
};

/* The TLS for a new connection; NULL: plain. One reference. */
struct tls *server_tls(struct http_server *s);

#endif
