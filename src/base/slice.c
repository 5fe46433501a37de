/* Reading runs of bytes: comparison, search, cutting, strict numbers. */
#include "base/slice.h"

#include <string.h>

struct slice slice_cstr(const char *s)
{
    return s ? (struct slice){s, strlen(s)} : (struct slice){"", 0};
}

bool slice_eq(struct slice a, struct slice b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0);
}

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
}

bool slice_eq_nocase(struct slice a, struct slice b)
{
    if (a.len != b.len) return false;
    for (size_t i = 0; i < a.len; i++)
        if (lower(a.ptr[i]) != lower(b.ptr[i])) return false;
    return true;
}

bool slice_starts(struct slice s, struct slice prefix)
{
    return s.len >= prefix.len && slice_eq(slice_sub(s, 0, prefix.len), prefix);
}

bool slice_ends(struct slice s, struct slice suffix)
{
    return s.len >= suffix.len && slice_eq(slice_sub(s, s.len - suffix.len, s.len), suffix);
}

size_t slice_find(struct slice s, char c)
{
    const char *p = s.len ? memchr(s.ptr, c, s.len) : NULL;
    return p ? (size_t)(p - s.ptr) : s.len;
}

struct slice slice_sub(struct slice s, size_t from, size_t to)
{
    if (to > s.len) to = s.len;
    if (from > to) from = to;
    /* An absent slice (ptr NULL) stays absent. */
    return (struct slice){from ? s.ptr + from : s.ptr, to - from};
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

struct slice slice_trim(struct slice s)
{
    size_t from = 0, to = s.len;
    while (from < to && is_blank(s.ptr[from])) from++;
    while (to > from && is_blank(s.ptr[to - 1])) to--;
    return slice_sub(s, from, to);
}

struct slice slice_cut(struct slice *rest, char sep)
{
    struct slice s = *rest;
    size_t at = slice_find(s, sep);
    *rest = slice_sub(s, at + 1, s.len);
    return slice_sub(s, 0, at);
}

enum err slice_u64(struct slice s, uint64_t max, uint64_t *ret)
{
    uint64_t v = 0;
    if (s.len == 0) return ERR_INVALID;
    for (size_t i = 0; i < s.len; i++) {
        if (s.ptr[i] < '0' || s.ptr[i] > '9') return ERR_INVALID;
        uint64_t digit = (uint64_t)(s.ptr[i] - '0');
        if (__builtin_mul_overflow(v, 10u, &v) || __builtin_add_overflow(v, digit, &v))
            return ERR_TOO_LARGE;
    }
    if (v > max) return ERR_TOO_LARGE;
    *ret = v;
    return ERR_OK;
}
