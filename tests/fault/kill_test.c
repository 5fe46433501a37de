/* Uploads, links, sessions and keys: the flows, and the checks that go with each. A flow notes what it was told only after it was told. */
#include <unistd.h>

#include "base/intmath.h"
#include "base/limits.h"
#include "core/key/key.h"
#include "core/user/user.h"
#include "fault/kill.h"
#include "fault/sys_fault.h"

#define PART (1 * MIB)

/* ---- an upload in parts ---- */

static const char *part_of(const struct acks *a, unsigned n) { return loop_text("/api/v1/uploads/%s/parts/%u", a->upload, n); }

static struct slice part_bytes(unsigned n) { return slice_sub(content_big(), n * (size_t)PART, (n + 1) * (size_t)PART); }

static void run_parts(struct loop *l, const struct template *t, struct acks *acks)
{
    ANSWER a = {0};
    NEED(l, &a, 201, .target = "/api/v1/uploads", .bearer = t->bearer,
         .json = loop_text("{\"name\":\"b\",\"size\":%llu,\"part_size\":%llu}", BIG_BYTES, PART));
    keep(acks->upload, sizeof acks->upload, loop_str(&a, "upload_id"));
    for (unsigned n = 0; n < 3; n++) {
        NEED(l, &a, 204, .method = "PUT", .target = part_of(acks, n), .bearer = t->bearer, .body = part_bytes(n),
             .piece = 512 * KIB);
        acks->parts++;
    }
    NEED(l, &a, 200, .target = loop_text("/api/v1/uploads/%s/complete", acks->upload), .bearer = t->bearer, .json = "{}");
    keep(acks->file, sizeof acks->file, loop_str(&a, "file.id"));
    run_on(l, t);
}

/* Goes on with the upload: what was acknowledged is not written again, but compared. */
static void check_parts(struct loop *l, const struct template *t, const struct acks *acks)
{
    ANSWER a = {0};
    check_file(l, t, acks->file, content_big());
    if (!acks->upload[0] || acks->file[0]) return;
    LOOP(l, &a, .target = loop_text("/api/v1/uploads/%s", acks->upload), .bearer = t->bearer);
    CHECK_STATUS(&a, 200);
    bool over = strcmp(loop_str(&a, "state"), "open") != 0;
    CHECK(acks->parts == 0 || (loop_num(&a, "received.0.0") == 0 && loop_num(&a, "received.0.1") >= (int)acks->parts - 1));
    for (unsigned n = 0; n < 3 && !over; n++) {
        LOOP(l, &a, .method = "PUT", .target = part_of(acks, n), .bearer = t->bearer, .body = part_bytes(n));
        CHECK_STATUS(&a, 204);
    }
    LOOP(l, &a, .target = loop_text("/api/v1/uploads/%s/complete", acks->upload), .bearer = t->bearer, .json = "{}");
    CHECK_STATUS(&a, 200);
    check_file(l, t, loop_str(&a, "file.id"), content_big());
}

/* ---- an upload that grows ---- */

#define STEP (700 * KIB)
#define SMALL_STEP 70001 /* the pieces of a part are so many that they are merged */

static void patch(struct loop *l, const struct template *t, const struct acks *a, uint64_t from, uint64_t to,
                  struct loop_answer *ret)
{
    struct loop_request r = {.method = "PATCH", .target = a->upload, .bearer = t->bearer, .type = "application/offset+octet-stream",
                             .body = slice_sub(content_big(), (size_t)from, (size_t)to), .piece = 256 * KIB,
                             .headers = {{SLICE("tus-resumable"), SLICE("1.0.0")},
                                         {SLICE("upload-offset"), slice_cstr(loop_text("%llu", (unsigned long long)from))}}};
    loop_next(l, &r, ret);
}

static uint64_t header_number(const struct loop_answer *a, const char *name)
{
    uint64_t v = 0;
    if (slice_u64(loop_header(a, name), INT64_MAX, &v) != ERR_OK) test_fail(__FILE__, __LINE__, "no %s: %d", name, a->status);
    return v;
}

static void grow(struct loop *l, const struct template *t, struct acks *acks, uint64_t step)
{
    ANSWER a = {0};
    NEED(l, &a, 201, .method = "POST", .target = "/tus", .bearer = t->bearer,
         .headers = {{SLICE("tus-resumable"), SLICE("1.0.0")},
                     {SLICE("upload-length"), slice_cstr(loop_text("%llu", (unsigned long long)BIG_BYTES))},
                     {SLICE("upload-metadata"), SLICE("filename Yg==")}});
    keep(acks->upload, sizeof acks->upload, loop_text(SLICE_FMT, SLICE_ARG(loop_header(&a, "location"))));
    for (uint64_t at = 0; at < BIG_BYTES; at = acks->told) {
        patch(l, t, acks, at, MIN(at + step, (uint64_t)BIG_BYTES), &a);
        /* After an error, which only a fault may cause, the client asks first. */
        if (a.status != 204 && !sys_fault_fired()) _exit(3);
        if (a.status != 204)
            NEED(l, &a, 200, .method = "HEAD", .target = acks->upload, .bearer = t->bearer,
                 .headers = {{SLICE("tus-resumable"), SLICE("1.0.0")}});
        uint64_t told = header_number(&a, "upload-offset");
        if (told < acks->told || test_failed()) _exit(3);
        acks->told = told;
    }
    keep(acks->file, sizeof acks->file, loop_text(SLICE_FMT, SLICE_ARG(loop_header(&a, "sealdrop-file-id"))));
    run_on(l, t);
}

static void run_growing(struct loop *l, const struct template *t, struct acks *acks) { grow(l, t, acks, STEP); }
static void run_small_steps(struct loop *l, const struct template *t, struct acks *acks) { grow(l, t, acks, SMALL_STEP); }

/* The offset is not behind what was told, and from there it goes on. */
static void check_growing(struct loop *l, const struct template *t, const struct acks *acks)
{
    ANSWER a = {0};
    check_file(l, t, acks->file, content_big());
    if (!acks->upload[0] || acks->file[0]) return;
    LOOP(l, &a, .method = "HEAD", .target = acks->upload, .bearer = t->bearer,
         .headers = {{SLICE("tus-resumable"), SLICE("1.0.0")}});
    CHECK_STATUS(&a, 200);
    uint64_t offset = header_number(&a, "upload-offset");
    CHECK(offset >= acks->told);
    if (offset < BIG_BYTES) patch(l, t, acks, offset, BIG_BYTES, &a);
    CHECK(a.status == 204 || a.status == 200);
    check_file(l, t, loop_text(SLICE_FMT, SLICE_ARG(loop_header(&a, "sealdrop-file-id"))), content_big());
}

/* ---- one request ---- */

/* Of a length that is not told: what was reserved too much is given back. */
static void run_one_shot(struct loop *l, const struct template *t, struct acks *acks)
{
    ANSWER a = {0};
    NEED(l, &a, 201, .method = "PUT", .target = "/api/v1/files/upload?name=o", .bearer = t->bearer,
         .body = content_one_shot(), .piece = 512 * KIB, .no_length = true);
    keep(acks->file, sizeof acks->file, loop_str(&a, "file.id"));
    run_on(l, t);
}

static void check_one_shot(struct loop *l, const struct template *t, const struct acks *acks)
{
    check_file(l, t, acks->file, content_one_shot());
}

/* ---- a request that is sent again ---- */

#define BEGUN_WAIT_MS (16 * 1000) /* so long whoever was killed may seem to be at it still */
#define SAME_REQUEST .target = "/api/v1/uploads", .json = "{\"name\":\"b\",\"size\":1000000}", \
                     .headers = {{SLICE("idempotency-key"), SLICE("the same one")}}

static void run_same(struct loop *l, const struct template *t, struct acks *acks)
{
    ANSWER a = {0};
    NEED(l, &a, 201, .bearer = t->bearer, SAME_REQUEST);
    keep(acks->upload, sizeof acks->upload, loop_str(&a, "upload_id"));
    run_on(l, t);
}

static void check_same(struct loop *l, const struct template *t, const struct acks *acks)
{
    ANSWER a = {0};
    loop_advance(BEGUN_WAIT_MS);
    LOOP(l, &a, .bearer = t->bearer, SAME_REQUEST);
    CHECK_STATUS(&a, 201);
    if (acks->upload[0]) CHECK_STR(&a, "upload_id", acks->upload);
}

/* ---- deletion, and the job after it ---- */

static void run_delete(struct loop *l, const struct template *t, struct acks *acks)
{
    ANSWER a = {0};
    NEED(l, &a, 204, .method = "DELETE", .target = loop_text("/api/v1/files/%s", t->lone), .bearer = t->bearer);
    acks->deleted = true;
    need_jobs(l);
}

static void check_delete(struct loop *l, const struct template *t, const struct acks *acks)
{
    ANSWER a = {0};
    if (!acks->deleted) return;
    LOOP(l, &a, .target = loop_text("/api/v1/files/%s/download", t->lone), .bearer = t->bearer);
    CHECK_STATUS(&a, 404);
}

/* ---- links ---- */

static void run_revoke(struct loop *l, const struct template *t, struct acks *acks)
{
    ANSWER a = {0};
    NEED(l, &a, 204, .method = "DELETE", .target = loop_text("/api/v1/transfers/%s/links/%s", t->transfer, t->link_id),
         .bearer = t->bearer);
    acks->revoked = true;
    NEED(l, &a, 204, .method = "DELETE", .target = loop_text("/api/v1/transfers/%s", t->transfer), .bearer = t->bearer);
}

static void check_revoke(struct loop *l, const struct template *t, const struct acks *acks)
{
    ANSWER a = {0};
    LOOP(l, &a, .target = loop_text("/api/v1/share/%s/download", t->link), .ticket = t->ticket);
    if (acks->revoked) CHECK_STATUS(&a, 410);
    CHECK(a.status == 410 || slice_eq(loop_body(&a), content_small()));
}

static void run_download(struct loop *l, const struct template *t, struct acks *acks)
{
    ANSWER a = {0};
    for (int i = 0; i < 2; i++) {
        NEED(l, &a, 200, .target = loop_text("/api/v1/share/%s/verify", t->link), .json = "{\"password\":\"" KILL_PASSWORD "\"}");
        NEED(l, &a, 200, .target = loop_text("/api/v1/share/%s/download", t->link), .ticket = loop_str(&a, "ticket"));
        acks->downloads++;
    }
}

/* Every download that was counted is still counted when all grants have run out. */
static void check_download(struct loop *l, const struct template *t, const struct acks *acks)
{
    ANSWER a = {0};
    loop_advance(LIMIT_GRANT_MS + 1000);
    loop_jobs(l);
    const char *bearer = loop_sign_in(l, STORY_EMAIL, LOOP_PASSWORD, NULL);
    CHECK_FINE();
    LOOP(l, &a, .target = loop_text("/api/v1/transfers/%s/links", t->transfer), .bearer = bearer);
    CHECK_STATUS(&a, 200);
    CHECK(loop_num(&a, "items.0.downloads") >= (int64_t)acks->downloads);
    CHECK(loop_num(&a, "items.0.downloads") <= (int64_t)acks->downloads + 1);
}

static void run_guess(struct loop *l, const struct template *t, struct acks *acks)
{
    ANSWER a = {0};
    for (unsigned i = 0; i < LIMIT_LINK_ATTEMPTS; i++) {
        NEED(l, &a, 401, .target = loop_text("/api/v1/share/%s/verify", t->link), .json = "{\"password\":\"no\"}");
        acks->guesses++;
    }
}

/* The guesses that are left are no more than before. */
static void check_guess(struct loop *l, const struct template *t, const struct acks *acks)
{
    ANSWER a = {0};
    unsigned more = 0;
    for (; more <= LIMIT_LINK_ATTEMPTS; more++) {
        LOOP(l, &a, .target = loop_text("/api/v1/share/%s/verify", t->link), .json = "{\"password\":\"no\"}");
        if (a.status == 423) break;
        CHECK_STATUS(&a, 401);
    }
    CHECK(acks->guesses + more <= LIMIT_LINK_ATTEMPTS);
}

/* ---- sessions ---- */

static const char *refresh_json(const char *token) { return loop_text("{\"refresh_token\":\"%s\"}", token); }

static void run_refresh(struct loop *l, const struct template *t, struct acks *acks)
{
    ANSWER a = {0};
    const char *token = t->refresh;
    for (unsigned i = 0; i < 2; i++) {
        NEED(l, &a, 200, .target = "/api/v1/auth/refresh", .json = refresh_json(token));
        token = loop_str(&a, "refresh_token");
        keep(acks->refresh[i], sizeof acks->refresh[i], token);
        acks->refreshed++;
    }
}

/* The newest token is good; the one before it, used again too late, ends the session. */
static void check_refresh(struct loop *l, const struct template *t, const struct acks *acks)
{
    ANSWER a = {0};
    const char *newest = acks->refreshed ? acks->refresh[acks->refreshed - 1] : t->refresh;
    const char *older = acks->refreshed > 1 ? acks->refresh[0] : t->refresh;
    LOOP(l, &a, .target = "/api/v1/auth/refresh", .json = refresh_json(newest));
    CHECK_STATUS(&a, 200);
    if (!acks->refreshed) return;
    loop_advance(LIMIT_REFRESH_RETRY_MS + 1000);
    LOOP(l, &a, .target = "/api/v1/auth/refresh", .json = refresh_json(older));
    CHECK_STATUS(&a, 401);
    LOOP(l, &a, .target = "/api/v1/auth/refresh", .json = refresh_json(newest));
    CHECK_STATUS(&a, 401);
}

/* ---- keys ---- */

static void run_rotate(struct loop *l, const struct template *t, struct acks *acks)
{
    CLEANUP(ctx_done) struct ctx c;
    struct id kek;
    (void)t;
    ctx_init(&c, LIMIT_JOB_ARENA_BYTES);
    if (key_rotate(&c, l->app, &kek) != ERR_OK) _exit(3);
    acks->kek = kek;
    acks->rotated = true;
    for (int i = 0; i < 3; i++) {
        loop_advance(2 * 60 * 1000);
        need_jobs(l);
    }
}

static void check_rotate(struct loop *l, const struct template *t, const struct acks *acks)
{
    CLEANUP(ctx_done) struct ctx c;
    struct kek_row *rows = NULL;
    size_t n = 0;
    (void)t;
    ctx_init(&c, LIMIT_JOB_ARENA_BYTES);
    CHECK_OK(key_list(&c, l->app, &rows, &n));
    CHECK(n >= 1 && slice_eq(rows[0].state, SLICE("active")));
    if (acks->rotated) CHECK(id_eq(rows[0].id, acks->kek));
}

/* ---- the first start ---- */

static void run_first(struct loop *l, const struct template *t, struct acks *acks)
{
    (void)t;
    loop_user(l, "first@example.com", ROLE_ADMIN);
    if (test_failed()) _exit(3);
    acks->made_user = true;
    loop_user(l, "second@example.com", ROLE_USER);
}

static void check_first(struct loop *l, const struct template *t, const struct acks *acks)
{
    (void)t;
    if (acks->made_user) loop_sign_in(l, "first@example.com", LOOP_PASSWORD, NULL);
}

#define FLOW(...) kill_go_through(&(const struct flow){__VA_ARGS__})
TEST(kill_upload_in_parts) { FLOW("upload in parts", .again = true, .run = run_parts, .check = check_parts); }
TEST(kill_growing_upload) { FLOW("growing upload", .again = true, .run = run_growing, .check = check_growing); }
TEST(kill_upload_of_small_bodies) { FLOW("small bodies", .again = true, .run = run_small_steps, .check = check_growing); }
TEST(kill_one_shot_upload) { FLOW("one-shot upload", .again = true, .run = run_one_shot, .check = check_one_shot); }
TEST(kill_request_sent_again) { FLOW("a request sent again", .run = run_same, .check = check_same); }
TEST(kill_deletion) { FLOW("deletion", .run = run_delete, .check = check_delete); }
TEST(kill_revocation) { FLOW("revocation", .again = true, .run = run_revoke, .check = check_revoke); }
TEST(kill_counted_downloads) { FLOW("counted downloads", .run = run_download, .check = check_download); }
TEST(kill_guesses) { FLOW("guesses", .run = run_guess, .check = check_guess); }
TEST(kill_refresh_tokens) { FLOW("refresh tokens", .again = true, .run = run_refresh, .check = check_refresh); }
TEST(kill_key_rotation) { FLOW("key rotation", .run = run_rotate, .check = check_rotate); }
TEST(kill_first_start) { FLOW("first start", .fresh = true, .run = run_first, .check = check_first); }
