/* Versions of files: uploading, restoring and deleting them, who may, what they cost, what happens at the same time. */
#include "base/limits.h"
#include "integration/loopback.h"
#include "os/thread.h"

#define FILES "/api/v1/files"
#define UPLOADS "/api/v1/uploads"
#define SIZE_A 200000
#define SIZE_B 70000
#define SIZE_C 1

static char bytes_a[SIZE_A], bytes_b[SIZE_B];
static const struct slice content_a = {bytes_a, SIZE_A}, content_b = {bytes_b, SIZE_B}, content_c = {"c", SIZE_C};

static const char *begin(struct loop *l)
{
    loop_pattern(bytes_a, sizeof bytes_a, 3);
    loop_pattern(bytes_b, sizeof bytes_b, 4);
    loop_open(l);
    return loop_user(l, "anna@example.com", ROLE_USER);
}

static void reopen_with(struct loop *l, uint64_t versions_max, int64_t max_age_ms)
{
    l->cfg.versions_max = versions_max;
    l->cfg.versions_max_age_ms = max_age_ms;
    loop_reopen(l);
}

static int64_t used(struct loop *l, const char *bearer)
{
    ANSWER a = {0};
    LOOP(l, &a, .target = "/api/v1/me", .bearer = bearer);
    return loop_num(&a, "user.used_bytes");
}

static size_t versions(struct loop *l, const char *bearer, const char *file)
{
    ANSWER a = {0};
    LOOP(l, &a, .target = loop_text(FILES "/%s/versions", file), .bearer = bearer);
    return a.status == 200 ? loop_count(&a, "items") : 0;
}

static void check_version(struct loop *l, const char *bearer, const char *file, int version, struct slice want)
{
    ANSWER a = {0};
    LOOP(l, &a, .target = loop_text(FILES "/%s/download?version=%d", file, version), .bearer = bearer);
    CHECK_STATUS(&a, 200);
    CHECK_SLICE(loop_body(&a), want);
}

static void check_now(struct loop *l, const char *bearer, const char *file, struct slice want)
{
    ANSWER a = {0};
    LOOP(l, &a, .target = loop_text(FILES "/%s/download", file), .bearer = bearer);
    CHECK_STATUS(&a, 200);
    CHECK_SLICE(loop_body(&a), want);
}

/* An upload in parts that has all its bytes, but is not complete. */
static const char *ready_upload(struct loop *l, const char *bearer, const char *file, struct slice content)
{
    ANSWER a = {0};
    LOOP(l, &a, .target = UPLOADS, .bearer = bearer,
         .json = loop_text("{\"version_of\":\"%s\",\"size\":%zu,\"part_size\":1048576}", file, content.len));
    if (a.status != 201 || strcmp(loop_str(&a, "file_id"), file) != 0) test_fail(__FILE__, __LINE__, "%s", loop_shown(&a));
    const char *id = loop_str(&a, "upload_id");
    LOOP(l, &a, .method = "PUT", .target = loop_text(UPLOADS "/%s/parts/0", id), .bearer = bearer, .body = content);
    if (a.status != 204) test_fail(__FILE__, __LINE__, "%s", loop_shown(&a));
    return id;
}

static void complete(struct loop *l, const char *bearer, const char *upload, struct loop_answer *a)
{
    LOOP(l, a, .target = loop_text(UPLOADS "/%s/complete", upload), .bearer = bearer, .json = "{}");
}

/* Page by page, while one is deleted and one is made: those that were there come once, in order. */
TEST(versions_come_in_pages)
{
    struct loop l;
    ANSWER a = {0};
    if (loop_missing()) return;
    const char *bearer = begin(&l), *file = loop_file(&l, bearer, "plan.txt", content_c);
    for (unsigned i = 2; i <= 7; i++) CHECK_U64(loop_version(&l, bearer, file, slice_of(bytes_b, i)), i);
    LOOP(&l, &a, .target = loop_text(FILES "/%s/versions?limit=3", file), .bearer = bearer);
    CHECK_U64(loop_count(&a, "items"), 3);
    CHECK_U64(loop_num(&a, "items.2.version"), 5);
    const char *cursor = loop_str(&a, "next_cursor");
    LOOP(&l, &a, .method = "DELETE", .target = loop_text(FILES "/%s/versions/4", file), .bearer = bearer);
    CHECK_STATUS(&a, 204);
    CHECK_U64(loop_version(&l, bearer, file, content_a), 8);
    LOOP(&l, &a, .target = loop_text(FILES "/%s/versions?limit=2&cursor=%s", file, cursor), .bearer = bearer);
    CHECK_U64(loop_count(&a, "items"), 2);
    CHECK_U64(loop_num(&a, "items.0.version"), 3);
    CHECK_U64(loop_num(&a, "items.1.version"), 2);
    /* The last page is full, and says that it is the last. */
    LOOP(&l, &a, .target = loop_text(FILES "/%s/versions?limit=1&cursor=%s", file, loop_str(&a, "next_cursor")), .bearer = bearer);
    CHECK_U64(loop_count(&a, "items"), 1);
    CHECK_U64(loop_num(&a, "items.0.version"), 1);
    CHECK(loop_is_null(&a, "next_cursor"));
    static const char *const bad[] = {"limit=0", "limit=201", "cursor=!", "cursor=AAAA"};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        LOOP(&l, &a, .target = loop_text(FILES "/%s/versions?%s", file, bad[i]), .bearer = bearer);
        CHECK_STATUS(&a, 400);
    }
    /* A cursor of another list is refused. */
    loop_file(&l, bearer, "other", content_c);
    LOOP(&l, &a, .target = FILES "?limit=1&sort=name", .bearer = bearer);
    LOOP(&l, &a, .target = loop_text(FILES "/%s/versions?cursor=%s", file, loop_str(&a, "next_cursor")), .bearer = bearer);
    CHECK_STATUS(&a, 400);
    CHECK_STR(&a, "errors.0.field", "cursor");
    loop_close(&l);
}

TEST(versions_from_upload_to_the_last_byte)
{
    struct loop l;
    ANSWER a = {0};
    if (loop_missing()) return;
    const char *bearer = begin(&l), *file = loop_file(&l, bearer, "plan.txt", content_a);
    const char *upload = ready_upload(&l, bearer, file, content_b);
    check_now(&l, bearer, file, content_a);
    complete(&l, bearer, upload, &a);
    CHECK_STATUS(&a, 200);
    CHECK_STR(&a, "file.id", file);
    CHECK_STR(&a, "file.name", "plan.txt");
    CHECK_U64(loop_num(&a, "file.version"), 2);
    CHECK_U64(loop_num(&a, "file.size"), SIZE_B);
    /* Completing once more makes no third one. */
    complete(&l, bearer, upload, &a);
    CHECK_STATUS(&a, 200);
    CHECK_U64(loop_num(&a, "file.version"), 2);
    CHECK_U64(loop_version(&l, bearer, file, content_c), 3);
    CHECK_U64(used(&l, bearer), SIZE_A + SIZE_B + SIZE_C);
    check_now(&l, bearer, file, content_c);
    check_version(&l, bearer, file, 1, content_a);
    check_version(&l, bearer, file, 2, content_b);
    check_version(&l, bearer, file, 3, content_c);
    LOOP(&l, &a, .target = loop_text(FILES "/%s/versions", file), .bearer = bearer);
    CHECK_STATUS(&a, 200);
    CHECK_U64(loop_count(&a, "items"), 3);
    CHECK_U64(loop_num(&a, "items.0.version"), 3);
    CHECK(loop_is_null(&a, "items.0.replaced_at") && !loop_is_null(&a, "items.1.replaced_at"));
    CHECK_U64(loop_num(&a, "items.2.size"), SIZE_A);
    const char *first = loop_str(&a, "items.2.content_id");
    /* Restoring shares the content; the quota holds it once more. */
    LOOP(&l, &a, .method = "POST", .target = loop_text(FILES "/%s/versions/1/restore", file), .bearer = bearer);
    CHECK_STATUS(&a, 200);
    CHECK_U64(loop_num(&a, "file.version"), 4);
    CHECK_STR(&a, "file.content_id", first);
    CHECK_U64(used(&l, bearer), 2 * SIZE_A + SIZE_B + SIZE_C);
    CHECK_U64(loop_blobs(&l), 3);
    /* The newest is restored already. */
    LOOP(&l, &a, .method = "POST", .target = loop_text(FILES "/%s/versions/4/restore", file), .bearer = bearer);
    CHECK_STATUS(&a, 200);
    CHECK_U64(loop_num(&a, "file.version"), 4);
    LOOP(&l, &a, .method = "DELETE", .target = loop_text(FILES "/%s/versions/4", file), .bearer = bearer);
    CHECK_PROBLEM(&a, 409, "version_current");
    LOOP(&l, &a, .method = "DELETE", .target = loop_text(FILES "/%s/versions/2", file), .bearer = bearer);
    CHECK_STATUS(&a, 204);
    CHECK_U64(used(&l, bearer), 2 * SIZE_A + SIZE_C);
    static const char *const gone[] = {"/download?version=2", "/content?version=2", "/download?version=0", "/download?version=99"};
    for (size_t i = 0; i < ARRAY_LEN(gone); i++) {
        LOOP(&l, &a, .target = loop_text(FILES "/%s%s", file, gone[i]), .bearer = bearer);
        CHECK_STATUS(&a, 404);
    }
    loop_jobs(&l);
    CHECK_U64(loop_blobs(&l), 2);
    LOOP(&l, &a, .method = "DELETE", .target = loop_text(FILES "/%s", file), .bearer = bearer);
    CHECK_STATUS(&a, 204);
    CHECK_U64(used(&l, bearer), 0);
    loop_jobs(&l);
    CHECK_U64(loop_blobs(&l), 0);
    loop_close(&l);
}

TEST(versions_are_nobody_elses_business)
{
    struct loop l;
    ANSWER a = {0};
    if (loop_missing()) return;
    const char *bearer = begin(&l), *file = loop_file(&l, bearer, "a", content_a);
    const char *other = loop_user(&l, "otto@example.com", ROLE_USER), *admin = loop_user(&l, "root@example.com", ROLE_ADMIN);
    CHECK_U64(loop_version(&l, bearer, file, content_b), 2);
    const struct loop_request tries[] = {
        {.target = loop_text(FILES "/%s/versions", file)},
        {.target = loop_text(FILES "/%s/download?version=1", file)},
        {.target = loop_text(FILES "/%s/content?version=1", file)},
        {.method = "POST", .target = loop_text(FILES "/%s/versions/1/restore", file)},
        {.method = "DELETE", .target = loop_text(FILES "/%s/versions/1", file)},
        {.target = UPLOADS, .json = loop_text("{\"version_of\":\"%s\",\"size\":3}", file)},
        {.method = "PUT", .target = loop_text(FILES "/upload?version_of=%s", file), .body = content_c},
    };
    for (size_t i = 0; i < ARRAY_LEN(tries); i++) {
        struct loop_request r = tries[i];
        r.bearer = other;
        loop_next(&l, &r, &a);
        CHECK_PROBLEM(&a, 404, "not_found");
    }
    CHECK_U64(versions(&l, bearer, file), 2);
    CHECK_U64(used(&l, other), 0);
    /* An administrator may; the owner pays, and what the administrator had reserved comes back. */
    CHECK_U64(loop_version(&l, admin, file, content_c), 3);
    const char *upload = ready_upload(&l, admin, file, content_a);
    CHECK_U64(used(&l, admin), SIZE_A);
    complete(&l, admin, upload, &a);
    CHECK_STATUS(&a, 200);
    CHECK_STR(&a, "file.id", file);
    CHECK_U64(used(&l, admin), 0);
    CHECK_U64(used(&l, bearer), 2 * SIZE_A + SIZE_B + SIZE_C);
    /* So may those with whom it is shared for editing; not delete what it was. */
    LOOP(&l, &a, .method = "PUT", .target = loop_text(FILES "/%s/permissions", file), .bearer = bearer,
         .json = "{\"email\":\"otto@example.com\",\"permission\":\"edit\"}");
    CHECK_STATUS(&a, 200);
    CHECK_U64(loop_version(&l, other, file, content_c), 5);
    CHECK_U64(used(&l, other), 0);
    check_version(&l, other, file, 1, content_a);
    LOOP(&l, &a, .method = "DELETE", .target = loop_text(FILES "/%s/versions/1", file), .bearer = other);
    CHECK_PROBLEM(&a, 403, "denied");
    LOOP(&l, &a, .method = "DELETE", .target = loop_text(FILES "/%s/versions/5", file), .bearer = bearer);
    CHECK_PROBLEM(&a, 409, "version_current");
    LOOP(&l, &a, .method = "POST", .target = loop_text(FILES "/%s/versions/4/restore", file), .bearer = other);
    CHECK_STATUS(&a, 200);
    CHECK_STR(&a, "file.permission", "edit");
    CHECK_U64(used(&l, bearer), 3 * SIZE_A + SIZE_B + 2 * SIZE_C);
    /* A right that ended while the upload ran is no right. */
    upload = ready_upload(&l, admin, file, content_c);
    LOOP(&l, &a, .target = "/api/v1/me", .bearer = admin);
    const char *id = loop_str(&a, "user.id"), *root2 = loop_user(&l, "root2@example.com", ROLE_ADMIN);
    LOOP(&l, &a, .method = "PATCH", .target = loop_text("/api/v1/admin/users/%s", id), .bearer = root2, .json = "{\"role\":\"user\"}");
    CHECK_STATUS(&a, 200);
    admin = loop_sign_in(&l, "root@example.com", LOOP_PASSWORD, NULL);
    complete(&l, admin, upload, &a);
    CHECK_PROBLEM(&a, 404, "not_found");
    CHECK_U64(versions(&l, bearer, file), 6);
    check_now(&l, bearer, file, content_a);
    LOOP(&l, &a, .method = "DELETE", .target = loop_text(UPLOADS "/%s", upload), .bearer = admin);
    CHECK_STATUS(&a, 204);
    CHECK_U64(used(&l, admin), 0);
    loop_close(&l);
}

TEST(versions_of_a_file_that_goes_meanwhile)
{
    struct loop l;
    ANSWER a = {0};
    if (loop_missing()) return;
    const char *bearer = begin(&l), *file = loop_file(&l, bearer, "a", content_a);
    const char *upload = ready_upload(&l, bearer, file, content_b);
    LOOP(&l, &a, .method = "DELETE", .target = loop_text(FILES "/%s", file), .bearer = bearer);
    CHECK_STATUS(&a, 204);
    complete(&l, bearer, upload, &a);
    CHECK_PROBLEM(&a, 404, "not_found");
    LOOP(&l, &a, .method = "DELETE", .target = loop_text(UPLOADS "/%s", upload), .bearer = bearer);
    CHECK_STATUS(&a, 204);
    CHECK_U64(used(&l, bearer), 0);
    loop_jobs(&l);
    CHECK_U64(loop_blobs(&l), 0);
    /* Neither a name nor a file. */
    LOOP(&l, &a, .target = UPLOADS, .bearer = bearer, .json = "{\"size\":3}");
    CHECK_STATUS(&a, 400);
    CHECK_STR(&a, "errors.0.field", "name");
    LOOP(&l, &a, .target = UPLOADS, .bearer = bearer, .json = "{\"version_of\":\"nonsense\",\"size\":3}");
    CHECK_STATUS(&a, 400);
    CHECK_STR(&a, "errors.0.field", "version_of");
    loop_close(&l);
}

TEST(versions_are_limited_by_count)
{
    struct loop l;
    ANSWER a = {0};
    if (loop_missing()) return;
    const char *bearer = begin(&l), *file = loop_file(&l, bearer, "a", content_a);
    CHECK_U64(loop_version(&l, bearer, file, content_b), 2);
    CHECK_U64(loop_version(&l, bearer, file, content_a), 3);
    CHECK_U64(loop_version(&l, bearer, file, content_c), 4);
    if (!loop_durable(&l)) {
        loop_close(&l);
        return;
    }
    /* A lower limit takes effect with the next version: 3, 4 and 5 stay. */
    reopen_with(&l, 3, 0);
    CHECK_U64(versions(&l, bearer, file), 4);
    CHECK_U64(loop_version(&l, bearer, file, content_b), 5);
    CHECK_U64(versions(&l, bearer, file), 3);
    CHECK_U64(used(&l, bearer), SIZE_A + SIZE_C + SIZE_B);
    loop_jobs(&l);
    CHECK_U64(loop_blobs(&l), 3);
    check_version(&l, bearer, file, 3, content_a);
    /* The one that is restored may be the one that has to go: its content stays. */
    LOOP(&l, &a, .method = "POST", .target = loop_text(FILES "/%s/versions/3/restore", file), .bearer = bearer);
    CHECK_STATUS(&a, 200);
    CHECK_U64(loop_num(&a, "file.version"), 6);
    CHECK_U64(used(&l, bearer), SIZE_A + SIZE_C + SIZE_B);
    loop_jobs(&l);
    CHECK_U64(loop_blobs(&l), 3);
    check_now(&l, bearer, file, content_a);
    LOOP(&l, &a, .target = loop_text(FILES "/%s/download?version=3", file), .bearer = bearer);
    CHECK_STATUS(&a, 404);
    loop_close(&l);
}

TEST(versions_are_limited_by_age)
{
    struct loop l;
    if (loop_missing()) return;
    const char *bearer = begin(&l);
    if (!loop_durable(&l)) {
        loop_close(&l);
        return;
    }
    reopen_with(&l, 0, 3600 * 1000);
    const char *file = loop_file(&l, bearer, "a", content_a), *alone = loop_file(&l, bearer, "b", content_c);
    loop_advance(7200 * 1000);
    bearer = loop_sign_in(&l, "anna@example.com", LOOP_PASSWORD, NULL);
    /* The first is old, but it was replaced just now. */
    CHECK_U64(loop_version(&l, bearer, file, content_b), 2);
    loop_jobs(&l);
    CHECK_U64(versions(&l, bearer, file), 2);
    loop_advance(1800 * 1000);
    bearer = loop_sign_in(&l, "anna@example.com", LOOP_PASSWORD, NULL);
    CHECK_U64(loop_version(&l, bearer, file, content_c), 3);
    loop_advance(1801 * 1000);
    bearer = loop_sign_in(&l, "anna@example.com", LOOP_PASSWORD, NULL);
    loop_jobs(&l);
    CHECK_U64(versions(&l, bearer, file), 2);
    check_version(&l, bearer, file, 2, content_b);
    /* The newest stays, however old it is. */
    loop_advance(7200 * 1000);
    loop_jobs(&l);
    bearer = loop_sign_in(&l, "anna@example.com", LOOP_PASSWORD, NULL);
    CHECK_U64(versions(&l, bearer, file), 1);
    CHECK_U64(versions(&l, bearer, alone), 1);
    CHECK_U64(used(&l, bearer), 2 * SIZE_C);
    check_now(&l, bearer, file, content_c);
    loop_close(&l);
}

TEST(versions_and_the_quota)
{
    struct loop l;
    ANSWER a = {0};
    if (loop_missing()) return;
    const char *bearer = begin(&l), *admin = loop_user(&l, "root@example.com", ROLE_ADMIN);
    const char *file = loop_file(&l, bearer, "a", content_a);
    LOOP(&l, &a, .target = "/api/v1/me", .bearer = bearer);
    LOOP(&l, &a, .method = "PATCH", .target = loop_text("/api/v1/admin/users/%s", loop_str(&a, "user.id")), .bearer = admin,
         .json = loop_text("{\"quota_bytes\":%d}", 2 * SIZE_A - 1));
    CHECK_STATUS(&a, 200);
    const struct loop_request over[] = {
        {.target = UPLOADS, .json = loop_text("{\"version_of\":\"%s\",\"size\":%d}", file, SIZE_A)},
        {.method = "PUT", .target = loop_text(FILES "/upload?version_of=%s", file), .body = content_a},
        {.method = "PUT", .target = loop_text(FILES "/upload?version_of=%s", file), .body = content_a, .no_length = true},
    };
    for (size_t i = 0; i < ARRAY_LEN(over); i++) {
        struct loop_request r = over[i];
        r.bearer = bearer;
        loop_next(&l, &r, &a);
        CHECK_PROBLEM(&a, 413, "quota_exceeded");
        CHECK_U64(used(&l, bearer), SIZE_A);
    }
    CHECK_U64(loop_version(&l, bearer, file, content_b), 2);
    LOOP(&l, &a, .method = "POST", .target = loop_text(FILES "/%s/versions/1/restore", file), .bearer = bearer);
    CHECK_PROBLEM(&a, 413, "quota_exceeded");
    /* Somebody else's upload is at the owner's cost, too: refused in the end, and nothing changes. */
    const char *upload = ready_upload(&l, admin, file, content_a);
    complete(&l, admin, upload, &a);
    CHECK_PROBLEM(&a, 413, "quota_exceeded");
    CHECK_U64(used(&l, bearer), SIZE_A + SIZE_B);
    CHECK_U64(used(&l, admin), SIZE_A);
    CHECK_U64(versions(&l, bearer, file), 2);
    check_now(&l, bearer, file, content_b);
    loop_close(&l);
}

#define WRITERS 8
#define ROUNDS 4
struct crowd {
    struct loop *l;
    const char *bearer, *file;
    char bytes[WRITERS][ROUNDS][3000];
    int64_t version[WRITERS][ROUNDS];
};

static void write_versions(void *arg, unsigned i)
{
    struct crowd *w = arg;
    for (int k = 0; k < ROUNDS; k++)
        w->version[i][k] = loop_version(w->l, w->bearer, w->file, slice_of(w->bytes[i][k], sizeof w->bytes[i][k]));
}

TEST(versions_made_at_the_same_time_are_all_there)
{
    static struct crowd w;
    static bool seen[WRITERS * ROUNDS + 2];
    struct loop l;
    if (loop_missing()) return;
    memset(seen, 0, sizeof seen);
    w.bearer = begin(&l);
    w.l = &l;
    w.file = loop_file(&l, w.bearer, "a", content_c);
    for (unsigned i = 0; i < WRITERS; i++)
        for (unsigned k = 0; k < ROUNDS; k++) loop_pattern(w.bytes[i][k], sizeof w.bytes[i][k], 100 + i * ROUNDS + k);
    loop_parallel(WRITERS, write_versions, &w);
    for (unsigned i = 0; i < WRITERS; i++) {
        for (unsigned k = 0; k < ROUNDS; k++) {
            int64_t v = w.version[i][k];
            CHECK(v >= 2 && v <= WRITERS * ROUNDS + 1 && !seen[v]);
            seen[v] = true;
            check_version(&l, w.bearer, w.file, (int)v, slice_of(w.bytes[i][k], sizeof w.bytes[i][k]));
            CHECK_FINE();
        }
    }
    CHECK_U64(versions(&l, w.bearer, w.file), WRITERS * ROUNDS + 1);
    CHECK_U64(used(&l, w.bearer), SIZE_C + WRITERS * ROUNDS * sizeof w.bytes[0][0]);
    loop_close(&l);
}

struct swap {
    struct loop *l;
    const char *bearer, *file;
};

/* Thread 0 replaces the content over and over, and the others fetch it. */
static void replace_or_fetch(void *arg, unsigned i)
{
    const struct swap *s = arg;
    for (int k = 0; k < 25; k++) {
        ANSWER a = {0};
        if (i == 0) {
            loop_version(s->l, s->bearer, s->file, k % 2 ? content_a : content_b);
            continue;
        }
        LOOP(s->l, &a, .target = loop_text(FILES "/%s/download", s->file), .bearer = s->bearer);
        CHECK_STATUS(&a, 200);
        CHECK(slice_eq(loop_body(&a), content_a) || slice_eq(loop_body(&a), content_b));
    }
}

TEST(a_file_is_readable_in_every_moment_of_its_replacement)
{
    struct loop l;
    if (loop_missing()) return;
    const char *bearer = begin(&l);
    if (loop_durable(&l)) reopen_with(&l, 1, 0);
    struct swap s = {&l, bearer, loop_file(&l, bearer, "a", content_a)};
    loop_parallel(4, replace_or_fetch, &s);
    CHECK_FINE();
    check_now(&l, bearer, s.file, content_b);
    if (loop_durable(&l)) CHECK_U64(used(&l, bearer), SIZE_B);
    loop_jobs(&l);
    if (loop_durable(&l)) CHECK_U64(loop_blobs(&l), 1);
    loop_close(&l);
}

TEST(an_open_download_ends_as_it_began)
{
    struct loop l;
    ANSWER a = {0};
    if (loop_missing()) return;
    const char *bearer = begin(&l), *file = loop_file(&l, bearer, "a", content_a);
    struct loop_exchange *x = loop_begin(&l, &(struct loop_request){.target = loop_text(FILES "/%s/download", file), .bearer = bearer,
                                                                    .read_cap = 20000});
    loop_finish(x, &a);
    CHECK_STATUS(&a, 200);
    CHECK(loop_take(x, &a, 20000));
    CHECK_U64(loop_version(&l, bearer, file, content_b), 2);
    ANSWER other = {0};
    LOOP(&l, &other, .method = "DELETE", .target = loop_text(FILES "/%s/versions/1", file), .bearer = bearer);
    CHECK_STATUS(&other, 204);
    loop_jobs(&l);
    while (loop_take(x, &a, 20000)) {
    }
    CHECK_SLICE(loop_body(&a), content_a);
    CHECK(a.read_err == ERR_OK);
    loop_end(x, &a, true);
    check_now(&l, bearer, file, content_b);
    /* Now that nobody reads them, the bytes go. */
    loop_advance(60 * 1000);
    loop_jobs(&l);
    CHECK_U64(loop_blobs(&l), 1);
    loop_close(&l);
}

TEST(a_link_shows_the_newest_and_ends_what_it_began)
{
    static const char key[] = "{\"public_key\":\"dGhpcyBpcyBub3QgYSBzZWNyZXQga2V5LCByZWFsbHk\"}";
    struct loop l;
    ANSWER a = {0};
    ANSWER sealed = {0};
    if (loop_missing()) return;
    const char *bearer = begin(&l), *file = loop_file(&l, bearer, "a", content_a);
    const char *token = loop_share(&l, bearer, loop_transfer(&l, bearer, file, ""), "{}");
    LOOP(&l, &sealed, .target = loop_text(FILES "/%s/content", file), .bearer = bearer);
    LOOP(&l, &a, .target = loop_text("/api/v1/share/%s/key", token), .json = key);
    CHECK_STATUS(&a, 200);
    const char *grant = loop_str(&a, "grant"), *first = loop_str(&a, "content_id");
    const char *content = loop_text("/api/v1/share/%s/content?grant=%s", token, grant);
    CHECK_U64(loop_version(&l, bearer, file, content_b), 2);
    LOOP(&l, &a, .target = loop_text("/api/v1/share/%s", token));
    CHECK_U64(loop_num(&a, "files.0.size"), SIZE_B);
    LOOP(&l, &a, .target = loop_text("/api/v1/share/%s/download", token));
    CHECK_SLICE(loop_body(&a), content_b);
    /* The rest of what the key was given for. */
    LOOP(&l, &a, .target = loop_text("%s&content_id=%s", content, first));
    CHECK_STATUS(&a, 200);
    CHECK_SLICE(loop_body(&a), loop_body(&sealed));
    LOOP(&l, &a, .target = content);
    CHECK_STATUS(&a, 200);
    CHECK(!slice_eq(loop_body(&a), loop_body(&sealed)));
    LOOP(&l, &a, .method = "DELETE", .target = loop_text(FILES "/%s/versions/1", file), .bearer = bearer);
    CHECK_STATUS(&a, 204);
    LOOP(&l, &a, .target = loop_text("%s&content_id=%s", content, first));
    CHECK_PROBLEM(&a, 410, "content_changed");
    loop_close(&l);
}

TEST(an_archive_ends_as_it_began)
{
    struct loop l;
    ANSWER a = {0};
    ANSWER whole = {0};
    if (loop_missing()) return;
    const char *bearer = begin(&l), *one = loop_file(&l, bearer, "a", content_a), *two = loop_file(&l, bearer, "b", content_b);
    const char *token = loop_share(&l, bearer, loop_transfer(&l, bearer, loop_text("%s %s", one, two), ""), "{}");
    const char *target = loop_text("/api/v1/share/%s/download", token);
    LOOP(&l, &whole, .target = target);
    CHECK_STATUS(&whole, 200);
    struct loop_exchange *x = loop_begin(&l, &(struct loop_request){.target = target, .read_cap = 10000});
    loop_finish(x, &a);
    CHECK(loop_take(x, &a, 10000));
    CHECK_U64(loop_version(&l, bearer, two, content_c), 2);
    while (loop_take(x, &a, 10000)) {
    }
    CHECK(a.read_err == ERR_OK);
    CHECK_SLICE(loop_body(&a), loop_body(&whole));
    loop_end(x, &a, true);
    LOOP(&l, &a, .target = target);
    CHECK(!slice_eq(loop_header(&a, "etag"), loop_header(&whole, "etag")));
    loop_close(&l);
}
