/* A connection's socket and TLS: reading, collecting and writing bytes, its birth and its end. The protocol is the driver's. */
#include "net/conn_impl.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <string.h>

#include "base/address.h"
#include "base/intmath.h"
#include "base/mem.h"
#include "net/server_impl.h"

#define RECORD_HEAD_BYTES 5
#define RECORD_BYTES 16384u      /* the largest TLS record's content */
#define RECORD_ROOM (17u * 1024) /* the same with all its overhead */
#define DIRECT_BYTES (64 * KIB)  /* plain writes from here on skip the collecting buffer */

void conn_kill(struct conn *c)
{
    c->dead = true;
    loop_schedule(c->loop, c);
}

/* ---- the socket ---- */

static enum io sock_read(struct conn *c, void *p, size_t cap, size_t *ret_n)
{
    if (c->read_eof) return IO_EOF;
    if (!c->readable) return IO_AGAIN;
    for (;;) {
        ssize_t n = sys()->recv(c->fd, p, cap, 0);
        if (n > 0) {
            /* A short read has emptied the socket (epoll(7)): the next byte makes a new edge. Not so for the end, whose
             * edge may be the one we are serving. */
            if ((size_t)n < cap && !c->peer_closed) c->readable = false;
            *ret_n = (size_t)n;
            return IO_OK;
        }
        if (n == 0) {
            c->read_eof = true;
            c->readable = false;
            return IO_EOF;
        }
        if (errno == EINTR) continue;
        c->readable = false;
        return errno == EAGAIN ? IO_AGAIN : IO_ERROR;
    }
}

static enum io sock_send(struct conn *c, const void *p, size_t n, size_t *ret_n)
{
    for (;;) {
        ssize_t sent = sys()->send(c->fd, p, n, MSG_NOSIGNAL);
        if (sent >= 0) {
            *ret_n = (size_t)sent;
            c->sent_bytes += (uint64_t)sent;
            return IO_OK;
        }
        if (errno == EINTR) continue;
        if (errno == EAGAIN) {
            c->writable = false;
            return IO_AGAIN;
        }
        return IO_ERROR;
    }
}

/* ---- collecting what is to be sent ---- */

bool conn_flush(struct conn *c)
{
    if (c->dead) return false;
    while (c->out_off < c->out_len && c->writable) {
        size_t n = 0;
        enum io io = sock_send(c, c->out + c->out_off, c->out_len - c->out_off, &n);
        if (io == IO_ERROR) {
            conn_kill(c);
            return false;
        }
        c->out_off += n;
    }
    if (c->out && c->out_off == c->out_len) {
        loop_out_give(c->loop, c->out);
        c->out = NULL;
        c->out_off = c->out_len = 0;
    }
    return true;
}

static bool out_ready(struct conn *c)
{
    if (!c->out) c->out = loop_out_take(c->loop);
    if (c->out) return true;
    conn_kill(c);
    return false;
}

/* Makes room for n bytes if that is possible without waiting. */
static bool make_room(struct conn *c, size_t n)
{
    if (c->out_len + n <= LOOP_OUT_BYTES) return true;
    if (!conn_flush(c)) return false;
    if (c->out_off) {
        memmove(c->out, c->out + c->out_off, c->out_len - c->out_off);
        c->out_len -= c->out_off;
        c->out_off = 0;
    }
    return c->out_len + n <= LOOP_OUT_BYTES;
}

bool conn_has_room(struct conn *c, size_t n)
{
    /* Under TLS the bytes grow by a record's overhead for each 16 KiB. */
    size_t need = c->ssl ? (n / RECORD_BYTES + 1) * RECORD_ROOM : n;
    return !c->dead && make_room(c, need);
}

static size_t collect(struct conn *c, const void *p, size_t n)
{
    if (!out_ready(c)) return 0;
    size_t take = MIN(n, LOOP_OUT_BYTES - c->out_len);
    memcpy(c->out + c->out_len, p, take);
    c->out_len += take;
    c->queued_bytes += take;
    return take;
}

/* ---- TLS over the above ---- */

static int bio_write(BIO *b, const char *p, int n)
{
    struct conn *c = BIO_get_data(b);
    BIO_clear_retry_flags(b);
    if (c->dead || n <= 0) return -1;
    if (!make_room(c, (size_t)n)) {
        BIO_set_retry_write(b);
        return -1;
    }
    return (int)collect(c, p, (size_t)n);
}

static int take_ahead(struct conn *c, char *p, size_t n)
{
    size_t take = MIN(n, c->ahead_len - c->ahead_off);
    memcpy(p, c->ahead + c->ahead_off, take);
    c->ahead_off += take;
    return (int)take;
}

static int bio_read(BIO *b, char *p, int n)
{
    struct conn *c = BIO_get_data(b);
    size_t got = 0;
    BIO_clear_retry_flags(b);
    if (n <= 0) return -1;
    if (c->ahead_off < c->ahead_len) return take_ahead(c, p, (size_t)n);
    bool head = n <= RECORD_HEAD_BYTES;
    switch (sock_read(c, head ? c->ahead : p, head ? sizeof c->ahead : (size_t)n, &got)) {
    case IO_OK:
        if (!head) return (int)got;
        c->ahead_off = 0;
        c->ahead_len = got;
        return take_ahead(c, p, (size_t)n);
    case IO_AGAIN: BIO_set_retry_read(b); return -1;
    case IO_EOF: return 0;
    case IO_ERROR: break;
    }
    return -1;
}

static long bio_ctrl(BIO *b, int cmd, long num, void *p)
{
    (void)b;
    (void)num;
    (void)p;
    /* Flushing is the turn's business; SSL only wants to hear yes. */
    return cmd == BIO_CTRL_FLUSH || cmd == BIO_CTRL_PUSH || cmd == BIO_CTRL_POP;
}

static BIO_METHOD *bio_method;

static void bio_method_make(void)
{
    BIO_METHOD *m = BIO_meth_new(BIO_TYPE_SOURCE_SINK | BIO_get_new_index(), "conn");
    if (!m) return;
    BIO_meth_set_write(m, bio_write);
    BIO_meth_set_read(m, bio_read);
    BIO_meth_set_ctrl(m, bio_ctrl);
    bio_method = m;
}

BIO *conn_bio_new(struct conn *c)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, bio_method_make);
    BIO *b = bio_method ? BIO_new(bio_method) : NULL;
    if (!b) return NULL;
    BIO_set_data(b, c);
    BIO_set_init(b, 1);
    return b;
}

static enum io ssl_result(struct conn *c, int r)
{
    switch (SSL_get_error(c->ssl, r)) {
    case SSL_ERROR_WANT_READ:
    case SSL_ERROR_WANT_WRITE: return IO_AGAIN;
    case SSL_ERROR_ZERO_RETURN: c->read_eof = true; return IO_EOF;
    default: return IO_ERROR;
    }
}

enum io conn_read(struct conn *c, void *p, size_t cap, size_t *ret_n)
{
    if (!c->ssl) return sock_read(c, p, cap, ret_n);
    bool inside = c->ahead_off < c->ahead_len || SSL_has_pending(c->ssl);
    if (!c->readable && !c->read_eof && !inside) return IO_AGAIN;
    ERR_clear_error();
    int r = SSL_read_ex(c->ssl, p, cap, ret_n);
    return r == 1 ? IO_OK : ssl_result(c, r);
}

static bool ssl_write_all(struct conn *c, const char *p, size_t n, size_t *ret_n)
{
    size_t done = 0;
    /* Only whole records that fit: SSL never has to remember half of one. */
    while (done < n && make_room(c, RECORD_ROOM)) {
        size_t wrote = 0;
        ERR_clear_error();
        int r = SSL_write_ex(c->ssl, p + done, MIN(n - done, RECORD_BYTES), &wrote);
        if (r != 1 && ssl_result(c, r) != IO_AGAIN) conn_kill(c);
        if (r != 1) break;
        done += wrote;
    }
    *ret_n = done;
    return !c->dead;
}

bool conn_write(struct conn *c, const void *p, size_t n, size_t *ret_n)
{
    *ret_n = 0;
    if (c->dead) return false;
    if (c->ssl) return ssl_write_all(c, p, n, ret_n);
    if (n >= DIRECT_BYTES) {
        if (!conn_flush(c)) return false;
        if (!conn_flushed(c) || !c->writable) return true;
        enum io io = sock_send(c, p, n, ret_n);
        c->queued_bytes += *ret_n;
        if (io == IO_ERROR) conn_kill(c);
        return !c->dead;
    }
    if (!make_room(c, n) && c->out_len == LOOP_OUT_BYTES) return !c->dead;
    *ret_n = collect(c, p, n);
    return !c->dead;
}

void conn_shutdown(struct conn *c)
{
    if (c->ssl && conn_has_room(c, 64)) {
        ERR_clear_error();
        SSL_shutdown(c->ssl);
    }
    if (!conn_flush(c)) return;
    if (sys()->shutdown(c->fd, SHUT_WR) != 0) conn_kill(c);
}

void conn_in_release(struct conn *c)
{
    if (c->in) loop_head_give(c->loop, c->in);
    c->in = NULL;
    c->in_len = c->in_off = 0;
}

/* ---- the handshake, until it is known which protocol is spoken ---- */

static void handshake_turn(struct conn *c)
{
    ERR_clear_error();
    int r = SSL_do_handshake(c->ssl);
    if (r != 1) {
        enum io io = ssl_result(c, r);
        /* An alert may explain to the peer why. */
        if (conn_flush(c) && io != IO_AGAIN) conn_kill(c);
        return;
    }
    const unsigned char *alpn = NULL;
    unsigned alpn_len = 0;
    SSL_get0_alpn_selected(c->ssl, &alpn, &alpn_len);
    if (alpn_len == 2) {
        if (http2_start(c) != ERR_OK) conn_kill(c);
    } else {
        http1_start(c);
    }
    if (!c->dead) c->driver->turn(c);
}

static void handshake_timeout(struct conn *c) { conn_kill(c); }
static void handshake_stop(struct conn *c) { conn_kill(c); }
static void handshake_close(struct conn *c) { (void)c; }

static const struct driver handshake_driver = {handshake_turn, handshake_timeout, handshake_stop,
                                               handshake_close};

/* ---- birth and end ---- */

static void peer_text(const struct sockaddr *peer, char ret[48])
{
    const void *address = NULL;
    int family = peer->sa_family;
    struct sockaddr_in in;
    struct sockaddr_in6 in6;
    ret[0] = '\0';
    if (family == AF_INET) {
        memcpy(&in, peer, sizeof in);
        address = &in.sin_addr;
    } else if (family == AF_INET6) {
        memcpy(&in6, peer, sizeof in6);
        address = &in6.sin6_addr;
        if (IN6_IS_ADDR_V4MAPPED(&in6.sin6_addr)) {
            family = AF_INET;
            address = &in6.sin6_addr.s6_addr[12];
        }
    }
    if (address && !inet_ntop(family, address, ret, 48)) ret[0] = '\0';
}

static void timer_fired(struct timer *t)
{
    struct conn *c = (struct conn *)((char *)t - offsetof(struct conn, timer));
    if (!c->dead) c->driver->timeout(c);
}

static _Atomic uint32_t *address_slot(struct conn *c)
{
    /* FNV-1a, seeded: nobody outside can choose to share a slot with another. */
    struct http_server *s = c->loop->server;
    uint64_t h = s->address_seed ^ 0xcbf29ce484222325u;
    char key[ADDRESS_KEY_BYTES];
    address_key(c->peer, key);
    for (const char *p = key; *p; p++) h = (h ^ (uint8_t)*p) * 0x100000001b3u;
    return &s->by_address[(h >> 32) % ADDRESS_SLOTS];
}

static void destroy(struct conn *c)
{
    struct loop *l = c->loop;
    struct http_server *s = l->server;
    c->driver->close(c);
    wheel_drop(&c->timer);
    if (c->out) loop_out_give(l, c->out);
    conn_in_release(c);
    SSL_free(c->ssl);
    /* Closing alone is not enough (epoll(7), Q6): while a child that is being started still has its copy of the descriptor, the kernel
     * would go on telling of this connection. */
    err_ignore(sys()->epoll_ctl(l->epoll_fd, EPOLL_CTL_DEL, c->fd, NULL) ? ERR_IO : ERR_OK, "it was never added");
    sys()->close(c->fd);
    if (c->prev) c->prev->next = c->next;
    else l->conns = c->next;
    if (c->next) c->next->prev = c->prev;
    l->conn_count--;
    atomic_fetch_sub(address_slot(c), 1);
    atomic_fetch_sub_explicit(&s->connections_now, 1, memory_order_relaxed);
    mem_free(c);
    loop_accept_update(l);
}

void conn_accept(struct loop *l, int fd, const struct sockaddr *peer, SSL *ssl)
{
    struct http_server *s = l->server;
    struct conn *c = MEM_NEW(struct conn);
    BIO *bio = c && ssl ? conn_bio_new(c) : NULL;
    if (!c || (ssl && !bio)) {
        mem_free(c);
        SSL_free(ssl);
        sys()->close(fd);
        return;
    }
    if (ssl) SSL_set_bio(ssl, bio, bio);
    c->loop = l;
    c->fd = fd;
    c->ssl = ssl;
    c->writable = true;
    c->readable = true;
    c->timer.fire = timer_fired;
    c->driver = &handshake_driver;
    peer_text(peer, c->peer);
    c->next = l->conns;
    if (c->next) c->next->prev = c;
    l->conns = c;
    l->conn_count++;
    atomic_fetch_add_explicit(&s->connections_now, 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&s->connections_total, 1, memory_order_relaxed);
    bool many = atomic_fetch_add(address_slot(c), 1) >= LIMIT_HTTP_CONNECTIONS_PER_ADDRESS;
    const int on = 1;
    err_ignore(sys()->setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) ? ERR_IO : ERR_OK,
               "slower without, not wrong");
    struct epoll_event ev = {.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, .data.ptr = c};
    if (many || sys()->epoll_ctl(l->epoll_fd, EPOLL_CTL_ADD, fd, &ev) != 0) {
        conn_kill(c);
        return;
    }
    if (ssl) {
        SSL_set_accept_state(ssl);
        wheel_set(&l->wheel, &c->timer, l->now_ms + s->cfg.handshake_ms);
    } else {
        http1_start(c);
    }
    loop_schedule(l, c);
}

void conn_run(struct conn *c)
{
    if (!c->dead) c->driver->turn(c);
    /* Killed in this very turn: it is on the list again and goes with the next one. */
    if (c->dead && !c->scheduled) destroy(c);
}
