/* The PostgreSQL driver: prepared statements with binary arguments and results, and transactions. WRITE is READ COMMITTED
 * (stores use row locks and conditional updates), READ is one snapshot. */
#include "db/postgres.h"

#include <stdio.h>
#include <string.h>

#include "base/assert.h"
#include "base/intmath.h"
#include "base/mem.h"

/* Object identifiers of PostgreSQL's pg_type, fixed for ever. */
enum { OID_BOOL = 16, OID_BYTEA = 17, OID_INT8 = 20, OID_INT2 = 21, OID_INT4 = 23, OID_TEXT = 25, OID_VARCHAR = 1043 };

/* Any number will do, as long as all nodes use the same: "sealdrop" in ASCII. */
#define SCHEMA_LOCK "8315161582468591472"

struct arguments {
    const char *values[LIMIT_DB_ARGS];
    int lengths[LIMIT_DB_ARGS];
    int formats[LIMIT_DB_ARGS];
    uint8_t integers[LIMIT_DB_ARGS][8];
};

static Oid oid_of(enum db_type type)
{
    switch (type) {
    case DB_I64: return OID_INT8;
    case DB_TEXT: return OID_TEXT;
    case DB_BYTES: return OID_BYTEA;
    case DB_NULL:
    default: return 0; /* the server finds out */
    }
}

static void set_arguments(struct arguments *a, const struct db_value *args, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        a->formats[i] = 1;
        a->values[i] = NULL;
        a->lengths[i] = 0;
        if (args[i].type == DB_I64) {
            store_u64be(a->integers[i], (uint64_t)args[i].i);
            a->values[i] = (const char *)a->integers[i];
            a->lengths[i] = 8;
        } else if (args[i].type != DB_NULL) {
            /* A null pointer would be NULL; an empty value has none. */
            a->values[i] = args[i].s.ptr ? args[i].s.ptr : "";
            a->lengths[i] = (int)args[i].s.len;
        }
    }
}

/* Adds to `types` what is known now and was not before; *ret_news when there was any. */
static enum err learn_types(struct ctx *c, const struct db_stmt *stmt, const struct db_value *args, size_t n, Oid *types,
                            bool *ret_news)
{
    for (size_t i = 0; i < n; i++) {
        Oid oid = oid_of(args[i].type);
        if (!oid || oid == types[i]) continue;
        if (types[i]) return fail(c, ERR_INTERNAL, "%s: $%zu had another type before", stmt->name, i + 1);
        types[i] = oid;
        *ret_news = true;
    }
    return ERR_OK;
}

static enum err new_prepared(struct ctx *c, struct pg_conn *p, const struct db_stmt *stmt, struct pg_prepared **ret)
{
    CLEANUP(mem_cleanup) struct pg_prepared *made = MEM_NEW(struct pg_prepared);
    if (!made) return fail(c, ERR_NOMEM, "%s", stmt->name);
    if (pg_count_args(stmt->sql, &made->args) != ERR_OK)
        return fail(c, ERR_INTERNAL, "%s: placeholders are not $1..$n", stmt->name);
    if (stmt_map_put(&p->prepared, stmt, made) != ERR_OK) return fail(c, ERR_NOMEM, "%s", stmt->name);
    *ret = TAKE(made);
    return ERR_OK;
}

/* The answer to the next statement that was sent, and the end of it. */
static PGresult *next_answer(struct pg_conn *p)
{
    PGresult *res = PQgetResult(p->h);
    for (PGresult *end = res; end; PQclear(end)) end = PQgetResult(p->h);
    return res;
}

static bool is_good(const PGresult *res) { return PQresultStatus(res) == PGRES_TUPLES_OK || PQresultStatus(res) == PGRES_COMMAND_OK; }

/* Waits for all answers. *ret_last, when not NULL, is that of the last one, for its caller; the callers of the others have gone on. */
static enum err settle(struct ctx *c, struct pg_conn *p, PGresult **ret_last)
{
    unsigned n = p->queued_count;
    enum err e = ERR_OK;
    if (n == 0) return ERR_OK;
    p->queued_count = 0;
    if (!PQpipelineSync(p->h)) e = pg_fail(c, p, NULL, "sending statements");
    for (unsigned i = 0; i < n && !p->broken; i++) {
        CLEANUP(pg_result_done) PGresult *res = next_answer(p);
        bool last = ret_last && i + 1 == n;
        if (e != ERR_OK) continue; /* what follows a failed one was not done */
        if (!is_good(res)) e = pg_fail(c, p, res, p->queued[i]->name);
        if (!last) e = db_later_err(e);
        if (last && e == ERR_OK) *ret_last = TAKE(res);
    }
    if (!p->broken) PQclear(PQgetResult(p->h)); /* the end of the pipeline */
    if (!PQexitPipelineMode(p->h)) p->broken = true;
    if (p->broken && e == ERR_OK) e = pg_fail(c, p, NULL, "ending a pipeline");
    return e;
}

/* A type seen for the first time makes a new prepared statement: an argument that was NULL so far was given whatever type
 * the server guessed. The old one stays until the connection closes; there are at most as many as arguments. */
static enum err prepare(struct ctx *c, struct pg_conn *p, const struct db_stmt *stmt, const struct db_value *args,
                        size_t n, struct pg_prepared **ret)
{
    struct pg_prepared *known = stmt_map_get(&p->prepared, stmt);
    if (!known) TRY(new_prepared(c, p, stmt, &known));
    if (n != known->args) return fail(c, ERR_INTERNAL, "%s: %zu arguments for %u", stmt->name, n, known->args);
    *ret = known;
    Oid types[LIMIT_DB_ARGS];
    bool news = !known->ready;
    memcpy(types, known->types, sizeof types);
    TRY(learn_types(c, stmt, args, n, types, &news));
    if (!news) return ERR_OK;
    TRY(settle(c, p, NULL));
    snprintf(known->name, sizeof known->name, "%.60s %u", stmt->name, ++known->generation);
    known->ready = false;
    CLEANUP(pg_result_done) PGresult *res = PQprepare(p->h, known->name, stmt->sql, (int)n, types);
    if (PQresultStatus(res) != PGRES_COMMAND_OK) return pg_fail(c, p, res, stmt->name);
    memcpy(known->types, types, sizeof types);
    known->ready = true;
    return ERR_OK;
}

static enum err integer_cell(struct ctx *c, const uint8_t *p, int len, struct db_value *ret)
{
    switch (len) {
    case 1: *ret = db_i64(p[0] != 0); return ERR_OK;
    case 2: *ret = db_i64((int16_t)(uint16_t)(p[0] << 8 | p[1])); return ERR_OK;
    case 4: *ret = db_i64((int32_t)load_u32be(p)); return ERR_OK;
    case 8: *ret = db_i64((int64_t)load_u64be(p)); return ERR_OK;
    default: return fail(c, ERR_PEER, "an integer of %d bytes", len);
    }
}

static enum err cell(struct ctx *c, const PGresult *res, int row, int col, struct db_value *ret)
{
    const char *p = PQgetvalue(res, row, col);
    int len = PQgetlength(res, row, col);
    if (PQgetisnull(res, row, col)) {
        *ret = db_null();
        return ERR_OK;
    }
    switch (PQftype(res, col)) {
    case OID_BOOL:
    case OID_INT2:
    case OID_INT4:
    case OID_INT8: return integer_cell(c, (const uint8_t *)p, len, ret);
    case OID_TEXT:
    case OID_VARCHAR: *ret = db_text(slice_of(p, (size_t)len)); return ERR_OK;
    case OID_BYTEA: *ret = db_bytes(slice_of(p, (size_t)len)); return ERR_OK;
    default: return fail(c, ERR_INTERNAL, "column %d has type %u", col, PQftype(res, col));
    }
}

static uint64_t changes_of(PGresult *res)
{
    uint64_t n = 0;
    if (strncmp(PQcmdStatus(res), "SELECT", 6) == 0) return 0;
    return slice_u64(slice_cstr(PQcmdTuples(res)), UINT64_MAX, &n) == ERR_OK ? n : 0;
}

static enum err take_result(struct ctx *c, PGresult *res, struct db_result *ret)
{
    CLEANUP(db_rows_done) struct db_rows rows;
    int cols = PQnfields(res);
    db_rows_init(&rows, c, (size_t)cols);
    for (int row = 0; row < PQntuples(res); row++) {
        for (int col = 0; col < cols; col++) {
            struct db_value v = {0};
            TRY(cell(c, res, row, col, &v));
            TRY(db_rows_add(&rows, v));
        }
    }
    return db_rows_finish(&rows, changes_of(res), ret);
}

static enum err queue(struct ctx *c, struct pg_conn *p, const struct db_stmt *stmt, const struct db_value *args, size_t n)
{
    struct pg_prepared *prepared = NULL;
    struct arguments a;
    TRY(prepare(c, p, stmt, args, n, &prepared));
    set_arguments(&a, args, n);
    bool sent = (p->queued_count || PQenterPipelineMode(p->h)) &&
                PQsendQueryPrepared(p->h, prepared->name, (int)n, a.values, a.lengths, a.formats, 1);
    if (!sent) return pg_fail(c, p, NULL, stmt->name);
    p->queued[p->queued_count++] = stmt;
    return ERR_OK;
}

static enum err pg_later(struct ctx *c, struct db_conn *conn, const struct db_stmt *stmt, const struct db_value *args, size_t n)
{
    struct pg_conn *p = (struct pg_conn *)conn;
    enum err e = queue(c, p, stmt, args, n);
    if (e == ERR_OK && p->queued_count == LIMIT_DB_QUEUED) e = settle(c, p, NULL);
    return db_later_err(e);
}

static enum err pg_run(struct ctx *c, struct db_conn *conn, const struct db_stmt *stmt, const struct db_value *args,
                       size_t n, struct db_result *ret)
{
    struct pg_conn *p = (struct pg_conn *)conn;
    struct pg_prepared *prepared = NULL;
    struct arguments a;
    CLEANUP(pg_result_done) PGresult *res = NULL;
    TRY(prepare(c, p, stmt, args, n, &prepared));
    if (p->queued_count) {
        TRY(queue(c, p, stmt, args, n));
        TRY(settle(c, p, &res));
    } else {
        set_arguments(&a, args, n);
        res = PQexecPrepared(p->h, prepared->name, (int)n, a.values, a.lengths, a.formats, 1);
        if (!is_good(res)) return pg_fail(c, p, res, stmt->name);
    }
    return ret ? take_result(c, res, ret) : ERR_OK;
}

static enum err pg_script(struct ctx *c, struct db_conn *conn, const char *sql)
{
    struct pg_conn *p = (struct pg_conn *)conn;
    TRY(settle(c, p, NULL));
    TRY(pg_exec(c, p, sql));
    if (PQtransactionStatus(p->h) != PQTRANS_INTRANS)
        return fail(c, ERR_INTERNAL, "a migration ended its transaction");
    return ERR_OK;
}

static enum err pg_lock_schema(struct ctx *c, struct db_conn *conn)
{
    /* A migration may take its time, and the other nodes wait for it. */
    return pg_exec(c, (struct pg_conn *)conn,
                   "SET LOCAL statement_timeout = 0; SET LOCAL lock_timeout = 0;"
                   "SELECT pg_advisory_xact_lock(" SCHEMA_LOCK ")");
}

static enum err pg_notify(struct ctx *c, struct db_conn *conn)
{
    static const struct db_stmt notify = {"notify", "NOTIFY sealdrop", NULL};
    struct pg_conn *p = (struct pg_conn *)conn;
    enum err e = p->notified ? ERR_OK : pg_later(c, conn, &notify, NULL, 0);
    p->notified = e == ERR_OK;
    return e;
}

static enum err pg_begin(struct ctx *c, struct db *base, enum db_tx_mode mode, struct db_conn **ret, bool *ret_retry)
{
    struct pg_db *db = (struct pg_db *)base;
    void *got = NULL;
    enum err e = pool_get(c, &db->pool, &got);
    if (e != ERR_OK) {
        *ret_retry = e == ERR_BUSY; /* the server may come back in a moment */
        return e;
    }
    struct pg_conn *p = got;
    p->base = (struct db_conn){.ops = base->ops, .kind = DB_POSTGRES, .mode = mode};
    p->notified = false;
    if (mode != DB_READ_ONE)
        e = pg_exec(c, p,
                    mode == DB_READ ? "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"
                                    : "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE");
    if (e != ERR_OK) {
        *ret_retry = p->base.retry;
        pool_put(&db->pool, p, p->broken);
        return e;
    }
    *ret = &p->base;
    return ERR_OK;
}

/* When the connection breaks in COMMIT nobody knows whether it happened: running the function again could do its work
 * twice, so that is BUSY for the caller to judge. An error that the server sends over a living connection is a rollback. */
static enum err commit_now(struct ctx *c, struct pg_conn *p, bool *ret_retry)
{
    CLEANUP(pg_result_done) PGresult *res = PQexec(p->h, "COMMIT");
    if (PQresultStatus(res) != PGRES_COMMAND_OK) {
        enum err e = pg_fail(c, p, res, "COMMIT");
        *ret_retry = p->base.retry && !p->broken;
        return e;
    }
    /* The server answers COMMIT of a failed transaction with ROLLBACK, and calls that success. */
    if (strcmp(PQcmdStatus(res), "COMMIT") != 0) return fail(c, ERR_INTERNAL, "COMMIT was answered %s", PQcmdStatus(res));
    return ERR_OK;
}

/* Before a rollback: the transaction has an error of its own, whose detail stays in its ctx. */
static enum err drop_queued(struct pg_conn *p)
{
    struct ctx scratch;
    ctx_init(&scratch, 0);
    err_ignore(settle(&scratch, p, NULL), "it is rolled back anyway");
    ctx_done(&scratch);
    return ERR_OK;
}

static enum err pg_end(struct ctx *c, struct db_conn *conn, bool commit, bool *ret_retry)
{
    struct pg_conn *p = (struct pg_conn *)conn;
    enum err e = commit ? settle(c, p, NULL) : drop_queued(p);
    *ret_retry = p->base.retry;
    if (e == ERR_OK && commit && conn->mode != DB_READ_ONE) e = commit_now(c, p, ret_retry);
    if (PQtransactionStatus(p->h) != PQTRANS_IDLE) {
        CLEANUP(pg_result_done) PGresult *res = PQexec(p->h, "ROLLBACK");
        p->broken = p->broken || PQresultStatus(res) != PGRES_COMMAND_OK;
    }
    pool_put(&p->db->pool, p, p->broken);
    return e;
}

static void pg_close(struct db *base)
{
    struct pg_db *db = (struct pg_db *)base;
    pg_listener_close(&db->listener);
    pool_done(&db->pool);
    bell_done(&db->bell);
    mem_free(db);
}

static void close_cleanup(struct pg_db **db)
{
    if (*db) pg_close(&(*db)->base);
}

static const struct db_ops pg_ops = {
    .begin = pg_begin,
    .run = pg_run,
    .later = pg_later,
    .script = pg_script,
    .lock_schema = pg_lock_schema,
    .notify = pg_notify,
    .end = pg_end,
    .wait = pg_wait,
    .close = pg_close,
};

enum err db_postgres_open(struct ctx *c, const struct db_config *cfg, struct db **ret)
{
    size_t url_size = strlen(cfg->postgres_url) + 1;
    struct pg_db *made = mem_alloc(1, sizeof *made + url_size);
    if (!made) return fail(c, ERR_NOMEM, "database");
    memcpy(made + 1, cfg->postgres_url, url_size);
    bell_init(&made->bell);
    made->base = (struct db){&pg_ops, DB_POSTGRES, cfg->acquire_timeout_ms};
    made->url = (const char *)(made + 1);
    made->listener.epoll = -1;
    CLEANUP(close_cleanup) struct pg_db *db = made;
    if (pool_init(&db->pool, cfg->connections, cfg->acquire_timeout_ms, pg_conn_open, pg_conn_close, db) != ERR_OK)
        return fail(c, ERR_NOMEM, "database");
    TRY(db_ping(c, &db->base));
    *ret = &TAKE(db)->base;
    return ERR_OK;
}
