/* workers: the bounded pool of threads where handlers run and may block.
 *
 * Two queues, so that slow handlers cannot starve the pieces of running transfers, nor the other way round: a few threads
 * are always kept for the other queue. Jobs are embedded in what they work on; nothing is allocated, submitting cannot fail. */
#ifndef SEALDROP_NET_WORKERS_IMPL_H
#define SEALDROP_NET_WORKERS_IMPL_H

#include <stddef.h>

#include "os/thread.h"

struct job {
    struct job *next;
    void (*run)(struct job *j); /* on a worker; hands itself back by its own means */
};

enum job_queue { JOBS_CALL, JOBS_PIECE, JOBS_QUEUES };

struct workers;
MUST_USE enum err workers_new(unsigned count, struct workers **ret);
/* `list` is linked by next, NULL-terminated. */
void workers_submit(struct workers *w, enum job_queue q, struct job *list);
/* Wakes one more thread when jobs are waiting; true when they are. Called by the loops before they sleep, which then is not
 * for long: handlers that block must not hold up those that wait. */
bool workers_nudge(struct workers *w);
/* Jobs waiting at this moment. */
unsigned workers_waiting(const struct workers *w);
/* Runs what is queued, then ends and joins the threads. NULL is fine. */
void workers_free(struct workers *w);

#endif
