/* cbor: what is well-formed passes with its length, and nothing that declares more than it holds. */
#include "codec/cbor.h"

#include "base/intmath.h"
#include "codec/hex.h"
#include "lib/test.h"

static enum err bounded(const char *hex, size_t depth_max, size_t *ret_used)
{
    CLEANUP(buf_done) struct buf b = BUF_INIT(4096);
    TRY(hex_decode(&b, slice_cstr(hex)));
    return cbor_bounded(buf_view(&b), depth_max, ret_used);
}

/* RFC 8949 appendix A, those of definite length. */
TEST(cbor_well_formed)
{
    static const char *const good[] = {"00", "17", "1818", "1903e8", "1a000f4240", "1bffffffffffffffff", "20", "3903e7",
                                       "3bffffffffffffffff", "f90000", "fa47c35000", "fb3ff199999999999a", "f4", "f6", "f0", "f8ff",
                                       "c11a514b67b0", "d818456449455446", "d9d9f740", "40", "4401020304", "60", "6449455446", "80",
                                       "83010203", "8301820203820405", "a0", "a201020304", "a26161016162820203", "826161a161626163",
                                       "5803010203", "9a0000000100", "bb00000000000000010000"};
    for (size_t i = 0; i < ARRAY_LEN(good); i++) {
        CLEANUP(buf_done) struct buf b = BUF_INIT(64);
        size_t used = 0;
        CHECK_OK(hex_decode(&b, slice_cstr(good[i])));
        CHECK_OK(cbor_bounded(buf_view(&b), CBOR_DEPTH_MAX, &used));
        CHECK_U64(used, b.len);
        for (size_t n = 0; n < b.len; n++) CHECK_ERR(cbor_bounded(slice_sub(buf_view(&b), 0, n), CBOR_DEPTH_MAX, &used), ERR_INVALID);
        CHECK_OK(buf_put(&b, SLICE("\xff\x9a")));
        CHECK_OK(cbor_bounded(buf_view(&b), CBOR_DEPTH_MAX, &used));
        CHECK_U64(used, b.len - 2);
    }
}

TEST(cbor_bombs)
{
    static const char *const bad[] = {
        "9a40000000", "9a02000000", "9affffffff", "9bffffffffffffffff", "9b0000000100000000", "ba40000000", "bbffffffffffffffff",
        "bb80000000000000010000", "5a7fffffff", "5bffffffffffffffff00", "7a0000000261", "7bffffffffffffffff61", "8200", "a100",
        "a20000", "a2000000", "81818181829a40000000", "a1009a40000000", "c19a40000000", "82008200829a02000000", "9f00ff",
        "bf0000ff", "5f4100ff", "7f6161ff", "ff", "1c", "3d", "5e", "9c00", "dc00", "fc", "c1", "8201", "18", "1900",
        "fb00000000000000"};
    size_t used = 0;
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) CHECK_ERR(bounded(bad[i], CBOR_DEPTH_MAX, &used), ERR_INVALID);
    CHECK_U64(used, 0);
}

TEST(cbor_depth)
{
    static const char *const nest[] = {"\x81", "\xc1", "\xa1\x00"};
    for (size_t i = 0; i < ARRAY_LEN(nest); i++) {
        CLEANUP(buf_done) struct buf b = BUF_INIT(64 * 1024);
        size_t step = i == 2 ? 2 : 1, used = 0;
        for (size_t level = 0; level < CBOR_DEPTH_MAX; level++) CHECK_OK(buf_put(&b, slice_of(nest[i], step)));
        CHECK_OK(buf_putc(&b, 0));
        CHECK_OK(cbor_bounded(buf_view(&b), CBOR_DEPTH_MAX, &used));
        CHECK_U64(used, b.len);
        CHECK_ERR(cbor_bounded(buf_view(&b), CBOR_DEPTH_MAX - 1, &used), ERR_INVALID);
        b.len--;
        for (size_t level = 0; level < 20000; level++) CHECK_OK(buf_put(&b, slice_of(nest[i], step)));
        CHECK_OK(buf_putc(&b, 0));
        CHECK_ERR(cbor_bounded(buf_view(&b), CBOR_DEPTH_MAX, &used), ERR_INVALID);
    }
    size_t used = 0;
    CHECK_OK(bounded("00", 0, &used));
    CHECK_ERR(bounded("8100", 0, &used), ERR_INVALID);
    CHECK_OK(bounded("83810081008100", 2, &used)); /* side by side is not deeper */
}
