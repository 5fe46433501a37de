/* After a key rotation: wraps every file key under the new organisation key; the sealed bytes stay as they are. */
#include "core/key/key.h"
#include "jobs/jobs.h"
#include "os/clock.h"

#define BATCH 100u
#define PAUSE_MS 1000

enum err job_rewrap(struct ctx *c, struct app *app, const struct job *job, int64_t *ret_again_at)
{
    bool left = false;
    (void)job;
    TRY(key_rewrap_some(c, app, BATCH, &left));
    if (left) *ret_again_at = clock_wall_ms() + PAUSE_MS;
    return ERR_OK;
}
