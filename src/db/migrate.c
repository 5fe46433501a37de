/* Migrations: one after the other, each in its own transaction together with its record. Several nodes may start at once:
 * every step takes the schema lock and looks afresh at what is recorded. */
#include <string.h>

#include "crypto/hash.h"
#include "db/db_impl.h"
#include "os/clock.h"

static const struct db_stmt st_create = {
    .name = "schema_migrations_create",
    .sql = "CREATE TABLE IF NOT EXISTS schema_migrations (number BIGINT PRIMARY KEY, name TEXT NOT NULL,"
           " checksum BYTEA NOT NULL, applied_at BIGINT NOT NULL)"};
static const struct db_stmt st_list = {
    .name = "schema_migrations_list", .sql = "SELECT number, name, checksum FROM schema_migrations ORDER BY number"};
static const struct db_stmt st_record = {
    .name = "schema_migrations_insert",
    .sql = "INSERT INTO schema_migrations (number, name, checksum, applied_at) VALUES ($1, $2, $3, $4)"};

struct step {
    const struct db_migration *list;
    size_t n;
    bool done;
};

static const char *text_for(enum db_kind kind, const struct db_migration *m)
{
    return kind == DB_SQLITE && m->sqlite ? m->sqlite : m->sql;
}

/* What is recorded must be the beginning of our list. */
static enum err check_recorded(struct ctx *c, enum db_kind kind, const struct step *s, const struct db_result *r)
{
    for (size_t i = 0; i < r->rows; i++) {
        long long number = (long long)db_get_i64(r, i, 0);
        if (i >= s->n)
            return fail(c, ERR_CONFLICT, "the database has migration %lld and is newer than this program", number);
        struct sha256 sum = {0};
        TRY(sha256(slice_cstr(text_for(kind, &s->list[i])), &sum));
        if (number != s->list[i].number || !slice_eq(db_get_slice(r, i, 2), sha256_view(&sum)))
            return fail(c, ERR_CONFLICT, "migration %lld '" SLICE_FMT "' was applied with another text", number,
                        SLICE_ARG(db_get_slice(r, i, 1)));
    }
    return ERR_OK;
}

static enum err apply(struct ctx *c, struct db_conn *conn, const struct db_migration *m)
{
    struct sha256 sum = {0};
    const char *sql = text_for(conn->kind, m);
    TRY(sha256(slice_cstr(sql), &sum));
    enum err e = conn->ops->script(c, conn, sql);
    if (e != ERR_OK) {
        conn->failed = e;
        return e;
    }
    return db_exec(c, conn, &st_record, NULL, db_i64(m->number), db_text(slice_cstr(m->name)),
                   db_bytes(sha256_view(&sum)), db_i64(clock_wall_ms()));
}

static enum err step(struct ctx *c, struct db_conn *conn, void *arg)
{
    struct step *s = arg;
    struct db_result recorded = {0};
    s->done = false;
    enum err e = conn->ops->lock_schema(c, conn);
    if (e != ERR_OK) {
        conn->failed = e;
        return e;
    }
    TRY(db_exec0(c, conn, &st_create, NULL));
    TRY(db_exec0(c, conn, &st_list, &recorded));
    TRY(check_recorded(c, conn->kind, s, &recorded));
    if (recorded.rows < s->n) return apply(c, conn, &s->list[recorded.rows]);
    s->done = true;
    return ERR_OK;
}

enum err db_migrate(struct ctx *c, struct db *db, const struct db_migration *list, size_t n)
{
    struct step s = {.list = list, .n = n};
    for (size_t i = 1; i < n; i++)
        if (list[i].number <= list[i - 1].number)
            return fail(c, ERR_INTERNAL, "migration %lld is out of order", (long long)list[i].number);
    while (!s.done) TRY(db_tx(c, db, DB_WRITE, step, &s));
    return ERR_OK;
}
