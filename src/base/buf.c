/* Growing byte buffers with a hard maximum. */
#include "base/buf.h"

#include <stdio.h>
#include <string.h>

#include "base/intmath.h"
#include "base/mem.h"

void buf_init(struct buf *b, size_t max) { *b = BUF_INIT(max); }

void buf_done(struct buf *b)
{
    if (!b) return;
    if (b->sensitive) mem_wipe(b->ptr, b->cap);
    mem_free(b->ptr);
    *b = (struct buf){0};
}

void buf_reset(struct buf *b)
{
    if (b->sensitive) mem_wipe(b->ptr, b->len);
    b->len = 0;
}

static enum err grow(struct buf *b, size_t cap)
{
    if (!b->sensitive) {
        char *p = mem_realloc(b->ptr, cap);
        if (!p) return ERR_NOMEM;
        b->ptr = p;
    } else {
        char *p = mem_alloc(1, cap);
        if (!p) return ERR_NOMEM;
        if (b->len) memcpy(p, b->ptr, b->len);
        mem_wipe(b->ptr, b->cap);
        mem_free(b->ptr);
        b->ptr = p;
    }
    b->cap = cap;
    return ERR_OK;
}

enum err buf_reserve(struct buf *b, size_t extra)
{
    size_t need = 0;
    TRY(size_add(b->len, extra, &need));
    if (need > b->max) return ERR_TOO_LARGE;
    if (need <= b->cap) return ERR_OK;
    size_t cap = MAX(need, b->cap + b->cap / 2);
    cap = MAX(cap, (size_t)64);
    return grow(b, MAX(need, MIN(cap, b->max)));
}

enum err buf_put(struct buf *b, struct slice s)
{
    TRY(buf_reserve(b, s.len));
    if (s.len) memcpy(b->ptr + b->len, s.ptr, s.len);
    b->len += s.len;
    return ERR_OK;
}

enum err buf_putc(struct buf *b, char c) { return buf_put(b, slice_of(&c, 1)); }
enum err buf_put_cstr(struct buf *b, const char *s) { return buf_put(b, slice_cstr(s)); }

enum err buf_put_u64(struct buf *b, uint64_t v)
{
    char digits[20];
    size_t at = sizeof digits;
    do {
        digits[--at] = (char)('0' + v % 10);
        v /= 10;
    } while (v);
    return buf_put(b, slice_of(digits + at, sizeof digits - at));
}

enum err buf_vprintf(struct buf *b, const char *fmt, va_list args)
{
    va_list again;
    va_copy(again, args);
    int n = vsnprintf(NULL, 0, fmt, again);
    va_end(again);
    if (n < 0) return ERR_INTERNAL;
    /* vsnprintf wants room for its NUL, which is not part of the content. */
    if (b->len + (size_t)n > b->max) return ERR_TOO_LARGE;
    size_t max = b->max;
    b->max = MAX(max, b->len + (size_t)n + 1);
    enum err e = buf_reserve(b, (size_t)n + 1);
    b->max = max;
    TRY(e);
    vsnprintf(b->ptr + b->len, (size_t)n + 1, fmt, args);
    b->len += (size_t)n;
    return ERR_OK;
}

enum err buf_printf(struct buf *b, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    enum err e = buf_vprintf(b, fmt, args);
    va_end(args);
    return e;
}

void buf_consume(struct buf *b, size_t n)
{
    if (n > b->len) n = b->len;
    if (n && n < b->len) memmove(b->ptr, b->ptr + n, b->len - n);
    if (b->sensitive && n) mem_wipe(b->ptr + b->len - n, n);
    b->len -= n;
}

enum err buf_cstr(struct buf *b, const char **ret)
{
    if (b->len && memchr(b->ptr, 0, b->len)) return ERR_INVALID;
    size_t max = b->max;
    b->max = MAX(max, b->len + 1);
    enum err e = buf_reserve(b, 1);
    b->max = max;
    TRY(e);
    b->ptr[b->len] = '\0';
    *ret = b->ptr;
    return ERR_OK;
}
