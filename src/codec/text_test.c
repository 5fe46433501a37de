/* text and ini: what people write, and what is refused. */
#include "codec/text.h"

#include "base/limits.h"
#include "codec/ini.h"
#include "lib/test.h"

TEST(duration_read)
{
    static const struct {
        const char *text;
        uint64_t seconds;
    } good[] = {{"0", 0},        {"90", 90},     {"90s", 90},    {"10m", 600},
                {"36h", 129600}, {"3d", 259200}, {"2w", 1209600}};
    static const char *const bad[] = {"",   "s",  "-1s", "+1",    "1 h",  "1h ", " 1h",
                                      "1H", "1y", "1hm", "1h30m", "1.5h", "0x1"};
    uint64_t v = 7;
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        CHECK_OK(duration_parse(slice_cstr(good[i].text), &v));
        CHECK_U64(v, good[i].seconds);
    }
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        CHECK_ERR(duration_parse(slice_cstr(bad[i]), &v), ERR_INVALID);
    CHECK_ERR(duration_parse(SLICE("18446744073709551615m"), &v), ERR_TOO_LARGE);
    CHECK_ERR(duration_parse(SLICE("18446744073709551616"), &v), ERR_TOO_LARGE);
}

TEST(duration_written)
{
    static const struct {
        uint64_t seconds;
        const char *text;
    } rows[] = {{0, "0 s"},        {45, "45 s"},        {60, "1 min"},
                {65, "1 min 5 s"}, {7500, "2 h 5 min"}, {7259, "2 h"},
                {86400, "1 d"},    {100000, "1 d 3 h"}, {UINT64_MAX, "213503982334601 d 7 h"}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        CLEANUP(buf_done) struct buf out = BUF_INIT(64);
        CHECK_OK(duration_print(&out, rows[i].seconds));
        CHECK_SLICE(buf_view(&out), slice_cstr(rows[i].text));
    }
}

TEST(size_read)
{
    static const struct {
        const char *text;
        uint64_t bytes;
    } good[] = {{"0", 0},
                {"123", 123},
                {"123B", 123},
                {"123 b", 123},
                {"10 GiB", 10 * GIB},
                {"10G", 10 * GIB},
                {"10g", 10 * GIB},
                {"500MB", 500000000},
                {"500 mb", 500000000},
                {"1K", KIB},
                {"1kB", 1000},
                {"1KiB", KIB},
                {"2T", 2 * TIB},
                {"2TB", 2000000000000},
                {"1.5 GB", 1500000000},
                {"1.5G", GIB + GIB / 2},
                {"0.001kB", 1},
                {"16777215T", 16777215 * TIB}};
    static const char *const bad[] = {"",     "G",       "-1",    "1.",  "1.G", ".5G",  "1.5",
                                      "1.5B", "1.2345G", "1  G",  "1 ",  "1X",  "1GiX", "1Gi",
                                      "1GBB", "1iB",     "1 G B", " 1G", "1G ", "1,5G", "1P"};
    uint64_t v = 7;
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        CHECK_OK(size_parse(slice_cstr(good[i].text), &v));
        CHECK_U64(v, good[i].bytes);
    }
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        if (size_parse(slice_cstr(bad[i]), &v) != ERR_INVALID)
            test_fail(__FILE__, __LINE__, "%s", bad[i]);
    CHECK_ERR(size_parse(SLICE("16777216T"), &v), ERR_TOO_LARGE);
    CHECK_ERR(size_parse(SLICE("18446744073709551616"), &v), ERR_TOO_LARGE);
}

TEST(size_written)
{
    static const struct {
        uint64_t bytes;
        const char *text;
    } rows[] = {{0, "0 B"},
                {999, "999 B"},
                {1000, "1 kB"},
                {1049, "1 kB"},
                {1050, "1.1 kB"},
                {999949, "999.9 kB"},
                {999950, "1 MB"},
                {1500000000, "1.5 GB"},
                {4 * TIB, "4.4 TB"},
                {999950000000000000, "1 EB"},
                {UINT64_MAX, "18.4 EB"}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        CLEANUP(buf_done) struct buf out = BUF_INIT(64);
        CHECK_OK(size_print(&out, rows[i].bytes));
        CHECK_SLICE(buf_view(&out), slice_cstr(rows[i].text));
    }
}

TEST(email_addresses)
{
    static const char *const good[] = {"a@b.c",
                                       "Ann.O'Hara+x@sub.example.org",
                                       "root@localhost",
                                       "m\xc3\xbcller@m\xc3\xbcnchen.de",
                                       "\xe7\x94\xa8\xe6\x88\xb7@\xe4\xbe\x8b\xe5\xad\x90.cn",
                                       "a@1-2.xn--p1ai"};
    static const char *const bad[] = {"",
                                      "a",
                                      "@b.c",
                                      "a@",
                                      "a@b",
                                      "a@b@c.d",
                                      "a b@c.d",
                                      "a@b .c",
                                      "a@b..c",
                                      "a@.b.c",
                                      "a@b.c.",
                                      "a@-b.c",
                                      "a@b-.c",
                                      "a@b_c.d",
                                      "a,b@c.d",
                                      "<a@b.c>",
                                      "\"a\"@b.c",
                                      "a@[1.2.3.4]",
                                      "a\r\n@b.c",
                                      "a\x7f@b.c",
                                      "a\xe2\x80\x8b@b.c",
                                      "a\xc2\xa0@b.c",
                                      "a\xff@b.c",
                                      "a@b.\xe3\x80\x80"};
    char large[LIMIT_EMAIL_BYTES + 2];
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
        CHECK(email_plausible(slice_cstr(good[i])));
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        if (email_plausible(slice_cstr(bad[i]))) test_fail(__FILE__, __LINE__, "%s", bad[i]);
    for (size_t i = 0; i < sizeof large; i++) large[i] = i % 50 == 49 ? '.' : 'a';
    large[1] = '@';
    CHECK(email_plausible(slice_of(large, LIMIT_EMAIL_BYTES)));
    CHECK(!email_plausible(slice_of(large, LIMIT_EMAIL_BYTES + 1)));
    memset(large, 'a', 70);
    large[65] = '@';
    large[67] = '.';
    CHECK(!email_plausible(slice_of(large, 69)));
}

TEST(ini_lines)
{
    static const struct {
        const char *section, *key, *value;
        unsigned line;
    } want[] = {
        {"", "a", "1", 3},           {"", "b.c-d_E", "x = y # no comment", 4}, {"", "empty", "", 5},
        {"one two", "k", " v; ", 8}, {"one two", "u", "\xc3\xa9", 9},          {"s", "q", "", 12}};
    struct ini p;
    struct ini_line l;
    ini_init(&p, SLICE("\xef\xbb\xbf# c\r\n\n a=1\r\nb.c-d_E \t=  x = y # no comment \nempty=\n ; "
                       "c\n[ one two ]\n"
                       "k = \" v; \"\nu=\xc3\xa9\n\n[s]\nq=\"\""));
    for (size_t i = 0; i < sizeof want / sizeof want[0]; i++) {
        CHECK_OK(ini_next(&p, &l));
        CHECK_SLICE(l.section, slice_cstr(want[i].section));
        CHECK_SLICE(l.key, slice_cstr(want[i].key));
        CHECK_SLICE(l.value, slice_cstr(want[i].value));
        CHECK_U64(l.line, want[i].line);
    }
    CHECK_ERR(ini_next(&p, &l), ERR_NOT_FOUND);
    CHECK_ERR(ini_next(&p, &l), ERR_NOT_FOUND);
}

TEST(ini_malformed_lines)
{
    static const struct slice bad[] = {
        SLICE("a"),          SLICE("=1"),         SLICE("a b=1"),     SLICE("[a"),
        SLICE("[]"),         SLICE("[a]b]"),      SLICE("[a] x"),     SLICE("[ ]"),
        SLICE("a=\"b"),      SLICE("a=\"b\"c\""), SLICE("a=\"b\" c"), SLICE("a=\""),
        SLICE("a=\0"),       SLICE("a=\x1b[m"),   SLICE("a=b\rc"),    SLICE("a=\xff"),
        SLICE("\xc3\xa9=1"), SLICE("# \x7f"),     SLICE("a=\r\r")};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        char text[64] = "ok=1\n\n";
        memcpy(text + 6, bad[i].ptr, bad[i].len);
        struct ini p;
        struct ini_line l;
        ini_init(&p, slice_of(text, 6 + bad[i].len));
        CHECK_OK(ini_next(&p, &l));
        enum err e = ini_next(&p, &l);
        if (e != ERR_INVALID || p.line != 3)
            test_fail(__FILE__, __LINE__, "bad[%zu]: %s, line %u", i, err_name(e), p.line);
    }
}

TEST(ip_addresses_have_one_spelling)
{
    static const struct {
        const char *text, *want;
    } good[] = {{"192.0.2.1", "192.0.2.1"},
                {"::1", "::1"},
                {"2001:DB8:0:0::1", "2001:db8::1"},
                {"2001:0db8:0000:0000:0000:0000:0000:0001", "2001:db8::1"},
                {"::FFFF:192.0.2.1", "::ffff:192.0.2.1"}};
    static const struct slice bad[] = {SLICE(""),          SLICE("192.0.2"),     SLICE("192.0.2.256"), SLICE("192.0.2.1 "),
                                       SLICE("fe80::1%lo"), SLICE("::1\0"),       SLICE("[::1]"),       SLICE("localhost"),
                                       SLICE("192.0.2.%"), SLICE("192.0.2.0/24"), SLICE("0:0:0:0:0:0:0:0:0:0:0:0:0:0:0:0:0:0:0:0:0:0:0")};
    char text[IP_TEXT_BYTES];
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        CHECK_OK(ip_canonical(slice_cstr(good[i].text), text));
        CHECK_SLICE(slice_cstr(text), slice_cstr(good[i].want));
    }
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) CHECK_ERR(ip_canonical(bad[i], text), ERR_INVALID);
}
