/* Verifying RS256 and ES256 with OpenSSL. */
#include "crypto/jws.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ecdsa.h>
#include <openssl/param_build.h>

#include "crypto/evp.h"

#define RSA_BYTES_MIN 256
#define RSA_BYTES_MAX 1024
#define COORDINATE_BYTES 32
#define DER_BYTES_MAX 128

static void bn_done(BIGNUM **b) { BN_free(*b); }
static void bld_done(OSSL_PARAM_BLD **b) { OSSL_PARAM_BLD_free(*b); }
static void params_done(OSSL_PARAM **p) { OSSL_PARAM_free(*p); }
static void pkey_done(EVP_PKEY **k) { EVP_PKEY_free(*k); }
static void pctx_done(EVP_PKEY_CTX **c) { EVP_PKEY_CTX_free(*c); }
static void md_done(EVP_MD_CTX **c) { EVP_MD_CTX_free(*c); }
static void sig_done(ECDSA_SIG **s) { ECDSA_SIG_free(*s); }

static enum err denied(void)
{
    err_ignore(evp_failed(), "empties the queue; the answer is ours");
    return ERR_DENIED;
}

static enum err key_from(const char *type, OSSL_PARAM_BLD *bld, EVP_PKEY **ret)
{
    CLEANUP(params_done) OSSL_PARAM *params = OSSL_PARAM_BLD_to_param(bld);
    CLEANUP(pctx_done) EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, type, NULL);
    if (!params || !ctx) return evp_failed();
    if (EVP_PKEY_fromdata_init(ctx) != 1) return evp_failed();
    if (EVP_PKEY_fromdata(ctx, ret, EVP_PKEY_PUBLIC_KEY, params) != 1) return denied();
    return ERR_OK;
}

static enum err rsa_key(const struct jws_key *k, EVP_PKEY **ret)
{
    CLEANUP(bn_done) BIGNUM *n = NULL;
    CLEANUP(bn_done) BIGNUM *e = NULL;
    CLEANUP(bld_done) OSSL_PARAM_BLD *bld = NULL;
    if (k->n.len > RSA_BYTES_MAX || k->e.len == 0 || k->e.len > 8) return ERR_DENIED;
    n = BN_bin2bn(slice_u8(k->n), (int)k->n.len, NULL);
    e = BN_bin2bn(slice_u8(k->e), (int)k->e.len, NULL);
    bld = OSSL_PARAM_BLD_new();
    if (!n || !e || !bld) return evp_failed();
    if (BN_num_bits(n) < RSA_BYTES_MIN * 8 - 7 || !BN_is_odd(n) || !BN_is_odd(e) || BN_is_one(e)) return ERR_DENIED;
    if (OSSL_PARAM_BLD_push_BN(bld, OSSL_PKEY_PARAM_RSA_N, n) != 1 || OSSL_PARAM_BLD_push_BN(bld, OSSL_PKEY_PARAM_RSA_E, e) != 1)
        return evp_failed();
    return key_from("RSA", bld, ret);
}

static enum err ec_key(const struct jws_key *k, EVP_PKEY **ret)
{
    CLEANUP(bld_done) OSSL_PARAM_BLD *bld = NULL;
    unsigned char point[1 + 2 * COORDINATE_BYTES] = {POINT_CONVERSION_UNCOMPRESSED};
    if (k->x.len != COORDINATE_BYTES || k->y.len != COORDINATE_BYTES) return ERR_DENIED;
    memcpy(point + 1, k->x.ptr, COORDINATE_BYTES);
    memcpy(point + 1 + COORDINATE_BYTES, k->y.ptr, COORDINATE_BYTES);
    bld = OSSL_PARAM_BLD_new();
    if (!bld || OSSL_PARAM_BLD_push_utf8_string(bld, OSSL_PKEY_PARAM_GROUP_NAME, "P-256", 0) != 1 ||
        OSSL_PARAM_BLD_push_octet_string(bld, OSSL_PKEY_PARAM_PUB_KEY, point, sizeof point) != 1)
        return evp_failed();
    return key_from("EC", bld, ret);
}

/* r || s to the DER that OpenSSL verifies. */
static enum err to_der(struct slice sig, unsigned char der[DER_BYTES_MAX], size_t *ret_len)
{
    CLEANUP(sig_done) ECDSA_SIG *s = NULL;
    CLEANUP(bn_done) BIGNUM *r_part = NULL;
    CLEANUP(bn_done) BIGNUM *s_part = NULL;
    if (sig.len != 2 * COORDINATE_BYTES) return ERR_DENIED;
    r_part = BN_bin2bn(slice_u8(sig), COORDINATE_BYTES, NULL);
    s_part = BN_bin2bn(slice_u8(sig) + COORDINATE_BYTES, COORDINATE_BYTES, NULL);
    s = ECDSA_SIG_new();
    if (!r_part || !s_part || !s || ECDSA_SIG_set0(s, r_part, s_part) != 1) return evp_failed();
    r_part = s_part = NULL; /* s owns them now */
    int n = i2d_ECDSA_SIG(s, NULL);
    if (n <= 0 || n > DER_BYTES_MAX) return evp_failed();
    unsigned char *at = der;
    *ret_len = (size_t)i2d_ECDSA_SIG(s, &at);
    return ERR_OK;
}

enum err jws_verify(const struct jws_key *key, struct slice signed_text, struct slice signature)
{
    CLEANUP(pkey_done) EVP_PKEY *pkey = NULL;
    CLEANUP(md_done) EVP_MD_CTX *md = NULL;
    unsigned char der[DER_BYTES_MAX];
    size_t der_len = 0;
    const struct evp *evp;
    TRY(evp_get(&evp));
    TRY(key->alg == JWS_RS256 ? rsa_key(key, &pkey) : ec_key(key, &pkey));
    if (key->alg == JWS_ES256) {
        TRY(to_der(signature, der, &der_len));
        signature = slice_of(der, der_len);
    }
    md = EVP_MD_CTX_new();
    if (!md || EVP_DigestVerifyInit(md, NULL, evp->sha256, NULL, pkey) != 1) return evp_failed();
    if (EVP_DigestVerify(md, slice_u8(signature), signature.len, slice_u8(signed_text), signed_text.len) != 1) return denied();
    return ERR_OK;
}
