/* archive: a set of files as one stored zip64, a pure function of their metadata: exact length, any range, no temporary file. */
#ifndef SEALDROP_CORE_ARCHIVE_ARCHIVE_H
#define SEALDROP_CORE_ARCHIVE_ARCHIVE_H

#include "core/file/file.h"

struct archive;
struct archive_item {
    struct slice path;       /* in the archive; of a folder it ends in '/' */
    const struct file *file; /* NULL: a folder that holds nothing */
    int64_t modified_at;     /* of that folder */
};
/* Plans the archive of these, in this order; who may have them is decided already. Keeps what it needs of them itself, some 200
 * bytes a file. Paths that are equal are told apart by numbers. */
MUST_USE enum err archive_new(struct app *app, const struct archive_item *items, size_t n, struct archive **ret);
uint64_t archive_size(const struct archive *a);
/* Strong: changes with any file, name or order. 16 bytes as 22 base64url characters in quotes. */
MUST_USE enum err archive_etag(struct ctx *c, const struct archive *a, struct slice *ret);
/* Bytes [first, first + length). The reader owns the archive from here on, also on error. */
MUST_USE enum err archive_read(struct ctx *c, struct archive *a, uint64_t first, uint64_t length, struct reader **ret);
void archive_free(struct archive *a);

#endif
