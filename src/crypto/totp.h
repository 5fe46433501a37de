/* totp: time-based one-time passwords (RFC 6238): HMAC-SHA-1, six digits, steps of 30 seconds: what every authenticator app
 * speaks. Which steps were used already is the caller's to remember. */
#ifndef SEALDROP_CRYPTO_TOTP_H
#define SEALDROP_CRYPTO_TOTP_H

#include <stdint.h>

#include "base/slice.h"

#define TOTP_SECRET_BYTES 20
#define TOTP_DIGITS 6
#define TOTP_STEP_MS 30000

/* The code of a step, 0..999999. */
MUST_USE enum err totp_code(struct slice secret, int64_t step, uint32_t *ret);
static inline int64_t totp_step(int64_t wall_ms)
{
    return wall_ms / TOTP_STEP_MS;
}
/* Which of the steps now-1, now, now+1 the code belongs to (the latest, should several agree); ERR_DENIED when none. Constant
 * time in the code. */
MUST_USE enum err totp_match(struct slice secret, struct slice code, int64_t now_step, int64_t *ret_step);

#endif
