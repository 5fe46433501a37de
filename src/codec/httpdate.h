/* httpdate: the dates of HTTP header fields (RFC 9110, section 5.6.7). */
#ifndef SEALDROP_CODEC_HTTPDATE_H
#define SEALDROP_CODEC_HTTPDATE_H

#include <stdint.h>

#include "base/err.h"
#include "base/slice.h"

#define HTTPDATE_LEN 29

/* "Sun, 06 Nov 1994 08:49:37 GMT" and a NUL; parts of a second are dropped, years outside 0..9999 clamped. */
void httpdate_format(int64_t ms, char ret[HTTPDATE_LEN + 1]);
/* That form and the two obsolete ones ("Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994"), exactly. Two-digit years
 * below 70 are in this century. The day's name is not compared with the date. ERR_INVALID otherwise. */
MUST_USE enum err httpdate_parse(struct slice s, int64_t *ret_ms);

#endif
