/* Registrations and assertions of passkeys through libfido2 and libcbor. Both allocate what a count declares before they read: no CBOR
 * reaches them that cbor_bounded has not walked. */
#include "crypto/webauthn.h"

#include <cbor.h>
#include <fido.h>
#include <fido/eddsa.h>
#include <fido/es256.h>
#include <fido/rs256.h>

#include "base/buf.h"
#include "base/mem.h"
#include "codec/cbor.h"
#include "crypto/evp.h"

#define RP_HASH_BYTES 32
#define FLAGS_AT 32
#define COUNT_AT 33
#define HEAD_BYTES 37
#define FLAG_PRESENT 0x01
#define FLAG_VERIFIED 0x04
#define FLAG_CREDENTIAL 0x40
#define AAGUID_BYTES 16

static void cred_done(fido_cred_t **c) { fido_cred_free(c); }
static void assert_done(fido_assert_t **a) { fido_assert_free(a); }
static void item_done(cbor_item_t **i)
{
    if (*i) cbor_decref(i);
}

/* libfido2 leaves its reasons in OpenSSL's error queue, which TLS reads. */
static enum err fido_err(int r)
{
    if (r == FIDO_OK) return ERR_OK;
    err_ignore(evp_failed(), "empties the queue; the answer is ours");
    return r == FIDO_ERR_INTERNAL ? ERR_NOMEM : ERR_DENIED;
}

struct head {
    uint8_t flags;
    uint32_t sign_count;
};

/* What every authenticator data must say: this site, a person present, verified when asked for. */
static enum err check_head(const struct webauthn_expect *x, struct slice auth_data, struct head *ret)
{
    const unsigned char *p = slice_u8(auth_data);
    struct sha256 want, got;
    if (auth_data.len < HEAD_BYTES) return ERR_DENIED;
    TRY(sha256(x->rp_id, &want));
    memcpy(got.b, p, RP_HASH_BYTES);
    if (!sha256_equal(&want, &got)) return ERR_DENIED;
    ret->flags = p[FLAGS_AT];
    ret->sign_count = (uint32_t)p[COUNT_AT] << 24 | (uint32_t)p[COUNT_AT + 1] << 16 | (uint32_t)p[COUNT_AT + 2] << 8 |
                      (uint32_t)p[COUNT_AT + 3];
    if (!(ret->flags & FLAG_PRESENT)) return ERR_DENIED;
    if (x->user_verified && !(ret->flags & FLAG_VERIFIED)) return ERR_DENIED;
    return ERR_OK;
}

/* Cuts one harmless CBOR item off *s. */
static enum err cut_item(struct slice *s)
{
    size_t used = 0;
    if (cbor_bounded(*s, CBOR_DEPTH_MAX, &used) != ERR_OK) return ERR_DENIED;
    *s = slice_sub(*s, used, s->len);
    return ERR_OK;
}

/* Extensions are one item, or there are none; nothing follows. Whether the flags announce them is libfido2's question. */
static enum err check_extensions(struct slice s)
{
    if (s.len) TRY(cut_item(&s));
    return s.len == 0 ? ERR_OK : ERR_DENIED;
}

/* ---- attestation objects ---- */

struct object {
    struct slice format, auth_data;
    cbor_item_t *statement; /* a map */
};

static struct slice text_of(const cbor_item_t *i)
{
    if (!cbor_isa_string(i) || !cbor_string_is_definite(i)) return slice_of(NULL, 0);
    return slice_of(cbor_string_handle(i), cbor_string_length(i));
}

/* { "fmt": text, "attStmt": map, "authData": bytes }, each once, nothing else. */
static enum err split(const cbor_item_t *root, struct object *ret)
{
    if (!cbor_isa_map(root) || !cbor_map_is_definite(root) || cbor_map_size(root) != 3) return ERR_DENIED;
    for (size_t i = 0; i < 3; i++) {
        struct cbor_pair pair = cbor_map_handle(root)[i];
        struct slice name = text_of(pair.key);
        if (slice_eq(name, SLICE("fmt")))
            ret->format = text_of(pair.value);
        else if (slice_eq(name, SLICE("attStmt")) && cbor_isa_map(pair.value))
            ret->statement = pair.value;
        else if (slice_eq(name, SLICE("authData")) && cbor_isa_bytestring(pair.value) && cbor_bytestring_is_definite(pair.value))
            ret->auth_data = slice_of(cbor_bytestring_handle(pair.value), cbor_bytestring_length(pair.value));
    }
    return ret->format.ptr && ret->statement && ret->auth_data.ptr ? ERR_OK : ERR_DENIED;
}

/* Behind the head: the authenticator's kind, the credential id and its length, the COSE key, extensions. */
static enum err find_key(struct slice auth_data, struct slice *ret)
{
    const unsigned char *p = slice_u8(auth_data);
    size_t id_at = HEAD_BYTES + AAGUID_BYTES + 2;
    if (auth_data.len < id_at) return ERR_DENIED;
    size_t key_at = id_at + (size_t)(p[id_at - 2] << 8 | p[id_at - 1]);
    if (key_at >= auth_data.len) return ERR_DENIED;
    struct slice key = slice_sub(auth_data, key_at, auth_data.len), rest = key;
    TRY(cut_item(&rest));
    TRY(check_extensions(rest));
    *ret = slice_sub(key, 0, key.len - rest.len);
    return ERR_OK;
}

/* The key's algorithm, out of the COSE key: it comes in the statement's stead, for "none" has none. */
static enum err key_alg(struct slice cose, int64_t *ret)
{
    CLEANUP(item_done) cbor_item_t *key = NULL;
    struct cbor_load_result r;
    key = cbor_load(slice_u8(cose), cose.len, &r);
    if (!key) return r.error.code == CBOR_ERR_MEMERROR ? ERR_NOMEM : ERR_DENIED;
    if (!cbor_isa_map(key) || !cbor_map_is_definite(key)) return ERR_DENIED;
    for (size_t i = 0; i < cbor_map_size(key); i++) {
        struct cbor_pair pair = cbor_map_handle(key)[i];
        /* { 3: alg }; a negative CBOR number n is kept as -1 - n. */
        if (!cbor_isa_uint(pair.key) || cbor_get_int(pair.key) != 3) continue;
        if (!cbor_isa_negint(pair.value) || cbor_get_int(pair.value) > 1000) return ERR_DENIED;
        *ret = -1 - (int64_t)cbor_get_int(pair.value);
        return ERR_OK;
    }
    return ERR_DENIED;
}

static enum err check_statement(fido_cred_t *cred, const struct object *o)
{
    CLEANUP(buf_done) struct buf b = BUF_INIT(WEBAUTHN_OBJECT_BYTES_MAX);
    if (slice_eq(o->format, SLICE("none"))) return cbor_map_size(o->statement) == 0 ? ERR_OK : ERR_DENIED;
    if (!slice_eq(o->format, SLICE("packed"))) return ERR_DENIED;
    TRY(buf_reserve(&b, WEBAUTHN_OBJECT_BYTES_MAX));
    b.len = cbor_serialize(o->statement, (unsigned char *)b.ptr, b.cap);
    if (b.len == 0) return ERR_DENIED;
    TRY(fido_err(fido_cred_set_fmt(cred, "packed")));
    TRY(fido_err(fido_cred_set_attstmt(cred, (const unsigned char *)b.ptr, b.len)));
    return fido_err(fido_cred_x5c_ptr(cred) ? fido_cred_verify(cred) : fido_cred_verify_self(cred));
}

static enum err take_credential(const fido_cred_t *cred, struct webauthn_credential *ret)
{
    size_t id_len = fido_cred_id_len(cred), key_len = fido_cred_pubkey_len(cred);
    if (id_len == 0 || id_len > sizeof ret->id || key_len == 0 || key_len > sizeof ret->key) return ERR_DENIED;
    memcpy(ret->id, fido_cred_id_ptr(cred), id_len);
    memcpy(ret->key, fido_cred_pubkey_ptr(cred), key_len);
    ret->id_len = id_len;
    ret->key_len = key_len;
    return ERR_OK;
}

static enum err register_object(const struct webauthn_expect *x, const struct object *o, struct webauthn_credential *ret)
{
    CLEANUP(cred_done) fido_cred_t *cred = fido_cred_new();
    CLEANUP(buf_done) struct buf rp = BUF_INIT(256);
    struct head head = {0};
    struct slice cose = {0};
    const char *rp_id = NULL;
    int64_t alg = 0;
    if (!cred) return ERR_NOMEM;
    TRY(check_head(x, o->auth_data, &head));
    if (!(head.flags & FLAG_CREDENTIAL)) return ERR_DENIED;
    TRY(find_key(o->auth_data, &cose));
    TRY(key_alg(cose, &alg));
    if (alg != WEBAUTHN_ES256 && alg != WEBAUTHN_EDDSA && alg != WEBAUTHN_RS256) return ERR_DENIED;
    TRY(buf_put(&rp, x->rp_id));
    TRY(buf_cstr(&rp, &rp_id));
    TRY(fido_err(fido_cred_set_type(cred, (int)alg)));
    TRY(fido_err(fido_cred_set_rp(cred, rp_id, NULL)));
    TRY(fido_err(fido_cred_set_clientdata_hash(cred, x->client_data_hash.b, sizeof x->client_data_hash.b)));
    TRY(fido_err(fido_cred_set_authdata_raw(cred, slice_u8(o->auth_data), o->auth_data.len)));
    TRY(check_statement(cred, o));
    ret->alg = alg;
    ret->sign_count = head.sign_count;
    return take_credential(cred, ret);
}

enum err webauthn_register(const struct webauthn_expect *x, struct slice attestation_object, struct webauthn_credential *ret)
{
    CLEANUP(item_done) cbor_item_t *root = NULL;
    struct cbor_load_result r;
    struct object o = {.statement = NULL};
    struct slice rest = attestation_object;
    struct webauthn_credential out = {0};
    if (attestation_object.len == 0 || attestation_object.len > WEBAUTHN_OBJECT_BYTES_MAX) return ERR_DENIED;
    TRY(cut_item(&rest));
    if (rest.len) return ERR_DENIED;
    root = cbor_load(slice_u8(attestation_object), attestation_object.len, &r);
    if (!root) return r.error.code == CBOR_ERR_MEMERROR ? ERR_NOMEM : ERR_DENIED;
    TRY(split(root, &o));
    TRY(register_object(x, &o, &out));
    *ret = out;
    return ERR_OK;
}

/* ---- assertions ---- */

static enum err verify_es256(const fido_assert_t *f, struct slice key)
{
    es256_pk_t *pk = es256_pk_new();
    if (!pk) return ERR_NOMEM;
    int r = es256_pk_from_ptr(pk, slice_u8(key), key.len);
    if (r == FIDO_OK) r = fido_assert_verify(f, 0, COSE_ES256, pk);
    es256_pk_free(&pk);
    return fido_err(r);
}

static enum err verify_eddsa(const fido_assert_t *f, struct slice key)
{
    eddsa_pk_t *pk = eddsa_pk_new();
    if (!pk) return ERR_NOMEM;
    int r = eddsa_pk_from_ptr(pk, slice_u8(key), key.len);
    if (r == FIDO_OK) r = fido_assert_verify(f, 0, COSE_EDDSA, pk);
    eddsa_pk_free(&pk);
    return fido_err(r);
}

static enum err verify_rs256(const fido_assert_t *f, struct slice key)
{
    rs256_pk_t *pk = rs256_pk_new();
    if (!pk) return ERR_NOMEM;
    int r = rs256_pk_from_ptr(pk, slice_u8(key), key.len);
    if (r == FIDO_OK) r = fido_assert_verify(f, 0, COSE_RS256, pk);
    rs256_pk_free(&pk);
    return fido_err(r);
}

static enum err fill(fido_assert_t *f, const struct webauthn_expect *x, const struct webauthn_assertion *a)
{
    CLEANUP(buf_done) struct buf rp = BUF_INIT(256);
    const char *rp_id = NULL;
    TRY(buf_put(&rp, x->rp_id));
    TRY(buf_cstr(&rp, &rp_id));
    TRY(fido_err(fido_assert_set_count(f, 1)));
    TRY(fido_err(fido_assert_set_rp(f, rp_id)));
    TRY(fido_err(fido_assert_set_clientdata_hash(f, x->client_data_hash.b, sizeof x->client_data_hash.b)));
    TRY(fido_err(fido_assert_set_authdata_raw(f, 0, slice_u8(a->auth_data), a->auth_data.len)));
    TRY(fido_err(fido_assert_set_sig(f, 0, slice_u8(a->signature), a->signature.len)));
    TRY(fido_err(fido_assert_set_up(f, FIDO_OPT_TRUE)));
    return fido_err(fido_assert_set_uv(f, x->user_verified ? FIDO_OPT_TRUE : FIDO_OPT_OMIT));
}

enum err webauthn_verify(const struct webauthn_expect *x, const struct webauthn_assertion *a, uint32_t *ret_sign_count,
                         bool *ret_user_verified)
{
    CLEANUP(assert_done) fido_assert_t *f = NULL;
    struct head head = {0};
    TRY(check_head(x, a->auth_data, &head));
    /* An assertion has no attested credential: libfido2 looks for extensions at once, whatever that flag says. */
    TRY(check_extensions(slice_sub(a->auth_data, HEAD_BYTES, a->auth_data.len)));
    if (a->signature.len == 0) return ERR_DENIED;
    f = fido_assert_new();
    if (!f) return ERR_NOMEM;
    TRY(fill(f, x, a));
    enum err e = ERR_DENIED;
    if (a->alg == WEBAUTHN_ES256) e = verify_es256(f, a->key);
    if (a->alg == WEBAUTHN_EDDSA) e = verify_eddsa(f, a->key);
    if (a->alg == WEBAUTHN_RS256) e = verify_rs256(f, a->key);
    TRY(e);
    *ret_sign_count = head.sign_count;
    *ret_user_verified = head.flags & FLAG_VERIFIED;
    return ERR_OK;
}
