/* Statements of SQLite: preparing once per connection, binding by argument number, stepping, reading cells. */
#include <errno.h>

#include "base/mem.h"
#include "db/sqlite.h"
#include "os/sys.h"

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

void sqlite_forget(struct sqlite_conn *s) { stmt_map_done(&s->prepared, prepared_free); }

/* SQLite tells of a full disk by SQLITE_FULL only where a write meets it, not where a sync does, and never of descriptors. It
 * remembers the errno of some failed calls, and for long; so the one left by the call comes first (cleared before each statement). */
static enum err by_errno(int error, enum err e)
{
    enum err cause = sys_err(error);
    return cause == ERR_NOSPACE || cause == ERR_BUSY ? cause : e;
}

enum err sqlite_fail(struct ctx *c, struct sqlite_conn *s, const char *what)
{
    int left = errno, known = s->h ? sqlite3_system_errno(s->h) : 0, error = left ? left : known;
    int code = s->h ? sqlite3_extended_errcode(s->h) : SQLITE_NOMEM;
    enum err e = db_sqlite_err(code, &s->base.retry);
    if (e == ERR_OK) e = ERR_INTERNAL;
    /* Where it cannot open a file for writing SQLite quietly opens it for reading: the writer must be opened anew. */
    if ((code & 0xff) == SQLITE_READONLY && !s->query_only) e = ERR_IO;
    /* After these the state of the connection's cache is not worth trusting. A memory database lives in its connection. */
    s->broken = s->broken || (!s->db->memory && (e == ERR_IO || e == ERR_CORRUPT || e == ERR_NOMEM));
    if (e == ERR_IO) e = by_errno(error, e);
    return fail(c, e, "%s: %s (sqlite %d, errno %d)", what, s->h ? sqlite3_errmsg(s->h) : "no memory", code, error);
}

enum err sqlite_exec(struct ctx *c, struct sqlite_conn *s, const char *sql)
{
    errno = 0;
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
    errno = 0;
    int code = sqlite3_step(st);
    for (; code == SQLITE_ROW; code = sqlite3_step(st))
        if (ret) TRY(add_row(c, st, &rows));
    if (code != SQLITE_DONE) return sqlite_fail(c, s, stmt->name);
    if (!ret) return ERR_OK;
    /* sqlite3_changes keeps its value over statements that change nothing. */
    bool changed = sqlite3_total_changes64(s->h) != before;
    return db_rows_finish(&rows, changed ? (uint64_t)sqlite3_changes64(s->h) : 0, ret);
}

enum err sqlite_run(struct ctx *c, struct sqlite_conn *s, const struct db_stmt *stmt, const struct db_value *args,
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
