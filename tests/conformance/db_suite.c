/* Fixtures of the database suite, and its tests of values, results and errors. */
#include "db_suite.h"

#include <stdint.h>
#include <string.h>

#include "base/limits.h"
#include "base/mem.h"
#include "lib/test.h"

const struct db_stmt st_item_put = {.name = "item_put",
                                    .sql = "INSERT INTO item (id, n, t, b) VALUES ($1, $2, $3, $4)"};
const struct db_stmt st_item_get = {.name = "item_get", .sql = "SELECT n, t, b FROM item WHERE id = $1"};
const struct db_stmt st_item_count = {.name = "item_count", .sql = "SELECT count(*) FROM item"};
const struct db_stmt st_child_put = {.name = "child_put", .sql = "INSERT INTO child (id, item_id) VALUES ($1, $2)"};
const struct db_stmt st_counter_add = {.name = "counter_add", .sql = "UPDATE counter SET v = v + $1 WHERE id = 1"};
const struct db_stmt st_counter_get = {.name = "counter_get", .sql = "SELECT v FROM counter WHERE id = 1"};

static const struct db_migration schema[] = {
    {1, "tables",
     "CREATE TABLE item (id BYTEA PRIMARY KEY, n BIGINT, t TEXT UNIQUE, b BYTEA, CHECK (n <> 666));"
     "CREATE TABLE child (id BIGINT PRIMARY KEY, item_id BYTEA NOT NULL REFERENCES item (id));"
     "CREATE TABLE counter (id BIGINT PRIMARY KEY, v BIGINT NOT NULL);"
     "INSERT INTO counter (id, v) VALUES (1, 0); -- the last comment", NULL},
};

bool fixture_open(struct fixture *f, unsigned connections)
{
    *f = (struct fixture){0};
    ctx_init(&f->c, 64 * MIB);
    f->where = backend_new();
    if (!f->where) return false;
    if (backend_open(&f->c, f->where, connections, &f->db) != ERR_OK || db_migrate(&f->c, f->db, schema, 1) != ERR_OK) {
        test_fail(f->c.err_file, f->c.err_line, "fixture: %s", f->c.err_detail);
        return false;
    }
    return true;
}

void fixture_done(struct fixture *f)
{
    db_close(f->db);
    if (f->where) backend_drop(f->where);
    ctx_done(&f->c);
}

enum err one_run(struct ctx *c, struct db_conn *conn, void *arg)
{
    struct one *o = arg;
    return db_run(c, conn, o->stmt, o->args, o->n, &o->result);
}

int64_t number_of(struct fixture *f, const struct db_stmt *stmt)
{
    struct one *o = &(struct one){.stmt = stmt};
    if (db_tx(&f->c, f->db, DB_READ, one_run, o) != ERR_OK || o->result.rows != 1) return -1;
    return db_get_i64(&o->result, 0, 0);
}

static struct id id_n(uint8_t n)
{
    struct id id = {{0}};
    memset(id.b, '0' + n % 10, sizeof id.b);
    id.b[15] = (uint8_t)('0' + n / 10);
    return id;
}

/* Writes one row with these values and reads it back. */
static enum err there_and_back(struct fixture *f, uint8_t key, struct db_value n, struct db_value t, struct db_value b,
                               struct db_result *ret)
{
    struct id id = id_n(key);
    struct one *get = ONE(st_item_get, db_id(&id));
    TRY(db_tx(&f->c, f->db, DB_WRITE, one_run, ONE(st_item_put, db_id(&id), n, t, b)));
    TRY(db_tx(&f->c, f->db, DB_READ, one_run, get));
    *ret = get->result;
    return ret->rows == 1 && ret->cols == 3 ? ERR_OK : ERR_CORRUPT;
}

TEST(db_values_keep_their_type_and_bytes)
{
    FIXTURE(f, 2);
    struct db_result r = {0};
    CHECK_OK(there_and_back(&f, 1, db_i64(INT64_MIN), db_text(SLICE("0123")), db_bytes(SLICE("1234567890123456")), &r));
    CHECK(db_at(&r, 0, 0)->type == DB_I64 && db_get_i64(&r, 0, 0) == INT64_MIN);
    CHECK(db_at(&r, 0, 1)->type == DB_TEXT);
    CHECK_SLICE(db_get_slice(&r, 0, 1), SLICE("0123"));
    CHECK(db_at(&r, 0, 2)->type == DB_BYTES);
    CHECK_SLICE(db_get_slice(&r, 0, 2), SLICE("1234567890123456"));
    CHECK(id_eq(db_get_id(&r, 0, 2), (struct id){"1234567890123456"}));
    CHECK_OK(there_and_back(&f, 2, db_i64(INT64_MAX), db_text(SLICE("1e3")), db_bytes(SLICE("a\0b\xff\0")), &r));
    CHECK(db_get_i64(&r, 0, 0) == INT64_MAX);
    CHECK_SLICE(db_get_slice(&r, 0, 1), SLICE("1e3"));
    CHECK_SLICE(db_get_slice(&r, 0, 2), SLICE("a\0b\xff\0"));
    CHECK_OK(there_and_back(&f, 3, db_i64(-1), db_text(SLICE("grüße \xf0\x9f\x94\x92")), db_bytes(SLICE("7")), &r));
    CHECK_SLICE(db_get_slice(&r, 0, 1), SLICE("grüße \xf0\x9f\x94\x92"));
    CHECK_SLICE(db_get_slice(&r, 0, 2), SLICE("7"));
}

TEST(db_null_is_not_empty)
{
    FIXTURE(f, 2);
    struct db_result r = {0};
    CHECK_OK(there_and_back(&f, 1, db_null(), db_text_opt((struct slice){0}), db_bytes_opt((struct slice){0}), &r));
    for (size_t i = 0; i < 3; i++) CHECK(db_at(&r, 0, i)->type == DB_NULL);
    CHECK(db_get_i64(&r, 0, 0) == 0 && !db_get_slice(&r, 0, 1).ptr && id_is_zero(db_get_id(&r, 0, 2)));
    CHECK_OK(there_and_back(&f, 2, db_i64(0), db_text((struct slice){0}), db_bytes((struct slice){0}), &r));
    CHECK(db_at(&r, 0, 1)->type == DB_TEXT && db_get_slice(&r, 0, 1).len == 0 && db_get_slice(&r, 0, 1).ptr);
    CHECK(db_at(&r, 0, 2)->type == DB_BYTES && db_get_slice(&r, 0, 2).len == 0 && db_get_slice(&r, 0, 2).ptr);
    /* The same statement after NULLs, with values again: the types of its arguments are found out late. */
    CHECK_OK(there_and_back(&f, 3, db_i64(5), db_text(SLICE("x")), db_bytes(SLICE("y")), &r));
    CHECK(db_get_i64(&r, 0, 0) == 5);
    CHECK_OK(there_and_back(&f, 4, db_null(), db_text(SLICE("z")), db_null(), &r));
    CHECK(db_at(&r, 0, 0)->type == DB_NULL && db_at(&r, 0, 2)->type == DB_NULL);
}

TEST(db_large_blob_survives)
{
    FIXTURE(f, 2);
    CLEANUP(mem_cleanup) char *big = mem_alloc(1, MIB);
    struct db_result r = {0};
    CHECK(big != NULL);
    for (size_t i = 0; i < MIB; i++) big[i] = (char)(i * 7 + i / 251);
    CHECK_OK(there_and_back(&f, 1, db_i64(1), db_null(), db_bytes(slice_of(big, MIB)), &r));
    CHECK(slice_eq(db_get_slice(&r, 0, 2), slice_of(big, MIB)));
}

TEST(db_nul_in_text_is_refused)
{
    FIXTURE(f, 2);
    struct db_result r = {0};
    CHECK_ERR(there_and_back(&f, 1, db_i64(1), db_text(SLICE("a\0b")), db_null(), &r), ERR_INVALID);
    CHECK(number_of(&f, &st_item_count) == 0);
}

TEST(db_constraint_errors_have_names)
{
    FIXTURE(f, 2);
    struct id one = id_n(1), two = id_n(2), none = id_n(9);
    CHECK_OK(db_tx(&f.c, f.db, DB_WRITE, one_run, ONE(st_item_put, db_id(&one), db_i64(1), db_text(SLICE("a")), db_null())));
    CHECK_ERR(db_tx(&f.c, f.db, DB_WRITE, one_run, ONE(st_item_put, db_id(&one), db_i64(1), db_null(), db_null())), ERR_EXISTS);
    CHECK_ERR(db_tx(&f.c, f.db, DB_WRITE, one_run,
                    ONE(st_item_put, db_id(&two), db_i64(1), db_text(SLICE("a")), db_null())),
              ERR_EXISTS);
    CHECK_ERR(db_tx(&f.c, f.db, DB_WRITE, one_run, ONE(st_item_put, db_id(&two), db_i64(666), db_null(), db_null())),
              ERR_INVALID);
    CHECK_ERR(db_tx(&f.c, f.db, DB_WRITE, one_run, ONE(st_child_put, db_i64(1), db_id(&none))), ERR_NOT_FOUND);
    CHECK_ERR(db_tx(&f.c, f.db, DB_WRITE, one_run, ONE(st_child_put, db_i64(1), db_null())), ERR_INVALID);
    CHECK_OK(db_tx(&f.c, f.db, DB_WRITE, one_run, ONE(st_child_put, db_i64(1), db_id(&one))));
    static const struct db_stmt del = {.name = "item_delete", .sql = "DELETE FROM item WHERE id = $1"};
    CHECK_ERR(db_tx(&f.c, f.db, DB_WRITE, one_run, ONE(del, db_id(&one))), ERR_NOT_FOUND);
    CHECK(number_of(&f, &st_item_count) == 1);
}

TEST(db_placeholders_may_repeat_and_come_in_any_order)
{
    static const struct db_stmt st = {
        .name = "order", .sql = "SELECT n, t FROM item WHERE t = $2 AND n = $1 AND (t = $2 OR n > $1) AND $3 = id"};
    FIXTURE(f, 2);
    struct id id = id_n(1);
    CHECK_OK(db_tx(&f.c, f.db, DB_WRITE, one_run, ONE(st_item_put, db_id(&id), db_i64(4), db_text(SLICE("a")), db_null())));
    struct one *o = ONE(st, db_i64(4), db_text(SLICE("a")), db_id(&id));
    CHECK_OK(db_tx(&f.c, f.db, DB_READ, one_run, o));
    CHECK(o->result.rows == 1 && db_get_i64(&o->result, 0, 0) == 4);
    struct one *other = ONE(st, db_i64(5), db_text(SLICE("a")), db_id(&id));
    CHECK_OK(db_tx(&f.c, f.db, DB_READ, one_run, other));
    CHECK(other->result.rows == 0 && other->result.cols == 2);
}

TEST(db_wrong_number_of_arguments_is_an_error)
{
    static const struct db_stmt gap = {.name = "gap", .sql = "SELECT n FROM item WHERE n = $1 AND n = $3"};
    static const struct db_stmt anonymous = {.name = "anonymous", .sql = "SELECT n FROM item WHERE n = ?"};
    FIXTURE(f, 2);
    struct id id = id_n(1);
    CHECK_ERR(db_tx(&f.c, f.db, DB_READ, one_run, ONE(st_item_get, db_id(&id), db_i64(1))), ERR_INTERNAL);
    CHECK_ERR(db_tx(&f.c, f.db, DB_READ, one_run, ONE0(st_item_get)), ERR_INTERNAL);
    CHECK_ERR(db_tx(&f.c, f.db, DB_READ, one_run, ONE(gap, db_i64(1), db_i64(1), db_i64(1))), ERR_INTERNAL);
    CHECK_ERR(db_tx(&f.c, f.db, DB_READ, one_run, ONE(gap, db_i64(1), db_i64(1))), ERR_INTERNAL);
    CHECK_ERR(db_tx(&f.c, f.db, DB_READ, one_run, ONE(anonymous, db_i64(1))), ERR_INTERNAL);
    CHECK_OK(db_ping(&f.c, f.db));
}

TEST(db_changes_and_returning)
{
    static const struct db_stmt upsert = {
        .name = "upsert",
        .sql = "INSERT INTO counter (id, v) VALUES ($1, $2) ON CONFLICT (id) DO UPDATE SET v = excluded.v RETURNING id, v"};
    static const struct db_stmt all = {.name = "add_all", .sql = "UPDATE counter SET v = v + 1"};
    FIXTURE(f, 2);
    struct one *o = ONE(upsert, db_i64(7), db_i64(70));
    CHECK_OK(db_tx(&f.c, f.db, DB_WRITE, one_run, o));
    CHECK(o->result.rows == 1 && o->result.changes == 1 && db_get_i64(&o->result, 0, 1) == 70);
    o = ONE0(all);
    CHECK_OK(db_tx(&f.c, f.db, DB_WRITE, one_run, o));
    CHECK(o->result.rows == 0 && o->result.changes == 2);
    o = ONE(st_counter_add, db_i64(0));
    CHECK_OK(db_tx(&f.c, f.db, DB_WRITE, one_run, o));
    CHECK(o->result.changes == 1);
    o = ONE0(st_counter_get);
    CHECK_OK(db_tx(&f.c, f.db, DB_WRITE, one_run, o));
    CHECK(o->result.rows == 1 && o->result.changes == 0);
}

static enum err read_one(struct ctx *c, struct db_conn *conn, void *arg)
{
    static const struct db_stmt by_id = {.name = "by_id", .sql = "SELECT v FROM counter WHERE id >= $1"};
    static const struct db_stmt set = {.name = "set", .sql = "UPDATE counter SET v = v WHERE id = $1"};
    static const struct db_stmt two = {.name = "two_rows", .sql = "SELECT 1 UNION ALL SELECT 2"};
    int64_t *codes = arg;
    codes[0] = db_one(c, conn, &by_id, NULL, db_i64(1));
    codes[1] = db_one(c, conn, &by_id, NULL, db_i64(2));
    codes[2] = db_one(c, conn, &by_id, NULL, db_i64(0));
    codes[3] = db_one(c, conn, &set, NULL, db_i64(1));
    codes[4] = db_one(c, conn, &set, NULL, db_i64(99));
    codes[5] = db_run_one(c, conn, &two, NULL, 0, NULL);
    return ERR_OK;
}

TEST(db_one_wants_exactly_one)
{
    FIXTURE(f, 2);
    int64_t codes[6] = {0};
    CHECK_OK(db_tx(&f.c, f.db, DB_WRITE, read_one, codes));
    CHECK(codes[0] == ERR_OK && codes[1] == ERR_NOT_FOUND && codes[2] == ERR_OK);
    CHECK(codes[3] == ERR_OK && codes[4] == ERR_NOT_FOUND && codes[5] == ERR_NOT_FOUND);
}

TEST(db_too_many_rows_is_an_error)
{
    static const struct db_stmt many = {
        .name = "many", .sql = "WITH RECURSIVE s (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM s WHERE i < $1) SELECT i FROM s"};
    FIXTURE(f, 2);
    struct one *o = ONE(many, db_i64(LIMIT_DB_RESULT_ROWS));
    CHECK_OK(db_tx(&f.c, f.db, DB_READ, one_run, o));
    CHECK(o->result.rows == LIMIT_DB_RESULT_ROWS);
    for (size_t i = 0; i < LIMIT_DB_RESULT_ROWS; i++) CHECK_U64(db_get_i64(&o->result, i, 0), i + 1);
    CHECK_ERR(db_tx(&f.c, f.db, DB_READ, one_run, ONE(many, db_i64(LIMIT_DB_RESULT_ROWS + 1))), ERR_TOO_LARGE);
    CHECK_OK(db_ping(&f.c, f.db));
}

TEST(db_integer_results_of_all_kinds_and_no_floats)
{
    static const struct db_stmt ints = {.name = "ints", .sql = "SELECT 1, count(*), max(v), v > -1, 'x', NULL FROM counter GROUP BY v"};
    static const struct db_stmt sum = {.name = "sum", .sql = "SELECT CAST(sum(v) AS BIGINT) FROM counter"};
    static const struct db_stmt real = {.name = "real", .sql = "SELECT v * 1.5 FROM counter"};
    FIXTURE(f, 2);
    struct one *o = ONE0(ints);
    CHECK_OK(db_tx(&f.c, f.db, DB_READ, one_run, o));
    CHECK(db_get_i64(&o->result, 0, 0) == 1 && db_get_i64(&o->result, 0, 1) == 1 && db_get_i64(&o->result, 0, 2) == 0);
    CHECK(db_at(&o->result, 0, 3)->type == DB_I64 && db_get_i64(&o->result, 0, 3) == 1);
    CHECK(db_at(&o->result, 0, 4)->type == DB_TEXT && db_at(&o->result, 0, 5)->type == DB_NULL);
    CHECK(number_of(&f, &sum) == 0);
    CHECK_ERR(db_tx(&f.c, f.db, DB_READ, one_run, ONE0(real)), ERR_INTERNAL);
    CHECK_OK(db_ping(&f.c, f.db));
}
