/* Inside crypto/ only: X25519 (RFC 7748). Thread-safe, constant time. */
#ifndef SEALDROP_CRYPTO_X25519_H
#define SEALDROP_CRYPTO_X25519_H

#include "base/key.h"

#define X25519_BYTES 32

MUST_USE enum err x25519_public(const struct key *private_key, uint8_t ret[X25519_BYTES]);
/* ERR_INVALID when `public_key` has small order: the result would be all zeros, known to everybody. */
MUST_USE enum err x25519(const struct key *private_key, const uint8_t public_key[X25519_BYTES], struct key *ret);

#endif
