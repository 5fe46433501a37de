/* device: signing in a program without typing a password into it (RFC 8628). The program asks for a pair of codes and shows the short
 * one; a person who is signed in elsewhere enters it, sees who asks from where, and approves; the program meanwhile polls with the
 * long one.
 *
 * The long code "sdc_…" is 256 bits and stored as SHA-256. The short one has 8 letters out of 20 (34 bits), lives ten minutes, and is
 * good for nothing without an account's approval; tries are limited per approving account. Approval is not a new proof of the
 * account's secret: the session that comes of it inherits the time of the approver's proof, and dies with the approver's session
 * until the program has taken it. */
#ifndef SEALDROP_CORE_DEVICE_DEVICE_H
#define SEALDROP_CORE_DEVICE_DEVICE_H

#include "core/app/app.h"
#include "core/principal.h"
#include "core/user/user.h"

#define DEVICE_CODE_S 600u
#define DEVICE_INTERVAL_S 5u

struct device_codes {
    struct slice device_code;
    struct slice user_code; /* "ABCD-EFGH" */
};
/* For anyone; ERR_RATE after many from one address. */
MUST_USE enum err device_start(struct ctx *c, struct app *app, struct slice device_name, struct slice ip,
                               struct device_codes *ret);

struct device_request {
    struct slice device_name, ip; /* of the program that asks */
    int64_t created_at, expires_at;
};
/* Who asks, for a person to judge. The code may be written in any case, with or without hyphen and blanks. ERR_NOT_FOUND when it is
 * unknown, over or decided; ERR_RATE after ten tries of an account in ten minutes. */
MUST_USE enum err device_get(struct ctx *c, struct app *app, const struct principal *who, struct slice user_code,
                             struct device_request *ret);
/* Once. Errors as device_get. */
MUST_USE enum err device_decide(struct ctx *c, struct app *app, const struct principal *who, struct slice user_code,
                                bool approve);

struct device_grant {
    struct user user;
    struct slice device_name;
    int64_t auth_at_ms; /* when the approver's secret was proven */
};
/* The program asks for the outcome: the account, once. ERR_INVALID with code "authorization_pending", "slow_down" (asked again within
 * DEVICE_INTERVAL_S), "access_denied" or "expired" (also for unknown and used codes). */
MUST_USE enum err device_take(struct ctx *c, struct app *app, struct slice device_code, struct device_grant *ret);
/* For the expiry job. */
MUST_USE enum err device_purge(struct ctx *c, struct app *app);

#endif
