/* base64 and hex: the vectors of RFC 4648, strictness, untouched output on failure. */
#include "codec/base64.h"
#include "codec/hex.h"
#include "lib/test.h"

typedef enum err convert_fn(struct buf *out, struct slice in);

static void check(convert_fn *fn, struct slice in, struct slice want)
{
    CLEANUP(buf_done) struct buf out = BUF_INIT(1024);
    CHECK_OK(buf_putc(&out, '>'));
    CHECK_OK(fn(&out, in));
    CHECK_SLICE(slice_sub(buf_view(&out), 1, out.len), want);
}

static void check_refused(convert_fn *fn, struct slice in)
{
    CLEANUP(buf_done) struct buf out = BUF_INIT(1024);
    CHECK_OK(buf_putc(&out, '>'));
    enum err e = fn(&out, in);
    if (e != ERR_INVALID)
        test_fail(__FILE__, __LINE__, "\"" SLICE_FMT "\": %s", SLICE_ARG(in), err_name(e));
    CHECK_SLICE(buf_view(&out), SLICE(">"));
}

TEST(base64_vectors)
{
    static const struct {
        struct slice bytes, padded, url;
    } rows[] = {
        {{"", 0}, {"", 0}, {"", 0}},
        {{"f", 1}, {"Zg==", 4}, {"Zg", 2}},
        {{"fo", 2}, {"Zm8=", 4}, {"Zm8", 3}},
        {{"foo", 3}, {"Zm9v", 4}, {"Zm9v", 4}},
        {{"foob", 4}, {"Zm9vYg==", 8}, {"Zm9vYg", 6}},
        {{"fooba", 5}, {"Zm9vYmE=", 8}, {"Zm9vYmE", 7}},
        {{"foobar", 6}, {"Zm9vYmFy", 8}, {"Zm9vYmFy", 8}},
        {{"\xfb\xff\xbf\0", 4}, {"+/+/AA==", 8}, {"-_-_AA", 6}},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        check(base64_encode, rows[i].bytes, rows[i].padded);
        check(base64_decode, rows[i].padded, rows[i].bytes);
        check(base64url_encode, rows[i].bytes, rows[i].url);
        check(base64url_decode, rows[i].url, rows[i].bytes);
    }
}

TEST(base64_is_strict)
{
    static const struct slice padded[] = {{"Zg", 2},   {"Zg=", 3},   {"Zg===", 5},  {"Zh==", 4},
                                          {"Zm9=", 4}, {"Z===", 4},  {"====", 4},   {"Zg==\n", 5},
                                          {"Z g=", 4}, {"-_-_", 4},  {"Zm\0v", 4},  {"Zg==Zg==", 8},
                                          {"=", 1},    {"Zm9v=", 5}, {"Zm8\xff", 4}};
    static const struct slice url[] = {{"A", 1},    {"AAAAA", 5}, {"Z", 1},    {"Zh", 2},
                                       {"Zm9", 3},  {"Zg==", 4},  {"+/+/", 4}, {"Zm9v ", 5},
                                       {" Zm9", 4}, {"Zm9vZ", 5}, {"Zm.v", 4}};
    for (size_t i = 0; i < sizeof padded / sizeof padded[0]; i++)
        check_refused(base64_decode, padded[i]);
    for (size_t i = 0; i < sizeof url / sizeof url[0]; i++) check_refused(base64url_decode, url[i]);
}

TEST(base64_all_lengths_round_trip)
{
    char bytes[100];
    for (size_t i = 0; i < sizeof bytes; i++) bytes[i] = (char)(i * 37 + 11);
    for (size_t n = 0; n <= sizeof bytes; n++) {
        CLEANUP(buf_done) struct buf text = BUF_INIT(200);
        CLEANUP(buf_done) struct buf url = BUF_INIT(200);
        CHECK_OK(base64_encode(&text, slice_of(bytes, n)));
        CHECK_U64(text.len, (n + 2) / 3 * 4);
        check(base64_decode, buf_view(&text), slice_of(bytes, n));
        CHECK_OK(base64url_encode(&url, slice_of(bytes, n)));
        check(base64url_decode, buf_view(&url), slice_of(bytes, n));
    }
}

TEST(base64_respects_the_maximum)
{
    CLEANUP(buf_done) struct buf out = BUF_INIT(7);
    CHECK_ERR(base64_encode(&out, SLICE("fooba")), ERR_TOO_LARGE);
    CHECK_OK(base64url_encode(&out, SLICE("fooba")));
    CHECK_ERR(hex_encode(&out, SLICE("f")), ERR_TOO_LARGE);
    CHECK_ERR(hex_decode(&out, SLICE("00")), ERR_TOO_LARGE);
    CHECK_SLICE(buf_view(&out), SLICE("Zm9vYmE"));
}

TEST(hex_both_ways)
{
    check(hex_encode, SLICE("\0\x9f\xff"), SLICE("009fff"));
    check(hex_decode, SLICE("009fFF"), SLICE("\0\x9f\xff"));
    check(hex_decode, SLICE(""), SLICE(""));
    check_refused(hex_decode, SLICE("0"));
    check_refused(hex_decode, SLICE("0g"));
    check_refused(hex_decode, SLICE("0x00"));
    check_refused(hex_decode, SLICE("00 0"));
    check_refused(hex_decode, SLICE("0\0"));
}

TEST(base64_survives_allocation_failure)
{
    static convert_fn *const fns[] = {base64_encode,    base64_decode, base64url_encode,
                                      base64url_decode, hex_encode,    hex_decode};
    for (size_t i = 0; i < sizeof fns / sizeof fns[0]; i++) {
        CLEANUP(buf_done) struct buf out = BUF_INIT(64);
        test_fail_alloc(0, true);
        CHECK_ERR(fns[i](&out, SLICE("ABCD")), ERR_NOMEM);
        test_fail_alloc(UINT64_MAX, false);
        CHECK_U64(out.len, 0);
    }
}
