/* id_token: whether a provider's token says what it must. Internal to core/oidc; no I/O. */
#ifndef SEALDROP_CORE_OIDC_ID_TOKEN_H
#define SEALDROP_CORE_OIDC_ID_TOKEN_H

#include "codec/json.h"
#include "core/oidc/oidc.h"

struct id_claims {
    struct slice sub, email, name;
    bool email_verified;
    struct json_list groups; /* struct slice */
};
/* `jwks`: the provider's key document. ERR_NOT_FOUND when no key of it fits the token (it may have new ones); ERR_DENIED for whatever
 * else is wrong; the reason is in the log's detail only. */
MUST_USE enum err id_token_verify(struct ctx *c, const struct oidc_provider *p, struct slice jwks, struct slice token,
                                  struct slice nonce, struct id_claims *ret);

#endif
