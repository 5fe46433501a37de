/* share: a file shared with a named user: for looking (view), for its content (download), or to be worked on (edit). What that allows
 * is in core/policy, which reads the row at every request.
 *
 * Somebody is named by id, or by the address of the account. An address without an active account, and one that may not be used (the
 * owner's own), get the same answer; how often an account may try is bounded. The list shows an address only where it was given:
 * sharing by id tells nobody's. */
#ifndef SEALDROP_CORE_SHARE_SHARE_H
#define SEALDROP_CORE_SHARE_SHARE_H

#include "core/file/file.h"
#include "core/user/user.h"

struct share {
    struct id user_id;
    struct slice display_name;
    struct slice email;      /* empty unless the share was made by it */
    struct slice permission; /* view, download, edit */
    struct id granted_by;
    int64_t expires_at; /* 0: never */
    int64_t created_at;
};

/* With whom; newest first, in the arena; one more than page->limit when there is a next page. */
MUST_USE enum err share_list(struct ctx *c, struct app *app, const struct principal *who, const struct id *file,
                             const struct page *page, struct share **ret, size_t *ret_n);

struct share_new {
    const struct id *user; /* exactly one of user and email */
    struct slice email;
    struct slice permission;
    bool limited; /* false: until it is taken back */
    uint64_t expires_in_s;
};
/* Makes the share or changes it. The other is told by mail when it is new. ERR_INVALID with field errors; ERR_QUOTA at
 * LIMIT_FILE_SHARES. */
MUST_USE enum err share_put(struct ctx *c, struct app *app, const struct principal *who, const struct id *file,
                            const struct share_new *n, struct share *ret);
/* At once, everywhere. The one it is shared with may do so too. ERR_NOT_FOUND when there is none. */
MUST_USE enum err share_remove(struct ctx *c, struct app *app, const struct principal *who, const struct id *file,
                               const struct id *user);

/* The same for many files: who is meant is found once, then each file in a transaction of the caller's, which has decided the right. */
struct share_target {
    struct user user;
    bool by_address;
    struct slice permission;
    int64_t expires_at;
    bool asked, mail; /* whether a mail may go out; asked once */
    bool told;        /* it has, in this transaction or before: whoever begins one says so */
};
MUST_USE enum err share_find(struct ctx *c, struct app *app, const struct principal *who, const struct share_new *n,
                             struct share_target *ret);
MUST_USE enum err share_put_tx(struct ctx *c, struct db_conn *conn, struct app *app, const struct principal *who, const struct file *f,
                               struct share_target *t);

/* For the expiry job: removes what has run out (its right ended by itself). */
MUST_USE enum err share_expire(struct ctx *c, struct app *app);

#endif
