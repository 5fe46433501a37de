/* Frames by libzstd's one-shot functions: each frame is compressed from, and opened into, memory of a known size, so libzstd needs no
 * window of its own and a frame cannot make it allocate one. */
#include "codec/frames.h"

#include <string.h>
#include <zstd.h>
#include <zstd_errors.h>

#include "base/assert.h"
#include "base/intmath.h"
#include "base/mem.h"

#define ENTRIES_FIRST 64u

struct frame_packer {
    ZSTD_CCtx *zstd;
    frame_emit_fn *emit;
    void *arg;
    uint64_t packed;
    uint8_t *table;
    size_t frames, cap; /* of the table, in entries */
    size_t len;         /* of plain */
    uint8_t plain[FRAME_BYTES];
    uint8_t out[FRAME_BYTES];
};

enum err frame_packer_new(int level, frame_emit_fn *emit, void *arg, struct frame_packer **ret)
{
    struct frame_packer *p = MEM_NEW(struct frame_packer);
    if (!p) return ERR_NOMEM;
    p->emit = emit;
    p->arg = arg;
    p->zstd = ZSTD_createCCtx();
    if (!p->zstd || ZSTD_isError(ZSTD_CCtx_setParameter(p->zstd, ZSTD_c_compressionLevel, level))) {
        frame_packer_free(p);
        return ERR_NOMEM;
    }
    *ret = p;
    return ERR_OK;
}

void frame_packer_free(struct frame_packer *p)
{
    if (!p) return;
    (void)ZSTD_freeCCtx(p->zstd);
    mem_free(p->table);
    mem_wipe(p->plain, sizeof p->plain);
    mem_wipe(p->out, sizeof p->out);
    mem_free(p);
}

static enum err grow(struct frame_packer *p)
{
    if (p->frames < p->cap) return ERR_OK;
    size_t cap = MAX(p->cap * 2, (size_t)ENTRIES_FIRST);
    uint8_t *more = mem_realloc(p->table, cap * FRAME_ENTRY_BYTES);
    if (!more) return ERR_NOMEM;
    p->table = more;
    p->cap = cap;
    return ERR_OK;
}

/* The room given is one byte less than the content: what does not fit is kept raw. */
static enum err put_frame(struct frame_packer *p)
{
    if (p->frames == LIMIT_FRAMES) return ERR_TOO_LARGE;
    TRY(grow(p));
    const uint8_t *from = p->out;
    size_t n = ZSTD_compress2(p->zstd, p->out, p->len - 1, p->plain, p->len);
    if (ZSTD_isError(n)) {
        if (ZSTD_getErrorCode(n) == ZSTD_error_memory_allocation) return ERR_NOMEM;
        if (ZSTD_getErrorCode(n) != ZSTD_error_dstSize_tooSmall) return ERR_INTERNAL;
        from = p->plain;
        n = p->len;
    }
    TRY(p->emit(p->arg, from, n));
    store_u32be(p->table + p->frames * FRAME_ENTRY_BYTES, (uint32_t)n);
    p->frames++;
    p->packed += n;
    p->len = 0;
    return ERR_OK;
}

enum err frame_packer_add(struct frame_packer *p, const void *bytes, size_t n)
{
    const uint8_t *from = bytes;
    while (n) {
        size_t take = MIN(n, FRAME_BYTES - p->len);
        memcpy(p->plain + p->len, from, take);
        p->len += take;
        from += take;
        n -= take;
        if (p->len == FRAME_BYTES) TRY(put_frame(p));
    }
    return ERR_OK;
}

enum err frame_packer_finish(struct frame_packer *p) { return p->len ? put_frame(p) : ERR_OK; }

struct slice frame_packer_table(const struct frame_packer *p)
{
    return p->frames ? slice_of(p->table, p->frames * FRAME_ENTRY_BYTES) : SLICE("");
}

uint64_t frame_packer_packed(const struct frame_packer *p) { return p->packed; }

struct frame_map {
    uint64_t plain;
    size_t frames;
    uint64_t offsets[]; /* frames + 1: the last is the packed size */
};

static size_t plain_bytes(uint64_t plain, size_t frame)
{
    return (size_t)MIN(plain - (uint64_t)frame * FRAME_BYTES, (uint64_t)FRAME_BYTES);
}

static enum err read_table(struct frame_map *m, struct slice table, uint64_t packed)
{
    const uint8_t *entry = (const uint8_t *)table.ptr;
    for (size_t i = 0; i < m->frames; i++, entry += FRAME_ENTRY_BYTES) {
        uint32_t n = load_u32be(entry);
        if (n == 0 || n > plain_bytes(m->plain, i)) return ERR_CORRUPT;
        m->offsets[i + 1] = m->offsets[i] + n;
    }
    return m->offsets[m->frames] == packed ? ERR_OK : ERR_CORRUPT;
}

enum err frame_map_new(struct slice table, uint64_t plain, uint64_t packed, struct frame_map **ret)
{
    uint64_t frames = div_ceil_u64(plain, FRAME_BYTES);
    if (frames > LIMIT_FRAMES) return ERR_TOO_LARGE;
    if (table.len != frames * FRAME_ENTRY_BYTES) return ERR_CORRUPT;
    struct frame_map *m = mem_alloc(1, sizeof *m + ((size_t)frames + 1) * sizeof m->offsets[0]);
    if (!m) return ERR_NOMEM;
    m->plain = plain;
    m->frames = (size_t)frames;
    enum err e = read_table(m, table, packed);
    if (e != ERR_OK) {
        frame_map_free(m);
        return e;
    }
    *ret = m;
    return ERR_OK;
}

void frame_map_free(struct frame_map *m) { mem_free(m); }

void frame_map_cleanup(struct frame_map **m) { frame_map_free(*m); }

void frame_map_at(const struct frame_map *m, uint64_t offset, struct frame_place *ret)
{
    ASSERT(offset < m->plain);
    size_t i = (size_t)(offset / FRAME_BYTES);
    *ret = (struct frame_place){.number = i,
                                .packed_offset = m->offsets[i],
                                .packed_bytes = (size_t)(m->offsets[i + 1] - m->offsets[i]),
                                .plain_bytes = plain_bytes(m->plain, i),
                                .skip = (size_t)(offset % FRAME_BYTES)};
}

struct frame_opener {
    ZSTD_DCtx *zstd;
};

enum err frame_opener_new(struct frame_opener **ret)
{
    struct frame_opener *o = MEM_NEW(struct frame_opener);
    if (!o) return ERR_NOMEM;
    o->zstd = ZSTD_createDCtx();
    if (!o->zstd) {
        mem_free(o);
        return ERR_NOMEM;
    }
    *ret = o;
    return ERR_OK;
}

void frame_opener_free(struct frame_opener *o)
{
    if (!o) return;
    (void)ZSTD_freeDCtx(o->zstd);
    mem_free(o);
}

/* Exactly one frame of the format of RFC 8878 (libzstd may read older ones, and several) with the content's size in its head. */
static bool is_frame(const uint8_t *packed, size_t n, size_t plain)
{
    static const uint8_t magic[] = {0x28, 0xb5, 0x2f, 0xfd};
    return n > sizeof magic && memcmp(packed, magic, sizeof magic) == 0 && ZSTD_getFrameContentSize(packed, n) == plain &&
           ZSTD_findFrameCompressedSize(packed, n) == n;
}

enum err frame_open(struct frame_opener *o, const void *packed, size_t n, void *out, size_t plain)
{
    if (plain == 0 || plain > FRAME_BYTES || n == 0 || n > plain) return ERR_CORRUPT;
    if (n == plain) {
        memcpy(out, packed, n);
        return ERR_OK;
    }
    if (!is_frame(packed, n, plain)) return ERR_CORRUPT;
    size_t got = ZSTD_decompressDCtx(o->zstd, out, plain, packed, n);
    if (got == plain) return ERR_OK;
    mem_wipe(out, plain);
    return ZSTD_isError(got) && ZSTD_getErrorCode(got) == ZSTD_error_memory_allocation ? ERR_NOMEM : ERR_CORRUPT;
}
