/* job: the durable queue. A job is enqueued in the transaction of the fact that causes it, leased by one worker, retried with
 * back-off, put aside as dead after too many failures. A kind must be idempotent: a lease can run out while the job still works. */
#ifndef SEALDROP_CORE_JOB_JOB_H
#define SEALDROP_CORE_JOB_JOB_H

#include <stdatomic.h>

#include "core/app/app.h"

/* Kinds that take long (whole files) have a worker of their own, so that mail and deletions never wait for them. */
enum job_lane { JOB_LANE_SHORT, JOB_LANE_BULK };

#define JOB_ATTEMPTS_MAX 12
#define JOB_LEASE_MS (5 * 60 * 1000ll)

struct job_new {
    const char *kind;
    struct slice payload;  /* text, the kind's own; empty is fine */
    const char *dedupe;    /* when set: nothing happens if a job of this name is waiting */
    int64_t run_at_ms;     /* 0: now */
    enum job_lane lane;
};
struct job {
    struct id id;
    struct id lease;
    struct slice kind;
    struct slice payload;
    int64_t attempts; /* this one included */
    const atomic_bool *halt; /* true: end soon, to be run again later; may be NULL */
};

MUST_USE enum err job_add(struct ctx *c, struct db_conn *conn, const struct job_new *job);
/* Leases the next due job of a lane; ERR_NOT_FOUND when none is due. */
MUST_USE enum err job_claim(struct ctx *c, struct app *app, enum job_lane lane, struct job *ret);
/* Done: remove it, or run it again at `again_at_ms` (periodic kinds) with attempts set back. Only while the lease is ours. */
MUST_USE enum err job_finish(struct ctx *c, struct app *app, const struct job *job, int64_t again_at_ms);
/* Failed: again after 2^attempts seconds (at most an hour), or dead. */
MUST_USE enum err job_fail(struct ctx *c, struct app *app, const struct job *job, const char *why);
/* Waiting and dead jobs, for metrics. */
MUST_USE enum err job_counts(struct ctx *c, struct app *app, uint64_t *ret_waiting, uint64_t *ret_dead);

#endif
