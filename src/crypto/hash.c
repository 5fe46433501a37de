/* Hashes, MACs, key derivation and CRC: thin, checked uses of OpenSSL, libdeflate and zlib. HKDF is RFC 5869 written over HMAC, because
 * OpenSSL's own looks its digest up by name, under a lock, at each call. */
#include "crypto/hash.h"

#include <libdeflate.h>
#include <zlib.h>

#include "base/intmath.h"
#include "crypto/evp.h"

enum err sha256(struct slice data, struct sha256 *ret)
{
    const struct evp *evp = NULL;
    struct sha256 out;
    TRY(evp_get(&evp));
    if (EVP_Digest(slice_u8(data), data.len, out.b, NULL, evp->sha256, NULL) != 1) return evp_failed();
    *ret = out;
    return ERR_OK;
}

bool sha256_equal(const struct sha256 *a, const struct sha256 *b) { return mem_equal_ct(a->b, b->b, sizeof a->b); }

struct hasher {
    EVP_MD_CTX *ctx;
};

enum err hasher_new(struct hasher **ret)
{
    const struct evp *evp = NULL;
    TRY(evp_get(&evp));
    CLEANUP(hasher_cleanup) struct hasher *h = MEM_NEW(struct hasher);
    if (!h) return ERR_NOMEM;
    h->ctx = EVP_MD_CTX_new();
    if (!h->ctx || EVP_DigestInit_ex2(h->ctx, evp->sha256, NULL) != 1) return evp_failed();
    *ret = TAKE(h);
    return ERR_OK;
}

enum err hasher_add(struct hasher *h, const void *p, size_t n)
{
    return EVP_DigestUpdate(h->ctx, p, n) == 1 ? ERR_OK : evp_failed();
}

static void md_ctx_done(EVP_MD_CTX **ctx) { EVP_MD_CTX_free(*ctx); }

enum err hasher_sum(const struct hasher *h, struct sha256 *ret)
{
    struct sha256 out;
    CLEANUP(md_ctx_done) EVP_MD_CTX *copy = EVP_MD_CTX_new();
    if (!copy || EVP_MD_CTX_copy_ex(copy, h->ctx) != 1 || EVP_DigestFinal_ex(copy, out.b, NULL) != 1)
        return evp_failed();
    *ret = out;
    return ERR_OK;
}

void hasher_free(struct hasher *h)
{
    if (!h) return;
    EVP_MD_CTX_free(h->ctx);
    mem_free(h);
}

void hasher_cleanup(struct hasher **h) { hasher_free(*h); }

enum err hmac_sha1(struct slice key, struct slice data, uint8_t ret[20])
{
    const struct evp *evp = NULL;
    TRY(evp_get(&evp));
    return evp_hmac(evp->hmac_sha1, key, &data, 1, ret, 20);
}

enum err hmac_sha256(struct slice key, struct slice data, struct sha256 *ret)
{
    const struct evp *evp = NULL;
    TRY(evp_get(&evp));
    return evp_hmac(evp->hmac_sha256, key, &data, 1, ret->b, sizeof ret->b);
}

enum err hmac_sha384(struct slice key, struct slice data, uint8_t ret[48])
{
    const struct evp *evp = NULL;
    TRY(evp_get(&evp));
    return evp_hmac(evp->hmac_sha384, key, &data, 1, ret, 48);
}

/* T(i) = HMAC(prk, T(i-1) || info || i), concatenated and cut to n. */
static enum err expand(const EVP_MAC_CTX *keyed, size_t hash_bytes, struct slice prk, struct slice info, uint8_t *ret,
                       size_t n)
{
    uint8_t block[HMAC_BYTES_MAX], counter = 0;
    size_t prev = 0;
    enum err e = ERR_OK;
    if (n > 255 * hash_bytes) return ERR_TOO_LARGE;
    for (size_t done = 0; e == ERR_OK && done < n; done += MIN(hash_bytes, n - done)) {
        counter++;
        const struct slice parts[] = {slice_of(block, prev), info, slice_of(&counter, 1)};
        e = evp_hmac(keyed, prk, parts, ARRAY_LEN(parts), block, hash_bytes);
        if (e == ERR_OK) memcpy(ret + done, block, MIN(hash_bytes, n - done));
        prev = hash_bytes;
    }
    mem_wipe(block, sizeof block);
    if (e != ERR_OK) mem_wipe(ret, n);
    return e;
}

enum err hkdf_sha256_extract(struct slice salt, struct slice ikm, struct key *ret_prk)
{
    /* No salt means 32 zeros (RFC 5869, 2.2); HMAC pads an empty key to just that. */
    const struct evp *evp = NULL;
    TRY(evp_get(&evp));
    return evp_hmac(evp->hmac_sha256, salt, &ikm, 1, ret_prk->b, sizeof ret_prk->b);
}

enum err hkdf_sha256_expand(const struct key *prk, struct slice info, void *ret, size_t n)
{
    const struct evp *evp = NULL;
    TRY(evp_get(&evp));
    return expand(evp->hmac_sha256, SHA256_BYTES, slice_of(prk->b, sizeof prk->b), info, ret, n);
}

enum err hkdf_sha256(struct slice salt, struct slice ikm, struct slice info, void *ret, size_t n)
{
    CLEANUP(key_done) struct key prk;
    TRY(hkdf_sha256_extract(salt, ikm, &prk));
    return hkdf_sha256_expand(&prk, info, ret, n);
}

enum err hkdf_sha512_expand(struct slice prk, struct slice info, void *ret, size_t n)
{
    const struct evp *evp = NULL;
    TRY(evp_get(&evp));
    return expand(evp->hmac_sha512, 64, prk, info, ret, n);
}

uint32_t crc32_add(uint32_t crc, const void *p, size_t n)
{
    /* NULL would be taken as "give me the first value". */
    return p ? libdeflate_crc32(crc, p, n) : crc;
}

uint32_t crc32_join(uint32_t crc_a, uint32_t crc_b, uint64_t len_b)
{
    return (uint32_t)crc32_combine64(crc_a, crc_b, (z_off64_t)len_b);
}
