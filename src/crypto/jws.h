/* jws: the signatures of other people's tokens (RFC 7518): RS256 and ES256, nothing else. The key says which algorithm it is for; the
 * caller has compared that with the token's header. Splitting and decoding tokens is the caller's. Thread-safe. */
#ifndef SEALDROP_CRYPTO_JWS_H
#define SEALDROP_CRYPTO_JWS_H

#include "base/err.h"
#include "base/slice.h"

enum jws_alg { JWS_RS256, JWS_ES256 };

struct jws_key {
    enum jws_alg alg;
    struct slice n, e; /* RS256: modulus of 2048 to 8192 bits and exponent, big-endian */
    struct slice x, y; /* ES256: a point of P-256, 32 bytes each */
};
/* ERR_OK, or ERR_DENIED for a wrong signature and for a key that is none. */
MUST_USE enum err jws_verify(const struct jws_key *key, struct slice signed_text, struct slice signature);

#endif
