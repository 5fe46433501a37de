/* admin: what administrators do with accounts. Rights are checked by the route (CALLER_ADMIN) or by standing at the server; here are
 * the rules that hold for administrators too: the last active one can be neither demoted, suspended nor deleted, and whoever loses
 * a right loses every session at once. `who` NULL: the server itself (sealdropd admin). Unknown ids: ERR_NOT_FOUND. */
#ifndef SEALDROP_CORE_ADMIN_ADMIN_H
#define SEALDROP_CORE_ADMIN_ADMIN_H

#include "codec/json.h"
#include "core/account/account.h"
#include "core/page.h"
#include "core/user/user.h"

struct account {
    struct user user;
    struct slice state;        /* active, suspended */
    int64_t email_verified_at; /* 0: not confirmed */
    int64_t last_used_at;      /* of any session; 0: never */
    bool has_factor;           /* a second factor in force */
};
struct account_query {
    struct slice q; /* part of address or name; empty: all */
    struct page page;
};
/* Newest first, in the arena; one more than page.limit when there is a next page. */
MUST_USE enum err admin_user_list(struct ctx *c, struct app *app, const struct account_query *q, struct account **ret,
                                  size_t *ret_n);
MUST_USE enum err admin_user_get(struct ctx *c, struct app *app, const struct id *id, struct account *ret);

/* What is set; 0: no limit. */
struct quota_patch {
    struct opt_u64 bytes, files, file_bytes, transfer_bytes;
};
struct account_new {
    struct slice email, display_name; /* display_name: as in struct user_new */
    enum role role;
    struct slice password; /* ptr NULL: none; its holder chooses the first one */
    bool send_invite;      /* for that */
    struct quota_patch quota;
};
/* Without a password and without an invitation the account can sign in by an external provider only. */
MUST_USE enum err admin_user_create(struct ctx *c, struct app *app, const struct principal *who, const struct account_new *n,
                                    struct account *ret, struct invite *ret_invite);

struct account_patch {
    bool set_role;
    enum role role;
    struct quota_patch quota;
    bool set_must_change_password, must_change_password;
    bool set_mfa_required, mfa_required;
    struct slice display_name; /* ptr NULL: as it is */
    struct slice email;        /* the same; ends its sessions; the administrator stands for it */
};
MUST_USE enum err admin_user_change(struct ctx *c, struct app *app, const struct principal *who, const struct id *id,
                                    const struct account_patch *p, struct account *ret);
/* Or back to active. */
MUST_USE enum err admin_user_suspend(struct ctx *c, struct app *app, const struct principal *who, const struct id *id, bool suspend,
                                     struct account *ret);
/* ERR_CONFLICT "user_has_files" unless delete_files; then its files are deleted like any file (the key at once, the bytes by job). */
MUST_USE enum err admin_user_delete(struct ctx *c, struct app *app, const struct principal *who, const struct id *id,
                                    bool delete_files);

#endif
