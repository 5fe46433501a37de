/* The database suite: changes that nobody waits for. */
#include "db_suite.h"
#include "lib/test.h"

static const struct db_stmt st_later_put = {.name = "later_put", .sql = "INSERT INTO item (id, t) VALUES ($1, $2)"};

static struct id id_from(uint8_t first) { return (struct id){{first}}; }

struct later {
    unsigned n;         /* counted up so often without waiting */
    bool ask, own_error; /* for what is there by then; an error of the function at the end */
    int64_t seen;
    enum err asked;
    const struct db_stmt *then; /* one more, which may fail */
    unsigned calls;
};

static enum err add_later(struct ctx *c, struct db_conn *conn, void *arg)
{
    struct later *a = arg;
    struct db_result r;
    struct id id = id_from(1);
    a->calls++;
    for (unsigned i = 0; i < a->n; i++) TRY(db_later(c, conn, &st_counter_add, db_i64(1)));
    if (a->then) TRY(db_later(c, conn, a->then, db_id(&id), db_null()));
    if (a->ask) {
        a->asked = db_exec0(c, conn, &st_counter_get, &r);
        if (a->asked == ERR_OK) a->seen = db_get_i64(&r, 0, 0);
    }
    return a->own_error ? ERR_DENIED : ERR_OK;
}

TEST(db_later_is_done_before_anybody_looks)
{
    FIXTURE(f, 1);
    struct later a = {.n = 1, .ask = true};
    CHECK_OK(db_tx(&f.c, f.db, DB_WRITE, add_later, &a));
    CHECK(a.seen == 1);
    a = (struct later){.n = 1000};
    CHECK_OK(db_tx(&f.c, f.db, DB_WRITE, add_later, &a));
    CHECK(number_of(&f, &st_counter_get) == 1001);
    a = (struct later){.n = 200, .own_error = true};
    CHECK_ERR(db_tx(&f.c, f.db, DB_WRITE, add_later, &a), ERR_DENIED);
    CHECK(number_of(&f, &st_counter_get) == 1001);
    CHECK_ERR(db_tx(&f.c, f.db, DB_READ, add_later, &(struct later){.n = 1}), ERR_INTERNAL);
    CHECK_OK(db_ping(&f.c, f.db));
}

/* Its error is nobody's answer: not that of the statement that brings it, and not "exists". */
TEST(db_later_fails_with_its_transaction)
{
    static const struct db_stmt st_bad = {.name = "bad", .sql = "SELECT nothing FROM nowhere WHERE 1 = $1 AND 2 = $2"};
    FIXTURE(f, 1);
    struct id id = id_from(1);
    CHECK_OK(db_tx(&f.c, f.db, DB_WRITE, one_run, ONE(st_later_put, db_id(&id), db_null())));
    for (unsigned i = 0; i < 4; i++) {
        struct later a = {.n = 3, .then = i & 2 ? &st_bad : &st_later_put, .ask = i & 1};
        CHECK_ERR(db_tx(&f.c, f.db, DB_WRITE, add_later, &a), ERR_INTERNAL);
        CHECK(a.calls == 1 && (!a.asked || a.asked == ERR_INTERNAL) && a.seen == 0);
        CHECK(f.c.err_detail[0] != '\0');
        CHECK(number_of(&f, &st_counter_get) == 0 && number_of(&f, &st_item_count) == 1);
        /* The connection is as good as before. */
        CHECK_OK(db_tx(&f.c, f.db, DB_WRITE, one_run, ONE(st_counter_add, db_i64(0))));
    }
    /* An error of the function's own keeps its words. */
    struct later a = {.n = 3, .then = &st_later_put, .own_error = true};
    enum err e = db_tx(&f.c, f.db, DB_WRITE, add_later, &a);
    CHECK(e == ERR_DENIED || (e == ERR_INTERNAL && db_kind(f.db) == DB_SQLITE));
    CHECK(number_of(&f, &st_counter_get) == 0);
}
