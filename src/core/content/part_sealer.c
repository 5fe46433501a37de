/* Cuts a part into 16 KiB chunks, seals them and hands runs of them to the blob store. Plaintext lives only in the caller's
 * buffer and, for chunks that arrive in pieces, in `pending`, which is wiped. */
#include "core/content/part_sealer.h"

#include "base/assert.h"
#include "base/intmath.h"
#include "base/limits.h"

#define CHUNKS_PER_WRITE 16u
#define OUT_BYTES (SEAL_HEADER + CHUNKS_PER_WRITE * SEAL_SEALED_CHUNK)

struct part_sealer {
    struct sealer *sealer;
    struct blob_writer *writer; /* NULL between parts */
    struct part_record record;
    struct sft_context context; /* of the message */
    uint64_t chunk; /* index of the next */
    size_t out_len, pending_len;
    uint8_t pending[SEAL_CHUNK];
    uint8_t out[OUT_BYTES];
};

enum err part_sealer_new(struct part_sealer **ret)
{
    struct part_sealer *s = MEM_NEW(struct part_sealer);
    if (!s) return ERR_NOMEM;
    enum err e = sealer_new(&s->sealer);
    if (e != ERR_OK) {
        mem_free(s);
        return e;
    }
    *ret = s;
    return ERR_OK;
}

void part_sealer_free(struct part_sealer *s)
{
    if (!s) return;
    blob_part_abort(s->writer);
    sealer_free(s->sealer);
    mem_wipe(s->pending, sizeof s->pending);
    mem_free(s);
}

struct place {
    struct blob_key key;
    const struct blob_ref *ref;
    struct blob_part part;
};

/* s->context is set. */
static enum err start(struct ctx *c, struct part_sealer *s, struct blob_store *blobs, const struct key *file_key,
                      const struct place *p)
{
    ASSERT(!s->writer);
    s->record = (struct part_record){.number = p->part.number};
    s->chunk = 0;
    s->pending_len = 0;
    TRY(sealer_start(s->sealer, file_key, sft_context_view(&s->context), &s->record.header));
    memcpy(s->out, s->record.header.b, SEAL_HEADER);
    s->out_len = SEAL_HEADER;
    return blob_part_open(c, blobs, p->key, p->ref, &p->part, &s->writer);
}

enum err part_sealer_start(struct ctx *c, struct part_sealer *s, struct blob_store *blobs, const struct part_target *t,
                           uint64_t number)
{
    uint64_t sealed = sft_sealed_part(t->part_size);
    struct place p = {{t->content_id}, t->ref, {(uint32_t)number, number * sealed, sealed}};
    ASSERT(number < LIMIT_PARTS);
    sft_part_context(&s->context, &t->content_id, t->part_size, (uint32_t)number);
    return start(c, s, blobs, t->file_key, &p);
}

enum err part_sealer_start_piece(struct ctx *c, struct part_sealer *s, struct blob_store *blobs, const struct piece_target *t,
                                 uint64_t begin)
{
    struct place p = {{t->blob_id}, t->ref, {0, 0, seal_size(t->size_max)}};
    sft_piece_context(&s->context, &t->content_id, begin);
    return start(c, s, blobs, t->file_key, &p);
}

static enum err flush(struct ctx *c, struct part_sealer *s)
{
    size_t n = s->out_len;
    s->out_len = 0;
    return n ? blob_part_write(c, s->writer, s->out, n) : ERR_OK;
}

static enum err put_chunk(struct ctx *c, struct part_sealer *s, const void *p, size_t n)
{
    if (OUT_BYTES - s->out_len < n + SEAL_TAG) TRY(flush(c, s));
    TRY(sealer_chunk(s->sealer, s->chunk, p, n, s->out + s->out_len));
    s->out_len += n + SEAL_TAG;
    s->chunk++;
    return ERR_OK;
}

enum err part_sealer_write(struct ctx *c, struct part_sealer *s, const void *bytes, size_t n)
{
    const uint8_t *p = bytes;
    ASSERT(s->writer);
    s->record.crc32 = crc32_add(s->record.crc32, p, n);
    s->record.size += n;
    while (n) {
        if (s->pending_len == 0 && n >= SEAL_CHUNK) {
            TRY(put_chunk(c, s, p, SEAL_CHUNK));
            p += SEAL_CHUNK;
            n -= SEAL_CHUNK;
            continue;
        }
        size_t take = MIN(n, SEAL_CHUNK - s->pending_len);
        memcpy(s->pending + s->pending_len, p, take);
        s->pending_len += take;
        p += take;
        n -= take;
        if (s->pending_len < SEAL_CHUNK) continue;
        TRY(put_chunk(c, s, s->pending, SEAL_CHUNK));
        s->pending_len = 0;
    }
    return ERR_OK;
}

uint64_t part_sealer_size(const struct part_sealer *s) { return s->record.size; }

/* The chunks from k on that are in the store, in runs through `out`, which is free once it is flushed. */
static enum err read_chunks(struct ctx *c, struct part_sealer *s, struct sealer *opener, uint64_t skip, plain_fn *fn, void *arg)
{
    size_t within = (size_t)(skip % SEAL_CHUNK);
    for (uint64_t k = skip / SEAL_CHUNK; k < s->chunk;) {
        size_t n = (size_t)MIN((uint64_t)CHUNKS_PER_WRITE, s->chunk - k);
        TRY(blob_part_read(c, s->writer, SEAL_HEADER + k * SEAL_SEALED_CHUNK, s->out, n * SEAL_SEALED_CHUNK));
        for (size_t i = 0; i < n; i++, k++, within = 0) {
            uint8_t *chunk = s->out + i * SEAL_SEALED_CHUNK;
            TRY(sealer_open_chunk(opener, k, chunk, SEAL_SEALED_CHUNK, chunk));
            TRY(fn(c, arg, chunk + within, SEAL_CHUNK - within));
        }
    }
    return ERR_OK;
}

enum err part_sealer_read_back(struct ctx *c, struct part_sealer *s, const struct key *file_key, uint64_t skip, plain_fn *fn,
                               void *arg)
{
    CLEANUP(sealer_cleanup) struct sealer *opener = NULL;
    uint64_t stored = s->chunk * SEAL_CHUNK;
    size_t from = skip > stored ? (size_t)(skip - stored) : 0;
    ASSERT(skip <= s->record.size);
    TRY(sealer_new(&opener));
    TRY(sealer_open(opener, file_key, sft_context_view(&s->context), &s->record.header));
    TRY(flush(c, s));
    enum err e = read_chunks(c, s, opener, skip, fn, arg);
    mem_wipe(s->out, sizeof s->out);
    TRY(e);
    return s->pending_len > from ? fn(c, arg, s->pending + from, s->pending_len - from) : ERR_OK;
}

enum err part_sealer_finish(struct ctx *c, struct part_sealer *s, enum blob_durability d, struct part_record *ret)
{
    /* The last chunk is always short, often empty: its tag is the authenticated end. */
    TRY(put_chunk(c, s, s->pending, s->pending_len));
    TRY(flush(c, s));
    TRY(blob_part_close(c, TAKE(s->writer), d, &s->record.tag));
    *ret = s->record;
    return ERR_OK;
}
