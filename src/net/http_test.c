/* The HTTP/1 engine over real sockets: calls, streams, sources, keep-alive, early answers. */
#include <stdio.h>
#include <string.h>

#include "base/intmath.h"
#include "base/mem.h"
#include "lib/test.h"
#include "net/http_harness.h"

static struct harness h;
static struct probe cl;
static struct answer a;

static uint64_t source_sum(uint64_t n)
{
    uint64_t sum = 0;
    for (uint64_t i = 0; i < n; i++) {
        char b = harness_byte(i);
        sum = harness_sum(sum, &b, 1);
    }
    return sum;
}

static char big[3 << 20];

static void fill_big(void)
{
    for (size_t i = 0; i < sizeof big; i++) big[i] = harness_byte(i);
}

/* Everything a client does daily, on one kept connection. */
static void daily(const char *alpn)
{
    char line[200];
    CHECK(probe_open(&cl, h.port, alpn));
    for (int round = 0; round < 3; round++) {
        CHECK(probe_say(&cl, "GET /call HTTP/1.1\r\nHost: x\r\n\r\n") && probe_answer(&cl, false, &a));
        CHECK(a.status == 200 && strcmp(a.body, "hello") == 0 && answer_has(&a, "\r\ndate: "));
        CHECK(probe_say(&cl, "GET /inline HTTP/1.1\r\nHost: x\r\n\r\n") && probe_answer(&cl, false, &a));
        CHECK(a.status == 200 && strcmp(a.body, "inline") == 0);
        CHECK(probe_say(&cl, "POST /call HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc"));
        CHECK(probe_answer(&cl, false, &a) && a.status == 200 && strcmp(a.body, "abc") == 0);
        CHECK(probe_say(&cl, "POST /call HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
                              "3\r\nabc\r\n2;x=y\r\nde\r\n0\r\nT: 1\r\n\r\n"));
        CHECK(probe_answer(&cl, false, &a) && a.status == 200 && strcmp(a.body, "abcde") == 0);
        CHECK(probe_say(&cl, "GET /none HTTP/1.1\r\nHost: x\r\n\r\n") && probe_answer(&cl, false, &a));
        CHECK(a.status == 204 && !answer_has(&a, "content-length"));
        snprintf(line, sizeof line, "PUT /sink HTTP/1.1\r\nHost: x\r\nContent-Length: %zu\r\n\r\n", sizeof big);
        CHECK(probe_say(&cl, line) && probe_send(&cl, big, sizeof big) && probe_answer(&cl, false, &a));
        snprintf(line, sizeof line, "%zu %llx", sizeof big,
                 (unsigned long long)harness_sum(0, big, sizeof big));
        CHECK(a.status == 201 && strcmp(a.body, line) == 0);
        CHECK(probe_say(&cl, "GET /source/3000001 HTTP/1.1\r\nHost: x\r\n\r\n"));
        CHECK(probe_answer(&cl, false, &a) && a.complete && a.body_bytes == 3000001);
        CHECK_U64(a.body_sum, source_sum(3000001));
        CHECK(probe_say(&cl, "GET /now/3000001 HTTP/1.1\r\nHost: x\r\n\r\n"));
        CHECK(probe_answer(&cl, false, &a) && a.complete && a.body_bytes == 3000001);
        CHECK_U64(a.body_sum, source_sum(3000001));
        CHECK(probe_say(&cl, "GET /unknown/700001 HTTP/1.1\r\nHost: x\r\n\r\n"));
        CHECK(probe_answer(&cl, false, &a) && a.complete && a.body_bytes == 700001);
        CHECK_U64(a.body_sum, source_sum(700001));
        CHECK(probe_say(&cl, "GET /memory/400000 HTTP/1.1\r\nHost: x\r\n\r\n"));
        CHECK(probe_answer(&cl, false, &a) && a.body_bytes == 400000);
        CHECK_U64(a.body_sum, source_sum(400000));
        CHECK(probe_say(&cl, "HEAD /source/3000001 HTTP/1.1\r\nHost: x\r\n\r\n"));
        CHECK(probe_answer(&cl, true, &a) && answer_has(&a, "content-length: 3000001\r\n"));
    }
    probe_close(&cl);
}

TEST(daily_plain)
{
    fill_big();
    CHECK(harness_open(&h, &(struct harness_options){0}));
    daily(NULL);
    harness_close(&h);
}

TEST(daily_tls)
{
    fill_big();
    CHECK(harness_open(&h, &(struct harness_options){.tls = true}));
    daily("http/1.1");
    harness_close(&h);
}
