/* sweep: blobs that no row knows (left by a crash between storage and database) are found and removed. */
#ifndef SEALDROP_CORE_SWEEP_SWEEP_H
#define SEALDROP_CORE_SWEEP_SWEEP_H

#include "core/app/app.h"

/* Younger blobs may belong to a request that is still running. */
#define SWEEP_GRACE_MS (60 * 60 * 1000ll)

/* Removes orphans older than SWEEP_GRACE_MS; how many. */
MUST_USE enum err sweep_blobs(struct ctx *c, struct app *app, size_t *ret_n);

#endif
