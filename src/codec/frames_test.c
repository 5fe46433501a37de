/* Frames: what is packed is read back, by any range; tables and frames that are not what was packed are refused. */
#include "codec/frames.h"

#include <string.h>
#include <zstd.h>

#include "base/buf.h"
#include "base/intmath.h"
#include "base/mem.h"
#include "lib/test.h"

#define LEVEL 3

enum content { NOTHING_SHRINKS, TEXT, MIXED };

static uint32_t noise(uint32_t *seed) { return *seed = *seed * 1664525u + 1013904223u; }

/* Mixed: each second MiB is text. */
static void fill(uint8_t *p, size_t n, enum content kind)
{
    uint32_t seed = 1;
    for (size_t i = 0; i < n; i++) {
        bool text = kind == TEXT || (kind == MIXED && i / FRAME_BYTES % 2);
        p[i] = text ? (uint8_t)"all work and no play "[i % 21] : (uint8_t)(noise(&seed) >> 24);
    }
}

static enum err keep(void *arg, const void *p, size_t n) { return buf_put(arg, slice_of(p, n)); }

static void free_packer(struct frame_packer **p) { frame_packer_free(*p); }
static void free_opener(struct frame_opener **o) { frame_opener_free(*o); }

/* In pieces of `step`. */
static enum err pack(const uint8_t *p, size_t n, size_t step, struct buf *packed, struct buf *table)
{
    CLEANUP(free_packer) struct frame_packer *fp = NULL;
    TRY(frame_packer_new(LEVEL, keep, packed, &fp));
    for (size_t at = 0; at < n; at += MIN(step, n - at)) TRY(frame_packer_add(fp, p + at, MIN(step, n - at)));
    TRY(frame_packer_finish(fp));
    if (frame_packer_packed(fp) != packed->len) return ERR_INTERNAL;
    return buf_put(table, frame_packer_table(fp));
}

/* One frame at a time, as a download does. */
static enum err read_range(const struct buf *packed, const struct frame_map *m, uint64_t first, size_t n, uint8_t *out)
{
    CLEANUP(free_opener) struct frame_opener *o = NULL;
    CLEANUP(mem_cleanup) uint8_t *frame = mem_alloc(1, FRAME_BYTES);
    struct frame_place at;
    if (!frame) return ERR_NOMEM;
    TRY(frame_opener_new(&o));
    while (n) {
        frame_map_at(m, first, &at);
        TRY(frame_open(o, packed->ptr + at.packed_offset, at.packed_bytes, frame, at.plain_bytes));
        size_t take = MIN(n, at.plain_bytes - at.skip);
        memcpy(out, frame + at.skip, take);
        out += take;
        first += take;
        n -= take;
    }
    return ERR_OK;
}

static void round_trip(size_t n, enum content kind, size_t step)
{
    CLEANUP(buf_done) struct buf packed = BUF_INIT(16 * MIB), table = BUF_INIT(KIB);
    CLEANUP(mem_cleanup) uint8_t *plain = mem_alloc(1, n + 1), *back = mem_alloc(1, n + 1);
    CLEANUP(frame_map_cleanup) struct frame_map *m = NULL;
    CHECK(plain && back);
    fill(plain, n, kind);
    CHECK_OK(pack(plain, n, step, &packed, &table));
    CHECK_U64(table.len, div_ceil_u64(n, FRAME_BYTES) * FRAME_ENTRY_BYTES);
    CHECK(packed.len <= n);
    if (kind == NOTHING_SHRINKS) CHECK(packed.len == n && memcmp(packed.ptr, plain, n) == 0);
    if (kind == TEXT && n > KIB) CHECK(packed.len < n / 10);
    CHECK_OK(frame_map_new(buf_view(&table), n, packed.len, &m));
    CHECK_OK(read_range(&packed, m, 0, n, back));
    CHECK(memcmp(plain, back, n) == 0);
    for (uint32_t i = 0, seed = 7; n && i < 40; i++) {
        size_t first = noise(&seed) % n, len = noise(&seed) % MIN(n - first, (size_t)3 * FRAME_BYTES) + 1;
        CHECK_OK(read_range(&packed, m, first, len, back));
        CHECK(memcmp(plain + first, back, len) == 0);
    }
}

TEST(frames_round_trip)
{
    static const size_t sizes[] = {1, 2, 100, FRAME_BYTES - 1, FRAME_BYTES, FRAME_BYTES + 1, 3 * FRAME_BYTES + 12345};
    for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
        round_trip(sizes[i], NOTHING_SHRINKS, 100000);
        round_trip(sizes[i], TEXT, 16384);
        round_trip(sizes[i], MIXED, 16 * MIB);
    }
}

TEST(frames_of_nothing)
{
    CLEANUP(buf_done) struct buf packed = BUF_INIT(KIB), table = BUF_INIT(KIB);
    CLEANUP(frame_map_cleanup) struct frame_map *m = NULL;
    CHECK_OK(pack((const uint8_t *)"", 0, 1, &packed, &table));
    CHECK_U64(packed.len, 0);
    CHECK_U64(table.len, 0);
    CHECK_OK(frame_map_new(buf_view(&table), 0, 0, &m));
}

TEST(frames_same_bytes_however_they_come)
{
    CLEANUP(buf_done) struct buf a = BUF_INIT(4 * MIB), b = BUF_INIT(4 * MIB), ta = BUF_INIT(KIB), tb = BUF_INIT(KIB);
    size_t n = 2 * FRAME_BYTES + 77;
    CLEANUP(mem_cleanup) uint8_t *plain = mem_alloc(1, n);
    CHECK(plain);
    fill(plain, n, MIXED);
    CHECK_OK(pack(plain, n, 4099, &a, &ta));
    CHECK_OK(pack(plain, n, n, &b, &tb));
    CHECK(slice_eq(buf_view(&a), buf_view(&b)) && slice_eq(buf_view(&ta), buf_view(&tb)));
}

static void put_entry(struct buf *b, uint32_t v)
{
    uint8_t raw[4];
    store_u32be(raw, v);
    CHECK_OK(buf_put(b, slice_of(raw, sizeof raw)));
}

static enum err map_of(uint32_t first, uint32_t second, uint64_t plain, uint64_t packed)
{
    CLEANUP(buf_done) struct buf t = BUF_INIT(KIB);
    struct frame_map *m = NULL;
    put_entry(&t, first);
    put_entry(&t, second);
    enum err e = frame_map_new(buf_view(&t), plain, packed, &m);
    frame_map_free(m);
    return e;
}

TEST(frames_tables_refused)
{
    struct frame_map *m = NULL;
    CHECK_OK(map_of(10, 20, FRAME_BYTES + 100, 30));
    CHECK_OK(map_of(FRAME_BYTES, 100, FRAME_BYTES + 100, FRAME_BYTES + 100));
    CHECK_ERR(map_of(0, 30, FRAME_BYTES + 100, 30), ERR_CORRUPT);
    CHECK_ERR(map_of(10, 20, FRAME_BYTES + 100, 31), ERR_CORRUPT);
    CHECK_ERR(map_of(10, 101, FRAME_BYTES + 100, 111), ERR_CORRUPT);
    CHECK_ERR(map_of(FRAME_BYTES + 1, 1, FRAME_BYTES + 100, FRAME_BYTES + 2), ERR_CORRUPT);
    CHECK_ERR(map_of(UINT32_MAX, UINT32_MAX, FRAME_BYTES + 100, 30), ERR_CORRUPT);
    /* Of other content: a frame more, a frame less, half an entry. */
    CHECK_ERR(map_of(10, 20, FRAME_BYTES, 30), ERR_CORRUPT);
    CHECK_ERR(map_of(10, 20, 2 * FRAME_BYTES + 1, 30), ERR_CORRUPT);
    CHECK_ERR(frame_map_new(SLICE("\0\0\0\1\0\0"), 100, 1, &m), ERR_CORRUPT);
    CHECK_ERR(frame_map_new(SLICE(""), (LIMIT_FRAMES + 1) * FRAME_BYTES, 1, &m), ERR_TOO_LARGE);
    CHECK_ERR(frame_map_new(SLICE(""), UINT64_MAX, 1, &m), ERR_TOO_LARGE);
    CHECK(!m);
}

#define SMALL 5000u

struct made {
    uint8_t plain[SMALL], packed[SMALL], out[SMALL];
    size_t n;
};

static void make(struct made *f, bool content_size)
{
    ZSTD_CCtx *z = ZSTD_createCCtx();
    fill(f->plain, SMALL, TEXT);
    (void)ZSTD_CCtx_setParameter(z, ZSTD_c_contentSizeFlag, content_size);
    f->n = ZSTD_compress2(z, f->packed, SMALL, f->plain, SMALL);
    (void)ZSTD_freeCCtx(z);
}

TEST(frames_refused)
{
    CLEANUP(free_opener) struct frame_opener *o = NULL;
    struct made f;
    CHECK_OK(frame_opener_new(&o));
    make(&f, true);
    CHECK(f.n < SMALL / 2);
    CHECK_OK(frame_open(o, f.packed, f.n, f.out, SMALL));
    CHECK(memcmp(f.out, f.plain, SMALL) == 0);
    /* Another size than it has, a byte less, a byte more, two frames, one that may be skipped, nothing. */
    CHECK_ERR(frame_open(o, f.packed, f.n, f.out, SMALL - 1), ERR_CORRUPT);
    CHECK_ERR(frame_open(o, f.packed, f.n - 1, f.out, SMALL), ERR_CORRUPT);
    CHECK_ERR(frame_open(o, f.packed, f.n + 1, f.out, SMALL), ERR_CORRUPT);
    memcpy(f.packed + f.n, f.packed, f.n);
    CHECK_ERR(frame_open(o, f.packed, 2 * f.n, f.out, SMALL), ERR_CORRUPT);
    CHECK_ERR(frame_open(o, "\x50\x2a\x4d\x18\x04\0\0\0abcd", 12, f.out, SMALL), ERR_CORRUPT);
    CHECK_ERR(frame_open(o, "", 0, f.out, SMALL), ERR_CORRUPT);
    CHECK_ERR(frame_open(o, f.packed, f.n, f.out, 0), ERR_CORRUPT);
    CHECK_ERR(frame_open(o, f.packed, f.n, f.out, FRAME_BYTES + 1), ERR_CORRUPT);
    CHECK_ERR(frame_open(o, f.packed, SMALL + 1, f.out, SMALL), ERR_CORRUPT);
    /* One that does not tell its size would have to be tried. */
    make(&f, false);
    CHECK_ERR(frame_open(o, f.packed, f.n, f.out, SMALL), ERR_CORRUPT);
}

/* Whatever a changed frame opens to, it is of the right size; what does not open leaves nothing behind. */
TEST(frames_changed_bytes)
{
    CLEANUP(free_opener) struct frame_opener *o = NULL;
    static const uint8_t zeros[SMALL];
    struct made f;
    size_t refused = 0;
    CHECK_OK(frame_opener_new(&o));
    make(&f, true);
    for (size_t i = 0; i < f.n; i++) {
        f.packed[i] ^= 0x55;
        memset(f.out, 0, SMALL);
        enum err e = frame_open(o, f.packed, f.n, f.out, SMALL);
        CHECK(e == ERR_OK || e == ERR_CORRUPT);
        if (e != ERR_OK) CHECK(memcmp(f.out, zeros, SMALL) == 0);
        refused += e != ERR_OK;
        f.packed[i] ^= 0x55;
    }
    CHECK(refused > f.n / 4);
}

static enum err refuse_bytes(void *arg, const void *p, size_t n)
{
    (void)arg;
    (void)p;
    (void)n;
    return ERR_NOSPACE;
}

TEST(frames_error_of_the_receiver)
{
    CLEANUP(free_packer) struct frame_packer *p = NULL;
    CHECK_OK(frame_packer_new(LEVEL, refuse_bytes, NULL, &p));
    CHECK_OK(frame_packer_add(p, "abc", 3));
    CHECK_ERR(frame_packer_finish(p), ERR_NOSPACE);
}

static enum err count_only(void *arg, const void *p, size_t n)
{
    (void)p;
    *(uint64_t *)arg += n;
    return ERR_OK;
}

/* Each allocation fails once: a clean error, nothing lost. 70 frames make the table grow. */
TEST(frames_out_of_memory)
{
    CLEANUP(mem_cleanup) uint8_t *zeros = mem_alloc(1, FRAME_BYTES);
    uint64_t n = 0;
    CHECK(zeros);
    for (bool fired = true; fired; n++) {
        struct frame_packer *p = NULL;
        uint64_t packed = 0;
        test_fail_alloc(n, false);
        enum err e = frame_packer_new(1, count_only, &packed, &p);
        for (size_t i = 0; i < 70 && e == ERR_OK; i++) e = frame_packer_add(p, zeros, FRAME_BYTES);
        fired = test_alloc_fired();
        test_fail_alloc(UINT64_MAX, false);
        frame_packer_free(p);
        CHECK(e == (fired ? ERR_NOMEM : ERR_OK));
    }
    CHECK(n == 4);
    struct frame_map *m = NULL;
    struct frame_opener *o = NULL;
    test_fail_alloc(0, true);
    enum err map = frame_map_new(SLICE("\0\0\0\1"), 100, 1, &m), opener = frame_opener_new(&o);
    test_fail_alloc(UINT64_MAX, false);
    CHECK_ERR(map, ERR_NOMEM);
    CHECK_ERR(opener, ERR_NOMEM);
}
