/* oidc: signing in through an external provider (OpenID Connect core 1.0: authorization code, PKCE S256, state, nonce).
 *
 * Nothing of a running sign-in is stored here: state, nonce and PKCE verifier are MACs of a secret in the browser's cookie, which thereby
 * binds the callback to the browser that began; each is good once and for ten minutes. ID tokens: RS256 or ES256 only, as the key's
 * type says; issuer, audience, authorised party, times and nonce are checked. Discovery document and keys are kept for an hour; a token
 * by an unknown key has the keys fetched again, at most once a minute.
 *
 * Which account: the one linked to (provider, subject); else, where configured, the one with the same address, if the provider says it
 * is verified and it is confirmed here too; else, where configured, a new one without a password. Groups give the role anew at each
 * sign-in, where group rules are configured. The provider's word counts as both factors: asking for a second one is its business.
 *
 * core/ does no networking: the caller of app_open gives a function that fetches. */
#ifndef SEALDROP_CORE_OIDC_OIDC_H
#define SEALDROP_CORE_OIDC_OIDC_H

#include "base/buf.h"
#include "core/app/app.h"
#include "core/principal.h"
#include "core/user/user.h"

#define OIDC_PROVIDERS_MAX 16u
#define OIDC_TRY_MS (10 * 60 * 1000ll)

struct oidc_provider {
    struct slice name; /* lower-case letters, digits, '-' */
    struct slice issuer;
    struct slice client_id, client_secret; /* secret empty: a public client */
    struct slice scopes;
    struct slice groups_claim;              /* empty: no group rules */
    struct slice admin_groups, user_groups; /* separated by commas. user_groups empty: everyone */
    bool link_by_email, create;
};
struct oidc_request {
    const char *url;
    struct slice basic; /* "user:password" for HTTP basic; empty: none */
    struct slice form;  /* POST of application/x-www-form-urlencoded; ptr NULL: GET */
};
/* Appends the body of a 2xx answer. Certificates are checked, redirects not followed. */
typedef enum err oidc_fetch_fn(void *arg, struct ctx *c, const struct oidc_request *rq, struct buf *ret);
struct oidc_config {
    const struct oidc_provider *providers;
    size_t count;
    oidc_fetch_fn *fetch;
    void *fetch_arg;
};
/* ERR_INVALID with a sentence: names, issuer (https, or http on this machine), client id. */
MUST_USE enum err oidc_check_config(struct ctx *c, const struct oidc_config *cfg);

/* What is remembered of providers; part of struct app. cfg may be NULL and must outlive it. */
MUST_USE enum err oidc_state_new(const struct oidc_config *cfg, struct oidc_state **ret);
void oidc_state_free(struct oidc_state *s);

struct oidc_begin {
    struct slice url;    /* where to send the browser */
    struct slice cookie; /* what it must bring back */
};
/* ERR_NOT_FOUND for an unknown provider; ERR_PEER "provider_unreachable". */
MUST_USE enum err oidc_start(struct ctx *c, struct app *app, struct slice provider, struct oidc_begin *ret);

struct oidc_callback {
    const struct principal *who; /* nobody yet */
    struct slice provider, cookie;
    struct slice code, state, error, issuer; /* of the query; ptr NULL: absent */
};
/* The account. ERR_DENIED with code "oidc_state" (not begun in this browser, over, or used), "oidc_refused" (by the provider),
 * "oidc_token" (its token does not verify), "no_account", "not_allowed" (no group of it may); ERR_PEER "provider_unreachable". */
MUST_USE enum err oidc_finish(struct ctx *c, struct app *app, const struct oidc_callback *in, struct user *ret);

#endif
