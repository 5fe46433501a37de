/* range: header fields that choose what of a representation is sent: Range, If-Match, If-None-Match, Accept-Encoding
 * (RFC 9110, sections 12 to 14). Pure, no memory. */
#ifndef SEALDROP_CODEC_RANGE_H
#define SEALDROP_CODEC_RANGE_H

#include <stdint.h>

#include "base/slice.h"

struct byte_range {
    uint64_t first;
    uint64_t length; /* at least 1 */
};

enum range_result {
    RANGE_NONE, /* no range that we serve (absent, malformed, several, another unit): send everything */
    RANGE_ONE,          /* *ret lies within `size` */
    RANGE_UNSATISFIABLE /* 416 */
};

/* "bytes=0-99", "bytes=100-", "bytes=-50" against a representation of `size` bytes. */
enum range_result range_parse(struct slice header, uint64_t size, struct byte_range *ret);

/* Whether `etag` (with its quotes, W/ if weak) is in the list of an If-Match or If-None-Match field, or the list is "*".
 * weak: W/ does not count (If-None-Match); otherwise both must be strong (If-Match, If-Range). A malformed list matches
 * nothing. */
bool etag_matches(struct slice list_header, struct slice etag, bool weak);

/* Whether Accept-Encoding lets us send `coding` ("br", "gzip", "identity"). An absent field (ptr NULL) or empty one allows
 * identity only. */
bool encoding_accepted(struct slice accept_encoding, const char *coding);

#endif
