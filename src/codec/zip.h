/* zip: the archive that need not exist. A stored-method (uncompressed) zip64 archive as a pure function of metadata.
 *
 * From the list of entries follow the exact size and every byte that is not file content; so a download has a Content-Length,
 * any range of it can be served at any time by any node, and nothing is ever written to disk:
 *
 *     TRY(zip_plan_new(entries, n, &plan));
 *     while (offset < end) {
 *         TRY(zip_plan_piece(plan, offset, &piece));
 *         … send piece.bytes, or piece.len bytes of file piece.entry from piece.offset …
 *         offset += piece.len;
 *     }
 *
 * The same entries in the same order give the same bytes in every version of this file that keeps ZIP_LAYOUT: put it into
 * the ETag, with whatever identifies the content. A plan does not change after it was made: threads may share it. */
#ifndef SEALDROP_CODEC_ZIP_H
#define SEALDROP_CODEC_ZIP_H

#include "base/arena.h"
#include "base/limits.h"

/* Raised whenever the bytes made of the same entries change. */
#define ZIP_LAYOUT 1
/* The longest path that is given: that of a folder and, in it, that of a file or of the folder's last one with its '/'. */
#define ZIP_GIVEN_BYTES (2 * LIMIT_PATH_BYTES + 1)
/* The longest path in an archive: with the number that zip_unique() may add. */
#define ZIP_PATH_BYTES (ZIP_GIVEN_BYTES + 32)
/* The longest record: central header, path, extra fields. */
#define ZIP_RECORD_BYTES (46 + ZIP_PATH_BYTES + 28 + 9)

struct zip_entry {
    struct slice
        path; /* UTF-8, '/' between names; ending in '/': an explicit directory (size and crc32 are 0) */
    uint64_t size;
    uint32_t crc32; /* of the content */
    int64_t mtime_ms;
};

enum zip_piece_kind { ZIP_LITERAL, ZIP_CONTENT };

/* What lies at an offset. Not to be copied: `bytes` points into it. */
struct zip_piece {
    enum zip_piece_kind kind;
    uint64_t len;       /* bytes from the offset to the end of this piece; at least 1 */
    struct slice bytes; /* ZIP_LITERAL: them */
    size_t entry;       /* ZIP_CONTENT: index of the entry… */
    uint64_t offset;    /* …and where in its content the piece starts */
    char record[ZIP_RECORD_BYTES];
};

struct zip_plan;

/* `entries` are borrowed and must outlive the plan, which takes 16 bytes an entry more. The caller bounds n (LIMIT_TRANSFER_FILES).
 * ERR_INVALID: a path that is empty, longer than ZIP_PATH_BYTES, absolute, not UTF-8, has an empty, "." or ".." segment, a
 * backslash or a control character (whoever unpacks the archive may not check); a directory with content. ERR_TOO_LARGE: the
 * archive would pass 2^63 bytes. Equal paths are the caller's business: zip_unique(). */
MUST_USE enum err zip_plan_new(const struct zip_entry *entries, size_t n, struct zip_plan **ret);
void zip_plan_free(struct zip_plan *p);
/* CLEANUP(zip_plan_cleanup) struct zip_plan *p = NULL; */
void zip_plan_cleanup(struct zip_plan **p);
/* Of the whole archive. */
uint64_t zip_plan_size(const struct zip_plan *p);
/* What lies at `offset`, in O(log n). ERR_INVALID when offset >= zip_plan_size(). */
MUST_USE enum err zip_plan_piece(const struct zip_plan *p, uint64_t offset, struct zip_piece *ret);

/* Give each file a path of its own, so that the archive unpacks without loss where case does not matter (ASCII letters): of equal
 * paths the first keeps its name, the later ones become "name (2).txt" and so on; a file with the name of a directory is
 * renamed too. Paths that are already there stay as they are; explicit directories always do. Rewrites the paths, new ones
 * live in the arena. O(n log n). A name that would pass LIMIT_NAME_BYTES is cut. ERR_INVALID: a path that is empty,
 * has a NUL or more than ZIP_GIVEN_BYTES; on an error nothing was rewritten. */
MUST_USE enum err zip_unique(struct arena *a, struct zip_entry *entries, size_t n);

#endif
