/* The encryption queue: contents that are sealed anew. */
#include "core/content/reseal.h"
#include "jobs/jobs.h"

enum err job_reseal(struct ctx *c, struct app *app, const struct job *job, int64_t *ret_again_at)
{
    struct id content;
    if (id_parse(job->payload, &content) != ERR_OK) return fail(c, ERR_CORRUPT, "job payload");
    enum err e = reseal_run(c, app, &content, job->halt, ret_again_at);
    if (e == ERR_OK || job->attempts < JOB_ATTEMPTS_MAX) return e;
    err_ignore(reseal_give_up(c, app, &content), "it shows as waiting, then; the content is whole either way");
    return e;
}
