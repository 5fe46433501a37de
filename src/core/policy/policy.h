/* policy: the one place that decides rights: one declared table of role, action and relation to the object. Handlers and rules ask;
 * nobody else compares owners or roles, or looks at what is shared with whom.
 *
 * Foreign and absent objects look the same: where the caller has no right to know, the answer is ERR_NOT_FOUND.
 * Administrators may do everything with managed files. Where only that allows it, the glass is broken: the access stands in the audit
 * log, once for each request, before it happens; if it cannot be written there is no access.
 *
 * The relation is read from the share row at each request: one that was removed or has run out ends the right with the next. */
#ifndef SEALDROP_CORE_POLICY_POLICY_H
#define SEALDROP_CORE_POLICY_POLICY_H

#include "base/ctx.h"
#include "core/principal.h"
#include "db/db.h"

struct app;

enum action {
    ACTION_READ,     /* see it: names, sizes, previews, comments, lists */
    ACTION_COMMENT,  /* say something about it */
    ACTION_DOWNLOAD, /* its content */
    ACTION_CHANGE,   /* rename, describe, tag, a new version */
    ACTION_DELETE,   /* delete, trash, restore, put elsewhere: what its owner would miss */
    ACTION_SHARE,    /* put it into a transfer, make links, share it with others, and take all that back */
    ACTION_CREATE,   /* upload, make transfers: there is no object yet */
    ACTION_COUNT
};
enum relation {
    RELATION_OWNER,    /* it is the caller's own */
    RELATION_EDIT,     /* shared with the caller, content and all, to be worked on */
    RELATION_DOWNLOAD, /* shared with the caller, content and all */
    RELATION_VIEW,     /* shared with the caller for looking */
    RELATION_NONE,
    RELATION_COUNT
};

/* The table. Everything not allowed there is denied. */
bool policy_allows(enum role role, enum action action, enum relation relation);
/* The same for somebody who is not here, with what belongs to `owner`; what is shared with them does not count. */
bool policy_allows_owner(enum role role, const struct id *user, enum action action, const struct id *owner);
/* Only because the caller is an administrator. */
bool policy_breaks_glass(enum role role, enum action action, enum relation relation);
/* "owner", "edit", "download", "view", ""; and back from what share rows say: RELATION_NONE for an unknown word. */
const char *relation_name(enum relation r);
enum relation relation_parse(struct slice permission);

struct policy_object {
    const char *type; /* "file", "transfer", … as in audit records */
    const struct id *id;
    const struct id *owner;
    bool trashed; /* only its owner, and administrators, still see it */
};
/* May `who` do this? `o` NULL for ACTION_CREATE and for what is the caller's own by construction (lists). ERR_OK, ERR_UNAUTH,
 * ERR_DENIED or ERR_NOT_FOUND, with the client's sentence set. Not inside a transaction. */
MUST_USE enum err policy_check(struct ctx *c, struct app *app, const struct principal *who, enum action action,
                               const struct policy_object *o);
/* The same, and by which relation. */
MUST_USE enum err policy_check_as(struct ctx *c, struct app *app, const struct principal *who, enum action action,
                                  const struct policy_object *o, enum relation *ret);
/* The same inside a write transaction, which then holds the record of a broken glass. */
MUST_USE enum err policy_check_tx(struct ctx *c, struct db_conn *conn, const struct principal *who, enum action action,
                                  const struct policy_object *o);
/* ERR_NOT_FOUND as policy_check words it: what a caller is told of an object that does not exist. */
MUST_USE enum err policy_absent(struct ctx *c);

#endif
