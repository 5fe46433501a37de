/* Hashes, MACs and key derivation. Thread-safe. Failures are ERR_CRYPTO (or ERR_NOMEM). */
#ifndef SEALDROP_CRYPTO_HASH_H
#define SEALDROP_CRYPTO_HASH_H

#include "base/key.h"
#include "base/slice.h"

#define SHA256_BYTES 32
struct sha256 {
    uint8_t b[SHA256_BYTES];
};
static inline struct slice sha256_view(const struct sha256 *h)
{
    return slice_of(h->b, sizeof h->b);
}
MUST_USE enum err sha256(struct slice data, struct sha256 *ret);
/* Constant time. */
bool sha256_equal(const struct sha256 *a, const struct sha256 *b);

/* Running SHA-256: new, add, end; free with hasher_free (NULL harmless). */
struct hasher;
MUST_USE enum err hasher_new(struct hasher **ret);
MUST_USE enum err hasher_add(struct hasher *h, const void *p, size_t n);
/* Result so far; the hasher may go on. */
MUST_USE enum err hasher_sum(const struct hasher *h, struct sha256 *ret);
void hasher_free(struct hasher *h);
void hasher_cleanup(struct hasher **h);

/* For TOTP (RFC 6238) only. */
MUST_USE enum err hmac_sha1(struct slice key, struct slice data, uint8_t ret[20]);
MUST_USE enum err hmac_sha256(struct slice key, struct slice data, struct sha256 *ret);
MUST_USE enum err hmac_sha384(struct slice key, struct slice data, uint8_t ret[48]);
/* RFC 5869. */
MUST_USE enum err hkdf_sha256_extract(struct slice salt, struct slice ikm, struct key *ret_prk);
MUST_USE enum err hkdf_sha256_expand(const struct key *prk, struct slice info, void *ret, size_t n);
MUST_USE enum err hkdf_sha256(struct slice salt, struct slice ikm, struct slice info, void *ret, size_t n);
MUST_USE enum err hkdf_sha512_expand(struct slice prk, struct slice info, void *ret, size_t n);
/* CRC-32 (IEEE, as in ZIP), running: start with 0. Not a secret, not a MAC. */
uint32_t crc32_add(uint32_t crc, const void *p, size_t n);
/* CRC of A||B from crc(A), crc(B) and len(B). */
uint32_t crc32_join(uint32_t crc_a, uint32_t crc_b, uint64_t len_b);

#endif
