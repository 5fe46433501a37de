/* cert: what is written is read back by OpenSSL, field by field; bad names and bad PEM are refused. */
#include "crypto/cert.h"

#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "base/intmath.h"
#include "crypto/hash.h"
#include "crypto/vector_util.h"
#include "lib/test.h"

#define NOW_MS 1800000000000ll
#define DAY_MS 86400000ll

static void x509_done(X509 **x) { X509_free(*x); }
static void pkey_done(EVP_PKEY **k) { EVP_PKEY_free(*k); }

static enum err make(const struct slice *names, size_t n, struct buf *cert, struct buf *key)
{
    buf_init(cert, 8192);
    buf_init(key, 8192);
    key->sensitive = true;
    return cert_self_signed(names, n, NOW_MS, cert, key);
}

static X509 *read_cert(const struct buf *pem)
{
    BIO *bio = BIO_new_mem_buf(pem->ptr, (int)pem->len);
    X509 *x = PEM_read_bio_X509(bio, NULL, NULL, NULL);
    BIO_free(bio);
    return x;
}

static EVP_PKEY *read_key(const struct buf *pem)
{
    BIO *bio = BIO_new_mem_buf(pem->ptr, (int)pem->len);
    EVP_PKEY *k = PEM_read_bio_PrivateKey(bio, NULL, NULL, NULL);
    BIO_free(bio);
    return k;
}

TEST(cert_has_what_it_should)
{
    CLEANUP(buf_done) struct buf cert = {0}, key = {0};
    const struct slice names[] = {SLICE("files.example.org"), SLICE("*.example.org"), SLICE("localhost"), SLICE("127.0.0.1"),
                                  SLICE("::1")};
    CHECK_OK(make(names, ARRAY_LEN(names), &cert, &key));
    CLEANUP(x509_done) X509 *x = read_cert(&cert);
    CLEANUP(pkey_done) EVP_PKEY *k = read_key(&key);
    CHECK(x && k);
    CHECK(X509_check_private_key(x, k) == 1 && X509_verify(x, k) == 1);
    CHECK(EVP_PKEY_get_base_id(k) == EVP_PKEY_EC && EVP_PKEY_get_bits(k) == 256);
    CHECK(X509_check_host(x, "files.example.org", 0, 0, NULL) == 1 && X509_check_host(x, "localhost", 0, 0, NULL) == 1);
    CHECK(X509_check_host(x, "other.example.org", 0, 0, NULL) == 1 && X509_check_host(x, "example.com", 0, 0, NULL) == 0);
    CHECK(X509_check_ip_asc(x, "127.0.0.1", 0) == 1 && X509_check_ip_asc(x, "::1", 0) == 1);
    CHECK(X509_check_ip_asc(x, "127.0.0.2", 0) == 0);
    CHECK(X509_check_purpose(x, X509_PURPOSE_SSL_SERVER, 0) == 1 && X509_check_purpose(x, X509_PURPOSE_SSL_CLIENT, 0) == 0);
    CHECK((X509_get_extension_flags(x) & (EXFLAG_BCONS | EXFLAG_CA | EXFLAG_CRITICAL)) == EXFLAG_BCONS);
    CHECK(X509_get_key_usage(x) == KU_DIGITAL_SIGNATURE && X509_get_extended_key_usage(x) == XKU_SSL_SERVER);
    CHECK(X509_get_version(x) == X509_VERSION_3);
    CHECK(ASN1_STRING_length(X509_get0_serialNumber(x)) == 16);
    char cn[80];
    CHECK(X509_NAME_get_text_by_NID(X509_get_subject_name(x), NID_commonName, cn, sizeof cn) > 0);
    CHECK_SLICE(slice_cstr(cn), SLICE("files.example.org"));
}

TEST(cert_days)
{
    CLEANUP(buf_done) struct buf cert = {0}, key = {0};
    const struct slice name = SLICE("localhost");
    int64_t days = 0;
    CHECK_OK(make(&name, 1, &cert, &key));
    const struct {
        int64_t at_ms, want;
    } rows[] = {{NOW_MS - DAY_MS, 825}, {NOW_MS, 824}, {NOW_MS + 1000, 823}, {NOW_MS + 823 * DAY_MS, 1},
                {NOW_MS + 824 * DAY_MS, 0}, {NOW_MS + 824 * DAY_MS + 1000, -1}, {NOW_MS + 826 * DAY_MS + 1000, -3}};
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        CHECK_OK(cert_days_left(buf_view(&cert), rows[i].at_ms, &days));
        CHECK(days == rows[i].want);
    }
}

TEST(cert_fingerprint_is_of_the_der)
{
    CLEANUP(buf_done) struct buf cert = {0}, key = {0};
    const struct slice name = SLICE("localhost");
    char print[65];
    struct sha256 hash;
    unsigned char *der = NULL;
    CHECK_OK(make(&name, 1, &cert, &key));
    CLEANUP(x509_done) X509 *x = read_cert(&cert);
    CHECK(x);
    int n = i2d_X509(x, &der);
    CHECK(n > 0);
    enum err e = sha256(slice_of(der, (size_t)n), &hash);
    OPENSSL_free(der);
    CHECK_OK(e);
    CHECK_OK(cert_fingerprint(buf_view(&cert), print));
    CHECK(strlen(print) == 64 && hex_equal(sha256_view(&hash), print));
    CHECK_OK(buf_put(&key, buf_view(&cert))); /* the first certificate, whatever stands before it */
    CHECK_OK(cert_fingerprint(buf_view(&key), print));
    CHECK(hex_equal(sha256_view(&hash), print));
}

TEST(cert_refuses_bad_names)
{
    char longest[300];
    memset(longest, 'a', sizeof longest);
    const struct slice bad[] = {SLICE(""), SLICE("a b"), SLICE("a\0b"), SLICE("a,b"), SLICE("DNS:x"), SLICE(".a"), SLICE("a..b"),
                                SLICE("-a"), SLICE("*"), SLICE("*."), SLICE("a.*.b"), SLICE("caf\xc3\xa9"), SLICE("1.2.3.4:5"),
                                slice_of(longest, 254)};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        CLEANUP(buf_done) struct buf cert = {0}, key = {0};
        const struct slice names[] = {SLICE("localhost"), bad[i]};
        CHECK_ERR(make(names, 2, &cert, &key), ERR_INVALID);
        CHECK_ERR(make(&bad[i], 1, &cert, &key), ERR_INVALID);
        CHECK(cert.len == 0 && key.len == 0);
    }
    CLEANUP(buf_done) struct buf cert = {0}, key = {0};
    CHECK_ERR(make(NULL, 0, &cert, &key), ERR_INVALID);
}

TEST(cert_long_name_and_small_buffer)
{
    CLEANUP(buf_done) struct buf cert = {0}, key = {0};
    char longer[100];
    memset(longer, 'a', sizeof longer);
    const struct slice name = slice_of(longer, sizeof longer);
    CHECK_OK(make(&name, 1, &cert, &key));
    CLEANUP(x509_done) X509 *x = read_cert(&cert);
    CHECK(x && X509_check_host(x, longer, sizeof longer, 0, NULL) == 1);
    CLEANUP(buf_done) struct buf small = BUF_INIT(16), other = BUF_INIT(8192);
    CHECK_ERR(cert_self_signed(&name, 1, NOW_MS, &small, &other), ERR_TOO_LARGE);
    CHECK_ERR(cert_self_signed(&name, 1, NOW_MS, &other, &small), ERR_TOO_LARGE);
    CHECK(small.len == 0 && other.len == 0);
}

TEST(cert_refuses_bad_pem)
{
    char print[65] = "untouched";
    int64_t days = 7;
    const struct slice bad[] = {SLICE(""), SLICE("hello"), SLICE("-----BEGIN CERTIFICATE-----\n"),
                                SLICE("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        CHECK_ERR(cert_fingerprint(bad[i], print), ERR_INVALID);
        CHECK_ERR(cert_days_left(bad[i], NOW_MS, &days), ERR_INVALID);
    }
    CHECK(days == 7 && slice_eq(slice_cstr(print), SLICE("untouched")));
}

static bool whole(const struct buf *cert, const struct buf *key)
{
    CLEANUP(x509_done) X509 *x = read_cert(cert);
    CLEANUP(pkey_done) EVP_PKEY *k = read_key(key);
    return x && k && X509_check_private_key(x, k) == 1 && X509_verify(x, k) == 1;
}

/* A loop of its own, for two reasons: OpenSSL does without some of the memory it asks for here, and then what it made must be whole
 * all the same; and it asks some thousand times, so that later faults are sampled. */
static void fail_allocations(bool for_ever)
{
    const struct slice name = SLICE("localhost");
    bool fired = true;
    for (uint64_t n = 0; fired; n += 1 + n / 16) {
        CLEANUP(buf_done) struct buf cert = {0}, key = {0};
        test_fail_alloc(n, for_ever);
        enum err e = make(&name, 1, &cert, &key);
        fired = test_alloc_fired();
        test_fail_alloc(UINT64_MAX, false);
        CHECK(e == ERR_OK || (fired && (e == ERR_NOMEM || e == ERR_CRYPTO)));
        CHECK(e == ERR_OK ? whole(&cert, &key) : cert.len == 0 && key.len == 0);
    }
}

TEST(cert_faults)
{
    CLEANUP(buf_done) struct buf cert = {0}, key = {0};
    const struct slice name = SLICE("localhost");
    CHECK_OK(make(&name, 1, &cert, &key)); /* OpenSSL starts: it crashes when that fails */
    fail_allocations(false);
    fail_allocations(true);
    buf_done(&cert);
    buf_done(&key);
    random_fail_from(0);
    enum err e = make(&name, 1, &cert, &key);
    random_restore();
    CHECK_ERR(e, ERR_CRYPTO);
}
