/* Connections to PostgreSQL: opening, closing, simple commands, and what the server's error codes mean to us. */
#include <string.h>

#include "base/mem.h"
#include "db/postgres.h"

#define PG_MIN_VERSION 130000

static bool starts(const char *state, const char *prefix) { return strncmp(state, prefix, strlen(prefix)) == 0; }

enum err db_postgres_err(const char *state, bool *ret_retry, bool *ret_drop)
{
    static const struct {
        const char *prefix; /* of SQLSTATE; the first that matches */
        enum err err;
        bool retry;
        bool drop;
    } table[] = {
        {"23505", ERR_EXISTS, false, false},    /* unique_violation */
        {"23503", ERR_NOT_FOUND, false, false}, /* foreign_key_violation */
        {"23", ERR_INVALID, false, false},      /* check, not null, exclusion */
        {"40001", ERR_CONFLICT, true, false},   /* serialization_failure */
        {"40P01", ERR_CONFLICT, true, false},   /* deadlock_detected */
        {"55P03", ERR_BUSY, true, false},       /* lock_not_available */
        {"53100", ERR_NOSPACE, false, false},   /* disk_full */
        {"53200", ERR_NOMEM, false, false},     /* out_of_memory */
        {"53300", ERR_BUSY, true, true},        /* too_many_connections */
        {"57014", ERR_TIMEOUT, false, false},   /* query_canceled: statement_timeout */
        {"57P", ERR_BUSY, true, true},          /* shutdown, crash, starting up */
        {"25P03", ERR_TIMEOUT, false, true},    /* idle_in_transaction_session_timeout */
        {"25006", ERR_INTERNAL, false, false},  /* read_only_sql_transaction */
        {"0A000", ERR_BUSY, true, true},        /* a cached plan outlived a migration: a new connection has new plans */
        {"08P01", ERR_INTERNAL, false, true},   /* protocol_violation */
        {"08", ERR_BUSY, true, true},           /* connection lost */
        {"22021", ERR_INVALID, false, false},   /* not UTF-8 */
        {"58", ERR_IO, false, true},            /* system error */
        {"XX000", ERR_INTERNAL, false, true},   /* internal_error */
        {"XX", ERR_CORRUPT, false, true},       /* data_corrupted, index_corrupted */
        {"", ERR_INTERNAL, false, false},
    };
    size_t i = 0;
    while (!starts(state, table[i].prefix)) i++;
    *ret_retry = table[i].retry;
    *ret_drop = table[i].drop;
    return table[i].err;
}

void pg_result_done(PGresult **res) { PQclear(*res); }

enum err pg_fail(struct ctx *c, struct pg_conn *p, const PGresult *res, const char *what)
{
    bool drop = false;
    const char *state = res ? PQresultErrorField(res, PG_DIAG_SQLSTATE) : NULL;
    const char *text = res ? PQresultErrorField(res, PG_DIAG_MESSAGE_PRIMARY) : NULL;
    /* Without a code it was libpq that failed: the connection is gone, or memory. */
    if (!state) state = PQstatus(p->h) == CONNECTION_OK ? "53200" : "08006";
    enum err e = db_postgres_err(state, &p->base.retry, &drop);
    p->broken = p->broken || drop || PQstatus(p->h) != CONNECTION_OK;
    return fail(c, e, "%s: %s (SQLSTATE %s)", what, text ? text : PQerrorMessage(p->h), state);
}

enum err pg_exec(struct ctx *c, struct pg_conn *p, const char *sql)
{
    CLEANUP(pg_result_done) PGresult *res = PQexec(p->h, sql);
    ExecStatusType status = PQresultStatus(res);
    if (status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK || status == PGRES_EMPTY_QUERY) return ERR_OK;
    return pg_fail(c, p, res, sql);
}

/* libpq would write NOTICEs to stderr. */
static void drop_notice(void *arg, const PGresult *res)
{
    (void)arg;
    (void)res;
}

static enum err check_server(struct ctx *c, PGconn *h)
{
    const char *encoding = PQparameterStatus(h, "server_encoding");
    if (PQserverVersion(h) < PG_MIN_VERSION)
        return fail(c, ERR_UNSUPPORTED, "PostgreSQL %d is too old", PQserverVersion(h));
    if (!encoding || strcmp(encoding, "UTF8") != 0)
        return fail(c, ERR_UNSUPPORTED, "the database's encoding is %s, not UTF8", encoding ? encoding : "unknown");
    return ERR_OK;
}

static PGconn *connect_to(const char *url)
{
    /* Later words win over earlier ones, so what stands before dbname is a default, what stands behind is ours. */
    static const char *const words[] = {"connect_timeout", "keepalives_idle", "keepalives_interval", "keepalives_count",
                                        "application_name", "dbname", "client_encoding", NULL};
    const char *values[] = {"5", "30", "10", "3", "sealdrop", url, "UTF8", NULL};
    return PQconnectdbParams(words, values, 1);
}

static void conn_cleanup(struct pg_conn **p) { pg_conn_close(*p); }

enum err pg_conn_open(struct ctx *c, void *db, void **ret)
{
    CLEANUP(conn_cleanup) struct pg_conn *p = MEM_NEW(struct pg_conn);
    if (!p) return fail(c, ERR_NOMEM, "database connection");
    p->db = db;
    p->h = connect_to(p->db->url);
    if (!p->h) return fail(c, ERR_NOMEM, "database connection");
    if (PQstatus(p->h) != CONNECTION_OK) return fail(c, ERR_BUSY, "connect: %s", PQerrorMessage(p->h));
    PQsetNoticeReceiver(p->h, drop_notice, NULL);
    TRY(check_server(c, p->h));
    /* A server set to lazy commits would break our promise of durability; a stricter setting is left as it is. */
    TRY(pg_exec(c, p,
                "SET statement_timeout = '30s'; SET lock_timeout = '10s';"
                "SET idle_in_transaction_session_timeout = '60s';"
                "SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off'"));
    *ret = TAKE(p);
    return ERR_OK;
}

void pg_conn_close(void *conn)
{
    struct pg_conn *p = conn;
    if (!p) return;
    stmt_map_done(&p->prepared, mem_free);
    PQfinish(p->h);
    mem_free(p);
}

/* Skips a quoted run or a comment that begins at p; p itself when there is none. */
static const char *skip_quoted(const char *p)
{
    if (*p == '\'' || *p == '"') {
        const char *end = strchr(p + 1, *p);
        return end ? end + 1 : p + strlen(p);
    }
    return p[0] == '-' && p[1] == '-' ? p + strcspn(p, "\n") : p;
}

enum err pg_count_args(const char *sql, unsigned *ret)
{
    uint64_t seen = 0;
    for (const char *p = sql; *p;) {
        const char *after = skip_quoted(p);
        if (after != p) {
            p = after;
            continue;
        }
        if (*p++ != '$' || *p < '0' || *p > '9') continue;
        unsigned k = 0;
        for (; *p >= '0' && *p <= '9' && k <= LIMIT_DB_ARGS; p++) k = k * 10 + (unsigned)(*p - '0');
        if (k == 0 || k > LIMIT_DB_ARGS) return ERR_INVALID;
        seen |= 1ull << (k - 1);
    }
    unsigned n = (unsigned)__builtin_popcountll(seen);
    if (seen != (1ull << n) - 1) return ERR_INVALID;
    *ret = n;
    return ERR_OK;
}
