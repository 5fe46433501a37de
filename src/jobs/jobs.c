/* The table of kinds, the worker loop and the ticker. */
#include "jobs/jobs.h"

#include <stdatomic.h>

#include "base/intmath.h"
#include "base/limits.h"
#include "base/log.h"
#include "core/key/key.h"
#include "core/session/session.h"
#include "core/user/password.h"
#include "os/clock.h"
#include "os/thread.h"

#define WORKERS_MAX 16u
#define POLL_MS 1000
#define TICK_MS 500
#define KEY_RELOAD_TICKS 60
#define KINDS_LOAD_TICKS 67

static const struct {
    const char *kind;
    job_fn *fn;
    bool periodic;
} kinds[] = {
    {"expire", job_expire, true},
    {"delete_blob", job_delete_blob, false},
    {"abort_blob", job_abort_blob, false},
    {"rewrap", job_rewrap, false},
    {"sweep", job_sweep, true},
    {"mail", job_mail, false},
    {"account", job_account, false},
    {"inspect", job_inspect, false},
    {"reseal", job_reseal, false},
    {"join", job_join, false},
};

static job_fn *find_kind(struct slice kind)
{
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
        if (slice_eq(kind, slice_cstr(kinds[i].kind))) return kinds[i].fn;
    return NULL;
}

static enum err schedule_tx(struct ctx *c, struct db_conn *conn, void *arg)
{
    (void)arg;
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
        if (kinds[i].periodic) TRY(job_add(c, conn, &(struct job_new){.kind = kinds[i].kind, .dedupe = kinds[i].kind}));
    return ERR_OK;
}

enum err jobs_schedule(struct ctx *c, struct app *app) { return db_tx(c, app->be.db, DB_WRITE, schedule_tx, NULL); }

static enum err run_one(struct ctx *c, struct app *app, const struct job *job)
{
    int64_t again_at = 0;
    job_fn *fn = find_kind(job->kind);
    enum err e = fn ? fn(c, app, job, &again_at) : fail(c, ERR_UNSUPPORTED, "no such kind of job");
    if (e == ERR_OK) return job_finish(c, app, job, again_at);
    log_warn("job_failed", LOG_TEXT("kind", job->kind), LOG_NUM("attempt", job->attempts),
             LOG_TEXT("error", slice_cstr(err_name(e))), LOG_TEXT("detail", slice_cstr(c->err_detail)));
    return job_fail(c, app, job, err_name(e));
}

/* ERR_NOT_FOUND when nothing is due. */
static enum err claim_and_run(struct app *app, enum job_lane lane, const atomic_bool *halt)
{
    CLEANUP(ctx_done) struct ctx c;
    struct job job;
    ctx_init(&c, LIMIT_JOB_ARENA_BYTES);
    TRY(job_claim(&c, app, lane, &job));
    job.halt = halt;
    return run_one(&c, app, &job);
}

enum err jobs_run_due(struct ctx *c, struct app *app, size_t *ret_n)
{
    size_t n = 0;
    (void)c;
    for (;; n++) {
        enum err e = claim_and_run(app, JOB_LANE_SHORT, NULL);
        if (e == ERR_NOT_FOUND) e = claim_and_run(app, JOB_LANE_BULK, NULL);
        if (e == ERR_NOT_FOUND) break;
        TRY(e);
    }
    *ret_n = n;
    return ERR_OK;
}

struct job_runner {
    struct app *app;
    atomic_bool stop;
    unsigned workers;
    struct thread threads[WORKERS_MAX];
    struct thread bulk;
    struct thread ticker;
};

static void work(struct job_runner *r, enum job_lane lane)
{
    while (!atomic_load(&r->stop)) {
        enum err e = claim_and_run(r->app, lane, &r->stop);
        if (e == ERR_OK) continue;
        if (e != ERR_NOT_FOUND) log_warn("job_queue", LOG_TEXT("error", slice_cstr(err_name(e))));
        db_wait(r->app->be.db, POLL_MS);
    }
}

static void worker(void *arg) { work(arg, JOB_LANE_SHORT); }

static void bulk_worker(void *arg) { work(arg, JOB_LANE_BULK); }

static void tick_log(struct ctx *c, enum err e)
{
    if (e != ERR_OK)
        log_warn("ticker", LOG_TEXT("error", slice_cstr(err_name(e))), LOG_TEXT("detail", slice_cstr(c->err_detail)));
    ctx_clear_error(c);
}

static void tick(struct app *app, unsigned n)
{
    CLEANUP(ctx_done) struct ctx c;
    ctx_init(&c, LIMIT_REQUEST_ARENA_BYTES);
    tick_log(&c, session_watch(&c, app));
    /* On a database that fails now and then, keys must not wait for luck. */
    if (n % KEY_RELOAD_TICKS == 0) tick_log(&c, key_reload(&c, app));
    if (n % KINDS_LOAD_TICKS == 0) tick_log(&c, password_kinds_load(&c, app));
}

static void ticker(void *arg)
{
    struct job_runner *r = arg;
    struct mutex m = MUTEX_INIT;
    struct cond never;
    cond_init(&never);
    mutex_lock(&m);
    for (unsigned n = 1; !atomic_load(&r->stop); n++) {
        cond_wait_for(&never, &m, TICK_MS);
        tick(r->app, n);
    }
    mutex_unlock(&m);
    cond_done(&never);
    mutex_done(&m);
}

static enum err start_threads(struct job_runner *r)
{
    TRY(thread_start(&r->ticker, "ticker", ticker, r));
    TRY(thread_start(&r->bulk, "bulk", bulk_worker, r));
    for (unsigned i = 0; i < r->workers; i++) TRY(thread_start(&r->threads[i], "job", worker, r));
    return ERR_OK;
}

enum err job_runner_start(struct ctx *c, struct app *app, unsigned workers, struct job_runner **ret)
{
    struct job_runner *r = MEM_NEW(struct job_runner);
    if (!r) return ERR_NOMEM;
    r->app = app;
    r->workers = MIN(workers, WORKERS_MAX);
    enum err e = jobs_schedule(c, app);
    if (e == ERR_OK) e = start_threads(r);
    if (e != ERR_OK) {
        job_runner_stop(r);
        return fail(c, e, "cannot start the job workers");
    }
    *ret = r;
    return ERR_OK;
}

void job_runner_stop(struct job_runner *r)
{
    if (!r) return;
    atomic_store(&r->stop, true);
    for (unsigned i = 0; i < r->workers; i++) thread_join(&r->threads[i]);
    thread_join(&r->bulk);
    thread_join(&r->ticker);
    mem_free(r);
}
