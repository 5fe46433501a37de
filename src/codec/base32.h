/* base32: bytes as letters and digits that people copy: RFC 4648 without padding (keys for authenticator apps), and Crockford's
 * alphabet, which has no letter that looks like a digit (recovery codes). */
#ifndef SEALDROP_CODEC_BASE32_H
#define SEALDROP_CODEC_BASE32_H

#include "base/buf.h"

/* Both append to *out. */
MUST_USE enum err base32_encode(struct buf *out, struct slice in);
MUST_USE enum err crockford_encode(struct buf *out, struct slice in);
/* What a person typed, in the one spelling that crockford_encode writes: upper case, O as 0, I and L as 1, without blanks and
 * dashes. ERR_INVALID for any other character. Appends to *out. */
MUST_USE enum err crockford_normal(struct buf *out, struct slice typed);

#endif
