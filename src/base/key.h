/* key: 256-bit symmetric secrets. A type of their own, so that they cannot be mixed up, compared with memcmp or logged.
 * Declare with CLEANUP(key_done): the bytes are wiped when the variable dies. */
#ifndef SEALDROP_BASE_KEY_H
#define SEALDROP_BASE_KEY_H

#include <stdint.h>

#include "base/mem.h"

#define KEY_BYTES 32

struct key {
    uint8_t b[KEY_BYTES];
};

static inline void key_done(struct key *k)
{
    mem_wipe(k, sizeof *k);
}

#endif
