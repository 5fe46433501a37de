/* digest: the Content-Digest header field (RFC 9530), a dictionary of structured fields (RFC 9651). */
#ifndef SEALDROP_CODEC_DIGEST_H
#define SEALDROP_CODEC_DIGEST_H

#include <stdint.h>

#include "base/slice.h"

enum digest_result {
    DIGEST_NONE,   /* no sha-256 in it: nothing to compare */
    DIGEST_SHA256, /* *ret_sha256 is set */
    DIGEST_BAD /* the field is malformed, or its sha-256 is not 32 bytes: the request is to be refused */
};

/* Other algorithms and parameters are skipped; of several sha-256 members the last counts. */
enum digest_result content_digest_parse(struct slice header, uint8_t ret_sha256[32]);

#endif
