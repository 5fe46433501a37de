/* Puts the bytes of partial uploads together into one file. */
#include "core/upload/append.h"
#include "jobs/jobs.h"

enum err job_join(struct ctx *c, struct app *app, const struct job *job, int64_t *ret_again_at)
{
    struct id upload;
    (void)ret_again_at;
    if (id_parse(job->payload, &upload) != ERR_OK) return fail(c, ERR_CORRUPT, "job payload");
    return append_join_run(c, app, &upload);
}
