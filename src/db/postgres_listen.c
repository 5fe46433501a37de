/* db_wait on PostgreSQL: one connection LISTENs; of the threads that wait, the first polls it and wakes the others. */
#include "db/postgres.h"

#include "base/intmath.h"
#include "os/file.h"

#define RECONNECT_MS 1000

void pg_listener_close(struct pg_listener *l)
{
    fd_close(&l->epoll);
    pg_conn_close(l->conn);
    l->conn = NULL;
}

static enum err listener_open(struct ctx *c, struct pg_db *db)
{
    struct pg_listener *l = &db->listener;
    void *conn = NULL;
    TRY(pg_conn_open(c, db, &conn));
    l->conn = conn;
    l->epoll = sys()->epoll_create1(EPOLL_CLOEXEC);
    if (l->epoll < 0) return fail(c, ERR_BUSY, "epoll_create1");
    struct epoll_event ev = {.events = EPOLLIN};
    if (sys()->epoll_ctl(l->epoll, EPOLL_CTL_ADD, PQsocket(l->conn->h), &ev) != 0) return fail(c, ERR_BUSY, "epoll_ctl");
    return pg_exec(c, l->conn, "LISTEN sealdrop");
}

/* Takes what has arrived. False when the connection is lost. */
static bool take_notifications(struct pg_conn *p, bool *ret_any)
{
    if (!PQconsumeInput(p->h)) return false;
    for (PGnotify *n = PQnotifies(p->h); n; n = PQnotifies(p->h)) {
        *ret_any = true;
        PQfreemem(n);
    }
    return true;
}

static bool poll_once(struct pg_db *db, int64_t timeout_ms)
{
    struct pg_listener *l = &db->listener;
    struct epoll_event ev;
    bool any = false;
    if (!take_notifications(l->conn, &any)) l->lost = true;
    if (any || l->lost) return any;
    if (sys()->epoll_wait(l->epoll, &ev, 1, (int)MIN(timeout_ms, 60000)) <= 0) return false;
    if (!take_notifications(l->conn, &any)) l->lost = true;
    return any;
}

/* By the leading thread, without the lock: true when there is something to wake for. */
static bool listen_for(struct pg_db *db, int64_t timeout_ms)
{
    struct pg_listener *l = &db->listener;
    struct ctx c;
    ctx_init(&c, 0); /* for the error's text only: nobody to tell, it is tried again */
    bool again = l->lost;
    if (l->lost) pg_listener_close(l);
    if (!l->conn && listener_open(&c, db) != ERR_OK) {
        pg_listener_close(l);
        l->lost = true;
        GUARD(&db->bell.lock);
        cond_wait_for(&db->bell.cond, &db->bell.lock, MIN(timeout_ms, RECONNECT_MS));
        return false;
    }
    l->lost = false;
    /* What was sent while nobody listened is lost: better one look too many. */
    return again || poll_once(db, timeout_ms);
}

bool pg_wait(struct db *base, int64_t timeout_ms)
{
    struct pg_db *db = (struct pg_db *)base;
    struct bell *b = &db->bell;
    int64_t until = sys_real()->mono_ms() + timeout_ms;
    GUARD(&b->lock);
    uint64_t heard = b->heard;
    while (b->rung == heard) {
        int64_t left = until - sys_real()->mono_ms();
        if (left <= 0) return false;
        if (db->listener.led) {
            cond_wait_for(&b->cond, &b->lock, left);
            continue;
        }
        db->listener.led = true;
        mutex_unlock(&b->lock);
        bool ring = listen_for(db, left);
        mutex_lock(&b->lock);
        db->listener.led = false;
        if (ring) b->rung++;
        cond_broadcast(&b->cond); /* news, or another must lead */
    }
    b->heard = b->rung;
    return true;
}
