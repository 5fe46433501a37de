/* The front of the cache: checks arguments once and passes on to the backend; the arithmetic of rate limits. Keeps nothing. */
#include "cache/cache.h"

#include "base/assert.h"
#include "base/intmath.h"
#include "cache/cache_impl.h"

static enum err check_key(struct slice key)
{
    return key.len == 0 || key.len > CACHE_KEY_BYTES_MAX ? ERR_INVALID : ERR_OK;
}

enum err cache_gcra(const struct cache_rate_rule *rule, int64_t now_ms, int64_t *tat_us,
                    uint32_t *ret_retry_after_s)
{
    int64_t now_us = now_ms * 1000;
    int64_t step_us = cache_rate_step_us(rule);
    int64_t room_us = step_us * (int64_t)rule->burst;
    int64_t tat = MAX(*tat_us, now_us);
    /* Further ahead than any events can lead: the clock was set back. */
    if (tat > now_us + room_us) *tat_us = tat = now_us + room_us;
    if (tat + step_us - now_us <= room_us) {
        *tat_us = tat + step_us;
        return ERR_OK;
    }
    uint64_t wait_s = div_ceil_u64((uint64_t)(tat + step_us - now_us - room_us), 1000000);
    *ret_retry_after_s = (uint32_t)MIN(wait_s, (uint64_t)UINT32_MAX);
    return ERR_RATE;
}

enum err cache_rate(struct cache *c, struct slice key, const struct cache_rate_rule *rule,
                    int64_t now_ms, uint32_t *ret_retry_after_s)
{
    ASSERT(rule->burst > 0 && rule->per_ms > 0);
    TRY(check_key(key));
    return c->ops->rate(c, key, rule, now_ms, ret_retry_after_s);
}

enum err cache_put(struct cache *c, struct slice key, struct slice value, int64_t expires_ms)
{
    TRY(check_key(key));
    if (value.len > CACHE_VALUE_BYTES_MAX) return ERR_TOO_LARGE;
    return c->ops->put(c, key, value, expires_ms);
}

enum err cache_get(struct cache *c, struct slice key, int64_t now_ms, struct cache_value *ret)
{
    TRY(check_key(key));
    return c->ops->get(c, key, now_ms, false, ret);
}

enum err cache_take(struct cache *c, struct slice key, int64_t now_ms, struct cache_value *ret)
{
    TRY(check_key(key));
    return c->ops->get(c, key, now_ms, true, ret);
}

enum err cache_remove(struct cache *c, struct slice key)
{
    TRY(check_key(key));
    return c->ops->remove(c, key);
}

enum err cache_add_once(struct cache *c, struct slice key, int64_t now_ms, int64_t expires_ms)
{
    TRY(check_key(key));
    return c->ops->add_once(c, key, now_ms, expires_ms);
}

void cache_close(struct cache *c)
{
    if (c) c->ops->close(c);
}
