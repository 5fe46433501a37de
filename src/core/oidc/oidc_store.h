/* SQL of external identities. Internal to core/oidc. */
#ifndef SEALDROP_CORE_OIDC_OIDC_STORE_H
#define SEALDROP_CORE_OIDC_OIDC_STORE_H

#include "core/oidc/oidc.h"

/* Notes the use; ERR_NOT_FOUND when nobody is linked. */
MUST_USE enum err oidc_store_use(struct ctx *c, struct db_conn *conn, struct slice provider, struct slice subject, int64_t now_ms,
                                 struct id *ret_user);
MUST_USE enum err oidc_store_link(struct ctx *c, struct db_conn *conn, struct slice provider, struct slice subject,
                                  const struct id *user, int64_t now_ms);
/* The account whose address this is, if it was confirmed. ERR_NOT_FOUND. */
MUST_USE enum err oidc_store_by_email(struct ctx *c, struct db_conn *conn, struct slice email_key, struct id *ret);
MUST_USE enum err oidc_store_confirm(struct ctx *c, struct db_conn *conn, const struct id *user, int64_t now_ms);

#endif
