/* base64: RFC 4648, in two forms only: the standard alphabet with padding, and base64url without.
 *
 * All append to *out and leave it as it was on failure. Decoding is strict: a foreign character, wrong padding, white space, or
 * unused bits that are not zero are ERR_INVALID, so each byte string has exactly one text. ERR_TOO_LARGE past out->max. */
#ifndef SEALDROP_CODEC_BASE64_H
#define SEALDROP_CODEC_BASE64_H

#include "base/buf.h"

MUST_USE enum err base64_encode(struct buf *out, struct slice in);
MUST_USE enum err base64_decode(struct buf *out, struct slice in);
MUST_USE enum err base64url_encode(struct buf *out, struct slice in);
MUST_USE enum err base64url_decode(struct buf *out, struct slice in);

#endif
