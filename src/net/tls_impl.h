/* tls: for the connection code only. */
#ifndef SEALDROP_NET_TLS_IMPL_H
#define SEALDROP_NET_TLS_IMPL_H

#include <openssl/ssl.h>

#include "net/tls.h"

/* A new server-side session object; NULL when out of memory. */
MUST_USE SSL *tls_session(struct tls *t);

#endif
