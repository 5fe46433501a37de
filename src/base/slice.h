/* slice: a borrowed, read-only run of bytes, passed by value. Not NUL-terminated. Never owns. */
#ifndef SEALDROP_BASE_SLICE_H
#define SEALDROP_BASE_SLICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct slice {
    const char *ptr;
    size_t len;
};

/* A string literal as a slice. */
#define SLICE(lit) ((struct slice){"" lit, sizeof(lit) - 1})
/* For printf: SLICE_FMT with SLICE_ARG(s). */
#define SLICE_FMT "%.*s"
#define SLICE_ARG(s) (int)(s).len, (s).ptr

static inline struct slice slice_of(const void *ptr, size_t len)
{
    return (struct slice){ptr, len};
}

/* View of a C string; NULL gives the empty slice. */
struct slice slice_cstr(const char *s);
bool slice_eq(struct slice a, struct slice b);
/* ASCII case-insensitive. */
bool slice_eq_nocase(struct slice a, struct slice b);
bool slice_starts(struct slice s, struct slice prefix);
bool slice_ends(struct slice s, struct slice suffix);
/* Index of the first `c`, or s.len. */
size_t slice_find(struct slice s, char c);
/* s[from, to), clamped to the slice. */
struct slice slice_sub(struct slice s, size_t from, size_t to);
/* Without ASCII space and tab at both ends. */
struct slice slice_trim(struct slice s);
/* Cut at the first `sep`: returns what is before it, leaves what is after in *rest (empty when none). */
struct slice slice_cut(struct slice *rest, char sep);
/* Strict decimal digits only, at least one, no sign; ERR_INVALID, or ERR_TOO_LARGE past `max`. */
MUST_USE enum err slice_u64(struct slice s, uint64_t max, uint64_t *ret);

#endif
