/* Rules of the job queue: leases, back-off, dead letters. */
#include "core/job/job.h"

#include "base/intmath.h"
#include "core/job/job_store.h"
#include "os/clock.h"

enum err job_add(struct ctx *c, struct db_conn *conn, const struct job_new *job)
{
    struct id id;
    TRY(os_new_id(&id));
    TRY(job_store_insert(c, conn, &id, job, clock_wall_ms()));
    return db_notify(c, conn);
}

struct claim_arg {
    enum job_lane lane;
    struct job job;
};

static enum err claim_tx(struct ctx *c, struct db_conn *conn, void *arg)
{
    struct claim_arg *a = arg;
    struct job *job = &a->job;
    struct db_result r;
    int64_t now = clock_wall_ms();
    TRY(job_store_claim(c, conn, a->lane, &job->lease, now, now + JOB_LEASE_MS, &r));
    if (r.rows == 0) return ERR_NOT_FOUND;
    job->id = db_get_id(&r, 0, 0);
    job->kind = db_get_slice(&r, 0, 1);
    job->payload = db_get_slice(&r, 0, 2);
    job->attempts = db_get_i64(&r, 0, 3);
    return ERR_OK;
}

enum err job_claim(struct ctx *c, struct app *app, enum job_lane lane, struct job *ret)
{
    struct claim_arg a = {.lane = lane};
    TRY(os_new_id(&a.job.lease));
    TRY(db_tx(c, app->be.db, DB_WRITE, claim_tx, &a));
    *ret = a.job;
    return ERR_OK;
}

struct finish_arg {
    const struct job *job;
    int64_t at_ms;
    struct slice why;
    bool dead;
};

static enum err finish_tx(struct ctx *c, struct db_conn *conn, void *arg)
{
    struct finish_arg *a = arg;
    if (a->at_ms) return job_store_again(c, conn, a->job, a->at_ms);
    return job_store_delete(c, conn, a->job);
}

enum err job_finish(struct ctx *c, struct app *app, const struct job *job, int64_t again_at_ms)
{
    struct finish_arg a = {.job = job, .at_ms = again_at_ms};
    return db_tx(c, app->be.db, DB_WRITE, finish_tx, &a);
}

static enum err fail_tx(struct ctx *c, struct db_conn *conn, void *arg)
{
    struct finish_arg *a = arg;
    return job_store_fail(c, conn, a->job, a->dead, a->at_ms, a->why);
}

enum err job_fail(struct ctx *c, struct app *app, const struct job *job, const char *why)
{
    int64_t wait_s = job->attempts < 12 ? INT64_C(1) << MAX(job->attempts, 1) : 3600;
    struct finish_arg a = {.job = job,
                           .at_ms = clock_wall_ms() + MIN(wait_s, INT64_C(3600)) * 1000,
                           .why = slice_cstr(why),
                           .dead = job->attempts >= JOB_ATTEMPTS_MAX};
    return db_tx(c, app->be.db, DB_WRITE, fail_tx, &a);
}

struct counts_arg {
    uint64_t waiting, dead;
};

static enum err counts_tx(struct ctx *c, struct db_conn *conn, void *arg)
{
    struct counts_arg *a = arg;
    return job_store_counts(c, conn, &a->waiting, &a->dead);
}

enum err job_counts(struct ctx *c, struct app *app, uint64_t *ret_waiting, uint64_t *ret_dead)
{
    struct counts_arg a = {0};
    TRY(db_tx(c, app->be.db, DB_READ, counts_tx, &a));
    *ret_waiting = a.waiting;
    *ret_dead = a.dead;
    return ERR_OK;
}
