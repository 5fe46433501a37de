/* What a new file is. Payload: its id. */
#include "core/file/file.h"
#include "jobs/jobs.h"

enum err job_inspect(struct ctx *c, struct app *app, const struct job *job, int64_t *ret_again_at)
{
    struct id id;
    (void)ret_again_at;
    if (id_parse(job->payload, &id) != ERR_OK) return fail(c, ERR_CORRUPT, "job payload");
    return file_inspect(c, app, &id);
}
