/* signal: what is odd about a sign-in, for whoever watches the audit log. Internal to core/session. */
#ifndef SEALDROP_CORE_SESSION_SIGNAL_H
#define SEALDROP_CORE_SESSION_SIGNAL_H

#include "core/session/session_store.h"

/* In the transaction of the session, before it is inserted. */
MUST_USE enum err session_signals(struct ctx *c, struct db_conn *conn, const struct principal *who, const struct session_row *s);

#endif
