/* cbor: may these bytes be given to a CBOR library? Libraries take the declared number of elements as the size of what they allocate
 * first and read them afterwards, so that five bytes cost gigabytes. Here every count is checked against the bytes that are there,
 * without allocating or recursing. Nothing is decoded. */
#ifndef SEALDROP_CODEC_CBOR_H
#define SEALDROP_CODEC_CBOR_H

#include "base/slice.h"

#define CBOR_DEPTH_MAX 16

/* Walks the one data item (RFC 8949) at the start of `in`; *ret_used: its bytes, the caller judges what follows them. ERR_INVALID when
 * it is cut short, declares more elements or bytes than follow, has an indefinite length, a reserved head, or arrays, maps and tags
 * nested deeper than `depth_max`, which is at most CBOR_DEPTH_MAX. */
MUST_USE enum err cbor_bounded(struct slice in, size_t depth_max, size_t *ret_used);

#endif
