/* uri: escapes, query strings, URLs: what is read and what is refused. */
#include "codec/uri.h"

#include "base/mem.h"
#include "lib/test.h"

TEST(uri_escapes)
{
    CLEANUP(arena_done) struct arena a;
    CLEANUP(buf_done) struct buf out = BUF_INIT(256);
    struct slice s = {0};
    arena_init(&a, 1 << 16);
    CHECK_OK(uri_decode(&a, SLICE("a%20b+c%C3%a9%2f"), &s));
    CHECK_SLICE(s, SLICE("a b+c\xc3\xa9/"));
    CHECK_OK(uri_decode(&a, SLICE(""), &s));
    CHECK_SLICE(s, SLICE(""));
    static const struct slice bad[] = {{"%41", 1}, {"%41", 2},  {"%4", 2},   {"%4g", 3},
                                       {"%g4", 3}, {"a%00", 4}, {"%%41", 4}, {"\0", 1}};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        CHECK_ERR(uri_decode(&a, bad[i], &s), ERR_INVALID);
    CHECK_OK(uri_encode(&out, SLICE("Az09-._~ /+%\xc3\xa9\0")));
    CHECK_SLICE(buf_view(&out), SLICE("Az09-._~%20%2F%2B%25%C3%A9%00"));
}

TEST(uri_query_pairs)
{
    struct slice rest = SLICE("&a=1&&b&=x&c==&"), name, value;
    CHECK(query_next(&rest, &name, &value));
    CHECK_SLICE(name, SLICE("a"));
    CHECK_SLICE(value, SLICE("1"));
    CHECK(query_next(&rest, &name, &value));
    CHECK_SLICE(name, SLICE("b"));
    CHECK_SLICE(value, SLICE(""));
    CHECK(query_next(&rest, &name, &value));
    CHECK_SLICE(name, SLICE(""));
    CHECK_SLICE(value, SLICE("x"));
    CHECK(query_next(&rest, &name, &value));
    CHECK_SLICE(name, SLICE("c"));
    CHECK_SLICE(value, SLICE("="));
    CHECK(!query_next(&rest, &name, &value));
}

TEST(uri_query_get)
{
    CLEANUP(arena_done) struct arena a;
    struct slice s = SLICE("kept");
    arena_init(&a, 1 << 16);
    struct slice q = SLICE("q=a+b%2B&n%61me=x&flag&ab=1&abc=2");
    CHECK_OK(query_get(&a, q, "q", &s));
    CHECK_SLICE(s, SLICE("a b+"));
    CHECK_OK(query_get(&a, q, "name", &s));
    CHECK_SLICE(s, SLICE("x"));
    CHECK_OK(query_get(&a, q, "flag", &s));
    CHECK_SLICE(s, SLICE(""));
    CHECK_OK(query_get(&a, q, "ab", &s));
    CHECK_SLICE(s, SLICE("1"));
    CHECK_ERR(query_get(&a, q, "fla", &s), ERR_NOT_FOUND);
    CHECK_ERR(query_get(&a, SLICE(""), "a", &s), ERR_NOT_FOUND);
    CHECK_ERR(query_get(&a, SLICE("a=1&a=1"), "a", &s), ERR_INVALID);
    CHECK_ERR(query_get(&a, SLICE("a=1&%61=1"), "a", &s), ERR_INVALID);
    CHECK_ERR(query_get(&a, SLICE("a=%zz"), "a", &s), ERR_INVALID);
    CHECK_ERR(query_get(&a, SLICE("%zz=1&a=2"), "a", &s), ERR_INVALID);
    CHECK_ERR(query_get(&a, SLICE("a=%00"), "a", &s), ERR_INVALID);
    CHECK_OK(query_get(&a, SLICE("b=%zz&a=2"), "a", &s));
    CHECK_SLICE(s, SLICE("2"));
}

TEST(uri_urls)
{
    struct uri u;
    CHECK_OK(uri_parse(SLICE("HTTPS://Example.com:8443/s/T%20ok?a=b&c#k=1"), &u));
    CHECK_SLICE(u.scheme, SLICE("https"));
    CHECK_SLICE(u.host, SLICE("Example.com"));
    CHECK_SLICE(u.path, SLICE("/s/T%20ok"));
    CHECK_SLICE(u.query, SLICE("a=b&c"));
    CHECK_SLICE(u.fragment, SLICE("k=1"));
    CHECK(u.port == 8443 && !u.ipv6);
    CHECK_OK(uri_parse(SLICE("http://127.0.0.1"), &u));
    CHECK_SLICE(u.path, SLICE("/"));
    CHECK(u.port == 80 && !u.query.ptr && !u.fragment.ptr);
    CHECK_OK(uri_parse(SLICE("https://[2001:db8::1]:1/?#"), &u));
    CHECK_SLICE(u.host, SLICE("2001:db8::1"));
    CHECK(u.ipv6 && u.port == 1 && u.query.ptr && u.query.len == 0 && u.fragment.ptr);
    CHECK_OK(uri_parse(SLICE("https://my_host-1/#/?"), &u));
    CHECK(u.port == 443 && !u.query.ptr);
    CHECK_SLICE(u.fragment, SLICE("/?"));
}

TEST(uri_urls_are_strict)
{
    static const struct slice bad[] = {
        {"", 0},
        SLICE("example.com"),
        SLICE("//example.com/"),
        SLICE("ftp://example.com/"),
        SLICE("https:/example.com/"),
        SLICE("https://"),
        SLICE("https:///x"),
        SLICE("https://user@example.com/"),
        SLICE("https://user:pw@example.com/"),
        SLICE("https://example.com:/"),
        SLICE("https://example.com:0/"),
        SLICE("https://example.com:65536/"),
        SLICE("https://example.com:+1/"),
        SLICE("https://example.com:1 /"),
        SLICE("https://exa mple.com/"),
        SLICE("https://example.com./"),
        SLICE("https://a..b/"),
        SLICE("https://-a.b/"),
        SLICE("https://a%2eb/"),
        SLICE("https://m\xc3\xbcnchen.de/"),
        SLICE("https://127.1/"),
        SLICE("https://127.0.0.01/"),
        SLICE("https://2130706433/"),
        SLICE("https://0x7f.1/"),
        SLICE("https://a.0x7F/"),
        SLICE("https://256.0.0.1/"),
        SLICE("https://[::1/"),
        SLICE("https://[::1"),
        SLICE("https://[::1]x/"),
        SLICE("https://[fe80::1%25eth0]/"),
        SLICE("https://[127.0.0.1]/"),
        SLICE("https://::1/"),
        SLICE("https://a.b/ x"),
        SLICE("https://a.b/%4"),
        SLICE("https://a.b/\\x"),
        SLICE("https://a.b\\@c.d/"),
        SLICE("https://a.b/?<"),
        SLICE("https://a.b/#a#b"),
        SLICE("https://a.b/\0"),
        SLICE("https://a\0.b/"),
        SLICE("https://a.b/\r\n"),
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct uri u;
        /* Memory of exactly that size, so that the address sanitizer sees a step beyond it. */
        CLEANUP(mem_cleanup) char *copy = mem_alloc(1, bad[i].len);
        memcpy(copy, bad[i].ptr, bad[i].len);
        if (uri_parse(slice_of(copy, bad[i].len), &u) == ERR_OK)
            test_fail(__FILE__, __LINE__, "took " SLICE_FMT, SLICE_ARG(bad[i]));
    }
}

TEST(uri_survives_allocation_failure)
{
    CLEANUP(arena_done) struct arena a;
    CLEANUP(buf_done) struct buf out = BUF_INIT(256);
    struct slice s = SLICE("kept");
    arena_init(&a, 1 << 16);
    test_fail_alloc(0, true);
    CHECK_ERR(uri_decode(&a, SLICE("a"), &s), ERR_NOMEM);
    CHECK_ERR(query_get(&a, SLICE("a=1"), "a", &s), ERR_NOMEM);
    CHECK_ERR(uri_encode(&out, SLICE("/")), ERR_NOMEM);
    CHECK_SLICE(s, SLICE("kept"));
}
