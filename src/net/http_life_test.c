/* The life of connections and of the server: timeouts by an injected clock, stopping, a new certificate, many at once. */
#include <openssl/x509.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/intmath.h"
#include "base/limits.h"
#include "base/mem.h"
#include "lib/test.h"
#include "net/http_harness.h"
#include "os/sys.h"
#include "os/thread.h"

static struct harness h;
static struct probe cl;
static struct answer a;
static char zeros[1 << 20];
static _Atomic int64_t leap_ms;

static int64_t leaping_clock(void) { return sys_real()->mono_ms() + atomic_load(&leap_ms); }

static void nap_ms(long ms)
{
    const struct timespec t = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};
    nanosleep(&t, NULL);
}

static bool ask(const char *text) { return probe_say(&cl, text) && probe_answer(&cl, false, &a); }

static bool open_with_clock(bool tls)
{
    atomic_store(&leap_ms, 0);
    sys_table()->mono_ms = leaping_clock;
    return harness_open(&h, &(struct harness_options){.tls = tls});
}

static void close_with_clock(void)
{
    harness_close(&h);
    sys_table()->mono_ms = sys_real()->mono_ms;
}

static void leap(int64_t ms)
{
    nap_ms(150);
    atomic_fetch_add(&leap_ms, ms);
}

TEST(handshakes_heads_and_idling_time_out)
{
    CHECK(open_with_clock(true));
    CHECK(probe_open(&cl, h.port, NULL)); /* never begins its handshake */
    leap(10100);
    CHECK(probe_sees_end(&cl));
    probe_close(&cl);
    CHECK(probe_open(&cl, h.port, "http/1.1"));
    CHECK(ask("GET /call HTTP/1.1\r\nHost: x\r\n\r\n"));
    leap(50000);
    CHECK(ask("GET /call HTTP/1.1\r\nHost: x\r\n\r\n")); /* idle, but not for too long */
    leap(60100);
    CHECK(probe_sees_end(&cl));
    probe_close(&cl);
    /* A head in drips: each byte is in time, the whole is not. */
    CHECK(probe_open(&cl, h.port, "http/1.1"));
    CHECK(probe_say(&cl, "GET /call"));
    leap(6000);
    CHECK(probe_say(&cl, " HTTP/1.1\r\n"));
    leap(4500);
    CHECK(probe_answer(&cl, false, &a) && a.status == 408 && probe_sees_end(&cl));
    probe_close(&cl);
    close_with_clock();
}

/* A child that is being started has a copy of every descriptor until it is another program. */
static int copy = -1;
static atomic_uint told;

static int accept_with_copy(int fd, struct sockaddr *peer, socklen_t *len, int flags)
{
    int got = sys_real()->accept4(fd, peer, len, flags);
    if (got >= 0) copy = dup(got);
    return got;
}

static int telling_epoll_wait(int ep, struct epoll_event *ev, int max, int timeout)
{
    int n = sys_real()->epoll_wait(ep, ev, max, timeout);
    if (n > 0) atomic_fetch_add(&told, (unsigned)n);
    return n;
}

TEST(nothing_is_heard_of_a_closed_connection_that_a_child_still_has)
{
    sys_table()->accept4 = accept_with_copy;
    sys_table()->epoll_wait = telling_epoll_wait;
    CHECK(harness_open(&h, &(struct harness_options){.tls = false}));
    CHECK(probe_open(&cl, h.port, NULL));
    CHECK(ask("GET /call HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"));
    CHECK(probe_sees_end(&cl));
    nap_ms(50);
    unsigned before = atomic_load(&told);
    CHECK(copy >= 0 && probe_say(&cl, "GET /call HTTP/1.1\r\n"));
    nap_ms(150);
    unsigned after = atomic_load(&told);
    probe_close(&cl);
    close(copy);
    harness_close(&h);
    sys_table()->accept4 = sys_real()->accept4;
    sys_table()->epoll_wait = sys_real()->epoll_wait;
    CHECK(after == before);
}

TEST(stalled_and_slow_bodies_time_out)
{
    static const struct {
        int steps;
        int64_t step_ms;
    } cases[] = {{1, 30100}, {5, 8000}}; /* silent for 30 s; or a few bytes every 8 s, below the least rate */
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        CHECK(open_with_clock(false));
        CHECK(probe_open(&cl, h.port, NULL));
        CHECK(probe_say(&cl, "PUT /sink HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\nabc"));
        nap_ms(1200);
        for (int s = 0; s < cases[i].steps; s++) {
            leap(cases[i].step_ms);
            if (cases[i].steps > 1) CHECK(probe_say(&cl, "x"));
        }
        CHECK(probe_answer(&cl, false, &a));
        CHECK(a.status == 408 && answer_has(&a, "connection: close"));
        CHECK(atomic_load(&h.aborts) == 1 && atomic_load(&h.finishes) == 0);
        probe_close(&cl);
        close_with_clock();
    }
}

TEST(a_slow_handler_does_not_time_out)
{
    CHECK(open_with_clock(false));
    CHECK(probe_open(&cl, h.port, NULL));
    CHECK(probe_say(&cl, "GET /wait HTTP/1.1\r\nHost: x\r\n\r\n"));
    leap(100000);
    leap(100000);
    atomic_store(&h.gate, true);
    CHECK(probe_answer(&cl, false, &a) && a.status == 200);
    /* Nor an upload whose sink is slow. */
    atomic_store(&h.gate, false);
    CHECK(probe_say(&cl, "PUT /slow HTTP/1.1\r\nHost: x\r\nContent-Length: 1048576\r\n\r\n"));
    CHECK(probe_send(&cl, zeros, 1048576));
    leap(100000);
    leap(100000);
    atomic_store(&h.gate, true);
    CHECK(probe_answer(&cl, false, &a) && a.status == 201);
    probe_close(&cl);
    close_with_clock();
}

TEST(a_download_nobody_takes_times_out)
{
    CHECK(open_with_clock(false));
    CHECK(probe_open(&cl, h.port, NULL));
    CHECK(probe_say(&cl, "GET /source/300000000 HTTP/1.1\r\nHost: x\r\n\r\n") && probe_recv(&cl));
    nap_ms(1500);
    leap(30100);
    nap_ms(1500);
    CHECK(harness_wait(&h.dones, 1) && atomic_load(&h.closes) == 1 && atomic_load(&h.completes) == 0);
    probe_close(&cl);
    close_with_clock();
}

static void stop_soon(void *arg)
{
    (void)arg;
    http_server_stop(h.server, 8000);
}

TEST(a_graceful_stop_lets_downloads_finish)
{
    struct probe idle = {0}, late = {0};
    struct thread t = {0};
    CHECK(harness_open(&h, &(struct harness_options){.tls = true}));
    CHECK(probe_open(&cl, h.port, "http/1.1") && probe_open(&idle, h.port, "http/1.1"));
    CHECK(probe_say(&cl, "GET /source/30000000 HTTP/1.1\r\nHost: x\r\n\r\n") && probe_recv(&cl));
    CHECK_OK(thread_start(&t, "stopper", stop_soon, NULL));
    CHECK(probe_sees_end(&idle));
    bool refused = false;
    for (int i = 0; i < 100 && !refused; i++) {
        refused = !probe_open(&late, h.port, NULL);
        probe_close(&late);
        nap_ms(10);
    }
    CHECK(refused);
    CHECK(probe_answer(&cl, false, &a) && a.complete && a.body_bytes == 30000000);
    CHECK(probe_sees_end(&cl));
    thread_join(&t);
    CHECK_U64(atomic_load(&h.completes), 1);
    probe_close(&cl);
    probe_close(&idle);
    harness_close(&h);
}

TEST(a_stop_aborts_at_its_deadline)
{
    CHECK(harness_open(&h, &(struct harness_options){0}));
    CHECK(probe_open(&cl, h.port, NULL));
    CHECK(probe_say(&cl, "PUT /sink HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\nabc"));
    nap_ms(100);
    http_server_stop(h.server, 200);
    CHECK(probe_sees_end(&cl));
    CHECK_U64(atomic_load(&h.aborts), 1);
    probe_close(&cl);
    harness_close(&h);
}

static bool peer_is(struct probe *p, const char *name)
{
    char cn[64] = "";
    X509 *x = SSL_get1_peer_certificate(p->ssl);
    if (x) X509_NAME_get_text_by_NID(X509_get_subject_name(x), NID_commonName, cn, sizeof cn);
    X509_free(x);
    return strcmp(cn, name) == 0;
}

TEST(a_new_certificate_drops_nobody)
{
    const char *cert, *key;
    struct tls *second = NULL;
    struct probe fresh;
    CHECK(harness_open(&h, &(struct harness_options){.tls = true}));
    CHECK(probe_open(&cl, h.port, "http/1.1") && peer_is(&cl, "first"));
    CHECK(ask("GET /call HTTP/1.1\r\nHost: x\r\n\r\n"));
    SSL_SESSION *session = SSL_get1_session(cl.ssl);
    harness_certificate("second", &cert, &key);
    CHECK_OK(tls_open(&h.ctx, cert, key, TLS_MIN_1_2, h.tls, &second));
    http_server_set_tls(h.server, second);
    tls_unref(second);
    CHECK(probe_open(&fresh, h.port, "http/1.1") && peer_is(&fresh, "second"));
    CHECK(ask("GET /call HTTP/1.1\r\nHost: x\r\n\r\n") && a.status == 200);
    probe_close(&fresh);
    /* A session from before is resumed: the ticket keys were kept. */
    CHECK(probe_open(&fresh, h.port, NULL));
    fresh.ctx = SSL_CTX_new(TLS_client_method());
    fresh.ssl = SSL_new(fresh.ctx);
    SSL_set_session(fresh.ssl, session);
    CHECK(SSL_set_fd(fresh.ssl, fresh.fd) == 1 && SSL_connect(fresh.ssl) == 1);
    CHECK(SSL_session_reused(fresh.ssl));
    SSL_SESSION_free(session);
    probe_close(&fresh);
    probe_close(&cl);
    harness_close(&h);
}

TEST(tls_refuses_what_is_not_usable)
{
    const char *cert, *key, *cert2, *key2;
    struct ctx c;
    struct tls *t = NULL;
    ctx_init(&c, 65536);
    harness_certificate("first", &cert, &key);
    harness_certificate("second", &cert2, &key2);
    CHECK_ERR(tls_open(&c, "/nowhere", key, TLS_MIN_1_2, NULL, &t), ERR_INVALID);
    CHECK(strstr(c.err_detail, "/nowhere") != NULL);
    CHECK_ERR(tls_open(&c, cert, cert, TLS_MIN_1_2, NULL, &t), ERR_INVALID);
    CHECK_ERR(tls_open(&c, cert, key2, TLS_MIN_1_2, NULL, &t), ERR_INVALID);
    CHECK_OK(tls_open(&c, cert, key, TLS_MIN_1_3, NULL, &t));
    tls_unref(t);
    ctx_done(&c);
}

TEST(listen_addresses)
{
    static const char *const bad[] = {"", "80", "localhost:80", "127.0.0.1", "127.0.0.1:x", "::1:80",
                                      "[::1]:99999", "[127.0.0.1]:0", "127.0.0.1:-1"};
    struct http_app app = {0};
    struct http_server *s = NULL;
    struct ctx c;
    ctx_init(&c, 65536);
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        struct http_config cfg = {.listen = &bad[i], .listen_count = 1};
        CHECK_ERR(http_server_open(&c, &cfg, &app, &s), ERR_INVALID);
    }
    const char *good[] = {"127.0.0.1:0", ":0"};
    struct http_config cfg = {.listen = good, .listen_count = 2};
    CHECK_OK(http_server_open(&c, &cfg, &app, &s));
    CHECK(http_server_port(s, 0) && http_server_port(s, 1) && http_server_port(s, 0) != http_server_port(s, 1));
    /* Not shared with a second server, whatever SO_REUSEPORT allows. */
    char taken[32];
    struct http_server *second = NULL;
    snprintf(taken, sizeof taken, "127.0.0.1:%u", http_server_port(s, 0));
    const char *same[] = {taken};
    struct http_config again = {.listen = same, .listen_count = 1};
    CHECK(http_server_open(&c, &again, &app, &second) != ERR_OK);
    http_server_close(s);
    CHECK_OK(http_server_open(&c, &again, &app, &second));
    http_server_close(second);
    ctx_done(&c);
}

static void thousand(const char *alpn, size_t n)
{
    struct probe *many = mem_alloc(n, sizeof *many);
    struct http_stats st;
    CHECK(many != NULL);
    for (size_t i = 0; i < n; i++) CHECK(probe_open(&many[i], h.port, alpn));
    for (int round = 0; round < 3; round++) {
        for (size_t i = 0; i < n; i++) CHECK(probe_say(&many[i], "GET /call HTTP/1.1\r\nHost: x\r\n\r\n"));
        for (size_t i = 0; i < n; i++) {
            CHECK(probe_answer(&many[i], false, &a) && a.status == 200);
            buf_done(&many[i].in); /* harness memory, not the server's */
            many[i].in = BUF_INIT(1 << 20);
        }
    }
    http_server_stats(h.server, &st);
    CHECK(st.connections_now == n && st.requests_total >= 3 * n);
    for (size_t i = 0; i < n; i++) probe_close(&many[i]);
    mem_free(many);
}

TEST(a_thousand_connections)
{
    CHECK(harness_open(&h, &(struct harness_options){0}));
    thousand(NULL, 1000);
    harness_close(&h);
}

TEST(two_hundred_tls_connections)
{
    CHECK(harness_open(&h, &(struct harness_options){.tls = true}));
    thousand("http/1.1", 200);
    harness_close(&h);
}

TEST(connections_over_the_limit_wait_their_turn)
{
    struct probe many[6];
    CHECK(harness_open(&h, &(struct harness_options){.cfg = {.io_threads = 1, .connections_max = 4}}));
    for (size_t i = 0; i < 6; i++) CHECK(probe_open(&many[i], h.port, NULL));
    for (size_t i = 0; i < 6; i++) CHECK(probe_say(&many[i], "GET /call HTTP/1.1\r\nHost: x\r\n\r\n"));
    for (size_t i = 0; i < 4; i++) CHECK(probe_answer(&many[i], false, &a) && a.status == 200);
    nap_ms(100);
    CHECK_U64(atomic_load(&h.plans), 4);
    for (size_t i = 0; i < 4; i++) probe_close(&many[i]);
    for (size_t i = 4; i < 6; i++) {
        CHECK(probe_answer(&many[i], false, &a) && a.status == 200);
        probe_close(&many[i]);
    }
    harness_close(&h);
}
