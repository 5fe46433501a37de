/* The database suite: every sentence of db/db.h, run against each backend. A backend file (db_sqlite_file.c …) gives the
 * functions below; the suite files hold the tests. */
#ifndef SEALDROP_TESTS_CONFORMANCE_DB_SUITE_H
#define SEALDROP_TESTS_CONFORMANCE_DB_SUITE_H

#include "db/db.h"

/* False, after saying why, when the backend cannot be had here. */
bool backend_here(void);
/* A new, empty database: its path, URL or ":memory:"; NULL on failure. The string lives until the program ends. */
const char *backend_new(void);
MUST_USE enum err backend_open(struct ctx *c, const char *where, unsigned connections, struct db **ret);
void backend_drop(const char *where);
/* Whether two handles may be open on one database. */
bool backend_shared(void);

/* One test's database with the suite's tables: FIXTURE(f, connections); */
struct fixture {
    struct ctx c;
    const char *where;
    struct db *db;
};
MUST_USE bool fixture_open(struct fixture *f, unsigned connections);
void fixture_done(struct fixture *f);
#define FIXTURE(f, connections)                                                                    \
    CLEANUP(fixture_done) struct fixture f = {0};                                                  \
    if (!backend_here()) return;                                                                   \
    CHECK(fixture_open(&f, (connections)))

/* A transaction made of one statement. */
struct one {
    const struct db_stmt *stmt;
    const struct db_value *args;
    size_t n;
    struct db_result result;
};
enum err one_run(struct ctx *c, struct db_conn *conn, void *arg);
#define ONE(stmt_, ...) (&(struct one){.stmt = &(stmt_), .args = DB_ARGS(__VA_ARGS__), .n = DB_ARG_COUNT(__VA_ARGS__)})
#define ONE0(stmt_) (&(struct one){.stmt = &(stmt_)})
/* One integer from a statement without arguments; -1 on error. */
int64_t number_of(struct fixture *f, const struct db_stmt *stmt);

extern const struct db_stmt st_item_put, st_item_get, st_item_count, st_child_put, st_counter_add, st_counter_get;

#endif
