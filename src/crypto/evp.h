/* Inside crypto/ only: the OpenSSL objects of the layer, fetched once (a fetch takes a process-wide lock), and one multi-part
 * HMAC on them. */
#ifndef SEALDROP_CRYPTO_EVP_H
#define SEALDROP_CRYPTO_EVP_H

#include <openssl/evp.h>

#include "base/slice.h"

#define HMAC_BYTES_MAX 64

struct evp {
    EVP_CIPHER *aes_256_gcm;
    EVP_MD *sha256;
    EVP_MAC_CTX *hmac_sha1; /* TOTP asks for it */
    EVP_MAC_CTX *hmac_sha256; /* keyed with zeros; only ever duplicated */
    EVP_MAC_CTX *hmac_sha384;
    EVP_MAC_CTX *hmac_sha512;
};

MUST_USE enum err evp_get(const struct evp **ret);
/* Empties this thread's OpenSSL error queue, which TLS code reads, and returns ERR_CRYPTO. */
MUST_USE enum err evp_failed(void);
/* HMAC of the concatenation of n parts; writes exactly ret_bytes, the size of the hash behind `keyed`. */
MUST_USE enum err evp_hmac(const EVP_MAC_CTX *keyed, struct slice key, const struct slice *parts, size_t n, uint8_t *ret,
                           size_t ret_bytes);
/* The bytes of a slice as OpenSSL and libsodium want them: never NULL. */
static inline const unsigned char *slice_u8(struct slice s)
{
    return (const unsigned char *)(s.ptr ? s.ptr : "");
}

#endif
