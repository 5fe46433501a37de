/* password: what a password must be, how it is hashed and checked, and how often it may be tried.
 *
 * Length first: 15 characters where it is the only factor, 8 where a second one is enforced; up to 1024 bytes; nothing that is on the
 * list of common ones or made of the account's own name or this server's. Kinds of characters and an age limit exist as compliance
 * switches only (docs/OPERATIONS.md). Hashes are Argon2id under the server's pepper; hashes of other systems ("import:" before a
 * PHC or bcrypt text) are good until the first sign-in, which replaces them.
 *
 * Wrong passwords in a row are counted per account in the database, for addresses without an account in the same way: after
 * LIMIT_LOGIN_FREE_FAILS each further try waits, after LIMIT_LOGIN_FAILS only a new password helps. */
#ifndef SEALDROP_CORE_USER_PASSWORD_H
#define SEALDROP_CORE_USER_PASSWORD_H

#include "core/user/user.h"

#define PASSWORD_IMPORT "import:"

/* Whose password it will be. */
struct password_owner {
    bool second_factor; /* enforced for this account: user_needs_factor */
    struct slice email, display_name;
};
/* ERR_INVALID with the reasons as errors of `field`. */
MUST_USE enum err password_check_new(struct ctx *c, const struct app *app, const struct password_owner *owner,
                                     struct slice password, const char *field);
/* Whether `folded` (utf8_fold) is on the list of common passwords. */
bool password_is_common(struct slice folded);
/* The text to store, in the arena. May wait at the hash gate: ERR_BUSY. */
MUST_USE enum err password_hash(struct ctx *c, struct app *app, struct slice password, struct slice *ret);
/* A hash of another system as it will be stored. ERR_INVALID when it is none that we can check. */
MUST_USE enum err password_import(struct ctx *c, struct slice hash, struct slice *ret);
/* Sets a hash made by password_hash; the account need not change it any more; forgets wrong tries. */
MUST_USE enum err password_set_tx(struct ctx *c, struct db_conn *conn, const struct id *user, struct slice hash);
struct password_change {
    const struct user *user;
    const struct principal *who;   /* NULL: an administrator at the server itself */
    const struct id *keep_session; /* the others end; NULL: all do */
    struct slice password;
    const char *field;             /* of the request, for errors */
};
/* A new password, by someone who proved that they may: checked, set, sessions ended, the account told by mail. ERR_UNAUTH when it was
 * changed since `user` was read. */
MUST_USE enum err password_change(struct ctx *c, struct app *app, const struct password_change *p);
/* The sign-in must end in a new password: an administrator or the age limit wants it. */
bool password_must_change(const struct app *app, const struct user *user);

/* Whose password is tried. */
struct password_try {
    const struct user *user;   /* NULL: no such account. Counts the same, and takes the time that some account would. */
    struct slice email;        /* as it was given; for the count when there is no account, and for the audit record */
    const char *event;         /* of the audit record of a wrong one: "auth.login" */
    const struct principal *who;
};
/* ERR_DENIED: wrong (the caller says so in its own words). ERR_RATE, ERR_LOCKED with the client's sentence: not even looked at.
 * ERR_BUSY at the hash gate. */
MUST_USE enum err password_prove(struct ctx *c, struct app *app, const struct password_try *t, struct slice password);
/* A wrong code of a second factor: is counted for tries_take_wrong_tx; what it costs is the affair of core/mfa. */
MUST_USE enum err tries_wrong_code_tx(struct ctx *c, struct db_conn *conn, const struct id *user);
/* Wrong passwords and codes of the account since the last call, which a finished sign-in makes. */
MUST_USE enum err tries_take_wrong_tx(struct ctx *c, struct db_conn *conn, const struct id *user, int64_t *ret);
/* How common each kind of hash is among accounts: read at start, and by every node now and then (imitate.h). */
struct hash_kinds;
MUST_USE enum err hash_kinds_new(struct hash_kinds **ret);
void hash_kinds_free(struct hash_kinds *k);
MUST_USE enum err password_kinds_load(struct ctx *c, struct app *app);
/* For the expiry job: forgets old tries of addresses without an account. */
MUST_USE enum err password_tries_purge(struct ctx *c, struct app *app);

#endif
