/* Faults: each allocation and each system call of the engine fails once, or from then on, while a client talks to it. The
 * client must always get an answer or an end, and nothing may be left over. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/intmath.h"
#include "base/limits.h"
#include "lib/test.h"
#include "net/http_harness.h"
#include "os/sys.h"

static struct harness h;
static char zeros[600000];

/* One connection's script. Whatever fails ends it: but in time. */
static bool talk(struct probe *p)
{
    static struct answer a;
    static const char *const gets[] = {
        "GET /call HTTP/1.1\r\nHost: x\r\nX: 1\r\nX: 2\r\n\r\n",
        "GET /source/600000 HTTP/1.1\r\nHost: x\r\n\r\n",
        "GET /unknown/300000 HTTP/1.1\r\nHost: x\r\n\r\n",
        "GET /memory/300000 HTTP/1.1\r\nHost: x\r\n\r\n",
    };
    for (size_t i = 0; i < ARRAY_LEN(gets); i++)
        if (!probe_say(p, gets[i]) || !probe_answer(p, false, &a) || !a.complete) return false;
    if (!probe_say(p, "POST /call HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n9C40\r\n") ||
        !probe_send(p, zeros, 40000) || !probe_say(p, "\r\n0\r\n\r\n") || !probe_answer(p, false, &a))
        return false;
    if (!probe_say(p, "POST /call HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello") ||
        !probe_answer(p, false, &a))
        return false;
    return probe_say(p, "PUT /sink HTTP/1.1\r\nHost: x\r\nContent-Length: 600000\r\n\r\n") &&
           probe_send(p, zeros, sizeof zeros) && probe_answer(p, false, &a) && a.status == 201;
}

/* Opens and talks; true when all went well. Never takes long: the server must not leave a client waiting. */
static bool scenario(const char *alpn)
{
    struct probe p;
    int64_t began = sys_real()->mono_ms();
    bool ok = probe_open(&p, h.port, alpn) && talk(&p);
    if (sys_real()->mono_ms() - began > 7000) test_fail(__FILE__, __LINE__, "the client was left waiting");
    probe_close(&p);
    return ok;
}

static void alloc_loop(const char *alpn, bool for_ever)
{
    for (uint64_t n = 0; n < 2000 && !test_failed(); n++) {
        CHECK(harness_open(&h, &(struct harness_options){.tls = alpn, .cfg = {.io_threads = 1, .workers = 2}}));
        test_fail_alloc(n, for_ever);
        bool ok = scenario(alpn);
        bool fired = test_alloc_fired();
        test_fail_alloc(UINT64_MAX, false);
        /* And afterwards all is well again. */
        if (!scenario(alpn)) test_fail(__FILE__, __LINE__, "not well after allocation %llu", (unsigned long long)n);
        harness_close(&h);
        if (!fired) {
            CHECK(ok && n > 10);
            return;
        }
    }
}

TEST(fault_alloc_once_plain) { alloc_loop(NULL, false); }
TEST(fault_alloc_for_ever_plain) { alloc_loop(NULL, true); }
TEST(fault_alloc_once_tls) { alloc_loop("http/1.1", false); }

TEST(fault_alloc_open)
{
    for (uint64_t n = 0; n < 200; n++) {
        test_fail_alloc(n, false);
        bool ok = harness_open(&h, &(struct harness_options){.tls = true, .cfg = {.io_threads = 2, .workers = 2}});
        bool fired = test_alloc_fired();
        test_fail_alloc(UINT64_MAX, false);
        CHECK(ok == !fired);
        if (ok) harness_close(&h);
        if (!fired) return;
    }
}

/* ---- system calls ---- */

static _Atomic uint64_t seen;
static uint64_t fail_at;
/* EINTR and short sends instead of errors. Reads are not shortened: on an edge-triggered socket a short read means that it is
 * empty (epoll(7)), and the engine relies on that. */
static bool soft;
static atomic_bool fired;

static bool faulty(void)
{
    bool now = atomic_fetch_add(&seen, 1) == fail_at;
    if (now) atomic_store(&fired, true);
    return now;
}

static int refuse_with(int e)
{
    errno = soft ? EINTR : e;
    return -1;
}

static ssize_t bad_recv(int fd, void *p, size_t n, int flags)
{
    if (!faulty()) return sys_real()->recv(fd, p, n, flags);
    return refuse_with(ECONNRESET);
}
static ssize_t bad_send(int fd, const void *p, size_t n, int flags)
{
    if (!faulty()) return sys_real()->send(fd, p, soft ? MIN(n, 30000) : n, flags);
    return refuse_with(EPIPE);
}
static int bad_accept4(int fd, struct sockaddr *a, socklen_t *n, int flags)
{
    return faulty() ? refuse_with(EMFILE) : sys_real()->accept4(fd, a, n, flags);
}
static int bad_epoll_ctl(int ep, int op, int fd, struct epoll_event *ev)
{
    if (soft || !faulty()) return sys_real()->epoll_ctl(ep, op, fd, ev);
    return refuse_with(ENOMEM);
}
static int bad_epoll_wait(int ep, struct epoll_event *ev, int n, int timeout)
{
    return faulty() ? refuse_with(EINTR) : sys_real()->epoll_wait(ep, ev, n, timeout);
}
static int bad_shutdown(int fd, int how)
{
    return faulty() ? refuse_with(ENOTCONN) : sys_real()->shutdown(fd, how);
}

static void break_calls(void)
{
    struct sys_table *t = sys_table();
    t->recv = bad_recv;
    t->send = bad_send;
    t->accept4 = bad_accept4;
    t->epoll_ctl = bad_epoll_ctl;
    t->epoll_wait = bad_epoll_wait;
    t->shutdown = bad_shutdown;
}

static void syscall_loop(const char *alpn, bool gently, uint64_t step)
{
    soft = gently;
    for (uint64_t n = 0; n < 4000 && !test_failed(); n += step) {
        atomic_store(&fired, false);
        atomic_store(&seen, 0);
        fail_at = n;
        break_calls();
        if (harness_open(&h, &(struct harness_options){.tls = alpn, .cfg = {.io_threads = 1, .workers = 2}})) {
            bool ok = scenario(alpn);
            /* Interrupted or short calls are nobody's error. */
            if (gently && !ok) test_fail(__FILE__, __LINE__, "call %llu interrupted", (unsigned long long)n);
            harness_close(&h);
        }
        *sys_table() = *sys_real();
        if (!atomic_load(&fired)) return;
    }
}

TEST(fault_syscalls_plain) { syscall_loop(NULL, false, 1); }
TEST(fault_syscalls_tls) { syscall_loop("http/1.1", false, 5); }
TEST(fault_syscalls_interrupted) { syscall_loop(NULL, true, 3); }

static int no_int(void) { return -1; }
static int bad_socket(int a, int b, int c)
{
    (void)a, (void)b, (void)c;
    errno = EMFILE;
    return no_int();
}
static int bad_listen(int fd, int n)
{
    (void)fd, (void)n;
    errno = EADDRINUSE;
    return no_int();
}
static int bad_eventfd(unsigned n, int flags)
{
    (void)n, (void)flags;
    errno = EMFILE;
    return no_int();
}
static int bad_epoll_create1(int flags)
{
    (void)flags;
    errno = EMFILE;
    return no_int();
}

TEST(fault_open)
{
    for (int i = 0; i < 4; i++) {
        if (i == 0) sys_table()->socket = bad_socket;
        if (i == 1) sys_table()->listen = bad_listen;
        if (i == 2) sys_table()->eventfd = bad_eventfd;
        if (i == 3) sys_table()->epoll_create1 = bad_epoll_create1;
        bool opened = harness_open(&h, &(struct harness_options){0});
        *sys_table() = *sys_real();
        CHECK(!opened);
    }
}
