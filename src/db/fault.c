/* The fault wrapper: a database that fails on demand, to see that everything above ends cleanly. It wraps each connection
 * for the length of one transaction. */
#include "base/assert.h"
#include "base/mem.h"
#include "db/db_impl.h"

struct fault_db {
    struct db base;
    struct db *inner;
    _Atomic uint64_t seen;
    struct mutex lock; /* guards the rest */
    uint64_t at;
    bool for_ever;
    enum err error;
};

struct fault_conn {
    struct db_conn base;
    struct fault_db *db;
    struct db_conn *inner;
};

/* Counts one call; the error it must give, or ERR_OK. */
static enum err strike(struct ctx *c, struct fault_db *db)
{
    GUARD(&db->lock);
    uint64_t n = atomic_fetch_add(&db->seen, 1);
    bool fire = n == db->at || (n > db->at && db->for_ever);
    return fire ? fail(c, db->error, "injected fault at call %llu", (unsigned long long)n) : ERR_OK;
}

static bool wants_retry(enum err e) { return e == ERR_BUSY || e == ERR_CONFLICT; }

static enum err fault_begin(struct ctx *c, struct db *base, enum db_tx_mode mode, struct db_conn **ret, bool *ret_retry)
{
    struct fault_db *db = (struct fault_db *)base;
    CLEANUP(mem_cleanup) struct fault_conn *f = MEM_NEW(struct fault_conn);
    if (!f) return fail(c, ERR_NOMEM, "fault connection");
    TRY(db->inner->ops->begin(c, db->inner, mode, &f->inner, ret_retry));
    f->base = (struct db_conn){.ops = base->ops, .kind = base->kind, .mode = mode};
    f->db = db;
    *ret = &TAKE(f)->base;
    return ERR_OK;
}

static enum err fault_run(struct ctx *c, struct db_conn *conn, const struct db_stmt *stmt, const struct db_value *args,
                          size_t n, struct db_result *ret)
{
    struct fault_conn *f = (struct fault_conn *)conn;
    enum err e = strike(c, f->db);
    conn->retry = wants_retry(e);
    TRY(e);
    e = f->inner->ops->run(c, f->inner, stmt, args, n, ret);
    conn->retry = f->inner->retry;
    return e;
}

static enum err fault_later(struct ctx *c, struct db_conn *conn, const struct db_stmt *stmt, const struct db_value *args, size_t n)
{
    struct fault_conn *f = (struct fault_conn *)conn;
    enum err e = strike(c, f->db);
    conn->retry = wants_retry(e);
    TRY(e);
    e = f->inner->ops->later(c, f->inner, stmt, args, n);
    conn->retry = f->inner->retry;
    return e;
}

static enum err fault_script(struct ctx *c, struct db_conn *conn, const char *sql)
{
    struct fault_conn *f = (struct fault_conn *)conn;
    TRY(strike(c, f->db));
    return f->inner->ops->script(c, f->inner, sql);
}

static enum err fault_lock_schema(struct ctx *c, struct db_conn *conn)
{
    struct fault_conn *f = (struct fault_conn *)conn;
    return f->inner->ops->lock_schema(c, f->inner);
}

static enum err fault_notify(struct ctx *c, struct db_conn *conn)
{
    struct fault_conn *f = (struct fault_conn *)conn;
    return f->inner->ops->notify(c, f->inner);
}

static enum err fault_end(struct ctx *c, struct db_conn *conn, bool commit, bool *ret_retry)
{
    struct fault_conn *f = (struct fault_conn *)conn;
    struct db_conn *inner = f->inner;
    enum err e = commit ? strike(c, f->db) : ERR_OK;
    mem_free(f);
    if (e == ERR_OK) return inner->ops->end(c, inner, commit, ret_retry);
    *ret_retry = wants_retry(e);
    bool ignored = false;
    err_ignore(inner->ops->end(c, inner, false, &ignored), "the injected error is returned");
    return e;
}

static bool fault_wait(struct db *base, int64_t timeout_ms) { return db_wait(((struct fault_db *)base)->inner, timeout_ms); }

static void fault_close(struct db *base)
{
    struct fault_db *db = (struct fault_db *)base;
    db_close(db->inner);
    mutex_done(&db->lock);
    mem_free(db);
}

static const struct db_ops fault_ops = {
    .begin = fault_begin,
    .run = fault_run,
    .later = fault_later,
    .script = fault_script,
    .lock_schema = fault_lock_schema,
    .notify = fault_notify,
    .end = fault_end,
    .wait = fault_wait,
    .close = fault_close,
};

enum err db_fault_open(struct db *inner, struct db **ret)
{
    struct fault_db *db = MEM_NEW(struct fault_db);
    if (!db) {
        db_close(inner);
        return ERR_NOMEM;
    }
    db->base = (struct db){&fault_ops, inner->kind, inner->retry_ms_max};
    db->inner = inner;
    db->at = UINT64_MAX;
    mutex_init(&db->lock);
    *ret = &db->base;
    return ERR_OK;
}

static struct fault_db *fault_of(struct db *db)
{
    ASSERT(db->ops == &fault_ops);
    return (struct fault_db *)db;
}

void db_fault_set(struct db *base, uint64_t n, bool for_ever, enum err e)
{
    struct fault_db *db = fault_of(base);
    GUARD(&db->lock);
    atomic_store(&db->seen, 0);
    db->at = n;
    db->for_ever = for_ever;
    db->error = e;
}

uint64_t db_fault_count(const struct db *base)
{
    ASSERT(base->ops == &fault_ops);
    return atomic_load(&((const struct fault_db *)base)->seen);
}
