/* routes_world: for tests made from the route table: every kind of caller with a credential that is good (or bad in one way only) at
 * this moment, objects of somebody else, and for every row a path that exists and a body that is accepted. */
#ifndef SEALDROP_TESTS_INTEGRATION_ROUTES_WORLD_H
#define SEALDROP_TESTS_INTEGRATION_ROUTES_WORLD_H

#include "core/mfa/mfa.h"
#include "integration/authenticator.h"

#define SECRET_OF_LINK "open sesame"
#define ABSENT "01890a5d-ac96-774b-bcce-b302099a8057"

enum kind {
    ANONYMOUS, /* these are nobody, each for its own reason */
    GARBAGE,
    GARBAGE_KEY,
    REFRESH_TOKEN, /* in the place of an access token */
    PENDING,       /* tokens of unfinished sign-ins, likewise */
    ENROLLING,
    RENEWING,
    EXPIRED,
    REVOKED,
    SUSPENDED,
    SUSPENDED_KEY,
    REVOKED_KEY,
    EXPIRED_KEY,
    KEY_AS_COOKIE,
    LAST_NOBODY = KEY_AS_COOKIE,
    GUEST,
    STRANGER,
    OWNER,
    ADMIN,
    KEY_DEMOTED, /* every scope, but its holder is no administrator any more */
    OLD,         /* from here on: the owner, or an administrator where only they may */
    KEY_WITHOUT, /* every scope but the row's */
    KEY_WITH,    /* no scope but the row's; every scope where the row takes no keys */
    COOKIE_BARE, /* no CSRF token */
    COOKIE_WRONG,
    COOKIE_FOREIGN, /* the right one, from a page of another site */
    COOKIE_RIGHT,
    KINDS
};
extern const char *const kind_names[KINDS];

struct credential {
    const char *bearer;              /* NULL: none */
    const char *cookie, *csrf, *origin; /* of requests by cookie; NULL: not sent */
    const char *refresh;
    int64_t made_at;
};
struct world {
    struct loop l;
    const char *email[KINDS]; /* of GUEST, STRANGER, OWNER, ADMIN; NULL: no account yet */
    struct credential session[KINDS];        /* of those */
    struct credential special[2][KINDS];     /* the others; [1]: as administrator */
    const char *all_scopes[2], *without[2][SCOPE_COUNT], *with[2][SCOPE_COUNT]; /* API keys */
    const char *expired_key;
    const char *upload, *empty_upload, *resumable, *tus, *file, *folder, *transfer, *link, *token, *owner_session, *owner_key;
    const char *comment, *archive; /* these are all the owner's */
    const char *victim;                         /* an account */
    struct authenticator passkey;               /* of an account of its own */
    const char *passkey_id;
    unsigned count; /* for names that are used once */
};

void world_open(struct world *w);
void world_close(struct world *w);
/* Fresh objects of the owner: what was there may be gone. */
void world_objects(struct world *w);
/* A comment on w->file; its id. */
const char *world_comment(struct world *w, const char *bearer);
/* An archive of w->file; the id of its selection. */
const char *world_archive(struct world *w, const char *bearer);
/* The owner shares its file with an account. */
void world_share(struct world *w, const char *user, const char *permission);
/* The caller has changed its account (password, factors, sessions): the next one of this kind is somebody else. */
void world_replace(struct world *w, const struct route *r, enum kind k);

/* A caller of this kind for this row. */
struct credential caller_of(struct world *w, const struct route *r, enum kind k);
/* The access token of GUEST, STRANGER, OWNER or ADMIN, in a session that is fresh. */
const char *session_of(struct world *w, enum kind k);
/* One with every right for this row, in a session. */
enum kind who_may(const struct route *r);
/* Asks as `c`. */
void ask_as(struct world *w, const struct route *r, const struct credential *c, const char *path, const char *body,
            struct loop_answer *a);
/* Fills in the fields of a request that a credential is made of. */
void present(struct loop_request *q, const struct credential *c);

/* The row takes an id of an object that is somebody's. */
bool names_object(const struct route *r);
/* … that not even administrators may touch for others. */
bool names_personal(const struct route *r);
/* The row takes query parameters that nobody declared. */
bool any_query(const struct route *r);

/* A body this route accepts from anybody who may; `more` goes into the object. NULL: it takes none. */
const char *body_for(struct world *w, const struct route *r, const char *more);
struct slice raw_for(const struct route *r);
/* The pattern with real names in it; `absent`: ids that never were. */
const char *path_for(struct world *w, const struct route *r, bool absent);
/* What must be so before this caller can succeed, done by itself: codes of its own factor, a passkey of its own. Path and body are
 * replaced where they depend on it. */
void prepare_for(struct world *w, const struct route *r, const struct credential *c, const char **path, const char **body);
/* The token of an unfinished sign-in. */
const char *unfinished(struct world *w, enum mfa_use use);

#endif
