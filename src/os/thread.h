/* Threads, locks and conditions: thin names over pthreads. Lock order is documented where locks are declared. */
#ifndef SEALDROP_OS_THREAD_H
#define SEALDROP_OS_THREAD_H

#include <pthread.h>
#include <stdint.h>

#include "base/err.h"

struct mutex {
    pthread_mutex_t m;
};
struct cond {
    pthread_cond_t c;
};
struct thread {
    pthread_t t;
    bool started;
};

#define MUTEX_INIT {PTHREAD_MUTEX_INITIALIZER}

void mutex_init(struct mutex *m);
void mutex_done(struct mutex *m);
void mutex_lock(struct mutex *m);
void mutex_unlock(struct mutex *m);
/* Uses the monotonic clock. */
void cond_init(struct cond *c);
void cond_done(struct cond *c);
void cond_wait(struct cond *c, struct mutex *m);
/* False when `timeout_ms` passed without a signal. Real time, not the injected clock. */
bool cond_wait_for(struct cond *c, struct mutex *m, int64_t timeout_ms);
void cond_signal(struct cond *c);
void cond_broadcast(struct cond *c);
/* `name` (at most 15 characters) shows in ps and gdb. All signals are blocked in the new thread. */
MUST_USE enum err thread_start(struct thread *t, const char *name, void (*fn)(void *), void *arg);
/* Waits for the end; harmless when never started. */
void thread_join(struct thread *t);
/* Number of usable cores, at least 1. */
unsigned thread_cores(void);

/* GUARD(&m): locked until the end of the scope. */
static inline void guard_done(struct mutex **m)
{
    mutex_unlock(*m);
}
#define GUARD_NAME2(l) guard_##l
#define GUARD_NAME(l) GUARD_NAME2(l)
#define GUARD(mutex_ptr)                                                                           \
    CLEANUP(guard_done) UNUSED struct mutex *GUARD_NAME(__LINE__) = (mutex_ptr);                   \
    mutex_lock(GUARD_NAME(__LINE__))

#endif
