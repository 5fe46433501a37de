/* Self-signed server certificates (X.509 v3 through OpenSSL), and what people want to know of a certificate: fingerprint, days. */
#include "crypto/cert.h"

#include <arpa/inet.h>
#include <limits.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "base/intmath.h"
#include "base/mem.h"
#include "crypto/crypto.h"
#include "crypto/evp.h"
#include "crypto/hash.h"
#include "os/clock.h"

#define DAY_S 86400
#define VALID_DAYS 825 /* more, and some clients refuse */
#define SERIAL_BYTES 16
#define COMMON_NAME_MAX 64 /* X.520 ub-common-name */
#define NAME_MAX_BYTES 253

#define OPENSSL_CLEANUP(type, fn)                                                                  \
    static void fn##_cleanup(type **p)                                                             \
    {                                                                                              \
        fn(*p);                                                                                    \
    }
OPENSSL_CLEANUP(X509, X509_free)
OPENSSL_CLEANUP(EVP_PKEY, EVP_PKEY_free)
OPENSSL_CLEANUP(BIO, BIO_free_all)
OPENSSL_CLEANUP(GENERAL_NAMES, GENERAL_NAMES_free)
OPENSSL_CLEANUP(GENERAL_NAME, GENERAL_NAME_free)
OPENSSL_CLEANUP(ASN1_OCTET_STRING, ASN1_OCTET_STRING_free)
OPENSSL_CLEANUP(ASN1_IA5STRING, ASN1_IA5STRING_free)
OPENSSL_CLEANUP(ASN1_TIME, ASN1_TIME_free)
OPENSSL_CLEANUP(BIGNUM, BN_free)

static enum err done_if(bool good) { return good ? ERR_OK : evp_failed(); }

/* Letters, digits, '-', '.', '_', and '*' as a first label: what a host name can be made of. */
static bool dns_name_valid(struct slice name)
{
    if (name.len == 0 || name.len > NAME_MAX_BYTES) return false;
    if (slice_starts(name, SLICE("*."))) name = slice_sub(name, 2, name.len);
    for (size_t i = 0; i < name.len; i++) {
        char c = name.ptr[i];
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
        if (!letter && (i == 0 || (c != '-' && c != '.') || (c == '.' && name.ptr[i - 1] == '.'))) return false;
    }
    return name.len > 0;
}

static enum err add_ip(GENERAL_NAME *san, const unsigned char *address, int n)
{
    CLEANUP(ASN1_OCTET_STRING_free_cleanup) ASN1_OCTET_STRING *ip = ASN1_OCTET_STRING_new();
    if (!ip || ASN1_OCTET_STRING_set(ip, address, n) != 1) return evp_failed();
    GENERAL_NAME_set0_value(san, GEN_IPADD, TAKE(ip));
    return ERR_OK;
}

static enum err add_dns(GENERAL_NAME *san, struct slice name)
{
    CLEANUP(ASN1_IA5STRING_free_cleanup) ASN1_IA5STRING *text = ASN1_IA5STRING_new();
    if (!text || ASN1_STRING_set(text, name.ptr, (int)name.len) != 1) return evp_failed();
    GENERAL_NAME_set0_value(san, GEN_DNS, TAKE(text));
    return ERR_OK;
}

static enum err add_name(GENERAL_NAMES *names, struct slice name)
{
    CLEANUP(GENERAL_NAME_free_cleanup) GENERAL_NAME *san = GENERAL_NAME_new();
    char text[NAME_MAX_BYTES + 1];
    unsigned char address[16];
    if (!san) return evp_failed();
    if (name.len > NAME_MAX_BYTES) return ERR_INVALID;
    if (name.len) memcpy(text, name.ptr, name.len);
    text[name.len] = '\0';
    if (inet_pton(AF_INET, text, address) == 1)
        TRY(add_ip(san, address, 4));
    else if (inet_pton(AF_INET6, text, address) == 1)
        TRY(add_ip(san, address, 16));
    else if (dns_name_valid(name))
        TRY(add_dns(san, name));
    else
        return ERR_INVALID;
    if (sk_GENERAL_NAME_push(names, san) <= 0) return evp_failed();
    san = NULL;
    return ERR_OK;
}

static enum err set_alt_names(X509 *cert, const struct slice *names, size_t n)
{
    CLEANUP(GENERAL_NAMES_free_cleanup) GENERAL_NAMES *all = GENERAL_NAMES_new();
    if (!all) return evp_failed();
    for (size_t i = 0; i < n; i++) TRY(add_name(all, names[i]));
    return done_if(X509_add1_ext_i2d(cert, NID_subject_alt_name, all, 0, X509V3_ADD_DEFAULT) == 1);
}

static enum err set_extensions(X509 *cert)
{
    static const struct {
        int nid;
        const char *value;
    } rows[] = {
        {NID_basic_constraints, "critical,CA:FALSE"},
        {NID_key_usage, "critical,digitalSignature"},
        {NID_ext_key_usage, "serverAuth"},
        {NID_subject_key_identifier, "hash"},
    };
    X509V3_CTX ctx;
    X509V3_set_ctx_nodb(&ctx);
    X509V3_set_ctx(&ctx, cert, cert, NULL, NULL, 0);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        X509_EXTENSION *ext = X509V3_EXT_conf_nid(NULL, &ctx, rows[i].nid, rows[i].value);
        bool added = ext && X509_add_ext(cert, ext, -1) == 1;
        X509_EXTENSION_free(ext);
        if (!added) return evp_failed();
    }
    return ERR_OK;
}

static enum err set_serial(X509 *cert)
{
    unsigned char bytes[SERIAL_BYTES];
    TRY(os_random(bytes, sizeof bytes));
    bytes[0] = (unsigned char)((bytes[0] & 0x7f) | 0x40); /* positive, and always of the same length */
    CLEANUP(BN_free_cleanup) BIGNUM *n = BN_bin2bn(bytes, sizeof bytes, NULL);
    return done_if(n && BN_to_ASN1_INTEGER(n, X509_get_serialNumber(cert)) != NULL);
}

static enum err set_subject(X509 *cert, struct slice first)
{
    X509_NAME *name = X509_get_subject_name(cert);
    /* A longer host name cannot be a common name; clients read subjectAltName anyway. */
    if (first.len > COMMON_NAME_MAX) first = SLICE("sealdrop");
    return done_if(X509_NAME_add_entry_by_NID(name, NID_commonName, MBSTRING_UTF8, slice_u8(first), (int)first.len, -1, 0) == 1 &&
                   X509_set_issuer_name(cert, name) == 1);
}

static enum err set_times(X509 *cert, int64_t now_ms)
{
    int64_t from = now_ms / 1000 - DAY_S; /* clocks of clients differ */
    return done_if(ASN1_TIME_set(X509_getm_notBefore(cert), from) &&
                   ASN1_TIME_set(X509_getm_notAfter(cert), from + (int64_t)VALID_DAYS * DAY_S));
}

static enum err bio_take(BIO *bio, struct buf *ret)
{
    const char *text = NULL;
    long n = BIO_get_mem_data(bio, &text);
    return n > 0 ? buf_put(ret, slice_of(text, (size_t)n)) : evp_failed();
}

static enum err write_pems(X509 *cert, EVP_PKEY *key, struct buf *ret_cert_pem, struct buf *ret_key_pem)
{
    CLEANUP(BIO_free_all_cleanup) BIO *cert_bio = BIO_new(BIO_s_mem());
    CLEANUP(BIO_free_all_cleanup) BIO *key_bio = BIO_new(BIO_s_mem()); /* wiped when freed */
    size_t before = ret_cert_pem->len;
    if (!cert_bio || !key_bio || PEM_write_bio_X509(cert_bio, cert) != 1 ||
        PEM_write_bio_PKCS8PrivateKey(key_bio, key, NULL, NULL, 0, NULL, NULL) != 1)
        return evp_failed();
    TRY(bio_take(cert_bio, ret_cert_pem));
    enum err e = bio_take(key_bio, ret_key_pem);
    if (e != ERR_OK) ret_cert_pem->len = before;
    return e;
}

enum err cert_self_signed(const struct slice *names, size_t n, int64_t now_ms, struct buf *ret_cert_pem,
                          struct buf *ret_key_pem)
{
    const struct evp *evp = NULL;
    if (n == 0) return ERR_INVALID;
    TRY(evp_get(&evp));
    CLEANUP(EVP_PKEY_free_cleanup) EVP_PKEY *key = EVP_EC_gen("P-256");
    CLEANUP(X509_free_cleanup) X509 *cert = X509_new();
    if (!key || !cert || X509_set_version(cert, X509_VERSION_3) != 1 || X509_set_pubkey(cert, key) != 1)
        return evp_failed();
    TRY(set_serial(cert));
    TRY(set_times(cert, now_ms));
    TRY(set_alt_names(cert, names, n)); /* checks the names */
    TRY(set_subject(cert, names[0]));
    TRY(set_extensions(cert));
    if (X509_sign(cert, key, evp->sha256) <= 0) return evp_failed();
    return write_pems(cert, key, ret_cert_pem, ret_key_pem);
}

static enum err read_pem(struct slice pem, X509 **ret)
{
    TRY(crypto_setup());
    if (pem.len > INT_MAX) return ERR_INVALID;
    CLEANUP(BIO_free_all_cleanup) BIO *bio = BIO_new_mem_buf(slice_u8(pem), (int)pem.len);
    if (!bio) return evp_failed();
    X509 *cert = PEM_read_bio_X509(bio, NULL, NULL, NULL);
    if (!cert) {
        ERR_clear_error();
        return ERR_INVALID;
    }
    *ret = cert;
    return ERR_OK;
}

enum err cert_fingerprint(struct slice pem, char ret[65])
{
    static const char digits[] = "0123456789abcdef";
    const struct evp *evp = NULL;
    unsigned char hash[SHA256_BYTES];
    CLEANUP(X509_free_cleanup) X509 *cert = NULL;
    TRY(evp_get(&evp));
    TRY(read_pem(pem, &cert));
    if (X509_digest(cert, evp->sha256, hash, NULL) != 1) return evp_failed();
    for (size_t i = 0; i < sizeof hash; i++) {
        ret[2 * i] = digits[hash[i] >> 4];
        ret[2 * i + 1] = digits[hash[i] & 15];
    }
    ret[64] = '\0';
    return ERR_OK;
}

enum err cert_days_left(struct slice pem, int64_t now_ms, int64_t *ret)
{
    CLEANUP(X509_free_cleanup) X509 *cert = NULL;
    int days = 0, seconds = 0;
    TRY(read_pem(pem, &cert));
    CLEANUP(ASN1_TIME_free_cleanup) ASN1_TIME *now = ASN1_TIME_set(NULL, now_ms / 1000);
    if (!now || ASN1_TIME_diff(&days, &seconds, now, X509_get0_notAfter(cert)) != 1) return evp_failed();
    /* Both have the sign of the difference: a certificate that ended an hour ago has -1 days left, not 0. */
    *ret = seconds < 0 ? days - 1 : days;
    return ERR_OK;
}
