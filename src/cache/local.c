/* Cache in this process: 16 hash tables, each with its lock, its limit and its own order of use. Holds no key text: entries
 * are found by a keyed hash, so that nobody outside can aim at one chain. */
#include <string.h>

#include "base/intmath.h"
#include "base/mem.h"
#include "cache/cache_impl.h"
#include "crypto/hash.h"
#include "os/clock.h"
#include "os/thread.h"

#define SHARDS 16
#define NAME_BYTES 16

enum space { SPACE_VALUE, SPACE_RATE };

/* 128 bits of a keyed SHA-256: two keys never share one. */
struct name {
    uint8_t b[NAME_BYTES];
};

struct entry {
    struct name name;
    int64_t until; /* a value: milliseconds at which it is gone; a rate: its time of arrival (cache_gcra) */
    struct entry *chain;
    struct entry *newer, *older; /* order of use */
    size_t len;
    char value[];
};

struct shard {
    struct mutex m; /* guards the rest */
    struct entry **buckets;
    size_t bucket_mask;
    size_t count, limit;
    struct entry *newest, *oldest;
};

struct local {
    struct cache base;
    uint8_t secret[32];
    struct shard shards[SHARDS];
};

static struct local *local_of(struct cache *c) { return (struct local *)c; }

static enum err name_of(const struct local *l, enum space space, struct slice key, struct name *ret)
{
    uint8_t in[sizeof l->secret + 1 + CACHE_KEY_BYTES_MAX];
    struct sha256 h;
    memcpy(in, l->secret, sizeof l->secret);
    in[sizeof l->secret] = (uint8_t)space;
    memcpy(in + sizeof l->secret + 1, key.ptr, key.len);
    TRY(sha256(slice_of(in, sizeof l->secret + 1 + key.len), &h));
    memcpy(ret->b, h.b, sizeof ret->b);
    return ERR_OK;
}

static struct shard *shard_of(struct local *l, const struct name *n)
{
    return &l->shards[n->b[0] % SHARDS];
}

static struct entry **slot_of(struct shard *s, const struct name *n)
{
    struct entry **at = &s->buckets[load_u64be(n->b + 8) & s->bucket_mask];
    while (*at && memcmp((*at)->name.b, n->b, NAME_BYTES) != 0) at = &(*at)->chain;
    return at;
}

static void order_remove(struct shard *s, struct entry *e)
{
    *(e->newer ? &e->newer->older : &s->newest) = e->older;
    *(e->older ? &e->older->newer : &s->oldest) = e->newer;
}

static void order_add(struct shard *s, struct entry *e)
{
    e->newer = NULL;
    e->older = s->newest;
    *(s->newest ? &s->newest->newer : &s->oldest) = e;
    s->newest = e;
}

static void drop(struct shard *s, struct entry **at)
{
    struct entry *e = *at;
    *at = e->chain;
    order_remove(s, e);
    s->count--;
    mem_wipe(e->value, e->len);
    mem_free(e);
}

static void drop_oldest(struct shard *s) { drop(s, slot_of(s, &s->oldest->name)); }

/* A new entry in place of any of that name; older ones give way to the limit and to want of memory. */
static enum err insert(struct shard *s, const struct name *n, struct slice value, int64_t until)
{
    struct entry *e = NULL;
    struct entry **at = slot_of(s, n);
    if (*at) drop(s, at);
    while (s->count >= s->limit) drop_oldest(s);
    while (!(e = mem_alloc(1, sizeof *e + value.len)) && s->count) drop_oldest(s);
    if (!e) return ERR_NOMEM;
    e->name = *n;
    e->until = until;
    e->len = value.len;
    if (value.len) memcpy(e->value, value.ptr, value.len);
    at = &s->buckets[load_u64be(n->b + 8) & s->bucket_mask];
    e->chain = *at;
    *at = e;
    order_add(s, e);
    s->count++;
    return ERR_OK;
}

static enum err local_rate(struct cache *c, struct slice key, const struct cache_rate_rule *rule,
                           int64_t now_ms, uint32_t *ret_retry_after_s)
{
    struct name n;
    int64_t tat_us = 0;
    TRY(name_of(local_of(c), SPACE_RATE, key, &n));
    struct shard *s = shard_of(local_of(c), &n);
    GUARD(&s->m);
    struct entry *e = *slot_of(s, &n);
    if (!e) {
        TRY(cache_gcra(rule, now_ms, &tat_us, ret_retry_after_s));
        return insert(s, &n, SLICE(""), tat_us);
    }
    order_remove(s, e);
    order_add(s, e);
    return cache_gcra(rule, now_ms, &e->until, ret_retry_after_s);
}

static enum err local_put(struct cache *c, struct slice key, struct slice value, int64_t expires_ms)
{
    struct name n;
    TRY(name_of(local_of(c), SPACE_VALUE, key, &n));
    struct shard *s = shard_of(local_of(c), &n);
    GUARD(&s->m);
    return insert(s, &n, value, expires_ms);
}

static enum err local_get(struct cache *c, struct slice key, int64_t now_ms, bool take,
                          struct cache_value *ret)
{
    struct name n;
    TRY(name_of(local_of(c), SPACE_VALUE, key, &n));
    struct shard *s = shard_of(local_of(c), &n);
    GUARD(&s->m);
    struct entry **at = slot_of(s, &n);
    if (!*at) return ERR_NOT_FOUND;
    bool alive = now_ms < (*at)->until;
    if (alive) {
        ret->len = (*at)->len;
        memcpy(ret->b, (*at)->value, ret->len);
        order_remove(s, *at);
        order_add(s, *at);
    }
    if (take || !alive) drop(s, at);
    return alive ? ERR_OK : ERR_NOT_FOUND;
}

static enum err local_remove(struct cache *c, struct slice key)
{
    struct name n;
    TRY(name_of(local_of(c), SPACE_VALUE, key, &n));
    struct shard *s = shard_of(local_of(c), &n);
    GUARD(&s->m);
    struct entry **at = slot_of(s, &n);
    if (*at) drop(s, at);
    return ERR_OK;
}

static enum err local_add_once(struct cache *c, struct slice key, int64_t now_ms, int64_t expires_ms)
{
    struct name n;
    TRY(name_of(local_of(c), SPACE_VALUE, key, &n));
    struct shard *s = shard_of(local_of(c), &n);
    GUARD(&s->m);
    const struct entry *e = *slot_of(s, &n);
    if (e && now_ms < e->until) return ERR_EXISTS;
    return insert(s, &n, SLICE(""), expires_ms);
}

static void local_close(struct cache *c)
{
    struct local *l = local_of(c);
    for (size_t i = 0; i < SHARDS; i++) {
        struct shard *s = &l->shards[i];
        while (s->count) drop_oldest(s);
        mem_free(s->buckets);
        mutex_done(&s->m);
    }
    mem_wipe(l->secret, sizeof l->secret);
    mem_free(l);
}

static const struct cache_ops local_ops = {
    .rate = local_rate,
    .put = local_put,
    .get = local_get,
    .remove = local_remove,
    .add_once = local_add_once,
    .close = local_close,
};

static enum err shard_init(struct shard *s, size_t limit)
{
    size_t buckets = 1;
    while (buckets < limit) buckets *= 2;
    s->buckets = mem_alloc(buckets, sizeof *s->buckets);
    s->bucket_mask = buckets - 1;
    s->limit = limit;
    return s->buckets ? ERR_OK : ERR_NOMEM;
}

enum err cache_local_open(size_t limit_entries, struct cache **ret)
{
    if (limit_entries < SHARDS || limit_entries > SIZE_MAX / 4) return ERR_INVALID;
    struct local *l = MEM_NEW(struct local);
    if (!l) return ERR_NOMEM;
    enum err e = os_random(l->secret, sizeof l->secret);
    l->base.ops = &local_ops;
    for (size_t i = 0; i < SHARDS; i++) mutex_init(&l->shards[i].m);
    for (size_t i = 0; i < SHARDS && e == ERR_OK; i++)
        e = shard_init(&l->shards[i], limit_entries / SHARDS);
    if (e != ERR_OK) {
        local_close(&l->base);
        return e;
    }
    *ret = &l->base;
    return ERR_OK;
}
