/* PostgreSQL only: connections that are lost at every moment, limits of the server, and what the driver asks of it. */
#include <libpq-fe.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/intmath.h"
#include "base/limits.h"
#include "db_suite.h"
#include "lib/test.h"
#include "os/sys.h"

static const struct db_stmt st_pid = {.name = "pid", .sql = "SELECT pg_backend_pid()"};

/* Ends a server process, as an administrator would, and waits until it is gone. */
static bool terminate(int64_t pid)
{
    char sql[128];
    PGconn *h = PQconnectdb(getenv("SEALDROP_TEST_POSTGRES"));
    snprintf(sql, sizeof sql, "SELECT pg_terminate_backend(%lld, 5000)", (long long)pid);
    PGresult *res = PQexec(h, sql);
    bool ok = PQresultStatus(res) == PGRES_TUPLES_OK && strcmp(PQgetvalue(res, 0, 0), "t") == 0;
    PQclear(res);
    PQfinish(h);
    return ok;
}

struct cut {
    unsigned calls;
    unsigned cut_at; /* 0: before the first statement; 1: after it; 2: never */
    bool killed;
};

static enum err cut_connection(struct ctx *c, struct db_conn *conn, struct cut *cut)
{
    struct db_result r = {0};
    if (cut->killed) return ERR_OK;
    TRY(db_run_one(c, conn, &st_pid, NULL, 0, &r));
    cut->killed = true;
    return terminate(db_get_i64(&r, 0, 0)) ? ERR_OK : ERR_INTERNAL;
}

static enum err add_and_cut(struct ctx *c, struct db_conn *conn, void *arg)
{
    struct cut *cut = arg;
    cut->calls++;
    if (cut->cut_at == 0) TRY(cut_connection(c, conn, cut));
    TRY(db_exec(c, conn, &st_counter_add, NULL, db_i64(1)));
    if (cut->cut_at == 1) TRY(cut_connection(c, conn, cut));
    return ERR_OK;
}

static enum err cut_and_add_later(struct ctx *c, struct db_conn *conn, void *arg)
{
    struct cut *cut = arg;
    cut->calls++;
    TRY(db_later(c, conn, &st_counter_add, db_i64(1)));
    TRY(cut_connection(c, conn, cut));
    for (unsigned i = 0; i < cut->cut_at; i++) TRY(db_later(c, conn, &st_counter_add, db_i64(1)));
    return ERR_OK;
}

/* What was sent without waiting is lost with the connection, before the commit: it is run again, and done once. */
TEST(db_postgres_lost_with_statements_under_way_is_run_again)
{
    static const unsigned many[] = {1, 10, LIMIT_DB_QUEUED, 1000};
    FIXTURE(f, 2);
    int64_t sum = 0;
    for (size_t i = 0; i < ARRAY_LEN(many); i++) {
        struct cut cut = {.cut_at = many[i]};
        CHECK_OK(db_tx(&f.c, f.db, DB_WRITE, cut_and_add_later, &cut));
        sum += 1 + many[i];
        CHECK(cut.calls == 2 && number_of(&f, &st_counter_get) == sum);
    }
}

TEST(db_postgres_lost_before_commit_is_run_again)
{
    FIXTURE(f, 2);
    struct cut cut = {.cut_at = 0};
    CHECK_OK(db_tx(&f.c, f.db, DB_WRITE, add_and_cut, &cut));
    CHECK(cut.calls == 2 && number_of(&f, &st_counter_get) == 1);
}

TEST(db_postgres_lost_in_commit_is_told_and_not_run_again)
{
    FIXTURE(f, 2);
    struct cut cut = {.cut_at = 1};
    CHECK_ERR(db_tx(&f.c, f.db, DB_WRITE, add_and_cut, &cut), ERR_BUSY);
    CHECK(cut.calls == 1 && number_of(&f, &st_counter_get) == 0);
    cut = (struct cut){.cut_at = 2};
    CHECK_OK(db_tx(&f.c, f.db, DB_WRITE, add_and_cut, &cut));
    CHECK(number_of(&f, &st_counter_get) == 1);
}

TEST(db_postgres_idle_connection_lost_is_not_noticed)
{
    FIXTURE(f, 2);
    for (int i = 0; i < 3; i++) {
        int64_t pid = number_of(&f, &st_pid);
        CHECK(pid > 0 && terminate(pid));
        CHECK_OK(db_tx(&f.c, f.db, DB_WRITE, one_run, ONE(st_counter_add, db_i64(1))));
    }
    CHECK(number_of(&f, &st_counter_get) == 3);
}

static enum err notify(struct ctx *c, struct db_conn *conn, void *arg)
{
    (void)arg;
    return db_notify(c, conn);
}

TEST(db_postgres_listener_comes_back)
{
    static const struct db_stmt listener = {
        .name = "listener", .sql = "SELECT pid FROM pg_stat_activity WHERE query = 'LISTEN sealdrop' AND datname = current_database()"};
    FIXTURE(f, 2);
    CHECK(!db_wait(f.db, 20));
    int64_t pid = number_of(&f, &listener);
    CHECK(pid > 0 && terminate(pid));
    /* It may have missed something, so the waiter is woken once; then it hears again. */
    CHECK(db_wait(f.db, 3000));
    CHECK(!db_wait(f.db, 20));
    CHECK_OK(db_tx(&f.c, f.db, DB_WRITE, notify, NULL));
    CHECK(db_wait(f.db, 3000));
}

static enum err show(struct fixture *f, const struct db_stmt *stmt, const char *want)
{
    struct one *o = &(struct one){.stmt = stmt};
    TRY(db_tx(&f->c, f->db, DB_READ, one_run, o));
    return slice_eq(db_get_slice(&o->result, 0, 0), slice_cstr(want)) ? ERR_OK : ERR_CORRUPT;
}

TEST(db_postgres_session_settings)
{
    static const struct db_stmt name = {.name = "s1", .sql = "SHOW application_name"};
    static const struct db_stmt timeout = {.name = "s2", .sql = "SHOW statement_timeout"};
    static const struct db_stmt commit = {.name = "s3", .sql = "SHOW synchronous_commit"};
    static const struct db_stmt isolation = {.name = "s4", .sql = "SHOW transaction_isolation"};
    FIXTURE(f, 1);
    CHECK_OK(show(&f, &name, "sealdrop"));
    CHECK_OK(show(&f, &timeout, "30s"));
    CHECK_OK(show(&f, &commit, "on"));
    CHECK_OK(show(&f, &isolation, "repeatable read"));
}

TEST(db_postgres_lazy_commit_is_put_right)
{
    static const struct db_stmt commit = {.name = "s5", .sql = "SHOW synchronous_commit"};
    char url[300];
    FIXTURE(f, 1);
    snprintf(url, sizeof url, "%s%%20-csynchronous_commit%%3Doff", f.where);
    db_close(f.db);
    f.db = NULL;
    CHECK_OK(backend_open(&f.c, url, 1, &f.db));
    CHECK_OK(show(&f, &commit, "on"));
}

TEST(db_postgres_bad_text_and_numeric_are_refused)
{
    static const struct db_stmt sum = {.name = "numeric_sum", .sql = "SELECT sum(v) FROM counter"};
    FIXTURE(f, 1);
    struct id id = {{7}};
    CHECK_ERR(db_tx(&f.c, f.db, DB_WRITE, one_run,
                    ONE(st_item_put, db_id(&id), db_null(), db_text(SLICE("\xff\xfe")), db_null())),
              ERR_INVALID);
    CHECK_ERR(db_tx(&f.c, f.db, DB_READ, one_run, ONE0(sum)), ERR_INTERNAL);
    CHECK_ERR(db_tx(&f.c, f.db, DB_READ, one_run, ONE(st_item_get, db_i64(1))), ERR_INTERNAL);
    CHECK_OK(db_tx(&f.c, f.db, DB_READ, one_run, ONE(st_item_get, db_id(&id))));
    CHECK_ERR(db_tx(&f.c, f.db, DB_READ, one_run, ONE(st_item_get, db_i64(1))), ERR_INTERNAL);
}

TEST(db_postgres_prepares_once_per_set_of_types)
{
    static const struct db_stmt names = {
        .name = "names", .sql = "SELECT count(*) FROM pg_prepared_statements WHERE name LIKE 'item\\_get %'"};
    FIXTURE(f, 1);
    struct id id = {{7}};
    for (int i = 0; i < 3; i++) CHECK_OK(db_tx(&f.c, f.db, DB_READ, one_run, ONE(st_item_get, db_null())));
    CHECK(number_of(&f, &names) == 1);
    CHECK_ERR(db_tx(&f.c, f.db, DB_READ, one_run, ONE(st_item_get, db_i64(1))), ERR_INTERNAL);
    CHECK_OK(db_tx(&f.c, f.db, DB_READ, one_run, ONE(st_item_get, db_null())));
    for (int i = 0; i < 3; i++) CHECK_OK(db_tx(&f.c, f.db, DB_READ, one_run, ONE(st_item_get, db_id(&id))));
    CHECK_OK(db_tx(&f.c, f.db, DB_READ, one_run, ONE(st_item_get, db_null())));
    CHECK(number_of(&f, &names) <= 3);
}

TEST(db_postgres_unreachable_is_busy)
{
    struct ctx c;
    struct db *db = NULL;
    ctx_init(&c, MIB);
    struct db_config cfg = {
        .kind = DB_POSTGRES, .postgres_url = "postgresql://nobody@/none?host=/nonexistent", .acquire_timeout_ms = 100};
    CHECK_ERR(db_open(&c, &cfg, &db), ERR_BUSY);
    CHECK(db == NULL && strstr(c.err_detail, "connect") != NULL);
    ctx_done(&c);
}
