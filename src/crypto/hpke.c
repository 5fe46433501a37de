/* HPKE base mode, RFC 9180, for one suite, one message a context. Section numbers below are the RFC's. */
#include "crypto/hpke.h"

#include "base/intmath.h"
#include "crypto/aes_gcm.h"
#include "crypto/hash.h"
#include "crypto/x25519.h"
#include "os/clock.h"

/* "KEM" and I2OSP(0x0020, 2); "HPKE" and the ids of KEM, KDF and AEAD. */
#define SUITE_KEM SLICE("KEM\x00\x20")
#define SUITE_HPKE SLICE("HPKE\x00\x20\x00\x01\x00\x02")
#define NONE SLICE("")

struct schedule {
    struct key key;
    uint8_t nonce[AES_GCM_NONCE];
};

static void schedule_done(struct schedule *s) { mem_wipe(s, sizeof *s); }

static struct slice key_view(const struct key *k) { return slice_of(k->b, sizeof k->b); }

/* 4: LabeledExtract */
static enum err labeled_extract(struct slice suite, struct slice salt, struct slice label, struct slice ikm, struct key *ret)
{
    const struct evp *evp = NULL;
    const struct slice parts[] = {SLICE("HPKE-v1"), suite, label, ikm};
    TRY(evp_get(&evp));
    return evp_hmac(evp->hmac_sha256, salt, parts, ARRAY_LEN(parts), ret->b, sizeof ret->b);
}

/* 4: LabeledExpand; `info` is short and of our making. */
static enum err labeled_expand(struct slice suite, const struct key *prk, struct slice label, struct slice info, void *ret,
                               size_t n)
{
    char labeled[160];
    struct buf b = {.ptr = labeled, .cap = sizeof labeled, .max = sizeof labeled}; /* never grows, so never allocates */
    const char length[] = {(char)(n >> 8), (char)n};
    TRY(buf_put(&b, slice_of(length, sizeof length)));
    TRY(buf_put(&b, SLICE("HPKE-v1")));
    TRY(buf_put(&b, suite));
    TRY(buf_put(&b, label));
    TRY(buf_put(&b, info));
    return hkdf_sha256_expand(prk, buf_view(&b), ret, n);
}

/* 4.1: ExtractAndExpand of the KEM */
static enum err shared_secret(const struct key *dh, const uint8_t *enc, const uint8_t *public_key, struct key *ret)
{
    CLEANUP(key_done) struct key prk;
    uint8_t context[2 * HPKE_PUBLIC_BYTES];
    memcpy(context, enc, HPKE_PUBLIC_BYTES);
    memcpy(context + HPKE_PUBLIC_BYTES, public_key, HPKE_PUBLIC_BYTES);
    TRY(labeled_extract(SUITE_KEM, NONE, SLICE("eae_prk"), key_view(dh), &prk));
    return labeled_expand(SUITE_KEM, &prk, SLICE("shared_secret"), slice_of(context, sizeof context), ret->b, sizeof ret->b);
}

/* 5.1: KeySchedule with mode 0 and no PSK */
static enum err key_schedule(const struct key *shared, struct slice info, struct schedule *ret)
{
    CLEANUP(key_done) struct key secret;
    struct key psk_id_hash, info_hash; /* public values in the type that HMAC gives */
    uint8_t context[1 + 2 * KEY_BYTES] = {0};
    TRY(labeled_extract(SUITE_HPKE, NONE, SLICE("psk_id_hash"), NONE, &psk_id_hash));
    TRY(labeled_extract(SUITE_HPKE, NONE, SLICE("info_hash"), info, &info_hash));
    memcpy(context + 1, psk_id_hash.b, KEY_BYTES);
    memcpy(context + 1 + KEY_BYTES, info_hash.b, KEY_BYTES);
    TRY(labeled_extract(SUITE_HPKE, key_view(shared), SLICE("secret"), NONE, &secret));
    const struct slice view = slice_of(context, sizeof context);
    TRY(labeled_expand(SUITE_HPKE, &secret, SLICE("key"), view, ret->key.b, sizeof ret->key.b));
    return labeled_expand(SUITE_HPKE, &secret, SLICE("base_nonce"), view, ret->nonce, sizeof ret->nonce);
}

enum err hpke_keypair(struct key *ret_private, uint8_t ret_public[HPKE_PUBLIC_BYTES])
{
    CLEANUP(key_done) struct key private_key;
    TRY(os_random(private_key.b, sizeof private_key.b));
    TRY(x25519_public(&private_key, ret_public));
    *ret_private = private_key;
    return ERR_OK;
}

static enum err setup_sender(const uint8_t *public_key, struct slice info, uint8_t *ret_enc, struct schedule *ret)
{
    CLEANUP(key_done) struct key ephemeral, dh, shared;
    TRY(hpke_keypair(&ephemeral, ret_enc));
    TRY(x25519(&ephemeral, public_key, &dh));
    TRY(shared_secret(&dh, ret_enc, public_key, &shared));
    return key_schedule(&shared, info, ret);
}

static enum err setup_receiver(const struct key *private_key, const uint8_t *enc, struct slice info, struct schedule *ret)
{
    CLEANUP(key_done) struct key dh, shared;
    uint8_t public_key[HPKE_PUBLIC_BYTES];
    TRY(x25519_public(private_key, public_key));
    if (x25519(private_key, enc, &dh) != ERR_OK) return ERR_CORRUPT;
    TRY(shared_secret(&dh, enc, public_key, &shared));
    return key_schedule(&shared, info, ret);
}

enum err hpke_seal(const uint8_t public_key[HPKE_PUBLIC_BYTES], struct slice info, struct slice aad, struct slice plain,
                   uint8_t ret_enc[HPKE_PUBLIC_BYTES], struct buf *ret_ct)
{
    CLEANUP(schedule_done) struct schedule s;
    CLEANUP(cipher_ctx_done) EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    uint8_t enc[HPKE_PUBLIC_BYTES];
    size_t n = 0;
    if (!ctx) return evp_failed();
    TRY(size_add(plain.len, HPKE_TAG_BYTES, &n));
    TRY(buf_reserve(ret_ct, n));
    TRY(setup_sender(public_key, info, enc, &s));
    TRY(aes_gcm_key(ctx, &s.key, true));
    TRY(aes_gcm_encrypt(ctx, s.nonce, aad, plain.ptr, plain.len, ret_ct->ptr + ret_ct->len));
    memcpy(ret_enc, enc, sizeof enc);
    ret_ct->len += n;
    return ERR_OK;
}

enum err hpke_open(const struct key *private_key, const uint8_t enc[HPKE_PUBLIC_BYTES], struct slice info, struct slice aad,
                   struct slice ct, struct buf *ret_plain)
{
    CLEANUP(schedule_done) struct schedule s;
    CLEANUP(cipher_ctx_done) EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    if (!ctx) return evp_failed();
    if (ct.len < HPKE_TAG_BYTES) return ERR_CORRUPT;
    TRY(buf_reserve(ret_plain, ct.len - HPKE_TAG_BYTES));
    TRY(setup_receiver(private_key, enc, info, &s));
    TRY(aes_gcm_key(ctx, &s.key, false));
    TRY(aes_gcm_decrypt(ctx, s.nonce, aad, ct.ptr, ct.len, ret_plain->ptr + ret_plain->len));
    ret_plain->len += ct.len - HPKE_TAG_BYTES;
    return ERR_OK;
}
