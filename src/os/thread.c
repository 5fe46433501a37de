/* pthreads under our names. A failing lock is a programmer error and ends the process. */
#include "os/thread.h"

#include <errno.h>
#include <signal.h>
#include <sched.h>
#include <time.h>

#include "base/assert.h"
#include "base/mem.h"

void mutex_init(struct mutex *m) { ASSERT(pthread_mutex_init(&m->m, NULL) == 0); }
void mutex_done(struct mutex *m) { ASSERT(pthread_mutex_destroy(&m->m) == 0); }
void mutex_lock(struct mutex *m) { ASSERT(pthread_mutex_lock(&m->m) == 0); }
void mutex_unlock(struct mutex *m) { ASSERT(pthread_mutex_unlock(&m->m) == 0); }

void cond_init(struct cond *c)
{
    pthread_condattr_t attr;
    ASSERT(pthread_condattr_init(&attr) == 0);
    ASSERT(pthread_condattr_setclock(&attr, CLOCK_MONOTONIC) == 0);
    ASSERT(pthread_cond_init(&c->c, &attr) == 0);
    pthread_condattr_destroy(&attr);
}

void cond_done(struct cond *c) { ASSERT(pthread_cond_destroy(&c->c) == 0); }
void cond_wait(struct cond *c, struct mutex *m) { ASSERT(pthread_cond_wait(&c->c, &m->m) == 0); }

bool cond_wait_for(struct cond *c, struct mutex *m, int64_t timeout_ms)
{
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    int64_t ns = until.tv_nsec + (timeout_ms % 1000) * 1000000;
    until.tv_sec += timeout_ms / 1000 + ns / 1000000000;
    until.tv_nsec = ns % 1000000000;
    int r = pthread_cond_timedwait(&c->c, &m->m, &until);
    ASSERT(r == 0 || r == ETIMEDOUT);
    return r == 0;
}

void cond_signal(struct cond *c) { ASSERT(pthread_cond_signal(&c->c) == 0); }
void cond_broadcast(struct cond *c) { ASSERT(pthread_cond_broadcast(&c->c) == 0); }

struct start {
    void (*fn)(void *);
    void *arg;
};

static void *run(void *arg)
{
    struct start s = *(struct start *)arg;
    mem_free(arg);
    s.fn(s.arg);
    return NULL;
}

enum err thread_start(struct thread *t, const char *name, void (*fn)(void *), void *arg)
{
    sigset_t all, old;
    struct start *s = MEM_NEW(struct start);
    if (!s) return ERR_NOMEM;
    *s = (struct start){fn, arg};
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    int r = pthread_create(&t->t, NULL, run, s);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    if (r != 0) {
        mem_free(s);
        return ERR_BUSY;
    }
    pthread_setname_np(t->t, name);
    t->started = true;
    return ERR_OK;
}

void thread_join(struct thread *t)
{
    if (t->started) ASSERT(pthread_join(t->t, NULL) == 0);
    t->started = false;
}

unsigned thread_cores(void)
{
    cpu_set_t set;
    CPU_ZERO(&set);
    if (sched_getaffinity(0, sizeof set, &set) != 0) return 1;
    int n = CPU_COUNT(&set);
    return n > 0 ? (unsigned)n : 1u;
}
