/* What must hold after every kill, whatever the flow was. */
#include "base/limits.h"
#include "core/content/content_store.h"
#include "core/sweep/sweep.h"
#include "crypto/seal.h"
#include "fault/kill.h"

/* ---- the books: rows that should not be there, as numbers ---- */

#define COUNT_OF(events) "(SELECT COUNT(*) FROM audit a WHERE a.object_id = f.id AND a.event IN (" events "))"

static const struct {
    const char *what;
    struct db_stmt stmt;
} wrong[] = {
    {"contents whose count is not that of their holders",
     {.name = "kill_refs",
      .sql = "SELECT COUNT(*) FROM contents c WHERE refs <> (SELECT COUNT(*) FROM file_versions v WHERE v.content_id = c.id) + "
             "(SELECT COUNT(*) FROM uploads u WHERE u.content_id = c.id AND u.state = 'partial')"}},
    {"contents that nobody holds, or without a key",
     {.name = "kill_keys", .sql = "SELECT COUNT(*) FROM contents WHERE refs < 1 OR wrapped_key IS NULL"}},
    {"files that do not show their newest version",
     {.name = "kill_newest",
      .sql = "SELECT COUNT(*) FROM files f WHERE NOT EXISTS (SELECT 1 FROM file_versions v WHERE v.file_id = f.id AND "
             "v.version = f.version AND v.content_id = f.content_id AND v.size = f.size AND v.replaced_at IS NULL)"}},
    {"users whose bytes are not the sum of what they have",
     {.name = "kill_bytes",
      .sql = "SELECT COUNT(*) FROM users u WHERE used_bytes <> "
             "(SELECT COALESCE(SUM(v.size), 0) FROM file_versions v JOIN files f ON f.id = v.file_id WHERE f.owner_id = u.id) + "
             "(SELECT COALESCE(SUM(reserved_bytes), 0) FROM uploads p WHERE p.owner_id = u.id AND p.state <> 'complete')"}},
    {"users whose files are not as many as they have",
     {.name = "kill_files",
      .sql = "SELECT COUNT(*) FROM users u WHERE used_files <> (SELECT COUNT(*) FROM files f WHERE f.owner_id = u.id) + "
             "(SELECT COUNT(*) FROM uploads p WHERE p.owner_id = u.id AND p.state <> 'complete' AND p.adds_version = 0)"}},
    {"complete uploads that reserve, or have parts or pieces",
     {.name = "kill_complete",
      .sql = "SELECT COUNT(*) FROM uploads u WHERE state = 'complete' AND (reserved_bytes <> 0 OR "
             "EXISTS (SELECT 1 FROM upload_parts p WHERE p.upload_id = u.id) OR "
             "EXISTS (SELECT 1 FROM upload_pieces p WHERE p.upload_id = u.id))"}},
    {"files without the one record of their beginning",
     {.name = "kill_created", .sql = "SELECT COUNT(*) FROM files f WHERE " COUNT_OF("'file.create'") " <> 1"}},
    {"files that went without the one record of their end",
     {.name = "kill_deleted",
      .sql = "SELECT ABS((SELECT COUNT(*) FROM audit WHERE event = 'file.create') - (SELECT COUNT(*) FROM files) - "
             "(SELECT COUNT(*) FROM audit WHERE event = 'file.delete')) + "
             "(SELECT COUNT(*) FROM files f WHERE " COUNT_OF("'file.delete'") " <> 0)"}},
    {"versions without the one record of their beginning",
     {.name = "kill_versions",
      .sql = "SELECT COUNT(*) FROM files f WHERE " COUNT_OF("'version.create', 'version.restore'") " <> f.version - 1"}},
    {"versions that went without the one record of their end",
     {.name = "kill_gone",
      .sql = "SELECT COUNT(*) FROM files f WHERE " COUNT_OF("'version.delete'") " <> f.version - "
             "(SELECT COUNT(*) FROM file_versions v WHERE v.file_id = f.id)"}},
    {"files in the trash, or back from it, without the record",
     {.name = "kill_trashed",
      .sql = "SELECT COUNT(*) FROM files f WHERE " COUNT_OF("'file.trash'") " - " COUNT_OF("'file.restore'")
             " <> CASE WHEN trashed_at IS NULL THEN 0 ELSE 1 END"}},
    {"jobs that were given up", {.name = "kill_dead", .sql = "SELECT COUNT(*) FROM jobs WHERE state = 'dead'"}},
};

/* Only in the end: nothing is under way any more. */
static const struct db_stmt st_open = {
    .name = "kill_open",
    .sql = "SELECT (SELECT COUNT(*) FROM uploads WHERE state <> 'complete') + (SELECT COUNT(*) FROM upload_pieces) + "
           "(SELECT COUNT(*) FROM reseals)"};

struct count_arg {
    const struct db_stmt *stmt;
    int64_t n;
};

static enum err count_tx(struct ctx *c, struct db_conn *conn, void *arg)
{
    struct count_arg *a = arg;
    struct db_result r;
    TRY(db_run_one(c, conn, a->stmt, NULL, 0, &r));
    a->n = db_get_i64(&r, 0, 0);
    return ERR_OK;
}

static int64_t count(struct loop *l, const struct db_stmt *stmt)
{
    CLEANUP(ctx_done) struct ctx c;
    struct count_arg a = {stmt, -1};
    ctx_init(&c, LIMIT_JOB_ARENA_BYTES);
    enum err e = db_tx(&c, l->be.db, DB_READ, count_tx, &a);
    if (e != ERR_OK) test_fail(__FILE__, __LINE__, "%s: %s", stmt->name, c.err_detail);
    return a.n;
}

static void check_books(struct loop *l)
{
    for (size_t i = 0; i < ARRAY_LEN(wrong) && !test_failed(); i++) {
        int64_t n = count(l, &wrong[i].stmt);
        if (n != 0) test_fail(__FILE__, __LINE__, "%lld %s", (long long)n, wrong[i].what);
    }
}

/* ---- the bytes ---- */

static const struct db_stmt st_contents = {.name = "kill_contents", .sql = "SELECT " CONTENT_COLUMNS " FROM contents c"};
static const struct db_stmt st_pieces = {.name = "kill_pieces", .sql = "SELECT blob_id, size FROM upload_pieces"};

struct stored {
    struct db_result contents, pieces;
};

static enum err stored_tx(struct ctx *c, struct db_conn *conn, void *arg)
{
    struct stored *s = arg;
    TRY(db_exec0(c, conn, &st_contents, &s->contents));
    return db_exec0(c, conn, &st_pieces, &s->pieces);
}

static void check_content(struct ctx *c, struct loop *l, const struct content *t)
{
    static char bytes[BIG_BYTES];
    struct reader *r = NULL;
    struct slice want = content_sized(t->size);
    size_t n = 0;
    CHECK(t->size <= sizeof bytes);
    CHECK_OK(content_read_plain(c, l->app, t, 0, t->size, &r));
    CHECK_OK(r->ops->read(r, c, bytes, sizeof bytes, &n));
    reader_close(r, c, true);
    CHECK_U64(n, t->size);
    CHECK(!want.ptr || slice_eq(slice_of(bytes, n), want));
}

/* Whoever shows them: old versions, the trash, partial uploads. *ret: how many there are, pieces too. */
static void check_stored(struct loop *l, uint64_t *ret)
{
    CLEANUP(ctx_done) struct ctx c;
    struct stored s;
    ctx_init(&c, LIMIT_JOB_ARENA_BYTES);
    CHECK_OK(db_tx(&c, l->be.db, DB_READ, stored_tx, &s));
    for (size_t i = 0; i < s.contents.rows && !test_failed(); i++) {
        struct content t;
        content_store_row(&s.contents, i, 0, &t);
        check_content(&c, l, &t);
    }
    for (size_t i = 0; i < s.pieces.rows && !test_failed(); i++) {
        struct blob_reader *r = NULL;
        uint64_t size = 0;
        CHECK_OK(blob_open(&c, l->be.blobs, (struct blob_key){db_get_id(&s.pieces, i, 0)}, &r, &size));
        blob_close(r);
        CHECK_U64(size, seal_size((uint64_t)db_get_i64(&s.pieces, i, 1)));
    }
    *ret = s.contents.rows + s.pieces.rows;
}

/* By the door. */
static void check_files(struct loop *l)
{
    ANSWER list = {0}, a = {0};
    const char *bearer = loop_sign_in(l, STORY_EMAIL, LOOP_PASSWORD, NULL);
    LOOP(l, &list, .target = "/api/v1/files?limit=200", .bearer = bearer);
    CHECK_STATUS(&list, 200);
    for (size_t i = 0; i < loop_count(&list, "items"); i++) {
        LOOP(l, &a, .bearer = bearer,
             .target = loop_text("/api/v1/files/%s/download", loop_str(&list, loop_text("items.%zu.id", i))));
        CHECK_STATUS(&a, 200);
        CHECK(slice_eq(loop_body(&a), content_sized((uint64_t)loop_num(&list, loop_text("items.%zu.size", i)))));
    }
}

struct blobs {
    uint64_t whole, unfinished;
};

static enum err count_blob(struct ctx *c, struct blob_key key, bool committed, int64_t ms, void *arg)
{
    struct blobs *b = arg;
    (void)c;
    (void)key;
    (void)ms;
    committed ? b->whole++ : b->unfinished++;
    return ERR_OK;
}

void kill_check_all(struct loop *l)
{
    CLEANUP(ctx_done) struct ctx c;
    struct blobs b = {0};
    uint64_t stored = 0;
    size_t swept = 0;
    check_files(l);
    CHECK_FINE();
    check_stored(l, &stored);
    CHECK_FINE();
    check_books(l);
    CHECK_FINE();
    /* Leases, graces and lives of uploads end; what no row knows is old enough to be swept. */
    for (int i = 0; i < 2; i++) {
        loop_advance(l->cfg.upload_ttl_ms + 60 * 1000);
        loop_jobs(l);
    }
    ctx_init(&c, LIMIT_JOB_ARENA_BYTES);
    CHECK_OK(sweep_blobs(&c, l->app, &swept));
    check_stored(l, &stored);
    CHECK_FINE();
    check_books(l);
    CHECK_FINE();
    CHECK_U64(count(l, &st_open), 0);
    CHECK_OK(blob_list(&c, l->be.blobs, count_blob, &b));
    CHECK_U64(b.whole, stored);
    CHECK_U64(b.unfinished, 0);
}
