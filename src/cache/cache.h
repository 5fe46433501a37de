/* cache: small facts shared by requests, and later by nodes: rate limits, short-lived values, "seen before".
 *
 * A cache may be empty at any time (full, restarted, gone) and is never the only truth: whoever must not forget writes to the
 * database. An empty cache errs to the side stated at each function.
 * Time is what the caller passes in, in milliseconds of any clock; use one clock for rates and one for values, throughout.
 * Keys are any bytes up to CACHE_KEY_BYTES_MAX (ERR_INVALID past it, and for the empty key); only a hash of them is kept.
 * Rates have key names of their own; values and once-marks share theirs. Thread-safe.
 * Every function may also fail with ERR_NOMEM or ERR_CRYPTO, a remote backend with ERR_IO: callers decide what that means,
 * and for a limit on guessing it means no. */
#ifndef SEALDROP_CACHE_CACHE_H
#define SEALDROP_CACHE_CACHE_H

#include "base/err.h"
#include "base/slice.h"

#define CACHE_KEY_BYTES_MAX 512
#define CACHE_VALUE_BYTES_MAX 256

struct cache;

/* Up to `burst` at once, and `burst` per `per_ms` in the long run, evenly spread (GCRA). Both at least 1. */
struct cache_rate_rule {
    uint32_t burst;
    uint32_t per_ms;
};
/* What one event costs, in microseconds; rounded up, so that rounding never lets more through. */
static inline int64_t cache_rate_step_us(const struct cache_rate_rule *rule)
{
    return ((int64_t)rule->per_ms * 1000 + rule->burst - 1) / rule->burst;
}
/* Counts one event. ERR_OK: within the rule. ERR_RATE: not, and not counted; *ret_retry_after_s (at least 1) then tells when
 * the next one may pass, and is set only then. A forgotten key starts with a full burst. A clock that goes back delays a key
 * by at most one per_ms. */
MUST_USE enum err cache_rate(struct cache *c, struct slice key, const struct cache_rate_rule *rule,
                             int64_t now_ms, uint32_t *ret_retry_after_s);

struct cache_value {
    size_t len;
    char b[CACHE_VALUE_BYTES_MAX];
};
static inline struct slice cache_value_view(const struct cache_value *v)
{
    return slice_of(v->b, v->len);
}
/* Stores or replaces; gone from expires_ms on, or earlier. ERR_TOO_LARGE past CACHE_VALUE_BYTES_MAX. */
MUST_USE enum err cache_put(struct cache *c, struct slice key, struct slice value, int64_t expires_ms);
/* ERR_NOT_FOUND when absent, expired or forgotten. */
MUST_USE enum err cache_get(struct cache *c, struct slice key, int64_t now_ms, struct cache_value *ret);
/* Get and remove as one step: of several callers at once exactly one gets it. */
MUST_USE enum err cache_take(struct cache *c, struct slice key, int64_t now_ms,
                             struct cache_value *ret);
/* ERR_OK also when absent. */
MUST_USE enum err cache_remove(struct cache *c, struct slice key);
/* Marks a key for the first time: of several callers at once exactly one gets ERR_OK, the others, and any until expires_ms,
 * ERR_EXISTS. A forgotten mark is ERR_OK again: where a replay does harm, the database must refuse it too. */
MUST_USE enum err cache_add_once(struct cache *c, struct slice key, int64_t now_ms,
                                 int64_t expires_ms);
/* NULL is harmless. No call may be running. */
void cache_close(struct cache *c);

/* In this process. Holds at most limit_entries (at least 16, else ERR_INVALID); the least recently used gives way, also when
 * memory runs out. About 80 bytes an entry, plus its value. */
MUST_USE enum err cache_local_open(size_t limit_entries, struct cache **ret);

#endif
