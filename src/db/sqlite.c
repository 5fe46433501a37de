/* The SQLite driver: one connection that writes, several that read snapshots (WAL). A commit is durable when it returns
 * (synchronous=FULL). An in-memory database has a single connection for both. */
#include <sqlite3.h>
#include <string.h>

#include "base/assert.h"
#include "base/mem.h"
#include "db/db_impl.h"
#include "db/pool.h"
#include "os/file.h"

#define SQLITE_MIN_VERSION 3035000 /* RETURNING */
#define BUSY_TIMEOUT_MS 250        /* another process has the lock; db_tx tries again */

struct sqlite_db {
    struct db base;
    const char *path;
    bool memory;
    struct pool writer;
    struct pool readers; /* unused in memory */
    struct bell bell;
};

struct sqlite_conn {
    struct db_conn base;
    struct sqlite_db *db;
    sqlite3 *h;
    struct stmt_map prepared; /* of struct prepared */
    bool query_only;
    bool notify; /* ring after the commit */
    bool broken; /* do not use again after this transaction */
};

struct prepared {
    sqlite3_stmt *st;
    unsigned args;
    uint8_t arg[LIMIT_DB_ARGS]; /* SQLite's parameter i+1 is our argument $(arg[i]) */
};

static void prepared_free(void *p)
{
    struct prepared *pr = p;
    if (!pr) return;
    sqlite3_finalize(pr->st);
    mem_free(pr);
}

static void prepared_cleanup(struct prepared **p) { prepared_free(*p); }

static void conn_close(void *p)
{
    struct sqlite_conn *s = p;
    if (!s) return;
    stmt_map_done(&s->prepared, prepared_free);
    ASSERT(sqlite3_close(s->h) == SQLITE_OK);
    mem_free(s);
}

static void conn_cleanup(struct sqlite_conn **s) { conn_close(*s); }

static enum err sqlite_fail(struct ctx *c, struct sqlite_conn *s, const char *what)
{
    int code = s->h ? sqlite3_extended_errcode(s->h) : SQLITE_NOMEM;
    enum err e = db_sqlite_err(code, &s->base.retry);
    if (e == ERR_OK) e = ERR_INTERNAL;
    /* Where it cannot open a file for writing SQLite quietly opens it for reading: the writer must be opened anew. */
    if ((code & 0xff) == SQLITE_READONLY && !s->query_only) e = ERR_IO;
    /* After these the state of the connection's cache is not worth trusting. A memory database lives in its connection. */
    s->broken = s->broken || (!s->db->memory && (e == ERR_IO || e == ERR_CORRUPT || e == ERR_NOMEM));
    return fail(c, e, "%s: %s (sqlite %d, errno %d)", what, s->h ? sqlite3_errmsg(s->h) : "no memory", code,
                s->h ? sqlite3_system_errno(s->h) : 0);
}

static enum err exec(struct ctx *c, struct sqlite_conn *s, const char *sql)
{
    return sqlite3_exec(s->h, sql, NULL, NULL, NULL) == SQLITE_OK ? ERR_OK : sqlite_fail(c, s, sql);
}

/* SQLite numbers "$2" by first appearance; we mean the second argument. Each of $1..$args must appear. */
static enum err map_args(struct ctx *c, const struct db_stmt *stmt, struct prepared *p)
{
    uint64_t seen = 0;
    int count = sqlite3_bind_parameter_count(p->st);
    if (count > LIMIT_DB_ARGS) return fail(c, ERR_INTERNAL, "%s: %d placeholders", stmt->name, count);
    for (int i = 0; i < count; i++) {
        unsigned k = db_arg_number(sqlite3_bind_parameter_name(p->st, i + 1));
        if (!k) return fail(c, ERR_INTERNAL, "%s: a placeholder is not $1..$%d", stmt->name, LIMIT_DB_ARGS);
        p->arg[i] = (uint8_t)k;
        seen |= 1ull << (k - 1);
    }
    if (seen != (1ull << count) - 1) return fail(c, ERR_INTERNAL, "%s: a gap in the placeholders", stmt->name);
    p->args = (unsigned)count;
    return ERR_OK;
}

static enum err prepare(struct ctx *c, struct sqlite_conn *s, const struct db_stmt *stmt, struct prepared **ret)
{
    const char *tail = NULL;
    *ret = stmt_map_get(&s->prepared, stmt);
    if (*ret) return ERR_OK;
    CLEANUP(prepared_cleanup) struct prepared *p = MEM_NEW(struct prepared);
    if (!p) return fail(c, ERR_NOMEM, "%s", stmt->name);
    const char *sql = stmt->sqlite ? stmt->sqlite : stmt->sql;
    if (sqlite3_prepare_v3(s->h, sql, -1, SQLITE_PREPARE_PERSISTENT, &p->st, &tail) != SQLITE_OK)
        return sqlite_fail(c, s, stmt->name);
    if (!p->st || *tail) return fail(c, ERR_INTERNAL, "%s: not exactly one statement", stmt->name);
    TRY(map_args(c, stmt, p));
    if (stmt_map_put(&s->prepared, stmt, p) != ERR_OK) return fail(c, ERR_NOMEM, "%s", stmt->name);
    *ret = TAKE(p);
    return ERR_OK;
}

static int bind_one(sqlite3_stmt *st, int i, const struct db_value *v)
{
    /* A null pointer would bind NULL; an empty value has none. */
    const char *p = v->s.ptr ? v->s.ptr : "";
    switch (v->type) {
    case DB_NULL: return sqlite3_bind_null(st, i);
    case DB_I64: return sqlite3_bind_int64(st, i, v->i);
    case DB_TEXT: return sqlite3_bind_text64(st, i, p, v->s.len, SQLITE_STATIC, SQLITE_UTF8);
    case DB_BYTES: return sqlite3_bind_blob64(st, i, p, v->s.len, SQLITE_STATIC);
    default: return SQLITE_MISUSE;
    }
}

static enum err bind_args(struct ctx *c, struct sqlite_conn *s, const struct db_stmt *stmt, const struct prepared *p,
                          const struct db_value *args, size_t n)
{
    if (n != p->args) return fail(c, ERR_INTERNAL, "%s: %zu arguments for %u", stmt->name, n, p->args);
    for (unsigned i = 0; i < p->args; i++)
        if (bind_one(p->st, (int)i + 1, &args[p->arg[i] - 1]) != SQLITE_OK) return sqlite_fail(c, s, stmt->name);
    return ERR_OK;
}

static enum err cell(struct ctx *c, sqlite3_stmt *st, int col, struct db_value *ret)
{
    switch (sqlite3_column_type(st, col)) {
    case SQLITE_NULL: *ret = db_null(); return ERR_OK;
    case SQLITE_INTEGER: *ret = db_i64(sqlite3_column_int64(st, col)); return ERR_OK;
    case SQLITE_TEXT: {
        const void *p = sqlite3_column_text(st, col);
        if (!p) return fail(c, ERR_NOMEM, "text of column %d", col);
        *ret = db_text(slice_of(p, (size_t)sqlite3_column_bytes(st, col)));
        return ERR_OK;
    }
    case SQLITE_BLOB: {
        const void *p = sqlite3_column_blob(st, col);
        size_t len = (size_t)sqlite3_column_bytes(st, col);
        if (!p && len) return fail(c, ERR_NOMEM, "bytes of column %d", col);
        *ret = db_bytes(slice_of(p ? p : "", len));
        return ERR_OK;
    }
    default: return fail(c, ERR_INTERNAL, "column %d is a floating-point number", col);
    }
}

static enum err add_row(struct ctx *c, sqlite3_stmt *st, struct db_rows *rows)
{
    for (size_t i = 0; i < rows->cols; i++) {
        struct db_value v = {0};
        TRY(cell(c, st, (int)i, &v));
        TRY(db_rows_add(rows, v));
    }
    return ERR_OK;
}

static enum err step_all(struct ctx *c, struct sqlite_conn *s, const struct db_stmt *stmt, sqlite3_stmt *st,
                         struct db_result *ret)
{
    CLEANUP(db_rows_done) struct db_rows rows;
    db_rows_init(&rows, c, (size_t)sqlite3_column_count(st));
    int64_t before = sqlite3_total_changes64(s->h);
    int code = sqlite3_step(st);
    for (; code == SQLITE_ROW; code = sqlite3_step(st))
        if (ret) TRY(add_row(c, st, &rows));
    if (code != SQLITE_DONE) return sqlite_fail(c, s, stmt->name);
    if (!ret) return ERR_OK;
    /* sqlite3_changes keeps its value over statements that change nothing. */
    bool changed = sqlite3_total_changes64(s->h) != before;
    return db_rows_finish(&rows, changed ? (uint64_t)sqlite3_changes64(s->h) : 0, ret);
}

static enum err run(struct ctx *c, struct sqlite_conn *s, const struct db_stmt *stmt, const struct db_value *args,
                    size_t n, struct db_result *ret)
{
    struct prepared *p = NULL;
    TRY(prepare(c, s, stmt, &p));
    enum err e = bind_args(c, s, stmt, p, args, n);
    if (e == ERR_OK) e = step_all(c, s, stmt, p->st, ret);
    /* The arguments are borrowed: no pointer to them may stay. */
    sqlite3_reset(p->st);
    sqlite3_clear_bindings(p->st);
    return e;
}

static enum err sqlite_run(struct ctx *c, struct db_conn *conn, const struct db_stmt *stmt, const struct db_value *args,
                           size_t n, struct db_result *ret)
{
    struct sqlite_conn *s = (struct sqlite_conn *)conn;
    ASSERT(!sqlite3_get_autocommit(s->h));
    return run(c, s, stmt, args, n, ret);
}

static enum err sqlite_script(struct ctx *c, struct db_conn *conn, const char *sql)
{
    struct sqlite_conn *s = (struct sqlite_conn *)conn;
    TRY(exec(c, s, sql));
    if (sqlite3_get_autocommit(s->h)) return fail(c, ERR_INTERNAL, "a migration ended its transaction");
    return ERR_OK;
}

static enum err sqlite_lock_schema(struct ctx *c, struct db_conn *conn)
{
    (void)c;
    ASSERT(conn->mode == DB_WRITE); /* BEGIN IMMEDIATE holds the one write lock */
    return ERR_OK;
}

static enum err sqlite_notify(struct ctx *c, struct db_conn *conn)
{
    (void)c;
    ((struct sqlite_conn *)conn)->notify = true;
    return ERR_OK;
}

/* --- connections --- */

static enum err enable_wal(struct ctx *c, struct sqlite_conn *s)
{
    static const struct db_stmt st = {.name = "journal_mode", .sql = "PRAGMA journal_mode=WAL"};
    struct db_result r = {0};
    if (s->db->memory) return ERR_OK;
    TRY(run(c, s, &st, NULL, 0, &r));
    if (!r.rows || !slice_eq(db_get_slice(&r, 0, 0), SLICE("wal")))
        return fail(c, ERR_UNSUPPORTED, "%s: this file system cannot hold a WAL database", s->db->path);
    return ERR_OK;
}

static enum err setup(struct ctx *c, struct sqlite_conn *s)
{
    static const struct {
        int option;
        int value;
    } options[] = {
        {SQLITE_DBCONFIG_DEFENSIVE, 1},
        {SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0},
        {SQLITE_DBCONFIG_DQS_DML, 0}, /* "x" is a name, never a string: as in PostgreSQL */
        {SQLITE_DBCONFIG_DQS_DDL, 0},
    };
    for (size_t i = 0; i < sizeof options / sizeof options[0]; i++)
        if (sqlite3_db_config(s->h, options[i].option, options[i].value, NULL) != SQLITE_OK)
            return fail(c, ERR_UNSUPPORTED, "sqlite option %d", options[i].option);
    sqlite3_busy_timeout(s->h, BUSY_TIMEOUT_MS);
    TRY(enable_wal(c, s));
    return exec(c, s,
                "PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON; PRAGMA secure_delete=ON; PRAGMA mmap_size=0;"
                "PRAGMA temp_store=MEMORY; PRAGMA journal_size_limit=67108864;");
}

static enum err conn_open(struct ctx *c, struct sqlite_db *db, bool query_only, void **ret)
{
    CLEANUP(conn_cleanup) struct sqlite_conn *s = MEM_NEW(struct sqlite_conn);
    if (!s) return fail(c, ERR_NOMEM, "database connection");
    s->db = db;
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;
    if (sqlite3_open_v2(db->path, &s->h, flags, "unix") != SQLITE_OK) return sqlite_fail(c, s, db->path);
    TRY(setup(c, s));
    if (query_only) TRY(exec(c, s, "PRAGMA query_only=ON"));
    s->query_only = query_only;
    *ret = TAKE(s);
    return ERR_OK;
}

static enum err open_writer(struct ctx *c, void *owner, void **ret) { return conn_open(c, owner, false, ret); }
static enum err open_reader(struct ctx *c, void *owner, void **ret) { return conn_open(c, owner, true, ret); }

static struct pool *pool_of(struct sqlite_db *db, enum db_tx_mode mode)
{
    return mode == DB_READ && !db->memory ? &db->readers : &db->writer;
}

/* --- transactions --- */

static enum err begin_on(struct ctx *c, struct sqlite_conn *s, enum db_tx_mode mode)
{
    static const struct db_stmt read = {.name = "begin", .sql = "BEGIN"};
    static const struct db_stmt write = {.name = "begin_immediate", .sql = "BEGIN IMMEDIATE"};
    s->base = (struct db_conn){.ops = s->db->base.ops, .kind = DB_SQLITE, .mode = mode};
    s->notify = false;
    if (s->query_only != (mode == DB_READ)) {
        TRY(exec(c, s, mode == DB_READ ? "PRAGMA query_only=ON" : "PRAGMA query_only=OFF"));
        s->query_only = mode == DB_READ;
    }
    return run(c, s, mode == DB_READ ? &read : &write, NULL, 0, NULL);
}

static enum err sqlite_begin(struct ctx *c, struct db *base, enum db_tx_mode mode, struct db_conn **ret, bool *ret_retry)
{
    struct sqlite_db *db = (struct sqlite_db *)base;
    void *got = NULL;
    enum err e = pool_get(c, pool_of(db, mode), &got);
    if (e != ERR_OK) {
        *ret_retry = e == ERR_BUSY; /* another process holds a lock while we open */
        return e;
    }
    struct sqlite_conn *s = got;
    e = begin_on(c, s, mode);
    if (e != ERR_OK) {
        *ret_retry = s->base.retry;
        pool_put(pool_of(db, mode), s, s->broken);
        return e;
    }
    *ret = &s->base;
    return ERR_OK;
}

static void rollback(struct ctx *c, struct sqlite_conn *s)
{
    static const struct db_stmt st = {.name = "rollback", .sql = "ROLLBACK"};
    /* Some errors (full disk, I/O) make SQLite roll back by itself. */
    if (sqlite3_get_autocommit(s->h)) return;
    if (run(c, s, &st, NULL, 0, NULL) != ERR_OK) s->broken = true;
}

static enum err sqlite_end(struct ctx *c, struct db_conn *conn, bool commit, bool *ret_retry)
{
    static const struct db_stmt st = {.name = "commit", .sql = "COMMIT"};
    struct sqlite_conn *s = (struct sqlite_conn *)conn;
    struct sqlite_db *db = s->db;
    enum err e = ERR_OK;
    if (commit) e = run(c, s, &st, NULL, 0, NULL);
    if (e != ERR_OK) *ret_retry = s->base.retry;
    if (!commit || e != ERR_OK) rollback(c, s);
    bool ring = commit && e == ERR_OK && s->notify;
    pool_put(pool_of(db, s->base.mode), s, s->broken);
    if (ring) bell_ring(&db->bell);
    return e;
}

static bool sqlite_wait(struct db *base, int64_t timeout_ms)
{
    return bell_wait(&((struct sqlite_db *)base)->bell, timeout_ms);
}

static void sqlite_close(struct db *base)
{
    struct sqlite_db *db = (struct sqlite_db *)base;
    /* The writer goes last: the last connection to close moves the WAL into the database. */
    pool_done(&db->readers);
    pool_done(&db->writer);
    bell_done(&db->bell);
    mem_free(db);
}

static void close_cleanup(struct sqlite_db **db)
{
    if (*db) sqlite_close(&(*db)->base);
}

static const struct db_ops sqlite_ops = {
    .begin = sqlite_begin,
    .run = sqlite_run,
    .script = sqlite_script,
    .lock_schema = sqlite_lock_schema,
    .notify = sqlite_notify,
    .end = sqlite_end,
    .wait = sqlite_wait,
    .close = sqlite_close,
};

/* SQLite would make the file readable for all. Only a file that is not there yet is opened here: closing a second
 * descriptor of a database would drop this process's locks on it. */
static enum err create_private(struct ctx *c, const char *path)
{
    CLEANUP(fd_close) int fd = -1;
    enum err e = file_open(path, O_RDWR | O_CREAT | O_EXCL, 0600, &fd);
    return e == ERR_OK || e == ERR_EXISTS ? ERR_OK : fail(c, e, "create '%s'", path);
}

enum err db_sqlite_open(struct ctx *c, const struct db_config *cfg, struct db **ret)
{
    db_sqlite_use_sys();
    if (sqlite3_libversion_number() < SQLITE_MIN_VERSION)
        return fail(c, ERR_UNSUPPORTED, "SQLite %s is too old", sqlite3_libversion());
    size_t path_size = strlen(cfg->sqlite_path) + 1;
    struct sqlite_db *made = mem_alloc(1, sizeof *made + path_size);
    if (!made) return fail(c, ERR_NOMEM, "database");
    memcpy(made + 1, cfg->sqlite_path, path_size);
    bell_init(&made->bell);
    made->base = (struct db){&sqlite_ops, DB_SQLITE, cfg->acquire_timeout_ms};
    made->path = (const char *)(made + 1);
    made->memory = strcmp(made->path, ":memory:") == 0;
    CLEANUP(close_cleanup) struct sqlite_db *db = made;
    if (pool_init(&db->writer, 1, cfg->acquire_timeout_ms, open_writer, conn_close, db) != ERR_OK ||
        pool_init(&db->readers, cfg->connections, cfg->acquire_timeout_ms, open_reader, conn_close, db) != ERR_OK)
        return fail(c, ERR_NOMEM, "database");
    if (!db->memory) TRY(create_private(c, db->path));
    TRY(db_ping(c, &db->base));
    *ret = &TAKE(db)->base;
    return ERR_OK;
}
