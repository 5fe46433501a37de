/* unseal: one sealed part of a file (docs/FORMAT.md) back into plaintext as its bytes come in, in pieces of any size.
 *
 * Only verified plaintext is handed out. After a broken connection the same part goes on at the last whole chunk:
 * unseal_resume() tells from which sealed byte of the part. One thread at a time. */
#ifndef SEALDROP_CMD_CLI_UNSEAL_H
#define SEALDROP_CMD_CLI_UNSEAL_H

#include "crypto/sft.h"

/* Verified plaintext at `offset` of the file, in order within the part. */
typedef enum err unseal_emit_fn(void *arg, uint64_t offset, const void *p, size_t n);

struct unseal;
MUST_USE enum err unseal_new(struct unseal **ret);
void unseal_free(struct unseal *u);
void unseal_cleanup(struct unseal **u);
/* Begin part `part` of a file of `size` bytes. */
MUST_USE enum err unseal_start(struct unseal *u, const struct key *key, const struct id *content_id, uint64_t size,
                               uint32_t part_size, uint32_t part, unseal_emit_fn *emit, void *arg);
/* ERR_CORRUPT: does not verify, or more bytes than the part has. */
MUST_USE enum err unseal_push(struct unseal *u, const void *p, size_t n);
/* Drop what is not a whole chunk; *ret: the sealed offset in the part to go on from. What was verified is emitted first. */
MUST_USE enum err unseal_resume(struct unseal *u, uint64_t *ret);
/* Sealed bytes of the part in all. */
uint64_t unseal_length(const struct unseal *u);
/* All of it is there and emitted, and *ret is its header. ERR_CORRUPT otherwise. */
MUST_USE enum err unseal_finish(struct unseal *u, struct seal_header *ret);

#endif
