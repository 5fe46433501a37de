/* pool: items (files) made of parts, worked on by a few threads: the common shape of send and get.
 *
 * Each item is opened once (which tells its number of parts), its parts are done in any order by any worker, and when the last is done
 * it is closed once. Parts of open items go before new items, so few items are open at a time. The first failure sets *halt,
 * which everyone (and every HTTP client) watches, and is the result. */
#ifndef SEALDROP_CMD_CLI_POOL_H
#define SEALDROP_CMD_CLI_POOL_H

#include <stdatomic.h>

#include "base/ctx.h"

#define POOL_WORKERS_MAX 12
#define POOL_WORKERS_FIRST 4 /* where the search for the right number begins */

struct worker {
    struct ctx ctx; /* its arena is emptied before each call below */
    unsigned index;
    void *own; /* what start() made */
};

struct pool_job {
    void *arg;
    size_t items;
    unsigned workers;  /* 1..POOL_WORKERS_MAX */
    atomic_bool *halt; /* set from outside too (Ctrl-C): the result is then ERR_CANCELLED */
    /* Optional: what was moved so far, in any unit. Then as many of the workers work as the path has use for (pace.h), at first
     * POOL_WORKERS_FIRST. */
    uint64_t (*moved)(void *arg);
    /* Once a worker, on its thread; stop() is called whenever start() was. Either may be NULL. */
    enum err (*start)(void *arg, struct worker *w);
    void (*stop)(void *arg, struct worker *w);
    enum err (*open)(void *arg, struct worker *w, size_t item, uint64_t *ret_parts);
    /* True: part needs nothing more. Called under the pool's lock between open and close; must be quick. */
    bool (*have)(void *arg, size_t item, uint64_t part);
    enum err (*part)(void *arg, struct worker *w, size_t item, uint64_t part);
    enum err (*close)(void *arg, struct worker *w, size_t item);
};

MUST_USE enum err pool_run(struct ctx *c, const struct pool_job *job);

#endif
