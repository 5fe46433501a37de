/* frames: content as independently compressed pieces of 1 MiB with a seek table, so that any range of it can be read without what
 * comes before (docs/FORMAT.md, "Compressed content").
 *
 * Frame i holds plaintext [i MiB, (i+1) MiB), the last the rest, at least one byte; empty content has no frame. A frame is one zstd
 * frame (RFC 8878) that states its content's size and is shorter than its content, or the content as it is ("raw"): which of the
 * two follows from the lengths. The packed form is all frames, one after the other; the seek table is the length of each frame,
 * u32 big-endian, in order. Nothing here trusts a table or a frame: what comes out has exactly the size it must have. */
#ifndef SEALDROP_CODEC_FRAMES_H
#define SEALDROP_CODEC_FRAMES_H

#include "base/limits.h"
#include "base/slice.h"

#define FRAME_BYTES ((size_t)MIB)
#define FRAME_ENTRY_BYTES 4u /* of the seek table, a frame */

/* ---- making frames ---- */

/* Takes packed bytes, in order. Its error ends the packing and comes back to the caller. */
typedef enum err frame_emit_fn(void *arg, const void *p, size_t n);

/* Holds one frame, twice, and the seek table. One thread at a time. */
struct frame_packer;
/* `level` as zstd counts them, 1 to 19. */
MUST_USE enum err frame_packer_new(int level, frame_emit_fn *emit, void *arg, struct frame_packer **ret);
/* Wipes what it held. NULL is harmless. */
void frame_packer_free(struct frame_packer *p);
/* ERR_TOO_LARGE past LIMIT_FRAMES. After an error only frame_packer_free may follow. */
MUST_USE enum err frame_packer_add(struct frame_packer *p, const void *bytes, size_t n);
/* The last frame. */
MUST_USE enum err frame_packer_finish(struct frame_packer *p);
/* The seek table and the packed size so far; the view is valid until the next call. */
struct slice frame_packer_table(const struct frame_packer *p);
uint64_t frame_packer_packed(const struct frame_packer *p);

/* ---- where frames are ---- */

struct frame_map;
/* `table` is copied. ERR_CORRUPT: it is not one of content of `plain` bytes packed into `packed` bytes. ERR_TOO_LARGE: more than
 * LIMIT_FRAMES. */
MUST_USE enum err frame_map_new(struct slice table, uint64_t plain, uint64_t packed, struct frame_map **ret);
void frame_map_free(struct frame_map *m);
/* CLEANUP(frame_map_cleanup) struct frame_map *m = NULL; */
void frame_map_cleanup(struct frame_map **m);
struct frame_place {
    uint64_t number;
    uint64_t packed_offset;
    size_t packed_bytes; /* at most FRAME_BYTES */
    size_t plain_bytes;  /* of the whole frame, at most FRAME_BYTES */
    size_t skip;         /* plaintext bytes of the frame before the wanted one */
};
/* The frame with plaintext byte `offset`, which must be less than the content's size. */
void frame_map_at(const struct frame_map *m, uint64_t offset, struct frame_place *ret);

/* ---- opening frames ---- */

/* One thread at a time. */
struct frame_opener;
MUST_USE enum err frame_opener_new(struct frame_opener **ret);
void frame_opener_free(struct frame_opener *o);
/* One frame of n packed bytes into exactly `plain` bytes at `out`. ERR_CORRUPT: it is something else, and `out` is wiped. Takes no
 * memory that a frame asks for. */
MUST_USE enum err frame_open(struct frame_opener *o, const void *packed, size_t n, void *out, size_t plain);

#endif
