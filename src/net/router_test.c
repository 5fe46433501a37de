/* Routing: which row, which parameters, which refusal. And the static assets. */
#include "net/router.h"

#include <string.h>

#include "base/intmath.h"
#include "lib/test.h"
#include "net/static.h"

static const struct {
    enum http_method method;
    const char *pattern;
} rows[] = {
    {HTTP_GET, "/"},
    {HTTP_GET, "/a"},
    {HTTP_POST, "/a"},
    {HTTP_GET, "/a/{id}"},
    {HTTP_DELETE, "/a/{id}"},
    {HTTP_POST, "/a/search"},
    {HTTP_PUT, "/a/{id}/parts/{n}"},
    {HTTP_GET, "/a/b/parts/{n}"},
    {HTTP_GET, "/d/"},
    {HTTP_GET, "/h"},
    {HTTP_HEAD, "/h"},
};

static void get(size_t i, enum http_method *ret_method, const char **ret_pattern)
{
    *ret_method = rows[i].method;
    *ret_pattern = rows[i].pattern;
}

#define M(m) (1u << HTTP_##m)

TEST(routes_table)
{
    static const struct {
        enum http_method method;
        const char *path;
        enum err want;
        size_t row;
        unsigned allowed;
        const char *params; /* joined by '|' */
    } cases[] = {
        {HTTP_GET, "/", ERR_OK, 0, M(GET) | M(HEAD), ""},
        {HTTP_GET, "/a", ERR_OK, 1, M(GET) | M(HEAD) | M(POST), ""},
        {HTTP_HEAD, "/a", ERR_OK, 1, M(GET) | M(HEAD) | M(POST), ""},
        {HTTP_POST, "/a", ERR_OK, 2, M(GET) | M(HEAD) | M(POST), ""},
        {HTTP_PUT, "/a", ERR_UNSUPPORTED, 0, M(GET) | M(HEAD) | M(POST), ""},
        {HTTP_GET, "/a/x%20y", ERR_OK, 3, M(GET) | M(HEAD) | M(DELETE), "x y"},
        {HTTP_POST, "/a/search", ERR_OK, 5, M(POST), ""},
        {HTTP_POST, "/a/s%65arch", ERR_OK, 5, M(POST), ""},
        {HTTP_GET, "/a/search", ERR_UNSUPPORTED, 0, M(POST), ""},
        {HTTP_PUT, "/a/f/parts/7", ERR_OK, 6, M(PUT), "f|7"},
        {HTTP_GET, "/a/b/parts/7", ERR_OK, 7, M(GET) | M(HEAD), "7"},
        {HTTP_GET, "/d/", ERR_OK, 8, M(GET) | M(HEAD), ""},
        {HTTP_HEAD, "/h", ERR_OK, 10, M(GET) | M(HEAD), ""},
        {HTTP_GET, "/d", ERR_NOT_FOUND, 0, 0, ""},
        {HTTP_GET, "/a/", ERR_NOT_FOUND, 0, 0, ""},
        {HTTP_GET, "/a//parts/7", ERR_NOT_FOUND, 0, 0, ""},
        {HTTP_GET, "//a", ERR_NOT_FOUND, 0, 0, ""},
        {HTTP_GET, "/A", ERR_NOT_FOUND, 0, 0, ""},
        {HTTP_OPTIONS, "*", ERR_NOT_FOUND, 0, 0, ""},
        {HTTP_GET, "/1/2/3/4/5/6/7/8/9/0/1/2/3/4/5/6/7/8", ERR_NOT_FOUND, 0, 0, ""},
        {HTTP_GET, "/a/%2f", ERR_INVALID, 0, 0, ""},
        {HTTP_GET, "/a/%00", ERR_INVALID, 0, 0, ""},
        {HTTP_GET, "/a/%zz", ERR_INVALID, 0, 0, ""},
        {HTTP_GET, "/a/%2", ERR_INVALID, 0, 0, ""},
    };
    struct router *r = NULL;
    CHECK_OK(router_new(ARRAY_LEN(rows), get, &r));
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct ctx c;
        struct router_match m = {0};
        char params[100] = "";
        ctx_init(&c, 65536);
        enum err e = router_find(r, &c, cases[i].method, slice_cstr(cases[i].path), &m);
        for (size_t p = 0, at = 0; p < m.param_count; p++) {
            if (p) params[at++] = '|';
            memcpy(params + at, m.params[p].ptr, m.params[p].len);
            at += m.params[p].len;
        }
        if (e != cases[i].want || (e == ERR_OK && m.index != cases[i].row) ||
            m.allowed != cases[i].allowed || strcmp(params, cases[i].params) != 0)
            test_fail(__FILE__, __LINE__, "%s: %s, row %zu, allowed %x, '%s'", cases[i].path, err_name(e),
                      m.index, m.allowed, params);
        ctx_done(&c);
    }
    router_free(r);
}

static void get_bad(size_t i, enum http_method *ret_method, const char **ret_pattern)
{
    (void)i;
    *ret_method = HTTP_GET;
    *ret_pattern = "/{a}/{b}/{c}/{d}/{e}";
}

TEST(router_refuses_bad_tables_and_survives_no_memory)
{
    struct router *r = NULL;
    CHECK_ERR(router_new(1, get_bad, &r), ERR_INVALID);
    for (uint64_t n = 0;; n++) {
        test_fail_alloc(n, false);
        enum err e = router_new(ARRAY_LEN(rows), get, &r);
        bool fired = test_alloc_fired();
        test_fail_alloc(UINT64_MAX, false);
        if (e == ERR_OK) router_free(r);
        CHECK(fired ? e == ERR_NOMEM : e == ERR_OK);
        if (!fired) break;
    }
}

static const struct static_asset assets[] = {
    {"/", "text/html", "\"1\"", false, {"plain", 5}, {"gz", 2}, {"b", 1}},
    {"/app.js", "text/javascript", "\"2\"", true, {"js", 2}, {"", 0}, {"", 0}},
};

static int serve(const char *path, const char *encoding, const char *none_match, struct http_response *resp)
{
    static struct ctx c;
    const struct static_asset *a = static_find(assets, 2, slice_cstr(path));
    struct http_header headers[2] = {{SLICE("accept-encoding"), slice_cstr(encoding)},
                                     {SLICE("if-none-match"), slice_cstr(none_match)}};
    ctx_done(&c);
    ctx_init(&c, 65536);
    struct http_request req = {.ctx = &c, .headers = headers, .header_count = none_match ? 2 : 1};
    *resp = (struct http_response){0};
    if (!a) return 404;
    return static_respond(a, &req, resp) == ERR_OK ? resp->status : -1;
}

static struct slice header(const struct http_response *resp, const char *name)
{
    for (size_t i = 0; i < resp->header_count; i++)
        if (slice_eq(resp->headers[i].name, slice_cstr(name))) return resp->headers[i].value;
    return SLICE("none");
}

TEST(static_assets)
{
    struct http_response r;
    CHECK(serve("/nothing", "br", NULL, &r) == 404);
    CHECK(serve("/", "gzip, br", NULL, &r) == 200);
    CHECK_SLICE(r.memory, SLICE("b"));
    CHECK_SLICE(header(&r, "content-encoding"), SLICE("br"));
    CHECK_SLICE(header(&r, "etag"), SLICE("\"1-br\""));
    CHECK_SLICE(header(&r, "cache-control"), SLICE("no-cache"));
    CHECK(serve("/", "br;q=0, gzip", NULL, &r) == 200);
    CHECK_SLICE(r.memory, SLICE("gz"));
    CHECK(serve("/", "", NULL, &r) == 200);
    CHECK_SLICE(r.memory, SLICE("plain"));
    CHECK_SLICE(header(&r, "content-encoding"), SLICE("none"));
    CHECK(serve("/", "br", "\"1-br\"", &r) == 304);
    CHECK(serve("/", "br", "W/\"1-br\"", &r) == 304);
    CHECK(serve("/", "br", "\"1\"", &r) == 200);
    CHECK(serve("/", "br", "\"0\"", &r) == 200);
    CHECK(serve("/app.js", "br", NULL, &r) == 200);
    CHECK_SLICE(r.memory, SLICE("js"));
    CHECK_SLICE(header(&r, "cache-control"), SLICE("public, max-age=31536000, immutable"));
}

TEST(response_headers_are_guarded)
{
    struct ctx c;
    struct http_response r = {0};
    ctx_init(&c, 65536);
    CHECK_ERR(http_response_header(&c, &r, "x", SLICE("a\r\nb: c")), ERR_INVALID);
    CHECK_ERR(http_response_header(&c, &r, "x", SLICE("a\nb")), ERR_INVALID);
    CHECK_ERR(http_response_header(&c, &r, "x", slice_of("a\0b", 3)), ERR_INVALID);
    CHECK_ERR(http_response_header(&c, &r, "content-length", SLICE("1")), ERR_INVALID);
    CHECK_ERR(http_response_header(&c, &r, "transfer-encoding", SLICE("chunked")), ERR_INVALID);
    for (int i = 0; i < 32; i++) CHECK_OK(http_response_header(&c, &r, "x", SLICE("y")));
    CHECK_ERR(http_response_header(&c, &r, "x", SLICE("y")), ERR_TOO_LARGE);
    ctx_done(&c);
}
