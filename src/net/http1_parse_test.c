/* The HTTP/1 head parser and the chunked coding: tables of what is taken and what is refused. */
#include "net/http1_parse.h"

#include <stdio.h>
#include <string.h>

#include "base/intmath.h"
#include "lib/test.h"

static char work[40000];

/* Status 0: accepted. -1: no complete head, -2: refused by the scan. */
static int try_head(struct slice text, struct http1_head *head)
{
    struct http1_scan scan = {0};
    struct http_refusal why = {0};
    size_t end = 0;
    if (text.len > sizeof work) return -3;
    memcpy(work, text.ptr, text.len);
    switch (http1_scan_head(&scan, work, text.len, &end)) {
    case HTTP1_MORE: return -1;
    case HTTP1_BAD: return -2;
    case HTTP1_HEAD: break;
    }
    return http1_parse_head(work + scan.skipped, end - scan.skipped, head, &why) ? 0 : why.status;
}

#define H "Host: a\r\n"

TEST(heads_table)
{
    static const struct {
        const char *text;
        int want;
    } cases[] = {
        {"GET / HTTP/1.1\r\nHost: a\r\n\r\n", 0},
        {"\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", 0},
        {"GET / HTTP/1.0\r\n\r\n", 0},
        {"OPTIONS * HTTP/1.1\r\n" H "\r\n", 0},
        {"GET http://b:80/x?y HTTP/1.1\r\n" H "\r\n", 0},
        {"GET http://b?y HTTP/1.1\r\n" H "\r\n", 0},
        {"POST / HTTP/1.1\r\n" H "Content-Length: 0\r\n\r\n", 0},
        {"POST / HTTP/1.1\r\n" H "Transfer-Encoding: Chunked\r\n\r\n", 0},
        {"GET / HTTP/1.1\r\n" H "X-Empty:\r\n\r\n", 0},
        {"GET / HTTP/1.1\r\n" H "X-Obs: \xe4\r\n\r\n", 0},
        /* incomplete */
        {"", -1},
        {"GET / HTTP/1.1\r\nHost: a\r\n", -1},
        /* line ends */
        {"GET / HTTP/1.1\nHost: a\n\n", -2},
        {"GET / HTTP/1.1\r\nHost: a\n\r\n", -2},
        {"\nGET / HTTP/1.1\r\n\r\n", -2},
        {"GET / HTTP/1.1\r\n" H "X: a\rb\r\n\r\n", 400},
        {"GET / HTTP/1.1\r\n" H "X: a\r\n folded\r\n\r\n", 400},
        {"GET / HTTP/1.1\r\n" H "\tX: a\r\n\r\n", 400},
        /* request line */
        {"GET  / HTTP/1.1\r\n" H "\r\n", 400},
        {" GET / HTTP/1.1\r\n" H "\r\n", 400},
        {"GET / HTTP/1.1 \r\n" H "\r\n", 400},
        {"GET /\r\n" H "\r\n", 400},
        {"GET / http/1.1\r\n" H "\r\n", 400},
        {"GET / HTTP/2.0\r\n" H "\r\n", 505},
        {"PRI * HTTP/2.0\r\n\r\n", 505},
        {"GET / HTTP/1.2\r\n" H "\r\n", 505},
        {"BREW / HTTP/1.1\r\n" H "\r\n", 501},
        {"CONNECT a:80 HTTP/1.1\r\n" H "\r\n", 501},
        {"get / HTTP/1.1\r\n" H "\r\n", 501},
        {"G(T / HTTP/1.1\r\n" H "\r\n", 400},
        {"GET a HTTP/1.1\r\n" H "\r\n", 400},
        {"GET * HTTP/1.1\r\n" H "\r\n", 400},
        {"GET /a#b HTTP/1.1\r\n" H "\r\n", 400},
        {"GET /\xc3\xa4 HTTP/1.1\r\n" H "\r\n", 400},
        {"GET /a\x01 HTTP/1.1\r\n" H "\r\n", 400},
        {"GET http://u@b/ HTTP/1.1\r\n" H "\r\n", 400},
        {"GET ftp://b/ HTTP/1.1\r\n" H "\r\n", 400},
        {"GET http:///x HTTP/1.1\r\n" H "\r\n", 400},
        /* host */
        {"GET / HTTP/1.1\r\n\r\n", 400},
        {"GET / HTTP/1.1\r\n" H H "\r\n", 400},
        {"GET / HTTP/1.1\r\nHost:\r\n\r\n", 400},
        {"GET / HTTP/1.1\r\nHost: a b\r\n\r\n", 400},
        {"GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", 400},
        {"GET / HTTP/1.1\r\nHost: u@a\r\n\r\n", 400},
        /* fields */
        {"GET / HTTP/1.1\r\nHost : a\r\n\r\n", 400},
        {"GET / HTTP/1.1\r\n" H ": x\r\n\r\n", 400},
        {"GET / HTTP/1.1\r\n" H "no colon\r\n\r\n", 400},
        {"GET / HTTP/1.1\r\n" H "X{: x\r\n\r\n", 400},
        {"GET / HTTP/1.1\r\n" H "X: a\x7f\r\n\r\n", 400},
        {"GET / HTTP/1.1\r\n" H "Expect: a miracle\r\n\r\n", 417},
        /* framing: where smuggling lives */
        {"POST / HTTP/1.1\r\n" H "Content-Length: 1\r\nContent-Length: 1\r\n\r\n", 400},
        {"POST / HTTP/1.1\r\n" H "Content-Length: 1, 1\r\n\r\n", 400},
        {"POST / HTTP/1.1\r\n" H "Content-Length: +1\r\n\r\n", 400},
        {"POST / HTTP/1.1\r\n" H "Content-Length: -1\r\n\r\n", 400},
        {"POST / HTTP/1.1\r\n" H "Content-Length: 0x1\r\n\r\n", 400},
        {"POST / HTTP/1.1\r\n" H "Content-Length: 1 1\r\n\r\n", 400},
        {"POST / HTTP/1.1\r\n" H "Content-Length:\r\n\r\n", 400},
        {"POST / HTTP/1.1\r\n" H "Content-Length: 18446744073709551616\r\n\r\n", 400},
        {"POST / HTTP/1.1\r\n" H "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", 400},
        {"POST / HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\nContent-Length: 0\r\n\r\n", 400},
        {"POST / HTTP/1.1\r\n" H "Transfer-Encoding: gzip\r\n\r\n", 501},
        {"POST / HTTP/1.1\r\n" H "Transfer-Encoding: gzip, chunked\r\n\r\n", 501},
        {"POST / HTTP/1.1\r\n" H "Transfer-Encoding: chunked, chunked\r\n\r\n", 501},
        {"POST / HTTP/1.1\r\n" H "Transfer-Encoding: identity\r\n\r\n", 501},
        {"POST / HTTP/1.1\r\n" H "Transfer-Encoding: xchunked\r\n\r\n", 501},
        {"POST / HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n", 400},
        {"POST / HTTP/1.1\r\n" H "Transfer-Encoding : chunked\r\n\r\n", 400},
        {"POST / HTTP/1.1\r\n" H "Transfer-Encoding: \x0b" "chunked\r\n\r\n", 400},
        {"POST / HTTP/1.0\r\n" H "Transfer-Encoding: chunked\r\n\r\n", 400},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct http1_head head;
        int got = try_head(slice_cstr(cases[i].text), &head);
        if (got != cases[i].want)
            test_fail(__FILE__, __LINE__, "%d, wanted %d: %s", got, cases[i].want, cases[i].text);
    }
}

TEST(head_parts)
{
    struct http1_head h;
    CHECK(try_head(SLICE("PUT /a/b%20c?x=1&y HTTP/1.1\r\nHOST: example.org:8443\r\nContent-Length: 42\r\n"
                         "Expect: 100-Continue\r\nX-Thing:  two words\t\r\nConnection: x, Close\r\n\r\n"),
                   &h) == 0);
    CHECK(h.method == HTTP_PUT && h.minor == 1 && h.header_count == 5);
    CHECK_SLICE(h.path, SLICE("/a/b%20c"));
    CHECK_SLICE(h.query, SLICE("x=1&y"));
    CHECK_SLICE(h.authority, SLICE("example.org:8443"));
    CHECK(h.has_length && h.content_length == 42 && h.expect_continue && !h.keep_alive && !h.chunked);
    CHECK_SLICE(h.headers[3].name, SLICE("x-thing"));
    CHECK_SLICE(h.headers[3].value, SLICE("two words"));
}

TEST(absolute_form_wins_over_host)
{
    struct http1_head h;
    CHECK(try_head(SLICE("GET http://real.example?q HTTP/1.1\r\nHost: other\r\n\r\n"), &h) == 0);
    CHECK_SLICE(h.authority, SLICE("real.example"));
    CHECK_SLICE(h.path, SLICE("/"));
    CHECK_SLICE(h.query, SLICE("q"));
}

TEST(keep_alive_by_version)
{
    struct http1_head h;
    CHECK(try_head(SLICE("GET / HTTP/1.1\r\nHost: a\r\n\r\n"), &h) == 0 && h.keep_alive);
    CHECK(try_head(SLICE("GET / HTTP/1.0\r\n\r\n"), &h) == 0 && !h.keep_alive);
    CHECK(try_head(SLICE("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"), &h) == 0 && h.keep_alive);
    CHECK(try_head(SLICE("GET / HTTP/1.0\r\nExpect: 100-continue\r\n\r\n"), &h) == 0);
    CHECK(!h.expect_continue);
}

TEST(head_limits)
{
    static char text[40000];
    struct http1_head h;
    int n = snprintf(text, sizeof text, "GET /%0*d HTTP/1.1\r\nHost: a\r\n\r\n", LIMIT_HTTP_TARGET_BYTES - 1, 0);
    CHECK(try_head(slice_of(text, (size_t)n), &h) == 0);
    n = snprintf(text, sizeof text, "GET /%0*d HTTP/1.1\r\nHost: a\r\n\r\n", LIMIT_HTTP_TARGET_BYTES, 0);
    CHECK(try_head(slice_of(text, (size_t)n), &h) == 414);
    for (int count = LIMIT_HTTP_HEADERS; count <= LIMIT_HTTP_HEADERS + 1; count++) {
        n = snprintf(text, sizeof text, "GET / HTTP/1.1\r\nHost: a\r\n");
        for (int i = 1; i < count; i++)
            n += snprintf(text + n, sizeof text - (size_t)n, "X: %d\r\n", i);
        n += snprintf(text + n, sizeof text - (size_t)n, "\r\n");
        CHECK(try_head(slice_of(text, (size_t)n), &h) == (count > LIMIT_HTTP_HEADERS ? 431 : 0));
    }
}

TEST(scan_byte_by_byte)
{
    static const char text[] = "\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\nrest";
    struct http1_scan scan = {0};
    size_t end = 0, n = 0;
    while (http1_scan_head(&scan, text, n, &end) == HTTP1_MORE && n < sizeof text) n++;
    CHECK_U64(n, sizeof text - 1 - 4);
    CHECK_U64(end, n);
    CHECK_U64(scan.skipped, 2);
}

/* Decodes in steps of `step` bytes. */
static enum err decode(struct slice text, size_t step, char *out, size_t *ret_len, size_t *ret_used)
{
    struct http1_chunked c = {0};
    size_t at = 0, len = 0;
    while (at < text.len && !http1_chunked_ended(&c)) {
        size_t used = 0, have = MIN(step, text.len - at);
        struct slice data;
        TRY(http1_chunked_feed(&c, text.ptr + at, have, &used, &data));
        memcpy(out + len, data.ptr, data.len);
        len += data.len;
        at += used;
    }
    *ret_len = len;
    *ret_used = at;
    return http1_chunked_ended(&c) ? ERR_OK : ERR_NOT_FOUND;
}

TEST(chunked_table)
{
    static const struct {
        const char *text;
        enum err want;
        const char *body;
    } cases[] = {
        {"0\r\n\r\n", ERR_OK, ""},
        {"5\r\nhello\r\n0\r\n\r\nNEXT", ERR_OK, "hello"},
        {"00005;a=b;c=\"d\"\r\nhello\r\n1\r\n!\r\n0\r\nX-T: 1\r\nY: 2\r\n\r\nNEXT", ERR_OK, "hello!"},
        {"a\r\n0123456789\r\nA\r\n0123456789\r\n0\r\n\r\n", ERR_OK, "01234567890123456789"},
        {"5\r\nhel", ERR_NOT_FOUND, "hel"},
        {"5\nhello\r\n0\r\n\r\n", ERR_INVALID, NULL},
        {"5\r\nhello0\r\n\r\n", ERR_INVALID, NULL},
        {"5\r\nhello\n0\r\n\r\n", ERR_INVALID, NULL},
        {"5 \r\nhello\r\n0\r\n\r\n", ERR_INVALID, NULL},
        {" 5\r\nhello\r\n0\r\n\r\n", ERR_INVALID, NULL},
        {"0x5\r\nhello\r\n0\r\n\r\n", ERR_INVALID, NULL},
        {"-5\r\nhello\r\n0\r\n\r\n", ERR_INVALID, NULL},
        {"\r\nhello\r\n0\r\n\r\n", ERR_INVALID, NULL},
        {"g\r\n", ERR_INVALID, NULL},
        {"fffffffffffffffff\r\n", ERR_INVALID, NULL},
        {"5;a\nb\r\nhello\r\n0\r\n\r\n", ERR_INVALID, NULL},
        {"5\r\rhello\r\n0\r\n\r\n", ERR_INVALID, NULL},
        {"0\r\nX: 1\n\r\n", ERR_INVALID, NULL},
        {"0\r\n X: 1\r\n\r\n", ERR_INVALID, NULL},
        {"0\r\n\rX", ERR_INVALID, NULL},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        for (size_t step = 1; step < 40; step++) {
            char body[64] = "";
            size_t len = 0, used = 0;
            struct slice text = slice_cstr(cases[i].text);
            enum err e = decode(text, step, body, &len, &used);
            bool ok = e == cases[i].want &&
                      (!cases[i].body || slice_eq(slice_of(body, len), slice_cstr(cases[i].body))) &&
                      (e != ERR_OK || slice_eq(slice_sub(text, used, text.len), SLICE("NEXT")) ||
                       used == text.len);
            if (!ok)
                test_fail(__FILE__, __LINE__, "step %zu: %s of %s", step, err_name(e), cases[i].text);
        }
    }
}

TEST(chunked_lines_are_bounded)
{
    static char text[40000];
    char body[8];
    size_t len = 0, used = 0;
    int n = snprintf(text, sizeof text, "1;%0*d\r\nx\r\n0\r\n\r\n", LIMIT_HTTP_CHUNK_LINE_BYTES, 0);
    CHECK_ERR(decode(slice_of(text, (size_t)n), 1000, body, &len, &used), ERR_INVALID);
    n = snprintf(text, sizeof text, "0\r\nX: %0*d\r\n\r\n", (int)LIMIT_HTTP_HEAD_BYTES, 0);
    CHECK_ERR(decode(slice_of(text, (size_t)n), 1000, body, &len, &used), ERR_INVALID);
}
