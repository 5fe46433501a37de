/* tls_pin: how the client side decides about a server's certificate, as a callback inside the TLS handshake: before any byte of
 * a request is sent. Without a pin the system's verification decides and the fingerprint is remembered, so that a person may
 * be asked; with a pin exactly that leaf certificate is accepted and nothing else. One object per client, one thread. */
#ifndef SEALDROP_NET_TLS_PIN_H
#define SEALDROP_NET_TLS_PIN_H

#include "base/err.h"

#define TLS_PIN_HEX 64

struct tls_pin {
    char want[TLS_PIN_HEX + 1]; /* lower-case hex SHA-256 of the leaf's DER; empty: no pin */
    char seen[TLS_PIN_HEX + 1]; /* of the last handshake; empty before */
    bool refused;               /* the last handshake failed in verification of the chain, or did not match `want` */
};

/* `ssl_ctx` is an OpenSSL SSL_CTX. From now on its handshakes are judged by `pin`, which must outlive it. */
void tls_pin_install(void *ssl_ctx, struct tls_pin *pin);
/* Accepts "AB:CD:…" and "abcd…"; writes 64 lower-case hex digits and NUL. ERR_INVALID otherwise. */
MUST_USE enum err tls_pin_parse(const char *text, char ret[TLS_PIN_HEX + 1]);

#endif
