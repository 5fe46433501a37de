/* Cuts a part into 16 KiB chunks, seals them and hands runs of them to the blob store. Plaintext lives only in the caller's
 * buffer and, for chunks that arrive in pieces, in `pending`, which is wiped. */
#include "core/upload/part_sealer.h"

#include "base/assert.h"
#include "base/intmath.h"
#include "base/limits.h"

#define CHUNKS_PER_WRITE 16u
#define OUT_BYTES (SEAL_HEADER + CHUNKS_PER_WRITE * SEAL_SEALED_CHUNK)

struct part_sealer {
    struct sealer *sealer;
    struct blob_writer *writer; /* NULL between parts */
    struct part_record record;
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

enum err part_sealer_start(struct ctx *c, struct part_sealer *s, struct blob_store *blobs, const struct part_target *t,
                           uint64_t number)
{
    struct sft_context context;
    uint64_t sealed = sft_sealed_part(t->part_size);
    struct blob_part part = {
        .number = (uint32_t)number, .offset_bytes = number * sealed, .size_bytes_max = sealed};
    ASSERT(!s->writer && number < LIMIT_PARTS);
    sft_part_context(&context, &t->content_id, t->part_size, (uint32_t)number);
    s->record = (struct part_record){.number = number};
    s->chunk = 0;
    s->pending_len = 0;
    TRY(sealer_start(s->sealer, t->file_key, sft_context_view(&context), &s->record.header));
    memcpy(s->out, s->record.header.b, SEAL_HEADER);
    s->out_len = SEAL_HEADER;
    return blob_part_open(c, blobs, (struct blob_key){t->content_id}, t->ref, &part, &s->writer);
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

enum err part_sealer_finish(struct ctx *c, struct part_sealer *s, enum blob_durability d, struct part_record *ret)
{
    /* The last chunk is always short, often empty: its tag is the authenticated end. */
    TRY(put_chunk(c, s, s->pending, s->pending_len));
    TRY(flush(c, s));
    TRY(blob_part_close(c, TAKE(s->writer), d, &s->record.tag));
    *ret = s->record;
    return ERR_OK;
}
