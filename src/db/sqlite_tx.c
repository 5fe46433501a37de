/* Transactions of SQLite, with group commit.
 *
 * Writers take turns at the one connection. Each works inside a savepoint. Who is done and sees another waiting does not
 * commit but hands the connection on with the transaction open, and waits; the last of the queue commits for all. So many
 * small parallel transactions share one fsync, and each is acknowledged only after it. A transaction that fails rolls back
 * to its savepoint; when the COMMIT fails, all fail. Members see what earlier ones of their group wrote: nobody hears of it
 * before it is durable, and if it is lost they are lost with it. */
#include "base/assert.h"
#include "db/sqlite.h"

#define GROUP_MAX 128

static const struct db_stmt st_begin_read = {.name = "begin", .sql = "BEGIN"};
static const struct db_stmt st_begin_write = {.name = "begin_immediate", .sql = "BEGIN IMMEDIATE"};
static const struct db_stmt st_commit = {.name = "commit", .sql = "COMMIT"};
static const struct db_stmt st_rollback = {.name = "rollback", .sql = "ROLLBACK"};
static const struct db_stmt st_savepoint = {.name = "savepoint", .sql = "SAVEPOINT member"};
static const struct db_stmt st_release = {.name = "release", .sql = "RELEASE member"};
static const struct db_stmt st_rollback_to = {.name = "rollback_to", .sql = "ROLLBACK TO member"};

/* A transaction that is complete and waits for the COMMIT; on the stack of its thread. */
struct group_member {
    struct group_member *next;
    struct cond cond;
    bool done;
    enum err err;
    bool retry;
};

static bool open_tx(const struct sqlite_conn *s) { return !sqlite3_get_autocommit(s->h); }

static enum err simple(struct ctx *c, struct sqlite_conn *s, const struct db_stmt *stmt)
{
    return sqlite_run(c, s, stmt, NULL, 0, NULL);
}

static struct pool *pool_of(struct sqlite_db *db, enum db_tx_mode mode)
{
    return mode != DB_WRITE && !db->memory ? &db->readers : &db->writer;
}

static void rollback(struct ctx *c, struct sqlite_conn *s)
{
    /* Some errors (full disk, I/O) make SQLite roll back by itself. */
    if (open_tx(s) && simple(c, s, &st_rollback) != ERR_OK) s->broken = true;
}

static void wake_members(struct sqlite_db *db, struct group_member *m, enum err e, bool retry)
{
    GUARD(&db->group_lock);
    while (m) {
        struct group_member *next = m->next; /* it may be gone once it is told */
        m->err = e;
        m->retry = retry;
        m->done = true;
        cond_signal(&m->cond);
        m = next;
    }
}

/* Commits for the whole group, gives the connection back, tells the members. */
static enum err finish_group(struct ctx *c, struct sqlite_conn *s, bool *ret_retry)
{
    struct sqlite_db *db = s->db;
    struct group_member *members = s->members;
    bool ring = s->group_notify;
    enum err e = ERR_OK;
    if (!open_tx(s)) {
        /* The error of one of them made SQLite roll back everything: the others did nothing wrong and run again. */
        e = fail(c, ERR_BUSY, "the shared transaction was rolled back");
        *ret_retry = true;
    } else if ((e = simple(c, s, &st_commit)) != ERR_OK) {
        *ret_retry = s->base.retry;
        rollback(c, s);
    }
    bool retry = *ret_retry;
    s->members = NULL;
    s->group_size = 0;
    s->group_notify = false;
    pool_put(&db->writer, s, s->broken);
    if (e == ERR_OK && ring) bell_ring(&db->bell);
    wake_members(db, members, e, retry);
    return e;
}

/* Hands the connection on and waits for the group's end. False when nobody waits: then the caller must finish the group. */
static bool join_group(struct ctx *c, struct sqlite_conn *s, enum err *ret, bool *ret_retry)
{
    struct sqlite_db *db = s->db;
    struct group_member me = {.next = s->members};
    if (db->memory || s->group_size >= GROUP_MAX || !open_tx(s)) return false;
    cond_init(&me.cond);
    s->members = &me;
    if (!pool_pass(&db->writer, s)) {
        s->members = me.next;
        cond_done(&me.cond);
        return false;
    }
    GUARD(&db->group_lock);
    while (!me.done) cond_wait(&me.cond, &db->group_lock);
    cond_done(&me.cond);
    *ret = me.err == ERR_OK ? ERR_OK : fail(c, me.err, "the shared commit failed");
    *ret_retry = me.retry;
    return true;
}

static void undo_work(struct ctx *c, struct sqlite_conn *s)
{
    if (!open_tx(s)) return;
    /* When even that fails the whole transaction has to go. */
    if (simple(c, s, &st_rollback_to) != ERR_OK || simple(c, s, &st_release) != ERR_OK) rollback(c, s);
}

/* After a transaction that failed: the group goes on without it. */
static void leave_group(struct sqlite_conn *s)
{
    bool ignored = false;
    struct ctx scratch, *c = &scratch; /* the detail of the transaction's own error stays in its ctx */
    ctx_init(c, 0);
    undo_work(c, s);
    if (!s->members) {
        rollback(c, s);
        pool_put(&s->db->writer, s, s->broken);
        return;
    }
    if (open_tx(s) && !s->broken && pool_pass(&s->db->writer, s)) return;
    err_ignore(finish_group(c, s, &ignored), "told to the members, whose transaction it is");
}

static enum err begin_write(struct ctx *c, struct sqlite_conn *s)
{
    if (!open_tx(s)) TRY(simple(c, s, &st_begin_write));
    return simple(c, s, &st_savepoint);
}

/* In memory one connection does both. */
static enum err set_query_only(struct ctx *c, struct sqlite_conn *s, enum db_tx_mode mode)
{
    bool wanted = mode != DB_WRITE;
    if (s->query_only == wanted) return ERR_OK;
    TRY(sqlite_exec(c, s, wanted ? "PRAGMA query_only=ON" : "PRAGMA query_only=OFF"));
    s->query_only = wanted;
    return ERR_OK;
}

static enum err begin_on(struct ctx *c, struct sqlite_conn *s, enum db_tx_mode mode)
{
    s->base = (struct db_conn){.ops = s->db->base.ops, .kind = DB_SQLITE, .mode = mode};
    s->notify = false;
    TRY(set_query_only(c, s, mode));
    switch (mode) {
    case DB_READ: return simple(c, s, &st_begin_read);
    case DB_READ_ONE: return ERR_OK;
    case DB_WRITE: break;
    }
    return begin_write(c, s);
}

enum err sqlite_begin(struct ctx *c, struct db *base, enum db_tx_mode mode, struct db_conn **ret, bool *ret_retry)
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
        if (mode == DB_WRITE)
            leave_group(s);
        else
            pool_put(pool_of(db, mode), s, s->broken);
        return e;
    }
    *ret = &s->base;
    return ERR_OK;
}

static enum err end_read(struct ctx *c, struct sqlite_conn *s, bool commit, bool *ret_retry)
{
    enum err e = commit && open_tx(s) ? simple(c, s, &st_commit) : ERR_OK;
    *ret_retry = s->base.retry;
    rollback(c, s);
    pool_put(pool_of(s->db, DB_READ), s, s->broken);
    return e;
}

/* Closes the savepoint, keeping what was done in it. */
static enum err keep_work(struct ctx *c, struct sqlite_conn *s)
{
    int pending = 0, high = 0;
    /* A deferred foreign key that is still open would make the COMMIT of all fail. */
    if (sqlite3_db_status(s->h, SQLITE_DBSTATUS_DEFERRED_FKS, &pending, &high, 0) != SQLITE_OK || pending)
        return fail(c, ERR_NOT_FOUND, "a foreign key of the transaction points nowhere");
    return simple(c, s, &st_release);
}

enum err sqlite_end(struct ctx *c, struct db_conn *conn, bool commit, bool *ret_retry)
{
    struct sqlite_conn *s = (struct sqlite_conn *)conn;
    if (conn->mode != DB_WRITE) return end_read(c, s, commit, ret_retry);
    enum err e = commit ? keep_work(c, s) : ERR_OK;
    if (!commit || e != ERR_OK) {
        *ret_retry = s->base.retry;
        leave_group(s);
        return e;
    }
    s->group_size++;
    s->group_notify = s->group_notify || s->notify;
    if (join_group(c, s, &e, ret_retry)) return e;
    return finish_group(c, s, ret_retry);
}
