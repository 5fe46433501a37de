/* Inside crypto/ only: AES-256-GCM with a 96-bit nonce and a 128-bit tag on a reusable context. Everybody else uses seal.h. */
#ifndef SEALDROP_CRYPTO_AES_GCM_H
#define SEALDROP_CRYPTO_AES_GCM_H

#include "base/key.h"
#include "crypto/evp.h"

#define AES_GCM_NONCE 12
#define AES_GCM_TAG 16

/* `ctx` gets the key schedule for one direction; afterwards each message costs a nonce only. */
MUST_USE enum err aes_gcm_key(EVP_CIPHER_CTX *ctx, const struct key *key, bool encrypt);
/* Writes n + AES_GCM_TAG bytes; `out` may equal `p`. n <= INT_MAX. */
MUST_USE enum err aes_gcm_encrypt(EVP_CIPHER_CTX *ctx, const uint8_t nonce[AES_GCM_NONCE], struct slice aad,
                                  const void *p, size_t n, void *out);
/* Takes n = text + tag bytes, writes n - AES_GCM_TAG; `out` may equal `p`. ERR_CORRUPT: does not verify, `out` is wiped. */
MUST_USE enum err aes_gcm_decrypt(EVP_CIPHER_CTX *ctx, const uint8_t nonce[AES_GCM_NONCE], struct slice aad,
                                  const void *p, size_t n, void *out);

static inline void cipher_ctx_done(EVP_CIPHER_CTX **ctx)
{
    EVP_CIPHER_CTX_free(*ctx);
}

#endif
