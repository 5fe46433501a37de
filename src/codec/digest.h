/* digest: Content-Digest, Repr-Digest and Want-Repr-Digest (RFC 9530), dictionaries of structured fields. */
#ifndef SEALDROP_CODEC_DIGEST_H
#define SEALDROP_CODEC_DIGEST_H

#include <stdint.h>

#include "base/slice.h"

/* Stronger ones last. */
enum digest_algorithm { DIGEST_SHA256, DIGEST_SHA512, DIGEST_ALGORITHMS };
#define DIGEST_BYTES_MAX 64
const char *digest_name(enum digest_algorithm a);
size_t digest_bytes(enum digest_algorithm a);

struct digest {
    enum digest_algorithm algorithm;
    uint8_t b[DIGEST_BYTES_MAX]; /* digest_bytes() of them */
};
enum digest_result {
    DIGEST_NONE, /* no algorithm in it that is known here: nothing to compare */
    DIGEST_ONE,  /* *ret is set */
    DIGEST_BAD   /* the field is malformed, or a digest has not the length of its algorithm: the request is to be refused */
};

/* The strongest digest of a Content-Digest or Repr-Digest, not stronger than `max`. Other algorithms and parameters are skipped; of
 * several members with one name the last counts. */
enum digest_result digest_parse(struct slice header, enum digest_algorithm max, struct digest *ret);
/* The algorithm a Want-Repr-Digest prefers. False: none of ours, or malformed, which counts as not asked. */
bool digest_wanted(struct slice header, enum digest_algorithm *ret);

#endif
