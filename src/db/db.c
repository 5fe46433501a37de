/* What is the same for every database: argument checks, one transaction, its retries, typed access to results.
 * No driver call here: see sqlite.c and postgres.c. */
#include "db/db.h"

#include <limits.h>
#include <string.h>

#include "base/assert.h"
#include "base/mem.h"
#include "db/db_impl.h"
#include "os/clock.h"

#define DEFAULT_CONNECTIONS 8
#define DEFAULT_ACQUIRE_TIMEOUT_MS 10000
#define BACKOFF_MAX_MS 256

const struct db_value *db_at(const struct db_result *r, size_t row, size_t col)
{
    ASSERT(row < r->rows && col < r->cols);
    return &r->cells[row * r->cols + col];
}

int64_t db_get_i64(const struct db_result *r, size_t row, size_t col)
{
    const struct db_value *v = db_at(r, row, col);
    return v->type == DB_I64 ? v->i : 0;
}

struct slice db_get_slice(const struct db_result *r, size_t row, size_t col)
{
    const struct db_value *v = db_at(r, row, col);
    return v->type == DB_TEXT || v->type == DB_BYTES ? v->s : (struct slice){0};
}

struct id db_get_id(const struct db_result *r, size_t row, size_t col)
{
    struct id id = {0};
    const struct db_value *v = db_at(r, row, col);
    if (v->type == DB_BYTES && v->s.len == sizeof id.b) memcpy(id.b, v->s.ptr, sizeof id.b);
    return id;
}

unsigned db_arg_number(const char *name)
{
    unsigned n = 0;
    if (!name || name[0] != '$' || !name[1] || name[1] == '0') return 0;
    for (const char *p = name + 1; *p; p++) {
        if (*p < '0' || *p > '9') return 0;
        n = n * 10 + (unsigned)(*p - '0');
        if (n > LIMIT_DB_ARGS) return 0;
    }
    return n;
}

static enum err check_args(struct ctx *c, const struct db_stmt *stmt, const struct db_value *args, size_t n)
{
    if (n > LIMIT_DB_ARGS) return fail(c, ERR_INTERNAL, "%s: %zu arguments", stmt->name, n);
    for (size_t i = 0; i < n; i++) {
        const struct db_value *a = &args[i];
        if (a->type == DB_NULL || a->type == DB_I64) continue;
        if (a->s.len > INT_MAX) return fail(c, ERR_TOO_LARGE, "%s: argument $%zu", stmt->name, i + 1);
        if (a->type == DB_TEXT && a->s.len && memchr(a->s.ptr, 0, a->s.len))
            return fail(c, ERR_INVALID, "%s: NUL in the text of argument $%zu", stmt->name, i + 1);
    }
    return ERR_OK;
}

/* Without a transaction a second statement would see another moment, and a change would be kept at once. */
static enum err check_alone(struct ctx *c, struct db_conn *conn, const struct db_stmt *stmt)
{
    if (conn->mode != DB_READ_ONE) return ERR_OK;
    if (conn->ran || strncmp(stmt->sql, "SELECT ", 7) != 0) return fail(c, ERR_INTERNAL, "%s: not a single SELECT", stmt->name);
    conn->ran = true;
    return ERR_OK;
}

static enum err run_checked(struct ctx *c, struct db_conn *conn, const struct db_stmt *stmt,
                            const struct db_value *args, size_t n, struct db_result *ret)
{
    TRY(check_args(c, stmt, args, n));
    TRY(check_alone(c, conn, stmt));
    return conn->ops->run(c, conn, stmt, args, n, ret);
}

enum err db_run(struct ctx *c, struct db_conn *conn, const struct db_stmt *stmt, const struct db_value *args,
                size_t n, struct db_result *ret)
{
    /* PostgreSQL takes nothing more after an error; the same rule everywhere keeps the two alike. */
    if (conn->failed != ERR_OK) return fail(c, conn->failed, "%s: after a failed statement", stmt->name);
    enum err e = run_checked(c, conn, stmt, args, n, ret);
    conn->failed = e;
    return e;
}

enum err db_later_err(enum err e) { return e == ERR_EXISTS || e == ERR_NOT_FOUND || e == ERR_INVALID ? ERR_INTERNAL : e; }

enum err db_run_later(struct ctx *c, struct db_conn *conn, const struct db_stmt *stmt, const struct db_value *args, size_t n)
{
    if (conn->failed != ERR_OK) return fail(c, conn->failed, "%s: after a failed statement", stmt->name);
    if (conn->mode != DB_WRITE) return fail(c, ERR_INTERNAL, "%s: not in a write transaction", stmt->name);
    enum err e = check_args(c, stmt, args, n);
    conn->failed = e == ERR_OK ? conn->ops->later(c, conn, stmt, args, n) : db_later_err(e);
    return conn->failed;
}

enum err db_run_one(struct ctx *c, struct db_conn *conn, const struct db_stmt *stmt,
                    const struct db_value *args, size_t n, struct db_result *ret)
{
    struct db_result r = {0};
    TRY(db_run(c, conn, stmt, args, n, &r));
    bool one = r.rows == 1 || (r.rows == 0 && r.changes == 1);
    if (!one)
        return fail(c, ERR_NOT_FOUND, "%s: %zu rows, %llu changes", stmt->name, r.rows,
                    (unsigned long long)r.changes);
    if (ret) *ret = r;
    return ERR_OK;
}

static enum err try_once(struct ctx *c, struct db *db, enum db_tx_mode mode, db_tx_fn *fn, void *arg,
                         bool *ret_retry)
{
    struct db_conn *conn = NULL;
    TRY(db->ops->begin(c, db, mode, &conn, ret_retry));
    enum err e = fn(c, conn, arg);
    /* Work that went on after a failed statement must not be kept, whatever the function thinks of it. */
    if (e == ERR_OK) e = conn->failed;
    /* A CONFLICT that the function itself found is an answer, not a wish for a new try. */
    *ret_retry = e == conn->failed && conn->retry;
    if (e == ERR_OK) return conn->ops->end(c, conn, true, ret_retry);
    bool ignored = false;
    err_ignore(conn->ops->end(c, conn, false, &ignored), "rolling back after e, which is returned");
    return e;
}

static void back_off(unsigned attempt)
{
    struct mutex m;
    struct cond never;
    uint8_t jitter = 0;
    err_ignore(os_random(&jitter, 1), "without jitter it still backs off");
    int64_t ms = attempt < 8 ? 2ll << attempt : BACKOFF_MAX_MS;
    ms = ms / 2 + ms / 2 * jitter / 255;
    mutex_init(&m);
    cond_init(&never);
    mutex_lock(&m);
    cond_wait_for(&never, &m, ms);
    mutex_unlock(&m);
    cond_done(&never);
    mutex_done(&m);
}

enum err db_tx(struct ctx *c, struct db *db, enum db_tx_mode mode, db_tx_fn *fn, void *arg)
{
    int64_t until = sys_real()->mono_ms() + db->retry_ms_max;
    for (unsigned attempt = 0;; attempt++) {
        bool retry = false;
        enum err e = try_once(c, db, mode, fn, arg, &retry);
        if (e == ERR_OK || !retry || attempt == LIMIT_DB_TX_RETRIES || sys_real()->mono_ms() >= until) return e;
        back_off(attempt);
        ctx_clear_error(c);
    }
}

enum db_kind db_kind(const struct db *db) { return db->kind; }
enum db_kind db_conn_kind(const struct db_conn *conn) { return conn->kind; }

bool db_wait(struct db *db, int64_t timeout_ms) { return db->ops->wait(db, timeout_ms); }

enum err db_notify(struct ctx *c, struct db_conn *conn)
{
    if (conn->mode != DB_WRITE) return fail(c, ERR_INTERNAL, "db_notify in a read transaction");
    if (conn->failed != ERR_OK) return fail(c, conn->failed, "db_notify after a failed statement");
    conn->failed = conn->ops->notify(c, conn);
    return conn->failed;
}

enum err db_open(struct ctx *c, const struct db_config *cfg, struct db **ret)
{
    struct db_config full = *cfg;
    if (!full.connections) full.connections = DEFAULT_CONNECTIONS;
    if (!full.acquire_timeout_ms) full.acquire_timeout_ms = DEFAULT_ACQUIRE_TIMEOUT_MS;
    const char *where = cfg->kind == DB_SQLITE ? cfg->sqlite_path : cfg->postgres_url;
    if (!where || !where[0]) return fail(c, ERR_INVALID, "no database named");
    return cfg->kind == DB_SQLITE ? db_sqlite_open(c, &full, ret) : db_postgres_open(c, &full, ret);
}

void db_close(struct db *db)
{
    if (db) db->ops->close(db);
}

static enum err ping(struct ctx *c, struct db_conn *conn, void *arg)
{
    static const struct db_stmt st = {.name = "ping", .sql = "SELECT 1"};
    (void)arg;
    return db_exec0(c, conn, &st, NULL);
}

enum err db_ping(struct ctx *c, struct db *db) { return db_tx(c, db, DB_READ_ONE, ping, NULL); }
