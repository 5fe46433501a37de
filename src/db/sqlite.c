/* The SQLite driver: one connection that writes, several that read snapshots (WAL). An in-memory database has a single
 * connection for both. Statements are in sqlite_stmt.c, transactions in sqlite_tx.c. */
#include "db/sqlite.h"

#include <string.h>

#include "base/assert.h"
#include "base/mem.h"
#include "os/file.h"

#define SQLITE_MIN_VERSION 3035000 /* RETURNING */
#define BUSY_TIMEOUT_MS 250        /* another process has the lock; db_tx tries again */

static void conn_close(void *p)
{
    struct sqlite_conn *s = p;
    if (!s) return;
    sqlite_forget(s);
    ASSERT(sqlite3_close(s->h) == SQLITE_OK);
    mem_free(s);
}

static void conn_cleanup(struct sqlite_conn **s) { conn_close(*s); }

static enum err run(struct ctx *c, struct db_conn *conn, const struct db_stmt *stmt, const struct db_value *args,
                    size_t n, struct db_result *ret)
{
    struct sqlite_conn *s = (struct sqlite_conn *)conn;
    ASSERT(!sqlite3_get_autocommit(s->h) == (conn->mode != DB_READ_ONE));
    return sqlite_run(c, s, stmt, args, n, ret);
}

static enum err later(struct ctx *c, struct db_conn *conn, const struct db_stmt *stmt, const struct db_value *args, size_t n)
{
    return db_later_err(run(c, conn, stmt, args, n, NULL));
}

static enum err script(struct ctx *c, struct db_conn *conn, const char *sql)
{
    struct sqlite_conn *s = (struct sqlite_conn *)conn;
    TRY(sqlite_exec(c, s, sql));
    if (sqlite3_get_autocommit(s->h)) return fail(c, ERR_INTERNAL, "a migration ended its transaction");
    return ERR_OK;
}

static enum err lock_schema(struct ctx *c, struct db_conn *conn)
{
    (void)c;
    ASSERT(conn->mode == DB_WRITE); /* BEGIN IMMEDIATE holds the one write lock */
    return ERR_OK;
}

static enum err notify(struct ctx *c, struct db_conn *conn)
{
    (void)c;
    ((struct sqlite_conn *)conn)->notify = true;
    return ERR_OK;
}

static enum err enable_wal(struct ctx *c, struct sqlite_conn *s)
{
    static const struct db_stmt st = {.name = "journal_mode", .sql = "PRAGMA journal_mode=WAL"};
    struct db_result r = {0};
    if (s->db->memory) return ERR_OK;
    TRY(sqlite_run(c, s, &st, NULL, 0, &r));
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
    return sqlite_exec(c, s,
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
    if (query_only) TRY(sqlite_exec(c, s, "PRAGMA query_only=ON"));
    s->query_only = query_only;
    *ret = TAKE(s);
    return ERR_OK;
}

static enum err open_writer(struct ctx *c, void *owner, void **ret) { return conn_open(c, owner, false, ret); }
static enum err open_reader(struct ctx *c, void *owner, void **ret) { return conn_open(c, owner, true, ret); }

static bool wait_bell(struct db *base, int64_t timeout_ms)
{
    return bell_wait(&((struct sqlite_db *)base)->bell, timeout_ms);
}

static void close_db(struct db *base)
{
    struct sqlite_db *db = (struct sqlite_db *)base;
    /* The writer goes last: the last connection to close moves the WAL into the database. */
    pool_done(&db->readers);
    pool_done(&db->writer);
    bell_done(&db->bell);
    mutex_done(&db->group_lock);
    mem_free(db);
}

static void close_cleanup(struct sqlite_db **db)
{
    if (*db) close_db(&(*db)->base);
}

static const struct db_ops sqlite_ops = {
    .begin = sqlite_begin,
    .run = run,
    .later = later,
    .script = script,
    .lock_schema = lock_schema,
    .notify = notify,
    .end = sqlite_end,
    .wait = wait_bell,
    .close = close_db,
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
    mutex_init(&made->group_lock);
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
