/* Shared by the files of the PostgreSQL driver only: connections (postgres_conn.c), statements and transactions
 * (postgres.c), LISTEN (postgres_listen.c). */
#ifndef SEALDROP_DB_POSTGRES_H
#define SEALDROP_DB_POSTGRES_H

#include <libpq-fe.h>

#include "db/db_impl.h"
#include "db/pool.h"

/* The one connection that LISTENs. Whoever waits first polls it for all. */
struct pg_listener {
    struct pg_conn *conn; /* used only by the thread that set `led` */
    int epoll;            /* the same */
    bool lost;            /* reconnecting: something may have been missed */
    bool led;             /* guarded by the bell's lock */
};

struct pg_db {
    struct db base;
    const char *url;
    struct pool pool;
    struct bell bell;
    struct pg_listener listener;
};

struct pg_conn {
    struct db_conn base;
    struct pg_db *db;
    PGconn *h;
    struct stmt_map prepared;
    const struct db_stmt *queued[LIMIT_DB_QUEUED]; /* sent, but not answered: in libpq's pipeline mode while there are any */
    unsigned queued_count;
    bool notified; /* in this transaction */
    bool broken; /* do not use again after this transaction */
};

/* A pool_open_fn and its pool_close_fn. */
MUST_USE enum err pg_conn_open(struct ctx *c, void *db, void **ret);
void pg_conn_close(void *conn);
/* Commands without arguments; results are dropped. */
MUST_USE enum err pg_exec(struct ctx *c, struct pg_conn *p, const char *sql);
/* Records what the server said (res may be NULL), sets base.retry and broken. Never ERR_OK. */
enum err pg_fail(struct ctx *c, struct pg_conn *p, const PGresult *res, const char *what);
void pg_result_done(PGresult **res);

/* One prepared form of a statement. */
struct pg_prepared {
    char name[80];
    unsigned args;
    unsigned generation; /* part of the name: each try to prepare has its own */
    bool ready;          /* the server has `name` with `types` */
    Oid types[LIMIT_DB_ARGS];
};

/* How many arguments the text takes: 0..LIMIT_DB_ARGS. ERR_INVALID when $1..$n has a gap or a number is too high. */
MUST_USE enum err pg_count_args(const char *sql, unsigned *ret);

bool pg_wait(struct db *db, int64_t timeout_ms);
void pg_listener_close(struct pg_listener *l);

#endif
