/* blocklist: the common passwords nobody may choose. Internal to core/user. */
#ifndef SEALDROP_CORE_USER_BLOCKLIST_H
#define SEALDROP_CORE_USER_BLOCKLIST_H

#include <stdint.h>

#include "base/slice.h"

#define BLOCKLIST_HASH_BYTES 5
/* Sorted prefixes of SHA-256, BLOCKLIST_HASH_BYTES each. */
struct slice blocklist_hashes(void);

#endif
