/* What the files of core/content share. */
#ifndef SEALDROP_CORE_CONTENT_CONTENT_IMPL_H
#define SEALDROP_CORE_CONTENT_CONTENT_IMPL_H

#include "core/content/content_store.h"

#define CONTENT_CODEC_ZSTD "zstd-1m" /* frames of 1 MiB: codec/frames.h */

/* A reader of the plaintext [first, first + length) of content in frames. *ret_first and *ret_end: the packed bytes it will pull, in
 * order, from the reader it is then given by unpacker_feed, which it closes with itself. ERR_CORRUPT: the seek table is not one. */
struct unpacker;
MUST_USE enum err unpacker_new(struct ctx *c, const struct content *t, struct slice frames, uint64_t first, uint64_t length,
                               struct unpacker **ret, uint64_t *ret_first, uint64_t *ret_end);
void unpacker_feed(struct unpacker *u, struct reader *packed);
struct reader *unpacker_reader(struct unpacker *u);

#endif
