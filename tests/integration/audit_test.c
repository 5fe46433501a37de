/* What stands in the audit log afterwards: every event of the table once, with who, what, when, where and how it went. */
#include <string.h>

#include "base/limits.h"
#include "integration/loopback.h"

#define LOGS "/api/v1/admin/audit-logs"

static const char *admin; /* the reader's token */

static void logs(struct loop *l, struct loop_answer *a, const char *query)
{
    LOOP(l, a, .target = loop_text(LOGS "?%s", query), .bearer = admin);
    if (a->status != 200) test_fail(__FILE__, __LINE__, "%s: %d: %.*s", query, a->status, (int)a->len, a->body);
}

static size_t count_of(struct loop *l, const char *event)
{
    ANSWER a = {0};
    logs(l, &a, loop_text("limit=200&event=%s", event));
    return loop_count(&a, "items");
}

static void begin(struct loop *l)
{
    loop_open(l);
    admin = loop_user(l, "root@example.com", ROLE_ADMIN);
}

TEST(main_job_leaves_its_records)
{
    static const struct {
        const char *event;
        size_t count;
    } want[] = {{"file.create", 1},   {"file.change", 1},    {"transfer.create", 1}, {"link.create", 1},
                {"link.access", 2},   {"link.verify", 2},    {"download.start", 2},  {"download.end", 2},
                {"link.revoke", 1},   {"transfer.end", 1},   {"file.delete", 1},     {"user.create", 2}};
    struct loop l;
    ANSWER a = {0};
    if (loop_missing()) return;
    begin(&l);
    const char *bearer = loop_user(&l, "anna@example.com", ROLE_USER);
    const char *file = loop_file(&l, bearer, "a.txt", SLICE("some content"));
    LOOP(&l, &a, .method = "PATCH", .target = loop_text("/api/v1/files/%s", file), .bearer = bearer, .json = "{\"name\":\"b.txt\"}");
    CHECK_STATUS(&a, 200);
    const char *transfer = loop_transfer(&l, bearer, file, "");
    LOOP(&l, &a, .target = loop_text("/api/v1/transfers/%s/share", transfer), .bearer = bearer, .json = "{\"password\":\"open sesame\"}");
    const char *token = loop_str(&a, "link.token"), *link = loop_str(&a, "link.id");
    LOOP(&l, &a, .target = loop_text("/api/v1/share/%s", token), .peer = "192.0.2.7");
    CHECK_STATUS(&a, 200);
    LOOP(&l, &a, .target = loop_text("/api/v1/share/%s/verify", token), .json = "{\"password\":\"wrong\"}");
    CHECK_STATUS(&a, 401);
    loop_advance(1);
    LOOP(&l, &a, .target = loop_text("/api/v1/share/%s/verify", token), .json = "{\"password\":\"open sesame\"}");
    const char *ticket = loop_str(&a, "ticket");
    LOOP(&l, &a, .target = loop_text("/api/v1/share/%s/download", token), .ticket = ticket, .peer = "192.0.2.7");
    CHECK_STATUS(&a, 200);
    loop_advance(1);
    LOOP(&l, &a, .target = loop_text("/api/v1/files/%s/download", file), .bearer = bearer, .stop = true, .stop_after = 4);
    LOOP(&l, &a, .method = "DELETE", .target = loop_text("/api/v1/transfers/%s/links/%s", transfer, link), .bearer = bearer);
    CHECK_STATUS(&a, 204);
    loop_advance(1);
    LOOP(&l, &a, .target = loop_text("/api/v1/share/%s", token));
    CHECK_STATUS(&a, 410);
    LOOP(&l, &a, .method = "DELETE", .target = loop_text("/api/v1/transfers/%s", transfer), .bearer = bearer);
    LOOP(&l, &a, .method = "DELETE", .target = loop_text("/api/v1/files/%s", file), .bearer = bearer);
    CHECK_STATUS(&a, 204);
    for (size_t i = 0; i < ARRAY_LEN(want); i++)
        if (count_of(&l, want[i].event) != want[i].count)
            test_fail(__FILE__, __LINE__, "%s: %zu, wanted %zu", want[i].event, count_of(&l, want[i].event), want[i].count);
    CHECK_U64(count_of(&l, loop_text("download.&object=%s", file)), 4);
    logs(&l, &a, loop_text("event=download.end&object=%s", file));
    CHECK_STR(&a, "items.0.result", "failed");
    CHECK_STR(&a, "items.0.detail", "bytes=4");
    CHECK_STR(&a, "items.1.detail", "bytes=12");
    CHECK_STR(&a, "items.1.ip", "192.0.2.7");
    CHECK(loop_is_null(&a, "items.1.actor"));
    logs(&l, &a, "event=link.verify");
    CHECK_STR(&a, "items.0.result", "ok");
    CHECK_STR(&a, "items.1.result", "failed");
    logs(&l, &a, "event=link.access");
    CHECK_STR(&a, "items.0.result", "denied");
    CHECK_STR(&a, "items.0.detail", "link_revoked");
    loop_close(&l);
}

TEST(breaking_the_glass_is_recorded_once)
{
    struct loop l;
    ANSWER a = {0};
    if (loop_missing()) return;
    begin(&l);
    const char *bearer = loop_user(&l, "anna@example.com", ROLE_USER);
    const char *file = loop_file(&l, bearer, "a.txt", SLICE("content")), *own = loop_file(&l, admin, "own.txt", SLICE("mine"));
    LOOP(&l, &a, .target = loop_text("/api/v1/files/%s/download", own), .bearer = admin);
    CHECK_U64(count_of(&l, "admin.access"), 0);
    LOOP(&l, &a, .target = loop_text("/api/v1/files/%s/download", file), .bearer = admin);
    CHECK_STATUS(&a, 200);
    logs(&l, &a, "event=admin.access");
    CHECK_U64(loop_count(&a, "items"), 1);
    CHECK_STR(&a, "items.0.object", file);
    CHECK_STR(&a, "items.0.detail", "download");
    CHECK(loop_true(&a, "items.0.break_glass"));
    const char *transfer = loop_transfer(&l, admin, file, "");
    CHECK_U64(count_of(&l, "admin.access"), 2);
    /* A link to it works as long as its sender is an administrator. */
    const char *token = loop_share(&l, admin, transfer, "{}");
    const char *second = loop_user(&l, "second@example.com", ROLE_ADMIN);
    LOOP(&l, &a, .target = "/api/v1/me", .bearer = admin);
    const char *id = loop_str(&a, "user.id");
    LOOP(&l, &a, .target = loop_text("/api/v1/share/%s/download", token));
    CHECK_STATUS(&a, 200);
    LOOP(&l, &a, .method = "PATCH", .target = loop_text("/api/v1/admin/users/%s", id), .bearer = second, .json = "{\"role\":\"user\"}");
    CHECK_STATUS(&a, 200);
    LOOP(&l, &a, .target = loop_text("/api/v1/share/%s/download", token));
    CHECK_PROBLEM(&a, 410, "link_revoked");
    loop_close(&l);
}

TEST(guests_look_but_change_nothing)
{
    struct loop l;
    ANSWER a = {0};
    if (loop_missing()) return;
    begin(&l);
    const char *bearer = loop_user(&l, "anna@example.com", ROLE_USER);
    const char *file = loop_file(&l, bearer, "a.txt", SLICE("content"));
    const char *token = loop_link(&l, bearer, SLICE("x"), "{\"password\":\"open sesame\"}");
    LOOP(&l, &a, .target = "/api/v1/me", .bearer = bearer);
    const char *id = loop_str(&a, "user.id");
    LOOP(&l, &a, .method = "PATCH", .target = loop_text("/api/v1/admin/users/%s", id), .bearer = admin, .json = "{\"role\":\"guest\"}");
    CHECK_STATUS(&a, 200);
    bearer = loop_sign_in(&l, "anna@example.com", LOOP_PASSWORD, NULL);
    LOOP(&l, &a, .target = loop_text("/api/v1/files/%s/download", file), .bearer = bearer);
    CHECK_STATUS(&a, 200);
    LOOP(&l, &a, .method = "DELETE", .target = loop_text("/api/v1/files/%s", file), .bearer = bearer);
    CHECK_PROBLEM(&a, 403, "denied");
    LOOP(&l, &a, .target = "/api/v1/uploads", .bearer = bearer, .json = "{\"name\":\"n\",\"size\":1}");
    CHECK_PROBLEM(&a, 403, "denied");
    LOOP(&l, &a, .target = loop_text("/api/v1/share/%s", token));
    CHECK_PROBLEM(&a, 410, "link_revoked");
    CHECK_U64(count_of(&l, "access.denied"), 2);
    loop_close(&l);
}

TEST(refusals_are_recorded_but_do_not_fill_the_log)
{
    struct loop l;
    ANSWER a = {0};
    if (loop_missing()) return;
    begin(&l);
    const char *bearer = loop_user(&l, "anna@example.com", ROLE_USER);
    const char *foreign = loop_file(&l, admin, "a.txt", SLICE("content"));
    LOOP(&l, &a, .target = loop_text("/api/v1/files/%s", foreign), .bearer = bearer);
    CHECK_STATUS(&a, 404);
    LOOP(&l, &a, .target = "/api/v1/files/00000000-0000-7000-8000-000000000000", .bearer = bearer);
    CHECK_STATUS(&a, 404);
    LOOP(&l, &a, .target = "/api/v1/admin/users", .bearer = bearer);
    CHECK_STATUS(&a, 403);
    LOOP(&l, &a, .target = "/api/v1/me", .bearer = "nonsense");
    CHECK_STATUS(&a, 401);
    LOOP(&l, &a, .target = "/api/v1/me");
    CHECK_STATUS(&a, 401);
    CHECK_U64(count_of(&l, "access.denied"), 4);
    logs(&l, &a, loop_text("event=access.denied&object=%s", foreign));
    CHECK_STR(&a, "items.0.detail", "GET /api/v1/files/{id}: not_found");
    for (int i = 0; i < 100; i++) LOOP(&l, &a, .target = "/api/v1/me", .bearer = "nonsense");
    CHECK_U64(count_of(&l, "access.denied"), 60);
    loop_close(&l);
}

TEST(log_is_for_auditors_only)
{
    struct loop l;
    ANSWER a = {0};
    if (loop_missing()) return;
    begin(&l);
    const char *bearer = loop_user(&l, "anna@example.com", ROLE_USER);
    LOOP(&l, &a, .target = LOGS, .bearer = bearer);
    CHECK_PROBLEM(&a, 403, "denied");
    LOOP(&l, &a, .target = LOGS "?from=yesterday", .bearer = admin);
    CHECK_STATUS(&a, 400);
    LOOP(&l, &a, .target = LOGS "?event=a%25", .bearer = admin);
    CHECK_STATUS(&a, 400);
    LOOP(&l, &a, .target = LOGS "?to=2000-01-01T00:00:00Z", .bearer = admin);
    CHECK_U64(loop_count(&a, "items"), 0);
    LOOP(&l, &a, .target = LOGS "?limit=1", .bearer = admin);
    CHECK_U64(loop_count(&a, "items"), 1);
    const char *cursor = loop_str(&a, "next_cursor"), *first = loop_str(&a, "items.0.id");
    LOOP(&l, &a, .target = loop_text(LOGS "?limit=1&cursor=%s", cursor), .bearer = admin);
    CHECK(strcmp(loop_str(&a, "items.0.id"), first) != 0);
    loop_close(&l);
}
