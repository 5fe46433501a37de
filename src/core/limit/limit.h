/* limit: how often something may be tried that guards a secret, or that strangers can make this server do: by an address, by an
 * account, by everybody together.
 *
 * Exact, and kept in the database: it holds for all nodes together, over a restart and a kill -9, without Redis. The cache stands
 * before it only to keep floods away from the database. Who is counted is stored as a MAC, not as text. */
#ifndef SEALDROP_CORE_LIMIT_LIMIT_H
#define SEALDROP_CORE_LIMIT_LIMIT_H

#include "core/app/app.h"

#define LIMIT_TAKE_MAX 4

struct limit {
    const char *what;            /* "login-address" */
    struct slice who;
    struct cache_rate_rule rule; /* GCRA: as in cache/cache.h */
};
/* Counts one event for each of n limits, durably, or for none of them: ERR_RATE with the client's sentence and the time to wait. Order:
 * the one that most callers share last. A wall clock that is set back lets one event more through and delays by at most one per_ms. */
MUST_USE enum err limit_take(struct ctx *c, struct app *app, const struct limit *limits, size_t n);
/* For the expiry job: forgets what is over. */
MUST_USE enum err limit_purge(struct ctx *c, struct app *app);

#endif
