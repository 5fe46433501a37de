/* What new files are. Payload: their ids, with a space between. */
#include "core/file/file.h"
#include "jobs/jobs.h"

enum err job_inspect(struct ctx *c, struct app *app, const struct job *job, int64_t *ret_again_at)
{
    enum err worst = ERR_OK;
    (void)ret_again_at;
    for (struct slice rest = job->payload; rest.len;) {
        struct id id;
        if (id_parse(slice_cut(&rest, ' '), &id) != ERR_OK) return fail(c, ERR_CORRUPT, "job payload");
        enum err e = file_inspect(c, app, &id);
        /* One that fails does not keep the others waiting. */
        if (e != ERR_OK) worst = e;
    }
    return worst;
}
