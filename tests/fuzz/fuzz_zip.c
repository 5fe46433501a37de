/* Any list of entries: the pieces follow each other without gap to the exact size, a piece begun in its middle is the rest of
 * it, and unique paths are unique. Input, an entry: size shift, size, crc, time (1 + 2 + 1 + 8 bytes), path length, path. */
#include "base/intmath.h"
#include "codec/zip.h"
#include "fuzz.h"

enum { ENTRIES = 32, HEAD_BYTES = 13 };

static size_t decode(const uint8_t *data, size_t size, struct zip_entry *entries)
{
    size_t n = 0;
    while (n < ENTRIES && size > HEAD_BYTES) {
        size_t path_len = MIN((size_t)data[12], size - HEAD_BYTES);
        entries[n++] = (struct zip_entry){
            .path = slice_of(data + HEAD_BYTES, path_len),
            .size = (uint64_t)(data[1] << 8 | data[2]) << (data[0] % 64),
            .crc32 = data[3],
            .mtime_ms = (int64_t)load_u64be(data + 4),
        };
        data += HEAD_BYTES + path_len;
        size -= HEAD_BYTES + path_len;
    }
    return n;
}

/* The piece at `at` + `skip` must be what is left of `piece`, which is at `at`. */
static void check_rest(const struct zip_plan *p, uint64_t at, const struct zip_piece *piece,
                       uint64_t skip)
{
    struct zip_piece rest;
    enum err e = zip_plan_piece(p, at + skip, &rest);
    ASSERT(e == ERR_OK && rest.kind == piece->kind && rest.len == piece->len - skip);
    if (rest.kind == ZIP_LITERAL)
        ASSERT(slice_eq(rest.bytes, slice_sub(piece->bytes, (size_t)skip, piece->bytes.len)));
    else
        ASSERT(rest.entry == piece->entry && rest.offset == skip);
}

static void check_plan(const struct zip_plan *p, const struct zip_entry *entries, size_t n)
{
    struct zip_piece piece;
    uint64_t at = 0, size = zip_plan_size(p), content = 0, want = 0;
    size_t literals = 0;
    ASSERT(zip_plan_piece(p, size, &piece) == ERR_INVALID);
    for (size_t i = 0; i < n; i++) want += entries[i].size;
    while (at < size) {
        enum err e = zip_plan_piece(p, at, &piece);
        ASSERT(e == ERR_OK && piece.len >= 1 && piece.len <= size - at);
        if (piece.kind == ZIP_CONTENT) {
            ASSERT(piece.offset == 0 && piece.entry < n && piece.len == entries[piece.entry].size);
            content += piece.len;
        } else {
            ASSERT(piece.bytes.len == piece.len);
            literals++;
        }
        check_rest(p, at, &piece, piece.len - 1);
        check_rest(p, at, &piece, piece.len / 2);
        at += piece.len;
    }
    ASSERT(at == size && content == want && literals == 2 * n + 1);
}

static bool is_directory(struct slice path) { return slice_ends(path, SLICE("/")); }

/* No file has the path of another file or of a directory. */
static void check_unique(const struct zip_entry *entries, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        struct slice file = entries[i].path;
        for (size_t j = 0; j < n && !is_directory(file); j++) {
            struct slice other = entries[j].path;
            if (i == j || other.len < file.len) continue;
            bool same = slice_eq_nocase(slice_sub(other, 0, file.len), file);
            ASSERT(!same || (other.len > file.len && other.ptr[file.len] != '/'));
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct zip_entry entries[ENTRIES];
    size_t n = decode(data, size, entries);
    struct zip_plan *p = NULL;
    struct arena a;
    enum err planned = zip_plan_new(entries, n, &p);
    if (planned == ERR_OK) check_plan(p, entries, n);
    zip_plan_free(p);
    p = NULL;
    arena_init(&a, MIB);
    if (zip_unique(&a, entries, n) == ERR_OK) {
        check_unique(entries, n);
        enum err again = zip_plan_new(entries, n, &p);
        ASSERT(again == planned || planned == ERR_TOO_LARGE || again == ERR_TOO_LARGE);
        if (again == ERR_OK) check_plan(p, entries, n);
        zip_plan_free(p);
    }
    arena_done(&a);
    return 0;
}
