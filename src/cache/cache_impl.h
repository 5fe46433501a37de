/* cache_impl: what a backend of cache.h provides. Only for the files of cache/ and their tests.
 *
 * A backend embeds struct cache as its first member. cache.c has checked key, value and rule. Contracts as in cache.h. */
#ifndef SEALDROP_CACHE_CACHE_IMPL_H
#define SEALDROP_CACHE_CACHE_IMPL_H

#include "cache/cache.h"

struct cache_ops {
    enum err (*rate)(struct cache *c, struct slice key, const struct cache_rate_rule *rule,
                     int64_t now_ms, uint32_t *ret_retry_after_s);
    enum err (*put)(struct cache *c, struct slice key, struct slice value, int64_t expires_ms);
    /* `take`: remove it in the same step. */
    enum err (*get)(struct cache *c, struct slice key, int64_t now_ms, bool take,
                    struct cache_value *ret);
    enum err (*remove)(struct cache *c, struct slice key);
    enum err (*add_once)(struct cache *c, struct slice key, int64_t now_ms, int64_t expires_ms);
    void (*close)(struct cache *c);
};

struct cache {
    const struct cache_ops *ops;
};

/* GCRA, the same for every backend. `*tat_us` is when the key's past events are all paid for (0: none); on ERR_OK it is moved
 * on, on ERR_RATE *ret_retry_after_s is set and it changes only if it was out of reach. Pure. */
MUST_USE enum err cache_gcra(const struct cache_rate_rule *rule, int64_t now_ms, int64_t *tat_us,
                             uint32_t *ret_retry_after_s);

#endif
