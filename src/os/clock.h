/* The clock and randomness of the product; both injectable through the system table. */
#ifndef SEALDROP_OS_CLOCK_H
#define SEALDROP_OS_CLOCK_H

#include "base/id.h"
#include "os/sys.h"

static inline int64_t clock_wall_ms(void)
{
    return sys()->wall_ms();
}
static inline int64_t clock_mono_ms(void)
{
    return sys()->mono_ms();
}
/* Cryptographic random bytes. ERR_CRYPTO when the system gives none: callers must fail. */
MUST_USE static inline enum err os_random(void *buf, size_t n)
{
    return sys()->random(buf, n) == 0 ? ERR_OK : ERR_CRYPTO;
}
/* A new UUIDv7 of the present wall time. */
MUST_USE static inline enum err os_new_id(struct id *ret)
{
    uint8_t random[16];
    TRY(os_random(random, sizeof random));
    *ret = id_v7(clock_wall_ms(), random);
    return ERR_OK;
}

#endif
