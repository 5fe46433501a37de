/* What a job or a token keeps until it is decided: a registration, a forgotten password; and what an invitation says. Internal to
 * core/account. */
#ifndef SEALDROP_CORE_ACCOUNT_PENDING_H
#define SEALDROP_CORE_ACCOUNT_PENDING_H

#include "codec/json.h"
#include "core/account/mailed.h"

#define PENDING_LABEL "sft/1/account"

struct pending {
    struct slice what; /* register, forgot */
    struct slice email, display_name, password_hash, ip;
};
extern const struct json_table pending_table;

struct invite_data {
    struct slice email, role;
    struct opt_u64 quota_bytes;
};
extern const struct json_table invite_table;

/* Leaves it to the job "account". */
MUST_USE enum err pending_enqueue(struct ctx *c, struct app *app, const struct pending *p);
/* The two things that job does. */
MUST_USE enum err pending_register(struct ctx *c, struct app *app, const struct pending *p);
MUST_USE enum err pending_forgot(struct ctx *c, struct app *app, const struct pending *p);

#endif
