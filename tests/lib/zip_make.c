/* Writes an archive of codec/zip.h for other programs to open: zip_make few|huge|COUNT FILE. What the entries are and hold is
 * known to tests/integration/zip_check.py as well. Content that is all zeroes is left out: the file is sparse. */
#include <stdio.h>
#include <string.h>
#include <zlib.h>

#include "base/intmath.h"
#include "base/mem.h"
#include "codec/zip.h"
#include "os/file.h"

#define MTIME_MS 1795291201000ll /* 2026-11-21T20:00:01Z */
#define PATH_SPACE 32

struct input {
    struct zip_entry *entries;
    size_t count;
    bool zeroes; /* entries of 1 MiB and more are all zeroes */
};

static const struct zip_entry few[] = {
    {SLICE("readme.txt"), 1000, 0, MTIME_MS},
    {SLICE("README.TXT"), 10, 0, MTIME_MS},
    {SLICE("empty"), 0, 0, MTIME_MS},
    {SLICE("folder/"), 0, 0, MTIME_MS},
    {SLICE("folder/deep/\xc3\xbc\x62\x65r \xe2\x82\xac \xf0\x9f\x93\xa6.bin"), 300000, 0, MTIME_MS},
    {SLICE("before 1970"), 5, 0, -86400000},
    {SLICE("after 2038"), 5, 0, 4102444800000},
};

/* The file of exactly 2^32 - 1 bytes comes last: unzip 6.0 takes its size for a mark and misreads the entry after it. */
static const struct zip_entry huge[] = {
    {SLICE("under.bin"), 0xFFFFFFFE, 0, MTIME_MS},  {SLICE("between.txt"), 700, 0, MTIME_MS},
    {SLICE("over.bin"), 0x100000005, 0, MTIME_MS},  {SLICE("after.txt"), 700, 0, MTIME_MS},
    {SLICE("border.bin"), 0xFFFFFFFF, 0, MTIME_MS},
};

static char content_byte(size_t entry, uint64_t offset) { return (char)(entry * 31 + offset * 7); }

static uint32_t crc_of_zeroes(uint64_t size)
{
    uint8_t zero = 0;
    uLong all = 0, block = crc32(0, &zero, 1);
    for (uint64_t block_len = 1; block_len <= size; block_len *= 2) {
        if (size & block_len) all = crc32_combine(all, block, (z_off_t)block_len);
        block = crc32_combine(block, block, (z_off_t)block_len);
    }
    return (uint32_t)all;
}

static bool is_zero(const struct input *in, size_t entry)
{
    return in->zeroes && in->entries[entry].size >= MIB;
}

static uint32_t crc_of(const struct input *in, size_t entry)
{
    uint64_t size = in->entries[entry].size;
    uLong crc = 0;
    if (is_zero(in, entry)) return crc_of_zeroes(size);
    for (uint64_t k = 0; k < size; k++) {
        uint8_t byte = (uint8_t)content_byte(entry, k);
        crc = crc32(crc, &byte, 1);
    }
    return (uint32_t)crc;
}

/* `paths` holds PATH_SPACE bytes for each entry whose path is made here. */
static enum err describe(const char *what, struct input *in, char **ret_paths)
{
    const struct zip_entry *from = strcmp(what, "few") == 0    ? few
                                   : strcmp(what, "huge") == 0 ? huge
                                                               : NULL;
    uint64_t count = from == few ? ARRAY_LEN(few) : ARRAY_LEN(huge);
    if (!from) TRY(slice_u64(slice_cstr(what), 1000000, &count));
    in->count = (size_t)count;
    in->zeroes = from == huge;
    in->entries = mem_alloc(in->count, sizeof *in->entries);
    *ret_paths = mem_alloc(in->count, PATH_SPACE);
    if (!in->entries || !*ret_paths) return ERR_NOMEM;
    for (size_t i = 0; i < in->count; i++) {
        char *path = *ret_paths + i * PATH_SPACE;
        if (from) {
            in->entries[i] = from[i];
        } else {
            int len = snprintf(path, PATH_SPACE, "d%zu/f%zu", i % 10, i);
            in->entries[i] = (struct zip_entry){slice_of(path, (size_t)len), i % 4, 0, MTIME_MS};
        }
        in->entries[i].crc32 = crc_of(in, i);
    }
    return ERR_OK;
}

static enum err write_content(int fd, const struct zip_piece *piece, uint64_t at, size_t n)
{
    char bytes[4096];
    for (size_t done = 0; done < n; done += sizeof bytes) {
        size_t len = MIN(sizeof bytes, n - done);
        for (size_t i = 0; i < len; i++)
            bytes[i] = content_byte(piece->entry, piece->offset + done + i);
        TRY(file_pwrite_all(fd, bytes, len, at + done));
    }
    return ERR_OK;
}

/* Every piece in two parts, so that none of them always starts where its record does. */
static enum err write_archive(int fd, const struct input *in, const struct zip_plan *plan)
{
    struct zip_piece piece;
    uint64_t size = zip_plan_size(plan);
    TRY(file_truncate(fd, size));
    for (uint64_t at = 0, n; at < size; at += n) {
        TRY(zip_plan_piece(plan, at, &piece));
        n = div_ceil_u64(piece.len, 2);
        if (piece.kind == ZIP_LITERAL)
            TRY(file_pwrite_all(fd, piece.bytes.ptr, (size_t)n, at));
        else if (is_zero(in, piece.entry))
            n = piece.len;
        else
            TRY(write_content(fd, &piece, at, (size_t)n));
    }
    return ERR_OK;
}

static enum err run(const char *what, const char *path, struct arena *a)
{
    struct input in = {0};
    CLEANUP(mem_cleanup) char *paths = NULL;
    CLEANUP(fd_close) int fd = -1;
    CLEANUP(zip_plan_cleanup) struct zip_plan *plan = NULL;
    enum err e = describe(what, &in, &paths);
    CLEANUP(mem_cleanup) struct zip_entry *entries = in.entries;
    TRY(e);
    TRY(zip_unique(a, entries, in.count));
    TRY(zip_plan_new(entries, in.count, &plan));
    TRY(file_open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600, &fd));
    return write_archive(fd, &in, plan);
}

int main(int argc, char **argv)
{
    struct arena a;
    if (argc != 3) {
        fprintf(stderr, "usage: zip_make few|huge|COUNT FILE\n");
        return 2;
    }
    arena_init(&a, MIB);
    enum err e = run(argv[1], argv[2], &a);
    arena_done(&a);
    if (e != ERR_OK) fprintf(stderr, "zip_make: %s\n", err_text(e));
    return err_exit_code(e);
}
