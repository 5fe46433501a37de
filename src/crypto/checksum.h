/* checksum: what clients say a body must be: the algorithms that upload protocols name, old ones too. They find damage on the way; what
 * must not be forged uses hash.h. One object one thread. */
#ifndef SEALDROP_CRYPTO_CHECKSUM_H
#define SEALDROP_CRYPTO_CHECKSUM_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

enum checksum_alg { CHECKSUM_CRC32, CHECKSUM_SHA1, CHECKSUM_SHA256, CHECKSUM_SHA512 };
#define CHECKSUM_BYTES_MAX 64

/* The first checksum_bytes(alg) bytes count; a CRC-32 is big-endian. */
struct checksum {
    enum checksum_alg alg;
    uint8_t b[CHECKSUM_BYTES_MAX];
};
size_t checksum_bytes(enum checksum_alg alg);

struct checksummer;
MUST_USE enum err checksummer_new(enum checksum_alg alg, struct checksummer **ret);
MUST_USE enum err checksummer_add(struct checksummer *s, const void *p, size_t n);
/* The end: nothing may be added after it. */
MUST_USE enum err checksummer_end(struct checksummer *s, struct checksum *ret);
void checksummer_free(struct checksummer *s); /* NULL harmless */
bool checksum_equal(const struct checksum *a, const struct checksum *b);

#endif
