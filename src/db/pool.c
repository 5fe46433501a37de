/* The pool: waiters queue, and whoever gives a connection back hands it to the first of them, so nobody starves. */
#include "db/pool.h"

#include "base/assert.h"
#include "base/mem.h"
#include "os/sys.h"

enum grant { GRANT_NONE, GRANT_CONN, GRANT_SLOT };

struct pool_waiter {
    struct pool_waiter *next;
    struct cond cond;
    enum grant grant;
    void *conn;
};

enum err pool_init(struct pool *p, unsigned max, unsigned timeout_ms, pool_open_fn *open, pool_close_fn *close, void *owner)
{
    ASSERT(max > 0);
    void **idle = mem_alloc(max, sizeof *idle);
    if (!idle) return ERR_NOMEM;
    *p = (struct pool){.idle = idle, .max = max, .timeout_ms = timeout_ms, .open = open, .close = close, .owner = owner};
    p->last = &p->first;
    mutex_init(&p->lock);
    return ERR_OK;
}

void pool_done(struct pool *p)
{
    if (!p->idle) return;
    ASSERT(p->live == p->idle_count);
    for (unsigned i = 0; i < p->idle_count; i++) p->close(p->idle[i]);
    mem_free(p->idle);
    mutex_done(&p->lock);
    *p = (struct pool){0};
}

/* With the lock held: gives a connection, or the right to open one, to the first waiter. */
static bool hand_over(struct pool *p, enum grant grant, void *conn)
{
    struct pool_waiter *w = p->first;
    if (!w) return false;
    p->first = w->next;
    if (!p->first) p->last = &p->first;
    w->grant = grant;
    w->conn = conn;
    cond_signal(&w->cond);
    return true;
}

static void remove_waiter(struct pool *p, struct pool_waiter *w)
{
    struct pool_waiter **at = &p->first;
    while (*at != w) at = &(*at)->next;
    *at = w->next;
    if (p->last == &w->next) p->last = at;
}

static enum grant wait_turn(struct pool *p, void **ret)
{
    /* Real time: tests turn the injected clock while connections are waited for. */
    int64_t until = sys_real()->mono_ms() + p->timeout_ms;
    struct pool_waiter w = {0};
    cond_init(&w.cond);
    *p->last = &w;
    p->last = &w.next;
    while (w.grant == GRANT_NONE) {
        int64_t left = until - sys_real()->mono_ms();
        if (left <= 0) {
            remove_waiter(p, &w);
            break;
        }
        cond_wait_for(&w.cond, &p->lock, left);
    }
    cond_done(&w.cond);
    *ret = w.conn;
    return w.grant;
}

static enum grant take(struct pool *p, void **ret)
{
    GUARD(&p->lock);
    if (p->idle_count) {
        *ret = p->idle[--p->idle_count];
        return GRANT_CONN;
    }
    if (p->live < p->max) {
        p->live++;
        return GRANT_SLOT;
    }
    return wait_turn(p, ret);
}

static void give_slot(struct pool *p)
{
    GUARD(&p->lock);
    if (!hand_over(p, GRANT_SLOT, NULL)) p->live--;
}

enum err pool_get(struct ctx *c, struct pool *p, void **ret)
{
    void *conn = NULL;
    enum grant grant = take(p, &conn);
    if (grant == GRANT_NONE) return fail(c, ERR_BUSY, "no database connection free in %u ms", p->timeout_ms);
    if (grant == GRANT_SLOT) {
        enum err e = p->open(c, p->owner, &conn);
        if (e != ERR_OK) {
            give_slot(p);
            return e;
        }
    }
    *ret = conn;
    return ERR_OK;
}

static void *pop_idle(struct pool *p)
{
    GUARD(&p->lock);
    if (!p->idle_count) return NULL;
    p->live--;
    return p->idle[--p->idle_count];
}

void pool_put(struct pool *p, void *conn, bool broken)
{
    if (!broken) {
        GUARD(&p->lock);
        if (!hand_over(p, GRANT_CONN, conn)) p->idle[p->idle_count++] = conn;
        return;
    }
    p->close(conn);
    give_slot(p);
    for (void *other = pop_idle(p); other; other = pop_idle(p)) p->close(other);
}

bool pool_pass(struct pool *p, void *conn)
{
    GUARD(&p->lock);
    return hand_over(p, GRANT_CONN, conn);
}
