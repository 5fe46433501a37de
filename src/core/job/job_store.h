/* SQL of the job queue. Internal to core/job. */
#ifndef SEALDROP_CORE_JOB_JOB_STORE_H
#define SEALDROP_CORE_JOB_JOB_STORE_H

#include "core/job/job.h"

MUST_USE enum err job_store_insert(struct ctx *c, struct db_conn *conn, const struct id *id, const struct job_new *job,
                                   int64_t now_ms);
/* Columns: id, kind, payload, attempts. */
MUST_USE enum err job_store_claim(struct ctx *c, struct db_conn *conn, enum job_lane lane, const struct id *lease,
                                  int64_t now_ms, int64_t until_ms, struct db_result *ret);
MUST_USE enum err job_store_delete(struct ctx *c, struct db_conn *conn, const struct job *job);
MUST_USE enum err job_store_again(struct ctx *c, struct db_conn *conn, const struct job *job, int64_t at_ms);
MUST_USE enum err job_store_fail(struct ctx *c, struct db_conn *conn, const struct job *job, bool dead, int64_t at_ms,
                                 struct slice why);
MUST_USE enum err job_store_counts(struct ctx *c, struct db_conn *conn, uint64_t *ret_waiting, uint64_t *ret_dead);

#endif
