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

struct workers {
    struct mutex lock; /* guards all below but threads */
    struct cond more;
    struct queue queues[JOBS_QUEUES];
    unsigned sleeping;
    unsigned waking; /* signalled, not yet running */
    bool stopping;
    unsigned cores;
    atomic_uint waiting; /* in both queues; written under the lock */
    unsigned count;
    struct thread threads[];
};

static bool runnable(const struct queue *q) { return q->first && q->running < q->running_max; }

/* A queue with work and a free place. Pieces first: they are short and their clients are already being served. */
static struct queue *choose(struct workers *w)
{
    if (runnable(&w->queues[JOBS_PIECE])) return &w->queues[JOBS_PIECE];
    if (runnable(&w->queues[JOBS_CALL])) return &w->queues[JOBS_CALL];
    return NULL;
}

static void wake_one(struct workers *w)
{
    if (w->sleeping <= w->waking) return;
    w->waking++;
    cond_signal(&w->more);
}

/* At once no more threads than cores: a burst of short jobs stays on a few warm ones. When those turn out to block, the
 * loops nudge the others awake. */
static void wake_for_work(struct workers *w)
{
    if (w->count - w->sleeping + w->waking < w->cores && choose(w)) wake_one(w);
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
    struct workers *w = arg;
    mutex_lock(&w->lock);
    for (;;) {
        struct queue *q = choose(w);
        if (q) {
            struct job *j = take(w, q);
            wake_for_work(w);
            mutex_unlock(&w->lock);
            j->run(j);
            mutex_lock(&w->lock);
            q->running--;
            continue;
        }
        if (w->stopping && !w->queues[JOBS_CALL].first && !w->queues[JOBS_PIECE].first) {
            cond_broadcast(&w->more); /* others may sleep on a queue that was full until now */
            break;
        }
        w->sleeping++;
        cond_wait(&w->more, &w->lock);
        w->sleeping--;
        if (w->waking) w->waking--;
    }
    mutex_unlock(&w->lock);
}

void workers_submit(struct workers *w, enum job_queue queue, struct job *list)
{
    struct queue *q = &w->queues[queue];
    GUARD(&w->lock);
    *q->last = list;
    for (struct job *j = list; j; j = j->next) {
        q->last = &j->next;
        atomic_fetch_add(&w->waiting, 1);
    }
    wake_for_work(w);
}

bool workers_nudge(struct workers *w)
{
    if (atomic_load(&w->waiting) == 0) return false;
    GUARD(&w->lock);
    if (w->waking == 0 && choose(w)) wake_one(w);
    return true;
}

unsigned workers_waiting(const struct workers *w) { return atomic_load(&w->waiting); }

enum err workers_new(unsigned count, struct workers **ret)
{
    struct workers *w = mem_alloc(1, sizeof *w + count * sizeof w->threads[0]);
    if (!w) return ERR_NOMEM;
    w->cores = thread_cores();
    mutex_init(&w->lock);
    cond_init(&w->more);
    for (size_t i = 0; i < JOBS_QUEUES; i++) w->queues[i].last = &w->queues[i].first;
    unsigned kept = MIN(w->cores, count / 2);
    w->queues[JOBS_CALL].running_max = count - kept;
    w->queues[JOBS_PIECE].running_max = count > 1 ? count - 1 : 1;
    for (; w->count < count; w->count++) {
        char name[16];
        snprintf(name, sizeof name, "work-%u", w->count);
        enum err e = thread_start(&w->threads[w->count], name, worker, w);
        if (e != ERR_OK) {
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
    cond_broadcast(&w->more);
    mutex_unlock(&w->lock);
    for (unsigned i = 0; i < w->count; i++) thread_join(&w->threads[i]);
    cond_done(&w->more);
    mutex_done(&w->lock);
    mem_free(w);
}
