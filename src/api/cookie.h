/* cookie: how browsers carry sessions and link tickets, and the proof that a request is our own page's.
 *
 * Access token in __Host-sd_at, refresh token in __Secure-sd_rt (only sent to /api/v1/auth), both out of reach of scripts. Requests
 * that change something also need X-CSRF-Token, which is a MAC of the session id, and must come from this origin. */
#ifndef SEALDROP_API_COOKIE_H
#define SEALDROP_API_COOKIE_H

#include "api/api.h"
#include "core/session/session.h"

#define COOKIE_ACCESS "__Host-sd_at"
#define COOKIE_REFRESH "__Secure-sd_rt"
#define COOKIE_TICKET "sd_ticket"

/* Value of a cookie; empty when absent. */
struct slice cookie_get(const struct http_request *req, const char *name);
/* `attributes`: "Path=…; SameSite=…". Always Secure and HttpOnly; max_age_s 0 removes it. */
MUST_USE enum err cookie_set(struct call *q, const char *name, struct slice value, const char *attributes, int64_t max_age_s);
/* Sets both session cookies; the refresh token's stays when there is no new one. */
MUST_USE enum err cookie_set_session(struct call *q, const struct session_tokens *t);
MUST_USE enum err cookie_clear_session(struct call *q);
/* The request's page is of this origin (Sec-Fetch-Site, else Origin). */
bool same_origin(const struct call *q);
/* Constant time; false when absent. */
bool csrf_matches(const struct call *q, struct slice token);
MUST_USE enum err csrf_token(struct ctx *c, const struct app *app, const struct id *session, struct slice *ret);

#endif
