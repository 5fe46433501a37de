/* Base 32: RFC 4648 section 10, Crockford's alphabet, and what people type. */
#include "codec/base32.h"

#include "base/intmath.h"
#include "lib/test.h"

TEST(base32_rfc4648)
{
    static const struct {
        const char *in, *out;
    } known[] = {{"", ""},           {"f", "MY"},       {"fo", "MZXQ"},      {"foo", "MZXW6"},
                 {"foob", "MZXW6YQ"}, {"fooba", "MZXW6YTB"}, {"foobar", "MZXW6YTBOI"}};
    for (size_t i = 0; i < ARRAY_LEN(known); i++) {
        CLEANUP(buf_done) struct buf b = BUF_INIT(64);
        CHECK_OK(base32_encode(&b, slice_cstr(known[i].in)));
        CHECK_SLICE(buf_view(&b), slice_cstr(known[i].out));
    }
}

TEST(base32_crockford)
{
    CLEANUP(buf_done) struct buf b = BUF_INIT(64);
    CHECK_OK(crockford_encode(&b, SLICE("\x00\x44\x32\x14\xc7\x42\x54\xb6\x35\xcf")));
    CHECK_SLICE(buf_view(&b), SLICE("0123456789ABCDEF"));
}

TEST(base32_typed)
{
    CLEANUP(buf_done) struct buf b = BUF_INIT(64);
    CHECK_OK(crockford_normal(&b, SLICE("o1il-abcd efgh-JKMN")));
    CHECK_SLICE(buf_view(&b), SLICE("0111ABCDEFGHJKMN"));
    CHECK_ERR(crockford_normal(&b, SLICE("U")), ERR_INVALID);
    CHECK_ERR(crockford_normal(&b, SLICE("abc\0")), ERR_INVALID);
    CHECK_ERR(crockford_normal(&b, SLICE("é")), ERR_INVALID);
}
