/* text: small things people write and read: durations, sizes, e-mail addresses. */
#ifndef SEALDROP_CODEC_TEXT_H
#define SEALDROP_CODEC_TEXT_H

#include "base/buf.h"

/* "90s", "10m", "36h", "3d", "2w"; a bare number is seconds. ERR_INVALID, or ERR_TOO_LARGE past 64 bits. */
MUST_USE enum err duration_parse(struct slice s, uint64_t *ret_seconds);
/* "2 h 5 min", "3 d", "45 s": the two largest units that say something, rounded down. */
MUST_USE enum err duration_print(struct buf *out, uint64_t seconds);
/* "123", "10G", "10 GiB" (binary), "500MB", "1.5 GB" (decimal): a number with up to three decimals, perhaps one space, and a
 * unit of either case: K M G T with nothing or "iB" binary, with "B" decimal; "B" alone is bytes. Same errors. */
MUST_USE enum err size_parse(struct slice s, uint64_t *ret);
/* "999 B", "1.5 GB", "2 TB": decimal units, one decimal unless it is zero. */
MUST_USE enum err size_print(struct buf *out, uint64_t bytes);
/* Whether an address is worth sending to: one '@', a domain with a dot or "localhost", nothing that could end or split a
 * header field. Whether it exists only mail can tell. */
bool email_plausible(struct slice s);
#define IP_TEXT_BYTES 46
/* The one way to write an IPv4 or IPv6 address: that of RFC 5952, which addresses of peers have. ERR_INVALID. */
MUST_USE enum err ip_canonical(struct slice s, char ret[IP_TEXT_BYTES]);

#endif
