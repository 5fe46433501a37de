/* audit: who did what, when, from where, with what result: one record an event, written in the transaction of the fact.
 *
 * The record's entry is JSON with its keys in a fixed order (docs/FORMAT.md, audit). What identifies people (address, agent,
 * e-mail) stands beside it in an erasable column and enters the entry only as a salted hash. */
#ifndef SEALDROP_CORE_AUDIT_AUDIT_H
#define SEALDROP_CORE_AUDIT_AUDIT_H

#include "core/app/app.h"
#include "core/page.h"
#include "core/principal.h"

struct audit_event {
    const char *event;             /* "auth.login", "file.delete", … see docs/API.md */
    const char *result;            /* "ok", "denied", "failed"; NULL: "ok" */
    const struct principal *who;   /* NULL: the server itself */
    const struct id *actor_id;     /* instead of who's user, when they differ (a failed sign-in); NULL */
    const char *object_type;       /* "file", "link", "user", … NULL: none */
    const struct id *object_id;    /* NULL: none */
    struct slice detail;           /* short word or number for the event; empty: none. No personal data. */
    struct slice email;            /* personal: e-mail address that was tried or changed; empty: none */
    bool break_glass;              /* an administrator used a right that only administrators have */
};
MUST_USE enum err audit_write(struct ctx *c, struct db_conn *conn, const struct audit_event *e);
/* In a transaction of its own, before a fact that must not happen without its record. */
MUST_USE enum err audit_record(struct ctx *c, struct app *app, const struct audit_event *e);
/* The same for facts that have happened already and change nothing else (denials, failed tries). Never fails the request: an error is
 * logged. */
void audit_note(struct app *app, const struct audit_event *e);

/* ---- reading ---- */

struct audit_query {
    struct slice event;        /* "auth.login", or all that begin so: "auth."; empty: all */
    const struct id *actor, *object; /* NULL: any */
    struct slice ip;           /* as ip_canonical writes it; empty: any */
    int64_t from_ms, to_ms;    /* from <= at < to; to 0: no end */
    struct page page;
};
struct audit_record {
    struct id id;
    int64_t at;
    struct slice event, result, detail, object_type, key; /* key: the API key that was used; empty: none */
    bool has_actor, has_object, break_glass;
    struct id actor, object;
    struct slice ip, email;    /* empty once erased */
};
/* Newest first, in the arena; one more than page.limit when there is a next page. */
MUST_USE enum err audit_list(struct ctx *c, struct app *app, const struct audit_query *q, struct audit_record **ret,
                             size_t *ret_n);

#endif
