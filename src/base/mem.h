/* The only door to the heap. Everything above calls these; malloc and friends are banned elsewhere.
 *
 * The functions go through one replaceable hook so that a test can fail the n-th allocation, and count what is live.
 * Thread-safe. All return NULL on failure (the caller answers ERR_NOMEM); memory is zeroed. */
#ifndef SEALDROP_BASE_MEM_H
#define SEALDROP_BASE_MEM_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

/* Zeroed memory for `count` items of `size`; NULL on overflow or exhaustion. Free with mem_free. */
MUST_USE void *mem_alloc(size_t count, size_t size);
/* Like realloc; new bytes are NOT zeroed. The old block stays valid on failure. */
MUST_USE void *mem_realloc(void *p, size_t size);
void mem_free(void *p);
/* Wipe `len` bytes so that the compiler keeps the store. */
void mem_wipe(void *p, size_t len);
/* Constant-time equality of two secrets of the same length. */
bool mem_equal_ct(const void *a, const void *b, size_t len);

/* For programs that hold many buffers at once, before they start threads: large blocks (frames of compressed content) get pages of their
 * own and give them back when they are freed, instead of staying in the heap of whichever thread freed them. */
void mem_return_large(void);

/* A new zeroed struct: `struct x *p = MEM_NEW(struct x);` */
#define MEM_NEW(type) ((type *)mem_alloc(1, sizeof(type)))

/* Test seam: called before each allocation; returning true makes that allocation fail. NULL removes it. */
typedef bool mem_fault_fn(void);
void mem_set_fault(mem_fault_fn *fn);

/* CLEANUP(mem_cleanup) on any pointer variable. */
void mem_cleanup(void *pointer_to_pointer);

#endif
