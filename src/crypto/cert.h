/* Self-signed server certificates for the first start, and fingerprints to show people. */
#ifndef SEALDROP_CRYPTO_CERT_H
#define SEALDROP_CRYPTO_CERT_H

#include "base/buf.h"
#include "base/slice.h"

/* ECDSA P-256, valid from `now_ms` minus one day for 825 days. `names`: DNS names and IP addresses for subjectAltName; the first
 * is the common name. PEM is appended to both buffers (mark the key buffer sensitive). */
MUST_USE enum err cert_self_signed(const struct slice *names, size_t n, int64_t now_ms, struct buf *ret_cert_pem,
                                   struct buf *ret_key_pem);
/* SHA-256 of the DER form of the first certificate in a PEM, as 64 hex digits and NUL. */
MUST_USE enum err cert_fingerprint(struct slice pem, char ret[65]);
/* Days from now until it ends (negative when over). */
MUST_USE enum err cert_days_left(struct slice pem, int64_t now_ms, int64_t *ret);

#endif
