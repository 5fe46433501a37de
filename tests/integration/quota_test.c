/* Quotas of every kind: of the role and of the user, exact in parallel, given back when what they were taken for goes away. */
#include "base/limits.h"
#include "integration/loopback.h"

#define UPLOADS "/api/v1/uploads"
#define UPLOAD "/api/v1/files/upload?name=x"
#define FILES "/api/v1/files"
#define DAY (24 * 3600 * 1000ll)

static struct slice some(size_t n)
{
    static char bytes[4096];
    return slice_of(bytes, n);
}

static uint64_t used(struct loop *l, const char *bearer, const char *what)
{
    ANSWER a = {0};
    LOOP(l, &a, .target = "/api/v1/me", .bearer = bearer);
    return (uint64_t)loop_num(&a, what);
}

/* Opens with limits for users and tighter ones for administrators; the bearer of a user. */
static const char *open_with(struct loop *l, struct quota user, struct quota admin)
{
    loop_open(l);
    l->cfg.quota_user = user;
    l->cfg.quota_admin = admin;
    loop_reopen(l);
    return loop_user(l, "anna@example.com", ROLE_USER);
}

static const char *send_file(struct loop *l, const char *bearer, size_t n, struct loop_answer *a)
{
    loop_next(l, &(struct loop_request){.method = "PUT", .target = UPLOAD, .bearer = bearer, .body = some(n)}, a);
    return loop_str(a, "file.id");
}

struct racing {
    struct loop *l;
    const char *bearer;
    _Atomic unsigned made, refused, other;
};

static void create_one(void *arg, unsigned i)
{
    struct racing *r = arg;
    ANSWER a = {0};
    (void)i;
    LOOP(r->l, &a, .target = UPLOADS, .bearer = r->bearer, .json = "{\"name\":\"a\",\"size\":10}");
    if (a.status == 201) r->made++;
    else if (a.status == 413) r->refused++;
    else r->other++;
}

TEST(quota_of_files_is_exact_in_parallel)
{
    struct loop l;
    ANSWER a = {0};
    struct racing r = {.l = &l};
    if (loop_missing()) return;
    r.bearer = open_with(&l, (struct quota){.files = 37}, (struct quota){0});
    loop_parallel(100, create_one, &r);
    CHECK_U64(r.made, 37);
    CHECK_U64(r.refused, 63);
    CHECK_U64(used(&l, r.bearer, "user.used_files"), 37);
    CHECK_U64(used(&l, r.bearer, "user.quota_files"), 37);
    send_file(&l, r.bearer, 0, &a);
    CHECK_PROBLEM(&a, 413, "quota_files_exceeded");
    /* What is never finished is given back when it expires. */
    loop_advance(l.cfg.upload_ttl_ms + DAY);
    loop_jobs(&l);
    r.bearer = loop_sign_in(&l, "anna@example.com", LOOP_PASSWORD, NULL);
    CHECK_U64(used(&l, r.bearer, "user.used_files"), 0);
    CHECK_U64(used(&l, r.bearer, "user.used_bytes"), 0);
    loop_close(&l);
}

TEST(quota_of_bytes_is_exact_in_parallel)
{
    struct loop l;
    struct racing r = {.l = &l};
    if (loop_missing()) return;
    r.bearer = open_with(&l, (struct quota){.bytes = 555}, (struct quota){0});
    loop_parallel(100, create_one, &r);
    CHECK(r.made == 55 && r.refused == 45);
    CHECK_U64(used(&l, r.bearer, "user.used_bytes"), 550);
    loop_close(&l);
}

TEST(quota_files_come_back)
{
    struct loop l;
    ANSWER a = {0};
    if (loop_missing()) return;
    const char *bearer = open_with(&l, (struct quota){.files = 2}, (struct quota){0});
    const char *first = send_file(&l, bearer, 5, &a);
    CHECK_STATUS(&a, 201);
    LOOP(&l, &a, .target = UPLOADS, .bearer = bearer, .json = "{\"name\":\"a\",\"size\":10}");
    const char *upload = loop_str(&a, "upload_id");
    CHECK_STATUS(&a, 201);
    send_file(&l, bearer, 5, &a);
    CHECK_PROBLEM(&a, 413, "quota_files_exceeded");
    LOOP(&l, &a, .method = "DELETE", .target = loop_text(UPLOADS "/%s", upload), .bearer = bearer);
    CHECK_STATUS(&a, 204);
    send_file(&l, bearer, 5, &a);
    CHECK_STATUS(&a, 201);
    LOOP(&l, &a, .method = "DELETE", .target = loop_text(FILES "/%s", first), .bearer = bearer);
    CHECK_STATUS(&a, 204);
    CHECK_U64(used(&l, bearer, "user.used_files"), 1);
    /* A broken one-request upload keeps nothing. */
    LOOP(&l, &a, .method = "PUT", .target = UPLOAD, .bearer = bearer, .body = some(4000), .cut = true, .cut_after = 10);
    CHECK_U64(used(&l, bearer, "user.used_files"), 1);
    CHECK_U64(used(&l, bearer, "user.used_bytes"), 5);
    loop_close(&l);
}

TEST(quota_of_one_file)
{
    struct loop l;
    ANSWER a = {0};
    if (loop_missing()) return;
    const char *bearer = open_with(&l, (struct quota){.file_bytes = 1000}, (struct quota){0});
    send_file(&l, bearer, 1000, &a);
    CHECK_STATUS(&a, 201);
    LOOP(&l, &a, .target = UPLOADS, .bearer = bearer, .json = "{\"name\":\"a\",\"size\":1001}");
    CHECK_PROBLEM(&a, 413, "file_too_large");
    send_file(&l, bearer, 1001, &a);
    CHECK_PROBLEM(&a, 413, "file_too_large");
    /* Without a declared size as well. */
    LOOP(&l, &a, .method = "PUT", .target = UPLOAD, .bearer = bearer, .no_length = true, .body = some(1001));
    CHECK_PROBLEM(&a, 413, "file_too_large");
    LOOP(&l, &a, .target = UPLOADS, .bearer = bearer, .json = "{\"name\":\"a\"}");
    const char *part = loop_text(UPLOADS "/%s/parts/0", loop_str(&a, "upload_id"));
    LOOP(&l, &a, .method = "PUT", .target = part, .bearer = bearer, .body = some(1001));
    CHECK_PROBLEM(&a, 413, "file_too_large");
    CHECK_U64(used(&l, bearer, "user.used_bytes"), 1000);
    loop_close(&l);
}

TEST(quota_is_looked_at_again_at_the_end)
{
    struct loop l;
    ANSWER a = {0};
    if (loop_missing()) return;
    const char *bearer = open_with(&l, (struct quota){0}, (struct quota){0});
    const char *admin = loop_user(&l, "root@example.com", ROLE_ADMIN);
    LOOP(&l, &a, .target = "/api/v1/me", .bearer = bearer);
    const char *anna = loop_text("/api/v1/admin/users/%s", loop_str(&a, "user.id"));
    LOOP(&l, &a, .target = UPLOADS, .bearer = bearer, .json = "{\"name\":\"a\",\"size\":1001}");
    const char *upload = loop_text(UPLOADS "/%s", loop_str(&a, "upload_id"));
    LOOP(&l, &a, .method = "PUT", .target = loop_text("%s/parts/0", upload), .bearer = bearer, .body = some(1001));
    CHECK_STATUS(&a, 204);
    LOOP(&l, &a, .method = "PATCH", .target = anna, .bearer = admin, .json = "{\"file_bytes_max\":1000}");
    CHECK_STATUS(&a, 200);
    LOOP(&l, &a, .target = loop_text("%s/complete", upload), .bearer = bearer, .json = "{}");
    CHECK_PROBLEM(&a, 413, "file_too_large");
    LOOP(&l, &a, .method = "PATCH", .target = anna, .bearer = admin, .json = "{\"file_bytes_max\":0}");
    LOOP(&l, &a, .target = loop_text("%s/complete", upload), .bearer = bearer, .json = "{}");
    CHECK_STATUS(&a, 200);
    loop_close(&l);
}

TEST(quota_of_the_user_goes_before_that_of_the_role)
{
    struct loop l;
    ANSWER a = {0};
    if (loop_missing()) return;
    const char *bearer = open_with(&l, (struct quota){100, 1, 100, 100}, (struct quota){5, 0, 0, 0});
    const char *admin = loop_user(&l, "root@example.com", ROLE_ADMIN);
    send_file(&l, admin, 6, &a);
    CHECK_PROBLEM(&a, 413, "quota_exceeded");
    send_file(&l, admin, 5, &a);
    CHECK_STATUS(&a, 201);
    send_file(&l, bearer, 101, &a);
    CHECK_PROBLEM(&a, 413, "file_too_large");
    LOOP(&l, &a, .target = "/api/v1/me", .bearer = bearer);
    const char *anna = loop_text("/api/v1/admin/users/%s", loop_str(&a, "user.id"));
    LOOP(&l, &a, .method = "PATCH", .target = anna, .bearer = admin,
         .json = "{\"quota_bytes\":300,\"quota_files\":2,\"file_bytes_max\":200,\"transfer_bytes_max\":250}");
    CHECK_STATUS(&a, 200);
    CHECK_U64(loop_num(&a, "user.quota_files"), 2);
    CHECK_U64(loop_num(&a, "user.transfer_bytes_max"), 250);
    const char *one = send_file(&l, bearer, 200, &a);
    CHECK_STATUS(&a, 201);
    const char *two = send_file(&l, bearer, 51, &a);
    CHECK_STATUS(&a, 201);
    send_file(&l, bearer, 1, &a);
    CHECK_PROBLEM(&a, 413, "quota_files_exceeded");
    /* Each fits into a transfer, both together do not. */
    LOOP(&l, &a, .target = "/api/v1/transfers", .bearer = bearer, .json = loop_text("{\"file_ids\":[\"%s\",\"%s\"]}", one, two));
    CHECK_PROBLEM(&a, 413, "transfer_too_large");
    LOOP(&l, &a, .target = "/api/v1/transfers", .bearer = bearer, .json = loop_text("{\"file_ids\":[\"%s\"]}", one));
    CHECK_STATUS(&a, 201);
    LOOP(&l, &a, .target = "/api/v1/transfers", .bearer = bearer);
    CHECK_U64(loop_count(&a, "items"), 1);
    loop_close(&l);
}
