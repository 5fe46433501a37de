/* buf: a growing byte buffer with a hard maximum.
 *
 * Lifecycle: buf_init / buf_done (caller's storage), or CLEANUP(buf_done). A zeroed struct is a valid empty buffer that may
 * not grow (max 0). Growing past `max` is ERR_TOO_LARGE and leaves the content as it was; ERR_NOMEM likewise.
 * A `sensitive` buffer is wiped when it grows, is reset or done. Not thread-safe. */
#ifndef SEALDROP_BASE_BUF_H
#define SEALDROP_BASE_BUF_H

#include <stdarg.h>

#include "base/err.h"
#include "base/slice.h"

struct buf {
    char *ptr;
    size_t len;
    size_t cap;
    size_t max;
    bool sensitive;
};

#define BUF_INIT(max_bytes) ((struct buf){.max = (max_bytes)})

void buf_init(struct buf *b, size_t max);
void buf_done(struct buf *b);
/* Empty it, keep the memory. */
void buf_reset(struct buf *b);
/* Make room for `extra` more bytes; afterwards ptr[len .. len+extra) may be written directly. */
MUST_USE enum err buf_reserve(struct buf *b, size_t extra);
MUST_USE enum err buf_put(struct buf *b, struct slice s);
MUST_USE enum err buf_putc(struct buf *b, char c);
MUST_USE enum err buf_put_cstr(struct buf *b, const char *s);
MUST_USE enum err buf_put_u64(struct buf *b, uint64_t v);
MUST_USE enum err buf_printf(struct buf *b, const char *fmt, ...) PRINTF_LIKE(2, 3);
MUST_USE enum err buf_vprintf(struct buf *b, const char *fmt, va_list args) PRINTF_LIKE(2, 0);
/* Drop the first n bytes. */
void buf_consume(struct buf *b, size_t n);
/* Borrowed view; valid until the next change. */
static inline struct slice buf_view(const struct buf *b)
{
    return (struct slice){b->ptr ? b->ptr : "", b->len};
}
/* NUL-terminated view; ERR_INVALID when the content has a NUL byte. */
MUST_USE enum err buf_cstr(struct buf *b, const char **ret);

#endif
