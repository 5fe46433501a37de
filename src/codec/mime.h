/* mime: media types by file extension (a small table of what people send), and the syntax check of RFC 9110, section 8.3.1. */
#ifndef SEALDROP_CODEC_MIME_H
#define SEALDROP_CODEC_MIME_H

#include "base/slice.h"

/* "application/octet-stream" when the extension is not known. Static text. */
struct slice mime_for_name(struct slice name);
/* type/subtype with optional parameters, visible ASCII only; the empty slice is valid (not given). */
bool mime_valid(struct slice type);
/* Content of this type is compressed by its own format, so that compressing it again gains nothing. */
bool mime_compressed(struct slice type);

#endif
