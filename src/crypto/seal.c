/* Cobblestone-256 (C2SP chunked-encryption v1): key derivation, commitment, chunk nonces, message lengths. Reader and writer side
 * by side. Not here: what contexts mean (sft.c), where keys come from (keyring.c). */
#include "crypto/seal.h"

#include "base/assert.h"
#include "base/intmath.h"
#include "crypto/aes_gcm.h"
#include "crypto/hash.h"
#include "os/clock.h"

/* Chunk numbers are below 2^38, so that they touch only the last five bytes of the nonce. */
#define SEAL_CHUNKS_MAX ((uint64_t)1 << 38)
#define SEAL_INFO "c2sp.org/chunked-encryption@v1+AEAD_AES_256_GCM"
#define SEAL_CONTEXT_MAX 256
#define SEAL_COMMITMENT 32

enum sealer_state { SEALER_IDLE, SEALER_SEALING, SEALER_OPENING };

struct sealer {
    EVP_CIPHER_CTX *ctx;
    uint8_t nonce[AES_GCM_NONCE];
    enum sealer_state state;
};

uint64_t seal_size(uint64_t n) { return SEAL_HEADER + n + SEAL_TAG * (n / SEAL_CHUNK + 1); }

enum err seal_plain_size(uint64_t sealed, uint64_t *ret)
{
    if (sealed < SEAL_MIN) return ERR_INVALID;
    uint64_t full = (sealed - SEAL_HEADER) / SEAL_SEALED_CHUNK, last = (sealed - SEAL_HEADER) % SEAL_SEALED_CHUNK;
    if (last < SEAL_TAG || full >= SEAL_CHUNKS_MAX) return ERR_INVALID;
    *ret = full * SEAL_CHUNK + last - SEAL_TAG;
    return ERR_OK;
}

enum err seal_derive(const struct key *key, struct slice context, const uint8_t salt[SEAL_SALT], struct key *ret_aead,
                     uint8_t ret_nonce[12], uint8_t ret_commitment[32])
{
    uint8_t info[sizeof SEAL_INFO + SEAL_SALT + SEAL_CONTEXT_MAX];
    uint8_t okm[KEY_BYTES + AES_GCM_NONCE + SEAL_COMMITMENT];
    if (context.len > SEAL_CONTEXT_MAX) return ERR_TOO_LARGE;
    memcpy(info, SEAL_INFO, sizeof SEAL_INFO); /* with its 0x00 */
    memcpy(info + sizeof SEAL_INFO, salt, SEAL_SALT);
    if (context.len) memcpy(info + sizeof SEAL_INFO + SEAL_SALT, context.ptr, context.len);
    TRY(hkdf_sha512_expand(slice_of(key->b, sizeof key->b),
                           slice_of(info, sizeof SEAL_INFO + SEAL_SALT + context.len), okm, sizeof okm));
    memcpy(ret_aead->b, okm, KEY_BYTES);
    memcpy(ret_nonce, okm + KEY_BYTES, AES_GCM_NONCE);
    memcpy(ret_commitment, okm + KEY_BYTES + AES_GCM_NONCE, SEAL_COMMITMENT);
    mem_wipe(okm, sizeof okm);
    return ERR_OK;
}

enum err sealer_new(struct sealer **ret)
{
    CLEANUP(sealer_cleanup) struct sealer *s = MEM_NEW(struct sealer);
    if (!s) return ERR_NOMEM;
    s->ctx = EVP_CIPHER_CTX_new();
    if (!s->ctx) return evp_failed();
    *ret = TAKE(s);
    return ERR_OK;
}

void sealer_free(struct sealer *s)
{
    if (!s) return;
    EVP_CIPHER_CTX_free(s->ctx); /* wipes the key schedule */
    mem_wipe(s, sizeof *s);
    mem_free(s);
}

void sealer_cleanup(struct sealer **s) { sealer_free(*s); }

enum err sealer_start(struct sealer *s, const struct key *key, struct slice context, struct seal_header *ret)
{
    CLEANUP(key_done) struct key aead;
    struct seal_header h;
    s->state = SEALER_IDLE;
    TRY(os_random(h.b, SEAL_SALT));
    TRY(seal_derive(key, context, h.b, &aead, s->nonce, h.b + SEAL_SALT));
    TRY(aes_gcm_key(s->ctx, &aead, true));
    s->state = SEALER_SEALING;
    *ret = h;
    return ERR_OK;
}

enum err sealer_open(struct sealer *s, const struct key *key, struct slice context, const struct seal_header *h)
{
    CLEANUP(key_done) struct key aead;
    uint8_t commitment[SEAL_COMMITMENT];
    s->state = SEALER_IDLE;
    TRY(seal_derive(key, context, h->b, &aead, s->nonce, commitment));
    if (!mem_equal_ct(commitment, h->b + SEAL_SALT, sizeof commitment)) return ERR_CORRUPT;
    TRY(aes_gcm_key(s->ctx, &aead, false));
    s->state = SEALER_OPENING;
    return ERR_OK;
}

static void chunk_nonce(const struct sealer *s, uint64_t i, uint8_t ret[AES_GCM_NONCE])
{
    memcpy(ret, s->nonce, 4);
    store_u64be(ret + 4, load_u64be(s->nonce + 4) ^ i);
}

enum err sealer_chunk(struct sealer *s, uint64_t i, const void *p, size_t n, void *out)
{
    uint8_t nonce[AES_GCM_NONCE];
    ASSERT(s->state == SEALER_SEALING && n <= SEAL_CHUNK);
    if (i >= SEAL_CHUNKS_MAX) return ERR_TOO_LARGE;
    chunk_nonce(s, i, nonce);
    return aes_gcm_encrypt(s->ctx, nonce, SLICE(""), p, n, out);
}

enum err sealer_open_chunk(struct sealer *s, uint64_t i, const void *p, size_t n, void *out)
{
    uint8_t nonce[AES_GCM_NONCE];
    ASSERT(s->state == SEALER_OPENING);
    if (n < SEAL_TAG || n > SEAL_SEALED_CHUNK || i >= SEAL_CHUNKS_MAX) return ERR_CORRUPT;
    chunk_nonce(s, i, nonce);
    return aes_gcm_decrypt(s->ctx, nonce, SLICE(""), p, n, out);
}

static enum err seal_chunks(struct sealer *s, struct slice plain, uint8_t *out)
{
    for (uint64_t i = 0;; i++) {
        size_t n = MIN(plain.len, (size_t)SEAL_CHUNK);
        TRY(sealer_chunk(s, i, plain.ptr, n, out));
        if (n < SEAL_CHUNK) return ERR_OK;
        plain = slice_sub(plain, n, plain.len);
        out += SEAL_SEALED_CHUNK;
    }
}

enum err seal_message(const struct key *key, struct slice context, struct slice plain, struct buf *ret)
{
    CLEANUP(sealer_cleanup) struct sealer *s = NULL;
    struct seal_header h;
    uint64_t sealed = seal_size(plain.len);
    TRY(sealer_new(&s));
    TRY(buf_reserve(ret, sealed));
    TRY(sealer_start(s, key, context, &h));
    memcpy(ret->ptr + ret->len, h.b, sizeof h.b);
    TRY(seal_chunks(s, plain, (uint8_t *)ret->ptr + ret->len + sizeof h.b));
    ret->len += sealed;
    return ERR_OK;
}

static enum err open_chunks(struct sealer *s, struct slice chunks, uint8_t *out)
{
    for (uint64_t i = 0; chunks.len; i++) {
        size_t n = MIN(chunks.len, (size_t)SEAL_SEALED_CHUNK);
        TRY(sealer_open_chunk(s, i, chunks.ptr, n, out));
        chunks = slice_sub(chunks, n, chunks.len);
        out += n - SEAL_TAG;
    }
    return ERR_OK;
}

enum err seal_open_message(const struct key *key, struct slice context, struct slice sealed, struct buf *ret)
{
    CLEANUP(sealer_cleanup) struct sealer *s = NULL;
    struct seal_header h;
    uint64_t plain = 0;
    /* The size alone tells a cut at a chunk's end: it leaves no short last chunk. */
    if (seal_plain_size(sealed.len, &plain) != ERR_OK) return ERR_CORRUPT;
    TRY(sealer_new(&s));
    TRY(buf_reserve(ret, plain));
    memcpy(h.b, sealed.ptr, sizeof h.b);
    TRY(sealer_open(s, key, context, &h));
    enum err e = open_chunks(s, slice_sub(sealed, sizeof h.b, sealed.len), (uint8_t *)ret->ptr + ret->len);
    if (e == ERR_OK)
        ret->len += plain;
    else
        mem_wipe(ret->ptr + ret->len, plain); /* chunks before the bad one did open */
    return e;
}
