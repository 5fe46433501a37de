/* The I/O loop: waiting, accepting, delivering messages, firing timers, giving connections their turns. */
#include "net/loop_impl.h"

#include <errno.h>
#include <openssl/err.h>
#include <string.h>

#include "base/intmath.h"
#include "base/log.h"
#include "base/mem.h"
#include "codec/httpdate.h"
#include "net/server_impl.h"
#include "os/clock.h"
#include "os/file.h"

#define EVENTS 256
#define ACCEPTS_PER_TURN 64
#define ACCEPT_PAUSE_MS 100
/* How long the loop sleeps at most while it has something to watch. */
#define WAIT_MS 100
#define NUDGE_MS 1 /* while jobs are waiting */
#define OUT_SPARE_MAX 8u
#define HEAD_SPARE_MAX 64u

/* ---- spare buffers ---- */

static char *block_take(struct block **list, unsigned *spare, size_t size)
{
    struct block *b = *list;
    if (!b) return mem_alloc(1, size);
    *list = b->next;
    (*spare)--;
    return (char *)b;
}

static void block_give(struct block **list, unsigned *spare, unsigned max, void *p)
{
    struct block *b = p;
    if (*spare >= max) {
        mem_free(p);
        return;
    }
    b->next = *list;
    *list = b;
    (*spare)++;
}

char *loop_out_take(struct loop *l)
{
    return block_take(&l->out_blocks, &l->out_spare, LOOP_OUT_BYTES);
}
void loop_out_give(struct loop *l, char *p)
{
    block_give(&l->out_blocks, &l->out_spare, OUT_SPARE_MAX, p);
}
char *loop_head_take(struct loop *l)
{
    return block_take(&l->head_blocks, &l->head_spare, LIMIT_HTTP_HEAD_BYTES);
}
void loop_head_give(struct loop *l, char *p)
{
    block_give(&l->head_blocks, &l->head_spare, HEAD_SPARE_MAX, p);
}

static void free_blocks(struct block *b)
{
    while (b) {
        struct block *next = b->next;
        mem_free(b);
        b = next;
    }
}

/* ---- messages from other threads ---- */

void loop_post(struct loop *l, struct message *m)
{
    m->next = NULL;
    mutex_lock(&l->lock);
    *l->messages_last = m;
    l->messages_last = &m->next;
    mutex_unlock(&l->lock);
    if (!atomic_exchange(&l->asleep, false)) return;
    const uint64_t one = 1;
    /* It can only fail when the counter is at its maximum, and then the loop is awake. */
    err_ignore(sys()->write(l->wake_fd, &one, sizeof one) == sizeof one ? ERR_OK : ERR_IO, "awake");
}

void loop_submit_call(struct loop *l, struct job *j)
{
    j->next = NULL;
    *l->calls_last = j;
    l->calls_last = &j->next;
}

static void submit_calls(struct loop *l)
{
    if (!l->calls) return;
    workers_submit(l->server->workers, JOBS_CALL, l->calls);
    l->calls = NULL;
    l->calls_last = &l->calls;
}

static void run_messages(struct loop *l)
{
    mutex_lock(&l->lock);
    struct message *m = l->messages;
    l->messages = NULL;
    l->messages_last = &l->messages;
    mutex_unlock(&l->lock);
    while (m) {
        struct message *next = m->next;
        m->run(m);
        m = next;
    }
}

/* ---- accepting ---- */

static void listen_arm(struct loop *l, struct listener *n, bool on)
{
    if (n->fd < 0 || n->armed == on) return;
    struct epoll_event ev = {.events = EPOLLIN, .data.ptr = n};
    if (sys()->epoll_ctl(l->epoll_fd, on ? EPOLL_CTL_ADD : EPOLL_CTL_DEL, n->fd, &ev) == 0)
        n->armed = on;
    else if (on)
        wheel_set(&l->wheel, &l->accept_timer, l->now_ms + ACCEPT_PAUSE_MS);
}

static void listen_all(struct loop *l, bool on)
{
    for (size_t i = 0; i < l->listener_count; i++) listen_arm(l, &l->listeners[i], on);
}

void loop_accept_update(struct loop *l)
{
    bool pausing = l->accept_timer.next && l->accept_timer.at_ms != TIMER_NEVER;
    if (!l->stopping && !pausing) listen_all(l, l->conn_count < l->conn_max);
}

static void accept_again(struct timer *t)
{
    struct loop *l = (struct loop *)((char *)t - offsetof(struct loop, accept_timer));
    loop_accept_update(l);
}

static void accept_some(struct loop *l, struct listener *n)
{
    for (int i = 0; i < ACCEPTS_PER_TURN && l->conn_count < l->conn_max; i++) {
        struct sockaddr_storage peer = {0};
        socklen_t len = sizeof peer;
        int fd = sys()->accept4(n->fd, (struct sockaddr *)&peer, &len, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd < 0) {
            if (errno == EINTR || errno == ECONNABORTED) continue;
            if (errno == EAGAIN) break;
            /* Out of descriptors or memory: let others finish first. */
            listen_all(l, false);
            wheel_set(&l->wheel, &l->accept_timer, l->now_ms + ACCEPT_PAUSE_MS);
            return;
        }
        struct tls *tls = server_tls(l->server);
        SSL *ssl = tls ? tls_session(tls) : NULL;
        if (tls && !ssl)
            sys()->close(fd);
        else
            conn_accept(l, fd, (struct sockaddr *)&peer, ssl);
        tls_unref(tls);
    }
    loop_accept_update(l);
}

/* ---- turns ---- */

void loop_schedule(struct loop *l, struct conn *c)
{
    if (c->scheduled) return;
    c->scheduled = true;
    c->run_next = NULL;
    *l->run_last = c;
    l->run_last = &c->run_next;
}

/* Everyone scheduled up to now gets one turn; who is scheduled again meanwhile waits for the next round. */
static void run_scheduled(struct loop *l)
{
    struct conn *c = l->run_first;
    l->run_first = NULL;
    l->run_last = &l->run_first;
    while (c) {
        struct conn *next = c->run_next;
        c->scheduled = false;
        conn_run(c);
        c = next;
    }
}

static void conn_event(struct loop *l, struct conn *c, uint32_t events)
{
    if (events & EPOLLIN) c->readable = true;
    if (events & EPOLLOUT) c->writable = true;
    if (events & EPOLLRDHUP) c->peer_closed = c->readable = true;
    if (events & (EPOLLHUP | EPOLLERR)) c->dead = true;
    loop_schedule(l, c);
}

static bool is_listener(const struct loop *l, const void *p)
{
    const struct listener *n = p;
    return l->listener_count && n >= l->listeners && n < l->listeners + l->listener_count;
}

/* How long to sleep. Whoever posts after asleep is set writes to the eventfd; what was posted before is seen here. */
static int wait_time(struct loop *l)
{
    if (l->run_first) return 0;
    bool jobs = workers_nudge(l->server->workers);
    atomic_store(&l->asleep, true);
    mutex_lock(&l->lock);
    bool posted = l->messages != NULL;
    mutex_unlock(&l->lock);
    if (posted) return 0;
    if (jobs) return NUDGE_MS;
    return l->conn_count || l->stopping || l->accept_timer.next ? WAIT_MS : -1;
}

static void wait_events(struct loop *l)
{
    struct epoll_event ev[EVENTS];
    log_flush();
    int timeout = wait_time(l);
    int n = sys()->epoll_wait(l->epoll_fd, ev, EVENTS, timeout);
    atomic_store_explicit(&l->asleep, false, memory_order_relaxed);
    l->now_ms = clock_mono_ms();
    for (int i = 0; i < n; i++) {
        void *p = ev[i].data.ptr;
        if (!p) {
            uint64_t count;
            err_ignore(sys()->read(l->wake_fd, &count, sizeof count) < 0 ? ERR_IO : ERR_OK,
                       "only the wake-up matters");
        } else if (is_listener(l, p)) {
            accept_some(l, p);
        } else {
            conn_event(l, p, ev[i].events);
        }
    }
}

struct slice loop_date(struct loop *l)
{
    int64_t now_ms = clock_wall_ms();
    if (now_ms / 1000 != l->date_s) {
        l->date_s = now_ms / 1000;
        httpdate_format(now_ms, l->date);
    }
    return slice_of(l->date, sizeof l->date - 1);
}

/* ---- starting and stopping ---- */

static void begin_accept(struct message *m)
{
    loop_accept_update((struct loop *)((char *)m - offsetof(struct loop, start_message)));
}

static void listen_close(struct loop *l)
{
    for (size_t i = 0; i < l->listener_count; i++) {
        fd_close(&l->listeners[i].fd);
        l->listeners[i].armed = false;
    }
}

static void begin_stop(struct message *m)
{
    struct loop *l = (struct loop *)((char *)m - offsetof(struct loop, stop_message));
    l->stopping = true;
    listen_close(l);
    for (struct conn *c = l->conns; c; c = c->next) {
        c->stopping = true;
        if (!c->dead) c->driver->stop(c);
    }
}

static void enforce_stop(struct loop *l)
{
    if (!l->stopping || l->now_ms < l->stop_at_ms) return;
    for (struct conn *c = l->conns; c; c = c->next) conn_kill(c);
}

void loop_run(void *arg)
{
    struct loop *l = arg;
    log_keep(&l->log_lines);
    while (!l->stopping || l->conn_count || l->exchange_count) {
        wait_events(l);
        run_messages(l);
        wheel_advance(&l->wheel, l->now_ms);
        enforce_stop(l);
        run_scheduled(l);
        submit_calls(l);
    }
    log_keep(NULL);
    OPENSSL_thread_stop();
}

enum err loop_init(struct loop *l, struct http_server *s)
{
    l->server = s;
    l->epoll_fd = l->wake_fd = -1;
    l->run_last = &l->run_first;
    l->messages_last = &l->messages;
    l->calls_last = &l->calls;
    l->start_message.run = begin_accept;
    l->stop_message.run = begin_stop;
    l->accept_timer.fire = accept_again;
    l->now_ms = clock_mono_ms();
    l->date_s = -1;
    l->log_lines = (struct buf)BUF_INIT(LIMIT_LOG_LINE_BYTES);
    mutex_init(&l->lock);
    wheel_init(&l->wheel, l->now_ms);
    l->scratch = mem_alloc(1, LOOP_SCRATCH_BYTES);
    if (!l->scratch) return ERR_NOMEM;
    l->epoll_fd = sys()->epoll_create1(EPOLL_CLOEXEC);
    if (l->epoll_fd < 0) return sys_err(errno);
    l->wake_fd = sys()->eventfd(0, O_CLOEXEC | O_NONBLOCK);
    if (l->wake_fd < 0) return sys_err(errno);
    struct epoll_event ev = {.events = EPOLLIN, .data.ptr = NULL};
    if (sys()->epoll_ctl(l->epoll_fd, EPOLL_CTL_ADD, l->wake_fd, &ev) != 0) return sys_err(errno);
    return ERR_OK;
}

void loop_done(struct loop *l)
{
    if (!l->server) return;
    listen_close(l);
    buf_done(&l->log_lines);
    mem_free(l->listeners);
    fd_close(&l->epoll_fd);
    fd_close(&l->wake_fd);
    mem_free(l->scratch);
    free_blocks(l->out_blocks);
    free_blocks(l->head_blocks);
    while (l->exchanges) {
        struct exchange *next = l->exchanges->next;
        ctx_done(&l->exchanges->ctx);
        mem_free(l->exchanges);
        l->exchanges = next;
    }
    mutex_done(&l->lock);
}
