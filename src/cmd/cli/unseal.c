/* Opening a sealed part in a stream: collect a header or a chunk, verify it, hand its plaintext out in large pieces. */
#include "cmd/cli/unseal.h"

#include "base/intmath.h"
#include "base/mem.h"

#define OUT_BYTES (256u * 1024u)

struct unseal {
    struct sealer *sealer;
    struct key key;
    struct sft_context context;
    uint64_t plain;       /* of the part */
    uint64_t file_offset; /* of the part's first plaintext byte */
    bool opened;          /* the header is verified */
    struct seal_header header;
    uint64_t chunk, chunks;
    size_t have; /* bytes in `in` */
    size_t out_len;
    uint64_t out_offset; /* in the file, of out[0] */
    unseal_emit_fn *emit;
    void *arg;
    uint8_t in[SEAL_SEALED_CHUNK];
    uint8_t out[OUT_BYTES];
};

enum err unseal_new(struct unseal **ret)
{
    CLEANUP(unseal_cleanup) struct unseal *u = MEM_NEW(struct unseal);
    if (!u) return ERR_NOMEM;
    TRY(sealer_new(&u->sealer));
    *ret = TAKE(u);
    return ERR_OK;
}

void unseal_free(struct unseal *u)
{
    if (!u) return;
    sealer_free(u->sealer);
    mem_wipe(u, sizeof *u);
    mem_free(u);
}

void unseal_cleanup(struct unseal **u) { unseal_free(*u); }

enum err unseal_start(struct unseal *u, const struct key *key, const struct id *content_id, uint64_t size, uint32_t part_size,
                      uint32_t part, unseal_emit_fn *emit, void *arg)
{
    if (!sft_part_size_valid(part_size) || part >= sft_part_count(size, part_size)) return ERR_INVALID;
    u->key = *key;
    sft_part_context(&u->context, content_id, part_size, part);
    u->plain = sft_part_plain(size, part_size, part);
    u->file_offset = (uint64_t)part_size * part;
    u->opened = false;
    u->chunk = 0;
    u->chunks = u->plain / SEAL_CHUNK + 1;
    u->have = 0;
    u->out_len = 0;
    u->out_offset = u->file_offset;
    u->emit = emit;
    u->arg = arg;
    return ERR_OK;
}

static enum err flush(struct unseal *u)
{
    size_t n = u->out_len;
    if (n == 0) return ERR_OK;
    u->out_len = 0;
    TRY(u->emit(u->arg, u->out_offset, u->out, n));
    u->out_offset += n;
    return ERR_OK;
}

/* Bytes the header or the present chunk has in all. */
static size_t wanted(const struct unseal *u)
{
    if (!u->opened) return SEAL_HEADER;
    return (size_t)MIN(u->plain - u->chunk * SEAL_CHUNK, SEAL_CHUNK) + SEAL_TAG;
}

/* A whole header or chunk, at `p`. */
static enum err take(struct unseal *u, const uint8_t *p, size_t n)
{
    if (!u->opened) {
        memcpy(u->header.b, p, SEAL_HEADER);
        TRY(sealer_open(u->sealer, &u->key, sft_context_view(&u->context), &u->header));
        u->opened = true;
        return ERR_OK;
    }
    if (sizeof u->out - u->out_len < n - SEAL_TAG) TRY(flush(u));
    TRY(sealer_open_chunk(u->sealer, u->chunk, p, n, u->out + u->out_len));
    u->out_len += n - SEAL_TAG;
    u->chunk++;
    return ERR_OK;
}

enum err unseal_push(struct unseal *u, const void *bytes, size_t n)
{
    const uint8_t *p = bytes;
    while (n) {
        if (u->opened && u->chunk == u->chunks) return ERR_CORRUPT;
        size_t want = wanted(u), more = MIN(want - u->have, n);
        if (u->have == 0 && n >= want) { /* straight from the network buffer */
            TRY(take(u, p, want));
            more = want;
        } else {
            memcpy(u->in + u->have, p, more);
            u->have += more;
            if (u->have == want) {
                u->have = 0;
                TRY(take(u, u->in, want));
            }
        }
        p += more;
        n -= more;
    }
    return ERR_OK;
}

enum err unseal_resume(struct unseal *u, uint64_t *ret)
{
    u->have = 0;
    TRY(flush(u));
    *ret = !u->opened ? 0 : MIN(SEAL_HEADER + u->chunk * SEAL_SEALED_CHUNK, unseal_length(u));
    return ERR_OK;
}

uint64_t unseal_length(const struct unseal *u) { return seal_size(u->plain); }

enum err unseal_finish(struct unseal *u, struct seal_header *ret)
{
    if (!u->opened || u->chunk != u->chunks) return ERR_CORRUPT;
    TRY(flush(u));
    *ret = u->header;
    return ERR_OK;
}
