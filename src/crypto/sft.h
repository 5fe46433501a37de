/* sft: the SFT1 file layout: a file is a sequence of independently sealed parts (docs/FORMAT.md). Pure arithmetic, contexts, and
 * the part sealer used by uploads.
 *   blob = part_0 || … || part_n, n = floor(S / P); every part but the last holds exactly P bytes, the last always fewer.
 *   E(P) = P + P/1024 + 72 sealed bytes of a full part. */
#ifndef SEALDROP_CRYPTO_SFT_H
#define SEALDROP_CRYPTO_SFT_H

#include "base/buf.h"
#include "base/id.h"
#include "crypto/hash.h"
#include "crypto/seal.h"

#define SFT_PART_MIN 16384u
#define SFT_PART_MAX (512u << 20)
#define SFT_UNKNOWN_SIZE UINT64_MAX

/* Power of two and a multiple of 16 KiB, within the bounds. */
bool sft_part_size_valid(uint64_t part_bytes);
/* Smallest of 8, 64, 512 MiB with at most 10,000 parts; 64 MiB for SFT_UNKNOWN_SIZE. ERR_TOO_LARGE past that. */
MUST_USE enum err sft_part_size_for(uint64_t size, uint32_t *ret);
/* E(P). */
uint64_t sft_sealed_part(uint32_t part_bytes);
/* floor(S/P) + 1. */
uint64_t sft_part_count(uint64_t size, uint32_t part_bytes);
/* Plaintext bytes of part j of a file of S bytes. */
uint64_t sft_part_plain(uint64_t size, uint32_t part_bytes, uint64_t j);
/* Sealed size of a whole file, and back (ERR_INVALID). */
uint64_t sft_sealed_size(uint64_t size, uint32_t part_bytes);
MUST_USE enum err sft_plain_size(uint64_t sealed, uint32_t part_bytes, uint64_t *ret);

struct sft_place {
    uint64_t part;          /* j */
    uint64_t chunk;         /* k within the part */
    uint64_t header_offset; /* of part j's header in the blob */
    uint64_t chunk_offset;  /* of the sealed chunk in the blob */
    uint32_t chunk_sealed;  /* its sealed bytes */
    uint32_t skip;          /* plaintext bytes of the chunk before the wanted one */
};
/* Where plaintext byte `offset` (< size, or == size for the empty last chunk) lies. */
void sft_locate(uint64_t size, uint32_t part_bytes, uint64_t offset, struct sft_place *ret);

/* Contexts, written into a fixed buffer. */
struct sft_context {
    uint8_t b[128];
    size_t len;
};
static inline struct slice sft_context_view(const struct sft_context *c)
{
    return slice_of(c->b, c->len);
}
void sft_part_context(struct sft_context *ret, const struct id *file_id, uint32_t part_bytes, uint32_t part);
/* A piece: bytes of an unfinished part, from byte `start` of the file on. */
void sft_piece_context(struct sft_context *ret, const struct id *file_id, uint64_t start);
void sft_meta_context(struct sft_context *ret, const struct id *file_id, uint32_t rev);
/* "sft/1/dek" 00 org_id file_id, "sft/1/kek" 00 kek_id org_id, and any label 00 fields. */
void sft_context(struct sft_context *ret, const char *label, struct slice field1, struct slice field2);

/* Padding of sealed JSON (metadata, manifests): 0x80, then 0x00 up to a multiple of SFT_PAD; always at least one byte. */
#define SFT_PAD 256u
MUST_USE enum err sft_pad(struct buf *b);
/* The content without its padding, a view into `padded`. ERR_CORRUPT when it is not padded so. */
MUST_USE enum err sft_unpad(struct slice padded, struct slice *ret);

/* headers_hash = SHA-256(header_0 || … || header_n); `headers` is their concatenation: ERR_INVALID when
 * it is not a positive number of headers. */
MUST_USE enum err sft_headers_hash(struct slice headers, struct sha256 *ret);

#endif
