/* Sealing anew while the database, the blob store or the memory fails at each step, once and for ever (which is also what a killed
 * process leaves): the file can be read all the time, the next try goes through, and nothing is left behind. */
#include "base/limits.h"
#include "core/app/app.h"
#include "core/content/reseal.h"
#include "core/file/file.h"
#include "core/job/job.h"
#include "core/session/session.h"
#include "core/sweep/sweep.h"
#include "integration/loopback.h"

#define FILES "/api/v1/files"
#define SIZE 300000u

static char text[SIZE];
static struct loop l;
static const char *bearer;

static void begin(void)
{
    static const char words[] = "sealed, opened, sealed again; ";
    for (size_t i = 0; i < SIZE; i++) text[i] = words[(i + i / 301) % (sizeof words - 1)];
    loop_open(&l);
    l.cfg.compress = l.cfg.dedupe = true;
    loop_faulty(&l);
}

enum kind { DATABASE, BLOBS, MEMORY };

static void arm(enum kind k, uint64_t n, bool for_ever)
{
    if (k == DATABASE) db_fault_set(l.be.db, n, for_ever, ERR_IO);
    if (k == BLOBS) blob_fault_set(l.be.blobs, n, for_ever, ERR_IO);
    if (k == MEMORY) test_fail_alloc(n, for_ever);
}

/* True when the fault was met. */
static bool disarm(enum kind k, uint64_t n)
{
    bool fired = k == DATABASE ? db_fault_count(l.be.db) > n : k == BLOBS ? blob_fault_count(l.be.blobs) > n : test_alloc_fired();
    arm(k, UINT64_MAX, false);
    return fired;
}

static void readable(const char *file)
{
    ANSWER a = {0};
    LOOP(&l, &a, .target = loop_text(FILES "/%s/download", file), .bearer = bearer);
    CHECK_STATUS(&a, 200);
    CHECK(slice_eq(loop_body(&a), slice_of(text, SIZE)));
}

static struct id content_of(const char *file)
{
    ANSWER a = {0};
    struct id id = {{0}};
    LOOP(&l, &a, .target = loop_text(FILES "/%s", file), .bearer = bearer);
    if (id_parse(slice_cstr(loop_str(&a, "file.content_id")), &id) != ERR_OK) test_fail(__FILE__, __LINE__, "content id");
    return id;
}

static void remove_file(const char *file)
{
    CLEANUP(ctx_done) struct ctx c;
    struct principal who = {0};
    struct id id;
    ctx_init(&c, LIMIT_JOB_ARENA_BYTES);
    CHECK_OK(session_authenticate(&c, l.app, slice_cstr(bearer), &who));
    CHECK_OK(id_parse(slice_cstr(file), &id));
    CHECK_OK(file_delete(&c, l.app, &who, &id));
}

static enum err count_blob(struct ctx *c, struct blob_key key, bool committed, int64_t modified_ms, void *arg)
{
    size_t *n = arg;
    (void)c;
    (void)key;
    (void)committed;
    (void)modified_ms;
    (*n)++;
    return ERR_OK;
}

/* Jobs now, jobs when the leases and the graces are over, and what the sweep finds after that. */
static size_t left_in_the_end(void)
{
    CLEANUP(ctx_done) struct ctx c;
    size_t n = 0, swept = 0;
    ctx_init(&c, LIMIT_JOB_ARENA_BYTES);
    loop_jobs(&l);
    loop_advance(JOB_LEASE_MS + RESEAL_GRACE_MS + 1);
    loop_jobs(&l);
    loop_advance(SWEEP_GRACE_MS + 60000);
    if (sweep_blobs(&c, l.app, &swept) != ERR_OK || blob_list(&c, l.be.blobs, count_blob, &n) != ERR_OK)
        test_fail(__FILE__, __LINE__, "sweep");
    return n;
}

/* One try with the n-th call failing. `twin`: an equal file is there. False: the fault was not met any more. */
static bool one(enum kind k, uint64_t n, bool for_ever, bool twin)
{
    CLEANUP(ctx_done) struct ctx c;
    ANSWER a = {0};
    const char *other = NULL;
    int64_t again = 0;
    bearer = loop_sign_in(&l, "anna@example.com", LOOP_PASSWORD, NULL);
    if (twin) {
        other = loop_upload(&l, bearer, "twin.txt", slice_of(text, SIZE), 0);
        loop_jobs(&l);
    }
    const char *file = loop_upload(&l, bearer, "a.txt", slice_of(text, SIZE), 0);
    if (!twin) LOOP(&l, &a, .method = "POST", .target = loop_text(FILES "/%s/encrypt", file), .bearer = bearer);
    struct id before = content_of(file);
    ctx_init(&c, LIMIT_JOB_ARENA_BYTES);
    arm(k, n, for_ever);
    enum err e = reseal_run(&c, l.app, &before, NULL, &again);
    bool fired = disarm(k, n);
    if (!fired && e != ERR_OK) test_fail(__FILE__, __LINE__, "without a fault: %s: %s", err_name(e), c.err_detail);
    readable(file);
    loop_jobs(&l);
    readable(file);
    loop_advance(JOB_LEASE_MS + 1);
    bearer = loop_sign_in(&l, "anna@example.com", LOOP_PASSWORD, NULL);
    loop_jobs(&l);
    readable(file);
    struct id after = content_of(file);
    if (id_eq(after, before)) test_fail(__FILE__, __LINE__, "kind %d, call %u: not sealed anew in the end", (int)k, (unsigned)n);
    if (other) readable(other);
    remove_file(file);
    if (other) remove_file(other);
    size_t left = left_in_the_end();
    if (left) test_fail(__FILE__, __LINE__, "kind %d, call %u: %zu blobs left", (int)k, (unsigned)n, left);
    return fired;
}

static void each(enum kind k, bool twin)
{
    for (int for_ever = 0; for_ever < 2; for_ever++) {
        uint64_t n = 0, step = k == MEMORY ? 3 : 1;
        while (one(k, n, for_ever, twin) && !test_failed()) n += step;
        CHECK_FINE();
        CHECK(n > 3);
    }
}

TEST(reseal_when_the_database_fails)
{
    if (loop_missing()) return;
    begin();
    loop_user(&l, "anna@example.com", ROLE_USER);
    each(DATABASE, false);
    each(DATABASE, true);
    loop_close(&l);
}

TEST(reseal_when_the_blob_store_fails)
{
    if (loop_missing()) return;
    begin();
    loop_user(&l, "anna@example.com", ROLE_USER);
    each(BLOBS, false);
    each(BLOBS, true);
    loop_close(&l);
}

TEST(reseal_without_memory)
{
    if (loop_missing()) return;
    begin();
    loop_user(&l, "anna@example.com", ROLE_USER);
    each(MEMORY, false);
    loop_close(&l);
}

/* Another worker has it: it is left alone until that one's lease is over. */
TEST(reseal_lease)
{
    CLEANUP(ctx_done) struct ctx c;
    int64_t again = 0;
    if (loop_missing()) return;
    begin();
    bearer = loop_user(&l, "anna@example.com", ROLE_USER);
    ctx_init(&c, LIMIT_JOB_ARENA_BYTES);
    const char *file = loop_upload(&l, bearer, "a.txt", slice_of(text, SIZE), 0);
    struct id before = content_of(file);
    db_fault_set(l.be.db, 5, true, ERR_IO);
    CHECK_ERR(reseal_run(&c, l.app, &before, NULL, &again), ERR_IO);
    db_fault_set(l.be.db, UINT64_MAX, false, ERR_IO);
    ctx_clear_error(&c);
    CHECK_OK(reseal_run(&c, l.app, &before, NULL, &again));
    CHECK(again > loop_now_ms() && again <= loop_now_ms() + JOB_LEASE_MS);
    struct id now = content_of(file);
    CHECK(id_eq(now, before));
    loop_advance(JOB_LEASE_MS + 1);
    CHECK_OK(reseal_run(&c, l.app, &before, NULL, &again));
    bearer = loop_sign_in(&l, "anna@example.com", LOOP_PASSWORD, NULL);
    now = content_of(file);
    CHECK(!id_eq(now, before));
    readable(file);
    loop_close(&l);
}

/* The server stops: what was begun is given up at once, and done at the next look. */
TEST(reseal_halted)
{
    CLEANUP(ctx_done) struct ctx c;
    atomic_bool halt = true;
    int64_t again = 0;
    size_t n = 0;
    if (loop_missing()) return;
    begin();
    bearer = loop_user(&l, "anna@example.com", ROLE_USER);
    ctx_init(&c, LIMIT_JOB_ARENA_BYTES);
    const char *file = loop_upload(&l, bearer, "a.txt", slice_of(text, SIZE), 0);
    struct id before = content_of(file);
    CHECK_OK(reseal_run(&c, l.app, &before, &halt, &again));
    CHECK(again > 0 && again <= loop_now_ms());
    CHECK_OK(blob_list(&c, l.be.blobs, count_blob, &n));
    CHECK_U64(n, 1);
    halt = false;
    CHECK_OK(reseal_run(&c, l.app, &before, &halt, &again));
    struct id now = content_of(file);
    CHECK(!id_eq(now, before));
    readable(file);
    loop_close(&l);
}
