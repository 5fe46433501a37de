/* Checksums of upload protocols over OpenSSL's digests and the CRC of hash.h. */
#include "crypto/checksum.h"

#include "base/mem.h"
#include "crypto/evp.h"
#include "crypto/hash.h"

struct checksummer {
    enum checksum_alg alg;
    uint32_t crc;
    EVP_MD_CTX *md; /* NULL: the CRC */
};

size_t checksum_bytes(enum checksum_alg alg)
{
    static const size_t bytes[] = {[CHECKSUM_CRC32] = 4, [CHECKSUM_SHA1] = 20, [CHECKSUM_SHA256] = 32, [CHECKSUM_SHA512] = 64};
    return bytes[alg];
}

bool checksum_equal(const struct checksum *a, const struct checksum *b)
{
    return a->alg == b->alg && mem_equal_ct(a->b, b->b, checksum_bytes(a->alg));
}

void checksummer_free(struct checksummer *s)
{
    if (!s) return;
    EVP_MD_CTX_free(s->md);
    mem_free(s);
}

static enum err start(struct checksummer *s)
{
    const EVP_MD *md = s->alg == CHECKSUM_SHA1 ? EVP_sha1() : s->alg == CHECKSUM_SHA256 ? EVP_sha256() : EVP_sha512();
    if (s->alg == CHECKSUM_CRC32) return ERR_OK;
    s->md = EVP_MD_CTX_new();
    return s->md && EVP_DigestInit_ex(s->md, md, NULL) == 1 ? ERR_OK : evp_failed();
}

enum err checksummer_new(enum checksum_alg alg, struct checksummer **ret)
{
    struct checksummer *s = MEM_NEW(struct checksummer);
    if (!s) return ERR_NOMEM;
    s->alg = alg;
    enum err e = start(s);
    if (e != ERR_OK) {
        checksummer_free(s);
        return e;
    }
    *ret = s;
    return ERR_OK;
}

enum err checksummer_add(struct checksummer *s, const void *p, size_t n)
{
    if (s->md) return EVP_DigestUpdate(s->md, p, n) == 1 ? ERR_OK : evp_failed();
    s->crc = crc32_add(s->crc, p, n);
    return ERR_OK;
}

enum err checksummer_end(struct checksummer *s, struct checksum *ret)
{
    struct checksum out = {.alg = s->alg};
    if (s->md && EVP_DigestFinal_ex(s->md, out.b, NULL) != 1) return evp_failed();
    for (size_t i = 0; !s->md && i < 4; i++) out.b[i] = (uint8_t)(s->crc >> (24 - 8 * i));
    *ret = out;
    return ERR_OK;
}
