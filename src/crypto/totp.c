/* RFC 6238 over RFC 4226: the code of a step, and which step a code belongs to. */
#include "crypto/totp.h"

#include <stdio.h>

#include "base/intmath.h"
#include "base/mem.h"
#include "crypto/hash.h"

#define WINDOW 1

enum err totp_code(struct slice secret, int64_t step, uint32_t *ret)
{
    uint8_t counter[8], mac[20];
    store_u64be(counter, (uint64_t)step);
    TRY(hmac_sha1(secret, slice_of(counter, sizeof counter), mac));
    *ret = (load_u32be(mac + (mac[19] & 15)) & 0x7fffffffu) % 1000000u;
    mem_wipe(mac, sizeof mac);
    return ERR_OK;
}

enum err totp_match(struct slice secret, struct slice code, int64_t now_step, int64_t *ret_step)
{
    int64_t found = -1;
    if (code.len != TOTP_DIGITS) return ERR_DENIED;
    for (int64_t step = now_step - WINDOW; step <= now_step + WINDOW; step++) {
        char text[16];
        uint32_t want = 0;
        if (step < 0) continue;
        TRY(totp_code(secret, step, &want));
        snprintf(text, sizeof text, "%06u", want);
        if (mem_equal_ct(text, code.ptr, TOTP_DIGITS)) found = step;
        mem_wipe(text, sizeof text);
    }
    if (found < 0) return ERR_DENIED;
    *ret_step = found;
    return ERR_OK;
}
