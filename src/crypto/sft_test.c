/* sft: the project vectors (built here part by part, out of order), sizes and places, random reads, and every way to mix parts up. */
#include "crypto/sft.h"

#include <utf8proc.h>

#include "base/intmath.h"
#include "base/limits.h"
#include "crypto/pwhash.h"
#include "crypto/vector_util.h"
#include "lib/test.h"

#define FILE_MAX (24u << 20)
#define P 32768u

static struct key file_key(void)
{
    struct key k;
    for (size_t i = 0; i < sizeof k.b; i++) k.b[i] = (uint8_t)(i * 3 + 1);
    return k;
}

static struct id file_id(uint8_t fill)
{
    struct id id;
    memset(id.b, fill, sizeof id.b);
    return id;
}

static enum err fill_text(struct buf *b, size_t n)
{
    TRY(buf_reserve(b, n));
    for (size_t i = 0; i < n; i++) b->ptr[i] = (char)(7 * i + (i >> 8));
    b->len = n;
    return ERR_OK;
}

static enum err put_part(const struct key *key, const struct id *id, uint32_t part_bytes, struct slice text, uint64_t j,
                         struct buf *ret)
{
    struct sft_context context;
    sft_part_context(&context, id, part_bytes, (uint32_t)j);
    return seal_message(key, sft_context_view(&context),
                        slice_sub(text, j * part_bytes, (j + 1) * part_bytes), ret);
}

/* A sealed file in memory, its parts made last to first, as a parallel upload may. `salts` as the vectors say. */
static enum err seal_file(const struct key *key, const struct id *id, uint32_t part_bytes, struct slice text, bool salts,
                          struct buf *ret)
{
    uint64_t parts = sft_part_count(text.len, part_bytes);
    TRY(buf_reserve(ret, sft_sealed_size(text.len, part_bytes)));
    ret->len = sft_sealed_size(text.len, part_bytes);
    for (uint64_t j = parts; j-- > 0;) {
        CLEANUP(buf_done) struct buf part = BUF_INIT(FILE_MAX);
        struct sha256 salt;
        char rule[32];
        snprintf(rule, sizeof rule, "part:%llu", (unsigned long long)j);
        TRY(sha256(slice_cstr(rule), &salt));
        if (salts) random_script(sha256_view(&salt));
        enum err e = put_part(key, id, part_bytes, text, j, &part);
        random_restore();
        TRY(e);
        if (part.len != seal_size(sft_part_plain(text.len, part_bytes, j))) return ERR_INTERNAL;
        memcpy(ret->ptr + j * sft_sealed_part(part_bytes), part.ptr, part.len);
    }
    return ERR_OK;
}

static enum err read_headers(struct slice blob, uint32_t part_bytes, struct buf *ret)
{
    for (uint64_t at = 0; at < blob.len; at += sft_sealed_part(part_bytes))
        TRY(buf_put(ret, slice_sub(blob, at, at + SEAL_HEADER)));
    return ERR_OK;
}

/* What a reader of a whole file does. */
static enum err open_file(const struct key *key, const struct id *id, uint32_t part_bytes, struct slice blob,
                          const struct sha256 *headers_hash, struct buf *ret)
{
    CLEANUP(buf_done) struct buf headers = BUF_INIT(FILE_MAX);
    struct sha256 hash;
    uint64_t size = 0, sealed_part = sft_sealed_part(part_bytes);
    if (sft_plain_size(blob.len, part_bytes, &size) != ERR_OK) return ERR_CORRUPT;
    TRY(read_headers(blob, part_bytes, &headers));
    TRY(sft_headers_hash(buf_view(&headers), &hash));
    if (!sha256_equal(&hash, headers_hash)) return ERR_CORRUPT;
    for (uint64_t j = 0; j < sft_part_count(size, part_bytes); j++) {
        struct sft_context context;
        sft_part_context(&context, id, part_bytes, (uint32_t)j);
        TRY(seal_open_message(key, sft_context_view(&context), slice_sub(blob, j * sealed_part, (j + 1) * sealed_part), ret));
    }
    return ret->len == size ? ERR_OK : ERR_CORRUPT;
}

/* The headers hash of a blob as it is, so that what is tested is the parts' own binding. */
static enum err hash_of(struct slice blob, uint32_t part_bytes, struct sha256 *ret)
{
    CLEANUP(buf_done) struct buf headers = BUF_INIT(FILE_MAX);
    TRY(read_headers(blob, part_bytes, &headers));
    return sft_headers_hash(buf_view(&headers), ret);
}

static void check_blob(const json_t *t, const struct key *key, const struct id *id)
{
    CLEANUP(buf_done) struct buf text = BUF_INIT(FILE_MAX), blob = BUF_INIT(FILE_MAX), out = BUF_INIT(FILE_MAX);
    size_t size = (size_t)json_integer_value(json_object_get(t, "plaintext_len"));
    uint32_t part_bytes = (uint32_t)json_integer_value(json_object_get(t, "part_plaintext"));
    struct sha256 hash;
    uint64_t plain = 0, parts = (uint64_t)json_integer_value(json_object_get(t, "parts"));
    CHECK_OK(fill_text(&text, size));
    CHECK_U64(sft_sealed_part(part_bytes), json_integer_value(json_object_get(t, "part_ciphertext")));
    CHECK_U64(sft_sealed_size(size, part_bytes), json_integer_value(json_object_get(t, "ciphertext_len")));
    CHECK_U64(sft_part_count(size, part_bytes), parts);
    CHECK_U64(seal_size(sft_part_plain(size, part_bytes, parts - 1)),
              json_integer_value(json_object_get(t, "last_part_ciphertext")));
    CHECK_OK(sft_plain_size(sft_sealed_size(size, part_bytes), part_bytes, &plain));
    CHECK_U64(plain, size);
    CHECK_OK(seal_file(key, id, part_bytes, buf_view(&text), true, &blob));
    CHECK_OK(sha256(buf_view(&blob), &hash));
    CHECK(hex_equal(sha256_view(&hash), vector_text(t, "blob_sha256")));
    if (json_object_get(t, "blob")) CHECK(hex_equal(buf_view(&blob), vector_text(t, "blob")));
    CHECK_OK(hash_of(buf_view(&blob), part_bytes, &hash));
    CHECK(hex_equal(sha256_view(&hash), vector_text(t, "headers_sha256")));
    CHECK_OK(open_file(key, id, part_bytes, buf_view(&blob), &hash, &out));
    CHECK(slice_eq(buf_view(&out), buf_view(&text)));
}

static struct id vector_id(const json_t *t, const char *name)
{
    struct id id;
    CLEANUP(buf_done) struct buf b = BUF_INIT(32);
    vector_hex(t, name, &b);
    err_ignore(id_from_bytes(buf_view(&b), &id), "a bad id fails the comparison that follows");
    return id;
}

TEST(sft1_vectors_blobs)
{
    CLEANUP(json_done) json_t *file = vectors_load("sft1/sft1_vectors.json");
    struct key key = vector_key(file, "file_key");
    struct id id = vector_id(file, "file_id");
    json_t *blobs = json_object_get(file, "blobs"), *t;
    size_t i;
    CHECK_U64(json_array_size(blobs), 10);
    json_array_foreach(blobs, i, t)
    {
        check_blob(t, &key, &id);
        if (test_failed()) printf("  blob %zu\n", i);
    }
}

/* Seal again with the salt of the expected message: must be the same bytes; and it must open. */
static enum err same_message(const struct key *key, struct slice context, struct slice text, struct slice want)
{
    CLEANUP(buf_done) struct buf sealed = BUF_INIT(4096), out = BUF_INIT(4096);
    random_script(slice_sub(want, 0, SEAL_SALT));
    enum err e = seal_message(key, context, text, &sealed);
    random_restore();
    TRY(e);
    TRY(seal_open_message(key, context, want, &out));
    return slice_eq(buf_view(&sealed), want) && slice_eq(buf_view(&out), text) ? ERR_OK : ERR_CORRUPT;
}

TEST(sft1_vectors_meta)
{
    CLEANUP(json_done) json_t *file = vectors_load("sft1/sft1_vectors.json");
    CLEANUP(buf_done) struct buf text = BUF_INIT(512), box = BUF_INIT(1024);
    struct key key = vector_key(file, "file_key");
    struct id id = vector_id(file, "file_id");
    json_t *meta = json_object_get(file, "meta");
    struct sft_context context;
    struct slice back;
    CHECK_OK(buf_put_cstr(&text, vector_text(meta, "plaintext_json")));
    CHECK_OK(sft_pad(&text));
    CHECK_U64(text.len, 256);
    vector_hex(meta, "box", &box);
    sft_meta_context(&context, &id, (uint32_t)json_integer_value(json_object_get(meta, "rev")));
    CHECK_OK(same_message(&key, sft_context_view(&context), buf_view(&text), buf_view(&box)));
    CHECK_OK(sft_unpad(buf_view(&text), &back));
    CHECK_SLICE(back, slice_cstr(vector_text(meta, "plaintext_json")));
}

struct link_case {
    struct buf token, secret, salt;
    struct pwhash_cost cost;
    struct key transfer_key;
};

/* The key derivation of end-to-end links (docs/FORMAT.md), from the primitives that a client will use. */
static enum err link_keys(const struct link_case *l, const char *password, struct key *ret_stretched, struct key *ret_prk,
                          struct key *ret_wrap, struct key *ret_auth)
{
    struct sft_context label;
    struct sha256 salt;
    uint8_t ikm[2 * KEY_BYTES];
    size_t n = KEY_BYTES;
    memcpy(ikm, l->secret.ptr, KEY_BYTES);
    if (password) {
        TRY(argon2id_raw(slice_cstr(password), (const uint8_t *)l->salt.ptr, l->cost, ret_stretched));
        memcpy(ikm + n, ret_stretched->b, KEY_BYTES);
        n += KEY_BYTES;
    }
    sft_context(&label, "sft/1/link-kdf", buf_view(&l->token), SLICE(""));
    TRY(sha256(sft_context_view(&label), &salt));
    TRY(hkdf_sha256_extract(sha256_view(&salt), slice_of(ikm, n), ret_prk));
    TRY(hkdf_sha256_expand(ret_prk, SLICE("sft/1/link wrap"), ret_wrap->b, KEY_BYTES));
    return hkdf_sha256_expand(ret_prk, SLICE("sft/1/link auth"), ret_auth->b, KEY_BYTES);
}

static void check_link(const struct link_case *l, const json_t *t)
{
    CLEANUP(buf_done) struct buf box = BUF_INIT(256);
    struct key stretched, prk, wrap, auth;
    struct sha256 token_hash;
    struct sft_context context;
    const char *written = json_string_value(json_object_get(t, "password"));
    /* One of them is written with combining accents: clients normalise to NFKC first. */
    CLEANUP(mem_cleanup) char *password = written ? (char *)utf8proc_NFKC((const utf8proc_uint8_t *)written) : NULL;
    CHECK((written != NULL) == (password != NULL));
    CHECK_OK(link_keys(l, password, &stretched, &prk, &wrap, &auth));
    if (password) CHECK(hex_equal(slice_of(stretched.b, KEY_BYTES), vector_text(t, "argon2id_out")));
    CHECK(hex_equal(slice_of(prk.b, KEY_BYTES), vector_text(t, "prk")));
    CHECK(hex_equal(slice_of(wrap.b, KEY_BYTES), vector_text(t, "k_wrap")));
    CHECK(hex_equal(slice_of(auth.b, KEY_BYTES), vector_text(t, "k_auth")));
    CHECK_OK(sha256(buf_view(&l->token), &token_hash));
    sft_context(&context, "sft/1/link", sha256_view(&token_hash), SLICE(""));
    vector_hex(t, "box", &box);
    CHECK_OK(same_message(&wrap, sft_context_view(&context), slice_of(l->transfer_key.b, KEY_BYTES), buf_view(&box)));
}

TEST(sft1_vectors_links)
{
    CLEANUP(json_done) json_t *file = vectors_load("sft1/sft1_vectors.json");
    json_t *link = json_object_get(file, "link"), *argon = json_object_get(link, "argon2"), *t;
    struct link_case l = {BUF_INIT(64), BUF_INIT(64), BUF_INIT(64), {0}, vector_key(link, "transfer_key")};
    size_t i;
    vector_b64url(link, "token", &l.token);
    vector_b64url(link, "link_secret", &l.secret);
    vector_hex(argon, "salt", &l.salt);
    l.cost.memory_kib = (uint32_t)json_integer_value(json_object_get(argon, "m_kib"));
    l.cost.passes = (uint32_t)json_integer_value(json_object_get(argon, "t"));
    json_array_foreach(json_object_get(link, "cases"), i, t) check_link(&l, t);
    CHECK_U64(i, 3);
    buf_done(&l.token);
    buf_done(&l.secret);
    buf_done(&l.salt);
}

TEST(sft_part_sizes)
{
    uint32_t p = 0;
    CHECK(sft_part_size_valid(SFT_PART_MIN) && sft_part_size_valid(8u << 20) && sft_part_size_valid(SFT_PART_MAX));
    CHECK(!sft_part_size_valid(0) && !sft_part_size_valid(8192) && !sft_part_size_valid(3 * 16384));
    CHECK(!sft_part_size_valid(1ull << 30) && !sft_part_size_valid((1ull << 32) + (8u << 20)));
    const uint64_t most8 = LIMIT_PARTS * 8 * MIB - 1, most64 = LIMIT_PARTS * 64 * MIB - 1, most512 = LIMIT_PARTS * 512 * MIB - 1;
    const struct {
        uint64_t size;
        uint32_t part;
    } rows[] = {{0, 8u << 20},          {most8, 8u << 20},        {most8 + 1, 64u << 20},
                {most64, 64u << 20},    {most64 + 1, 512u << 20}, {most512, 512u << 20},
                {SFT_UNKNOWN_SIZE, 64u << 20}};
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        CHECK_OK(sft_part_size_for(rows[i].size, &p));
        CHECK_U64(p, rows[i].part);
    }
    CHECK_ERR(sft_part_size_for(most512 + 1, &p), ERR_TOO_LARGE);
}

TEST(sft_sizes_invert_and_reject)
{
    const uint64_t step = 1237;
    uint64_t n = 0, back = 0;
    for (uint64_t size = 0; size < 5ull * P; size += 1 + size % step) {
        CHECK_OK(sft_plain_size(sft_sealed_size(size, P), P, &back));
        CHECK_U64(back, size);
    }
    /* Every sealed size up to two parts and a half: exactly those of some plaintext are possible. */
    for (uint64_t sealed = 0; sealed < 5ull * P / 2; sealed++) {
        bool possible = sealed == sft_sealed_size(n, P);
        CHECK_ERR(sft_plain_size(sealed, P, &back), possible ? ERR_OK : ERR_INVALID);
        if (possible) CHECK_U64(back, n++);
    }
    CHECK_OK(sft_plain_size(sft_sealed_size(LIMIT_FILE_BYTES, SFT_PART_MAX), SFT_PART_MAX, &back));
    CHECK_U64(back, LIMIT_FILE_BYTES);
    CHECK_ERR(sft_plain_size(UINT64_MAX / sft_sealed_part(P) * sft_sealed_part(P) + 100, P, &back), ERR_INVALID);
    CHECK_U64(sft_sealed_part(8u << 20), 8396872);
    CHECK_U64(sft_sealed_part(64u << 20), 67174472);
    CHECK_U64(sft_sealed_part(512u << 20), 537395272);
}

static uint64_t next_random(uint64_t *state)
{
    *state = *state * 6364136223846793005ull + 1442695040888963407ull;
    return *state >> 33;
}

/* Reads plaintext [from, to) of a sealed file as a Range request does: one chunk at a time, one header check a part. */
static enum err read_range(struct slice blob, uint64_t size, const struct id *id, uint64_t from, uint64_t to, struct buf *ret)
{
    CLEANUP(sealer_cleanup) struct sealer *s = NULL;
    static char text[SEAL_CHUNK];
    uint64_t open_part = UINT64_MAX;
    struct key key = file_key();
    TRY(sealer_new(&s));
    while (from < to) {
        struct sft_place at;
        sft_locate(size, P, from, &at);
        if (at.part != open_part) {
            struct sft_context context;
            struct seal_header h;
            memcpy(h.b, blob.ptr + at.header_offset, sizeof h.b);
            sft_part_context(&context, id, P, (uint32_t)at.part);
            TRY(sealer_open(s, &key, sft_context_view(&context), &h));
            open_part = at.part;
        }
        if (at.chunk_offset + at.chunk_sealed > blob.len) return ERR_INTERNAL;
        TRY(sealer_open_chunk(s, at.chunk, blob.ptr + at.chunk_offset, at.chunk_sealed, text));
        uint64_t n = MIN(at.chunk_sealed - SEAL_TAG - at.skip, to - from);
        TRY(buf_put(ret, slice_of(text + at.skip, n)));
        from += n;
    }
    return ERR_OK;
}

TEST(sft_random_ranges_equal_the_text)
{
    const size_t sizes[] = {1, 16383, 16384, 16385, P - 1, P, P + 1, 2 * P, 3 * P + 20000};
    struct key key = file_key();
    struct id id = file_id(5);
    uint64_t random = 42;
    for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
        CLEANUP(buf_done) struct buf text = BUF_INIT(FILE_MAX), blob = BUF_INIT(FILE_MAX);
        CHECK_OK(fill_text(&text, sizes[i]));
        CHECK_OK(seal_file(&key, &id, P, buf_view(&text), false, &blob));
        for (int k = 0; k < 40; k++) {
            CLEANUP(buf_done) struct buf out = BUF_INIT(FILE_MAX);
            uint64_t from = next_random(&random) % sizes[i], to = from + 1 + next_random(&random) % (sizes[i] - from);
            CHECK_OK(read_range(buf_view(&blob), sizes[i], &id, from, to, &out));
            CHECK(slice_eq(buf_view(&out), slice_sub(buf_view(&text), from, to)));
        }
    }
}

TEST(sft_locate_the_end)
{
    struct sft_place at;
    sft_locate(0, P, 0, &at);
    CHECK(at.part == 0 && at.chunk == 0 && at.header_offset == 0 && at.chunk_offset == 56 && at.chunk_sealed == 16);
    sft_locate(P, P, P, &at);
    CHECK(at.part == 1 && at.chunk == 0 && at.header_offset == sft_sealed_part(P) && at.chunk_sealed == 16);
    sft_locate(P + 16384, P, P + 16384, &at);
    CHECK(at.part == 1 && at.chunk == 1 && at.chunk_sealed == 16 && at.skip == 0);
    CHECK_U64(at.chunk_offset + at.chunk_sealed, sft_sealed_size(P + 16384, P));
}

/* Each attack changes a copy of a good three-part file; the headers hash is recomputed, to see the parts defend themselves. */
static enum err after(struct slice blob, const struct id *id)
{
    CLEANUP(buf_done) struct buf out = BUF_INIT(FILE_MAX);
    struct key key = file_key();
    struct sha256 hash;
    TRY(hash_of(blob, P, &hash));
    return open_file(&key, id, P, blob, &hash, &out);
}

struct attack {
    struct buf blob, other;
    struct id id;
};

static void attack_done(struct attack *a)
{
    buf_done(&a->blob);
    buf_done(&a->other);
}

static enum err attack_setup(struct attack *a)
{
    CLEANUP(buf_done) struct buf text = BUF_INIT(FILE_MAX);
    struct key key = file_key();
    struct id other = file_id(6);
    *a = (struct attack){BUF_INIT(FILE_MAX), BUF_INIT(FILE_MAX), file_id(5)};
    TRY(fill_text(&text, 2 * P + 100));
    TRY(seal_file(&key, &a->id, P, buf_view(&text), false, &a->blob));
    return seal_file(&key, &other, P, buf_view(&text), false, &a->other);
}

TEST(sft_refuses_mixed_parts)
{
    CLEANUP(attack_done) struct attack a;
    static char keep[P + 200];
    const size_t e = sft_sealed_part(P);
    CHECK_OK(attack_setup(&a));
    CHECK_OK(after(buf_view(&a.blob), &a.id));
    memcpy(keep, a.blob.ptr, e); /* swap parts 0 and 1 */
    memcpy(a.blob.ptr, a.blob.ptr + e, e);
    memcpy(a.blob.ptr + e, keep, e);
    CHECK_ERR(after(buf_view(&a.blob), &a.id), ERR_CORRUPT);
    memcpy(a.blob.ptr, keep, e); /* part 0 in both places */
    CHECK_ERR(after(buf_view(&a.blob), &a.id), ERR_CORRUPT);
    memcpy(a.blob.ptr + e, a.other.ptr + e, e); /* part 1 of another file under the same key */
    CHECK_ERR(after(buf_view(&a.blob), &a.id), ERR_CORRUPT);
    CHECK_ERR(after(buf_view(&a.other), &a.id), ERR_CORRUPT);
}

TEST(sft_refuses_dropped_parts)
{
    CLEANUP(attack_done) struct attack a;
    const size_t e = sft_sealed_part(P);
    CHECK_OK(attack_setup(&a));
    CHECK_ERR(after(slice_sub(buf_view(&a.blob), e, a.blob.len), &a.id), ERR_CORRUPT); /* the first */
    CHECK_ERR(after(slice_sub(buf_view(&a.blob), 0, 2 * e), &a.id), ERR_CORRUPT);      /* the last */
    CHECK_ERR(after(slice_sub(buf_view(&a.blob), 0, 2 * e + 80), &a.id), ERR_CORRUPT); /* some of the last */
    CHECK_ERR(after(slice_sub(buf_view(&a.blob), 0, a.blob.len - 1), &a.id), ERR_CORRUPT);
    memmove(a.blob.ptr + e, a.blob.ptr + 2 * e, a.blob.len - 2 * e); /* the middle one */
    CHECK_ERR(after(slice_sub(buf_view(&a.blob), 0, a.blob.len - e), &a.id), ERR_CORRUPT);
}

TEST(sft_refuses_flips_anywhere)
{
    CLEANUP(attack_done) struct attack a;
    const size_t e = sft_sealed_part(P);
    CHECK_OK(attack_setup(&a));
    const size_t places[] = {0, 23, 24, 55, 56, 56 + SEAL_CHUNK, e - 1, e, e + 30, e + 60, 2 * e + 3, 2 * e + 56, a.blob.len - 1};
    for (size_t i = 0; i < ARRAY_LEN(places); i++) {
        a.blob.ptr[places[i]] = (char)(a.blob.ptr[places[i]] ^ 0x10);
        CHECK_ERR(after(buf_view(&a.blob), &a.id), ERR_CORRUPT);
        a.blob.ptr[places[i]] = (char)(a.blob.ptr[places[i]] ^ 0x10);
    }
    CHECK_OK(after(buf_view(&a.blob), &a.id));
}

TEST(sft_headers_hash_tells_attempts_apart)
{
    /* Part 1 sealed twice for the same place: each is good alone, only the headers hash says which one belongs. */
    CLEANUP(attack_done) struct attack a;
    CLEANUP(buf_done) struct buf text = BUF_INIT(FILE_MAX), part = BUF_INIT(FILE_MAX), out = BUF_INIT(FILE_MAX);
    struct key key = file_key();
    struct sha256 hash;
    const size_t e = sft_sealed_part(P);
    CHECK_OK(attack_setup(&a));
    CHECK_OK(hash_of(buf_view(&a.blob), P, &hash));
    CHECK_OK(fill_text(&text, 2 * P));
    CHECK_OK(put_part(&key, &a.id, P, buf_view(&text), 1, &part));
    memcpy(a.blob.ptr + e, part.ptr, part.len);
    CHECK_OK(after(buf_view(&a.blob), &a.id));
    CHECK_ERR(open_file(&key, &a.id, P, buf_view(&a.blob), &hash, &out), ERR_CORRUPT);
    CHECK_ERR(sft_headers_hash(SLICE(""), &hash), ERR_INVALID);
    CHECK_ERR(sft_headers_hash(slice_sub(buf_view(&text), 0, 57), &hash), ERR_INVALID);
}

TEST(sft_contexts_to_the_byte)
{
    struct sft_context c;
    struct id id = file_id(0x11);
    sft_part_context(&c, &id, 8u << 20, 0x01020304);
    CHECK(hex_equal(sft_context_view(&c), "7366742f312f7061727400111111111111111111111111111111110080000001020304"));
    sft_meta_context(&c, &id, 7);
    CHECK(hex_equal(sft_context_view(&c), "7366742f312f6d657461001111111111111111111111111111111100000007"));
    sft_context(&c, "sft/1/dek", SLICE("org"), SLICE("file"));
    CHECK_SLICE(sft_context_view(&c), SLICE("sft/1/dek\0orgfile"));
}

TEST(sft_padding)
{
    for (size_t n = 0; n < 600; n++) {
        CLEANUP(buf_done) struct buf b = BUF_INIT(1024);
        struct slice back;
        CHECK_OK(fill_text(&b, n));
        CHECK_OK(sft_pad(&b));
        CHECK(b.len % SFT_PAD == 0 && b.len > n && b.len <= n + SFT_PAD);
        CHECK_OK(sft_unpad(buf_view(&b), &back));
        CHECK_U64(back.len, n);
    }
    CLEANUP(buf_done) struct buf full = BUF_INIT(300);
    struct slice back;
    static const char zeros[2 * SFT_PAD] = {(char)0x80};
    CHECK_OK(fill_text(&full, 256));
    CHECK_ERR(sft_pad(&full), ERR_TOO_LARGE);
    CHECK_ERR(sft_unpad(SLICE(""), &back), ERR_CORRUPT);
    CHECK_ERR(sft_unpad(slice_of(zeros, SFT_PAD - 1), &back), ERR_CORRUPT);
    CHECK_ERR(sft_unpad(slice_of(zeros, 2 * SFT_PAD), &back), ERR_CORRUPT); /* a whole block of padding too much */
    CHECK_ERR(sft_unpad(slice_of(zeros + 1, SFT_PAD), &back), ERR_CORRUPT);
    CHECK_OK(sft_unpad(slice_of(zeros, SFT_PAD), &back));
    CHECK_U64(back.len, 0);
}
