/* Limits of tries: the cache first, then the database in one transaction for all limits of an event. */
#include "core/limit/limit.h"

#include "base/assert.h"
#include "base/buf.h"
#include "base/intmath.h"
#include "base/limits.h"
#include "core/limit/limit_store.h"
#include "os/clock.h"

struct take_arg {
    const struct limit *limits;
    size_t n;
    struct sha256 keys[LIMIT_TAKE_MAX];
    int64_t now_us;
    uint32_t wait_s; /* 0: every limit has room */
};

static enum err too_many(struct ctx *c, uint32_t wait_s)
{
    c->retry_after_s = wait_s;
    return refuse(c, ERR_RATE, "rate_limited", "Too many tries. Wait a little, then try again.");
}

static enum err take_tx(struct ctx *c, struct db_conn *conn, void *arg)
{
    struct take_arg *a = arg;
    a->wait_s = 0;
    for (size_t i = 0; i < a->n; i++) {
        int64_t paid_at = 0, step_us = cache_rate_step_us(&a->limits[i].rule);
        struct limit_times t = {a->now_us, step_us, step_us * (int64_t)a->limits[i].rule.burst};
        enum err e = limit_store_take(c, conn, &a->keys[i], &t, &paid_at);
        if (e == ERR_NOT_FOUND) {
            int64_t wait_us = MAX(paid_at + t.step_us - t.now_us - t.room_us, 1);
            a->wait_s = (uint32_t)MIN(div_ceil_u64((uint64_t)wait_us, 1000000), (uint64_t)UINT32_MAX);
        }
        TRY(e);
    }
    return ERR_OK;
}

/* `who` is any bytes: an id, or what a stranger typed. */
static enum err make_key(const struct app *app, const struct limit *l, struct sha256 *ret)
{
    CLEANUP(buf_done) struct buf in = BUF_INIT(4 * KIB);
    TRY(buf_put_cstr(&in, "sft/1/limit"));
    TRY(buf_putc(&in, 0));
    TRY(buf_put_cstr(&in, l->what));
    TRY(buf_putc(&in, 0));
    TRY(buf_put(&in, l->who));
    return hmac_sha256(slice_of(app->server_key.b, KEY_BYTES), buf_view(&in), ret);
}

static enum err take_cached(struct ctx *c, struct app *app, const struct limit *l, struct sha256 *ret_key)
{
    uint32_t wait_s = 0;
    TRY(make_key(app, l, ret_key));
    enum err e = cache_rate(app->be.cache, sha256_view(ret_key), &l->rule, clock_mono_ms(), &wait_s);
    return e == ERR_RATE ? too_many(c, wait_s) : e;
}

enum err limit_take(struct ctx *c, struct app *app, const struct limit *limits, size_t n)
{
    struct take_arg a = {.limits = limits, .n = n, .now_us = clock_wall_ms() * 1000};
    ASSERT(n > 0 && n <= LIMIT_TAKE_MAX);
    for (size_t i = 0; i < n; i++) TRY(take_cached(c, app, &limits[i], &a.keys[i]));
    enum err e = db_tx(c, app->be.db, DB_WRITE, take_tx, &a);
    return e == ERR_NOT_FOUND && a.wait_s ? too_many(c, a.wait_s) : e;
}

static enum err purge_tx(struct ctx *c, struct db_conn *conn, void *arg)
{
    (void)arg;
    return limit_store_purge(c, conn, clock_wall_ms() * 1000);
}

enum err limit_purge(struct ctx *c, struct app *app) { return db_tx(c, app->be.db, DB_WRITE, purge_tx, NULL); }
