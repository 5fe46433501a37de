/* provider: what is known of a provider, and asking it. Internal to core/oidc. */
#ifndef SEALDROP_CORE_OIDC_PROVIDER_H
#define SEALDROP_CORE_OIDC_PROVIDER_H

#include "core/oidc/oidc.h"

struct discovery {
    struct slice authorization_endpoint, token_endpoint, jwks_uri;
};
/* By name; ERR_NOT_FOUND. */
MUST_USE enum err provider_find(const struct oidc_config *cfg, struct slice name, size_t *ret);
MUST_USE enum err provider_discover(struct ctx *c, struct app *app, size_t i, struct discovery *ret);
/* Its key document. `again`: the one kept does not do; ERR_RATE when it was fetched a moment ago. */
MUST_USE enum err provider_keys(struct ctx *c, struct app *app, size_t i, bool again, struct slice *ret);
/* Trades the code for an ID token. */
MUST_USE enum err provider_token(struct ctx *c, struct app *app, size_t i, struct slice code, struct slice redirect_uri,
                                 struct slice verifier, struct slice *ret);
/* https, or http on this machine (for tests). */
bool provider_url_ok(struct slice url);

#endif
