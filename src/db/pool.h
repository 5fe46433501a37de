/* pool: a bounded set of connections, opened when first needed and served first come, first served.
 *
 * Thread-safe. What a connection is, the driver knows. */
#ifndef SEALDROP_DB_POOL_H
#define SEALDROP_DB_POOL_H

#include "base/ctx.h"
#include "os/thread.h"

typedef enum err pool_open_fn(struct ctx *c, void *owner, void **ret);
typedef void pool_close_fn(void *conn);

struct pool_waiter;
struct pool {
    struct mutex lock; /* guards the rest; nothing else is locked or done while it is held */
    struct pool_waiter *first;
    struct pool_waiter **last;
    void **idle;
    unsigned idle_count;
    unsigned live; /* open or being opened */
    unsigned max;
    unsigned timeout_ms;
    pool_open_fn *open;
    pool_close_fn *close;
    void *owner;
};

MUST_USE enum err pool_init(struct pool *p, unsigned max, unsigned timeout_ms, pool_open_fn *open, pool_close_fn *close,
                            void *owner);
/* All connections must be back. A zeroed pool is left alone. */
void pool_done(struct pool *p);
/* ERR_BUSY after timeout_ms; otherwise what `open` returned. */
MUST_USE enum err pool_get(struct ctx *c, struct pool *p, void **ret);
/* A broken connection is closed, and with it those that lie idle: they broke for the same reason. */
void pool_put(struct pool *p, void *conn, bool broken);
/* Hands a connection straight to the first in the queue; false, and nothing done, when nobody waits. */
MUST_USE bool pool_pass(struct pool *p, void *conn);

#endif
