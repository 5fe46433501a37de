/* Bytes whose rows are gone: deleted files, given-up uploads, and what no row ever knew. Their keys were destroyed already. */
#include "base/log.h"
#include "core/sweep/sweep.h"
#include "jobs/jobs.h"
#include "os/clock.h"

#define SWEEP_EVERY_MS (6 * 60 * 60 * 1000ll)
#define STILL_READ_MS 10000

/* Downloads that run end as they began: their bytes are overwritten when nobody reads them any more. */
static enum err erase(struct ctx *c, struct app *app, struct blob_key key, int64_t *ret_again_at)
{
    enum err e = blob_remove(c, app->be.blobs, key, app->cfg.overwrite_on_delete ? BLOB_OVERWRITE : BLOB_UNLINK);
    if (e != ERR_BUSY) return e;
    *ret_again_at = clock_wall_ms() + STILL_READ_MS;
    return ERR_OK;
}

enum err job_delete_blob(struct ctx *c, struct app *app, const struct job *job, int64_t *ret_again_at)
{
    struct blob_key key;
    if (id_parse(job->payload, &key.id) != ERR_OK) return fail(c, ERR_CORRUPT, "job payload");
    return erase(c, app, key, ret_again_at);
}

/* Payload: content id, space, the backend's reference of the upload. */
enum err job_abort_blob(struct ctx *c, struct app *app, const struct job *job, int64_t *ret_again_at)
{
    struct slice ref_text = job->payload, id = slice_cut(&ref_text, ' ');
    struct blob_key key;
    struct blob_ref ref = {{0}};
    if (id_parse(id, &key.id) != ERR_OK || ref_text.len >= sizeof ref.text) return fail(c, ERR_CORRUPT, "job payload");
    if (ref_text.len) memcpy(ref.text, ref_text.ptr, ref_text.len);
    TRY(blob_abort(c, app->be.blobs, key, &ref));
    /* It may have been committed just before it was given up. */
    return erase(c, app, key, ret_again_at);
}

enum err job_sweep(struct ctx *c, struct app *app, const struct job *job, int64_t *ret_again_at)
{
    size_t n = 0;
    (void)job;
    TRY(sweep_blobs(c, app, &n));
    if (n) log_info("orphans_removed", LOG_NUM("blobs", n));
    *ret_again_at = clock_wall_ms() + SWEEP_EVERY_MS;
    return ERR_OK;
}
