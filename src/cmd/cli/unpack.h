/* unpack: compressed content (docs/FORMAT.md) back into plaintext as its packed bytes come in, in order, in pieces of any size. One thread
 * at a time. */
#ifndef SEALDROP_CMD_CLI_UNPACK_H
#define SEALDROP_CMD_CLI_UNPACK_H

#include "cmd/cli/unseal.h"
#include "codec/frames.h"

struct unpack;
/* `map` is borrowed; `plain` is the content's size. */
MUST_USE enum err unpack_new(const struct frame_map *map, uint64_t plain, unseal_emit_fn *emit, void *arg, struct unpack **ret);
/* Wipes. NULL is harmless. */
void unpack_free(struct unpack *u);
void unpack_cleanup(struct unpack **u);
/* ERR_CORRUPT: a frame does not open, or more bytes than all frames have. */
MUST_USE enum err unpack_push(struct unpack *u, const void *p, size_t n);
/* ERR_CORRUPT unless all of it came. */
MUST_USE enum err unpack_finish(const struct unpack *u);

#endif
