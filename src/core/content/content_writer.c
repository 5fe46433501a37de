/* Cutting a stream into parts. No part is acknowledged to anybody, so none needs to be durable before the commit. */
#include "core/content/content_writer.h"

#include "base/intmath.h"
#include "base/limits.h"

struct content_writer {
    struct blob_store *blobs;
    struct key key;
    struct blob_ref ref;
    struct part_target target;
    struct part_sealer *sealer;
    struct part_record *parts;
    size_t n, cap;
    bool in_part;
    uint64_t part_len; /* of the part being written */
    uint64_t size;
};

enum err content_writer_new(struct blob_store *blobs, const struct part_target *t, struct content_writer **ret)
{
    struct content_writer *w = MEM_NEW(struct content_writer);
    if (!w) return ERR_NOMEM;
    w->blobs = blobs;
    w->key = *t->file_key;
    w->ref = *t->ref;
    w->target = (struct part_target){&w->key, t->content_id, t->part_size, &w->ref};
    enum err e = part_sealer_new(&w->sealer);
    if (e != ERR_OK) {
        content_writer_free(w);
        return e;
    }
    *ret = w;
    return ERR_OK;
}

void content_writer_free(struct content_writer *w)
{
    if (!w) return;
    part_sealer_free(w->sealer);
    mem_free(w->parts);
    mem_wipe(w, sizeof *w);
    mem_free(w);
}

static enum err start_part(struct ctx *c, struct content_writer *w)
{
    if (w->n == LIMIT_PARTS) return fail(c, ERR_TOO_LARGE, "content of too many parts");
    if (w->n == w->cap) {
        size_t cap = MAX(w->cap * 2, (size_t)16);
        struct part_record *more = mem_realloc(w->parts, cap * sizeof *more);
        if (!more) return ERR_NOMEM;
        w->parts = more;
        w->cap = cap;
    }
    TRY(part_sealer_start(c, w->sealer, w->blobs, &w->target, w->n));
    w->in_part = true;
    w->part_len = 0;
    return ERR_OK;
}

static enum err end_part(struct ctx *c, struct content_writer *w)
{
    TRY(part_sealer_finish(c, w->sealer, BLOB_LATER, &w->parts[w->n]));
    w->n++;
    w->in_part = false;
    return ERR_OK;
}

enum err content_writer_add(struct ctx *c, struct content_writer *w, const void *bytes, size_t n)
{
    const uint8_t *p = bytes;
    w->size += n;
    while (n) {
        if (!w->in_part) TRY(start_part(c, w));
        size_t take = (size_t)MIN((uint64_t)n, w->target.part_size - w->part_len);
        TRY(part_sealer_write(c, w->sealer, p, take));
        w->part_len += take;
        p += take;
        n -= take;
        if (w->part_len == w->target.part_size) TRY(end_part(c, w));
    }
    return ERR_OK;
}

enum err content_writer_finish(struct ctx *c, struct content_writer *w, struct content_insert *ret)
{
    struct blob_tag *tags = NULL;
    uint32_t crc32 = 0;
    /* The last part is the short one: open still, or empty. */
    if (!w->in_part) TRY(start_part(c, w));
    TRY(end_part(c, w));
    TRY(parts_collect(c, w->parts, w->n, ret, &tags, &crc32));
    ret->content.stored_size = w->size;
    ret->content.sealed_size = sft_sealed_size(w->size, w->target.part_size);
    return blob_commit(c, w->blobs, (struct blob_key){w->target.content_id}, &w->ref, tags, w->n, ret->content.sealed_size);
}

enum err parts_collect(struct ctx *c, const struct part_record *parts, size_t n, struct content_insert *ret,
                       struct blob_tag **ret_tags, uint32_t *ret_crc32)
{
    uint8_t *headers = arena_alloc(&c->arena, n, SEAL_HEADER);
    struct blob_tag *tags = ARENA_ARRAY(&c->arena, struct blob_tag, n);
    struct sha256 hash;
    uint32_t crc32 = 0;
    if (!headers || !tags) return ERR_NOMEM;
    for (size_t i = 0; i < n; i++) {
        memcpy(headers + i * SEAL_HEADER, parts[i].header.b, SEAL_HEADER);
        tags[i] = parts[i].tag;
        crc32 = i ? crc32_join(crc32, parts[i].crc32, parts[i].size) : parts[i].crc32;
    }
    ret->tables.headers = slice_of(headers, n * SEAL_HEADER);
    TRY(sft_headers_hash(ret->tables.headers, &hash));
    TRY(arena_slice(&c->arena, sha256_view(&hash), &ret->content.headers_hash));
    *ret_tags = tags;
    *ret_crc32 = crc32;
    return ERR_OK;
}
