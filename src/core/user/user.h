/* user: accounts. Passwords are hashed with Argon2id under the server's pepper; e-mail addresses are compared folded. */
#ifndef SEALDROP_CORE_USER_USER_H
#define SEALDROP_CORE_USER_USER_H

#include "core/app/app.h"
#include "core/principal.h"

struct user {
    struct id id;
    struct slice email;
    struct slice display_name;
    enum role role;
    bool active;
    struct slice password_hash;
    struct quota quota; /* in force */
    uint64_t used_bytes, used_files;
    int64_t created_at;
    bool mfa_required; /* of this account, beyond what its role requires */
    bool needs_factor; /* in force: it must have a second factor */
    bool must_change_password;
    int64_t password_changed_at; /* 0: never since it was created */
    struct slice locale; /* of mails to it; empty: the configured one */
};

struct user_new {
    struct slice email;
    struct slice password;
    struct slice import_hash; /* instead of a password: as password_import gave it; ptr NULL: none */
    struct slice display_name; /* ptr NULL: the part of the address before @ */
    enum role role;
    bool vouched; /* an administrator stands for the address: it counts as confirmed */
    bool must_be_first; /* the set-up: ERR_NOT_FOUND when any account exists */
    const struct principal *who; /* for the audit record; NULL: the server itself */
    /* What else belongs to making it (a used invitation, a quota), in the same transaction, after the row. NULL: nothing. */
    enum err (*also)(struct ctx *c, struct db_conn *conn, const struct user *user, void *arg);
    void *also_arg;
};

/* What user_create checks: address, name, password; fills in a missing display name. ERR_INVALID with field errors. */
MUST_USE enum err user_check_new(struct ctx *c, const struct app *app, struct user_new *n);

/* ERR_INVALID with field errors; ERR_EXISTS when the address is taken. */
MUST_USE enum err user_create(struct ctx *c, struct app *app, const struct user_new *n, struct user *ret);
/* Inside a transaction of another part. */
MUST_USE enum err user_load(struct ctx *c, struct db_conn *conn, const struct app *app, const struct id *id,
                            struct user *ret);
/* The same, and its row stays as it is until the transaction ends. */
MUST_USE enum err user_load_locked(struct ctx *c, struct db_conn *conn, const struct app *app, const struct id *id,
                                   struct user *ret);
/* Whether what `seen` proved still counts for the account as it is `now`: active, the same password and role, nothing more asked of it. */
bool user_proof_stands(const struct user *seen, const struct user *now);
MUST_USE enum err user_by_id(struct ctx *c, struct app *app, const struct id *id, struct user *ret);
MUST_USE enum err user_by_email(struct ctx *c, struct app *app, struct slice email, struct user *ret);
MUST_USE enum err user_list(struct ctx *c, struct app *app, struct user **ret, size_t *ret_n);
MUST_USE enum err user_count(struct ctx *c, struct app *app, uint64_t *ret);
/* ptr NULL: as it is. */
struct user_patch {
    struct slice display_name, locale;
};
MUST_USE enum err user_change(struct ctx *c, struct app *app, const struct id *id, const struct user_patch *p);
/* The row only; what belongs to it is account_set_email_tx. ERR_EXISTS. */
MUST_USE enum err user_set_email_tx(struct ctx *c, struct db_conn *conn, const struct id *id, struct slice email, bool confirmed);

/* What the settings ask of a role. */
bool user_role_needs_factor(const struct app *app, enum role role);

#endif
