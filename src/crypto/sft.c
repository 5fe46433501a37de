/* SFT1: where the parts and chunks of a sealed file lie, and the contexts that bind each part to its file and place. Sizes are at
 * most 2^52, as seal.h allows; no arithmetic here can overflow below that. */
#include "crypto/sft.h"

#include "base/assert.h"
#include "base/intmath.h"
#include "base/limits.h"

bool sft_part_size_valid(uint64_t part_bytes)
{
    return part_bytes >= SFT_PART_MIN && part_bytes <= SFT_PART_MAX && (part_bytes & (part_bytes - 1)) == 0;
}

enum err sft_part_size_for(uint64_t size, uint32_t *ret)
{
    static const uint32_t choices[] = {8u << 20, 64u << 20, 512u << 20};
    if (size == SFT_UNKNOWN_SIZE) {
        *ret = choices[1];
        return ERR_OK;
    }
    for (size_t i = 0; i < ARRAY_LEN(choices); i++) {
        if (sft_part_count(size, choices[i]) > LIMIT_PARTS) continue;
        *ret = choices[i];
        return ERR_OK;
    }
    return ERR_TOO_LARGE;
}

uint64_t sft_sealed_part(uint32_t part_bytes) { return seal_size(part_bytes); }

uint64_t sft_part_count(uint64_t size, uint32_t part_bytes) { return size / part_bytes + 1; }

uint64_t sft_part_plain(uint64_t size, uint32_t part_bytes, uint64_t j)
{
    ASSERT(j < sft_part_count(size, part_bytes));
    return j < size / part_bytes ? part_bytes : size % part_bytes;
}

uint64_t sft_sealed_size(uint64_t size, uint32_t part_bytes)
{
    return size / part_bytes * sft_sealed_part(part_bytes) + seal_size(size % part_bytes);
}

enum err sft_plain_size(uint64_t sealed, uint32_t part_bytes, uint64_t *ret)
{
    uint64_t full = sealed / sft_sealed_part(part_bytes), last = 0;
    if (full > UINT32_MAX) return ERR_INVALID; /* part numbers are 32 bits */
    TRY(seal_plain_size(sealed % sft_sealed_part(part_bytes), &last));
    *ret = full * part_bytes + last;
    return ERR_OK;
}

void sft_locate(uint64_t size, uint32_t part_bytes, uint64_t offset, struct sft_place *ret)
{
    ASSERT(offset <= size);
    uint64_t part = offset / part_bytes, in_part = offset % part_bytes, chunk = in_part / SEAL_CHUNK;
    uint64_t left = sft_part_plain(size, part_bytes, part) - chunk * SEAL_CHUNK;
    uint64_t header = part * sft_sealed_part(part_bytes);
    *ret = (struct sft_place){
        .part = part,
        .chunk = chunk,
        .header_offset = header,
        .chunk_offset = header + SEAL_HEADER + chunk * SEAL_SEALED_CHUNK,
        .chunk_sealed = (uint32_t)MIN(left, (uint64_t)SEAL_CHUNK) + SEAL_TAG,
        .skip = (uint32_t)(in_part % SEAL_CHUNK),
    };
}

static void context_put(struct sft_context *c, struct slice s)
{
    ASSERT(s.len <= sizeof c->b - c->len);
    if (s.len) memcpy(c->b + c->len, s.ptr, s.len);
    c->len += s.len;
}

void sft_context(struct sft_context *ret, const char *label, struct slice field1, struct slice field2)
{
    ret->len = 0;
    context_put(ret, slice_of(label, strlen(label) + 1));
    context_put(ret, field1);
    context_put(ret, field2);
}

void sft_part_context(struct sft_context *ret, const struct id *file_id, uint32_t part_bytes, uint32_t part)
{
    uint8_t place[8];
    store_u32be(place, part_bytes);
    store_u32be(place + 4, part);
    sft_context(ret, "sft/1/part", id_bytes(file_id), slice_of(place, sizeof place));
}

void sft_piece_context(struct sft_context *ret, const struct id *file_id, uint64_t start)
{
    uint8_t place[8];
    store_u32be(place, (uint32_t)(start >> 32));
    store_u32be(place + 4, (uint32_t)start);
    sft_context(ret, "sft/1/piece", id_bytes(file_id), slice_of(place, sizeof place));
}

void sft_meta_context(struct sft_context *ret, const struct id *file_id, uint32_t rev)
{
    uint8_t revision[4];
    store_u32be(revision, rev);
    sft_context(ret, "sft/1/meta", id_bytes(file_id), slice_of(revision, sizeof revision));
}

enum err sft_pad(struct buf *b)
{
    size_t zeros = SFT_PAD - 1 - b->len % SFT_PAD;
    TRY(buf_reserve(b, zeros + 1));
    b->ptr[b->len] = (char)0x80;
    memset(b->ptr + b->len + 1, 0, zeros);
    b->len += zeros + 1;
    return ERR_OK;
}

enum err sft_unpad(struct slice padded, struct slice *ret)
{
    if (padded.len == 0 || padded.len % SFT_PAD != 0) return ERR_CORRUPT;
    size_t end = padded.len - 1, floor = padded.len - SFT_PAD;
    while (end > floor && padded.ptr[end] == 0) end--;
    if ((uint8_t)padded.ptr[end] != 0x80) return ERR_CORRUPT;
    *ret = slice_sub(padded, 0, end);
    return ERR_OK;
}

enum err sft_headers_hash(struct slice headers, struct sha256 *ret)
{
    if (headers.len == 0 || headers.len % SEAL_HEADER != 0) return ERR_INVALID;
    return sha256(headers, ret);
}
