/* TOTP against RFC 6238 appendix B and RFC 4226 appendix D, and its window. */
#include "base/intmath.h"
#include "crypto/totp.h"
#include "lib/test.h"

#define SECRET SLICE("12345678901234567890")

TEST(totp_rfc6238)
{
    /* Appendix B, SHA-1; the RFC prints eight digits, ours are the last six of the same number. */
    static const struct {
        int64_t s;
        uint32_t code;
    } known[] = {{59, 287082}, {1111111109, 81804}, {1111111111, 50471}, {1234567890, 5924}, {2000000000, 279037},
                 {20000000000, 353130}};
    for (size_t i = 0; i < ARRAY_LEN(known); i++) {
        uint32_t code = 0;
        CHECK_OK(totp_code(SECRET, totp_step(known[i].s * 1000), &code));
        CHECK_U64(code, known[i].code);
    }
}

TEST(totp_rfc4226)
{
    static const uint32_t known[] = {755224, 287082, 359152, 969429, 338314, 254676, 287922, 162583, 399871, 520489};
    for (size_t i = 0; i < ARRAY_LEN(known); i++) {
        uint32_t code = 0;
        CHECK_OK(totp_code(SECRET, (int64_t)i, &code));
        CHECK_U64(code, known[i]);
    }
}

TEST(totp_window)
{
    int64_t step = -1;
    /* The code of step 5 is 254676. */
    CHECK_ERR(totp_match(SECRET, SLICE("254676"), 3, &step), ERR_DENIED);
    CHECK(step == -1);
    for (int64_t now = 4; now <= 6; now++) {
        CHECK_OK(totp_match(SECRET, SLICE("254676"), now, &step));
        CHECK_U64(step, 5);
    }
    CHECK_ERR(totp_match(SECRET, SLICE("254676"), 7, &step), ERR_DENIED);
    CHECK_OK(totp_match(SECRET, SLICE("755224"), 0, &step));
    CHECK_U64(step, 0);
}

TEST(totp_code_is_six_digits)
{
    int64_t step = 0;
    /* Step of 1111111109 s: 081804. */
    CHECK_OK(totp_match(SECRET, SLICE("081804"), 37037036, &step));
    CHECK_ERR(totp_match(SECRET, SLICE("81804"), 37037036, &step), ERR_DENIED);
    CHECK_ERR(totp_match(SECRET, SLICE("0081804"), 37037036, &step), ERR_DENIED);
    CHECK_ERR(totp_match(SECRET, SLICE(" 81804"), 37037036, &step), ERR_DENIED);
    CHECK_ERR(totp_match(SECRET, SLICE(""), 37037036, &step), ERR_DENIED);
}
