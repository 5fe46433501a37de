/* Header fields: dates, ranges, entity tags, codings, digests. */
#include "codec/range.h"

#include <stdio.h>

#include "codec/digest.h"
#include "codec/httpdate.h"
#include "lib/test.h"

TEST(httpdate_writes_one_form_and_reads_three)
{
    char text[HTTPDATE_LEN + 1];
    int64_t ms = 0;
    httpdate_format(784111777999, text);
    CHECK_SLICE(slice_cstr(text), SLICE("Sun, 06 Nov 1994 08:49:37 GMT"));
    CHECK_OK(httpdate_parse(SLICE("Sun, 06 Nov 1994 08:49:37 GMT"), &ms));
    CHECK(ms == 784111777000);
    CHECK_OK(httpdate_parse(SLICE("Sunday, 06-Nov-94 08:49:37 GMT"), &ms));
    CHECK(ms == 784111777000);
    CHECK_OK(httpdate_parse(SLICE("Sun Nov  6 08:49:37 1994"), &ms));
    CHECK(ms == 784111777000);
    CHECK_OK(httpdate_parse(SLICE("Wed Nov 16 08:49:37 1994"), &ms));
    CHECK_OK(httpdate_parse(SLICE("Tuesday, 01-Jan-30 00:00:00 GMT"), &ms));
    CHECK(ms == 1893456000000);
    CHECK_OK(httpdate_parse(SLICE("Sat, 31 Dec 2016 23:59:60 GMT"), &ms));
    CHECK(ms == 1483228800000);
}

TEST(httpdate_extremes)
{
    char text[HTTPDATE_LEN + 1];
    httpdate_format(INT64_MIN, text);
    CHECK_SLICE(slice_cstr(text), SLICE("Sat, 01 Jan 0000 00:00:00 GMT"));
    httpdate_format(INT64_MAX, text);
    CHECK_SLICE(slice_cstr(text), SLICE("Fri, 31 Dec 9999 23:59:59 GMT"));
    httpdate_format(-1, text);
    CHECK_SLICE(slice_cstr(text), SLICE("Wed, 31 Dec 1969 23:59:59 GMT"));
}

TEST(httpdate_is_strict)
{
    static const char *const bad[] = {
        "",
        "Sun, 06 Nov 1994 08:49:37",
        "Sun, 06 Nov 1994 08:49:37 UTC",
        "Sun, 06 Nov 1994 08:49:37 GMT ",
        "sun, 06 Nov 1994 08:49:37 GMT",
        "Sun, 6 Nov 1994 08:49:37 GMT",
        "Sun, 06 NOV 1994 08:49:37 GMT",
        "Sun, 31 Nov 1994 08:49:37 GMT",
        "Sun, 29 Feb 1900 08:49:37 GMT",
        "Sun, 00 Nov 1994 08:49:37 GMT",
        "Sun, 06 Nov 1994 24:49:37 GMT",
        "Sun, 06 Nov 1994 08:60:37 GMT",
        "Sun, 06 Nov 1994 08:49:61 GMT",
        "Sun, 06 Nov 1994 08:49:-1 GMT",
        "Sun, 06 Nov 94 08:49:37 GMT",
        "Sun, 06-Nov-94 08:49:37 GMT",
        "Sunday, 06-Nov-1994 08:49:37 GMT",
        "Sun Nov 6 08:49:37 1994",
        "1994-11-06T08:49:37Z",
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        int64_t ms = 7;
        if (httpdate_parse(slice_cstr(bad[i]), &ms) == ERR_OK || ms != 7)
            test_fail(__FILE__, __LINE__, "%s", bad[i]);
    }
}

static void check_range(const char *header, uint64_t size, enum range_result want, uint64_t first,
                        uint64_t length)
{
    struct byte_range r = {0};
    enum range_result got = range_parse(slice_cstr(header), size, &r);
    if (got != want || r.first != first || r.length != length)
        test_fail(__FILE__, __LINE__, "%s of %llu: %d, %llu+%llu", header, (unsigned long long)size,
                  (int)got, (unsigned long long)r.first, (unsigned long long)r.length);
}

TEST(range_forms)
{
    check_range("bytes=0-0", 10, RANGE_ONE, 0, 1);
    check_range("bytes=0-9", 10, RANGE_ONE, 0, 10);
    check_range("Bytes=3-99", 10, RANGE_ONE, 3, 7);
    check_range("bytes=9-", 10, RANGE_ONE, 9, 1);
    check_range("bytes=-3", 10, RANGE_ONE, 7, 3);
    check_range("bytes=-30", 10, RANGE_ONE, 0, 10);
    check_range("bytes=0-99999999999999999999999", 10, RANGE_ONE, 0, 10);
    check_range("bytes=-99999999999999999999999", 10, RANGE_ONE, 0, 10);
    check_range("bytes=0-18446744073709551615", UINT64_MAX, RANGE_ONE, 0, UINT64_MAX);
    check_range("bytes=18446744073709551614-", UINT64_MAX, RANGE_ONE, UINT64_MAX - 1, 1);
    check_range("bytes=10-", 10, RANGE_UNSATISFIABLE, 0, 0);
    check_range("bytes=10-12", 10, RANGE_UNSATISFIABLE, 0, 0);
    check_range("bytes=99999999999999999999999-", UINT64_MAX, RANGE_UNSATISFIABLE, 0, 0);
    check_range("bytes=-0", 10, RANGE_UNSATISFIABLE, 0, 0);
    check_range("bytes=0-", 0, RANGE_UNSATISFIABLE, 0, 0);
    check_range("bytes=-1", 0, RANGE_NONE, 0, 0);
}

TEST(range_malformed_is_ignored)
{
    static const char *const bad[] = {"",
                                      "bytes",
                                      "bytes=",
                                      "bytes=-",
                                      "bytes=1",
                                      "bytes=2-1",
                                      "bytes=a-b",
                                      "bytes=1-2-",
                                      "bytes=--1",
                                      "bytes=+1-2",
                                      "bytes=1-2,4-5",
                                      "bytes=0-0,",
                                      "items=0-1",
                                      "bytes 0-1",
                                      "bytes=0-1 2",
                                      "bytes= 0-1",
                                      "bytes=1 -2",
                                      "bytes=0x1-2",
                                      "bytes=99999999999999999999x-"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        check_range(bad[i], 10, RANGE_NONE, 0, 0);
}

TEST(etag_lists)
{
    struct slice strong = SLICE("\"x\""), weak = SLICE("W/\"x\"");
    CHECK(etag_matches(SLICE("\"x\""), strong, false) &&
          etag_matches(SLICE("\"x\""), strong, true));
    CHECK(etag_matches(SLICE(" * "), strong, false));
    CHECK(etag_matches(SLICE("\"a,b\" , ,W/\"z\",\"x\""), strong, false));
    CHECK(etag_matches(SLICE("W/\"x\""), strong, true) &&
          !etag_matches(SLICE("W/\"x\""), strong, false));
    CHECK(etag_matches(SLICE("\"x\""), weak, true) && !etag_matches(SLICE("\"x\""), weak, false));
    CHECK(!etag_matches(weak, weak, false));
    CHECK(etag_matches(SLICE("\"\""), SLICE("\"\""), false));
    static const char *const none[] = {"",         "\"y\"",  "x",        "\"x",     "\"x\" \"y\"",
                                       "\"x\", y", "\"x\";", "*, \"x\"", "w/\"x\"", "W/",
                                       "\"X\""};
    for (size_t i = 0; i < sizeof none / sizeof none[0]; i++)
        if (etag_matches(slice_cstr(none[i]), strong, true))
            test_fail(__FILE__, __LINE__, "%s", none[i]);
    CHECK(!etag_matches(SLICE("\"x\""), SLICE("x"), true) &&
          !etag_matches(SLICE("\"x\""), SLICE("\"x\"y"), true));
}

TEST(encodings_and_their_weights)
{
    struct slice absent = {NULL, 0};
    CHECK(!encoding_accepted(absent, "br") && encoding_accepted(absent, "identity"));
    CHECK(!encoding_accepted(SLICE(""), "gzip") && encoding_accepted(SLICE(""), "identity"));
    CHECK(encoding_accepted(SLICE("gzip, deflate, br"), "br") &&
          encoding_accepted(SLICE("GZIP"), "gzip"));
    CHECK(!encoding_accepted(SLICE("gzip, deflate"), "br") &&
          !encoding_accepted(SLICE("brx"), "br"));
    CHECK(encoding_accepted(SLICE("br;q=0.001"), "br") &&
          encoding_accepted(SLICE("br ; Q=1.000"), "br"));
    CHECK(!encoding_accepted(SLICE("br;q=0"), "br") &&
          !encoding_accepted(SLICE("br; q=0.000"), "br"));
    CHECK(encoding_accepted(SLICE("*"), "br") && !encoding_accepted(SLICE("br;q=0, *"), "br"));
    CHECK(!encoding_accepted(SLICE("*, br;q=0"), "br") && !encoding_accepted(SLICE("*;q=0"), "br"));
    CHECK(!encoding_accepted(SLICE("*;q=0"), "identity") &&
          encoding_accepted(SLICE("*;q=0,identity;q=0.5"), "identity"));
    CHECK(!encoding_accepted(SLICE("identity;q=0"), "identity") &&
          encoding_accepted(SLICE("br"), "identity"));
    static const char *const bad[] = {"br;q=2",  "br;q=",  "br;q=0.0001", "br;q=1.001", "br;q=x",
                                      "br;q=-1", "br;x=1", "br;q",        "br;q=1x"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        if (encoding_accepted(slice_cstr(bad[i]), "br"))
            test_fail(__FILE__, __LINE__, "%s", bad[i]);
}

#define SUM "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="
#define LONG "z4PhNX7vuL3xVChQ1m2AB9Yg5AULVxXcg/SpIdNs6c5H0NE8XYXysP+DGNKHfuwvY7kxvUdBeoGlODJ6+SfaPg=="

TEST(digest_fields)
{
    static const char *const good[] = {
        "sha-256=:" SUM ":",
        "sha-256=:" SUM ":;x=1;y",
        "md5=:AAAA:, sha-256=:" SUM ":",
        "a=\"x, \\\"sha-256=:\", b=(1 \"q\" tok;p=1 ?1);z , sha-256=:" SUM ":\t,\tc, d=?0, e=-1.5",
        "sha-256=1, sha-256=:" SUM ":",
    };
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        struct digest d = {0};
        if (digest_parse(slice_cstr(good[i]), DIGEST_SHA512, &d) != DIGEST_ONE || d.algorithm != DIGEST_SHA256 ||
            d.b[0] != 0xe3 || d.b[31] != 0x55)
            test_fail(__FILE__, __LINE__, "%s", good[i]);
    }
    struct digest d = {.b = {9}};
    CHECK(digest_parse(SLICE(""), DIGEST_SHA512, &d) == DIGEST_NONE);
    CHECK(digest_parse(SLICE("md5=:AA==:, sha=1"), DIGEST_SHA512, &d) == DIGEST_NONE);
    CHECK(d.b[0] == 9);
}

TEST(digest_the_strongest_counts)
{
    struct digest d = {0};
    CHECK(digest_parse(SLICE("sha-512=:" LONG ":, sha-256=:" SUM ":"), DIGEST_SHA512, &d) == DIGEST_ONE);
    CHECK(d.algorithm == DIGEST_SHA512 && d.b[0] == 0xcf && d.b[63] == 0x3e);
    CHECK(digest_parse(SLICE("sha-512=:" LONG ":"), DIGEST_SHA512, &d) == DIGEST_ONE && d.algorithm == DIGEST_SHA512);
    CHECK(digest_parse(SLICE("sha-512=:" LONG ":, sha-256=:" SUM ":"), DIGEST_SHA256, &d) == DIGEST_ONE && d.algorithm == DIGEST_SHA256);
    /* One that is wrong is not made good by another. */
    CHECK(digest_parse(SLICE("sha-512=:" SUM ":, sha-256=:" SUM ":"), DIGEST_SHA512, &d) == DIGEST_BAD);
    CHECK(digest_parse(SLICE("sha-512=:" LONG ":, sha-256=:" LONG ":"), DIGEST_SHA512, &d) == DIGEST_BAD);
}

TEST(digest_wishes)
{
    enum digest_algorithm a = DIGEST_ALGORITHMS;
    CHECK(digest_wanted(SLICE("sha-256=1"), &a) && a == DIGEST_SHA256);
    CHECK(digest_wanted(SLICE("sha-256=3, sha-512=10"), &a) && a == DIGEST_SHA512);
    CHECK(digest_wanted(SLICE("md5=10, sha-512=3, sha-256=4"), &a) && a == DIGEST_SHA256);
    CHECK(!digest_wanted(SLICE("sha-256=0"), &a) && !digest_wanted(SLICE("sha-512=0, md5=3"), &a));
    CHECK(!digest_wanted(SLICE("sha-256"), &a) && !digest_wanted(SLICE("sha-256=11"), &a) && !digest_wanted(SLICE("sha-256=-1"), &a));
    CHECK(!digest_wanted(SLICE("sha-256=1,"), &a) && !digest_wanted((struct slice){0}, &a));
}

TEST(digest_malformed)
{
    static const char *const bad[] = {
        "sha-256",
        "sha-256=",
        "sha-256=:" SUM,
        "sha-256=" SUM,
        "sha-256=\"" SUM "\"",
        "sha-256=::",
        "sha-256=:AAAA:",
        "sha-256=:47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU=:",
        "sha-256=:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFV=:",
        "sha-256=:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFUA:",
        "sha-256=:" SUM ":,",
        "sha-256=:" SUM ": x",
        ",sha-256=:" SUM ":",
        "SHA-256=:" SUM ":",
        "a=\"x, sha-256=:" SUM ":",
        "a=(1, sha-256=:" SUM ":",
        "a=\"\\x\", sha-256=:" SUM ":",
        "sha-256=:" SUM ":, sha-256=2",
        "sha-256=(:" SUM ":)",
        "sha-256=:" SUM ":;=1",
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct digest d = {.b = {9}};
        if (digest_parse(slice_cstr(bad[i]), DIGEST_SHA512, &d) != DIGEST_BAD || d.b[0] != 9)
            test_fail(__FILE__, __LINE__, "%s", bad[i]);
    }
}
