/* Ed25519 signatures (RFC 8032). Thread-safe. */
#ifndef SEALDROP_CRYPTO_SIGN_H
#define SEALDROP_CRYPTO_SIGN_H

#include "base/key.h"
#include "base/slice.h"

#define ED25519_PUBLIC_BYTES 32
#define ED25519_SIGNATURE_BYTES 64

/* `seed` is the 32-byte private key of RFC 8032. */
MUST_USE enum err ed25519_public(const struct key *seed, uint8_t ret[ED25519_PUBLIC_BYTES]);
MUST_USE enum err ed25519_sign(const struct key *seed, struct slice msg, uint8_t ret[ED25519_SIGNATURE_BYTES]);
/* ERR_OK or ERR_DENIED. */
MUST_USE enum err ed25519_verify(const uint8_t pub[ED25519_PUBLIC_BYTES], struct slice msg, struct slice sig);

#endif
