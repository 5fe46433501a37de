/* Tokens that go out by mail: making them, and knowing them again. Internal to core/account. */
#ifndef SEALDROP_CORE_ACCOUNT_MAILED_H
#define SEALDROP_CORE_ACCOUNT_MAILED_H

#include "core/account/account.h"
#include "core/mail/mail.h"
#include "crypto/hash.h"

enum mailed_kind {
    MAILED_VERIFY, /* data: an account to be made, once its address is confirmed */
    MAILED_INVITE, /* data: whom, as what */
    MAILED_RESET,  /* of an account: a new password, 15 minutes */
    MAILED_EMAIL,  /* data: the address that an account asked for */
    MAILED_CHOOSE, /* of an account without a password: its first one */
    MAILED_COUNT
};
struct mailed {
    enum mailed_kind kind;
    const struct id *user_id; /* NULL: of no account yet */
    struct slice to, data, ip;
    struct slice locale; /* empty: the configured one */
    int64_t ttl_ms;
    struct slice link; /* out, in the arena */
    int64_t expires_at;
};
/* Chooses token, link and end: before the transaction. */
MUST_USE enum err mailed_make(struct ctx *c, const struct app *app, struct mailed *m, struct sha256 *ret_hash);
/* Stores it and queues its mail. */
MUST_USE enum err mailed_send_tx(struct ctx *c, struct db_conn *conn, const struct app *app, const struct mailed *m,
                                 const struct sha256 *hash);
/* After the transaction: the link for the administrator where no mail is configured. */
void mailed_show(const struct app *app, const struct mailed *m);

/* The stored word. */
const char *mailed_purpose(enum mailed_kind kind);
/* ERR_NOT_FOUND when the text is no token of this kind's form. */
MUST_USE enum err mailed_hash(struct ctx *c, enum mailed_kind kind, struct slice token, struct sha256 *ret);
/* What the holder of a bad one is told, whatever is wrong with it. */
enum err mailed_invalid(struct ctx *c);

#endif
