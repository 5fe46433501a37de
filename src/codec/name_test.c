/* utf8 and name: well-formed text, normal forms, file names in and out. */
#include "codec/name.h"

#include "base/limits.h"
#include "codec/utf8.h"
#include "lib/test.h"

TEST(utf8_well_formed)
{
    static const struct slice good[] = {{"", 0},
                                        SLICE("a\x7f"),
                                        SLICE("\0"),
                                        SLICE("\xc2\x80\xdf\xbf"),
                                        SLICE("\xe0\xa0\x80\xed\x9f\xbf\xee\x80\x80\xef\xbf\xbf"),
                                        SLICE("\xf0\x90\x80\x80\xf4\x8f\xbf\xbf")};
    static const struct slice bad[] = {{"\xc3\xa9", 1},
                                       {"\xe2\x82\xac", 2},
                                       {"\xf0\x9f\x98\x80", 3},
                                       SLICE("\x80"),
                                       SLICE("\xc0\x80"),
                                       SLICE("\xc1\xbf"),
                                       SLICE("\xc2"),
                                       SLICE("\xc2\x7f"),
                                       SLICE("\xe0\x9f\xbf"),
                                       SLICE("\xed\xa0\x80"),
                                       SLICE("\xe1\x80"),
                                       SLICE("\xe1\x80\xc0"),
                                       SLICE("\xf0\x8f\xbf\xbf"),
                                       SLICE("\xf4\x90\x80\x80"),
                                       SLICE("\xf5\x80\x80\x80"),
                                       SLICE("\xff"),
                                       SLICE("a\xf0\x90\x80")};
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) CHECK(utf8_valid(good[i]));
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        if (utf8_valid(bad[i])) test_fail(__FILE__, __LINE__, "bad[%zu]", i);
    uint32_t cp = 0;
    CHECK(utf8_step(SLICE("\xf0\x9f\x98\x80x"), &cp) == 4 && cp == 0x1f600);
    CHECK(utf8_step(SLICE("\xe2\x82\xac"), &cp) == 3 && cp == 0x20ac);
    CHECK(utf8_step(SLICE("\xc3\xa9"), &cp) == 2 && cp == 0xe9);
    CHECK(utf8_cut(SLICE("a\xe2\x82\xac"), 3) == 1 && utf8_cut(SLICE("a\xe2\x82\xac"), 4) == 4 &&
          utf8_cut(SLICE("ab"), 1) == 1);
}

TEST(utf8_normal_forms)
{
    CLEANUP(arena_done) struct arena a;
    struct slice s = {0};
    arena_init(&a, 1 << 16);
    CHECK_OK(utf8_nfc(&a, SLICE("e\xcc\x81"), &s));
    CHECK_SLICE(s, SLICE("\xc3\xa9"));
    CHECK_OK(utf8_nfc(&a, SLICE("\xef\xac\x81"), &s));
    CHECK_SLICE(s, SLICE("\xef\xac\x81"));
    CHECK_OK(utf8_nfkc(&a, SLICE("\xef\xac\x81\xe2\x91\xa0"), &s));
    CHECK_SLICE(s, SLICE("fi1"));
    CHECK_OK(utf8_nfkc(&a, SLICE("A"), &s));
    CHECK_SLICE(s, SLICE("A"));
    CHECK_OK(utf8_fold(&a,
                       SLICE("Stra\xc3\x9f"
                             "e\xe2\x80\x8b@\xef\xbc\xa1.DE"),
                       &s));
    CHECK_SLICE(s, SLICE("strasse@a.de"));
    CHECK_OK(utf8_fold(&a, SLICE(""), &s));
    CHECK_SLICE(s, SLICE(""));
    CHECK_OK(utf8_fold_bare(&a, SLICE("R\xc3\x89sume\xcc\x81 \xc3\x85\xc5\x82 \xef\xac\x81"), &s));
    CHECK_SLICE(s, SLICE("resume a\xc5\x82 fi"));
    CHECK_ERR(utf8_fold_bare(&a, SLICE("\xff"), &s), ERR_INVALID);
    CHECK_ERR(utf8_nfc(&a, SLICE("\xff"), &s), ERR_INVALID);
    CHECK_ERR(utf8_fold(&a, SLICE("a\xed\xa0\x80"), &s), ERR_INVALID);
    CHECK_OK(utf8_nfc(&a, SLICE("a\0b"), &s));
    CHECK_SLICE(s, SLICE("a\0b"));
}

TEST(name_checks)
{
    static const struct slice good[] = {SLICE("a"),
                                        SLICE(".x"),
                                        SLICE("...x"),
                                        SLICE("a.tar.gz"),
                                        SLICE("invoice.pdf.exe"),
                                        SLICE("console"),
                                        SLICE("com10.x"),
                                        SLICE("nul_"),
                                        SLICE("lpt"),
                                        SLICE("a b"),
                                        SLICE("r\xc3\xa9sum\xc3\xa9.pdf"),
                                        SLICE("\xf0\x9f\x98\x80"),
                                        SLICE("-rf"),
                                        SLICE("a:b?*\"<>|"),
                                        SLICE("\xc2\xa0")};
    static const struct slice bad[] = {{"", 0},
                                       SLICE("."),
                                       SLICE(".."),
                                       SLICE("..."),
                                       SLICE("a."),
                                       SLICE("a.txt.."),
                                       SLICE("CON"),
                                       SLICE("nul.tar.gz"),
                                       SLICE("aux .h"),
                                       SLICE("com1"),
                                       SLICE("LPT\xc2\xb9.x"),
                                       SLICE("conin$"),
                                       SLICE(" a"),
                                       SLICE("a "),
                                       SLICE("a/b"),
                                       SLICE("a\\b"),
                                       SLICE("a\nb"),
                                       SLICE("a\0b"),
                                       SLICE("\x7f"),
                                       SLICE("\xc2\x85"),
                                       SLICE("\xc2\x9f"),
                                       SLICE("\xff"),
                                       SLICE("\xe2\x80\xa8"),
                                       SLICE("\xe2\x80\xa9"),
                                       SLICE("txt\xe2\x80\xae"),
                                       SLICE("\xe2\x80\xaa"),
                                       SLICE("\xe2\x81\xa6"),
                                       SLICE("\xe2\x81\xa9")};
    char longest[LIMIT_NAME_BYTES + 1];
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) CHECK_OK(name_check(good[i]));
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        CHECK_ERR(name_check(bad[i]), ERR_INVALID);
    memset(longest, 'a', sizeof longest);
    CHECK_OK(name_check(slice_of(longest, LIMIT_NAME_BYTES)));
    CHECK_ERR(name_check(slice_of(longest, LIMIT_NAME_BYTES + 1)), ERR_INVALID);
}

TEST(path_checks)
{
    static const char *const good[] = {"a", "a/b", "a/...b/c d"};
    static const char *const bad[] = {"",       "/",   "/a",   "a/",   "a//b",
                                      "a/../b", "./a", "a/..", "a/ b", "a\\b", "a/nul/b", "a./b"};
    char deep[2 * LIMIT_PATH_BYTES];
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
        CHECK_OK(path_check(slice_cstr(good[i])));
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        CHECK_ERR(path_check(slice_cstr(bad[i])), ERR_INVALID);
    for (size_t i = 0; i < sizeof deep; i++) deep[i] = i % 2 ? '/' : 'a';
    CHECK_OK(path_check(slice_of(deep, 2 * NAME_PATH_DEPTH - 1)));
    CHECK_ERR(path_check(slice_of(deep, 2 * NAME_PATH_DEPTH + 1)), ERR_INVALID);
    for (size_t i = 0; i < sizeof deep; i++) deep[i] = i % 100 == 99 ? '/' : 'a';
    CHECK_OK(path_check(slice_of(deep, LIMIT_PATH_BYTES)));
    CHECK_ERR(path_check(slice_of(deep, LIMIT_PATH_BYTES + 1)), ERR_INVALID);
}

static void check_disposition(struct slice name, struct slice want)
{
    CLEANUP(buf_done) struct buf out = BUF_INIT(1024);
    CHECK_OK(disposition_write(&out, true, name));
    CHECK_SLICE(buf_view(&out), want);
}

TEST(disposition_names)
{
    CLEANUP(buf_done) struct buf out = BUF_INIT(8);
    check_disposition(SLICE("report 1.pdf"), SLICE("attachment; filename=\"report 1.pdf\""));
    check_disposition(SLICE(""), SLICE("attachment"));
    check_disposition(
        SLICE("\xe2\x82\xac rates"),
        SLICE("attachment; filename=\"_ rates\"; filename*=UTF-8''%E2%82%AC%20rates"));
    check_disposition(SLICE("a\"b%41"),
                      SLICE("attachment; filename=\"a_b_41\"; filename*=UTF-8''a%22b%2541"));
    check_disposition(SLICE("a\r\nX: y"), SLICE("attachment; filename=\"a__X: y\""));
    check_disposition(SLICE("../\xff\xe2\x80\xae\\"), SLICE("attachment; filename=\"..____\""));
    CHECK_OK(disposition_write(&out, false, SLICE("")));
    CHECK_SLICE(buf_view(&out), SLICE("inline"));
    CHECK_ERR(disposition_write(&out, true, SLICE("x")), ERR_TOO_LARGE);
}

static void check_local(struct slice path, struct slice want)
{
    CLEANUP(arena_done) struct arena a;
    struct slice s = {0};
    arena_init(&a, 1 << 16);
    CHECK_OK(name_safe_local(&a, path, true, &s));
    CHECK_SLICE(s, want);
    CHECK_OK(name_safe_local(&a, path, false, &s));
    CHECK_SLICE(s, path);
}

TEST(name_local_paths)
{
    CLEANUP(arena_done) struct arena a;
    struct slice s = {0};
    check_local(SLICE("a/b.txt"), SLICE("a/b.txt"));
    check_local(SLICE("a<b>:\"|?*"), SLICE("a_b______"));
    check_local(SLICE("console/com10/communication/lpt/xnul"),
                SLICE("console/com10/communication/lpt/xnul"));
    arena_init(&a, 1 << 16);
    CHECK_ERR(name_safe_local(&a, SLICE("../x"), true, &s), ERR_INVALID);
    CHECK_ERR(name_safe_local(&a, SLICE("/etc/x"), false, &s), ERR_INVALID);
    CHECK_ERR(name_safe_local(&a, SLICE("a\\..\\b"), true, &s), ERR_INVALID);
    CHECK_ERR(name_safe_local(&a, SLICE("a/CON"), true, &s), ERR_INVALID);
    CHECK_ERR(name_safe_local(&a, SLICE("x./y"), false, &s), ERR_INVALID);
}

TEST(name_survives_allocation_failure)
{
    CLEANUP(arena_done) struct arena a;
    CLEANUP(buf_done) struct buf out = BUF_INIT(4096);
    struct slice s = SLICE("kept");
    arena_init(&a, 1 << 16);
    test_fail_alloc(0, true);
    CHECK_ERR(utf8_nfc(&a, SLICE("a"), &s), ERR_NOMEM);
    CHECK_ERR(utf8_fold(&a, SLICE(""), &s), ERR_NOMEM);
    CHECK_ERR(name_safe_local(&a, SLICE("a"), true, &s), ERR_NOMEM);
    CHECK_ERR(name_safe_local(&a, SLICE("a"), false, &s), ERR_NOMEM);
    CHECK_ERR(disposition_write(&out, true, SLICE("a")), ERR_NOMEM);
    CHECK_SLICE(s, SLICE("kept"));
}
