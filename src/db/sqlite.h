/* Shared by the files of the SQLite driver only: statements (sqlite_stmt.c), transactions (sqlite_tx.c), connections and the
 * rest (sqlite.c). */
#ifndef SEALDROP_DB_SQLITE_H
#define SEALDROP_DB_SQLITE_H

#include <sqlite3.h>

#include "db/db_impl.h"
#include "db/pool.h"

struct group_member;

struct sqlite_db {
    struct db base;
    const char *path;
    bool memory;
    struct pool writer;
    struct pool readers; /* unused in memory */
    struct bell bell;
    struct mutex group_lock; /* guards what is in group_member */
};

struct sqlite_conn {
    struct db_conn base;
    struct sqlite_db *db;
    sqlite3 *h;
    struct stmt_map prepared; /* of struct prepared */
    bool query_only;
    bool notify; /* the present transaction asked to ring after the commit */
    bool broken; /* do not use again after this transaction */
    /* The writer's open group (sqlite_tx.c); they belong to whoever holds the connection. */
    struct group_member *members;
    unsigned group_size; /* transactions that are complete */
    bool group_notify;   /* one of them asked to ring after the commit */
};

/* Runs a statement in whatever transaction is open. */
MUST_USE enum err sqlite_run(struct ctx *c, struct sqlite_conn *s, const struct db_stmt *stmt,
                             const struct db_value *args, size_t n, struct db_result *ret);
MUST_USE enum err sqlite_exec(struct ctx *c, struct sqlite_conn *s, const char *sql);
/* Records what SQLite said, sets base.retry and broken. Never ERR_OK. */
enum err sqlite_fail(struct ctx *c, struct sqlite_conn *s, const char *what);
/* Frees what was prepared. */
void sqlite_forget(struct sqlite_conn *s);

/* Of struct db_ops. */
MUST_USE enum err sqlite_begin(struct ctx *c, struct db *base, enum db_tx_mode mode, struct db_conn **ret,
                               bool *ret_retry);
MUST_USE enum err sqlite_end(struct ctx *c, struct db_conn *conn, bool commit, bool *ret_retry);

#endif
