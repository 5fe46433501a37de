/* What a job or a token keeps until it is decided: a registration, a forgotten password; and what an invitation says. Internal to
 * core/account. */
#ifndef SEALDROP_CORE_ACCOUNT_PENDING_H
#define SEALDROP_CORE_ACCOUNT_PENDING_H

#include "codec/json.h"
#include "core/account/mailed.h"

#define PENDING_LABEL "sft/1/account"

struct pending {
    struct slice what; /* register, forgot, email */
    struct slice email, display_name, password_hash, ip;
    struct opt_id user_id, session_id; /* email: who asked */
    struct opt_u64 password_changed_at; /* email: as it was then */
};
extern const struct json_table pending_table;

struct invite_data {
    struct slice email, role;
    struct opt_u64 quota_bytes;
};
extern const struct json_table invite_table;

/* Leaves it to the job "account". */
MUST_USE enum err pending_enqueue(struct ctx *c, struct app *app, const struct pending *p);
/* The things that job does. */
MUST_USE enum err pending_register(struct ctx *c, struct app *app, const struct pending *p);
MUST_USE enum err pending_forgot(struct ctx *c, struct app *app, const struct pending *p);
MUST_USE enum err pending_email(struct ctx *c, struct app *app, const struct pending *p);
/* The account gets the address that the token, whose hash this is, was mailed to. ERR_INVALID "token_invalid". */
MUST_USE enum err email_confirm(struct ctx *c, struct app *app, const struct principal *who, const struct sha256 *hash,
                                struct user *ret);
/* Tells the owner of a taken address that somebody wanted it. */
MUST_USE enum err mail_exists_tx(struct ctx *c, struct db_conn *conn, const struct app *app, const struct user *owner);

#endif
