/* http2: shared by http2.c (the session on its connection) and http2_head.c (requests and responses as header lists). */
#ifndef SEALDROP_NET_HTTP2_IMPL_H
#define SEALDROP_NET_HTTP2_IMPL_H

#include <nghttp2/nghttp2.h>

#include "net/exchange_impl.h"

struct h2 {
    nghttp2_session *session;
    struct exchange *streams; /* open */
    struct exchange *ending;  /* all sent, as far as HTTP/2 goes; waiting for the kernel to take it */
    bool used;                /* there was a stream */
    char *gather;             /* frames on their way into one TLS record; the loop's scratch */
    size_t gathered;
};

/* One field of a request. */
void http2_take_field(struct exchange *x, struct slice name, struct slice value);
/* All fields are there: checks them, fills req and starts the exchange, or refuses it. */
void http2_begin(struct exchange *x, bool has_body);
/* Submits the oldest interim answer. False as below. */
MUST_USE bool http2_interim(struct exchange *x);
/* Submits x->resp. False: the connection cannot go on (no memory). */
MUST_USE bool http2_respond(struct exchange *x, const nghttp2_data_provider *body);

#endif
