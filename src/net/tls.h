/* tls: a server certificate, its key and the protocol settings, immutable and reference-counted so that it can be swapped live. */
#ifndef SEALDROP_NET_TLS_H
#define SEALDROP_NET_TLS_H

#include "base/ctx.h"

struct tls;
enum tls_min { TLS_MIN_1_2, TLS_MIN_1_3 };
/* Loads PEM files, checks the key against the certificate. Session ticket keys are kept across `previous` (may be NULL).
 * ERR_INVALID with a sentence naming the file when it is not usable. Thread-safe after. */
MUST_USE enum err tls_open(struct ctx *c, const char *cert_path, const char *key_path, enum tls_min min,
                           struct tls *previous, struct tls **ret);
struct tls *tls_ref(struct tls *t);
void tls_unref(struct tls *t);

#endif
