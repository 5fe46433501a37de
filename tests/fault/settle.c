/* After a round of a story: what must hold, whatever happened in it. And the loop over all rounds. */
#include "base/intmath.h"
#include "base/limits.h"
#include "fault/story.h"
#include "os/sys.h"

static const struct db_stmt st_books = {
    .name = "fault_books",
    .sql = "SELECT (SELECT CAST(COALESCE(SUM(used_bytes), 0) AS BIGINT) FROM users), "
           "(SELECT CAST(COALESCE(SUM(size), 0) AS BIGINT) FROM file_versions), "
           "(SELECT CAST(COALESCE(SUM(reserved_bytes), 0) AS BIGINT) FROM uploads), "
           "(SELECT COUNT(*) FROM uploads WHERE state <> 'complete'), "
           "(SELECT COUNT(*) FROM jobs WHERE state = 'dead'), (SELECT COUNT(*) FROM files)"};

static enum err books_tx(struct ctx *c, struct db_conn *conn, void *arg)
{
    struct books *b = arg;
    struct db_result r;
    TRY(db_run_one(c, conn, &st_books, NULL, 0, &r));
    *b = (struct books){.used = db_get_i64(&r, 0, 0),
                        .files_bytes = db_get_i64(&r, 0, 1),
                        .reserved = db_get_i64(&r, 0, 2),
                        .uploads = db_get_i64(&r, 0, 3),
                        .dead_jobs = db_get_i64(&r, 0, 4),
                        .files = db_get_i64(&r, 0, 5)};
    return ERR_OK;
}

static enum err count_blob(struct ctx *c, struct blob_key key, bool committed, int64_t ms, void *arg)
{
    struct books *b = arg;
    (void)c;
    (void)key;
    (void)ms;
    committed ? b->blobs++ : b->unfinished++;
    return ERR_OK;
}

void books_read(struct loop *l, struct books *ret)
{
    CLEANUP(ctx_done) struct ctx c;
    ctx_init(&c, LIMIT_JOB_ARENA_BYTES);
    CHECK_OK(db_tx(&c, l->be.db, DB_READ, books_tx, ret));
}

static enum err count_blobs(struct loop *l, struct books *ret)
{
    CLEANUP(ctx_done) struct ctx c;
    ctx_init(&c, LIMIT_JOB_ARENA_BYTES);
    return blob_list(&c, l->be.blobs, count_blob, ret);
}

int64_t descriptors_open(void)
{
    int64_t n = 0;
    DIR *d = sys_real()->opendir("/proc/self/fd");
    while (d && sys_real()->readdir(d)) n++;
    if (d) sys_real()->closedir(d);
    return n;
}

/* Every listed file of this round holds what its name says, and can be deleted. */
static void empty_files(struct client *c)
{
    ANSWER list = {0}, a = {0};
    LOOP(c->l, &list, .target = "/api/v1/files?limit=200", .bearer = c->bearer);
    CHECK_STATUS(&list, 200);
    for (size_t i = 0; i < loop_count(&list, "items"); i++) {
        const char *name = loop_str(&list, loop_text("items.%zu.name", i));
        const char *file = loop_text("/api/v1/files/%s", loop_str(&list, loop_text("items.%zu.id", i)));
        if (strstr(name, ".kept")) continue;
        LOOP(c->l, &a, .target = loop_text("%s/download", file), .bearer = c->bearer);
        CHECK_STATUS(&a, 200);
        CHECK(slice_eq(loop_body(&a), content_of(name)));
        LOOP(c->l, &a, .method = "DELETE", .target = file, .bearer = c->bearer);
        CHECK_STATUS(&a, 204);
    }
}

static void empty_uploads(struct client *c)
{
    ANSWER list = {0}, a = {0};
    LOOP(c->l, &list, .target = "/api/v1/uploads?limit=200", .bearer = c->bearer);
    CHECK_STATUS(&list, 200);
    for (size_t i = 0; i < loop_count(&list, "items"); i++) {
        const char *id = loop_str(&list, loop_text("items.%zu.upload_id", i));
        LOOP(c->l, &a, .method = "DELETE", .target = loop_text("/api/v1/uploads/%s", id), .bearer = c->bearer);
        CHECK_STATUS(&a, 204);
    }
}

/* Nothing is left of what was made since the stage was set: listing and sweeping take long, so not in every round. */
static void settle_all(struct client *c, struct stage *s)
{
    struct books end = {0};
    /* One-shot uploads whose own clean-up failed wait for their end, orphans for the sweep. */
    loop_advance(c->l->cfg.upload_ttl_ms + 60 * 1000);
    loop_jobs(c->l);
    CHECK_FINE();
    books_read(c->l, &end);
    CHECK_OK(count_blobs(c->l, &end));
    CHECK_FINE();
    CHECK_U64(end.files, 2);
    CHECK_U64(end.files_bytes, BIG_BYTES + SMALL_BYTES);
    CHECK_U64(end.used, end.files_bytes);
    CHECK_U64(end.uploads, 0);
    CHECK_U64(end.dead_jobs, 0);
    CHECK_U64(end.blobs, 2);
    CHECK_U64(end.unfinished, 0);
    /* Readers of the database are opened when they are needed, so the first count stands for little. */
    if (s->settled && descriptors_open() > s->descriptors) test_fail(__FILE__, __LINE__, "descriptors leak");
    s->descriptors = descriptors_open();
    s->settled = true;
    s->bearer = loop_sign_in(c->l, STORY_EMAIL, LOOP_PASSWORD, NULL);
}

void story_settle(struct client *c, struct stage *s, bool all)
{
    struct books b = {0};
    books_read(c->l, &b);
    CHECK_FINE();
    CHECK_U64(b.used, b.files_bytes + b.reserved);
    c->bearer = loop_sign_in(c->l, STORY_EMAIL, LOOP_PASSWORD, NULL);
    CHECK_FINE();
    empty_files(c);
    CHECK_FINE();
    empty_uploads(c);
    CHECK_FINE();
    loop_jobs(c->l);
    CHECK_FINE();
    if (all) settle_all(c, s);
}

/* ---- the loop ---- */

static void print_ledger(const char *name, const struct fault *f, bool for_ever, uint64_t sites, uint64_t stride,
                         const struct ledger *g)
{
    printf("  %s, %s %s: %llu sites%s, %llu injected: %llu unnoticed, %llu cut", name, f->name,
           for_ever ? "for ever" : "once", (unsigned long long)sites,
           stride > 1 ? loop_text(" (every %llu.)", (unsigned long long)stride) : "", (unsigned long long)g->injected,
           (unsigned long long)g->unnoticed, (unsigned long long)g->cut);
    for (int i = 0; i < 8; i++)
        if (g->by_status[i]) printf(", %llu x %d", (unsigned long long)g->by_status[i], 500 + i);
    printf("\n");
}

static uint64_t failures(const struct ledger *g)
{
    uint64_t n = g->cut;
    for (int i = 0; i < 8; i++) n += g->by_status[i];
    return n;
}

static bool round_of(struct stage *s, const struct fault *f, bool for_ever, uint64_t n, story_fn *story, struct ledger *g)
{
    static uint64_t rounds;
    struct client c = {.l = &s->l, .fault = f, .ledger = g, .bearer = s->bearer, .n = n, .round = rounds++, .for_ever = for_ever};
    uint64_t before = failures(g);
    f->arm(n, for_ever);
    story(&c, s);
    f->off();
    bool fired = f->fired();
    if (!test_failed()) story_settle(&c, s, !fired || rounds % 8 == 0);
    g->injected += fired;
    g->unnoticed += fired && failures(g) == before;
    return fired;
}

void fault_loop(struct stage *s, const struct fault *f, bool for_ever, uint64_t stride, story_fn *story, const char *name)
{
    struct ledger g = {0};
    uint64_t n = 0;
    if (fault_full()) stride = 1;
    while (round_of(s, f, for_ever, n, story, &g) && !test_failed()) n += stride;
    if (test_failed()) printf("  with fault %llu of ", (unsigned long long)n);
    print_ledger(name, f, for_ever, n, stride, &g);
    if (!g.injected) test_fail(__FILE__, __LINE__, "nothing was injected");
}
