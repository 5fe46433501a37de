/* db_impl: what a driver or a wrapper gives to db.c. Only files of db/ and its tests include this.
 *
 * db.c owns the rules that are the same everywhere (retry, "a failed statement ends the transaction", argument checks);
 * a driver owns connections, SQL and the meaning of its own error codes. */
#ifndef SEALDROP_DB_DB_IMPL_H
#define SEALDROP_DB_DB_IMPL_H

#include <stdatomic.h>

#include "base/limits.h"
#include "db/db.h"
#include "os/thread.h"

struct db_ops {
    /* Takes a connection and begins a transaction on it (none for DB_READ_ONE). ERR_BUSY when none came free in time.
     * *ret_retry tells whether db_tx may try again: true only for what a moment's wait can mend. */
    enum err (*begin)(struct ctx *c, struct db *db, enum db_tx_mode mode, struct db_conn **ret, bool *ret_retry);
    /* One statement. Sets conn->retry when the database itself asks for a new try. Not called after a failure. */
    enum err (*run)(struct ctx *c, struct db_conn *conn, const struct db_stmt *stmt, const struct db_value *args,
                    size_t n, struct db_result *ret);
    /* The same, without a result, at latest before the next statement or the end; an error is passed through db_later_err. */
    enum err (*later)(struct ctx *c, struct db_conn *conn, const struct db_stmt *stmt, const struct db_value *args, size_t n);
    /* Several statements without arguments, separated by ';' (a migration). */
    enum err (*script)(struct ctx *c, struct db_conn *conn, const char *sql);
    /* Held to the end of the transaction: no other node migrates meanwhile. */
    enum err (*lock_schema)(struct ctx *c, struct db_conn *conn);
    enum err (*notify)(struct ctx *c, struct db_conn *conn);
    /* Ends the transaction and gives the connection back, whatever happens. With commit: ERR_OK only when it is durable;
     * any error means it was rolled back, or (retry false) that nobody knows. Without: ERR_OK. */
    enum err (*end)(struct ctx *c, struct db_conn *conn, bool commit, bool *ret_retry);
    bool (*wait)(struct db *db, int64_t timeout_ms);
    void (*close)(struct db *db);
};

/* First member of a driver's own struct. */
struct db {
    const struct db_ops *ops;
    enum db_kind kind;
    unsigned retry_ms_max; /* db_tx begins no new try after so long */
};

struct db_conn {
    const struct db_ops *ops;
    enum db_kind kind;
    enum db_tx_mode mode;
    bool ran;        /* a statement */
    bool retry;      /* the error of this transaction is the database's "try again" */
    enum err failed; /* first error of this transaction; nothing may follow it */
};

MUST_USE enum err db_sqlite_open(struct ctx *c, const struct db_config *cfg, struct db **ret);
MUST_USE enum err db_postgres_open(struct ctx *c, const struct db_config *cfg, struct db **ret);
/* Makes SQLite do its file system calls through sys(). Idempotent, thread-safe. */
void db_sqlite_use_sys(void);

/* SQLITE_… extended result code to err; *ret_retry: a new try may help. */
enum err db_sqlite_err(int code, bool *ret_retry);
/* Five characters of SQLSTATE to err. *ret_retry as above; *ret_drop: the connection is of no more use. */
enum err db_postgres_err(const char *state, bool *ret_retry, bool *ret_drop);

/* The argument numbers of a statement: "$2" gives 2; 0 when `name` is not of that form or over LIMIT_DB_ARGS. */
unsigned db_arg_number(const char *name);

/* The error of a statement whose caller has gone on: nobody may take it for the answer to another one. */
enum err db_later_err(enum err e);

/* rows: collects result cells on the heap while their number is unknown, then moves them to the arena in one piece. */
#define DB_ROWS_INLINE 64
struct db_rows {
    struct ctx *c;
    size_t cols;
    size_t count; /* cells */
    size_t cap;
    struct db_value *heap;
    struct db_value few[DB_ROWS_INLINE]; /* most results are one row */
};
void db_rows_init(struct db_rows *r, struct ctx *c, size_t cols);
void db_rows_done(struct db_rows *r);
/* Adds one cell; the bytes of v are copied. ERR_TOO_LARGE past LIMIT_DB_RESULT_ROWS. */
MUST_USE enum err db_rows_add(struct db_rows *r, struct db_value v);
MUST_USE enum err db_rows_finish(struct db_rows *r, uint64_t changes, struct db_result *ret);

/* stmt_map: per connection, what was prepared for a statement; keyed by the statement's address. */
struct stmt_slot {
    const struct db_stmt *key;
    void *value;
};
struct stmt_map {
    struct stmt_slot *slots;
    size_t cap; /* 0 or a power of two */
    size_t len;
};
void *stmt_map_get(const struct stmt_map *m, const struct db_stmt *key);
/* The key must not be there yet. */
MUST_USE enum err stmt_map_put(struct stmt_map *m, const struct db_stmt *key, void *value);
void stmt_map_done(struct stmt_map *m, void (*free_value)(void *));

/* bell: wakes waiters; a ring that nobody waited for is kept for the next one. */
struct bell {
    struct mutex lock; /* guards the rest */
    struct cond cond;
    uint64_t rung;
    uint64_t heard;
};
void bell_init(struct bell *b);
void bell_done(struct bell *b);
void bell_ring(struct bell *b);
bool bell_wait(struct bell *b, int64_t timeout_ms);

#endif
