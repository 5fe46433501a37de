/* The pool of workers: everything submitted runs once, a blocked handler holds nobody up, the end waits for what is queued. */
#include "net/workers_impl.h"

#include <stdatomic.h>

#include "base/mem.h"
#include "os/sys.h"

#include "lib/test.h"

#define WORKERS 4
#define JOBS 400
#define ROUNDS 50

struct count_job {
    struct job job; /* first: the job is this */
    atomic_uint *done;
};

static void count(struct job *j) { atomic_fetch_add(((struct count_job *)j)->done, 1); }

struct submitter {
    struct workers *w;
    struct count_job *jobs;
    unsigned burst;
    struct thread thread;
};

/* In bursts of one to seven, so that workers fall asleep and are woken all the time. */
static void submit_all(void *arg)
{
    struct submitter *s = arg;
    for (unsigned i = 0; i < JOBS;) {
        unsigned n = 1 + (i + s->burst) % 7;
        if (n > JOBS - i) n = JOBS - i;
        for (unsigned k = 0; k < n; k++) s->jobs[i + k].job.next = k + 1 < n ? &s->jobs[i + k + 1].job : NULL;
        workers_submit(s->w, i % 2 ? JOBS_CALL : JOBS_PIECE, &s->jobs[i].job);
        i += n;
    }
}

TEST(every_job_runs_once)
{
    static struct count_job jobs[3][JOBS];
    struct submitter submitters[3];
    atomic_uint done = 0;
    for (unsigned round = 0; round < ROUNDS; round++) {
        struct workers *w = NULL;
        atomic_store(&done, 0);
        CHECK_OK(workers_new(WORKERS, &w));
        for (unsigned t = 0; t < 3; t++) {
            for (unsigned i = 0; i < JOBS; i++) jobs[t][i] = (struct count_job){{NULL, count}, &done};
            submitters[t] = (struct submitter){w, jobs[t], t + round, {0}};
            CHECK_OK(thread_start(&submitters[t].thread, "submit", submit_all, &submitters[t]));
        }
        for (unsigned t = 0; t < 3; t++) thread_join(&submitters[t].thread);
        workers_free(w); /* runs what is still queued */
        CHECK_U64(atomic_load(&done), 3 * JOBS);
    }
}

struct gate {
    struct mutex lock; /* guards open */
    struct cond more;
    bool open;
};

struct gate_job {
    struct job job;
    struct gate *gate;
    atomic_uint *done;
};

static void wait_for_gate(struct job *j)
{
    struct gate_job *g = (struct gate_job *)j;
    mutex_lock(&g->gate->lock);
    while (!g->gate->open) cond_wait(&g->gate->more, &g->gate->lock);
    mutex_unlock(&g->gate->lock);
    atomic_fetch_add(g->done, 1);
}

/* Loops nudge before they sleep: then a sleeping worker takes over from those that block, however few cores there are. */
TEST(blocked_jobs_hold_nobody_up)
{
    struct workers *w = NULL;
    struct gate gate = {.open = false};
    atomic_uint blocked = 0, done = 0;
    struct gate_job block = {{NULL, wait_for_gate}, &gate, &blocked};
    struct count_job quick = {{NULL, count}, &done};
    mutex_init(&gate.lock);
    cond_init(&gate.more);
    CHECK_OK(workers_new(2 * thread_cores() + 2, &w));
    struct gate_job many[64];
    unsigned n = thread_cores() < 64 ? thread_cores() : 64;
    for (unsigned i = 0; i < n; i++) {
        many[i] = block;
        workers_submit(w, JOBS_CALL, &many[i].job);
    }
    workers_submit(w, JOBS_CALL, &quick.job);
    int64_t until = sys_real()->mono_ms() + 10000;
    while (atomic_load(&done) == 0 && sys_real()->mono_ms() < until) workers_nudge(w);
    CHECK_U64(atomic_load(&done), 1);
    CHECK_U64(atomic_load(&blocked), 0);
    CHECK(workers_waiting(w) == 0);
    mutex_lock(&gate.lock);
    gate.open = true;
    cond_broadcast(&gate.more);
    mutex_unlock(&gate.lock);
    workers_free(w);
    CHECK_U64(atomic_load(&blocked), n);
    cond_done(&gate.more);
    mutex_done(&gate.lock);
}
