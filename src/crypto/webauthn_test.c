/* Passkeys against what Chromium's virtual authenticator made, and against everything somebody might change in it. */
#include "crypto/webauthn.h"

#include <sys/resource.h>

#include "base/intmath.h"
#include "crypto/vector_util.h"
#include "lib/test.h"

static const char *const names[] = {"-7/none", "-7/direct", "-8/none", "-257/none"};

struct fixture {
    json_t *all;
    struct buf object, reg_client, client, auth_data, sig, id;
};

static void fixture_done(struct fixture *f)
{
    json_decref(f->all);
    buf_done(&f->object);
    buf_done(&f->reg_client);
    buf_done(&f->client);
    buf_done(&f->auth_data);
    buf_done(&f->sig);
    buf_done(&f->id);
}

static void load(struct fixture *f, const char *name)
{
    *f = (struct fixture){.all = vectors_load("webauthn/chromium_virtual_authenticator.json")};
    const json_t *one = json_object_get(f->all, name);
    struct buf *bufs[] = {&f->object, &f->reg_client, &f->client, &f->auth_data, &f->sig, &f->id};
    static const char *const members[] = {"attestationObject", "regClientDataJSON", "clientDataJSON", "authData", "sig", "id"};
    for (size_t i = 0; i < ARRAY_LEN(bufs); i++) {
        *bufs[i] = (struct buf)BUF_INIT(16 * 1024);
        vector_hex(one, members[i], bufs[i]);
    }
}

static struct webauthn_expect expect(const struct buf *client_data)
{
    struct webauthn_expect x = {.rp_id = SLICE("localhost"), .user_verified = true};
    err_ignore(sha256(buf_view(client_data), &x.client_data_hash), "a wrong hash fails the test");
    return x;
}

static enum err verify(const struct fixture *f, const struct webauthn_credential *k, const struct webauthn_expect *x)
{
    struct webauthn_assertion a = {k->alg, slice_of(k->key, k->key_len), buf_view(&f->auth_data), buf_view(&f->sig)};
    uint32_t count = 0;
    bool uv = false;
    enum err e = webauthn_verify(x, &a, &count, &uv);
    if (e == ERR_OK && (count != 2 || !uv)) return ERR_INTERNAL;
    return e;
}

TEST(webauthn_registers_and_verifies)
{
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        CLEANUP(fixture_done) struct fixture f;
        struct webauthn_credential k;
        load(&f, names[i]);
        struct webauthn_expect reg = expect(&f.reg_client), x = expect(&f.client);
        CHECK_OK(webauthn_register(&reg, buf_view(&f.object), &k));
        CHECK_SLICE(slice_of(k.id, k.id_len), buf_view(&f.id));
        CHECK_U64(k.sign_count, 1);
        CHECK_OK(verify(&f, &k, &x));
    }
}

TEST(webauthn_refuses_every_change)
{
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        CLEANUP(fixture_done) struct fixture f;
        struct webauthn_credential k;
        load(&f, names[i]);
        struct webauthn_expect reg = expect(&f.reg_client), x = expect(&f.client);
        CHECK_OK(webauthn_register(&reg, buf_view(&f.object), &k));
        for (size_t at = 0; at < f.auth_data.len; at++) {
            f.auth_data.ptr[at] ^= 1;
            CHECK_ERR(verify(&f, &k, &x), ERR_DENIED);
            f.auth_data.ptr[at] ^= 1;
        }
        for (size_t at = 0; at < f.sig.len; at++) {
            f.sig.ptr[at] ^= 1;
            CHECK_ERR(verify(&f, &k, &x), ERR_DENIED);
            f.sig.ptr[at] ^= 1;
        }
        f.sig.len--;
        CHECK_ERR(verify(&f, &k, &x), ERR_DENIED);
        f.sig.len++;
        x.client_data_hash.b[5] ^= 4;
        CHECK_ERR(verify(&f, &k, &x), ERR_DENIED);
        x = expect(&f.client);
        x.rp_id = SLICE("localhosu");
        CHECK_ERR(verify(&f, &k, &x), ERR_DENIED);
        x = expect(&f.client);
        int64_t alg = k.alg;
        k.alg = alg == WEBAUTHN_ES256 ? WEBAUTHN_EDDSA : WEBAUTHN_ES256;
        CHECK_ERR(verify(&f, &k, &x), ERR_DENIED);
        k.alg = -37;
        CHECK_ERR(verify(&f, &k, &x), ERR_DENIED);
        k.alg = alg;
        k.key[3] ^= 1;
        CHECK_ERR(verify(&f, &k, &x), ERR_DENIED);
    }
}

/* authData begins behind "authData" and the length of the byte string: 0x58 n, or 0x59 n n. */
static size_t auth_data_at(const struct buf *object)
{
    for (size_t i = 0; i + 8 < object->len; i++)
        if (memcmp(object->ptr + i, "authData", 8) == 0) return i + 8 + ((uint8_t)object->ptr[i + 8] == 0x58 ? 2 : 3);
    return 0;
}

TEST(webauthn_registration_wants_presence_and_verification)
{
    CLEANUP(fixture_done) struct fixture f;
    struct webauthn_credential k;
    load(&f, "-7/none");
    struct webauthn_expect reg = expect(&f.reg_client);
    char *flags = f.object.ptr + auth_data_at(&f.object) + 32;
    CHECK_U64((uint8_t)*flags, 0x45);
    *flags = 0x44;
    CHECK_ERR(webauthn_register(&reg, buf_view(&f.object), &k), ERR_DENIED);
    *flags = 0x41;
    CHECK_ERR(webauthn_register(&reg, buf_view(&f.object), &k), ERR_DENIED);
    reg.user_verified = false;
    CHECK_OK(webauthn_register(&reg, buf_view(&f.object), &k));
    *flags = 0x05;
    CHECK_ERR(webauthn_register(&reg, buf_view(&f.object), &k), ERR_DENIED);
    *flags = 0x45;
    reg.rp_id = SLICE("example.com");
    CHECK_ERR(webauthn_register(&reg, buf_view(&f.object), &k), ERR_DENIED);
}

TEST(webauthn_packed_statement_is_verified)
{
    CLEANUP(fixture_done) struct fixture f;
    struct webauthn_credential k;
    load(&f, "-7/direct");
    struct webauthn_expect reg = expect(&f.reg_client);
    CHECK_OK(webauthn_register(&reg, buf_view(&f.object), &k));
    reg.client_data_hash.b[0] ^= 1;
    CHECK_ERR(webauthn_register(&reg, buf_view(&f.object), &k), ERR_DENIED);
    reg = expect(&f.reg_client);
    char *byte = f.object.ptr + auth_data_at(&f.object) + 60; /* of the credential id */
    *byte ^= 1;
    CHECK_ERR(webauthn_register(&reg, buf_view(&f.object), &k), ERR_DENIED);
}

TEST(webauthn_objects_cut_or_changed_are_refused)
{
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        CLEANUP(fixture_done) struct fixture f;
        struct webauthn_credential k;
        load(&f, names[i]);
        struct webauthn_expect reg = expect(&f.reg_client);
        for (size_t n = 0; n < f.object.len; n++)
            CHECK_ERR(webauthn_register(&reg, slice_sub(buf_view(&f.object), 0, n), &k), ERR_DENIED);
        CHECK_OK(buf_putc(&f.object, 0));
        CHECK_ERR(webauthn_register(&reg, buf_view(&f.object), &k), ERR_DENIED);
        f.object.len--;
        /* Whatever changes: an answer, and nothing beyond the buffer is read (run under ASan). */
        for (size_t at = 0; at < f.object.len; at++) {
            f.object.ptr[at] = (char)(f.object.ptr[at] ^ 0x81);
            enum err e = webauthn_register(&reg, buf_view(&f.object), &k);
            CHECK(e == ERR_OK || e == ERR_DENIED || e == ERR_NOMEM);
            f.object.ptr[at] = (char)(f.object.ptr[at] ^ 0x81);
        }
    }
}

static void bombs_in_object(void)
{
    static const char *const bombs[] = {"\x9a\x02\x00\x00\x00", "\x9a\x40\x00\x00\x00", "\xba\x40\x00\x00\x00", "\x9f\x00\x00\x00\xff"};
    CLEANUP(fixture_done) struct fixture f;
    struct webauthn_credential k;
    load(&f, "-7/none");
    struct webauthn_expect reg = expect(&f.reg_client);
    for (size_t i = 0; i < ARRAY_LEN(bombs); i++) {
        CHECK_ERR(webauthn_register(&reg, slice_of(bombs[i], 5), &k), ERR_DENIED);
        /* In the COSE key's place, with its bytes behind: after aaguid, length and id. */
        char *key = f.object.ptr + auth_data_at(&f.object) + 55 + f.id.len, saved[5];
        memcpy(saved, key, 5);
        memcpy(key, bombs[i], 5);
        CHECK_ERR(webauthn_register(&reg, buf_view(&f.object), &k), ERR_DENIED);
        memcpy(key, saved, 5);
    }
    CHECK_OK(webauthn_register(&reg, buf_view(&f.object), &k));
}

/* Extensions are behind the key or, in an assertion, behind the head. */
static void bombs_in_extensions(void)
{
    CLEANUP(fixture_done) struct fixture f;
    struct webauthn_credential k;
    load(&f, "-7/none");
    struct webauthn_expect reg = expect(&f.reg_client), x = expect(&f.client);
    CHECK_OK(webauthn_register(&reg, buf_view(&f.object), &k));
    size_t at = auth_data_at(&f.object), len_at = at - 1;
    CHECK_U64(at + (uint8_t)f.object.ptr[len_at], f.object.len); /* authData stands last */
    f.object.ptr[len_at] = (char)(f.object.ptr[len_at] + 5);
    f.object.ptr[at + 32] = (char)0xc5;
    CHECK_OK(buf_put(&f.object, slice_of("\xba\x40\x00\x00\x00", 5)));
    CHECK_ERR(webauthn_register(&reg, buf_view(&f.object), &k), ERR_DENIED);
    static const uint8_t flags[] = {0x85, 0xc5, 0x45, 0x05};
    CHECK_OK(buf_put(&f.auth_data, slice_of("\xba\x40\x00\x00\x00", 5)));
    for (size_t i = 0; i < ARRAY_LEN(flags); i++) {
        f.auth_data.ptr[32] = (char)flags[i];
        CHECK_ERR(verify(&f, &k, &x), ERR_DENIED);
    }
}

/* A count is not believed: what these declare would be gigabytes, and the process does not grow. */
TEST(webauthn_cbor_bombs)
{
    struct rusage use_before, use_after;
    CHECK(getrusage(RUSAGE_SELF, &use_before) == 0);
    bombs_in_object();
    bombs_in_extensions();
    CHECK(getrusage(RUSAGE_SELF, &use_after) == 0);
    CHECK(use_after.ru_maxrss - use_before.ru_maxrss < 64 * 1024); /* KiB */
}
