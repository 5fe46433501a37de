/* Workers over items and parts. Responsible for who does what when, and for the first error; not for what a part is. */
#include "cmd/cli/pool.h"

#include "base/assert.h"
#include "base/intmath.h"
#include "base/limits.h"
#include "base/mem.h"
#include "cmd/cli/pace.h"
#include "os/clock.h"
#include "os/thread.h"

struct active {
    size_t item;
    uint64_t parts;
    uint64_t next; /* first part not handed out */
    uint64_t left; /* parts not done */
    bool used;
};

struct pool {
    const struct pool_job *job;
    struct ctx *c; /* the caller's: the first error is copied into it */
    struct mutex lock; /* guards all below, and c */
    struct cond changed;
    size_t next_item;
    unsigned opening;
    struct active active[2 * POOL_WORKERS_MAX]; /* open items: see take() */
    enum err first;
    struct pace pace;   /* when job->moved is set */
    uint64_t moved;     /* at the beginning of this span */
    int64_t span_ms;    /* its beginning */
};

struct pool_thread {
    struct pool *pool;
    struct thread thread;
    struct worker worker;
};

static void note_error(struct pool *p, const struct ctx *from, enum err e)
{
    GUARD(&p->lock);
    bool halted = atomic_exchange(p->job->halt, true);
    if (p->first == ERR_OK) {
        p->first = halted && e != ERR_CANCELLED ? ERR_CANCELLED : e;
        const char *code = NULL;
        if (from->err_code) err_ignore(arena_cstr(&p->c->arena, slice_cstr(from->err_code), &code), "no code word then");
        if (from->err == e && from->err_detail[0]) err_ignore(refuse(p->c, e, code, "%s", from->err_detail), "recorded");
    }
    cond_broadcast(&p->changed);
}

/* Is it this worker's turn to work, or has the path no use for it now? With the lock held. */
static bool wanted(struct pool *p, const struct worker *w)
{
    if (!p->job->moved) return true;
    int64_t now = clock_mono_ms();
    if (now - p->span_ms >= PACE_MS) {
        uint64_t moved = p->job->moved(p->job->arg);
        /* Spans end when somebody looks: what was moved is told as of one of the usual length. */
        pace_next(&p->pace, (moved - MIN(p->moved, moved)) * PACE_MS / (uint64_t)(now - p->span_ms));
        p->moved = moved;
        p->span_ms = now;
    }
    return w->index < p->pace.workers;
}

enum step { STEP_WAIT, STEP_END, STEP_OPEN, STEP_PART };

/* What to do next; called with the lock held. An item with parts to hand out exists, or is being opened, at most once a worker, and
 * items whose parts are all handed out occupy a worker each: so the table of active items cannot overflow. */
static enum step take(struct pool *p, const struct worker *w, struct active **ret_active, uint64_t *ret_part, size_t *ret_item)
{
    if (atomic_load(p->job->halt)) return STEP_END;
    bool rest = !wanted(p, w);
    for (size_t i = 0; i < 2 * POOL_WORKERS_MAX; i++) {
        struct active *a = &p->active[i];
        if (!a->used || a->next == a->parts) continue;
        if (rest) return STEP_WAIT;
        *ret_active = a;
        *ret_part = a->next++;
        return STEP_PART;
    }
    if (p->next_item < p->job->items) {
        if (rest) return STEP_WAIT;
        *ret_item = p->next_item++;
        p->opening++;
        return STEP_OPEN;
    }
    return p->opening ? STEP_WAIT : STEP_END;
}

static struct active *activate(struct pool *p, size_t item, uint64_t parts)
{
    for (size_t i = 0; i < 2 * POOL_WORKERS_MAX; i++) {
        if (p->active[i].used) continue;
        p->active[i] = (struct active){item, parts, 0, parts, true};
        return &p->active[i];
    }
    ASSERT(false);
    return NULL;
}

static struct worker *fresh(struct worker *w)
{
    arena_reset(&w->ctx.arena);
    ctx_clear_error(&w->ctx);
    return w;
}

static enum err do_open(struct pool *p, struct worker *w, size_t item)
{
    uint64_t parts = 0;
    enum err e = p->job->open(p->job->arg, fresh(w), item, &parts);
    bool empty = e == ERR_OK && parts == 0;
    if (empty) e = p->job->close(p->job->arg, fresh(w), item);
    GUARD(&p->lock);
    p->opening--;
    if (e == ERR_OK && !empty) activate(p, item, parts);
    cond_broadcast(&p->changed);
    return e;
}

static enum err do_part(struct pool *p, struct worker *w, struct active *a, uint64_t part)
{
    size_t item = a->item;
    mutex_lock(&p->lock);
    bool have = p->job->have && p->job->have(p->job->arg, item, part);
    mutex_unlock(&p->lock);
    if (!have) TRY(p->job->part(p->job->arg, fresh(w), item, part));
    mutex_lock(&p->lock);
    bool last = --a->left == 0;
    if (last) a->used = false;
    mutex_unlock(&p->lock);
    return last ? p->job->close(p->job->arg, fresh(w), item) : ERR_OK;
}

static enum err work(struct pool *p, struct worker *w)
{
    for (;;) {
        struct active *a = NULL;
        uint64_t part = 0;
        size_t item = 0;
        mutex_lock(&p->lock);
        enum step s;
        /* The timeout is for a halt that comes from a signal. */
        while ((s = take(p, w, &a, &part, &item)) == STEP_WAIT) cond_wait_for(&p->changed, &p->lock, 200);
        mutex_unlock(&p->lock);
        if (s == STEP_END) return ERR_OK;
        if (s == STEP_OPEN)
            TRY(do_open(p, w, item));
        else
            TRY(do_part(p, w, a, part));
    }
}

static void run(void *arg)
{
    struct pool_thread *t = arg;
    struct pool *p = t->pool;
    enum err e = p->job->start ? p->job->start(p->job->arg, &t->worker) : ERR_OK;
    if (e == ERR_OK) e = work(p, &t->worker);
    if (e != ERR_OK) note_error(p, &t->worker.ctx, e);
    if (p->job->stop) p->job->stop(p->job->arg, &t->worker);
}

enum err pool_run(struct ctx *c, const struct pool_job *job)
{
    struct pool p = {.job = job, .c = c};
    ASSERT(job->workers >= 1 && job->workers <= POOL_WORKERS_MAX);
    CLEANUP(mem_cleanup) struct pool_thread *threads = mem_alloc(job->workers, sizeof *threads);
    if (!threads) return fail(c, ERR_NOMEM, "worker threads");
    pace_start(&p.pace, POOL_WORKERS_FIRST, job->workers);
    p.span_ms = clock_mono_ms();
    mutex_init(&p.lock);
    cond_init(&p.changed);
    for (unsigned i = 0; i < job->workers; i++) {
        struct pool_thread *t = &threads[i];
        t->pool = &p;
        t->worker.index = i;
        ctx_init(&t->worker.ctx, LIMIT_JOB_ARENA_BYTES);
        enum err e = thread_start(&t->thread, "worker", run, t);
        if (e != ERR_OK) note_error(&p, &t->worker.ctx, e);
    }
    for (unsigned i = 0; i < job->workers; i++) {
        thread_join(&threads[i].thread);
        ctx_done(&threads[i].worker.ctx);
    }
    cond_done(&p.changed);
    mutex_done(&p.lock);
    if (p.first == ERR_OK && atomic_load(job->halt)) return ERR_CANCELLED;
    return p.first;
}
