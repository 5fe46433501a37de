/* quota: bytes a user may hold. Reserved before anything is stored, so that it is exact under parallel uploads. */
#ifndef SEALDROP_CORE_QUOTA_QUOTA_H
#define SEALDROP_CORE_QUOTA_QUOTA_H

#include "core/app/app.h"

/* Inside a write transaction. ERR_QUOTA (with the client's sentence) when it would not fit; nothing changes then. */
MUST_USE enum err quota_take(struct ctx *c, struct db_conn *conn, const struct app *app, const struct id *user,
                             uint64_t bytes);
MUST_USE enum err quota_give_back(struct ctx *c, struct db_conn *conn, const struct id *user, uint64_t bytes);

#endif
