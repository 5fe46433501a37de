/* Every minute: ends what is overdue. (Whether a link still works never waits for this: it is computed at each use.) */
#include "core/account/account.h"
#include "core/app/idempotency.h"
#include "core/archive/selection.h"
#include "core/app/once.h"
#include "core/device/device.h"
#include "core/file/version.h"
#include "core/limit/limit.h"
#include "core/link/link.h"
#include "core/session/session.h"
#include "core/share/share.h"
#include "core/transfer/transfer.h"
#include "core/upload/upload.h"
#include "core/user/password.h"
#include "jobs/jobs.h"
#include "os/clock.h"

#define EVERY_MS 60000
#define BATCH 200u

enum err job_expire(struct ctx *c, struct app *app, const struct job *job, int64_t *ret_again_at)
{
    size_t transfers = 0, uploads = 0, grants = 0, files = 0, versions = 0;
    (void)job;
    TRY(transfer_expire(c, app, BATCH, &transfers));
    TRY(upload_expire(c, app, BATCH, &uploads));
    TRY(grant_expire(c, app, BATCH, &grants));
    TRY(file_expire(c, app, BATCH, &files));
    TRY(share_expire(c, app));
    TRY(selection_expire(c, app));
    TRY(version_expire(c, app, BATCH, &versions));
    TRY(idempotency_expire(c, app));
    TRY(session_purge(c, app));
    TRY(account_purge(c, app));
    TRY(password_tries_purge(c, app));
    TRY(device_purge(c, app));
    TRY(once_purge(c, app));
    TRY(limit_purge(c, app));
    bool more = transfers >= BATCH || uploads >= BATCH || grants >= BATCH || files >= BATCH || versions >= BATCH;
    *ret_again_at = clock_wall_ms() + (more ? 1 : EVERY_MS);
    return ERR_OK;
}
