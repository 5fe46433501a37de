/* A passkey device in software, on OpenSSL. */
#include <string.h>

#include "integration/authenticator.h"

#include <openssl/core_names.h>
#include <openssl/ec.h>

#include "codec/base64.h"
#include "crypto/hash.h"
#include "os/clock.h"

#define PRESENT 0x01
#define VERIFIED 0x04
#define CREDENTIAL 0x40

void authenticator_new(struct authenticator *a)
{
    *a = (struct authenticator){.key = EVP_EC_gen("P-256"), .rp_id = "drop.example", .origin = LOOP_URL, .flags = PRESENT | VERIFIED};
    if (!a->key || os_random(a->id, sizeof a->id) != ERR_OK) test_fail(__FILE__, __LINE__, "no key");
}

void authenticator_free(struct authenticator *a) { EVP_PKEY_free(a->key); }

static const char *b64(struct slice s)
{
    struct buf b = BUF_INIT(8192);
    const char *text = base64url_encode(&b, s) == ERR_OK ? loop_text(SLICE_FMT, SLICE_ARG(buf_view(&b))) : "";
    buf_done(&b);
    return text;
}

static const char *client_data(const struct authenticator *a, const char *type, const char *challenge)
{
    return loop_text("{\"type\":\"%s\",\"challenge\":\"%s\",\"origin\":\"%s\",\"crossOrigin\":false,\"other\":1}",
                     a->type ? a->type : type, challenge, a->origin);
}

static void put(struct buf *b, const void *p, size_t n)
{
    if (buf_put(b, slice_of(p, n)) != ERR_OK) test_fail(__FILE__, __LINE__, "memory");
}

static void put_head(const struct authenticator *a, struct buf *b, uint8_t flags)
{
    struct sha256 rp;
    uint8_t count[4] = {(uint8_t)(a->count >> 24), (uint8_t)(a->count >> 16), (uint8_t)(a->count >> 8), (uint8_t)a->count};
    if (sha256(slice_cstr(a->rp_id), &rp) != ERR_OK) return;
    put(b, rp.b, sizeof rp.b);
    put(b, &flags, 1);
    put(b, count, 4);
}

static void put_cose_key(const struct authenticator *a, struct buf *b)
{
    uint8_t point[65];
    size_t n = 0;
    EVP_PKEY_get_octet_string_param(a->key, OSSL_PKEY_PARAM_ENCODED_PUBLIC_KEY, point, sizeof point, &n);
    put(b, "\xa5\x01\x02\x03\x26\x20\x01\x21\x58\x20", 10); /* {1: 2, 3: -7, -1: 1, -2: x, -3: y} */
    put(b, point + 1, 32);
    put(b, "\x22\x58\x20", 3);
    put(b, point + 33, 32);
}

const char *authenticator_register(struct authenticator *a, const char *challenge, const char *name)
{
    CLEANUP(buf_done) struct buf data = BUF_INIT(1024);
    CLEANUP(buf_done) struct buf object = BUF_INIT(2048);
    static const char aaguid_and_length[18] = {[17] = 16};
    put_head(a, &data, a->flags | CREDENTIAL);
    put(&data, aaguid_and_length, sizeof aaguid_and_length);
    put(&data, a->id, sizeof a->id);
    put_cose_key(a, &data);
    put(&object, "\xa3" "cfmtdnonegattStmt\xa0hauthData\x58", 29);
    put(&object, &(uint8_t){(uint8_t)data.len}, 1);
    put(&object, data.ptr, data.len);
    return loop_text("{\"name\":\"%s\",\"client_data_json\":\"%s\",\"attestation_object\":\"%s\"}", name,
                     b64(slice_cstr(client_data(a, "webauthn.create", challenge))), b64(buf_view(&object)));
}

const char *authenticator_sign(struct authenticator *a, const char *challenge, const char *more)
{
    CLEANUP(buf_done) struct buf data = BUF_INIT(1024);
    CLEANUP(buf_done) struct buf signed_bytes = BUF_INIT(1024);
    const char *client = client_data(a, "webauthn.get", challenge);
    struct sha256 h;
    uint8_t sig[128];
    size_t n = sizeof sig;
    put_head(a, &data, a->flags);
    put(&signed_bytes, data.ptr, data.len);
    if (sha256(slice_cstr(client), &h) != ERR_OK) return "";
    put(&signed_bytes, h.b, sizeof h.b);
    EVP_MD_CTX *md = EVP_MD_CTX_new();
    if (EVP_DigestSignInit(md, NULL, EVP_sha256(), NULL, a->key) != 1 ||
        EVP_DigestSign(md, sig, &n, (const unsigned char *)signed_bytes.ptr, signed_bytes.len) != 1)
        test_fail(__FILE__, __LINE__, "signature");
    EVP_MD_CTX_free(md);
    if (a->bad_signature) sig[n - 1] ^= 1;
    return loop_text("{\"credential_id\":\"%s\",\"client_data_json\":\"%s\",\"authenticator_data\":\"%s\",\"signature\":\"%s\"%s}",
                     b64(slice_of(a->id, sizeof a->id)), b64(slice_cstr(client)), b64(buf_view(&data)), b64(slice_of(sig, n)), more);
}

struct secret secret_of(const char *text)
{
    static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    struct secret s = {{0}};
    for (size_t bit = 0; bit < 8 * sizeof s.b && text[bit / 5]; bit++) {
        const char *at = strchr(alphabet, text[bit / 5]);
        if (at && (at - alphabet) >> (4 - bit % 5) & 1) s.b[bit / 8] = (uint8_t)(s.b[bit / 8] | 0x80u >> bit % 8);
    }
    return s;
}

const char *code_at(const struct secret *s, int offset)
{
    uint32_t code = 0;
    if (totp_code(slice_of(s->b, sizeof s->b), totp_step(loop_now_ms()) + offset, &code) != ERR_OK)
        test_fail(__FILE__, __LINE__, "totp_code");
    return loop_text("%06u", code);
}
