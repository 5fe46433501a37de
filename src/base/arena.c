/* Bump allocation in blocks, with a cap. */
#include "base/arena.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/intmath.h"
#include "base/mem.h"

#define BLOCK_BYTES 8192u
#define ALIGN 16u

struct arena_block {
    struct arena_block *next;
    size_t used;
    size_t cap;
    _Alignas(ALIGN) char data[];
};

void arena_init(struct arena *a, size_t cap_bytes) { *a = (struct arena){.cap_bytes = cap_bytes}; }

static void free_chain(struct arena_block *b)
{
    while (b) {
        struct arena_block *next = b->next;
        /* Requests carry passwords and tokens: nothing of them stays in freed memory. */
        mem_wipe(b->data, b->used);
        mem_free(b);
        b = next;
    }
}

void arena_done(struct arena *a)
{
    free_chain(a->head);
    a->head = NULL;
    a->used_bytes = 0;
}

void arena_reset(struct arena *a)
{
    struct arena_block *keep = a->head;
    if (!keep) return;
    free_chain(keep->next);
    keep->next = NULL;
    mem_wipe(keep->data, keep->used);
    keep->used = 0;
    a->used_bytes = keep->cap;
}

static struct arena_block *add_block(struct arena *a, size_t need)
{
    size_t cap = MAX(need, (size_t)BLOCK_BYTES);
    size_t total = 0;
    if (size_add(a->used_bytes, cap, &total) != ERR_OK || total > a->cap_bytes) return NULL;
    struct arena_block *b = mem_alloc(1, sizeof *b + cap);
    if (!b) return NULL;
    b->cap = cap;
    b->next = a->head;
    a->head = b;
    a->used_bytes = total;
    return b;
}

void *arena_alloc(struct arena *a, size_t count, size_t size)
{
    size_t n = 0;
    if (size_mul(count, size, &n) != ERR_OK || size_add(n, ALIGN - 1, &n) != ERR_OK) return NULL;
    n &= ~(size_t)(ALIGN - 1);
    struct arena_block *b = a->head;
    if (!b || b->cap - b->used < n) b = add_block(a, n);
    if (!b) return NULL;
    void *p = b->data + b->used;
    b->used += n;
    return p;
}

enum err arena_slice(struct arena *a, struct slice s, struct slice *ret)
{
    char *p = arena_alloc(a, s.len + 1, 1);
    if (!p) return ERR_NOMEM;
    if (s.len) memcpy(p, s.ptr, s.len);
    *ret = slice_of(p, s.len);
    return ERR_OK;
}

enum err arena_cstr(struct arena *a, struct slice s, const char **ret)
{
    struct slice copy = {0};
    if (s.len && memchr(s.ptr, 0, s.len)) return ERR_INVALID;
    TRY(arena_slice(a, s, &copy));
    *ret = copy.ptr;
    return ERR_OK;
}

enum err arena_printf(struct arena *a, struct slice *ret, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    int n = vsnprintf(NULL, 0, fmt, args);
    va_end(args);
    if (n < 0) return ERR_INTERNAL;
    char *p = arena_alloc(a, (size_t)n + 1, 1);
    if (!p) return ERR_NOMEM;
    va_start(args, fmt);
    vsnprintf(p, (size_t)n + 1, fmt, args);
    va_end(args);
    *ret = slice_of(p, (size_t)n);
    return ERR_OK;
}
