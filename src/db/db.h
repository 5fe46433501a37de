/* db: one SQL database, SQLite or PostgreSQL, behind one interface.
 *
 * SQL lives only in `*_store.c` files as `static const struct db_stmt`; placeholders are $1..$n in both dialects. Column types
 * are BIGINT, TEXT and BYTEA (a boolean is a BIGINT 0/1, a time is BIGINT milliseconds, an id is 16 bytes of BYTEA), so one
 * migration set serves both. Where the dialects truly differ a statement has a second text.
 *
 * All work happens on a `struct db_conn` inside a transaction made by db_tx(): it retries the whole function when the database
 * says CONFLICT or BUSY, so the function must have no effect but on the database and on its arg. When db_tx returns ERR_OK the
 * transaction is durable (fsync). Results are materialised in the ctx arena.
 * `struct db` is thread-safe; a conn belongs to the thread that runs the transaction.
 *
 * A statement that fails ends its transaction: later ones give the same error and nothing is committed, even if the function
 * returns ERR_OK. Where a row may be there already, say so in SQL (ON CONFLICT DO NOTHING); db_one's ERR_NOT_FOUND is only an
 * answer and ends nothing. Only a CONFLICT or BUSY of the database makes db_tx try again, not one the function thought of.
 * Portable SQL: sum() of a BIGINT needs CAST(… AS BIGINT), "x" is a name and never text, floating-point results are refused. */
#ifndef SEALDROP_DB_DB_H
#define SEALDROP_DB_DB_H

#include "base/ctx.h"
#include "base/id.h"

struct db;
struct db_conn;

enum db_kind { DB_SQLITE, DB_POSTGRES };

struct db_stmt {
    const char *name;     /* unique, e.g. "file_insert"; the struct must have static storage: it is a key of caches */
    const char *sql;      /* both dialects */
    const char *sqlite;   /* instead of sql on SQLite, when not NULL */
};

enum db_type { DB_NULL, DB_I64, DB_TEXT, DB_BYTES };

struct db_value {
    enum db_type type;
    int64_t i;
    struct slice s;
};

static inline struct db_value db_null(void)
{
    return (struct db_value){.type = DB_NULL};
}
static inline struct db_value db_i64(int64_t v)
{
    return (struct db_value){.type = DB_I64, .i = v};
}
static inline struct db_value db_text(struct slice s)
{
    return (struct db_value){.type = DB_TEXT, .s = s};
}
static inline struct db_value db_bytes(struct slice s)
{
    return (struct db_value){.type = DB_BYTES, .s = s};
}
/* Borrows *id until the call returns. */
static inline struct db_value db_id(const struct id *id)
{
    return db_bytes(slice_of(id->b, sizeof id->b));
}
/* NULL when s.ptr is NULL. */
static inline struct db_value db_text_opt(struct slice s)
{
    return s.ptr ? db_text(s) : db_null();
}
static inline struct db_value db_bytes_opt(struct slice s)
{
    return s.ptr ? db_bytes(s) : db_null();
}

struct db_result {
    size_t rows;
    size_t cols;
    const struct db_value *cells; /* row-major, owned by the ctx arena */
    uint64_t changes;             /* rows inserted, updated or deleted */
};

/* Value at (row, col); asserts the bounds. Bytes and text are borrowed from the arena. */
const struct db_value *db_at(const struct db_result *r, size_t row, size_t col);
/* Typed access for store code: an unexpected NULL or type gives 0 / empty / zero id. */
int64_t db_get_i64(const struct db_result *r, size_t row, size_t col);
struct slice db_get_slice(const struct db_result *r, size_t row, size_t col); /* ptr NULL for NULL */
struct id db_get_id(const struct db_result *r, size_t row, size_t col);

#define DB_ARGS(...) (const struct db_value[]){__VA_ARGS__}
#define DB_ARG_COUNT(...) (sizeof(DB_ARGS(__VA_ARGS__)) / sizeof(struct db_value))

/* Runs a statement. Any rows (RETURNING or SELECT) come in *ret, which may be NULL. ERR_EXISTS: unique violation;
 * ERR_NOT_FOUND: foreign key violation; ERR_CONFLICT/ERR_BUSY: pass up, db_tx retries. At most LIMIT_DB_RESULT_ROWS rows. */
MUST_USE enum err db_run(struct ctx *c, struct db_conn *conn, const struct db_stmt *stmt,
                         const struct db_value *args, size_t n, struct db_result *ret);
/* db_exec(c, conn, &stmt, &result_or_NULL, db_id(&x), db_i64(3)) */
#define db_exec(c, conn, stmt, ret, ...)                                                           \
    db_run((c), (conn), (stmt), DB_ARGS(__VA_ARGS__), DB_ARG_COUNT(__VA_ARGS__), (ret))
#define db_exec0(c, conn, stmt, ret) db_run((c), (conn), (stmt), NULL, 0, (ret))
/* The same, but ERR_NOT_FOUND unless exactly one row came back or was changed. */
#define db_one(c, conn, stmt, ret, ...)                                                            \
    db_run_one((c), (conn), (stmt), DB_ARGS(__VA_ARGS__), DB_ARG_COUNT(__VA_ARGS__), (ret))
MUST_USE enum err db_run_one(struct ctx *c, struct db_conn *conn, const struct db_stmt *stmt,
                             const struct db_value *args, size_t n, struct db_result *ret);

/* For a change that nobody waits for: it may travel with the next statement or the commit, which saves a round trip, and is done before
 * either. No error is expected but one that ends the transaction: it comes from here, from a later statement or from db_tx, and what a
 * constraint says is ERR_INTERNAL. */
MUST_USE enum err db_run_later(struct ctx *c, struct db_conn *conn, const struct db_stmt *stmt, const struct db_value *args, size_t n);
#define db_later(c, conn, stmt, ...) db_run_later((c), (conn), (stmt), DB_ARGS(__VA_ARGS__), DB_ARG_COUNT(__VA_ARGS__))

enum db_tx_mode {
    DB_READ, /* a consistent snapshot; writing is an error */
    DB_READ_ONE, /* the same for a single SELECT, which is a snapshot by itself: nothing around it to wait for */
    DB_WRITE /* serialised where it matters; durable on return */
};
typedef enum err db_tx_fn(struct ctx *c, struct db_conn *conn, void *arg);
/* Runs fn in a transaction: commits on ERR_OK, rolls back otherwise and returns fn's code. Not nestable.
 * It tries again up to LIMIT_DB_TX_RETRIES times and starts no new try after acquire_timeout_ms. A connection lost during
 * COMMIT gives ERR_BUSY without a new try: nobody knows whether it happened.
 * SQLite writers that wait for each other share one COMMIT; each returns only after it. */
MUST_USE enum err db_tx(struct ctx *c, struct db *db, enum db_tx_mode mode, db_tx_fn *fn, void *arg);

enum db_kind db_kind(const struct db *db);
enum db_kind db_conn_kind(const struct db_conn *conn);
/* Blocks until db_notify() of any node commits, or timeout. True when notified: a hint to look, which may come once too often
 * (after a lost connection), and wakes all that wait. PostgreSQL listens from the first call on. SQLite: this process only. */
bool db_wait(struct db *db, int64_t timeout_ms);
/* Inside a write transaction: wakes db_wait() everywhere when it commits. */
MUST_USE enum err db_notify(struct ctx *c, struct db_conn *conn);

struct db_config {
    enum db_kind kind;
    const char *sqlite_path;   /* ":memory:" gives a private in-memory database (one connection) */
    const char *postgres_url;  /* postgres://… or a libpq conninfo string */
    unsigned connections;      /* readers (SQLite) or pool size (PostgreSQL); 0 = 8 */
    unsigned acquire_timeout_ms; /* waiting for a connection; 0 = 10000; then ERR_BUSY */
};

/* Opens, checks the server version and that it is reachable. Close with db_close after all transactions ended. */
MUST_USE enum err db_open(struct ctx *c, const struct db_config *cfg, struct db **ret);
void db_close(struct db *db);
/* A cheap round trip ("SELECT 1"), for /health/ready. */
MUST_USE enum err db_ping(struct ctx *c, struct db *db);

struct db_migration {
    int64_t number; /* 1, 2, 3 … */
    const char *name;
    const char *sql;    /* both dialects */
    const char *sqlite; /* instead of sql on SQLite, when not NULL */
};
/* Brings the schema up to date: each migration in one transaction with its checksum recorded. Several nodes may start at
 * once. ERR_CONFLICT when a recorded checksum differs or the database is newer than this program. */
MUST_USE enum err db_migrate(struct ctx *c, struct db *db, const struct db_migration *list, size_t n);

/* Fault wrapper: a db that makes the n-th db_run/commit fail with `e` (0-based; counted over the process), once or for ever.
 * Takes ownership of `inner`. db_fault_set(n = UINT64_MAX) disarms; db_fault_count() tells the calls seen since the last set. */
MUST_USE enum err db_fault_open(struct db *inner, struct db **ret);
void db_fault_set(struct db *db, uint64_t n, bool for_ever, enum err e);
uint64_t db_fault_count(const struct db *db);

#endif
