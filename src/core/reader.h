/* reader: bytes to be sent, pulled piece by piece. What downloads are made of; knows nothing of HTTP. One thread at a time. */
#ifndef SEALDROP_CORE_READER_H
#define SEALDROP_CORE_READER_H

#include "base/ctx.h"

struct reader;
struct reader_ops {
    /* Up to `cap` bytes; *ret_n == 0 is the end. Never a byte that does not verify: ERR_CORRUPT instead. */
    enum err (*read)(struct reader *r, struct ctx *c, void *p, size_t cap, size_t *ret_n);
    /* Optional: the same without blocking; ERR_BUSY when that cannot be. */
    enum err (*read_now)(struct reader *r, struct ctx *c, void *p, size_t cap, size_t *ret_n);
    /* `complete`: all of it reached the client. Frees the reader. */
    void (*close)(struct reader *r, struct ctx *c, bool complete);
};
struct reader {
    const struct reader_ops *ops;
};

static inline void reader_close(struct reader *r, struct ctx *c, bool complete)
{
    if (r) r->ops->close(r, c, complete);
}

#endif
