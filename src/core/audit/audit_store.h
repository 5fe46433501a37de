/* SQL of the audit table. Internal to core/audit. */
#ifndef SEALDROP_CORE_AUDIT_AUDIT_STORE_H
#define SEALDROP_CORE_AUDIT_AUDIT_STORE_H

#include "core/audit/audit.h"

/* Columns: id, at, event, result, actor_id, object_id, entry, pii. */
MUST_USE enum err audit_store_list(struct ctx *c, struct db_conn *conn, const struct audit_query *q, struct slice like,
                                   struct db_result *ret);

#endif
