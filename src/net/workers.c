/* The worker pool: two first-in-first-out queues under one lock. Knows nothing of HTTP. */
#include "net/workers_impl.h"

#include <stdatomic.h>
#include <stdio.h>

#include "base/intmath.h"
#include "base/mem.h"

struct queue {
    struct job *first, **last;
    unsigned running, running_max;
};

struct worker {
    struct workers *pool;
    struct worker *below; /* on the stack of sleepers */
    struct cond wake;
    bool woken;
    struct thread thread;
};

struct workers {
    struct mutex lock; /* guards all below but the threads themselves */
    struct queue queues[JOBS_QUEUES];
    struct worker *sleepers; /* who fell asleep last is woken first: its stack and caches are still warm */
    unsigned sleeping;
    unsigned waking; /* taken off the stack, not yet running */
    bool stopping;
    unsigned cores;
    atomic_uint waiting; /* in both queues; written under the lock */
    unsigned count;
    struct worker all[];
};

static bool runnable(const struct queue *q) { return q->first && q->running < q->running_max; }

/* A queue with work and a free place. Pieces first: they are short and their clients are already being served. */
static struct queue *choose(struct workers *w)
{
    if (runnable(&w->queues[JOBS_PIECE])) return &w->queues[JOBS_PIECE];
    if (runnable(&w->queues[JOBS_CALL])) return &w->queues[JOBS_CALL];
    return NULL;
}

/* Takes the topmost sleeper off its stack; wake() it without the lock, or it would run into it. NULL: nobody sleeps. */
static struct worker *next_sleeper(struct workers *w)
{
    struct worker *me = w->sleepers;
    if (!me) return NULL;
    w->sleepers = me->below;
    w->sleeping--;
    w->waking++;
    me->woken = true;
    return me;
}

static void wake(struct worker *sleeper)
{
    if (sleeper) cond_signal(&sleeper->wake);
}

/* At once no more threads than cores: a burst of short jobs stays on a few warm ones. When those turn out to block, the
 * loops nudge the others awake. */
static struct worker *one_for_work(struct workers *w)
{
    return w->count - w->sleeping < w->cores && choose(w) ? next_sleeper(w) : NULL;
}

static void sleep_until_woken(struct workers *w, struct worker *me)
{
    me->woken = false;
    me->below = w->sleepers;
    w->sleepers = me;
    w->sleeping++;
    while (!me->woken) cond_wait(&me->wake, &w->lock);
    w->waking--;
}

static void wake_all(struct workers *w)
{
    for (struct worker *s = next_sleeper(w); s; s = next_sleeper(w)) wake(s);
}

static struct job *take(struct workers *w, struct queue *q)
{
    struct job *j = q->first;
    q->first = j->next;
    if (!q->first) q->last = &q->first;
    atomic_fetch_sub(&w->waiting, 1);
    q->running++;
    j->next = NULL;
    return j;
}

static void worker(void *arg)
{
    struct worker *me = arg;
    struct workers *w = me->pool;
    mutex_lock(&w->lock);
    for (;;) {
        struct queue *q = choose(w);
        if (q) {
            struct job *j = take(w, q);
            struct worker *other = one_for_work(w);
            mutex_unlock(&w->lock);
            wake(other);
            j->run(j);
            mutex_lock(&w->lock);
            q->running--;
            continue;
        }
        if (w->stopping && !w->queues[JOBS_CALL].first && !w->queues[JOBS_PIECE].first) {
            wake_all(w); /* others may sleep on a queue that was full until now */
            break;
        }
        sleep_until_woken(w, me);
    }
    mutex_unlock(&w->lock);
}

void workers_submit(struct workers *w, enum job_queue queue, struct job *list)
{
    struct queue *q = &w->queues[queue];
    mutex_lock(&w->lock);
    *q->last = list;
    for (struct job *j = list; j; j = j->next) {
        q->last = &j->next;
        atomic_fetch_add(&w->waiting, 1);
    }
    struct worker *sleeper = one_for_work(w);
    mutex_unlock(&w->lock);
    wake(sleeper);
}

bool workers_nudge(struct workers *w)
{
    if (atomic_load(&w->waiting) == 0) return false;
    mutex_lock(&w->lock);
    struct worker *sleeper = w->waking == 0 && choose(w) ? next_sleeper(w) : NULL;
    mutex_unlock(&w->lock);
    wake(sleeper);
    return true;
}

unsigned workers_waiting(const struct workers *w) { return atomic_load(&w->waiting); }

enum err workers_new(unsigned count, struct workers **ret)
{
    struct workers *w = mem_alloc(1, sizeof *w + count * sizeof w->all[0]);
    if (!w) return ERR_NOMEM;
    w->cores = thread_cores();
    mutex_init(&w->lock);
    for (size_t i = 0; i < JOBS_QUEUES; i++) w->queues[i].last = &w->queues[i].first;
    unsigned kept = MIN(w->cores, count / 2);
    w->queues[JOBS_CALL].running_max = count - kept;
    w->queues[JOBS_PIECE].running_max = count > 1 ? count - 1 : 1;
    for (; w->count < count; w->count++) {
        char name[16];
        struct worker *me = &w->all[w->count];
        me->pool = w;
        cond_init(&me->wake);
        snprintf(name, sizeof name, "work-%u", w->count);
        enum err e = thread_start(&me->thread, name, worker, me);
        if (e != ERR_OK) {
            cond_done(&me->wake);
            workers_free(w);
            return e;
        }
    }
    *ret = w;
    return ERR_OK;
}

void workers_free(struct workers *w)
{
    if (!w) return;
    mutex_lock(&w->lock);
    w->stopping = true;
    wake_all(w);
    mutex_unlock(&w->lock);
    for (unsigned i = 0; i < w->count; i++) thread_join(&w->all[i].thread);
    for (unsigned i = 0; i < w->count; i++) cond_done(&w->all[i].wake);
    mutex_done(&w->lock);
    mem_free(w);
}
