/* Checked integer arithmetic. Every size that comes from outside goes through these. */
#ifndef SEALDROP_BASE_INTMATH_H
#define SEALDROP_BASE_INTMATH_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))
#define MIN(a, b) ((a) < (b) ? (a) : (b))
#define MAX(a, b) ((a) > (b) ? (a) : (b))

/* ERR_TOO_LARGE on overflow. */
MUST_USE static inline enum err size_add(size_t a, size_t b, size_t *ret)
{
    return __builtin_add_overflow(a, b, ret) ? ERR_TOO_LARGE : ERR_OK;
}

MUST_USE static inline enum err size_mul(size_t a, size_t b, size_t *ret)
{
    return __builtin_mul_overflow(a, b, ret) ? ERR_TOO_LARGE : ERR_OK;
}

MUST_USE static inline enum err u64_add(uint64_t a, uint64_t b, uint64_t *ret)
{
    return __builtin_add_overflow(a, b, ret) ? ERR_TOO_LARGE : ERR_OK;
}

MUST_USE static inline enum err u64_mul(uint64_t a, uint64_t b, uint64_t *ret)
{
    return __builtin_mul_overflow(a, b, ret) ? ERR_TOO_LARGE : ERR_OK;
}

static inline uint64_t div_ceil_u64(uint64_t a, uint64_t b)
{
    return a / b + (a % b != 0);
}

/* Big-endian stores and loads for binary formats. */
static inline void store_u32be(uint8_t *p, uint32_t v)
{
    p[0] = (uint8_t)(v >> 24);
    p[1] = (uint8_t)(v >> 16);
    p[2] = (uint8_t)(v >> 8);
    p[3] = (uint8_t)v;
}

static inline void store_u64be(uint8_t *p, uint64_t v)
{
    store_u32be(p, (uint32_t)(v >> 32));
    store_u32be(p + 4, (uint32_t)v);
}

static inline uint32_t load_u32be(const uint8_t *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | (uint32_t)p[3];
}

static inline uint64_t load_u64be(const uint8_t *p)
{
    return (uint64_t)load_u32be(p) << 32 | load_u32be(p + 4);
}

#endif
