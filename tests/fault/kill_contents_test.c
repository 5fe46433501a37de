/* Versions, shared contents, sealing anew, the trash, joined uploads: whoever is killed when, every byte that somebody holds is there, and
 * none that nobody holds. A flow notes what it was told only after it was told. */
#include <unistd.h>

#include "base/intmath.h"
#include "base/limits.h"
#include "core/content/reseal.h"
#include "core/job/job.h"
#include "fault/kill.h"
#include "fault/sys_fault.h"

#define FILES "/api/v1/files"
#define VERSIONS_MAX 3

static const char *of_file(const char *file, const char *rest) { return loop_text(FILES "/%s%s", file, rest); }

/* The work of whoever was killed is done by others when the leases are over. */
static const char *leases_end(struct loop *l)
{
    loop_advance(JOB_LEASE_MS + 1000);
    loop_jobs(l);
    return loop_sign_in(l, STORY_EMAIL, LOOP_PASSWORD, NULL);
}

/* ---- versions ---- */

static void few_versions(struct app_config *cfg) { cfg->versions_max = VERSIONS_MAX; }

static void add_version(struct loop *l, const struct template *t, struct acks *acks, struct slice content)
{
    ANSWER a = {0};
    acks->next_bytes = content.len;
    NEED(l, &a, 201, .method = "PUT", .target = loop_text(FILES "/upload?version_of=%s", t->lone), .bearer = t->bearer, .body = content,
         .piece = 512 * KIB);
    acks->now_bytes = content.len;
}

/* Number of the oldest version of this size. */
static int64_t version_sized(struct loop *l, const struct template *t, uint64_t size)
{
    ANSWER a = {0};
    int64_t found = 0;
    NEED(l, &a, 200, .target = of_file(t->lone, "/versions"), .bearer = t->bearer);
    for (size_t i = 0; i < loop_count(&a, "items"); i++)
        if ((uint64_t)loop_num(&a, loop_text("items.%zu.size", i)) == size) found = loop_num(&a, loop_text("items.%zu.version", i));
    return found;
}

static void run_versions(struct loop *l, const struct template *t, struct acks *acks)
{
    ANSWER a = {0};
    acks->now_bytes = SMALL_BYTES;
    add_version(l, t, acks, content_one_shot());
    add_version(l, t, acks, content_text());
    acks->next_bytes = ONE_SHOT_BYTES;
    NEED(l, &a, 200, .method = "POST", .bearer = t->bearer,
         .target = of_file(t->lone, loop_text("/versions/%lld/restore", (long long)version_sized(l, t, ONE_SHOT_BYTES))));
    acks->now_bytes = ONE_SHOT_BYTES;
    int64_t gone = version_sized(l, t, ONE_SHOT_BYTES);
    NEED(l, &a, 204, .method = "DELETE", .bearer = t->bearer,
         .target = of_file(t->lone, loop_text("/versions/%lld", (long long)gone)));
    acks->gone = gone;
    add_version(l, t, acks, content_big());
    add_version(l, t, acks, content_small());
    need_jobs(l);
    run_on(l, t);
}

static void check_versions(struct loop *l, const struct template *t, const struct acks *acks)
{
    ANSWER a = {0};
    LOOP(l, &a, .target = of_file(t->lone, ""), .bearer = t->bearer);
    CHECK_STATUS(&a, 200);
    uint64_t size = (uint64_t)loop_num(&a, "file.size");
    CHECK(size == SMALL_BYTES || size == acks->now_bytes || size == acks->next_bytes);
    if (acks->now_bytes) CHECK(size == acks->now_bytes || size == acks->next_bytes);
    check_file(l, t, t->lone, content_sized(size));
    LOOP(l, &a, .target = of_file(t->lone, "/versions"), .bearer = t->bearer);
    CHECK_STATUS(&a, 200);
    CHECK(loop_count(&a, "items") >= 1 && loop_count(&a, "items") <= VERSIONS_MAX);
    for (size_t i = 0; i < loop_count(&a, "items"); i++) {
        int64_t version = loop_num(&a, loop_text("items.%zu.version", i));
        struct slice want = content_sized((uint64_t)loop_num(&a, loop_text("items.%zu.size", i)));
        ANSWER one = {0};
        CHECK(acks->gone == 0 || version != acks->gone);
        LOOP(l, &one, .target = of_file(t->lone, loop_text("/download?version=%lld", (long long)version)), .bearer = t->bearer);
        CHECK_STATUS(&one, 200);
        CHECK(slice_eq(loop_body(&one), want));
    }
}

TEST(kill_versions)
{
    kill_go_through(&(struct flow){"versions", .again = true, .configure = few_versions, .run = run_versions, .check = check_versions});
}

/* ---- two files with one content ---- */

static void equal_ones(struct app_config *cfg) { cfg->dedupe = true; }

static void put_text(struct loop *l, const struct template *t, const char *name, char *ret, size_t cap)
{
    ANSWER a = {0};
    NEED(l, &a, 201, .method = "PUT", .target = loop_text(FILES "/upload?name=%s", name), .bearer = t->bearer, .body = content_text());
    keep(ret, cap, loop_str(&a, "file.id"));
}

static const char *content_id(struct loop *l, const struct template *t, const char *file)
{
    ANSWER a = {0};
    NEED(l, &a, 200, .target = of_file(file, ""), .bearer = t->bearer);
    return loop_str(&a, "file.content_id");
}

static void run_shared(struct loop *l, const struct template *t, struct acks *acks)
{
    ANSWER a = {0};
    put_text(l, t, "t1.txt", acks->file, sizeof acks->file);
    put_text(l, t, "t2.txt", acks->twin, sizeof acks->twin);
    need_jobs(l);
    if (!sys_fault_fired() && strcmp(content_id(l, t, acks->file), content_id(l, t, acks->twin)) != 0) _exit(3);
    acks->deleting = true;
    NEED(l, &a, 204, .method = "DELETE", .target = of_file(acks->file, ""), .bearer = t->bearer);
    acks->deleted = true;
    need_jobs(l);
    NEED(l, &a, 200, .target = of_file(acks->twin, "/download"), .bearer = t->bearer);
    if (!slice_eq(loop_body(&a), content_text())) _exit(3);
    acks->twin_deleting = true;
    NEED(l, &a, 204, .method = "DELETE", .target = of_file(acks->twin, ""), .bearer = t->bearer);
    acks->twin_deleted = true;
    need_jobs(l);
    run_on(l, t);
}

static void check_one(struct loop *l, const struct template *t, const char *file, bool deleting, bool deleted)
{
    ANSWER a = {0};
    if (!file[0]) return;
    LOOP(l, &a, .target = of_file(file, "/download"), .bearer = t->bearer);
    if (deleted) CHECK_STATUS(&a, 404);
    if (!deleting) CHECK_STATUS(&a, 200);
    CHECK(a.status == 404 || slice_eq(loop_body(&a), content_text()));
}

static void check_shared(struct loop *l, const struct template *t, const struct acks *acks)
{
    struct template now = *t;
    check_one(l, t, acks->file, acks->deleting, acks->deleted);
    check_one(l, t, acks->twin, acks->twin_deleting, acks->twin_deleted);
    now.bearer = leases_end(l);
    CHECK_FINE();
    check_one(l, &now, acks->file, acks->deleting, acks->deleted);
    check_one(l, &now, acks->twin, acks->twin_deleting, acks->twin_deleted);
}

TEST(kill_shared_contents)
{
    kill_go_through(&(struct flow){"shared contents", .configure = equal_ones, .run = run_shared, .check = check_shared});
}

/* ---- sealing anew ---- */

static void all_of_it(struct app_config *cfg) { cfg->compress = cfg->dedupe = true; }

/* Somebody reads it from before the change until after it. */
static void run_reseal(struct loop *l, const struct template *t, struct acks *acks)
{
    ANSWER a = {0};
    put_text(l, t, "t.txt", acks->file, sizeof acks->file);
    need_jobs(l);
    NEED(l, &a, 202, .method = "POST", .target = of_file(t->file, "/encrypt"), .bearer = t->bearer);
    acks->sealed = true;
    NEED(l, &a, 202, .method = "POST", .target = of_file(acks->file, "/encrypt"), .bearer = t->bearer);
    acks->rotated = true;
    ANSWER old = {0};
    struct loop_exchange *x = loop_begin(l, &(struct loop_request){.target = of_file(acks->file, "/download"), .bearer = t->bearer});
    loop_finish(x, &old);
    if (old.status != 200 || !loop_take(x, &old, 100000)) _exit(3);
    need_jobs(l);
    while (loop_take(x, &old, 100000)) continue;
    loop_end(x, &old, true);
    if (!slice_eq(loop_body(&old), content_text())) _exit(3);
    NEED(l, &a, 200, .target = of_file(acks->file, "/download"), .bearer = t->bearer);
    if (!slice_eq(loop_body(&a), content_text())) _exit(3);
    run_on(l, t);
}

/* What was promised is done, by whoever comes after the one that was killed; and it is recorded. */
static void check_sealed(struct loop *l, const struct template *t, const char *file, const char *before)
{
    ANSWER a = {0};
    LOOP(l, &a, .target = of_file(file, ""), .bearer = t->bearer);
    CHECK_STATUS(&a, 200);
    CHECK(loop_is_null(&a, "file.processing"));
    CHECK(!before || strcmp(loop_str(&a, "file.content_id"), before) != 0);
}

static void check_reseal(struct loop *l, const struct template *t, const struct acks *acks)
{
    struct template now = *t;
    check_file(l, t, acks->file, content_text());
    check_file(l, t, t->file, content_small());
    now.bearer = leases_end(l);
    CHECK_FINE();
    check_file(l, &now, acks->file, content_text());
    check_file(l, &now, t->file, content_small());
    CHECK_FINE();
    if (acks->sealed) check_sealed(l, &now, t->file, t->file_content);
    if (acks->rotated) check_sealed(l, &now, acks->file, NULL);
}

TEST(kill_sealing_anew)
{
    kill_go_through(&(struct flow){"sealing anew", .configure = all_of_it, .run = run_reseal, .check = check_reseal});
}

/* ---- the trash ---- */

#define TRASH_MS (5 * 60 * 1000)

static void short_trash(struct app_config *cfg) { cfg->trash_ms = TRASH_MS; }

static void run_trash(struct loop *l, const struct template *t, struct acks *acks)
{
    ANSWER a = {0};
    NEED(l, &a, 204, .method = "DELETE", .target = of_file(t->lone, "?purge=false"), .bearer = t->bearer);
    acks->trashed = true;
    NEED(l, &a, 204, .method = "DELETE", .target = of_file(t->file, "?purge=false"), .bearer = t->bearer);
    NEED(l, &a, 200, .method = "POST", .target = of_file(t->file, "/restore"), .bearer = t->bearer);
    acks->restored = true;
    acks->purging = true;
    loop_advance(TRASH_MS + 60 * 1000);
    need_jobs(l);
    loop_advance(60 * 1000);
    need_jobs(l);
    run_on(l, t);
}

static void check_trash(struct loop *l, const struct template *t, const struct acks *acks)
{
    ANSWER a = {0};
    LOOP(l, &a, .target = of_file(t->lone, ""), .bearer = t->bearer);
    CHECK(a.status == 200 || (a.status == 404 && acks->purging));
    if (a.status == 200 && acks->trashed) CHECK_STR(&a, "file.state", "trashed");
    if (acks->restored) check_file(l, t, t->file, content_small());
    CHECK_FINE();
    /* By the clock; whoever was killed at it had it leased. */
    loop_advance(2 * TRASH_MS + JOB_LEASE_MS);
    loop_jobs(l);
    const char *bearer = loop_sign_in(l, STORY_EMAIL, LOOP_PASSWORD, NULL);
    LOOP(l, &a, .target = of_file(t->lone, ""), .bearer = bearer);
    if (acks->trashed) CHECK_STATUS(&a, 404);
}

TEST(kill_trash)
{
    kill_go_through(&(struct flow){"trash", .configure = short_trash, .run = run_trash, .check = check_trash});
}

/* ---- uploads made of others ---- */

#define BORDER 900001u /* not that of a part */
#define TUS {SLICE("tus-resumable"), SLICE("1.0.0")}

static const char *place_of(const struct loop_answer *a)
{
    return loop_text(SLICE_FMT, SLICE_ARG(loop_header(a, "location")));
}

static void run_join(struct loop *l, const struct template *t, struct acks *acks)
{
    ANSWER a = {0};
    for (unsigned i = 0; i < 2; i++) {
        struct slice bytes = i ? slice_sub(content_big(), BORDER, BIG_BYTES) : slice_sub(content_big(), 0, BORDER);
        NEED(l, &a, 201, .method = "POST", .target = "/tus", .bearer = t->bearer, .type = "application/offset+octet-stream", .body = bytes,
             .headers = {TUS, {SLICE("upload-length"), slice_cstr(loop_text("%zu", bytes.len))},
                         {SLICE("upload-concat"), SLICE("partial")}});
        keep(acks->partial[i], sizeof acks->partial[i], place_of(&a));
    }
    const char *concat = loop_text("final;%s %s", acks->partial[0], acks->partial[1]);
    NEED(l, &a, 201, .method = "POST", .target = "/tus", .bearer = t->bearer,
         .headers = {TUS, {SLICE("upload-concat"), slice_cstr(concat)}, {SLICE("upload-metadata"), SLICE("filename Yg==")}});
    keep(acks->upload, sizeof acks->upload, place_of(&a));
    keep(acks->file, sizeof acks->file, loop_text(SLICE_FMT, SLICE_ARG(loop_header(&a, "sealdrop-file-id"))));
    /* Before there is a whole it would end that, too. */
    if (acks->file[0]) NEED(l, &a, 204, .method = "DELETE", .target = acks->partial[0], .bearer = t->bearer, .headers = {TUS});
    need_jobs(l);
    run_on(l, t);
}

/* A partial upload that was told whole stays whole, and what was told to be made of two is made. */
static void check_join(struct loop *l, const struct template *t, const struct acks *acks)
{
    ANSWER a = {0};
    check_file(l, t, acks->file, content_big());
    if (!acks->upload[0]) {
        for (unsigned i = 0; i < 2 && acks->partial[i][0]; i++) {
            LOOP(l, &a, .method = "HEAD", .target = acks->partial[i], .bearer = t->bearer, .headers = {TUS});
            CHECK_STATUS(&a, 200);
            struct slice want = slice_cstr(loop_text("%llu", i ? BIG_BYTES - BORDER : (unsigned long long)BORDER));
            CHECK_SLICE(loop_header(&a, "upload-offset"), want);
        }
        return;
    }
    struct template now = *t;
    now.bearer = leases_end(l);
    LOOP(l, &a, .method = "HEAD", .target = acks->upload, .bearer = now.bearer, .headers = {TUS});
    CHECK_STATUS(&a, 200);
    const char *file = loop_text(SLICE_FMT, SLICE_ARG(loop_header(&a, "sealdrop-file-id")));
    CHECK(file[0]);
    check_file(l, &now, file, content_big());
}

TEST(kill_joined_upload)
{
    kill_go_through(&(struct flow){"joined upload", .again = true, .run = run_join, .check = check_join});
}
