/* HTTP/1 where it gets difficult: refusals, early answers, clients that go, sources that break, back-pressure. */
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include "base/intmath.h"
#include "base/limits.h"
#include "lib/test.h"
#include "net/http_harness.h"

static struct harness h;
static struct probe cl;
static struct answer a;
static char zeros[1 << 20];

static void nap_ms(long ms)
{
    const struct timespec t = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};
    nanosleep(&t, NULL);
}

static bool ask(const char *text) { return probe_say(&cl, text) && probe_answer(&cl, false, &a); }

TEST(continue_when_the_body_is_wanted)
{
    CHECK(harness_open(&h, &(struct harness_options){0}));
    for (int i = 0; i < 2; i++) {
        CHECK(probe_open(&cl, h.port, NULL));
        const char *put = "PUT /sink HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n";
        const char *post = "POST /call HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n";
        CHECK(probe_say(&cl, i ? post : put) && probe_recv(&cl));
        CHECK_SLICE(buf_view(&cl.in), SLICE("HTTP/1.1 100 Continue\r\n\r\n"));
        buf_reset(&cl.in);
        CHECK(ask("hello"));
        CHECK(a.status == (i ? 200 : 201));
        /* Not asked for when it is there already. */
        CHECK(ask("POST /call HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\nab"));
        CHECK(a.status == 200 && strcmp(a.body, "ab") == 0);
        probe_close(&cl);
    }
    /* Refused: no 100, and the connection ends since the body may or may not come. */
    CHECK(probe_open(&cl, h.port, NULL));
    CHECK(ask("PUT /refuse HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n"));
    CHECK(a.status == 403 && answer_has(&a, "connection: close") && probe_sees_end(&cl));
    probe_close(&cl);
    harness_close(&h);
}

TEST(pipelined_requests_are_answered_in_order)
{
    static const char text[] =
        "GET /header HTTP/1.1\r\nHost: x\r\nX-Echo: one\r\n\r\n"
        "POST /call HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\ntwo"
        "PUT /sink HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"
        "GET /header HTTP/1.1\r\nHost: x\r\nX-Echo: a\r\nX-Echo: b\r\n\r\n"
        "GET /inline HTTP/1.1\r\nHost: x\r\n\r\n";
    static const char *const want[] = {"one", "two", NULL, "a, b", "inline"};
    CHECK(harness_open(&h, &(struct harness_options){0}));
    for (int by_byte = 0; by_byte < 2; by_byte++) {
        CHECK(probe_open(&cl, h.port, NULL));
        for (size_t i = 0; by_byte && i < sizeof text - 1; i++) {
            CHECK(probe_send(&cl, text + i, 1));
            if (i % 16 == 0) nap_ms(1);
        }
        if (!by_byte) CHECK(probe_say(&cl, text));
        for (size_t i = 0; i < ARRAY_LEN(want); i++) {
            CHECK(probe_answer(&cl, false, &a));
            if (want[i]) CHECK(a.status == 200 && strcmp(a.body, want[i]) == 0);
        }
        probe_close(&cl);
    }
    harness_close(&h);
}

TEST(refused_heads_close_the_connection)
{
    static char target[6000], header[20000];
    snprintf(target, sizeof target, "GET /%05000d HTTP/1.1\r\nHost: x\r\n\r\n", 0);
    snprintf(header, sizeof header, "GET / HTTP/1.1\r\nHost: x\r\nX: %018000d", 0);
    const struct {
        const char *text;
        int status;
    } cases[] = {
        {"GET / HTTP/1.1\nHost: x\n\n", 400},
        {"GET / HTTP/1.1\r\n\r\n", 400},
        {"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400},
        {"BREW / HTTP/1.1\r\nHost: x\r\n\r\n", 501},
        {"GET / HTTP/3.0\r\nHost: x\r\n\r\n", 505},
        {target, 414},
        {header, 431},
    };
    CHECK(harness_open(&h, &(struct harness_options){0}));
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        CHECK(probe_open(&cl, h.port, NULL));
        CHECK(ask(cases[i].text));
        CHECK_U64(a.status, cases[i].status);
        CHECK(answer_has(&a, "connection: close") && probe_sees_end(&cl));
        probe_close(&cl);
    }
    CHECK_U64(atomic_load(&h.plans), 0);
    harness_close(&h);
}

TEST(bodies_too_large)
{
    static const char *const heads[] = {
        "POST /call HTTP/1.1\r\nHost: x\r\nContent-Length: 100001\r\n\r\n",
        "POST /call HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n186A1\r\n",
        "PUT /sink HTTP/1.1\r\nHost: x\r\nContent-Length: 100001\r\n\r\n",
        "PUT /sink HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n186A1\r\n",
    };
    CHECK(harness_open(&h, &(struct harness_options){0}));
    h.stream_max = 100000;
    for (size_t i = 0; i < ARRAY_LEN(heads); i++) {
        CHECK(probe_open(&cl, h.port, NULL));
        CHECK(probe_say(&cl, heads[i]) && probe_send(&cl, zeros, 100001) && probe_answer(&cl, false, &a));
        CHECK_U64(a.status, 413);
        probe_close(&cl);
    }
    CHECK(harness_wait(&h.dones, 4));
    CHECK(atomic_load(&h.calls) == 0 && atomic_load(&h.finishes) == 0 && atomic_load(&h.aborts) == 1);
    harness_close(&h);
}

TEST(early_answers_reach_the_client)
{
    char head[200];
    CHECK(harness_open(&h, &(struct harness_options){0}));
    /* Short: the body is read away and the connection kept. */
    CHECK(probe_open(&cl, h.port, NULL));
    for (int i = 0; i < 3; i++) {
        CHECK(probe_say(&cl, "PUT /refuse HTTP/1.1\r\nHost: x\r\nContent-Length: 200000\r\n\r\n"));
        CHECK(probe_send(&cl, zeros, 200000) && probe_answer(&cl, false, &a) && a.status == 403);
        CHECK(!answer_has(&a, "connection: close"));
    }
    CHECK(ask("GET /call HTTP/1.1\r\nHost: x\r\n\r\n") && a.status == 200);
    probe_close(&cl);
    /* Long: the answer comes, then the end. */
    CHECK(probe_open(&cl, h.port, NULL));
    snprintf(head, sizeof head, "PUT /failing HTTP/1.1\r\nHost: x\r\nContent-Length: %llu\r\n\r\n", 1 * GIB);
    CHECK(probe_say(&cl, head) && probe_send(&cl, zeros, 300000) && probe_answer(&cl, false, &a));
    CHECK(a.status == 507 && answer_has(&a, "connection: close"));
    probe_close(&cl);
    CHECK(harness_wait(&h.dones, 5));
    CHECK_U64(atomic_load(&h.finishes), 1);
    CHECK_U64(atomic_load(&h.aborts), 0);
    harness_close(&h);
}

TEST(broken_chunking_aborts_the_sink)
{
    CHECK(harness_open(&h, &(struct harness_options){0}));
    CHECK(probe_open(&cl, h.port, NULL));
    CHECK(ask("PUT /sink HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabcX"));
    CHECK(a.status == 400 && answer_has(&a, "connection: close"));
    CHECK(atomic_load(&h.aborts) == 1 && atomic_load(&h.finishes) == 0);
    CHECK_U64(atomic_load(&h.sink_bytes), 3);
    probe_close(&cl);
    harness_close(&h);
}

static bool bytes_arrive(uint64_t want)
{
    struct http_stats st = {0};
    for (int i = 0; i < 8000 && st.bytes_in_total < want; i++) {
        nap_ms(1);
        http_server_stats(h.server, &st);
    }
    return st.bytes_in_total == want;
}

TEST(client_cut_in_the_body)
{
    static const bool tls[] = {false, true};
    for (size_t i = 0; i < 2; i++) {
        CHECK(harness_open(&h, &(struct harness_options){.tls = tls[i]}));
        CHECK(probe_open(&cl, h.port, tls[i] ? "http/1.1" : NULL));
        CHECK(probe_say(&cl, "PUT /sink HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n"));
        CHECK(probe_send(&cl, zeros, 600000));
        CHECK(bytes_arrive(600000));
        probe_close(&cl);
        CHECK(harness_wait(&h.dones, 1));
        CHECK(atomic_load(&h.aborts) == 1 && atomic_load(&h.finishes) == 0);
        CHECK_U64(atomic_load(&h.sink_bytes), 600000); /* what came is kept */
        CHECK_U64((uint64_t)atomic_load(&h.last_status), 0);
        harness_close(&h);
    }
}

TEST(a_broken_source_is_seen)
{
    for (size_t i = 0; i < 4; i++) {
        bool tls = i % 2;
        CHECK(harness_open(&h, &(struct harness_options){.tls = tls}));
        CHECK(probe_open(&cl, h.port, tls ? "http/1.1" : NULL));
        CHECK(ask(i < 2 ? "GET /broken/700000 HTTP/1.1\r\nHost: x\r\n\r\n"
                        : "GET /nowbroken/700000 HTTP/1.1\r\nHost: x\r\n\r\n"));
        CHECK(a.status == 200 && !a.complete && a.body_bytes <= 700000);
        probe_close(&cl);
        CHECK(harness_wait(&h.dones, 1));
        CHECK(atomic_load(&h.closes) == 1 && atomic_load(&h.closes_complete) == 0);
        CHECK_U64(atomic_load(&h.completes), 0);
        harness_close(&h);
    }
}

TEST(client_cut_in_a_download)
{
    CHECK(harness_open(&h, &(struct harness_options){0}));
    CHECK(probe_open(&cl, h.port, NULL));
    CHECK(probe_say(&cl, "GET /source/300000000 HTTP/1.1\r\nHost: x\r\n\r\n") && probe_recv(&cl));
    nap_ms(300);
    /* Nobody reads: what was produced fits into the socket and the pieces. */
    uint64_t produced = atomic_load(&h.source_bytes);
    CHECK(produced < 30000000);
    probe_close(&cl);
    CHECK(harness_wait(&h.dones, 1));
    CHECK(atomic_load(&h.closes) == 1 && atomic_load(&h.closes_complete) == 0);
    CHECK(atomic_load(&h.last_sent_bytes) > 0 && atomic_load(&h.last_sent_bytes) < produced);
    harness_close(&h);
}

TEST(a_slow_sink_holds_the_client_back)
{
    struct http_stats st;
    char want[100];
    CHECK(harness_open(&h, &(struct harness_options){0}));
    CHECK(probe_open(&cl, h.port, NULL));
    CHECK(probe_say(&cl, "PUT /slow HTTP/1.1\r\nHost: x\r\nContent-Length: 20000000\r\n\r\n"));
    size_t sent = 0;
    for (int quiet = 0; quiet < 20;) {
        ssize_t n = send(cl.fd, zeros, MIN(sizeof zeros, 20000000 - sent), MSG_DONTWAIT | MSG_NOSIGNAL);
        if (n > 0) sent += (size_t)n;
        quiet = n > 0 ? 0 : quiet + 1;
        if (n <= 0) nap_ms(10);
    }
    http_server_stats(h.server, &st);
    CHECK_U64(st.bytes_in_total, LIMIT_HTTP_STREAM_PIECES * LIMIT_HTTP_STREAM_PIECE_BYTES);
    CHECK(sent < 20000000);
    atomic_store(&h.gate, true);
    while (sent < 20000000) {
        size_t n = MIN(sizeof zeros, 20000000 - sent);
        CHECK(probe_send(&cl, zeros, n));
        sent += n;
    }
    CHECK(probe_answer(&cl, false, &a) && a.status == 201);
    snprintf(want, sizeof want, "20000000 ");
    CHECK(strncmp(a.body, want, strlen(want)) == 0);
    probe_close(&cl);
    harness_close(&h);
}

TEST(who_asks_behind_a_proxy)
{
    static const char request[] = "GET /peer HTTP/1.1\r\nHost: x\r\nX-Forwarded-For: 203.0.113.9\r\nX-Forwarded-For: 198.51.100.4\r\n\r\n";
    struct address_net loopback;
    CHECK_OK(address_net_parse(SLICE("127.0.0.0/8"), &loopback));
    for (size_t n = 0; n < 2; n++) {
        CHECK(harness_open(&h, &(struct harness_options){.cfg = {.proxies = &loopback, .proxy_count = n}}));
        CHECK(probe_open(&cl, h.port, NULL));
        CHECK(ask(request) && strcmp(a.body, n ? "198.51.100.4 x v1" : "127.0.0.1 x v1") == 0);
        CHECK(ask("GET /peer HTTP/1.1\r\nHost: x\r\n\r\n") && strcmp(a.body, "127.0.0.1 x v1") == 0);
        probe_close(&cl);
        harness_close(&h);
    }
}

TEST(http_1_0_and_odd_answers)
{
    CHECK(harness_open(&h, &(struct harness_options){0}));
    CHECK(probe_open(&cl, h.port, NULL));
    CHECK(ask("GET /unknown/5000 HTTP/1.0\r\n\r\n"));
    CHECK(a.status == 200 && !answer_has(&a, "chunked") && a.body_bytes == 5000);
    probe_close(&cl);
    CHECK(probe_open(&cl, h.port, NULL));
    CHECK(ask("GET /call HTTP/1.0\r\nConnection: keep-alive\r\n\r\n") && answer_has(&a, "connection: keep-alive"));
    CHECK(ask("GET /bad HTTP/1.1\r\nHost: x\r\n\r\n") && a.status == 500);
    CHECK(ask("GET http://name:81/peer HTTP/1.1\r\nHost: x\r\n\r\n") && strcmp(a.body, "127.0.0.1 name:81 v1") == 0);
    CHECK(ask("GET /source/0 HTTP/1.1\r\nHost: x\r\n\r\n") && answer_has(&a, "content-length: 0\r\n"));
    CHECK(ask("GET /unknown/0 HTTP/1.1\r\nHost: x\r\n\r\n") && a.complete && a.body_bytes == 0);
    CHECK(ask("PUT /sink HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n") && strcmp(a.body, "0 0") == 0);
    CHECK(probe_say(&cl, "HEAD /call HTTP/1.1\r\nHost: x\r\n\r\n") && probe_answer(&cl, true, &a));
    CHECK(answer_has(&a, "content-length: 5\r\n"));
    CHECK(ask("GET /call HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n") && answer_has(&a, "connection: close"));
    CHECK(probe_sees_end(&cl));
    probe_close(&cl);
    CHECK_U64(atomic_load(&h.dones), atomic_load(&h.completes));
    harness_close(&h);
}
