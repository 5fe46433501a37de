/* Tests of the parts of db/ that need no database: error tables, placeholders, the pool, the maps, the bell. */
#include <sqlite3.h>
#include <stdatomic.h>
#include <string.h>

#include "base/intmath.h"
#include "db/db_impl.h"
#include "db/pool.h"
#include "db/postgres.h"
#include "lib/test.h"
#include "os/sys.h"

TEST(db_sqlite_codes)
{
    static const struct {
        int code;
        enum err err;
        bool retry;
    } cases[] = {
        {SQLITE_OK, ERR_OK, false},
        {SQLITE_BUSY, ERR_BUSY, true},
        {SQLITE_BUSY_SNAPSHOT, ERR_CONFLICT, true},
        {SQLITE_LOCKED, ERR_BUSY, true},
        {SQLITE_CONSTRAINT_UNIQUE, ERR_EXISTS, false},
        {SQLITE_CONSTRAINT_PRIMARYKEY, ERR_EXISTS, false},
        {SQLITE_CONSTRAINT_FOREIGNKEY, ERR_NOT_FOUND, false},
        {SQLITE_CONSTRAINT_CHECK, ERR_INVALID, false},
        {SQLITE_CONSTRAINT_NOTNULL, ERR_INVALID, false},
        {SQLITE_FULL, ERR_NOSPACE, false},
        {SQLITE_IOERR_FSYNC, ERR_IO, false},
        {SQLITE_IOERR_NOMEM, ERR_NOMEM, false},
        {SQLITE_NOMEM, ERR_NOMEM, false},
        {SQLITE_CORRUPT, ERR_CORRUPT, false},
        {SQLITE_NOTADB, ERR_CORRUPT, false},
        {SQLITE_READONLY, ERR_INTERNAL, false},
        {SQLITE_TOOBIG, ERR_TOO_LARGE, false},
        {SQLITE_ERROR, ERR_INTERNAL, false},
        {SQLITE_MISUSE, ERR_INTERNAL, false},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        bool retry = !cases[i].retry;
        CHECK_ERR(db_sqlite_err(cases[i].code, &retry), cases[i].err);
        CHECK(retry == cases[i].retry);
    }
}

TEST(db_postgres_states)
{
    static const struct {
        const char *state;
        enum err err;
        bool retry, drop;
    } cases[] = {
        {"23505", ERR_EXISTS, false, false},   {"23503", ERR_NOT_FOUND, false, false},
        {"23514", ERR_INVALID, false, false},  {"23502", ERR_INVALID, false, false},
        {"40001", ERR_CONFLICT, true, false},  {"40P01", ERR_CONFLICT, true, false},
        {"53300", ERR_BUSY, true, true},       {"57P01", ERR_BUSY, true, true},
        {"57P03", ERR_BUSY, true, true},       {"08006", ERR_BUSY, true, true},
        {"08P01", ERR_INTERNAL, false, true},  {"53100", ERR_NOSPACE, false, false},
        {"25006", ERR_INTERNAL, false, false}, {"57014", ERR_TIMEOUT, false, false},
        {"42601", ERR_INTERNAL, false, false}, {"XX001", ERR_CORRUPT, false, true},
        {"22021", ERR_INVALID, false, false},  {"", ERR_INTERNAL, false, false},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        bool retry = !cases[i].retry, drop = !cases[i].drop;
        CHECK_ERR(db_postgres_err(cases[i].state, &retry, &drop), cases[i].err);
        CHECK(retry == cases[i].retry && drop == cases[i].drop);
    }
}

TEST(db_argument_names)
{
    CHECK(db_arg_number("$1") == 1 && db_arg_number("$32") == 32);
    static const char *const bad[] = {"", "$", "$0", "$01", "$33", "$4294967297", "$1a", ":1", "?1", "1", NULL};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) CHECK(db_arg_number(bad[i]) == 0);
}

TEST(db_arguments_in_text)
{
    static const struct {
        const char *sql;
        enum err err;
        unsigned n;
    } cases[] = {
        {"SELECT 1", ERR_OK, 0},
        {"SELECT $1", ERR_OK, 1},
        {"SELECT $2, $1, $2", ERR_OK, 2},
        {"SELECT '$7', \"$8\", $1 -- $9\n, $2", ERR_OK, 2},
        {"SELECT 'it''s $5', $1", ERR_OK, 1},
        {"SELECT 'open $5", ERR_OK, 0},
        {"SELECT a $ b", ERR_OK, 0},
        {"SELECT $32", ERR_INVALID, 0},
        {"SELECT $1, $3", ERR_INVALID, 0},
        {"SELECT $0", ERR_INVALID, 0},
        {"SELECT $33", ERR_INVALID, 0},
        {"SELECT $4294967297", ERR_INVALID, 0},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        unsigned n = 99;
        CHECK_ERR(pg_count_args(cases[i].sql, &n), cases[i].err);
        CHECK(n == (cases[i].err == ERR_OK ? cases[i].n : 99));
    }
    unsigned n = 0;
    CHECK_OK(pg_count_args("$1$2$3$4$5$6$7$8$9$10$11$12$13$14$15$16$17$18$19$20$21$22$23$24$25$26$27$28$29$30$31$32", &n));
    CHECK(n == 32);
}

static void free_nothing(void *p) { (void)p; }

TEST(db_stmt_map_keeps_all)
{
    static struct db_stmt keys[500];
    struct stmt_map m = {0};
    CHECK(stmt_map_get(&m, &keys[0]) == NULL);
    for (size_t i = 0; i < ARRAY_LEN(keys); i++) CHECK_OK(stmt_map_put(&m, &keys[i], &keys[ARRAY_LEN(keys) - 1 - i]));
    for (size_t i = 0; i < ARRAY_LEN(keys); i++) CHECK(stmt_map_get(&m, &keys[i]) == &keys[ARRAY_LEN(keys) - 1 - i]);
    struct db_stmt stranger = {0};
    CHECK(stmt_map_get(&m, &stranger) == NULL);
    stmt_map_done(&m, free_nothing);
    test_fail_alloc(0, false);
    CHECK_ERR(stmt_map_put(&m, &keys[0], &keys[0]), ERR_NOMEM);
    test_fail_alloc(UINT64_MAX, false);
    stmt_map_done(&m, free_nothing);
}

/* --- the pool, over counted nothings --- */

static struct {
    atomic_int opened, closed, in_use, most;
    atomic_bool refuse;
} world;

static enum err open_nothing(struct ctx *c, void *owner, void **ret)
{
    if (atomic_load(&world.refuse)) return fail(c, ERR_IO, "refused");
    atomic_fetch_add(&world.opened, 1);
    *ret = owner;
    return ERR_OK;
}

static void close_nothing(void *conn)
{
    (void)conn;
    atomic_fetch_add(&world.closed, 1);
}

static void reset_world(void)
{
    world.opened = world.closed = world.in_use = world.most = 0;
    world.refuse = false;
}

struct user {
    struct pool *pool;
    struct thread t;
    atomic_int *errors;
};

static void use_pool(void *arg)
{
    struct user *u = arg;
    struct ctx c;
    ctx_init(&c, 0);
    for (int i = 0; i < 300; i++) {
        void *conn = NULL;
        if (pool_get(&c, u->pool, &conn) != ERR_OK) {
            atomic_fetch_add(u->errors, 1);
            continue;
        }
        int now = atomic_fetch_add(&world.in_use, 1) + 1;
        if (now > atomic_load(&world.most)) atomic_store(&world.most, now);
        atomic_fetch_sub(&world.in_use, 1);
        pool_put(u->pool, conn, i % 50 == 49);
    }
    ctx_done(&c);
}

TEST(db_pool_is_bounded_under_threads)
{
    struct pool p = {0};
    struct user users[6] = {0};
    atomic_int errors = 0;
    reset_world();
    CHECK_OK(pool_init(&p, 2, 5000, open_nothing, close_nothing, &p));
    for (size_t i = 0; i < ARRAY_LEN(users); i++) {
        users[i] = (struct user){.pool = &p, .errors = &errors};
        CHECK_OK(thread_start(&users[i].t, "user", use_pool, &users[i]));
    }
    for (size_t i = 0; i < ARRAY_LEN(users); i++) thread_join(&users[i].t);
    CHECK(errors == 0 && world.most <= 2);
    pool_done(&p);
    CHECK(world.opened == world.closed && world.opened >= 6 * 6 / 2);
}

static void take_and_give(void *arg)
{
    struct user *u = arg;
    struct ctx c;
    void *conn = NULL;
    ctx_init(&c, 0);
    if (pool_get(&c, u->pool, &conn) == ERR_OK)
        pool_put(u->pool, conn, false);
    else
        atomic_fetch_add(u->errors, 1);
    ctx_done(&c);
}

/* Whoever gave up must be out of the queue, at its end and in its middle. */
TEST(db_pool_queue_survives_those_who_give_up)
{
    struct pool p = {0};
    struct ctx c;
    void *conn = NULL;
    struct user users[3] = {0};
    atomic_int gave_up = 0, errors = 0;
    reset_world();
    ctx_init(&c, 0);
    CHECK_OK(pool_init(&p, 1, 20, open_nothing, close_nothing, &p));
    CHECK_OK(pool_get(&c, &p, &conn));
    CHECK(!pool_pass(&p, conn));
    for (size_t i = 0; i < 2; i++) {
        users[i] = (struct user){.pool = &p, .errors = &gave_up};
        CHECK_OK(thread_start(&users[i].t, "user", take_and_give, &users[i]));
    }
    thread_join(&users[0].t);
    thread_join(&users[1].t);
    CHECK(gave_up == 2 && p.first == NULL && p.last == &p.first);
    p.timeout_ms = 5000;
    users[2] = (struct user){.pool = &p, .errors = &errors};
    CHECK_OK(thread_start(&users[2].t, "user", take_and_give, &users[2]));
    while (!pool_pass(&p, conn)) usleep(1000);
    thread_join(&users[2].t);
    CHECK(errors == 0);
    pool_done(&p);
    ctx_done(&c);
}

TEST(db_pool_gives_up_in_time)
{
    struct pool p = {0};
    struct ctx c;
    void *first = NULL, *second = NULL;
    reset_world();
    ctx_init(&c, 0);
    CHECK_OK(pool_init(&p, 1, 30, open_nothing, close_nothing, &p));
    CHECK_OK(pool_get(&c, &p, &first));
    int64_t start = sys_real()->mono_ms();
    CHECK_ERR(pool_get(&c, &p, &second), ERR_BUSY);
    CHECK(sys_real()->mono_ms() - start >= 30 && second == NULL);
    pool_put(&p, first, false);
    CHECK_OK(pool_get(&c, &p, &second));
    pool_put(&p, second, false);
    CHECK(world.opened == 1);
    pool_done(&p);
    ctx_done(&c);
}

TEST(db_pool_failed_open_gives_the_place_back)
{
    struct pool p = {0};
    struct ctx c;
    void *conn = NULL;
    reset_world();
    ctx_init(&c, 0);
    CHECK_OK(pool_init(&p, 1, 30, open_nothing, close_nothing, &p));
    world.refuse = true;
    CHECK_ERR(pool_get(&c, &p, &conn), ERR_IO);
    CHECK_ERR(pool_get(&c, &p, &conn), ERR_IO);
    world.refuse = false;
    CHECK_OK(pool_get(&c, &p, &conn));
    pool_put(&p, conn, true);
    CHECK(world.closed == 1);
    CHECK_OK(pool_get(&c, &p, &conn));
    pool_put(&p, conn, false);
    pool_done(&p);
    ctx_done(&c);
}

TEST(db_pool_broken_takes_the_idle_with_it)
{
    struct pool p = {0};
    struct ctx c;
    void *a = NULL, *b = NULL;
    reset_world();
    ctx_init(&c, 0);
    CHECK_OK(pool_init(&p, 2, 30, open_nothing, close_nothing, &p));
    CHECK_OK(pool_get(&c, &p, &a));
    CHECK_OK(pool_get(&c, &p, &b));
    pool_put(&p, a, false);
    pool_put(&p, b, true);
    CHECK(world.closed == 2 && p.live == 0);
    pool_done(&p);
    ctx_done(&c);
}

TEST(db_bell_keeps_a_ring)
{
    struct bell b;
    bell_init(&b);
    CHECK(!bell_wait(&b, 0));
    bell_ring(&b);
    bell_ring(&b);
    CHECK(bell_wait(&b, 0));
    CHECK(!bell_wait(&b, 5));
    bell_done(&b);
}
