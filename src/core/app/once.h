/* once: what may be presented once (challenges, states): its hash is kept until it would be refused for its age anyway. */
#ifndef SEALDROP_CORE_APP_ONCE_H
#define SEALDROP_CORE_APP_ONCE_H

#include "core/app/app.h"
#include "crypto/hash.h"

/* In the transaction of what it allows. ERR_NOT_FOUND the second time, and for all but one of many at once. */
MUST_USE enum err once_use(struct ctx *c, struct db_conn *conn, const struct sha256 *hash, int64_t expires_ms);
/* For the expiry job. */
MUST_USE enum err once_purge(struct ctx *c, struct app *app);

#endif
