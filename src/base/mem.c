/* The heap, with a fault seam. The only file that may call the C allocator. */
#include "base/mem.h"

#include <malloc.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* The one door: see banned.h. */
#undef calloc
#undef realloc

static _Atomic(mem_fault_fn *) fault_fn;

static bool faulty(void)
{
    mem_fault_fn *fn = atomic_load_explicit(&fault_fn, memory_order_relaxed);
    return fn && fn();
}

void *mem_alloc(size_t count, size_t size)
{
    return faulty() ? NULL : calloc(count, size ? size : 1);
}

void *mem_realloc(void *p, size_t size)
{
    return faulty() ? NULL : realloc(p, size ? size : 1);
}

void mem_free(void *p) { free(p); }

/* The threshold would else rise with the first large block that is freed; the second is what it would come to with that. */
void mem_return_large(void)
{
    (void)mallopt(M_MMAP_THRESHOLD, 384 * 1024);
    (void)mallopt(M_TRIM_THRESHOLD, 2 * 1024 * 1024);
}

void mem_wipe(void *p, size_t len)
{
    if (len) explicit_bzero(p, len);
}

bool mem_equal_ct(const void *a, const void *b, size_t len)
{
    const volatile uint8_t *x = a, *y = b;
    uint8_t diff = 0;
    for (size_t i = 0; i < len; i++) diff = (uint8_t)(diff | (x[i] ^ y[i]));
    return diff == 0;
}

void mem_set_fault(mem_fault_fn *fn) { atomic_store(&fault_fn, fn); }

void mem_cleanup(void *pointer_to_pointer)
{
    void *p;
    memcpy(&p, pointer_to_pointer, sizeof p);
    mem_free(p);
}
