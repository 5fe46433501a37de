/* http1: shared by the two halves of the HTTP/1 driver, http1.c (connection, requests) and http1_send.c (answers). */
#ifndef SEALDROP_NET_HTTP1_IMPL_H
#define SEALDROP_NET_HTTP1_IMPL_H

#include "net/exchange_impl.h"

enum h1_sent {
    H1_SENT_BLOCKED, /* waits for the socket or the source */
    H1_SENT_ALL,     /* the kernel has every byte */
    H1_SENT_BROKEN   /* cannot be completed: the connection is dead */
};
/* Sends as much of the answer as possible, at most *budget bytes (lowered by what went). */
enum h1_sent http1_send(struct conn *c, size_t *budget);

/* What the application says before its answer. False: the rest waits for the socket, or the connection is dead. */
bool http1_send_interims(struct conn *c);

#endif
