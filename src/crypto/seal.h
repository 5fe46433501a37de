/* seal: C2SP chunked-encryption v1, instantiation Cobblestone-256 (HKDF-Expand-SHA-512 + AES-256-GCM, 16 KiB chunks).
 *
 * A message is  salt[24] || commitment[32] || chunk_0 … chunk_n , each chunk ciphertext || tag[16]; every chunk but the last
 * holds SEAL_CHUNK plaintext bytes, the last always fewer. Salts come from the system CSPRNG at every seal. Opening compares the
 * commitment in constant time before any decryption, and never gives out a byte that does not verify.
 * The one symmetric AEAD of the product. Contexts: "label" 0x00 fixed-length fields (see sft.h), at most 256 bytes (longer:
 * ERR_TOO_LARGE). */
#ifndef SEALDROP_CRYPTO_SEAL_H
#define SEALDROP_CRYPTO_SEAL_H

#include "base/buf.h"
#include "base/key.h"

#define SEAL_CHUNK 16384u
#define SEAL_TAG 16u
#define SEAL_SEALED_CHUNK (SEAL_CHUNK + SEAL_TAG)
#define SEAL_SALT 24u
#define SEAL_HEADER 56u
#define SEAL_MIN (SEAL_HEADER + SEAL_TAG)

struct seal_header {
    uint8_t b[SEAL_HEADER];
};

/* Sealed size of n plaintext bytes. n < 2^52. */
uint64_t seal_size(uint64_t n);
/* Inverse; ERR_INVALID when no plaintext has this sealed size. */
MUST_USE enum err seal_plain_size(uint64_t sealed, uint64_t *ret);

/* Whole messages in memory. `ret` is appended to (its max bounds it). */
MUST_USE enum err seal_message(const struct key *key, struct slice context, struct slice plain, struct buf *ret);
/* ERR_CORRUPT when it does not verify. */
MUST_USE enum err seal_open_message(const struct key *key, struct slice context, struct slice sealed, struct buf *ret);

/* Streaming and random access: one object per message, reusable with _start; holds one cipher context. Not thread-safe. */
struct sealer;
MUST_USE enum err sealer_new(struct sealer **ret);
void sealer_free(struct sealer *s); /* wipes; NULL harmless */
void sealer_cleanup(struct sealer **s);
/* Begin sealing a message: fresh salt, header out. */
MUST_USE enum err sealer_start(struct sealer *s, const struct key *key, struct slice context, struct seal_header *ret);
/* Seal chunk `i` of n <= SEAL_CHUNK bytes; writes n + SEAL_TAG bytes to `out` (may equal `p`). The caller keeps the rule that
 * all but the last are full and the last is short, and seals each index once. Thread confinement as above. */
MUST_USE enum err sealer_chunk(struct sealer *s, uint64_t i, const void *p, size_t n, void *out);
/* Begin opening: checks the commitment (ERR_CORRUPT). Chunks may then be opened in any order. */
MUST_USE enum err sealer_open(struct sealer *s, const struct key *key, struct slice context, const struct seal_header *h);
/* Open a sealed chunk of n bytes (SEAL_TAG <= n <= SEAL_SEALED_CHUNK) into `out` (n - SEAL_TAG bytes; may equal `p`).
 * ERR_CORRUPT when it does not verify; `out` is wiped then. */
MUST_USE enum err sealer_open_chunk(struct sealer *s, uint64_t i, const void *p, size_t n, void *out);

/* Test seam for vectors: the derived key and nonce of a message. */
MUST_USE enum err seal_derive(const struct key *key, struct slice context, const uint8_t salt[SEAL_SALT],
                              struct key *ret_aead, uint8_t ret_nonce[12], uint8_t ret_commitment[32]);

#endif
