/* X25519, Ed25519 and HPKE against Wycheproof and the RFCs; what must be refused is refused; faults. */
#include "base/intmath.h"
#include "crypto/hpke.h"
#include "crypto/sign.h"
#include "crypto/vector_util.h"
#include "crypto/x25519.h"
#include "lib/test.h"

TEST(wycheproof_x25519)
{
    static const uint8_t zeros[X25519_BYTES];
    CLEANUP(json_done) json_t *file = vectors_load("wycheproof/x25519_test.json");
    size_t gi, ti, ran = 0, refused = 0;
    json_t *group, *t;
    json_array_foreach(json_object_get(file, "testGroups"), gi, group)
        json_array_foreach(json_object_get(group, "tests"), ti, t)
    {
        struct key private_key = vector_key(t, "private"), public_key = vector_key(t, "public"),
                   want = vector_key(t, "shared"), got;
        bool small = mem_equal_ct(want.b, zeros, sizeof zeros);
        CHECK_ERR(x25519(&private_key, public_key.b, &got), small ? ERR_INVALID : ERR_OK);
        CHECK(small || mem_equal_ct(got.b, want.b, sizeof got.b));
        refused += small;
        ran++;
    }
    CHECK_U64(ran, 518);
    CHECK(refused > 10);
}

TEST(wycheproof_ed25519)
{
    CLEANUP(json_done) json_t *file = vectors_load("wycheproof/ed25519_test.json");
    CLEANUP(buf_done) struct buf msg = BUF_INIT(4096), sig = BUF_INIT(256);
    size_t gi, ti, ran = 0;
    json_t *group, *t;
    json_array_foreach(json_object_get(file, "testGroups"), gi, group)
        json_array_foreach(json_object_get(group, "tests"), ti, t)
    {
        struct key pub = vector_key(json_object_get(group, "publicKey"), "pk");
        vector_hex(t, "msg", &msg);
        vector_hex(t, "sig", &sig);
        bool valid = slice_eq(slice_cstr(vector_text(t, "result")), SLICE("valid"));
        CHECK_ERR(ed25519_verify(pub.b, buf_view(&msg), buf_view(&sig)), valid ? ERR_OK : ERR_DENIED);
        ran++;
    }
    CHECK_U64(ran, 151);
}

TEST(rfc8037_ed25519)
{
    CLEANUP(json_done) json_t *file = vectors_load("rfc/rfc8037_ed25519_jws.json");
    CLEANUP(buf_done) struct buf d = BUF_INIT(64), x = BUF_INIT(64), sig = BUF_INIT(256);
    json_t *jwk = json_object_get(file, "jwk");
    struct key seed;
    uint8_t pub[ED25519_PUBLIC_BYTES], made[ED25519_SIGNATURE_BYTES];
    struct slice rest = slice_cstr(vector_text(file, "jws"));
    const struct slice jws = rest;
    struct slice header = slice_cut(&rest, '.'), payload = slice_cut(&rest, '.');
    struct slice input = slice_sub(jws, 0, header.len + 1 + payload.len);
    json_t *signature = json_pack("{s:s#}", "sig", rest.ptr, (int)rest.len);
    vector_b64url(jwk, "d", &d);
    vector_b64url(jwk, "x", &x);
    vector_b64url(signature, "sig", &sig);
    json_decref(signature);
    CHECK(d.len == KEY_BYTES);
    memcpy(seed.b, d.ptr, KEY_BYTES);
    CHECK_OK(ed25519_public(&seed, pub));
    CHECK(slice_eq(slice_of(pub, sizeof pub), buf_view(&x)));
    CHECK_OK(ed25519_sign(&seed, input, made));
    CHECK(slice_eq(slice_of(made, sizeof made), buf_view(&sig)));
    CHECK_OK(ed25519_verify(pub, input, slice_of(made, sizeof made)));
    CHECK_ERR(ed25519_verify(pub, payload, slice_of(made, sizeof made)), ERR_DENIED);
    made[5] ^= 1;
    CHECK_ERR(ed25519_verify(pub, input, slice_of(made, sizeof made)), ERR_DENIED);
    CHECK_ERR(ed25519_verify(pub, input, slice_of(made, sizeof made - 1)), ERR_DENIED);
    CHECK_ERR(ed25519_verify(pub, input, SLICE("")), ERR_DENIED);
}

/* Message 0 of a context is what single-shot seal and open do. */
static void check_hpke(const json_t *t)
{
    CLEANUP(buf_done) struct buf info = BUF_INIT(256), aad = BUF_INIT(256), pt = BUF_INIT(256), ct = BUF_INIT(256),
                                 sealed = BUF_INIT(256), opened = BUF_INIT(256);
    const json_t *message = json_array_get(json_object_get(t, "encryptions"), 0),
                 *second = json_array_get(json_object_get(t, "encryptions"), 1);
    struct key recipient = vector_key(t, "skRm"), public_key = vector_key(t, "pkRm"), ephemeral = vector_key(t, "skEm");
    uint8_t enc[HPKE_PUBLIC_BYTES];
    vector_hex(t, "info", &info);
    vector_hex(message, "aad", &aad);
    vector_hex(message, "pt", &pt);
    vector_hex(message, "ct", &ct);
    random_script(slice_of(ephemeral.b, sizeof ephemeral.b));
    enum err e = hpke_seal(public_key.b, buf_view(&info), buf_view(&aad), buf_view(&pt), enc, &sealed);
    random_restore();
    CHECK_OK(e);
    CHECK(hex_equal(slice_of(enc, sizeof enc), vector_text(t, "enc")));
    CHECK(slice_eq(buf_view(&sealed), buf_view(&ct)));
    CHECK_OK(hpke_open(&recipient, enc, buf_view(&info), buf_view(&aad), buf_view(&ct), &opened));
    CHECK(slice_eq(buf_view(&opened), buf_view(&pt)));
    vector_hex(second, "ct", &ct); /* a later message of the same context is not a first one */
    vector_hex(second, "aad", &aad);
    CHECK_ERR(hpke_open(&recipient, enc, buf_view(&info), buf_view(&aad), buf_view(&ct), &opened), ERR_CORRUPT);
}

TEST(rfc9180_base_mode)
{
    CLEANUP(json_done) json_t *file = vectors_load("hpke/rfc9180_x25519_hkdfsha256.json");
    size_t i, ran = 0;
    json_t *t;
    json_array_foreach(file, i, t)
    {
        if (json_integer_value(json_object_get(t, "mode")) != 0 || json_integer_value(json_object_get(t, "aead_id")) != 2)
            continue;
        check_hpke(t);
        ran++;
    }
    CHECK_U64(ran, 1);
}

TEST(hpke_refuses_changes)
{
    CLEANUP(buf_done) struct buf ct = BUF_INIT(256), out = BUF_INIT(256);
    struct key mine, other;
    uint8_t public_key[HPKE_PUBLIC_BYTES], unused[HPKE_PUBLIC_BYTES], enc[HPKE_PUBLIC_BYTES];
    CHECK_OK(hpke_keypair(&mine, public_key));
    CHECK_OK(hpke_keypair(&other, unused));
    CHECK_OK(hpke_seal(public_key, SLICE("info"), SLICE("aad"), SLICE("file key"), enc, &ct));
    CHECK_U64(ct.len, 8 + HPKE_TAG_BYTES);
    CHECK_ERR(hpke_open(&other, enc, SLICE("info"), SLICE("aad"), buf_view(&ct), &out), ERR_CORRUPT);
    CHECK_ERR(hpke_open(&mine, enc, SLICE("inf"), SLICE("aad"), buf_view(&ct), &out), ERR_CORRUPT);
    CHECK_ERR(hpke_open(&mine, enc, SLICE("info"), SLICE(""), buf_view(&ct), &out), ERR_CORRUPT);
    CHECK_ERR(hpke_open(&mine, unused, SLICE("info"), SLICE("aad"), buf_view(&ct), &out), ERR_CORRUPT);
    for (size_t n = 0; n < ct.len; n++)
        CHECK_ERR(hpke_open(&mine, enc, SLICE("info"), SLICE("aad"), slice_sub(buf_view(&ct), 0, n), &out), ERR_CORRUPT);
    for (size_t i = 0; i < ct.len; i++) {
        ct.ptr[i] ^= 1;
        CHECK_ERR(hpke_open(&mine, enc, SLICE("info"), SLICE("aad"), buf_view(&ct), &out), ERR_CORRUPT);
        ct.ptr[i] ^= 1;
    }
    CHECK_U64(out.len, 0);
    CHECK_OK(hpke_open(&mine, enc, SLICE("info"), SLICE("aad"), buf_view(&ct), &out));
    CHECK_SLICE(buf_view(&out), SLICE("file key"));
}

TEST(hpke_refuses_small_order)
{
    static const uint8_t zero[HPKE_PUBLIC_BYTES], one[HPKE_PUBLIC_BYTES] = {1};
    CLEANUP(buf_done) struct buf ct = BUF_INIT(256);
    struct key mine;
    uint8_t public_key[HPKE_PUBLIC_BYTES], enc[HPKE_PUBLIC_BYTES];
    CHECK_OK(hpke_keypair(&mine, public_key));
    CHECK_ERR(hpke_seal(zero, SLICE(""), SLICE(""), SLICE("x"), enc, &ct), ERR_INVALID);
    CHECK_ERR(hpke_seal(one, SLICE(""), SLICE(""), SLICE("x"), enc, &ct), ERR_INVALID);
    CHECK_U64(ct.len, 0);
    CHECK_OK(hpke_seal(public_key, SLICE(""), SLICE(""), SLICE(""), enc, &ct));
    CHECK_U64(ct.len, HPKE_TAG_BYTES);
    CHECK_ERR(hpke_open(&mine, zero, SLICE(""), SLICE(""), buf_view(&ct), &ct), ERR_CORRUPT);
}

static enum err hpke_scenario(void)
{
    CLEANUP(buf_done) struct buf ct = BUF_INIT(256), out = BUF_INIT(256);
    struct key mine;
    uint8_t public_key[HPKE_PUBLIC_BYTES], enc[HPKE_PUBLIC_BYTES];
    TRY(hpke_keypair(&mine, public_key));
    TRY(hpke_seal(public_key, SLICE("i"), SLICE("a"), SLICE("x"), enc, &ct));
    return hpke_open(&mine, enc, SLICE("i"), SLICE("a"), buf_view(&ct), &out);
}

TEST(hpke_alloc_faults) { CHECK(survives_alloc_faults(hpke_scenario)); }

TEST(hpke_needs_randomness)
{
    for (unsigned n = 0; n < 2; n++) {
        random_fail_from(n);
        enum err e = hpke_scenario();
        random_restore();
        CHECK_ERR(e, ERR_CRYPTO);
    }
}
