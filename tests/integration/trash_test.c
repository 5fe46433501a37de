/* The trash: what it keeps, who still sees it, what links say meanwhile, when it ends, and races with its end. */
#include <string.h>

#include "core/file/file.h"
#include "integration/loopback.h"

#define FILES "/api/v1/files"
#define DAY_MS (86400 * 1000ll)

static const char *at(const char *file, const char *rest) { return loop_text(FILES "/%s%s", file, rest); }

static int ask(struct loop *l, const char *bearer, const char *method, const char *target, const char *json)
{
    ANSWER a = {0};
    LOOP(l, &a, .method = method, .target = target, .bearer = bearer, .json = json);
    return a.status;
}

static int64_t used(struct loop *l, const char *bearer)
{
    ANSWER a = {0};
    LOOP(l, &a, .target = "/api/v1/me", .bearer = bearer);
    return loop_num(&a, "user.used_bytes");
}

static size_t listed(struct loop *l, const char *bearer, const char *query)
{
    ANSWER a = {0};
    LOOP(l, &a, .target = loop_text(FILES "%s", query), .bearer = bearer);
    if (a.status != 200) test_fail(__FILE__, __LINE__, "list: %d", a.status);
    return loop_count(&a, "items");
}

TEST(trash_and_back)
{
    struct loop l;
    ANSWER a = {0};
    if (loop_missing()) return;
    loop_open(&l);
    const char *anna = loop_user(&l, "anna@example.com", ROLE_USER), *berta = loop_user(&l, "berta@example.com", ROLE_USER);
    const char *file = loop_file(&l, anna, "a.txt", SLICE("content"));
    LOOP(&l, &a, .method = "PUT", .target = at(file, "/permissions"), .bearer = anna,
         .json = "{\"email\":\"berta@example.com\",\"permission\":\"edit\"}");
    CHECK_STATUS(&a, 200);
    CHECK(ask(&l, anna, "DELETE", at(file, "?purge=no"), NULL) == 400);
    CHECK(ask(&l, berta, "DELETE", at(file, "?purge=false"), NULL) == 403);
    CHECK(ask(&l, anna, "DELETE", at(file, "?purge=false"), NULL) == 204);
    loop_advance(1000);
    CHECK(ask(&l, anna, "DELETE", at(file, "?purge=false"), NULL) == 204);
    LOOP(&l, &a, .target = at(file, ""), .bearer = anna);
    CHECK_STR(&a, "file.state", "trashed");
    const char *since = loop_str(&a, "file.trashed_at");
    CHECK(since[0]);
    CHECK(listed(&l, anna, "") == 0 && listed(&l, anna, "?state=trashed") == 1 && listed(&l, anna, "?state=ready") == 0);
    CHECK(used(&l, anna) == 7);
    /* Nobody reads it, and nobody else sees it. */
    static const char *const closed[] = {"/download", "/content"};
    for (size_t i = 0; i < ARRAY_LEN(closed); i++) {
        LOOP(&l, &a, .target = at(file, closed[i]), .bearer = anna);
        CHECK_PROBLEM(&a, 409, "file_trashed");
        CHECK(ask(&l, berta, "GET", at(file, closed[i]), NULL) == 404);
    }
    CHECK(ask(&l, anna, "PATCH", at(file, ""), "{\"name\":\"b.txt\"}") == 409);
    CHECK(ask(&l, anna, "POST", "/api/v1/transfers", loop_text("{\"file_ids\":[\"%s\"]}", file)) == 400);
    CHECK(ask(&l, berta, "GET", at(file, ""), NULL) == 404);
    CHECK(ask(&l, berta, "POST", at(file, "/restore"), NULL) == 404);
    CHECK(listed(&l, berta, "?shared=with_me") == 0 && listed(&l, anna, "?shared=by_me") == 0);
    for (int again = 0; again < 2; again++) {
        LOOP(&l, &a, .method = "POST", .target = at(file, "/restore"), .bearer = anna);
        CHECK_STATUS(&a, 200);
        CHECK_STR(&a, "file.state", "ready");
        CHECK(loop_is_null(&a, "file.trashed_at"));
    }
    CHECK(listed(&l, anna, "") == 1 && listed(&l, berta, "?shared=with_me") == 1);
    LOOP(&l, &a, .target = at(file, "/download"), .bearer = berta);
    CHECK_SLICE(loop_body(&a), SLICE("content"));
    /* DELETE alone is the end. */
    CHECK(ask(&l, anna, "DELETE", at(file, "?purge=false"), NULL) == 204);
    CHECK(ask(&l, anna, "DELETE", at(file, ""), NULL) == 204);
    CHECK(ask(&l, anna, "POST", at(file, "/restore"), NULL) == 404);
    CHECK(listed(&l, anna, "?state=trashed") == 0 && used(&l, anna) == 0);
    loop_close(&l);
}

TEST(trash_empties_itself)
{
    struct loop l;
    ANSWER a = {0};
    if (loop_missing()) return;
    loop_open(&l);
    l.cfg.trash_ms = 2 * DAY_MS;
    loop_reopen(&l);
    const char *anna = loop_user(&l, "anna@example.com", ROLE_USER), *admin = loop_user(&l, "root@example.com", ROLE_ADMIN);
    const char *first = loop_file(&l, anna, "1.txt", SLICE("1")), *second = loop_file(&l, anna, "2.txt", SLICE("22"));
    const char *kept = loop_file(&l, anna, "3.txt", SLICE("333"));
    CHECK(ask(&l, anna, "DELETE", at(first, "?purge=false"), NULL) == 204);
    loop_advance(DAY_MS);
    anna = loop_sign_in(&l, "anna@example.com", LOOP_PASSWORD, NULL);
    CHECK(ask(&l, anna, "DELETE", at(second, "?purge=false"), NULL) == 204);
    loop_jobs(&l);
    CHECK(listed(&l, anna, "?state=trashed") == 2);
    loop_advance(DAY_MS);
    anna = loop_sign_in(&l, "anna@example.com", LOOP_PASSWORD, NULL);
    admin = loop_sign_in(&l, "root@example.com", LOOP_PASSWORD, NULL);
    loop_jobs(&l);
    CHECK(listed(&l, anna, "?state=trashed") == 1 && used(&l, anna) == 5);
    CHECK(ask(&l, anna, "GET", at(first, ""), NULL) == 404 && ask(&l, anna, "GET", at(kept, ""), NULL) == 200);
    LOOP(&l, &a, .target = loop_text("/api/v1/admin/audit-logs?event=file.delete&object=%s", first), .bearer = admin);
    CHECK_U64(loop_count(&a, "items"), 1);
    CHECK_STR(&a, "items.0.detail", "trash");
    /* 0: nothing goes by itself. */
    l.cfg.trash_ms = 0;
    loop_reopen(&l);
    loop_advance(100 * DAY_MS);
    loop_jobs(&l);
    anna = loop_sign_in(&l, "anna@example.com", LOOP_PASSWORD, NULL);
    CHECK(listed(&l, anna, "?state=trashed") == 1);
    loop_close(&l);
}

TEST(trash_puts_links_to_sleep)
{
    struct loop l;
    ANSWER a = {0};
    if (loop_missing()) return;
    loop_open(&l);
    const char *anna = loop_user(&l, "anna@example.com", ROLE_USER);
    const char *one = loop_file(&l, anna, "1.txt", SLICE("one")), *two = loop_file(&l, anna, "2.txt", SLICE("two"));
    const char *transfer = loop_transfer(&l, anna, loop_text("%s %s", one, two), ",\"max_downloads\":3");
    const char *token = loop_share(&l, anna, transfer, "{}"), *link = loop_text("/api/v1/share/%s", token);
    CHECK(ask(&l, anna, "DELETE", at(one, "?purge=false"), NULL) == 204);
    LOOP(&l, &a, .target = link);
    CHECK_STATUS(&a, 200);
    CHECK_U64(loop_count(&a, "files"), 1);
    CHECK_U64(loop_num(&a, "total_size"), 3);
    LOOP(&l, &a, .target = loop_text("%s/download?file_id=%s", link, one));
    CHECK_PROBLEM(&a, 410, "files_gone");
    LOOP(&l, &a, .target = loop_text("%s/download", link));
    CHECK_SLICE(loop_body(&a), SLICE("two"));
    CHECK(ask(&l, anna, "DELETE", at(two, "?purge=false"), NULL) == 204);
    LOOP(&l, &a, .target = loop_text("%s/download", link));
    CHECK_PROBLEM(&a, 410, "files_gone");
    LOOP(&l, &a, .target = loop_text("/api/v1/transfers/%s", transfer), .bearer = anna);
    CHECK_U64(loop_num(&a, "transfer.file_count"), 0);
    CHECK(ask(&l, anna, "POST", at(one, "/restore"), NULL) == 200 && ask(&l, anna, "POST", at(two, "/restore"), NULL) == 200);
    /* As it was: nothing but the one download counted. */
    LOOP(&l, &a, .target = link);
    CHECK_U64(loop_count(&a, "files"), 2);
    CHECK_U64(loop_num(&a, "downloads_left"), 2);
    LOOP(&l, &a, .target = loop_text("%s/download?file_id=%s", link, one));
    CHECK_SLICE(loop_body(&a), SLICE("one"));
    /* One that is deleted leaves nothing to tell it by. */
    CHECK(ask(&l, anna, "DELETE", at(one, ""), NULL) == 204 && ask(&l, anna, "DELETE", at(two, ""), NULL) == 204);
    LOOP(&l, &a, .target = loop_text("%s/download", link));
    CHECK_PROBLEM(&a, 410, "files_gone");
    LOOP(&l, &a, .target = loop_text("%s/download?file_id=%s", link, one));
    CHECK_PROBLEM(&a, 404, "not_found");
    loop_close(&l);
}

struct race {
    struct loop l;
    const char *anna, *file;
    int restored;
};

static void restore_or_purge(void *arg, unsigned i)
{
    struct race *r = arg;
    if (i == 0)
        r->restored = ask(&r->l, r->anna, "POST", at(r->file, "/restore"), NULL);
    else
        loop_jobs(&r->l);
}

/* A file that was told to be back is back. */
TEST(trash_restore_against_the_purge)
{
    static struct race r;
    ANSWER a = {0};
    if (loop_missing()) return;
    loop_open(&r.l);
    for (int round = 0; round < 8 && !test_failed(); round++) {
        r.anna = round ? loop_sign_in(&r.l, "anna@example.com", LOOP_PASSWORD, NULL) : loop_user(&r.l, "anna@example.com", ROLE_USER);
        r.file = loop_file(&r.l, r.anna, "r.txt", SLICE("r"));
        CHECK(ask(&r.l, r.anna, "DELETE", at(r.file, "?purge=false"), NULL) == 204);
        loop_advance(31 * DAY_MS);
        r.anna = loop_sign_in(&r.l, "anna@example.com", LOOP_PASSWORD, NULL);
        loop_parallel(2, restore_or_purge, &r);
        LOOP(&r.l, &a, .target = at(r.file, "/download"), .bearer = r.anna);
        CHECK(r.restored == a.status && (a.status == 200 || a.status == 404));
    }
    loop_close(&r.l);
}
