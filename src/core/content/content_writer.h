/* content_writer: a stream of bytes, as they are to be sealed, becomes the parts of one blob. For core/content and core/upload. One thread
 * at a time. */
#ifndef SEALDROP_CORE_CONTENT_CONTENT_WRITER_H
#define SEALDROP_CORE_CONTENT_CONTENT_WRITER_H

#include "core/content/content_store.h"
#include "core/content/part_sealer.h"

struct content_writer;
/* The target is copied, its key and ref too; the blob must be begun. */
MUST_USE enum err content_writer_new(struct blob_store *blobs, const struct part_target *t, struct content_writer **ret);
/* Gives up the part that is being written; the blob is its owner's to abort. NULL is harmless. */
void content_writer_free(struct content_writer *w);
/* ERR_TOO_LARGE past LIMIT_PARTS. */
MUST_USE enum err content_writer_add(struct ctx *c, struct content_writer *w, const void *bytes, size_t n);
/* Seals the last part and makes the blob durable. Fills in stored_size, sealed_size, headers_hash and the headers, in the arena. */
MUST_USE enum err content_writer_finish(struct ctx *c, struct content_writer *w, struct content_insert *ret);

/* The parts of a whole content, in order: headers, their hash and the receipts, in the arena; *ret_crc32 of what was sealed. */
MUST_USE enum err parts_collect(struct ctx *c, const struct part_record *parts, size_t n, struct content_insert *ret,
                                struct blob_tag **ret_tags, uint32_t *ret_crc32);

#endif
