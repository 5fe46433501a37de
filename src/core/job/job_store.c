/* SQL of the job queue. While a job is leased its run_at is the end of the lease, so one index serves both. */
#include "core/job/job_store.h"

static const struct db_stmt insert = {
    "job_insert",
    "INSERT INTO jobs (id, kind, payload, dedupe, state, run_at, created_at, lane) "
    "VALUES ($1, $2, $3, $4, 'waiting', $5, $6, $7) ON CONFLICT (dedupe) DO NOTHING", NULL};
static const struct db_stmt claim = {
    "job_claim",
    "UPDATE jobs SET lease = $1, run_at = $3, attempts = attempts + 1 WHERE id = (SELECT id FROM jobs "
    "WHERE state = 'waiting' AND lane = $4 AND run_at <= $2 ORDER BY run_at LIMIT 1 FOR UPDATE SKIP LOCKED) "
    "RETURNING id, kind, payload, attempts",
    "UPDATE jobs SET lease = $1, run_at = $3, attempts = attempts + 1 WHERE id = (SELECT id FROM jobs "
    "WHERE state = 'waiting' AND lane = $4 AND run_at <= $2 ORDER BY run_at LIMIT 1) "
    "RETURNING id, kind, payload, attempts"};
static const struct db_stmt remove_job = {"job_delete", "DELETE FROM jobs WHERE id = $1 AND lease = $2", NULL};
static const struct db_stmt again = {
    "job_again", "UPDATE jobs SET lease = NULL, attempts = 0, run_at = $3 WHERE id = $1 AND lease = $2", NULL};
static const struct db_stmt fail_job = {
    "job_fail",
    "UPDATE jobs SET lease = NULL, state = $3, run_at = $4, last_error = $5, "
    "dedupe = CASE WHEN $3 = 'dead' THEN NULL ELSE dedupe END WHERE id = $1 AND lease = $2", NULL};
static const struct db_stmt counts = {
    "job_counts",
    "SELECT COUNT(*), COALESCE(SUM(CASE WHEN state = 'dead' THEN 1 ELSE 0 END), 0) FROM jobs",
    NULL};

enum err job_store_insert(struct ctx *c, struct db_conn *conn, const struct id *id, const struct job_new *job,
                          int64_t now_ms)
{
    struct slice payload = job->payload.ptr ? job->payload : SLICE("");
    struct slice dedupe = job->dedupe ? slice_cstr(job->dedupe) : (struct slice){0};
    return db_later(c, conn, &insert, db_id(id), db_text(slice_cstr(job->kind)), db_text(payload),
                   db_text_opt(dedupe), db_i64(job->run_at_ms ? job->run_at_ms : now_ms), db_i64(now_ms), db_i64(job->lane));
}

enum err job_store_claim(struct ctx *c, struct db_conn *conn, enum job_lane lane, const struct id *lease, int64_t now_ms,
                         int64_t until_ms, struct db_result *ret)
{
    return db_exec(c, conn, &claim, ret, db_id(lease), db_i64(now_ms), db_i64(until_ms), db_i64(lane));
}

enum err job_store_delete(struct ctx *c, struct db_conn *conn, const struct job *job)
{
    return db_exec(c, conn, &remove_job, NULL, db_id(&job->id), db_id(&job->lease));
}

enum err job_store_again(struct ctx *c, struct db_conn *conn, const struct job *job, int64_t at_ms)
{
    return db_exec(c, conn, &again, NULL, db_id(&job->id), db_id(&job->lease), db_i64(at_ms));
}

enum err job_store_fail(struct ctx *c, struct db_conn *conn, const struct job *job, bool dead, int64_t at_ms,
                        struct slice why)
{
    return db_exec(c, conn, &fail_job, NULL, db_id(&job->id), db_id(&job->lease),
                   db_text(dead ? SLICE("dead") : SLICE("waiting")), db_i64(at_ms), db_text(why));
}

enum err job_store_counts(struct ctx *c, struct db_conn *conn, uint64_t *ret_waiting, uint64_t *ret_dead)
{
    struct db_result r;
    TRY(db_exec0(c, conn, &counts, &r));
    uint64_t all = (uint64_t)db_get_i64(&r, 0, 0), dead = (uint64_t)db_get_i64(&r, 0, 1);
    *ret_waiting = all - dead;
    *ret_dead = dead;
    return ERR_OK;
}
