/* qr_svg: a QR code as an SVG image: one path, black on white, no script, no style, nothing from outside. */
#ifndef SEALDROP_CODEC_QR_SVG_H
#define SEALDROP_CODEC_QR_SVG_H

#include "base/buf.h"

/* Appends to *out. ERR_INVALID when the text is empty, has a NUL byte or is longer than a QR code holds (2,331 bytes). */
MUST_USE enum err qr_svg(struct buf *out, const char *text);

#endif
