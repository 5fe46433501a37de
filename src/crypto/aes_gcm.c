/* The AEAD calls of OpenSSL, in one place. Nonces are the caller's business. */
#include "crypto/aes_gcm.h"

#include <limits.h>
#include <openssl/err.h>

enum err aes_gcm_key(EVP_CIPHER_CTX *ctx, const struct key *key, bool encrypt)
{
    const struct evp *evp = NULL;
    TRY(evp_get(&evp));
    if (EVP_CipherInit_ex2(ctx, evp->aes_256_gcm, key->b, NULL, encrypt, NULL) != 1) return evp_failed();
    return ERR_OK;
}

static bool start(EVP_CIPHER_CTX *ctx, const uint8_t *nonce, struct slice aad)
{
    int n = 0;
    return EVP_CipherInit_ex2(ctx, NULL, NULL, nonce, -1, NULL) == 1 &&
           (!aad.len || EVP_CipherUpdate(ctx, NULL, &n, slice_u8(aad), (int)aad.len) == 1);
}

enum err aes_gcm_encrypt(EVP_CIPHER_CTX *ctx, const uint8_t nonce[AES_GCM_NONCE], struct slice aad, const void *p, size_t n,
                         void *out)
{
    unsigned char *text = out;
    int got = 0, rest = 0;
    if (n > INT_MAX || aad.len > INT_MAX) return ERR_TOO_LARGE;
    if (!start(ctx, nonce, aad)) return evp_failed();
    if (n && EVP_CipherUpdate(ctx, text, &got, p, (int)n) != 1) return evp_failed();
    if ((size_t)got != n || EVP_CipherFinal_ex(ctx, text + n, &rest) != 1 || rest != 0) return evp_failed();
    if (EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_GET_TAG, AES_GCM_TAG, text + n) != 1) return evp_failed();
    return ERR_OK;
}

enum err aes_gcm_decrypt(EVP_CIPHER_CTX *ctx, const uint8_t nonce[AES_GCM_NONCE], struct slice aad, const void *p, size_t n,
                         void *out)
{
    unsigned char tag[AES_GCM_TAG], end[1], *text = out;
    const unsigned char *in = p;
    int got = 0, rest = 0;
    if (n > INT_MAX || aad.len > INT_MAX) return ERR_TOO_LARGE;
    if (n < AES_GCM_TAG) return ERR_CORRUPT;
    n -= AES_GCM_TAG;
    memcpy(tag, in + n, sizeof tag);
    if (!start(ctx, nonce, aad) || EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_TAG, AES_GCM_TAG, tag) != 1)
        return evp_failed();
    if (n && (EVP_CipherUpdate(ctx, text, &got, in, (int)n) != 1 || (size_t)got != n)) {
        mem_wipe(text, n);
        return evp_failed();
    }
    if (EVP_CipherFinal_ex(ctx, end, &rest) == 1) return ERR_OK;
    mem_wipe(text, n);
    ERR_clear_error();
    return ERR_CORRUPT;
}
