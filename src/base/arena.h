/* arena: small data that lives as long as one request, job or command. Freed in one go.
 *
 * arena_init / arena_done; arena_reset keeps the first block. A hard cap bounds it: past it, and on exhaustion, allocation
 * returns NULL and the caller answers ERR_NOMEM. Memory is zeroed. Not thread-safe: one request runs on one thread at a time. */
#ifndef SEALDROP_BASE_ARENA_H
#define SEALDROP_BASE_ARENA_H

#include "base/err.h"
#include "base/slice.h"

struct arena_block;

struct arena {
    struct arena_block *head;
    size_t used_bytes;
    size_t cap_bytes;
};

void arena_init(struct arena *a, size_t cap_bytes);
void arena_done(struct arena *a);
void arena_reset(struct arena *a);
/* Aligned for any type; the arena owns it. NULL when exhausted. */
MUST_USE void *arena_alloc(struct arena *a, size_t count, size_t size);
#define ARENA_NEW(a, type) ((type *)arena_alloc((a), 1, sizeof(type)))
#define ARENA_ARRAY(a, type, n) ((type *)arena_alloc((a), (n), sizeof(type)))
/* A copy of s in the arena, NUL-terminated behind its end. */
MUST_USE enum err arena_slice(struct arena *a, struct slice s, struct slice *ret);
/* The same as a C string; ERR_INVALID when s has a NUL byte. */
MUST_USE enum err arena_cstr(struct arena *a, struct slice s, const char **ret);
MUST_USE enum err arena_printf(struct arena *a, struct slice *ret, const char *fmt, ...)
    PRINTF_LIKE(3, 4);

#endif
