/* The archive is read back by a small reader that shares nothing with the writer, through random cuts. Content is synthetic: a
 * function of entry and offset, so archives of any size cost nothing. tests/integration/zip_check.py has others' readers. */
#include "codec/zip.h"

#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/intmath.h"
#include "base/mem.h"
#include "lib/test.h"
#include "os/sys.h"

#define T2026 1795291200000ll /* 2026-11-21T20:00:00Z */

static char content_byte(size_t entry, uint64_t offset)
{
    return (char)(entry * 31 + offset * 7 + (offset >> 8));
}

/* Bytes [offset, offset + n) of the archive. */
static enum err read_at(const struct zip_plan *p, uint64_t offset, char *out, size_t n)
{
    struct zip_piece piece;
    while (n) {
        TRY(zip_plan_piece(p, offset, &piece));
        size_t take = (size_t)MIN(piece.len, n);
        if (take == 0 || (piece.kind == ZIP_LITERAL && piece.bytes.len != piece.len))
            return ERR_INTERNAL;
        for (size_t i = 0; i < take; i++)
            out[i] = piece.kind == ZIP_LITERAL ? piece.bytes.ptr[i]
                                               : content_byte(piece.entry, piece.offset + i);
        out += take;
        n -= take;
        offset += take;
    }
    return ERR_OK;
}

/* ---- a reader ---- */

static uint64_t le(const char *p, unsigned bytes)
{
    uint64_t v = 0;
    for (unsigned i = bytes; i-- > 0;) v = v << 8 | (unsigned char)p[i];
    return v;
}

/* The extra field `id` of `extra`, or ptr NULL. */
static struct slice extra_field(struct slice extra, uint64_t id)
{
    while (extra.len >= 4) {
        uint64_t len = le(extra.ptr + 2, 2);
        if (le(extra.ptr, 2) == id) return slice_sub(extra, 4, 4 + (size_t)len);
        extra = slice_sub(extra, 4 + (size_t)len, extra.len);
    }
    return (struct slice){0};
}

/* Take the next 8 bytes of a zip64 field when the 32-bit value says so; CORRUPT when that was not needed. */
static enum err widen(uint64_t *v, struct slice *field)
{
    if (*v != 0xFFFFFFFF) return ERR_OK;
    if (field->len < 8) return ERR_CORRUPT;
    *v = le(field->ptr, 8);
    *field = slice_sub(*field, 8, field->len);
    return *v >= 0xFFFFFFFF ? ERR_OK : ERR_CORRUPT;
}

struct directory {
    uint64_t start, size, count, end_at; /* end_at: where the end records begin */
    bool zip64;
};

static enum err read_end(const struct zip_plan *p, struct directory *ret)
{
    char e[22], l[20], e64[56];
    uint64_t size = zip_plan_size(p);
    TRY(read_at(p, size - 22, e, 22));
    if (le(e, 4) != 0x06054b50 || le(e + 4, 4) != 0 || le(e + 20, 2) != 0) return ERR_CORRUPT;
    if (le(e + 8, 2) != le(e + 10, 2)) return ERR_CORRUPT;
    *ret = (struct directory){le(e + 16, 4), le(e + 12, 4), le(e + 10, 2), size - 22, false};
    bool wide = ret->start == 0xFFFFFFFF || ret->size == 0xFFFFFFFF || ret->count == 0xFFFF;
    if (!wide) return ret->start + ret->size == ret->end_at ? ERR_OK : ERR_CORRUPT;
    TRY(read_at(p, size - 42, l, 20));
    if (le(l, 4) != 0x07064b50 || le(l + 4, 4) != 0 || le(l + 8, 8) != size - 98 ||
        le(l + 16, 4) != 1)
        return ERR_CORRUPT;
    TRY(read_at(p, size - 98, e64, 56));
    if (le(e64, 4) != 0x06064b50 || le(e64 + 4, 8) != 44 || le(e64 + 14, 2) != 45 ||
        le(e64 + 16, 8) != 0 || le(e64 + 24, 8) != le(e64 + 32, 8))
        return ERR_CORRUPT;
    struct directory d = {le(e64 + 48, 8), le(e64 + 40, 8), le(e64 + 32, 8), size - 98, true};
    /* Each small field holds the value, or all ones when it does not fit. */
    if (ret->start != MIN(d.start, 0xFFFFFFFF) || ret->size != MIN(d.size, 0xFFFFFFFF) ||
        ret->count != MIN(d.count, 0xFFFF))
        return ERR_CORRUPT;
    *ret = d;
    return d.start + d.size == d.end_at ? ERR_OK : ERR_CORRUPT;
}

static enum err check_time(struct slice extra, int64_t mtime_ms)
{
    struct slice t = extra_field(extra, 0x5455);
    int64_t s = (mtime_ms - ((mtime_ms % 1000) + 1000) % 1000) / 1000;
    if (s < INT32_MIN || s > INT32_MAX) return t.ptr ? ERR_CORRUPT : ERR_OK;
    return t.len == 5 && t.ptr[0] == 1 && le(t.ptr + 1, 4) == (uint32_t)s ? ERR_OK : ERR_CORRUPT;
}

/* The fields both headers have, at h, and the path and extra fields behind. */
static enum err check_common(const char *h, struct slice path, struct slice extra,
                             const struct zip_entry *e, uint64_t offset)
{
    bool directory = slice_ends(e->path, SLICE("/"));
    bool wide = e->size >= 0xFFFFFFFF || offset >= 0xFFFFFFFF;
    uint64_t version = wide ? 45 : directory ? 20 : 10;
    if (le(h, 2) != version || le(h + 2, 2) != 0x800 || le(h + 4, 2) != 0) return ERR_CORRUPT;
    if (le(h + 10, 4) != e->crc32 || !slice_eq(path, e->path)) return ERR_CORRUPT;
    if (le(h + 14, 4) != le(h + 18, 4)) return ERR_CORRUPT;
    return check_time(extra, e->mtime_ms);
}

static enum err check_local(const struct zip_plan *p, const struct zip_entry *e, size_t i,
                            uint64_t offset, uint64_t *ret_end)
{
    char h[30 + ZIP_PATH_BYTES + 64];
    char b = 0;
    TRY(read_at(p, offset, h, 30));
    if (le(h, 4) != 0x04034b50) return ERR_CORRUPT;
    size_t path_len = (size_t)le(h + 26, 2), extra_len = (size_t)le(h + 28, 2);
    if (30 + path_len + extra_len > sizeof h) return ERR_CORRUPT;
    TRY(read_at(p, offset, h, 30 + path_len + extra_len));
    struct slice extra = slice_of(h + 30 + path_len, extra_len);
    struct slice wide = extra_field(extra, 1);
    TRY(check_common(h + 4, slice_of(h + 30, path_len), extra, e, offset));
    uint64_t stored = le(h + 18, 4), size = le(h + 22, 4);
    TRY(widen(&size, &wide));
    TRY(widen(&stored, &wide));
    if (wide.len || size != e->size || stored != e->size) return ERR_CORRUPT;
    uint64_t data = offset + 30 + path_len + extra_len;
    if (size) {
        TRY(read_at(p, data, &b, 1));
        if (b != content_byte(i, 0)) return ERR_CORRUPT;
        TRY(read_at(p, data + size - 1, &b, 1));
        if (b != content_byte(i, size - 1)) return ERR_CORRUPT;
    }
    *ret_end = data + size;
    return ERR_OK;
}

/* Walk the directory and the local headers: every byte of the archive must be accounted for. */
static enum err check_archive(const struct zip_plan *p, const struct zip_entry *entries, size_t n,
                              bool *ret_zip64)
{
    struct directory d;
    char h[46 + ZIP_PATH_BYTES + 64];
    uint64_t local_end = 0;
    TRY(read_end(p, &d));
    if (d.count != n) return ERR_CORRUPT;
    uint64_t at = d.start;
    for (size_t i = 0; i < n; i++) {
        const struct zip_entry *e = &entries[i];
        TRY(read_at(p, at, h, 46));
        size_t path_len = (size_t)le(h + 28, 2), extra_len = (size_t)le(h + 30, 2);
        if (le(h, 4) != 0x02014b50 || le(h + 5, 1) != 3 || 46 + path_len + extra_len > sizeof h)
            return ERR_CORRUPT;
        TRY(read_at(p, at, h, 46 + path_len + extra_len));
        struct slice extra = slice_of(h + 46 + path_len, extra_len), wide = extra_field(extra, 1);
        uint64_t size = le(h + 24, 4), stored = le(h + 20, 4), offset = le(h + 42, 4);
        TRY(widen(&size, &wide));
        TRY(widen(&stored, &wide));
        TRY(widen(&offset, &wide));
        if (wide.len || size != e->size || stored != size || offset != local_end)
            return ERR_CORRUPT;
        TRY(check_common(h + 6, slice_of(h + 46, path_len), extra, e, offset));
        bool directory = slice_ends(e->path, SLICE("/"));
        if (le(h + 38, 4) != (directory ? 040755u << 16 | 0x10 : 0100644u << 16))
            return ERR_CORRUPT;
        TRY(check_local(p, e, i, offset, &local_end));
        at += 46 + path_len + extra_len;
    }
    *ret_zip64 = d.zip64;
    return at == d.end_at && local_end == d.start ? ERR_OK : ERR_CORRUPT;
}

/* ---- tests ---- */

static const struct zip_entry few[] = {
    {SLICE("a.txt"), 5, 0x12345678, T2026},
    {SLICE("empty"), 0, 0, T2026 + 1999},
    {SLICE("dir/"), 0, 0, T2026},
    {SLICE("dir/\xc3\xa9t\xc3\xa9 \xe2\x82\xac.bin"), 70000, 0xFFFFFFFF, 0},
    {SLICE("old"), 1, 1, -1},
    {SLICE("older"), 1, 1, INT64_MIN},
    {SLICE("later"), 300, 1, INT64_MAX},
};

TEST(zip_whole_equals_any_cuts)
{
    CLEANUP(zip_plan_cleanup) struct zip_plan *p = NULL;
    bool zip64 = true;
    CHECK_OK(zip_plan_new(few, ARRAY_LEN(few), &p));
    CHECK_OK(check_archive(p, few, ARRAY_LEN(few), &zip64));
    CHECK(!zip64);
    size_t size = (size_t)zip_plan_size(p);
    CLEANUP(mem_cleanup) char *whole = mem_alloc(size, 1);
    CLEANUP(mem_cleanup) char *cut = mem_alloc(size, 1);
    CHECK(whole && cut);
    CHECK_OK(read_at(p, 0, whole, size));
    /* Every offset by itself… */
    struct zip_piece piece;
    for (size_t i = 0; i < size; i++) {
        CHECK_OK(zip_plan_piece(p, i, &piece));
        char got = piece.kind == ZIP_LITERAL ? piece.bytes.ptr[0]
                                             : content_byte(piece.entry, piece.offset);
        CHECK(got == whole[i] && piece.len >= 1 && piece.len <= size - i);
    }
    /* …and random cuts. */
    uint64_t seed = 12345;
    for (int round = 0; round < 200; round++) {
        for (size_t at = 0, n; at < size; at += n) {
            seed = seed * 6364136223846793005ull + 1442695040888963407ull;
            n = MIN((size_t)(seed >> 33) % (round % 2 ? 100 : 20000) + 1, size - at);
            CHECK_OK(read_at(p, at, cut + at, n));
        }
        CHECK(memcmp(whole, cut, size) == 0);
    }
    CHECK_ERR(zip_plan_piece(p, size, &piece), ERR_INVALID);
    CHECK_ERR(zip_plan_piece(p, UINT64_MAX, &piece), ERR_INVALID);
}

/* A golden archive: the layout may not change unnoticed, or resumed downloads break. */
TEST(zip_layout_is_stable)
{
    static const struct zip_entry one[] = {{SLICE("a"), 1, 0x11223344, T2026}};
    static const char want[] = "PK\3\4\12\0\0\10\0\0\0\240u]D3\42\21\1\0\0\0\1\0\0\0\1\0\11\0"
                               "a"
                               "UT\5\0\1@\370\1k"
                               "\0"
                               "PK\1\2?\3\12\0\0\10\0\0\0\240u]"
                               "D3\42\21\1\0\0\0\1\0\0\0\1\0\11\0\0\0\0\0\0\0\0\0\244\201\0\0\0\0"
                               "a"
                               "UT\5\0\1@\370\1k"
                               "PK\5\6\0\0\0\0\1\0\1\08\0\0\0)\0\0\0\0\0";
    CLEANUP(zip_plan_cleanup) struct zip_plan *p = NULL;
    char got[sizeof want];
    CHECK_OK(zip_plan_new(one, 1, &p));
    CHECK_U64(zip_plan_size(p), sizeof want - 1);
    CHECK_OK(read_at(p, 0, got, sizeof want - 1));
    CHECK_SLICE(slice_of(got, sizeof want - 1), slice_of(want, sizeof want - 1));
    CHECK_U64(ZIP_LAYOUT, 1);
}

/* What MS-DOS cannot say becomes the nearest it can. */
TEST(zip_dos_time)
{
    static const struct {
        int64_t mtime_ms;
        uint32_t dos;
    } cases[] = {
        {INT64_MIN, 0x00210000},     {315532799999, 0x00210000},  {315532802000, 0x00210001},
        {951827697999, 0x285d645c},  {4354819197999, 0xff9fbf7c}, {4354819198000, 0xff9fbf7d},
        {4354819200000, 0xff9fbf7d}, {INT64_MAX, 0xff9fbf7d},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct zip_entry e = {SLICE("a"), 0, 0, cases[i].mtime_ms};
        CLEANUP(zip_plan_cleanup) struct zip_plan *p = NULL;
        struct zip_piece piece;
        CHECK_OK(zip_plan_new(&e, 1, &p));
        CHECK_OK(zip_plan_piece(p, 0, &piece));
        CHECK_U64(le(piece.bytes.ptr + 10, 4), cases[i].dos);
    }
}

TEST(zip_empty)
{
    CLEANUP(zip_plan_cleanup) struct zip_plan *p = NULL;
    bool zip64 = true;
    CHECK_OK(zip_plan_new(NULL, 0, &p));
    CHECK_U64(zip_plan_size(p), 22);
    CHECK_OK(check_archive(p, NULL, 0, &zip64));
    CHECK(!zip64);
}

/* Sizes on both sides of the 32-bit border, and, behind files of chosen size, offsets and directories there. */
TEST(zip_borders_of_4_gib)
{
    for (uint64_t size = 0xFFFFFF00; size <= 0x100000010; size++) {
        struct zip_entry e[] = {
            {SLICE("big"), size, 7, T2026}, {SLICE("x/"), 0, 0, T2026}, {SLICE("y"), 3, 9, T2026}};
        CLEANUP(zip_plan_cleanup) struct zip_plan *p = NULL;
        bool zip64 = false;
        CHECK_OK(zip_plan_new(e, ARRAY_LEN(e), &p));
        CHECK_OK(check_archive(p, e, ARRAY_LEN(e), &zip64));
        CHECK(zip64 == (size + 42 + 41 + 43 >= 0xFFFFFFFF)); /* the directory starts there */
    }
    struct zip_entry huge[] = {{SLICE("a"), 4 * TIB, 1, T2026}, {SLICE("b"), 4 * TIB, 1, T2026}};
    CLEANUP(zip_plan_cleanup) struct zip_plan *p = NULL;
    bool zip64 = false;
    CHECK_OK(zip_plan_new(huge, 2, &p));
    CHECK_OK(check_archive(p, huge, 2, &zip64));
    CHECK(zip64);
}

/* n entries whose paths live in one block the caller frees. */
static struct zip_entry *make_many(size_t n, char **ret_paths)
{
    struct zip_entry *e = mem_alloc(n, sizeof *e);
    char *paths = mem_alloc(n, 32);
    for (size_t i = 0; e && paths && i < n; i++) {
        int len = snprintf(paths + i * 32, 32, "d%zu/file%zu.txt", i % 100, i);
        e[i] = (struct zip_entry){slice_of(paths + i * 32, (size_t)len), i % 7 ? i % 1000 : 0,
                                  (uint32_t)i, T2026};
    }
    *ret_paths = paths;
    return e;
}

TEST(zip_counts)
{
    static const size_t counts[] = {1, 10000, 65534, 65535, 65536};
    for (size_t c = 0; c < ARRAY_LEN(counts); c++) {
        size_t n = counts[c];
        CLEANUP(mem_cleanup) char *paths = NULL;
        CLEANUP(mem_cleanup) struct zip_entry *e = make_many(n, &paths);
        CLEANUP(zip_plan_cleanup) struct zip_plan *p = NULL;
        bool zip64 = false;
        CHECK(e && paths);
        CHECK_OK(zip_plan_new(e, n, &p));
        CHECK_OK(check_archive(p, e, n, &zip64));
        CHECK(zip64 == (n >= 65535));
    }
}

TEST(zip_first_byte_of_10000)
{
    enum { ROUNDS = 20 };
    struct arena a;
    struct zip_piece piece;
    CLEANUP(mem_cleanup) char *paths = NULL;
    CLEANUP(mem_cleanup) struct zip_entry *e = make_many(10000, &paths);
    CHECK(e && paths);
    arena_init(&a, 4 * MIB);
    int64_t start_ms = sys()->mono_ms();
    for (int i = 0; i < ROUNDS; i++) CHECK_OK(zip_unique(&a, e, 10000));
    int64_t unique_ms = sys()->mono_ms();
    for (int i = 0; i < ROUNDS; i++) {
        CLEANUP(zip_plan_cleanup) struct zip_plan *p = NULL;
        CHECK_OK(zip_plan_new(e, 10000, &p));
        CHECK_OK(zip_plan_piece(p, 0, &piece));
    }
    int64_t end_ms = sys()->mono_ms();
    arena_done(&a);
    printf("  zip of 10,000 files: unique paths %.2f ms, plan and first byte %.2f ms\n",
           (double)(unique_ms - start_ms) / ROUNDS, (double)(end_ms - unique_ms) / ROUNDS);
}

TEST(zip_refuses)
{
    char long_path[ZIP_PATH_BYTES + 1];
    memset(long_path, 'x', sizeof long_path);
    const struct slice paths[] = {
        SLICE(""),     SLICE("/"),          SLICE("/etc"),
        SLICE(".."),   SLICE("../x"),       SLICE("a/../b"),
        SLICE("a/.."), SLICE("."),          SLICE("a/./b"),
        SLICE("a//b"), SLICE("a//"),        SLICE("a\\b"),
        SLICE("a\0b"), SLICE("a\nb"),       SLICE("a\x7f"),
        SLICE("\xff"), SLICE("a/\xc0\xaf"), slice_of(long_path, sizeof long_path)};
    struct zip_plan *p = NULL;
    for (size_t i = 0; i < ARRAY_LEN(paths); i++) {
        struct zip_entry e[] = {{SLICE("fine"), 1, 1, 0}, {paths[i], 0, 0, 0}};
        CHECK_ERR(zip_plan_new(e, 2, &p), ERR_INVALID);
    }
    struct zip_entry full_dir = {SLICE("a/"), 1, 0, 0}, crc_dir = {SLICE("a/"), 0, 1, 0};
    CHECK_ERR(zip_plan_new(&full_dir, 1, &p), ERR_INVALID);
    CHECK_ERR(zip_plan_new(&crc_dir, 1, &p), ERR_INVALID);
    struct zip_entry too_big[] = {{SLICE("a"), INT64_MAX, 1, 0}, {SLICE("b"), UINT64_MAX, 1, 0}};
    CHECK_ERR(zip_plan_new(too_big, 1, &p), ERR_TOO_LARGE);
    CHECK_ERR(zip_plan_new(too_big + 1, 1, &p), ERR_TOO_LARGE);
    CHECK_ERR(zip_plan_new(too_big, SIZE_MAX, &p), ERR_TOO_LARGE);
    CHECK(p == NULL);
    struct zip_entry longest = {slice_of(long_path, ZIP_PATH_BYTES), UINT32_MAX, 1, T2026};
    CLEANUP(zip_plan_cleanup) struct zip_plan *fits = NULL;
    bool zip64 = false;
    CHECK_OK(zip_plan_new(&longest, 1, &fits));
    CHECK_OK(check_archive(fits, &longest, 1, &zip64));
}

TEST(zip_out_of_memory)
{
    for (int for_ever = 0; for_ever < 2; for_ever++) {
        bool fired = true;
        for (uint64_t n = 0; fired; n++) {
            struct zip_entry e[] = {{SLICE("a"), 1, 1, 0}, {SLICE("A"), 1, 1, 0}};
            struct zip_plan *p = NULL;
            struct arena a;
            arena_init(&a, MIB);
            test_fail_alloc(n, for_ever);
            enum err err = zip_unique(&a, e, 2);
            bool untouched = slice_eq(e[1].path, SLICE("A"));
            if (err == ERR_OK) err = zip_plan_new(e, 2, &p);
            fired = test_alloc_fired();
            test_fail_alloc(UINT64_MAX, false);
            bool clean = fired ? err == ERR_NOMEM && !p : err == ERR_OK && p && !untouched;
            zip_plan_free(p);
            arena_done(&a);
            CHECK(clean);
            CHECK(n < 100);
        }
    }
}
