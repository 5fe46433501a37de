/* The archive of a selection: whole, continued, refused; what ends it, and that it is on record. Folders are in archive_tree_test.c. */
#include <string.h>

#include "base/limits.h"
#include "integration/loopback.h"

#define FILES "/api/v1/files"
#define DAY_MS (86400 * 1000ll)

struct pick {
    struct loop l;
    const char *anna, *berta, *one, *two;
};

static void pick_open(struct pick *p)
{
    loop_open(&p->l);
    p->anna = loop_user(&p->l, "anna@example.com", ROLE_USER);
    p->berta = loop_user(&p->l, "berta@example.com", ROLE_USER);
    p->one = loop_file(&p->l, p->anna, "same.txt", SLICE("the first"));
    p->two = loop_file(&p->l, p->anna, "same.txt", SLICE("the second"));
}

static int ask(struct pick *p, const char *bearer, const char *method, const char *target, const char *json)
{
    ANSWER a = {0};
    LOOP(&p->l, &a, .method = method, .target = target, .bearer = bearer, .json = json);
    return a.status;
}

static void archive(struct pick *p, struct loop_answer *a, const char *bearer, const char *ids)
{
    LOOP(&p->l, a, .target = FILES "/archive", .bearer = bearer, .json = loop_text("{\"ids\":[%s]}", ids));
}

static const char *both(const struct pick *p) { return loop_text("\"%s\",\"%s\"", p->one, p->two); }

static const char *place_of(const struct loop_answer *a)
{
    struct slice at = loop_header(a, "content-location");
    return loop_text(SLICE_FMT, SLICE_ARG(at));
}

static bool has(struct slice body, const char *part) { return memmem(body.ptr, body.len, part, strlen(part)) != NULL; }

TEST(archive_of_a_selection)
{
    struct pick p;
    ANSWER whole = {0};
    ANSWER a = {0};
    if (loop_missing()) return;
    pick_open(&p);
    archive(&p, &whole, p.anna, both(&p));
    CHECK_STATUS(&whole, 200);
    CHECK_U64(whole.length, whole.len);
    CHECK_SLICE(loop_header(&whole, "content-type"), SLICE("application/zip"));
    CHECK(has(loop_body(&whole), "same.txt") && has(loop_body(&whole), "same (2).txt") && has(loop_body(&whole), "the second"));
    const char *at = place_of(&whole);
    CHECK(strncmp(at, FILES "/archive/", sizeof FILES "/archive/" - 1) == 0);
    /* Continued by GET, the very same bytes; a POST knows no ranges. */
    struct slice etag = loop_header(&whole, "etag");
    LOOP(&p.l, &a, .target = at, .bearer = p.anna, .headers = {{SLICE("range"), SLICE("bytes=50-")}, {SLICE("if-range"), etag}});
    CHECK_STATUS(&a, 206);
    CHECK_SLICE(loop_body(&a), slice_sub(loop_body(&whole), 50, whole.len));
    LOOP(&p.l, &a, .target = at, .bearer = p.anna, .headers = {{SLICE("if-none-match"), etag}});
    CHECK_STATUS(&a, 304);
    LOOP(&p.l, &a, .target = FILES "/archive", .bearer = p.anna, .json = loop_text("{\"ids\":[%s]}", both(&p)),
         .headers = {{SLICE("range"), SLICE("bytes=50-")}, {SLICE("if-none-match"), etag}});
    CHECK_STATUS(&a, 200);
    CHECK_SLICE(loop_body(&a), loop_body(&whole));
    /* Another order is another archive. */
    archive(&p, &a, p.anna, loop_text("\"%s\",\"%s\"", p.two, p.one));
    CHECK(!slice_eq(loop_header(&a, "etag"), etag));
    /* Nobody else continues it; a day after its last use nobody does. */
    CHECK(ask(&p, p.berta, "GET", at, NULL) == 404);
    loop_advance(DAY_MS - 60 * 1000);
    p.anna = loop_sign_in(&p.l, "anna@example.com", LOOP_PASSWORD, NULL);
    CHECK(ask(&p, p.anna, "GET", at, NULL) == 200);
    loop_advance(DAY_MS - 60 * 1000);
    p.anna = loop_sign_in(&p.l, "anna@example.com", LOOP_PASSWORD, NULL);
    CHECK(ask(&p, p.anna, "HEAD", at, NULL) == 200);
    loop_jobs(&p.l);
    CHECK(ask(&p, p.anna, "GET", at, NULL) == 200);
    loop_advance(DAY_MS);
    p.anna = loop_sign_in(&p.l, "anna@example.com", LOOP_PASSWORD, NULL);
    CHECK(ask(&p, p.anna, "GET", at, NULL) == 404);
    loop_jobs(&p.l);
    CHECK(ask(&p, p.anna, "GET", at, NULL) == 404);
    loop_close(&p.l);
}

static const char *share_json(const char *permission)
{
    return loop_text("{\"email\":\"berta@example.com\",\"permission\":\"%s\"}", permission);
}

TEST(archive_needs_every_right)
{
    struct pick p;
    ANSWER a = {0};
    if (loop_missing()) return;
    pick_open(&p);
    const char *own = loop_file(&p.l, p.berta, "own.txt", SLICE("berta's"));
    const char *ids = loop_text("\"%s\",\"%s\"", own, p.one), *shares = loop_text(FILES "/%s/permissions", p.one);
    archive(&p, &a, p.berta, ids);
    CHECK_PROBLEM(&a, 404, "not_found");
    CHECK(ask(&p, p.anna, "PUT", shares, share_json("view")) == 200);
    archive(&p, &a, p.berta, ids);
    CHECK_PROBLEM(&a, 403, "denied");
    CHECK(ask(&p, p.anna, "PUT", shares, share_json("download")) == 200);
    archive(&p, &a, p.berta, ids);
    CHECK_STATUS(&a, 200);
    CHECK(has(loop_body(&a), "the first") && has(loop_body(&a), "berta's"));
    /* What is taken back is not even continued. */
    const char *at = place_of(&a);
    CHECK(ask(&p, p.berta, "GET", at, NULL) == 200);
    CHECK(ask(&p, p.anna, "PUT", shares, share_json("view")) == 200);
    CHECK(ask(&p, p.berta, "GET", at, NULL) == 403);
    CHECK(ask(&p, p.anna, "DELETE", loop_text(FILES "/%s?purge=false", p.one), NULL) == 204);
    CHECK(ask(&p, p.berta, "GET", at, NULL) == 404);
    archive(&p, &a, p.anna, both(&p));
    CHECK_PROBLEM(&a, 409, "file_trashed");
    CHECK(ask(&p, p.anna, "DELETE", loop_text(FILES "/%s", p.one), NULL) == 204);
    archive(&p, &a, p.anna, both(&p));
    CHECK_PROBLEM(&a, 404, "not_found");
    /* What is asked wrongly. */
    static const char *const wrong[] = {"", "\"x\""};
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
        archive(&p, &a, p.anna, wrong[i]);
        CHECK_STATUS(&a, 400);
    }
    archive(&p, &a, p.anna, loop_text("\"%s\",\"%s\"", p.two, p.two));
    CHECK_PROBLEM(&a, 400, "invalid");
    CHECK_STR(&a, "errors.0.field", "ids");
    loop_close(&p.l);
}

TEST(archive_is_on_record)
{
    struct pick p;
    ANSWER a = {0};
    if (loop_missing()) return;
    pick_open(&p);
    const char *admin = loop_user(&p.l, "root@example.com", ROLE_ADMIN), *logs = "/api/v1/admin/audit-logs?event=";
    archive(&p, &a, p.anna, both(&p));
    CHECK(ask(&p, p.anna, "GET", place_of(&a), NULL) == 200);
    LOOP(&p.l, &a, .target = loop_text("%sdownload.archive&object=%s", logs, p.two), .bearer = admin);
    CHECK_U64(loop_count(&a, "items"), 1);
    LOOP(&p.l, &a, .target = loop_text("%sadmin.access", logs), .bearer = admin);
    CHECK_U64(loop_count(&a, "items"), 0);
    archive(&p, &a, admin, both(&p));
    CHECK_STATUS(&a, 200);
    LOOP(&p.l, &a, .target = loop_text("%sadmin.access", logs), .bearer = admin);
    CHECK_U64(loop_count(&a, "items"), 2);
    CHECK(loop_true(&a, "items.0.break_glass"));
    loop_close(&p.l);
}

TEST(archive_selections_are_bounded)
{
    struct pick p;
    ANSWER a = {0};
    if (loop_missing()) return;
    pick_open(&p);
    archive(&p, &a, p.anna, both(&p));
    const char *first = place_of(&a);
    loop_advance(1);
    archive(&p, &a, p.berta, loop_text("\"%s\"", loop_file(&p.l, p.berta, "b", SLICE("b"))));
    const char *others = place_of(&a);
    for (unsigned i = 0; i < LIMIT_SELECTIONS; i++) {
        loop_advance(1);
        archive(&p, &a, p.anna, both(&p));
    }
    CHECK(ask(&p, p.anna, "GET", first, NULL) == 404);
    CHECK(ask(&p, p.anna, "GET", place_of(&a), NULL) == 200 && ask(&p, p.berta, "GET", others, NULL) == 200);
    loop_close(&p.l);
}
