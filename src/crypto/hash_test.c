/* Hashes, MACs, HKDF against Wycheproof; CRC against its definition; running and one-shot forms against each other. */
#include "crypto/hash.h"

#include <sodium.h>

#include "base/intmath.h"
#include "crypto/checksum.h"
#include "crypto/vector_util.h"
#include "lib/test.h"

TEST(sha256_known)
{
    struct sha256 h;
    CHECK_OK(sha256(SLICE(""), &h));
    CHECK(hex_equal(sha256_view(&h), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"));
    CHECK_OK(sha256(SLICE("abc"), &h));
    CHECK(hex_equal(sha256_view(&h), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"));
}

TEST(checksums_known)
{
    static const struct {
        enum checksum_alg alg;
        const char *hex;
    } known[] = {
        {CHECKSUM_CRC32, "cbf43926"},
        {CHECKSUM_SHA1, "f7c3bc1d808e04732adf679965ccc34ca7ae3441"},
        {CHECKSUM_SHA256, "15e2b0d3c33891ebb0f1ef609ec419420c20e320ce94c65fbc8c3312448eb225"},
        {CHECKSUM_SHA512, "d9e6762dd1c8eaf6d61b3c6192fc408d4d6d5f1176d0c29169bc24e71c3f274a"
                          "d27fcd5811b313d681f7e55ec02d73d499c95455b6b5bb503acf574fba8ffe85"},
    };
    for (size_t i = 0; i < ARRAY_LEN(known); i++) {
        struct checksummer *s = NULL;
        struct checksum got, other;
        CHECK_OK(checksummer_new(known[i].alg, &s));
        CHECK_OK(checksummer_add(s, "12345", 5));
        CHECK_OK(checksummer_add(s, "6789", 4));
        CHECK_OK(checksummer_end(s, &got));
        checksummer_free(s);
        CHECK(hex_equal(slice_of(got.b, checksum_bytes(known[i].alg)), known[i].hex));
        other = got;
        CHECK(checksum_equal(&got, &other));
        other.b[checksum_bytes(known[i].alg) - 1] ^= 1;
        CHECK(!checksum_equal(&got, &other));
    }
}

TEST(sha256_equal_tells_each_bit)
{
    struct sha256 a, b;
    CHECK_OK(sha256(SLICE("abc"), &a));
    b = a;
    CHECK(sha256_equal(&a, &b));
    for (size_t i = 0; i < 256; i++) {
        b.b[i / 8] = (uint8_t)(b.b[i / 8] ^ (1u << i % 8));
        CHECK(!sha256_equal(&a, &b));
        b = a;
    }
}

TEST(hasher_sums_on_the_way)
{
    CLEANUP(hasher_cleanup) struct hasher *h = NULL;
    struct sha256 running, whole;
    const char text[] = "the quick brown fox";
    CHECK_OK(hasher_new(&h));
    for (size_t i = 0; i < sizeof text; i++) {
        CHECK_OK(hasher_sum(h, &running));
        CHECK_OK(sha256(slice_of(text, i), &whole));
        CHECK(sha256_equal(&running, &whole));
        CHECK_OK(hasher_add(h, text + i, 1));
    }
    hasher_free(NULL);
}

static enum err hasher_scenario(void)
{
    CLEANUP(hasher_cleanup) struct hasher *h = NULL;
    TRY(hasher_new(&h));
    return hasher_add(h, "x", 1);
}

TEST(hasher_alloc_faults) { CHECK(survives_alloc_faults(hasher_scenario)); }

TEST(wycheproof_hmac_sha256)
{
    CLEANUP(json_done) json_t *file = vectors_load("wycheproof/hmac_sha256_test.json");
    CLEANUP(buf_done) struct buf key = BUF_INIT(4096), msg = BUF_INIT(4096), tag = BUF_INIT(64);
    size_t gi, ti, ran = 0;
    json_t *group, *t;
    json_array_foreach(json_object_get(file, "testGroups"), gi, group)
        json_array_foreach(json_object_get(group, "tests"), ti, t)
    {
        struct sha256 got;
        vector_hex(t, "key", &key);
        vector_hex(t, "msg", &msg);
        vector_hex(t, "tag", &tag);
        CHECK_OK(hmac_sha256(buf_view(&key), buf_view(&msg), &got));
        bool equal = mem_equal_ct(got.b, tag.ptr, tag.len);
        CHECK(tag.len <= sizeof got.b && equal == slice_eq(slice_cstr(vector_text(t, "result")), SLICE("valid")));
        ran++;
    }
    CHECK_U64(ran, 174);
}

TEST(hmac_sha384_rfc4231)
{
    uint8_t mac[48];
    CHECK_OK(hmac_sha384(SLICE("Jefe"), SLICE("what do ya want for nothing?"), mac));
    CHECK(hex_equal(slice_of(mac, sizeof mac), "af45d2e376484031617f78d2b58a6b1b9c7ef464f5a01b47e42ec3736322445e"
                                               "8e2240ca5e69e2c78b3239ecfab21649"));
}

typedef enum err hkdf_fn(struct slice salt, struct slice ikm, struct slice info, void *ret, size_t n);

static void run_hkdf(const char *name, hkdf_fn *hkdf, size_t want_ran)
{
    CLEANUP(json_done) json_t *file = vectors_load(name);
    CLEANUP(buf_done) struct buf ikm = BUF_INIT(4096), salt = BUF_INIT(4096), info = BUF_INIT(4096);
    size_t gi, ti, ran = 0;
    json_t *group, *t;
    json_array_foreach(json_object_get(file, "testGroups"), gi, group)
        json_array_foreach(json_object_get(group, "tests"), ti, t)
    {
        static uint8_t out[20000];
        size_t n = (size_t)json_integer_value(json_object_get(t, "size"));
        vector_hex(t, "ikm", &ikm);
        vector_hex(t, "salt", &salt);
        vector_hex(t, "info", &info);
        CHECK(n <= sizeof out);
        bool valid = slice_eq(slice_cstr(vector_text(t, "result")), SLICE("valid"));
        CHECK_ERR(hkdf(buf_view(&salt), buf_view(&ikm), buf_view(&info), out, n), valid ? ERR_OK : ERR_TOO_LARGE);
        if (valid) CHECK(hex_equal(slice_of(out, n), vector_text(t, "okm")));
        ran++;
    }
    CHECK_U64(ran, want_ran);
}

/* The product only expands with SHA-512; the vectors want the extract step too, so it is done here with libsodium. */
static enum err hkdf_sha512(struct slice salt, struct slice ikm, struct slice info, void *ret, size_t n)
{
    uint8_t prk[64];
    crypto_auth_hmacsha512_state s;
    crypto_auth_hmacsha512_init(&s, (const unsigned char *)salt.ptr, salt.len);
    crypto_auth_hmacsha512_update(&s, (const unsigned char *)ikm.ptr, ikm.len);
    crypto_auth_hmacsha512_final(&s, prk);
    return hkdf_sha512_expand(slice_of(prk, sizeof prk), info, ret, n);
}

TEST(wycheproof_hkdf_sha256) { run_hkdf("wycheproof/hkdf_sha256_test.json", hkdf_sha256, 86); }
TEST(wycheproof_hkdf_sha512) { run_hkdf("wycheproof/hkdf_sha512_test.json", hkdf_sha512, 83); }

/* The definition: reflected polynomial 0xEDB88320, bit by bit. */
static uint32_t crc_by_definition(const uint8_t *p, size_t n)
{
    uint32_t crc = UINT32_MAX;
    for (size_t i = 0; i < n; i++) {
        crc ^= p[i];
        for (int k = 0; k < 8; k++) crc = crc >> 1 ^ (crc & 1 ? 0xEDB88320u : 0);
    }
    return ~crc;
}

TEST(crc32_add_and_join)
{
    uint8_t data[700];
    for (size_t i = 0; i < sizeof data; i++) data[i] = (uint8_t)(i * 37 + (i >> 3));
    CHECK_U64(crc32_add(0, "123456789", 9), 0xCBF43926u);
    CHECK_U64(crc32_add(7, NULL, 0), 7);
    uint32_t whole = crc_by_definition(data, sizeof data);
    for (size_t cut = 0; cut <= sizeof data; cut += 7) {
        uint32_t a = crc32_add(0, data, cut), b = crc32_add(0, data + cut, sizeof data - cut);
        CHECK_U64(crc32_add(a, data + cut, sizeof data - cut), whole);
        CHECK_U64(crc32_join(a, b, sizeof data - cut), whole);
    }
}

TEST(crc32_join_of_huge_lengths)
{
    /* Joining with 2^40 zeros twice is joining with 2^41 zeros. */
    uint32_t zeros = 0;
    for (uint64_t n = 1; n < (1ull << 40); n *= 2) zeros = n == 1 ? crc32_add(0, "", 1) : crc32_join(zeros, zeros, n / 2);
    uint32_t a = crc32_add(0, "abc", 3);
    CHECK_U64(crc32_join(crc32_join(a, zeros, 1ull << 39), zeros, 1ull << 39),
              crc32_join(a, crc32_join(zeros, zeros, 1ull << 39), 1ull << 40));
}
