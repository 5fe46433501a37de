/* jobs: what runs in the background. A runner claims jobs of the durable queue (core/job) and calls the function of their kind;
 * a ticker keeps what this process must know fresh (revocations, keys). To add a kind: a file here, a row in jobs.c. */
#ifndef SEALDROP_JOBS_JOBS_H
#define SEALDROP_JOBS_JOBS_H

#include "core/app/app.h"
#include "core/job/job.h"

/* Does the work; idempotent. *ret_again_at: run it again then (periodic kinds); 0 (as passed in): it is finished. */
typedef enum err job_fn(struct ctx *c, struct app *app, const struct job *job, int64_t *ret_again_at);

job_fn job_expire, job_delete_blob, job_abort_blob, job_rewrap, job_sweep, job_mail, job_account, job_inspect, job_reseal,
    job_join;

struct job_runner;
/* Enqueues the periodic kinds and starts `workers` threads, one more for kinds that take long, and the ticker. */
MUST_USE enum err job_runner_start(struct ctx *c, struct app *app, unsigned workers, struct job_runner **ret);
/* Finishes running jobs, then returns. NULL is harmless. */
void job_runner_stop(struct job_runner *r);

/* Runs due jobs in this thread until none is due; how many ran. For tests and tools. */
MUST_USE enum err jobs_run_due(struct ctx *c, struct app *app, size_t *ret_n);
/* Makes sure the periodic kinds are in the queue. */
MUST_USE enum err jobs_schedule(struct ctx *c, struct app *app);

#endif
