/* The database suite: transactions, isolation, retries, threads, notifications, migrations. */
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "base/limits.h"
#include "db_suite.h"
#include "lib/test.h"
#include "os/clock.h"
#include "os/thread.h"

#define THREADS 8
#define ADDS 50

static const struct db_stmt st_text_put = {.name = "text_put", .sql = "INSERT INTO item (id, t) VALUES ($1, $2)"};

static struct id id_from(uint8_t first)
{
    return (struct id){{first}};
}

static enum err add_then(struct ctx *c, struct db_conn *conn, enum err e)
{
    TRY(db_exec(c, conn, &st_counter_add, NULL, db_i64(1)));
    return e;
}

static enum err add_then_deny(struct ctx *c, struct db_conn *conn, void *arg)
{
    (void)arg;
    return add_then(c, conn, ERR_DENIED);
}

TEST(db_error_of_the_function_rolls_back)
{
    FIXTURE(f, 2);
    CHECK_ERR(db_tx(&f.c, f.db, DB_WRITE, add_then_deny, NULL), ERR_DENIED);
    CHECK(number_of(&f, &st_counter_get) == 0);
    CHECK_OK(db_tx(&f.c, f.db, DB_WRITE, one_run, ONE(st_counter_add, db_i64(3))));
    CHECK(number_of(&f, &st_counter_get) == 3);
}

struct swallowed {
    enum err first, later;
};

static enum err swallow(struct ctx *c, struct db_conn *conn, void *arg)
{
    struct swallowed *s = arg;
    struct id id = id_from(1);
    TRY(db_exec(c, conn, &st_counter_add, NULL, db_i64(1)));
    TRY(db_exec(c, conn, &st_text_put, NULL, db_id(&id), db_null()));
    s->first = db_exec(c, conn, &st_text_put, NULL, db_id(&id), db_null());
    s->later = db_exec(c, conn, &st_counter_add, NULL, db_i64(1));
    return ERR_OK;
}

TEST(db_failed_statement_ends_the_transaction)
{
    FIXTURE(f, 2);
    struct swallowed s = {0};
    CHECK_ERR(db_tx(&f.c, f.db, DB_WRITE, swallow, &s), ERR_EXISTS);
    CHECK(s.first == ERR_EXISTS && s.later == ERR_EXISTS);
    CHECK(number_of(&f, &st_counter_get) == 0 && number_of(&f, &st_item_count) == 0);
}

TEST(db_writing_in_a_read_transaction_is_refused)
{
    FIXTURE(f, 2);
    CHECK_ERR(db_tx(&f.c, f.db, DB_READ, one_run, ONE(st_counter_add, db_i64(1))), ERR_INTERNAL);
    CHECK(number_of(&f, &st_counter_get) == 0);
    CHECK_OK(db_tx(&f.c, f.db, DB_WRITE, one_run, ONE(st_counter_add, db_i64(1))));
}

static enum err count_twice(struct ctx *c, struct db_conn *conn, void *arg)
{
    struct db_result r;
    (void)arg;
    TRY(db_exec0(c, conn, &st_counter_get, &r));
    return db_exec0(c, conn, &st_item_count, &r);
}

TEST(db_read_one_is_a_single_select)
{
    static const struct db_stmt wrong = {.name = "wrong", .sql = "SELECT nothing FROM nowhere"};
    static const struct db_stmt changing = {.name = "changing", .sql = "WITH x AS (SELECT 1) DELETE FROM items"};
    FIXTURE(f, 2);
    struct one *get = ONE0(st_counter_get);
    CHECK_OK(db_tx(&f.c, f.db, DB_WRITE, one_run, ONE(st_counter_add, db_i64(7))));
    for (int i = 0; i < 3; i++) {
        CHECK_OK(db_tx(&f.c, f.db, DB_READ_ONE, one_run, get));
        CHECK(get->result.rows == 1 && db_get_i64(&get->result, 0, 0) == 7);
        CHECK_ERR(db_tx(&f.c, f.db, DB_READ_ONE, count_twice, NULL), ERR_INTERNAL);
        CHECK_ERR(db_tx(&f.c, f.db, DB_READ_ONE, one_run, ONE(st_counter_add, db_i64(1))), ERR_INTERNAL);
        CHECK_ERR(db_tx(&f.c, f.db, DB_READ_ONE, one_run, ONE0(changing)), ERR_INTERNAL);
        CHECK_ERR(db_tx(&f.c, f.db, DB_READ_ONE, one_run, ONE0(wrong)), ERR_INTERNAL);
        /* The connection is as good as before, for each kind. */
        CHECK(number_of(&f, &st_counter_get) == 7);
        CHECK_OK(db_tx(&f.c, f.db, DB_WRITE, one_run, ONE(st_counter_add, db_i64(0))));
    }
}

TEST(db_syntax_errors_are_internal_and_leave_it_usable)
{
    static const struct db_stmt bad = {.name = "bad", .sql = "SELEKT 1"};
    static const struct db_stmt two = {.name = "two", .sql = "SELECT 1; SELECT 2"};
    FIXTURE(f, 1);
    for (int i = 0; i < 3; i++) {
        CHECK_ERR(db_tx(&f.c, f.db, DB_READ, one_run, ONE0(bad)), ERR_INTERNAL);
        CHECK_ERR(db_tx(&f.c, f.db, DB_READ, one_run, ONE0(two)), ERR_INTERNAL);
    }
    CHECK(f.c.err_detail[0] != '\0');
    CHECK_OK(db_ping(&f.c, f.db));
}

TEST(db_statement_has_a_text_for_sqlite)
{
    static const struct db_stmt st = {.name = "dialect", .sql = "SELECT 15", .sqlite = "SELECT 3"};
    FIXTURE(f, 1);
    CHECK(number_of(&f, &st) == (db_kind(f.db) == DB_SQLITE ? 3 : 15));
}

static enum err conn_kind(struct ctx *c, struct db_conn *conn, void *arg)
{
    (void)c;
    *(enum db_kind *)arg = db_conn_kind(conn);
    return ERR_OK;
}

TEST(db_empty_transaction_and_kinds)
{
    FIXTURE(f, 1);
    enum db_kind kind = db_kind(f.db) == DB_SQLITE ? DB_POSTGRES : DB_SQLITE;
    CHECK_OK(db_tx(&f.c, f.db, DB_WRITE, conn_kind, &kind));
    CHECK(kind == db_kind(f.db));
}

struct snapshot {
    struct fixture *f;
    int64_t before, after;
};

static enum err write_meanwhile(struct ctx *c, struct db_conn *conn, void *arg)
{
    struct snapshot *s = arg;
    struct db_result r = {0};
    struct ctx other;
    TRY(db_exec0(c, conn, &st_counter_get, &r));
    s->before = db_get_i64(&r, 0, 0);
    ctx_init(&other, MIB);
    enum err e = db_tx(&other, s->f->db, DB_WRITE, one_run, ONE(st_counter_add, db_i64(5)));
    ctx_done(&other);
    TRY(e);
    TRY(db_exec0(c, conn, &st_counter_get, &r));
    s->after = db_get_i64(&r, 0, 0);
    return ERR_OK;
}

TEST(db_read_is_a_snapshot)
{
    FIXTURE(f, 2);
    struct snapshot s = {.f = &f, .before = -1, .after = -1};
    if (!backend_shared()) return; /* one connection: nothing happens meanwhile */
    CHECK_OK(db_tx(&f.c, f.db, DB_READ, write_meanwhile, &s));
    CHECK(s.before == 0 && s.after == 0);
    CHECK(number_of(&f, &st_counter_get) == 5);
}

struct adder {
    struct fixture *f;
    struct thread t;
    atomic_int *errors;
};

/* Reads, then writes what it read plus one: exact only if nobody comes between. */
static enum err read_and_add(struct ctx *c, struct db_conn *conn, void *arg)
{
    static const struct db_stmt lock = {.name = "lock",
                                        .sql = "SELECT v FROM counter WHERE id = 1 FOR UPDATE",
                                        .sqlite = "SELECT v FROM counter WHERE id = 1"};
    static const struct db_stmt set = {.name = "set_v", .sql = "UPDATE counter SET v = $1 WHERE id = 1"};
    struct db_result r = {0};
    (void)arg;
    TRY(db_run_one(c, conn, &lock, NULL, 0, &r));
    return db_one(c, conn, &set, NULL, db_i64(db_get_i64(&r, 0, 0) + 1));
}

static void add_many(void *arg)
{
    struct adder *a = arg;
    struct ctx c;
    ctx_init(&c, MIB);
    for (int i = 0; i < ADDS; i++) {
        enum err e = db_tx(&c, a->f->db, DB_WRITE, read_and_add, NULL);
        if (e == ERR_OK && i % 8 == 0) e = db_ping(&c, a->f->db);
        if (e != ERR_OK) atomic_fetch_add(a->errors, 1);
        arena_reset(&c.arena);
    }
    ctx_done(&c);
}

TEST(db_parallel_increments_are_exact)
{
    FIXTURE(f, 4);
    struct adder adders[THREADS] = {0};
    atomic_int errors = 0;
    for (size_t i = 0; i < THREADS; i++) {
        adders[i] = (struct adder){.f = &f, .errors = &errors};
        CHECK_OK(thread_start(&adders[i].t, "adder", add_many, &adders[i]));
    }
    for (size_t i = 0; i < THREADS; i++) thread_join(&adders[i].t);
    CHECK(atomic_load(&errors) == 0);
    CHECK_U64(number_of(&f, &st_counter_get), THREADS * ADDS);
}

struct attempts {
    unsigned calls;
    enum err own;
};

static enum err count_calls(struct ctx *c, struct db_conn *conn, void *arg)
{
    struct attempts *a = arg;
    a->calls++;
    TRY(db_exec(c, conn, &st_counter_add, NULL, db_i64(1)));
    return a->own;
}

TEST(db_conflict_is_retried_and_counted)
{
    FIXTURE(f, 2);
    struct attempts a = {0};
    CHECK_OK(db_fault_open(f.db, &f.db));
    for (unsigned at = 0; at < 2; at++) { /* the statement, then the commit */
        a.calls = 0;
        db_fault_set(f.db, at, false, at ? ERR_BUSY : ERR_CONFLICT);
        CHECK_OK(db_tx(&f.c, f.db, DB_WRITE, count_calls, &a));
        CHECK_U64(a.calls, 2);
        CHECK_U64(db_fault_count(f.db), at ? 4 : 3);
    }
    CHECK(number_of(&f, &st_counter_get) == 2);
    CHECK(f.c.err == ERR_OK); /* the error that was mended is forgotten */
    a.calls = 0;
    db_fault_set(f.db, 0, true, ERR_CONFLICT);
    CHECK_ERR(db_tx(&f.c, f.db, DB_WRITE, count_calls, &a), ERR_CONFLICT);
    CHECK_U64(a.calls, LIMIT_DB_TX_RETRIES + 1);
    db_fault_set(f.db, UINT64_MAX, false, ERR_OK);
    CHECK(number_of(&f, &st_counter_get) == 2);
}

TEST(db_conflict_of_the_function_is_an_answer)
{
    FIXTURE(f, 2);
    struct attempts a = {.own = ERR_CONFLICT};
    CHECK_ERR(db_tx(&f.c, f.db, DB_WRITE, count_calls, &a), ERR_CONFLICT);
    CHECK_U64(a.calls, 1);
    a = (struct attempts){.own = ERR_BUSY};
    CHECK_ERR(db_tx(&f.c, f.db, DB_WRITE, count_calls, &a), ERR_BUSY);
    CHECK_U64(a.calls, 1);
    CHECK(number_of(&f, &st_counter_get) == 0);
}

static enum err three_steps(struct ctx *c, struct db_conn *conn, void *arg)
{
    const uint8_t *key = arg;
    struct id id = id_from(*key);
    TRY(db_exec(c, conn, &st_text_put, NULL, db_id(&id), db_null()));
    TRY(db_exec(c, conn, &st_child_put, NULL, db_i64(*key), db_id(&id)));
    return db_exec(c, conn, &st_counter_add, NULL, db_i64(1));
}

TEST(db_fault_at_every_call_leaves_all_or_nothing)
{
    FIXTURE(f, 2);
    uint8_t key = 1;
    CHECK_OK(db_fault_open(f.db, &f.db));
    for (int mode = 0; mode < 2; mode++) {
        for (uint64_t n = 0; n < 4; n++) {
            int64_t before = number_of(&f, &st_counter_get);
            db_fault_set(f.db, n, mode == 1, ERR_IO);
            CHECK_ERR(db_tx(&f.c, f.db, DB_WRITE, three_steps, &key), ERR_IO);
            db_fault_set(f.db, UINT64_MAX, false, ERR_OK);
            CHECK(number_of(&f, &st_counter_get) == before && number_of(&f, &st_item_count) == before);
        }
        db_fault_set(f.db, 4, mode == 1, ERR_IO);
        CHECK_OK(db_tx(&f.c, f.db, DB_WRITE, three_steps, &key));
        CHECK_U64(db_fault_count(f.db), 4);
        db_fault_set(f.db, UINT64_MAX, false, ERR_OK);
        key++;
    }
    CHECK(number_of(&f, &st_counter_get) == 2);
}

struct blocker {
    struct fixture *f;
    enum err inner;
};

/* While this holds the only connection another transaction waits for one, in vain. */
static enum err hold_and_try(struct ctx *c, struct db_conn *conn, void *arg)
{
    struct blocker *b = arg;
    struct ctx other;
    (void)c;
    (void)conn;
    ctx_init(&other, MIB);
    b->inner = db_ping(&other, b->f->db);
    ctx_done(&other);
    return ERR_OK;
}

TEST(db_no_connection_free_is_busy)
{
    FIXTURE(f, 1);
    struct blocker b = {.f = &f};
    struct db_config cfg = {.kind = db_kind(f.db), .connections = 1, .acquire_timeout_ms = 50};
    *(cfg.kind == DB_SQLITE ? &cfg.sqlite_path : &cfg.postgres_url) = f.where;
    db_close(f.db);
    f.db = NULL;
    CHECK_OK(db_open(&f.c, &cfg, &f.db));
    int64_t start = sys_real()->mono_ms();
    CHECK_OK(db_tx(&f.c, f.db, DB_READ, hold_and_try, &b));
    int64_t took = sys_real()->mono_ms() - start;
    CHECK_ERR(b.inner, ERR_BUSY);
    CHECK(took >= 50 && took < 2000);
    CHECK_OK(db_ping(&f.c, f.db));
}

/* --- notifications --- */

static enum err notify(struct ctx *c, struct db_conn *conn, void *arg)
{
    TRY(db_notify(c, conn));
    return arg ? *(enum err *)arg : ERR_OK;
}

TEST(db_notify_wakes_only_after_commit)
{
    FIXTURE(f, 2);
    enum err deny = ERR_DENIED;
    CHECK(!db_wait(f.db, 0));
    CHECK(!db_wait(f.db, 30));
    CHECK_ERR(db_tx(&f.c, f.db, DB_WRITE, notify, &deny), ERR_DENIED);
    CHECK(!db_wait(f.db, 30));
    CHECK_OK(db_tx(&f.c, f.db, DB_WRITE, one_run, ONE(st_counter_add, db_i64(1))));
    CHECK(!db_wait(f.db, 30));
    CHECK_OK(db_tx(&f.c, f.db, DB_WRITE, notify, NULL));
    CHECK(db_wait(f.db, 5000));
    CHECK(!db_wait(f.db, 30));
    CHECK_ERR(db_tx(&f.c, f.db, DB_READ, notify, NULL), ERR_INTERNAL);
}

struct waiter {
    struct db *db;
    struct thread t;
    atomic_int *ready, *woken;
};

static void wait_here(void *arg)
{
    struct waiter *w = arg;
    atomic_fetch_add(w->ready, 1);
    if (db_wait(w->db, 10000)) atomic_fetch_add(w->woken, 1);
}

TEST(db_notify_wakes_all_waiters)
{
    FIXTURE(f, 2);
    struct waiter waiters[4] = {0};
    atomic_int ready = 0, woken = 0;
    int64_t start = sys_real()->mono_ms();
    CHECK(!db_wait(f.db, 50));
    for (size_t i = 0; i < 4; i++) {
        waiters[i] = (struct waiter){.db = f.db, .ready = &ready, .woken = &woken};
        CHECK_OK(thread_start(&waiters[i].t, "waiter", wait_here, &waiters[i]));
    }
    while (atomic_load(&ready) < 4) CHECK_OK(db_ping(&f.c, f.db));
    usleep(50000);
    CHECK_OK(db_tx(&f.c, f.db, DB_WRITE, notify, NULL));
    for (size_t i = 0; i < 4; i++) thread_join(&waiters[i].t);
    CHECK(atomic_load(&woken) == 4);
    CHECK(sys_real()->mono_ms() - start < 5000);
}

TEST(db_notify_reaches_other_nodes)
{
    FIXTURE(f, 1);
    struct db *other = NULL;
    if (db_kind(f.db) != DB_POSTGRES) return; /* SQLite: this process only */
    CHECK_OK(backend_open(&f.c, f.where, 1, &other));
    CHECK(!db_wait(other, 10));
    CHECK_OK(db_tx(&f.c, f.db, DB_WRITE, notify, NULL));
    CHECK(db_wait(other, 5000));
    db_close(other);
}

/* --- migrations --- */

static const struct db_migration list[] = {
    {1, "tables",
     "CREATE TABLE item (id BYTEA PRIMARY KEY, n BIGINT, t TEXT UNIQUE, b BYTEA, CHECK (n <> 666));"
     "CREATE TABLE child (id BIGINT PRIMARY KEY, item_id BYTEA NOT NULL REFERENCES item (id));"
     "CREATE TABLE counter (id BIGINT PRIMARY KEY, v BIGINT NOT NULL);"
     "INSERT INTO counter (id, v) VALUES (1, 0); -- the last comment", NULL},
    {2, "one_more", "INSERT INTO counter (id, v) VALUES (2, 20); INSERT INTO counter (id, v) VALUES (3, 30);", NULL},
    {3, "broken", "INSERT INTO counter (id, v) VALUES (4, 40); INSERT INTO nowhere (id) VALUES (1);", NULL},
};
static const struct db_stmt st_counters = {.name = "counters", .sql = "SELECT count(*) FROM counter"};
static const struct db_stmt st_recorded = {.name = "recorded", .sql = "SELECT count(*) FROM schema_migrations"};

TEST(db_migrations_apply_once_and_in_order)
{
    FIXTURE(f, 2);
    CHECK_OK(db_migrate(&f.c, f.db, list, 2));
    CHECK_OK(db_migrate(&f.c, f.db, list, 2));
    CHECK(number_of(&f, &st_counters) == 3 && number_of(&f, &st_recorded) == 2);
    /* A migration that fails leaves nothing, not even its first statement. */
    CHECK_ERR(db_migrate(&f.c, f.db, list, 3), ERR_INTERNAL);
    CHECK(number_of(&f, &st_counters) == 3 && number_of(&f, &st_recorded) == 2);
    CHECK_ERR(db_migrate(&f.c, f.db, list, 1), ERR_CONFLICT); /* newer than this program */
    struct db_migration changed[2] = {list[0], {2, "one_more", "SELECT 1", NULL}};
    CHECK_ERR(db_migrate(&f.c, f.db, changed, 2), ERR_CONFLICT);
    struct db_migration renumbered[2] = {list[0], {5, "one_more", list[1].sql, NULL}};
    CHECK_ERR(db_migrate(&f.c, f.db, renumbered, 2), ERR_CONFLICT);
    struct db_migration disorder[2] = {list[1], list[0]};
    CHECK_ERR(db_migrate(&f.c, f.db, disorder, 2), ERR_INTERNAL);
    struct db_migration ends[3] = {list[0], list[1], {3, "ends", "COMMIT", NULL}};
    CHECK_ERR(db_migrate(&f.c, f.db, ends, 3), ERR_INTERNAL);
    CHECK(number_of(&f, &st_recorded) == 2);
}

TEST(db_migrations_may_differ_by_dialect)
{
    FIXTURE(f, 1);
    struct db_migration two[3] = {list[0], list[1], {3, "dialect", "DELETE FROM counter WHERE id > 1", "DELETE FROM counter WHERE id > 2"}};
    CHECK_OK(db_migrate(&f.c, f.db, two, 3));
    CHECK(number_of(&f, &st_counters) == (db_kind(f.db) == DB_SQLITE ? 2 : 1));
    CHECK_OK(db_migrate(&f.c, f.db, two, 3));
    *(db_kind(f.db) == DB_SQLITE ? &two[2].sqlite : &two[2].sql) = "SELECT 1";
    CHECK_ERR(db_migrate(&f.c, f.db, two, 3), ERR_CONFLICT);
}

struct migrator {
    const char *where;
    struct thread t;
    atomic_int *errors;
};

static void migrate_here(void *arg)
{
    struct migrator *m = arg;
    struct ctx c;
    struct db *db = NULL;
    ctx_init(&c, MIB);
    enum err e = backend_open(&c, m->where, 1, &db);
    if (e == ERR_OK) e = db_migrate(&c, db, list, 2);
    if (e != ERR_OK) {
        printf("  %s\n", c.err_detail);
        atomic_fetch_add(m->errors, 1);
    }
    db_close(db);
    ctx_done(&c);
}

TEST(db_several_nodes_migrate_at_once)
{
    CLEANUP(fixture_done) struct fixture f = {0};
    struct migrator m[4] = {0};
    atomic_int errors = 0;
    if (!backend_here() || !backend_shared()) return;
    ctx_init(&f.c, MIB);
    f.where = backend_new();
    CHECK(f.where != NULL);
    for (size_t i = 0; i < 4; i++) {
        m[i] = (struct migrator){.where = f.where, .errors = &errors};
        CHECK_OK(thread_start(&m[i].t, "migrator", migrate_here, &m[i]));
    }
    for (size_t i = 0; i < 4; i++) thread_join(&m[i].t);
    CHECK(atomic_load(&errors) == 0);
    CHECK_OK(backend_open(&f.c, f.where, 1, &f.db));
    CHECK(number_of(&f, &st_counters) == 3 && number_of(&f, &st_recorded) == 2);
}

TEST(db_data_survives_closing)
{
    FIXTURE(f, 2);
    if (!backend_shared()) return; /* in memory */
    CHECK_OK(db_tx(&f.c, f.db, DB_WRITE, one_run, ONE(st_counter_add, db_i64(11))));
    db_close(f.db);
    f.db = NULL;
    CHECK_OK(backend_open(&f.c, f.where, 2, &f.db));
    CHECK(number_of(&f, &st_counter_get) == 11);
}

TEST(db_open_needs_a_name)
{
    FIXTURE(f, 1);
    struct db *none = NULL;
    CHECK_ERR(db_open(&f.c, &(struct db_config){.kind = db_kind(f.db)}, &none), ERR_INVALID);
    CHECK(none == NULL);
    db_close(NULL);
}

/* --- memory --- */

static enum err alloc_scenario(struct ctx *c, const char *where, int64_t *ret)
{
    struct db *db = NULL;
    struct one get = {.stmt = &st_counter_get};
    TRY(backend_open(c, where, 1, &db));
    enum err e = db_tx(c, db, DB_WRITE, one_run, ONE(st_counter_add, db_i64(1)));
    if (e == ERR_OK) e = db_tx(c, db, DB_READ, one_run, &get);
    if (e == ERR_OK) *ret = db_get_i64(&get.result, 0, 0);
    db_close(db);
    return e;
}

TEST(db_every_failing_allocation_is_clean)
{
    FIXTURE(f, 2);
    int64_t last = 0, now = 0;
    if (!backend_shared()) return; /* opening again would be another database */
    for (int mode = 0; mode < 2; mode++) {
        bool fired = true;
        for (uint64_t n = 0; fired; n++) {
            struct ctx c;
            CHECK(n < 200);
            ctx_init(&c, MIB);
            test_fail_alloc(n, mode == 1);
            enum err e = alloc_scenario(&c, f.where, &now);
            fired = test_alloc_fired();
            test_fail_alloc(UINT64_MAX, false);
            ctx_done(&c);
            CHECK(e == (fired ? ERR_NOMEM : ERR_OK));
            now = number_of(&f, &st_counter_get);
            CHECK(now == last || now == last + 1);
            last = now;
        }
        CHECK(last > 0);
    }
}
