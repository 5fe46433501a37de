/* Structured fields: the examples of the specification, and what is not one. */
#include "codec/sfield.h"

#include "lib/test.h"

TEST(sfield_items)
{
    static const struct {
        const char *field;
        enum sfield_type type;
        int64_t integer; /* of a boolean, too */
        const char *text;
    } good[] = {
        {"?0", SFIELD_BOOLEAN, 0, NULL},
        {"?1", SFIELD_BOOLEAN, 1, NULL},
        {"  ?1  ", SFIELD_BOOLEAN, 1, NULL},
        {"?1;a;b=?0;c=\"x\";d=:AA==:;e=tok;f=1.5", SFIELD_BOOLEAN, 1, NULL},
        {"?1; a", SFIELD_BOOLEAN, 1, NULL},
        {"0", SFIELD_INTEGER, 0, NULL},
        {"-0", SFIELD_INTEGER, 0, NULL},
        {"42", SFIELD_INTEGER, 42, NULL},
        {"-42", SFIELD_INTEGER, -42, NULL},
        {"00042", SFIELD_INTEGER, 42, NULL},
        {"999999999999999", SFIELD_INTEGER, 999999999999999, NULL},
        {"-999999999999999", SFIELD_INTEGER, -999999999999999, NULL},
        {"4.5", SFIELD_DECIMAL, 0, NULL},
        {"-123456789012.123", SFIELD_DECIMAL, 0, NULL},
        {"\"hello world\"", SFIELD_STRING, 0, "hello world"},
        {"\"\"", SFIELD_STRING, 0, ""},
        {"\"a\\\"b\\\\c\"", SFIELD_STRING, 0, "a\\\"b\\\\c"},
        {"foo123/456", SFIELD_TOKEN, 0, "foo123/456"},
        {"*a:b!#$%&'*+-.^_`|~", SFIELD_TOKEN, 0, "*a:b!#$%&'*+-.^_`|~"},
        {":cHJldGVuZA==:", SFIELD_BYTES, 0, "cHJldGVuZA=="},
        {"::", SFIELD_BYTES, 0, ""},
        {"@1659578233", SFIELD_DATE, 1659578233, NULL},
        {"@-1", SFIELD_DATE, -1, NULL},
        {"%\"f%c3%bc\"", SFIELD_DISPLAY, 0, "f%c3%bc"},
    };
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        struct sfield f;
        bool ok = sfield_item(slice_cstr(good[i].field), &f) == ERR_OK && f.type == good[i].type;
        ok = ok && (f.type == SFIELD_BOOLEAN ? (int64_t)f.boolean : f.integer) == good[i].integer;
        ok = ok && (good[i].text ? slice_eq(f.text, slice_cstr(good[i].text)) : f.text.ptr == NULL);
        if (!ok) test_fail(__FILE__, __LINE__, "%s", good[i].field);
    }
}

TEST(sfield_items_malformed)
{
    static const char *const bad[] = {
        "", " ", "?", "?2", "?T", "??1", "? 1", "\t?1", "?1 x", "?1,?1", "?1, ?1", "?1;", "?1;A", "?1;a=", "?1 ;a", "?1;a=(1)",
        "-", "+1", "1.", ".5", "1.2345", "1234567890123.1", "1000000000000000", "-1000000000000000", "1e5", "0x1", "1 2", "--1",
        "\"a", "\"a\\x\"", "\"a\\", "\"\x7f\"", "\"\xc3\xbc\"", "\"\t\"", "'a'", "\"a\"b",
        "tok(", "t\xc3\xbc", "=a", "a=b", "a,b", "{",
        ":", ":AA==", ":A A=:", ":A-A_:", ":AA==:x", "@", "@1.5", "@a", "%\"a", "%a", "%\"%C3\"", "%\"%c\"", "%\"%\"", "(1 2)", "()",
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct sfield f = {.integer = 7};
        if (sfield_item(slice_cstr(bad[i]), &f) != ERR_INVALID || f.integer != 7)
            test_fail(__FILE__, __LINE__, "%s", bad[i]);
    }
    struct sfield f;
    CHECK(sfield_item(slice_of("?1\0", 3), &f) == ERR_INVALID);
    CHECK(sfield_item(slice_of("a\0", 2), &f) == ERR_INVALID);
}

TEST(sfield_dictionaries)
{
    struct sfield f;
    struct slice d = SLICE("max-size=1000;x, a=(1 2;y \"z\");q=1\t,\tb=?0 , c, *k_.-=tok, a=5, max-age=60");
    CHECK(sfield_member(d, SLICE("max-size"), &f) == ERR_OK && f.type == SFIELD_INTEGER && f.integer == 1000);
    CHECK(sfield_member(d, SLICE("b"), &f) == ERR_OK && f.type == SFIELD_BOOLEAN && !f.boolean);
    CHECK(sfield_member(d, SLICE("c"), &f) == ERR_OK && f.type == SFIELD_BOOLEAN && f.boolean);
    CHECK(sfield_member(d, SLICE("*k_.-"), &f) == ERR_OK && f.type == SFIELD_TOKEN);
    CHECK(sfield_member(d, SLICE("a"), &f) == ERR_OK && f.type == SFIELD_INTEGER && f.integer == 5);
    CHECK(sfield_member(SLICE("a=()"), SLICE("a"), &f) == ERR_OK && f.type == SFIELD_LIST);
    CHECK(sfield_member(SLICE("a=( 1  2 )"), SLICE("a"), &f) == ERR_OK && f.type == SFIELD_LIST);
    CHECK(sfield_member(d, SLICE("none"), &f) == ERR_NOT_FOUND);
    CHECK(sfield_member(SLICE(""), SLICE("a"), &f) == ERR_NOT_FOUND);
    static const char *const bad[] = {"A=1", "a=1,", "a=1 b=2", ",a=1", "a=", "a= 1", "a =1", "a=1,,b=2", "a=(1", "a=(1,2)", "a=(1\"x\")",
                                      "a=((1))", "1=2", "a=1;B", "-a=1", "\ta=1"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        if (sfield_member(slice_cstr(bad[i]), SLICE("a"), &f) != ERR_INVALID) test_fail(__FILE__, __LINE__, "%s", bad[i]);
}

TEST(sfield_of_the_type_asked_for)
{
    bool b = false;
    uint64_t n = 0;
    CHECK(sfield_is_boolean(SLICE("?1"), &b) && b);
    CHECK(sfield_is_boolean(SLICE("?0;x"), &b) && !b);
    CHECK(sfield_is_u64(SLICE("123"), &n) && n == 123);
    CHECK(!sfield_is_boolean(SLICE("1"), &b) && !sfield_is_boolean(SLICE("true"), &b) && !sfield_is_boolean((struct slice){0}, &b));
    CHECK(!sfield_is_u64(SLICE("-1"), &n) && !sfield_is_u64(SLICE("1.0"), &n) && !sfield_is_u64(SLICE("\"1\""), &n));
    CHECK(!sfield_is_u64(SLICE("1, 1"), &n) && !sfield_is_u64((struct slice){0}, &n) && n == 123);
}
