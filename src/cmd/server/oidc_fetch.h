/* oidc_fetch: how core/oidc reaches sign-in providers: net/client, with the system's certificates. */
#ifndef SEALDROP_CMD_SERVER_OIDC_FETCH_H
#define SEALDROP_CMD_SERVER_OIDC_FETCH_H

#include "cmd/server/config.h"
#include "core/oidc/oidc.h"

/* The providers of the settings, in the arena; NULL when there are none. ERR_INVALID with a sentence. */
MUST_USE enum err choose_oidc(struct ctx *c, const struct config *cfg, const struct oidc_config **ret);

#endif
