/* base: slices, buffers, arenas, ids, time, errors, logs. */
#include "base/address.h"
#include "base/arena.h"
#include "base/buf.h"
#include "base/ctx.h"
#include "base/id.h"
#include "base/intmath.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/time.h"
#include "lib/test.h"

TEST(err_table)
{
    CHECK(strcmp(err_name(ERR_NOT_FOUND), "not_found") == 0);
    CHECK_U64(err_http_status(ERR_NOSPACE), 507);
    CHECK(err_retryable(ERR_BUSY) && !err_retryable(ERR_DENIED));
    CHECK(strcmp(err_name((enum err)999), "internal") == 0);
    for (int e = 0; e < ERR_COUNT; e++) CHECK(err_text((enum err)e) && err_exit_code((enum err)e) < 8);
}

static const char *key_of(const char *peer)
{
    static char key[ADDRESS_KEY_BYTES];
    address_key(peer, key);
    return key;
}

TEST(address_keys)
{
    static const char *const keys[][2] = {
        {"192.0.2.7", "192.0.2.7"},
        {"::ffff:192.0.2.7", "192.0.2.7"},
        {"2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"},
        {"2001:db8:1:2::", "2001:db8:1:2::/64"},
        {"2001:DB8:1:3::1", "2001:db8:1:3::/64"},
        {"ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "ffff:ffff:ffff:ffff::/64"},
        {"1:0:0:4:5:6:7:8", "1:0:0:4::/64"},
        {"::1", "::/64"},
        {"fe80::1%eth0", "fe80::1%eth0"},
        {"", ""},
        {"no address", "no address"},
        {"0123456789012345678901234567890123456789012345678901234", "01234567890123456789012345678901234567890123456"},
    };
    for (size_t i = 0; i < ARRAY_LEN(keys); i++) CHECK_SLICE(slice_cstr(key_of(keys[i][0])), slice_cstr(keys[i][1]));
}

TEST(address_networks)
{
    static const struct {
        const char *net, *address;
        bool in;
    } cases[] = {
        {"192.0.2.7", "192.0.2.7", true},       {"192.0.2.7", "192.0.2.8", false},      {"10.0.0.0/8", "10.255.255.255", true},
        {"10.0.0.0/8", "11.0.0.0", false},      {"10.0.0.0/8", "::ffff:10.1.2.3", true}, {"::ffff:10.0.0.0/104", "10.1.2.3", true},
        {"0.0.0.0/0", "203.0.113.9", true},     {"0.0.0.0/0", "2001:db8::1", false},    {"::/0", "203.0.113.9", true},
        {"2001:db8::/33", "2001:db8:7fff::1", true}, {"2001:db8::/33", "2001:db8:8000::1", false}, {"::1", "::1", true},
        {"10.0.0.0/8", "", false},              {"10.0.0.0/8", "no address", false},
    };
    static const char *const bad[] = {"", "/", "/8", "10.0.0.0/", "10.0.0.0/33", "10.0.0.0/x", "10.0.0.1/8", "10.0.0", "::/129", "host",
                                      "2001:db8::1/64", "10.0.0.0/8/8", "1111:2222:3333:4444:5555:6666:7777:8888:9999:aaaa:bbbb"};
    struct address_net net;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        CHECK_OK(address_net_parse(slice_cstr(cases[i].net), &net));
        CHECK(address_in(cases[i].address, &net, 1) == cases[i].in);
    }
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) CHECK_ERR(address_net_parse(slice_cstr(bad[i]), &net), ERR_INVALID);
}

TEST(address_behind_proxies)
{
    static const char *const cases[][3] = {
        {"127.0.0.1", "203.0.113.9", "203.0.113.9"},
        {"127.0.0.1", "1.1.1.1, 203.0.113.9", "203.0.113.9"}, /* the first the client wrote itself */
        {"127.0.0.1", "1.1.1.1, 203.0.113.9 , 10.1.1.1", "203.0.113.9"},
        {"127.0.0.1", "10.9.9.9, 10.1.1.1", "10.9.9.9"},
        {"127.0.0.1", "2001:DB8::7", "2001:db8::7"},
        {"127.0.0.1", "::ffff:203.0.113.9", "203.0.113.9"},
        {"127.0.0.1", "", "127.0.0.1"},
        {"127.0.0.1", "unknown", "127.0.0.1"},
        {"127.0.0.1", "203.0.113.9, nonsense, 10.1.1.1", "10.1.1.1"},
        {"127.0.0.1", ",,", "127.0.0.1"},
        {"198.51.100.4", "203.0.113.9", "198.51.100.4"}, /* no proxy of ours */
    };
    struct address_net nets[2];
    CHECK_OK(address_net_parse(SLICE("127.0.0.0/8"), &nets[0]));
    CHECK_OK(address_net_parse(SLICE("10.0.0.0/8"), &nets[1]));
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        char peer[ADDRESS_TEXT_BYTES];
        snprintf(peer, sizeof peer, "%s", cases[i][0]);
        address_behind(slice_cstr(cases[i][1]), nets, ARRAY_LEN(nets), peer);
        CHECK_SLICE(slice_cstr(peer), slice_cstr(cases[i][2]));
    }
}

TEST(slice_operations)
{
    struct slice s = SLICE("a=b=c");
    CHECK_SLICE(slice_cut(&s, '='), SLICE("a"));
    CHECK_SLICE(s, SLICE("b=c"));
    CHECK_SLICE(slice_trim(SLICE(" \t x y ")), SLICE("x y"));
    CHECK(slice_starts(SLICE("abc"), SLICE("ab")) && !slice_starts(SLICE("a"), SLICE("ab")));
    CHECK(slice_ends(SLICE("abc"), SLICE("bc")) && slice_eq_nocase(SLICE("AbZ"), SLICE("aBz")));
    CHECK_SLICE(slice_sub(SLICE("abc"), 2, 99), SLICE("c"));
    CHECK_SLICE(slice_sub(SLICE("abc"), 9, 1), SLICE(""));
}

TEST(slice_numbers_are_strict)
{
    uint64_t v = 7;
    CHECK_OK(slice_u64(SLICE("18446744073709551615"), UINT64_MAX, &v));
    CHECK_U64(v, UINT64_MAX);
    CHECK_ERR(slice_u64(SLICE("18446744073709551616"), UINT64_MAX, &v), ERR_TOO_LARGE);
    CHECK_ERR(slice_u64(SLICE("11"), 10, &v), ERR_TOO_LARGE);
    CHECK_ERR(slice_u64(SLICE(""), 10, &v), ERR_INVALID);
    CHECK_ERR(slice_u64(SLICE("+1"), 10, &v), ERR_INVALID);
    CHECK_ERR(slice_u64(SLICE("1 "), 10, &v), ERR_INVALID);
    CHECK_U64(v, UINT64_MAX);
}

TEST(buf_is_bounded)
{
    CLEANUP(buf_done) struct buf b = BUF_INIT(8);
    CHECK_OK(buf_put(&b, SLICE("12345")));
    CHECK_ERR(buf_put(&b, SLICE("6789")), ERR_TOO_LARGE);
    CHECK_SLICE(buf_view(&b), SLICE("12345"));
    CHECK_OK(buf_printf(&b, "%d", 678));
    CHECK_SLICE(buf_view(&b), SLICE("12345678"));
    CHECK_ERR(buf_putc(&b, '9'), ERR_TOO_LARGE);
    buf_consume(&b, 6);
    CHECK_SLICE(buf_view(&b), SLICE("78"));
    const char *s = NULL;
    CHECK_OK(buf_cstr(&b, &s));
    CHECK(strcmp(s, "78") == 0);
    CHECK_OK(buf_putc(&b, 0));
    CHECK_ERR(buf_cstr(&b, &s), ERR_INVALID);
}

TEST(buf_survives_allocation_failure)
{
    CLEANUP(buf_done) struct buf b = BUF_INIT(1 << 20);
    CHECK_OK(buf_put(&b, SLICE("kept")));
    test_fail_alloc(0, true);
    CHECK_ERR(buf_reserve(&b, 4096), ERR_NOMEM);
    test_fail_alloc(UINT64_MAX, false);
    CHECK_SLICE(buf_view(&b), SLICE("kept"));
}

TEST(arena_is_capped_and_aligned)
{
    CLEANUP(arena_done) struct arena a;
    arena_init(&a, 64 * 1024);
    for (size_t i = 1; i < 100; i++) {
        char *p = arena_alloc(&a, i, 1);
        CHECK(p && (uintptr_t)p % 16 == 0 && p[i - 1] == 0);
    }
    CHECK(arena_alloc(&a, 1, 128 * 1024) == NULL);
    CHECK(arena_alloc(&a, SIZE_MAX, 2) == NULL);
    struct slice s = {0};
    CHECK_OK(arena_printf(&a, &s, "%s-%d", "x", 5));
    CHECK_SLICE(s, SLICE("x-5"));
    arena_reset(&a);
    CHECK(arena_alloc(&a, 1, 32 * 1024) != NULL);
}

TEST(id_text_and_v7)
{
    char text[ID_TEXT_LEN + 1];
    uint8_t random[16];
    memset(random, 0xff, sizeof random);
    struct id id = id_v7(0x017F22E279B0, random), back = {{0}};
    id_text(id, text);
    CHECK(memcmp(text, "017f22e2-79b0-7fff-bfff", 23) == 0);
    CHECK_OK(id_parse(slice_cstr(text), &back));
    CHECK(id_eq(id, back) && !id_is_zero(back));
    CHECK_ERR(id_parse(SLICE("017f22e2-79b0-7fff-bfff-fffffffffff"), &back), ERR_INVALID);
    CHECK_ERR(id_parse(SLICE("017f22e2x79b0-7fff-bfff-ffffffffffff"), &back), ERR_INVALID);
    CHECK_ERR(id_parse(SLICE("017f22e2-79b0-7fff-bfff-fffffffffffg"), &back), ERR_INVALID);
}

TEST(time_round_trips)
{
    char text[TIME_RFC3339_LEN + 1];
    int64_t ms = 0;
    time_rfc3339(1784000000123ll, text);
    CHECK_OK(time_parse_rfc3339(slice_cstr(text), &ms));
    CHECK_U64(ms, 1784000000123ll);
    CHECK_OK(time_parse_rfc3339(SLICE("2024-02-29T23:59:59+01:30"), &ms));
    time_rfc3339(ms, text);
    CHECK(strcmp(text, "2024-02-29T22:29:59.000Z") == 0);
    CHECK_ERR(time_parse_rfc3339(SLICE("2023-02-29T00:00:00Z"), &ms), ERR_INVALID);
    CHECK_ERR(time_parse_rfc3339(SLICE("2023-13-01T00:00:00Z"), &ms), ERR_INVALID);
    CHECK_ERR(time_parse_rfc3339(SLICE("2023-01-01T24:00:00Z"), &ms), ERR_INVALID);
    CHECK_ERR(time_parse_rfc3339(SLICE("2023-01-01T00:00:00"), &ms), ERR_INVALID);
    CHECK_ERR(time_parse_rfc3339(SLICE("2023-01-01T00:00:00Zx"), &ms), ERR_INVALID);
    for (int64_t day = -800000; day < 800000; day += 997) {
        struct civil_time t;
        time_civil(day * 86400000 + 5, &t);
        CHECK_U64(time_from_civil(&t), day * 86400000 + 5);
    }
}

static char logged[4096];
static void capture(const char *line, size_t len)
{
    memcpy(logged, line, len);
    logged[len] = '\0';
}
static int64_t fixed_now(void) { return 0; }

TEST(log_lines_are_safe)
{
    log_setup(LOG_INFO, LOG_LOGFMT, capture, fixed_now);
    log_info("hello", LOG_TEXT("name", SLICE("a \"b\"\n\x1b")), LOG_NUM("n", -3));
    CHECK(strcmp(logged, "ts=1970-01-01T00:00:00.000Z level=info event=hello "
                         "name=\"a \\\"b\\\"\\u000a\\u001b\" n=-3\n") == 0);
    log_setup(LOG_INFO, LOG_JSON, capture, fixed_now);
    log_warn("x", LOG_TEXT("k", SLICE("v")));
    CHECK(strcmp(logged, "{\"ts\":\"1970-01-01T00:00:00.000Z\",\"level\":\"warn\",\"event\":\"x\","
                         "\"k\":\"v\"}\n") == 0);
    logged[0] = '\0';
    log_debug("quiet", LOG_NUM("n", 1));
    CHECK(logged[0] == '\0');
    log_setup(LOG_OFF, LOG_LOGFMT, NULL, NULL);
}

static unsigned writes;
static void count_writes(const char *line, size_t len)
{
    writes++;
    capture(line, len);
}

TEST(log_lines_of_a_turn_are_written_together)
{
    CLEANUP(buf_done) struct buf kept = BUF_INIT(4096);
    static const char one[] = "ts=1970-01-01T00:00:00.000Z level=info event=one n=1\n";
    log_setup(LOG_INFO, LOG_LOGFMT, count_writes, fixed_now);
    log_keep(&kept);
    writes = 0;
    log_info("one", LOG_NUM("n", 1));
    log_info("one", LOG_NUM("n", 1));
    CHECK_U64(writes, 0);
    log_flush();
    CHECK_U64(writes, 1);
    CHECK(strlen(logged) == 2 * strlen(one) && memcmp(logged, one, strlen(one)) == 0);
    log_flush();
    CHECK_U64(writes, 1);
    /* What is wrong is told at once, behind what was kept. */
    log_info("one", LOG_NUM("n", 1));
    log_error("two", LOG_NUM("n", 2));
    CHECK_U64(writes, 3);
    CHECK(strstr(logged, "event=two") != NULL && strstr(logged, "event=one") == NULL);
    for (int i = 0; i < 200; i++) log_info("one", LOG_NUM("n", 1));
    CHECK(writes > 3 && writes < 20);
    log_keep(NULL);
    writes = 0;
    log_info("one", LOG_NUM("n", 1));
    CHECK_U64(writes, 1);
    log_setup(LOG_OFF, LOG_LOGFMT, NULL, NULL);
}

TEST(ctx_cuts_between_characters)
{
    CLEANUP(ctx_done) struct ctx c;
    char name[300] = "";
    ctx_init(&c, 1 << 16);
    for (size_t i = 0; i < 4; i++) { /* "é" begins at each place around the end once */
        memset(name, 'x', sizeof name - 1);
        for (size_t at = 240 + i; at + 2 < sizeof name; at += 2) memcpy(name + at, "\xc3\xa9", 2);
        CHECK_ERR(refuse(&c, ERR_DENIED, "type_denied", "%s", name), ERR_DENIED);
        size_t len = c.err_public.len;
        CHECK(len >= sizeof c.err_detail - 4 && (len - 240 - i) % 2 == 0);
        CHECK(memcmp(c.err_public.ptr, name, len) == 0);
    }
}

TEST(ctx_keeps_one_error)
{
    CLEANUP(ctx_done) struct ctx c;
    ctx_init(&c, 1 << 16);
    CHECK_ERR(fail(&c, ERR_IO, "open '%s'", "/x"), ERR_IO);
    CHECK(strcmp(c.err_detail, "open '/x'") == 0 && c.err_code == NULL);
    CHECK_ERR(refuse(&c, ERR_GONE, "link_expired", "This link has expired."), ERR_GONE);
    CHECK_SLICE(c.err_public, SLICE("This link has expired."));
    for (int i = 0; i < 40; i++) ctx_field_error(&c, "name", "is required");
    CHECK_U64(c.field_error_count, ARRAY_LEN(c.field_errors));
    ctx_clear_error(&c);
    CHECK(c.err == ERR_OK && c.field_error_count == 0);
}

TEST(mem_equal_is_exact)
{
    CHECK(mem_equal_ct("abc", "abc", 3) && !mem_equal_ct("abc", "abd", 3) && mem_equal_ct("", "", 0));
    uint8_t b[8];
    store_u64be(b, 0x0102030405060708ull);
    CHECK_U64(load_u64be(b), 0x0102030405060708ull);
}
