/* The server as a whole: opening the listening sockets, starting and stopping loops and workers, swapping TLS. */
#include "net/server_impl.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "base/intmath.h"
#include "base/mem.h"
#include "os/clock.h"
#include "os/file.h"

#define BACKLOG 4096

struct tls *server_tls(struct http_server *s)
{
    GUARD(&s->tls_lock);
    return tls_ref(s->tls);
}

void http_server_set_tls(struct http_server *s, struct tls *tls)
{
    struct tls *old;
    mutex_lock(&s->tls_lock);
    old = s->tls;
    s->tls = tls_ref(tls);
    mutex_unlock(&s->tls_lock);
    tls_unref(old);
}

/* ---- listening ---- */

struct address {
    struct sockaddr_storage sa;
    socklen_t len;
    bool both_families;
};

/* The port is at the same place in both families' addresses. */
#define PORT_AT offsetof(struct sockaddr_in, sin_port)
_Static_assert(PORT_AT == offsetof(struct sockaddr_in6, sin6_port), "one place for both");

static void set_port(struct address *a, unsigned port)
{
    uint16_t net = htons((uint16_t)port);
    memcpy((char *)&a->sa + PORT_AT, &net, sizeof net);
}

static unsigned get_port(const struct address *a)
{
    uint16_t net;
    memcpy(&net, (const char *)&a->sa + PORT_AT, sizeof net);
    return ntohs(net);
}

/* "1.2.3.4:80", "[::1]:80", ":80". Numbers only: a server that needs name service to start fails when it is least wanted. */
static enum err parse_address(struct ctx *c, const char *text, struct address *ret)
{
    struct slice s = slice_cstr(text);
    size_t colon = s.len;
    while (colon > 0 && s.ptr[colon - 1] != ':') colon--;
    uint64_t port = 0;
    char host[64] = "";
    if (colon == 0 || slice_u64(slice_sub(s, colon, s.len), 65535, &port) != ERR_OK)
        return fail(c, ERR_INVALID, "listen address '%s' has no port", text);
    struct slice h = slice_sub(s, 0, colon - 1);
    bool brackets = h.len >= 2 && h.ptr[0] == '[' && h.ptr[h.len - 1] == ']';
    if (brackets) h = slice_sub(h, 1, h.len - 1);
    if (h.len >= sizeof host) return fail(c, ERR_INVALID, "listen address '%s' is too long", text);
    memcpy(host, h.ptr, h.len);
    struct sockaddr_in6 in6 = {.sin6_family = AF_INET6};
    struct sockaddr_in in = {.sin_family = AF_INET};
    *ret = (struct address){.both_families = h.len == 0};
    if (h.len == 0 || (brackets && inet_pton(AF_INET6, host, &in6.sin6_addr) == 1)) {
        memcpy(&ret->sa, &in6, sizeof in6);
        ret->len = sizeof in6;
    } else if (!brackets && inet_pton(AF_INET, host, &in.sin_addr) == 1) {
        memcpy(&ret->sa, &in, sizeof in);
        ret->len = sizeof in;
    } else {
        return fail(c, ERR_INVALID, "listen address '%s' is not a numeric address", text);
    }
    set_port(ret, (unsigned)port);
    return ERR_OK;
}

static enum err listen_open(struct ctx *c, const char *text, struct address *a, int *ret)
{
    CLEANUP(fd_close) int fd = -1;
    const int on = 1;
    const int only6 = !a->both_families;
    fd = sys()->socket(a->sa.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) return fail(c, sys_err(errno), "socket for '%s': errno %d", text, errno);
    bool ok = sys()->setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) == 0 &&
              sys()->setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on) == 0;
    if (a->sa.ss_family == AF_INET6)
        ok = ok && sys()->setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &only6, sizeof only6) == 0;
    ok = ok && sys()->bind(fd, (struct sockaddr *)&a->sa, a->len) == 0;
    ok = ok && sys()->listen(fd, BACKLOG) == 0;
    /* With port 0 the first loop's socket chooses, the others follow. */
    ok = ok && sys()->getsockname(fd, (struct sockaddr *)&a->sa, &a->len) == 0;
    if (!ok) return fail(c, sys_err(errno), "cannot listen on '%s': errno %d", text, errno);
    *ret = fd;
    fd = -1;
    return ERR_OK;
}

/* SO_REUSEPORT would let a second server share the port of a running one without a word. */
static enum err check_free(struct ctx *c, const char *text, const struct address *a)
{
    CLEANUP(fd_close) int fd = -1;
    const int on = 1;
    if (get_port(a) == 0) return ERR_OK;
    fd = sys()->socket(a->sa.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd >= 0 && sys()->setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) == 0 &&
        sys()->bind(fd, (const struct sockaddr *)&a->sa, a->len) == 0)
        return ERR_OK;
    return fail(c, sys_err(errno), "cannot listen on '%s': errno %d", text, errno);
}

static enum err listen_everywhere(struct ctx *c, struct http_server *s)
{
    size_t n = s->cfg.listen_count;
    for (unsigned l = 0; l < s->loop_count; l++) {
        struct loop *loop = &s->loops[l];
        loop->listeners = mem_alloc(n, sizeof loop->listeners[0]);
        if (!loop->listeners) return ERR_NOMEM;
        loop->listener_count = n;
        for (size_t i = 0; i < n; i++) loop->listeners[i].fd = -1;
    }
    for (size_t i = 0; i < n; i++) {
        struct address a;
        TRY(parse_address(c, s->cfg.listen[i], &a));
        TRY(check_free(c, s->cfg.listen[i], &a));
        for (unsigned l = 0; l < s->loop_count; l++)
            TRY(listen_open(c, s->cfg.listen[i], &a, &s->loops[l].listeners[i].fd));
        s->ports[i] = get_port(&a);
    }
    return ERR_OK;
}

unsigned http_server_port(const struct http_server *s, size_t i) { return s->ports[i]; }

/* ---- start ---- */

static void fill_defaults(struct http_config *cfg)
{
    unsigned cores = thread_cores();
    if (!cfg->io_threads) cfg->io_threads = cores;
    if (!cfg->workers) cfg->workers = cores + 6;
    if (!cfg->connections_max) cfg->connections_max = 20000;
    if (!cfg->handshake_ms) cfg->handshake_ms = 10000;
    if (!cfg->head_ms) cfg->head_ms = 10000;
    if (!cfg->idle_ms) cfg->idle_ms = 60000;
    if (!cfg->stall_ms) cfg->stall_ms = 30000;
    if (!cfg->body_rate_min) cfg->body_rate_min = 1024;
}

static enum err start(struct ctx *c, struct http_server *s)
{
    size_t n = s->cfg.listen_count;
    TRY(os_random(&s->address_seed, sizeof s->address_seed));
    s->ports = mem_alloc(n, sizeof s->ports[0]);
    s->loops = mem_alloc(s->cfg.io_threads, sizeof s->loops[0]);
    if (!s->ports || !s->loops) return ERR_NOMEM;
    s->loop_count = s->cfg.io_threads;
    for (unsigned i = 0; i < s->loop_count; i++) {
        TRY(loop_init(&s->loops[i], s));
        s->loops[i].conn_max = MAX(1, s->cfg.connections_max / s->loop_count);
    }
    TRY(listen_everywhere(c, s));
    TRY(workers_new(s->cfg.workers, &s->workers));
    for (unsigned i = 0; i < s->loop_count; i++) {
        char name[16];
        snprintf(name, sizeof name, "io-%u", i);
        TRY(thread_start(&s->loops[i].thread, name, loop_run, &s->loops[i]));
        loop_post(&s->loops[i], &s->loops[i].start_message);
    }
    return ERR_OK;
}

enum err http_server_open(struct ctx *c, const struct http_config *cfg, const struct http_app *app,
                          struct http_server **ret)
{
    struct http_server *s = MEM_NEW(struct http_server);
    if (!s) return fail(c, ERR_NOMEM, "no memory for the server");
    s->cfg = *cfg;
    s->app = *app;
    s->tls = tls_ref(cfg->tls);
    fill_defaults(&s->cfg);
    mutex_init(&s->tls_lock);
    piece_pool_init(&s->pieces);
    enum err e = start(c, s);
    if (e != ERR_OK) {
        http_server_close(s);
        return e;
    }
    *ret = s;
    return ERR_OK;
}

/* ---- end ---- */

void http_server_stop(struct http_server *s, int64_t deadline_ms)
{
    if (s->stopped) return;
    s->stopped = true;
    int64_t at = clock_mono_ms() + deadline_ms;
    for (unsigned i = 0; i < s->loop_count; i++) {
        if (!s->loops[i].thread.started) continue;
        s->loops[i].stop_at_ms = at;
        loop_post(&s->loops[i], &s->loops[i].stop_message);
    }
    for (unsigned i = 0; i < s->loop_count; i++) thread_join(&s->loops[i].thread);
    workers_free(TAKE(s->workers));
}

void http_server_close(struct http_server *s)
{
    if (!s) return;
    http_server_stop(s, 0);
    for (unsigned i = 0; i < s->loop_count; i++) loop_done(&s->loops[i]);
    piece_pool_done(&s->pieces);
    mutex_done(&s->tls_lock);
    tls_unref(s->tls);
    mem_free(s->loops);
    mem_free(s->ports);
    mem_free(s);
}

void http_server_stats(const struct http_server *s, struct http_stats *ret)
{
    *ret = (struct http_stats){
        .connections_now = atomic_load_explicit(&s->connections_now, memory_order_relaxed),
        .connections_total = atomic_load_explicit(&s->connections_total, memory_order_relaxed),
        .requests_total = atomic_load_explicit(&s->requests_total, memory_order_relaxed),
        .streams_now = atomic_load_explicit(&s->streams_now, memory_order_relaxed),
        .bytes_in_total = atomic_load_explicit(&s->bytes_in_total, memory_order_relaxed),
        .bytes_out_total = atomic_load_explicit(&s->bytes_out_total, memory_order_relaxed),
    };
}
