/* part_sealer: plaintext in, one sealed part, or piece of one, in the blob store out. For contents and uploads. One thread at a time. */
#ifndef SEALDROP_CORE_CONTENT_PART_SEALER_H
#define SEALDROP_CORE_CONTENT_PART_SEALER_H

#include "core/app/app.h"
#include "crypto/sft.h"

struct part_target {
    const struct key *file_key; /* borrowed for part_sealer_start */
    struct id content_id;
    uint32_t part_size;
    const struct blob_ref *ref; /* borrowed for part_sealer_start */
};

/* What a finished part is, for its row. */
struct part_record {
    uint64_t number;
    uint64_t size; /* plaintext */
    uint32_t crc32;
    struct seal_header header;
    struct blob_tag tag;
};

struct part_sealer;
MUST_USE enum err part_sealer_new(struct part_sealer **ret);
/* Gives up a part that was started and not finished. NULL is harmless. */
void part_sealer_free(struct part_sealer *s);
/* Begins part `number`; reusable after a finish. */
MUST_USE enum err part_sealer_start(struct ctx *c, struct part_sealer *s, struct blob_store *blobs,
                                    const struct part_target *t, uint64_t number);
/* The same for a piece: a message of its own, of at most size_max bytes from byte `start` of the file on, the only part of its own
 * blob. */
struct piece_target {
    const struct key *file_key; /* borrowed for the call, as is `ref` */
    struct id content_id;
    struct id blob_id;
    const struct blob_ref *ref;
    uint64_t size_max;
};
MUST_USE enum err part_sealer_start_piece(struct ctx *c, struct part_sealer *s, struct blob_store *blobs,
                                          const struct piece_target *t, uint64_t start);
/* At most part_size bytes in all. */
MUST_USE enum err part_sealer_write(struct ctx *c, struct part_sealer *s, const void *bytes, size_t n);
/* Plaintext bytes written so far. */
uint64_t part_sealer_size(const struct part_sealer *s);
/* The plaintext from byte `skip` of it on, read back from the store and opened; writing may go on afterwards. */
typedef enum err plain_fn(struct ctx *c, void *arg, const void *bytes, size_t n);
MUST_USE enum err part_sealer_read_back(struct ctx *c, struct part_sealer *s, const struct key *file_key, uint64_t skip,
                                        plain_fn *fn, void *arg);
MUST_USE enum err part_sealer_finish(struct ctx *c, struct part_sealer *s, enum blob_durability d, struct part_record *ret);

#endif
