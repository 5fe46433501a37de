/* HPKE (RFC 9180), base mode, DHKEM(X25519, HKDF-SHA256) / HKDF-SHA256 / AES-256-GCM: single-shot seal and open.
 * Used to hand a file key to one client (info "sft/1/fkrelease"). Thread-safe. */
#ifndef SEALDROP_CRYPTO_HPKE_H
#define SEALDROP_CRYPTO_HPKE_H

#include "base/buf.h"
#include "base/key.h"

#define HPKE_PUBLIC_BYTES 32
#define HPKE_TAG_BYTES 16

MUST_USE enum err hpke_keypair(struct key *ret_private, uint8_t ret_public[HPKE_PUBLIC_BYTES]);
/* Appends plain.len + 16 bytes to ret_ct. ERR_INVALID for a public key of small order. */
MUST_USE enum err hpke_seal(const uint8_t public_key[HPKE_PUBLIC_BYTES], struct slice info, struct slice aad,
                            struct slice plain, uint8_t ret_enc[HPKE_PUBLIC_BYTES], struct buf *ret_ct);
/* Appends to ret_plain. ERR_CORRUPT when it does not open. */
MUST_USE enum err hpke_open(const struct key *private_key, const uint8_t enc[HPKE_PUBLIC_BYTES], struct slice info,
                            struct slice aad, struct slice ct, struct buf *ret_plain);

#endif
