/* policy: the one place that decides rights. Handlers and rules ask; nobody else compares owners or roles.
 *
 * Foreign and absent objects look the same: where the caller has no right to know, the answer is ERR_NOT_FOUND. */
#ifndef SEALDROP_CORE_POLICY_POLICY_H
#define SEALDROP_CORE_POLICY_POLICY_H

#include "base/ctx.h"
#include "core/principal.h"

enum action {
    ACTION_READ,   /* see it, download it */
    ACTION_CHANGE, /* rename, share, delete */
    ACTION_CREATE  /* upload, make transfers: owner is NULL */
};

/* May `who` do this to an object of `owner`? ERR_OK, ERR_UNAUTH, ERR_DENIED or ERR_NOT_FOUND, with the client's sentence set. */
MUST_USE enum err policy_check(struct ctx *c, const struct principal *who, enum action action, const struct id *owner);
/* ERR_NOT_FOUND as policy_check words it: what a caller is told of an object that does not exist. */
MUST_USE enum err policy_absent(struct ctx *c);

#endif
