/* The set of revoked sessions. Internal to core/session. Thread-safe. */
#ifndef SEALDROP_CORE_SESSION_REVOKED_H
#define SEALDROP_CORE_SESSION_REVOKED_H

#include "core/session/session.h"

MUST_USE enum err revoked_add(struct revoked_set *s, const struct id *id, int64_t now_ms);
bool revoked_has(struct revoked_set *s, const struct id *id);
/* From when on the database must be read for revocations of other nodes. */
int64_t revoked_read_to(struct revoked_set *s, int64_t now_ms);
void revoked_set_read_to(struct revoked_set *s, int64_t ms);

#endif
