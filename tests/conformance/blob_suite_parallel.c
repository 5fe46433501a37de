/* The blob suite with threads: parts of one blob at once, several writers of one part, commits and aborts in between. */
#include <stdatomic.h>

#include "base/intmath.h"
#include "base/limits.h"
#include "blob_suite.h"
#include "lib/test.h"
#include "os/thread.h"

#define THREADS 8
#define PART_BYTES 50000

struct job {
    struct blob_store *s;
    struct blob_key key;
    struct blob_ref ref;
    unsigned nr;
    struct blob_tag tags[THREADS];
    enum err e;
    unsigned rounds, won;
};

static bool run_all(struct job *jobs, unsigned n, void (*fn)(void *))
{
    struct thread t[THREADS] = {0};
    bool ok = true;
    for (unsigned i = 0; i < n; i++) ok = ok && thread_start(&t[i], "blob-test", fn, &jobs[i]) == ERR_OK;
    for (unsigned i = 0; i < n; i++) thread_join(&t[i]);
    return ok;
}

static void write_own_parts(void *arg)
{
    struct job *j = arg;
    struct ctx c;
    ctx_init(&c, 1 * MIB);
    for (unsigned i = 0; i < THREADS && j->e == ERR_OK; i++) {
        uint32_t number = i * THREADS + j->nr;
        struct piece p = {number, (uint64_t)number * PART_BYTES, PART_BYTES, 7};
        j->e = piece_store(&c, j->s, j->key, &j->ref, &p, i % 2 ? BLOB_LATER : BLOB_DURABLE, &j->tags[i]);
    }
    ctx_done(&c);
}

TEST(eight_threads_write_one_blob)
{
    CLEANUP(rig_done) struct rig r = {0};
    static struct job jobs[THREADS];
    struct blob_tag tags[THREADS * THREADS];
    struct blob_key key = key_new();
    struct blob_ref ref;
    CHECK(rig_open(&r));
    CHECK_OK(blob_begin(&r.c, r.s, key, &ref));
    for (unsigned i = 0; i < THREADS; i++) jobs[i] = (struct job){.s = r.s, .key = key, .ref = ref, .nr = i};
    CHECK(run_all(jobs, THREADS, write_own_parts));
    for (unsigned i = 0; i < THREADS; i++) {
        CHECK_OK(jobs[i].e);
        for (unsigned k = 0; k < THREADS; k++) tags[k * THREADS + i] = jobs[i].tags[k];
    }
    CHECK_OK(blob_commit(&r.c, r.s, key, &ref, tags, ARRAY_LEN(tags), (uint64_t)PART_BYTES * ARRAY_LEN(tags)));
    CHECK(blob_holds(&r.c, r.s, key, (size_t)PART_BYTES * ARRAY_LEN(tags), 7));
}

/* All write the same part, each with content of its own. */
static void fight(void *arg)
{
    struct job *j = arg;
    struct piece p = {0, 0, PART_BYTES, j->nr};
    struct ctx c;
    ctx_init(&c, 1 * MIB);
    for (unsigned i = 0; i < j->rounds && (j->e == ERR_OK || j->e == ERR_CANCELLED); i++) {
        j->e = piece_store(&c, j->s, j->key, &j->ref, &p, i % 2 ? BLOB_LATER : BLOB_DURABLE, &j->tags[0]);
        if (j->e == ERR_OK) j->won++;
        ctx_clear_error(&c);
    }
    ctx_done(&c);
}

TEST(writers_of_one_part_never_mix)
{
    CLEANUP(rig_done) struct rig r = {0};
    static struct job jobs[THREADS];
    CHECK(rig_open(&r));
    for (unsigned round = 0; round < 10; round++) {
        struct blob_key key = key_new();
        struct blob_ref ref;
        unsigned whole = 0, cancelled = 0;
        CHECK_OK(blob_begin(&r.c, r.s, key, &ref));
        for (unsigned i = 0; i < THREADS; i++)
            jobs[i] = (struct job){.s = r.s, .key = key, .ref = ref, .nr = i, .rounds = 5};
        CHECK(run_all(jobs, THREADS, fight));
        const struct blob_tag *tag = NULL;
        for (unsigned i = 0; i < THREADS; i++) {
            CHECK(jobs[i].e == ERR_OK || jobs[i].e == ERR_CANCELLED);
            if (jobs[i].e == ERR_OK) tag = &jobs[i].tags[0];
            cancelled += jobs[i].e == ERR_CANCELLED;
        }
        CHECK(tag && cancelled < THREADS);
        CHECK_OK(blob_commit(&r.c, r.s, key, &ref, tag, 1, PART_BYTES));
        for (unsigned i = 0; i < THREADS; i++)
            if (blob_holds(&r.c, r.s, key, PART_BYTES, i)) {
                /* Whoever's bytes stand was told so. */
                CHECK(jobs[i].won > 0 && jobs[i].e == ERR_OK);
                whole++;
            }
        CHECK_U64(whole, 1);
    }
}

/* Begins, writes, commits and aborts under one key, over and over. */
static void churn(void *arg)
{
    struct job *j = arg;
    struct ctx c;
    ctx_init(&c, 1 * MIB);
    for (unsigned i = 0; i < 40; i++) {
        struct piece p = {0, 0, 5000, 1};
        struct blob_tag tag;
        err_ignore(blob_begin(&c, j->s, j->key, &j->ref), "a rival may have committed");
        if (i % 7 == 6) err_ignore(blob_abort(&c, j->s, j->key, &j->ref), "only the races matter");
        enum err e = piece_store(&c, j->s, j->key, &j->ref, &p, i % 3 ? BLOB_LATER : BLOB_DURABLE, &tag);
        if (e == ERR_OK) e = blob_commit(&c, j->s, j->key, &j->ref, &tag, 1, 5000);
        bool fair = e == ERR_OK || e == ERR_CANCELLED || e == ERR_NOT_FOUND || e == ERR_CORRUPT;
        if (!fair) j->e = e;
        /* Committed blobs never change and are never half there. */
        if (blob_verify(&c, j->s, j->key, 5000, 1) == ERR_CORRUPT) j->e = ERR_CORRUPT;
        if (j->nr == 0) err_ignore(blob_remove(&c, j->s, j->key, BLOB_UNLINK), "only the races matter");
        ctx_clear_error(&c);
    }
    ctx_done(&c);
}

TEST(begin_write_commit_abort_remove_in_a_tangle)
{
    CLEANUP(rig_done) struct rig r = {0};
    static struct job jobs[4];
    struct blob_key key = key_new();
    CHECK(rig_open(&r));
    for (unsigned i = 0; i < 4; i++) jobs[i] = (struct job){.s = r.s, .key = key, .nr = i};
    CHECK(run_all(jobs, 4, churn));
    for (unsigned i = 0; i < 4; i++) CHECK_OK(jobs[i].e);
    CHECK_OK(blob_abort(&r.c, r.s, key, &(struct blob_ref){0}));
    CHECK_OK(blob_remove(&r.c, r.s, key, BLOB_UNLINK));
    CHECK_OK(blob_store_whole(&r.c, r.s, key, 100, 10, 3));
}
