/* token: access tokens: JWS compact (RFC 7515), EdDSA (RFC 8037), header exactly {"alg":"EdDSA","kid":…,"typ":"at+jwt"}.
 *
 * One algorithm, our own issuer: the algorithm is that of the key, never chosen by the token. Verified tokens are remembered
 * until they end (a signature check costs more than the rest of a small request); revocation is checked by the caller, always. */
#ifndef SEALDROP_CORE_TOKEN_TOKEN_H
#define SEALDROP_CORE_TOKEN_TOKEN_H

#include "base/buf.h"
#include "core/app/app.h"
#include "core/principal.h"

struct token_claims {
    struct id user_id;
    struct id session_id;
    enum role role;
    struct slice amr; /* how the session was signed in; static or arena text, up to 31 bytes; not read back */
    int64_t auth_at_s; /* when the secret was last proven */
    int64_t issued_at_s;
    int64_t expires_at_s;
};

/* Loads the signing key, makes the first one when there is none. */
MUST_USE enum err token_signer_open(struct ctx *c, struct app *app, struct token_signer **ret);
void token_signer_close(struct token_signer *s);
/* The token as text in the arena. */
MUST_USE enum err token_sign(struct ctx *c, struct token_signer *s, const struct token_claims *claims, struct slice *ret);
/* ERR_UNAUTH for anything that is not a valid, unexpired token of ours. */
MUST_USE enum err token_verify(struct ctx *c, struct token_signer *s, struct slice token, struct token_claims *ret);
/* RFC 7517 document with the public keys. */
MUST_USE enum err token_jwks(struct token_signer *s, struct buf *ret);

#endif
