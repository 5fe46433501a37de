/* What a registration or a forgotten password leaves behind, so that the request itself shows nothing. */
#include "core/account/account.h"
#include "jobs/jobs.h"

enum err job_account(struct ctx *c, struct app *app, const struct job *job, int64_t *ret_again_at)
{
    (void)ret_again_at;
    return account_job(c, app, job->payload);
}
