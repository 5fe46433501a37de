/* The OpenSSL objects of the layer: fetched once, shared read-only by all threads. Not here: what is done with them. */
#include "crypto/evp.h"

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/params.h>
#include <pthread.h>
#include <sodium.h>

#include "base/mem.h"
#include "crypto/crypto.h"

static pthread_once_t once = PTHREAD_ONCE_INIT;
static struct evp shared;
static bool ready;

/* A template with the digest already resolved: duplicating it takes neither a fetch nor a lock. OpenSSL 3.0 can only duplicate a
 * keyed one, hence the key of zeros, which every use replaces. */
static EVP_MAC_CTX *hmac_template(EVP_MAC *hmac, const char *digest)
{
    static const unsigned char zeros[HMAC_BYTES_MAX];
    char name[16];
    snprintf(name, sizeof name, "%s", digest);
    const OSSL_PARAM params[] = {OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, name, 0),
                                 OSSL_PARAM_construct_end()};
    EVP_MAC_CTX *ctx = EVP_MAC_CTX_new(hmac);
    if (ctx && EVP_MAC_init(ctx, zeros, sizeof zeros, params) == 1) return ctx;
    EVP_MAC_CTX_free(ctx);
    return NULL;
}

static void fetch_all(void)
{
    EVP_MAC *hmac = EVP_MAC_fetch(NULL, "HMAC", NULL);
    shared.aes_256_gcm = EVP_CIPHER_fetch(NULL, "AES-256-GCM", NULL);
    shared.sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
    if (hmac) {
        shared.hmac_sha1 = hmac_template(hmac, "SHA1");
        shared.hmac_sha256 = hmac_template(hmac, "SHA256");
        shared.hmac_sha384 = hmac_template(hmac, "SHA384");
        shared.hmac_sha512 = hmac_template(hmac, "SHA512");
    }
    EVP_MAC_free(hmac);
    ready = sodium_init() >= 0 && shared.aes_256_gcm && shared.sha256 && shared.hmac_sha1 &&
            shared.hmac_sha256 && shared.hmac_sha384 && shared.hmac_sha512;
}

enum err crypto_setup(void)
{
    pthread_once(&once, fetch_all);
    return ready ? ERR_OK : evp_failed();
}

enum err evp_get(const struct evp **ret)
{
    TRY(crypto_setup());
    *ret = &shared;
    return ERR_OK;
}

enum err evp_failed(void)
{
    ERR_clear_error();
    return ERR_CRYPTO;
}

static void mac_ctx_done(EVP_MAC_CTX **ctx) { EVP_MAC_CTX_free(*ctx); }

enum err evp_hmac(const EVP_MAC_CTX *keyed, struct slice key, const struct slice *parts, size_t n, uint8_t *ret,
                  size_t ret_bytes)
{
    unsigned char out[HMAC_BYTES_MAX];
    size_t len = 0;
    CLEANUP(mac_ctx_done) EVP_MAC_CTX *ctx = EVP_MAC_CTX_dup(keyed);
    if (!ctx || EVP_MAC_init(ctx, slice_u8(key), key.len, NULL) != 1) return evp_failed();
    for (size_t i = 0; i < n; i++)
        if (EVP_MAC_update(ctx, slice_u8(parts[i]), parts[i].len) != 1) return evp_failed();
    if (EVP_MAC_final(ctx, out, &len, sizeof out) != 1 || len != ret_bytes) return evp_failed();
    memcpy(ret, out, ret_bytes);
    mem_wipe(out, sizeof out);
    return ERR_OK;
}
