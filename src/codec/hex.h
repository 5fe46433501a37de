/* hex: bytes as lower-case hexadecimal text. Both append to *out and leave it as it was on failure. */
#ifndef SEALDROP_CODEC_HEX_H
#define SEALDROP_CODEC_HEX_H

#include "base/buf.h"

MUST_USE enum err hex_encode(struct buf *out, struct slice in);
/* Either case; ERR_INVALID on an odd length or any other character. */
MUST_USE enum err hex_decode(struct buf *out, struct slice in);
/* 0..15, or -1 when c is not a hexadecimal digit. */
int hex_value(char c);

#endif
