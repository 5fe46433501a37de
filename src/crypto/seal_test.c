/* seal: every Wycheproof case of Cobblestone-256, AES-GCM itself, sizes, random access, and that no changed byte is let through. */
#include "crypto/seal.h"

#include <openssl/evp.h>
#include <zlib.h>

#include "base/intmath.h"
#include "crypto/aes_gcm.h"
#include "crypto/vector_util.h"
#include "lib/test.h"

#define MESSAGE_MAX (5u << 20)

static bool flagged(const json_t *t, const char *flag)
{
    size_t i;
    json_t *f;
    json_array_foreach(json_object_get(t, "flags"), i, f)
        if (slice_eq(slice_cstr(json_string_value(f)), slice_cstr(flag))) return true;
    return false;
}

static void inflate_hex(const char *hex, struct buf *ret)
{
    CLEANUP(buf_done) struct buf packed = BUF_INIT(1 << 20);
    hex_to_buf(hex, &packed);
    uLongf n = MESSAGE_MAX;
    CHECK_OK(buf_reserve(ret, n));
    CHECK(uncompress((Bytef *)ret->ptr, &n, (const Bytef *)packed.ptr, packed.len) == Z_OK);
    ret->len = n;
}

static bool sha512_is(struct slice s, const char *hex)
{
    uint8_t h[64];
    return EVP_Digest(s.ptr, s.len, h, NULL, EVP_sha512(), NULL) == 1 && hex_equal(slice_of(h, sizeof h), hex);
}

/* The derived values that the file tells must be ours; then the salt of the message, replayed, must give the message. */
static void check_valid(const json_t *t, const struct key *key, struct slice context, struct slice sealed)
{
    CLEANUP(buf_done) struct buf plain = BUF_INIT(MESSAGE_MAX), again = BUF_INIT(MESSAGE_MAX);
    CHECK_OK(seal_open_message(key, context, sealed, &plain));
    CHECK_U64(plain.len, json_integer_value(json_object_get(t, "msgLength")));
    CHECK(sha512_is(buf_view(&plain), vector_text(t, "msgSha512")));
    random_script(slice_sub(sealed, 0, SEAL_SALT));
    enum err e = seal_message(key, context, buf_view(&plain), &again);
    random_restore();
    CHECK_OK(e);
    CHECK(slice_eq(buf_view(&again), sealed));
}

static void check_derived(const json_t *t, const struct key *key, struct slice context, struct slice sealed)
{
    struct key aead;
    uint8_t nonce[12], commitment[32];
    if (!json_object_get(t, "aeadKey") || sealed.len < SEAL_HEADER) return;
    CHECK_OK(seal_derive(key, context, (const uint8_t *)sealed.ptr, &aead, nonce, commitment));
    CHECK(hex_equal(slice_of(aead.b, KEY_BYTES), vector_text(t, "aeadKey")));
    CHECK(hex_equal(slice_of(nonce, sizeof nonce), vector_text(t, "baseNonce")));
}

static void check_case(const json_t *t)
{
    CLEANUP(buf_done) struct buf sealed = BUF_INIT(MESSAGE_MAX), context = BUF_INIT(256), out = BUF_INIT(MESSAGE_MAX);
    struct key key = vector_key(t, "key");
    out.sensitive = true; /* comes zeroed, so that leftovers show */
    vector_hex(t, "ctx", &context);
    inflate_hex(vector_text(t, "ct"), &sealed);
    check_derived(t, &key, buf_view(&context), buf_view(&sealed));
    if (slice_eq(slice_cstr(vector_text(t, "result")), SLICE("valid"))) {
        check_valid(t, &key, buf_view(&context), buf_view(&sealed));
        return;
    }
    CHECK_ERR(seal_open_message(&key, buf_view(&context), buf_view(&sealed), &out), ERR_CORRUPT);
    CHECK(out.len == 0);
    for (size_t i = 0; i < out.cap; i++) CHECK(out.ptr[i] == 0);
}

TEST(wycheproof_chunked_encryption)
{
    CLEANUP(json_done) json_t *file = vectors_load("wycheproof/c2sp_chunked_encryption_aes_256_gcm_test.json");
    size_t gi, ti, ran = 0, key_sizes = 0;
    json_t *group, *t;
    json_array_foreach(json_object_get(file, "testGroups"), gi, group)
        json_array_foreach(json_object_get(group, "tests"), ti, t)
    {
        /* Our key type has one size: these two cannot even be asked. */
        if (flagged(t, "InvalidKeySize")) {
            CHECK(strlen(vector_text(t, "key")) != 2 * KEY_BYTES);
            key_sizes++;
            continue;
        }
        check_case(t);
        if (test_failed()) printf("  case %d\n", (int)json_integer_value(json_object_get(t, "tcId")));
        ran++;
    }
    CHECK_U64(ran, 33);
    CHECK_U64(key_sizes, 2);
}

static void check_gcm(const json_t *t)
{
    CLEANUP(cipher_ctx_done) EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    CLEANUP(buf_done) struct buf iv = BUF_INIT(64), aad = BUF_INIT(4096), msg = BUF_INIT(4096), ct = BUF_INIT(4096),
                                 tag = BUF_INIT(64), out = BUF_INIT(4096);
    struct key key = vector_key(t, "key");
    bool valid = slice_eq(slice_cstr(vector_text(t, "result")), SLICE("valid"));
    vector_hex(t, "iv", &iv);
    vector_hex(t, "aad", &aad);
    vector_hex(t, "msg", &msg);
    vector_hex(t, "ct", &ct);
    vector_hex(t, "tag", &tag);
    CHECK_OK(buf_put(&ct, buf_view(&tag)));
    CHECK_OK(buf_reserve(&out, ct.len));
    CHECK_OK(aes_gcm_key(ctx, &key, false));
    CHECK_ERR(aes_gcm_decrypt(ctx, (const uint8_t *)iv.ptr, buf_view(&aad), ct.ptr, ct.len, out.ptr),
              valid ? ERR_OK : ERR_CORRUPT);
    if (!valid) return;
    CHECK(slice_eq(slice_of(out.ptr, msg.len), buf_view(&msg)));
    CHECK_OK(aes_gcm_key(ctx, &key, true));
    CHECK_OK(aes_gcm_encrypt(ctx, (const uint8_t *)iv.ptr, buf_view(&aad), msg.ptr, msg.len, out.ptr));
    CHECK(slice_eq(slice_of(out.ptr, ct.len), buf_view(&ct)));
}

TEST(wycheproof_aes_gcm)
{
    CLEANUP(json_done) json_t *file = vectors_load("wycheproof/aes_gcm_test.json");
    size_t gi, ti, ran = 0;
    json_t *group, *t;
    json_array_foreach(json_object_get(file, "testGroups"), gi, group)
    {
        if (json_integer_value(json_object_get(group, "keySize")) != 256 ||
            json_integer_value(json_object_get(group, "ivSize")) != 96 ||
            json_integer_value(json_object_get(group, "tagSize")) != 128)
            continue;
        json_array_foreach(json_object_get(group, "tests"), ti, t)
        {
            check_gcm(t);
            if (test_failed()) printf("  case %d\n", (int)json_integer_value(json_object_get(t, "tcId")));
            ran++;
        }
    }
    CHECK(ran > 60);
}

TEST(seal_sizes_invert)
{
    uint64_t back = 0;
    for (uint64_t n = 0; n < 70000; n++) {
        CHECK_OK(seal_plain_size(seal_size(n), &back));
        CHECK_U64(back, n);
    }
    const uint64_t largest = (1ull << 52) - 1;
    CHECK_OK(seal_plain_size(seal_size(largest), &back));
    CHECK_U64(back, largest);
    CHECK_ERR(seal_plain_size(seal_size(largest) + 1, &back), ERR_INVALID);
    CHECK_ERR(seal_plain_size(seal_size(largest) + 17, &back), ERR_INVALID);
    CHECK_ERR(seal_plain_size(UINT64_MAX, &back), ERR_INVALID);
}

TEST(seal_sizes_reject_the_impossible)
{
    /* Walk all sealed sizes; exactly those that seal_size gives are possible. */
    uint64_t n = 0, back = 0;
    for (uint64_t sealed = 0; sealed < 70000; sealed++) {
        bool possible = sealed == seal_size(n);
        CHECK_ERR(seal_plain_size(sealed, &back), possible ? ERR_OK : ERR_INVALID);
        if (possible) CHECK_U64(back, n++);
    }
}

static struct key test_key(uint8_t fill)
{
    struct key k;
    memset(k.b, fill, sizeof k.b);
    return k;
}

static void fill_text(struct buf *b, size_t n)
{
    CHECK_OK(buf_reserve(b, n));
    for (size_t i = 0; i < n; i++) b->ptr[i] = (char)(7 * i + (i >> 8));
    b->len = n;
}

TEST(seal_round_trip_appends)
{
    const size_t sizes[] = {0, 1, 15, 16, SEAL_CHUNK - 1, SEAL_CHUNK, SEAL_CHUNK + 1, 2 * SEAL_CHUNK, 3 * SEAL_CHUNK + 5};
    struct key key = test_key(1);
    for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
        CLEANUP(buf_done) struct buf text = BUF_INIT(MESSAGE_MAX), sealed = BUF_INIT(MESSAGE_MAX), out = BUF_INIT(MESSAGE_MAX);
        fill_text(&text, sizes[i]);
        CHECK_OK(buf_put(&sealed, SLICE("before")));
        CHECK_OK(buf_put(&out, SLICE("also")));
        CHECK_OK(seal_message(&key, SLICE("c"), buf_view(&text), &sealed));
        CHECK_U64(sealed.len, 6 + seal_size(sizes[i]));
        CHECK_OK(seal_open_message(&key, SLICE("c"), slice_sub(buf_view(&sealed), 6, sealed.len), &out));
        CHECK_SLICE(slice_sub(buf_view(&out), 0, 4), SLICE("also"));
        CHECK(slice_eq(slice_sub(buf_view(&out), 4, out.len), buf_view(&text)));
    }
}

TEST(seal_never_repeats)
{
    CLEANUP(buf_done) struct buf a = BUF_INIT(128), b = BUF_INIT(128);
    struct key key = test_key(1);
    CHECK_OK(seal_message(&key, SLICE("c"), SLICE("same"), &a));
    CHECK_OK(seal_message(&key, SLICE("c"), SLICE("same"), &b));
    CHECK(!slice_eq(slice_sub(buf_view(&a), 0, SEAL_SALT), slice_sub(buf_view(&b), 0, SEAL_SALT)));
}

TEST(seal_refuses_every_flipped_bit_and_cut)
{
    CLEANUP(buf_done) struct buf sealed = BUF_INIT(128), out = BUF_INIT(128);
    struct key key = test_key(1), other = test_key(2);
    CHECK_OK(seal_message(&key, SLICE("c"), SLICE("text"), &sealed));
    for (size_t i = 0; i < sealed.len * 8; i++) {
        sealed.ptr[i / 8] = (char)(sealed.ptr[i / 8] ^ (1 << i % 8));
        CHECK_ERR(seal_open_message(&key, SLICE("c"), buf_view(&sealed), &out), ERR_CORRUPT);
        sealed.ptr[i / 8] = (char)(sealed.ptr[i / 8] ^ (1 << i % 8));
    }
    for (size_t n = 0; n < sealed.len; n++)
        CHECK_ERR(seal_open_message(&key, SLICE("c"), slice_sub(buf_view(&sealed), 0, n), &out), ERR_CORRUPT);
    CHECK_ERR(seal_open_message(&other, SLICE("c"), buf_view(&sealed), &out), ERR_CORRUPT);
    CHECK_ERR(seal_open_message(&key, SLICE("d"), buf_view(&sealed), &out), ERR_CORRUPT);
    CHECK_ERR(seal_open_message(&key, SLICE(""), buf_view(&sealed), &out), ERR_CORRUPT);
    CHECK_U64(out.len, 0);
    CHECK_OK(seal_open_message(&key, SLICE("c"), buf_view(&sealed), &out));
}

TEST(seal_bounds)
{
    CLEANUP(buf_done) struct buf small = BUF_INIT(75), sealed = BUF_INIT(128), out = BUF_INIT(3);
    struct key key = test_key(1);
    char context[257] = {0};
    CHECK_ERR(seal_message(&key, SLICE("c"), SLICE("text"), &small), ERR_TOO_LARGE);
    CHECK_U64(small.len, 0);
    CHECK_OK(seal_message(&key, SLICE("c"), SLICE("text"), &sealed));
    CHECK_ERR(seal_open_message(&key, SLICE("c"), buf_view(&sealed), &out), ERR_TOO_LARGE);
    buf_reset(&sealed);
    CHECK_OK(seal_message(&key, slice_of(context, 256), SLICE("text"), &sealed));
    CHECK_ERR(seal_message(&key, slice_of(context, 257), SLICE("text"), &sealed), ERR_TOO_LARGE);
}

static size_t chunk_text(size_t i) { return i < 3 ? SEAL_CHUNK : 9; }

TEST(sealer_in_place_any_order_reused)
{
    CLEANUP(sealer_cleanup) struct sealer *s = NULL;
    CLEANUP(buf_done) struct buf text = BUF_INIT(MESSAGE_MAX);
    static uint8_t chunk[4][SEAL_SEALED_CHUNK], scratch[SEAL_CHUNK];
    struct key key = test_key(1);
    struct seal_header h;
    CHECK_OK(sealer_new(&s));
    fill_text(&text, 3 * SEAL_CHUNK + 9);
    for (int round = 0; round < 2; round++) {
        CHECK_OK(sealer_start(s, &key, SLICE("c"), &h));
        for (size_t i = 4; i-- > 0;) {
            memcpy(chunk[i], text.ptr + i * SEAL_CHUNK, chunk_text(i));
            CHECK_OK(sealer_chunk(s, i, chunk[i], chunk_text(i), chunk[i]));
        }
        CHECK_OK(sealer_open(s, &key, SLICE("c"), &h));
        CHECK_ERR(sealer_open_chunk(s, 1, chunk[0], SEAL_SEALED_CHUNK, scratch), ERR_CORRUPT);
        for (size_t i = 0; i < 4; i++) {
            size_t j = (i * 3 + 1) % 4; /* 1 0 3 2 */
            CHECK_OK(sealer_open_chunk(s, j, chunk[j], chunk_text(j) + SEAL_TAG, chunk[j]));
            CHECK(slice_eq(slice_of(chunk[j], chunk_text(j)), slice_of(text.ptr + j * SEAL_CHUNK, chunk_text(j))));
        }
    }
    sealer_free(NULL);
}

TEST(sealer_refuses_and_wipes)
{
    CLEANUP(sealer_cleanup) struct sealer *s = NULL;
    uint8_t sealed[4 + SEAL_TAG], out[4] = {9, 9, 9, 9};
    struct key key = test_key(1);
    struct seal_header h;
    CHECK_OK(sealer_new(&s));
    CHECK_OK(sealer_start(s, &key, SLICE("c"), &h));
    CHECK_ERR(sealer_chunk(s, 1ull << 38, "text", 4, sealed), ERR_TOO_LARGE);
    CHECK_OK(sealer_chunk(s, 0, "text", 4, sealed));
    CHECK_OK(sealer_open(s, &key, SLICE("c"), &h));
    CHECK_ERR(sealer_open_chunk(s, 0, sealed, SEAL_TAG - 1, out), ERR_CORRUPT);
    CHECK_ERR(sealer_open_chunk(s, 0, sealed, SEAL_SEALED_CHUNK + 1, out), ERR_CORRUPT);
    CHECK_ERR(sealer_open_chunk(s, 1ull << 38, sealed, sizeof sealed, out), ERR_CORRUPT);
    sealed[0] ^= 1;
    CHECK_ERR(sealer_open_chunk(s, 0, sealed, sizeof sealed, out), ERR_CORRUPT);
    CHECK(slice_eq(slice_of(out, 4), SLICE("\0\0\0\0")));
    h.b[SEAL_HEADER - 1] ^= 1;
    CHECK_ERR(sealer_open(s, &key, SLICE("c"), &h), ERR_CORRUPT);
}

static enum err seal_scenario(void)
{
    CLEANUP(buf_done) struct buf sealed = BUF_INIT(128), out = BUF_INIT(128);
    struct key key = test_key(1);
    TRY(seal_message(&key, SLICE("c"), SLICE("text"), &sealed));
    return seal_open_message(&key, SLICE("c"), buf_view(&sealed), &out);
}

TEST(seal_alloc_faults) { CHECK(survives_alloc_faults(seal_scenario)); }

TEST(seal_needs_randomness)
{
    CLEANUP(buf_done) struct buf sealed = BUF_INIT(128);
    struct key key = test_key(1);
    random_fail_from(0);
    enum err e = seal_message(&key, SLICE("c"), SLICE("text"), &sealed);
    random_restore();
    CHECK_ERR(e, ERR_CRYPTO);
    CHECK_U64(sealed.len, 0);
}
