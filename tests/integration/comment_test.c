/* Comments: who says, reads, changes and deletes them, and what may stand in one. */
#include <string.h>

#include "base/limits.h"
#include "integration/loopback.h"

#define FILES "/api/v1/files"

struct talk {
    struct loop l;
    const char *anna, *berta, *carl, *file; /* anna's, berta sees it */
};

static int ask(struct talk *t, const char *bearer, const char *method, const char *rest, const char *json)
{
    ANSWER a = {0};
    LOOP(&t->l, &a, .method = method, .target = loop_text(FILES "/%s%s", t->file, rest), .bearer = bearer, .json = json);
    return a.status;
}

static void talk_open(struct talk *t)
{
    loop_open(&t->l);
    t->anna = loop_user(&t->l, "anna@example.com", ROLE_USER);
    t->berta = loop_user(&t->l, "berta@example.com", ROLE_GUEST);
    t->carl = loop_user(&t->l, "carl@example.com", ROLE_USER);
    t->file = loop_file(&t->l, t->anna, "a.txt", SLICE("content"));
    if (ask(t, t->anna, "PUT", "/permissions", "{\"email\":\"berta@example.com\",\"permission\":\"view\"}") != 200)
        test_fail(__FILE__, __LINE__, "share");
}

static const char *say(struct talk *t, const char *bearer, const char *text)
{
    ANSWER a = {0};
    LOOP(&t->l, &a, .target = loop_text(FILES "/%s/comments", t->file), .bearer = bearer, .json = loop_text("{\"text\":\"%s\"}", text));
    if (a.status != 201) test_fail(__FILE__, __LINE__, "say: %d %s", a.status, loop_shown(&a));
    return loop_text("/comments/%s", loop_str(&a, "comment.id"));
}

TEST(comments_by_whoever_sees_the_file)
{
    struct talk t;
    ANSWER a = {0};
    if (loop_missing()) return;
    talk_open(&t);
    const char *first = say(&t, t.anna, "What do you think?");
    loop_advance(10);
    const char *second = say(&t, t.berta, "Good.\\n\\tReally \\u00fcbergut.");
    CHECK(ask(&t, t.carl, "GET", "/comments", NULL) == 404 && ask(&t, t.carl, "POST", "/comments", "{\"text\":\"I\"}") == 404);
    LOOP(&t.l, &a, .target = loop_text(FILES "/%s/comments?limit=1", t.file), .bearer = t.anna);
    CHECK_U64(loop_count(&a, "items"), 1);
    CHECK_STR(&a, "items.0.text", "Good.\n\tReally übergut.");
    CHECK_STR(&a, "items.0.author_name", "berta");
    CHECK(loop_is_null(&a, "items.0.edited_at"));
    LOOP(&t.l, &a, .target = loop_text(FILES "/%s/comments?limit=1&cursor=%s", t.file, loop_str(&a, "next_cursor")), .bearer = t.berta);
    CHECK_STR(&a, "items.0.author_name", "anna");
    CHECK(loop_is_null(&a, "next_cursor"));
    /* Only the author changes one. */
    CHECK(ask(&t, t.anna, "PATCH", second, "{\"text\":\"Bad.\"}") == 403);
    CHECK(ask(&t, t.carl, "PATCH", second, "{\"text\":\"Bad.\"}") == 404);
    LOOP(&t.l, &a, .method = "PATCH", .target = loop_text(FILES "/%s%s", t.file, second), .bearer = t.berta,
         .json = "{\"text\":\"Better.\"}");
    CHECK_STR(&a, "comment.text", "Better.");
    CHECK(!loop_is_null(&a, "comment.edited_at"));
    /* Its author or the file's owner deletes one. */
    CHECK(ask(&t, t.berta, "DELETE", first, NULL) == 403 && ask(&t, t.carl, "DELETE", first, NULL) == 404);
    CHECK(ask(&t, t.anna, "DELETE", second, NULL) == 204 && ask(&t, t.anna, "DELETE", second, NULL) == 404);
    CHECK(ask(&t, t.anna, "DELETE", first, NULL) == 204);
    /* Whoever no longer sees the file does not reach even the own one; one of another file is none. */
    const char *third = say(&t, t.berta, "Still here");
    const char *other = loop_file(&t.l, t.anna, "b.txt", SLICE("b"));
    LOOP(&t.l, &a, .method = "DELETE", .target = loop_text(FILES "/%s%s", other, third), .bearer = t.anna);
    CHECK_PROBLEM(&a, 404, "not_found");
    LOOP(&t.l, &a, .target = loop_text(FILES "/%s/permissions", t.file), .bearer = t.anna);
    CHECK(ask(&t, t.anna, "DELETE", loop_text("/permissions/%s", loop_str(&a, "items.0.user_id")), NULL) == 204);
    CHECK(ask(&t, t.berta, "PATCH", third, "{\"text\":\"x\"}") == 404 && ask(&t, t.berta, "DELETE", third, NULL) == 404);
    CHECK(ask(&t, t.anna, "GET", "/comments", NULL) == 200);
    /* In the trash nothing is said. */
    CHECK(ask(&t, t.anna, "DELETE", "?purge=false", NULL) == 204);
    CHECK(ask(&t, t.anna, "POST", "/comments", "{\"text\":\"x\"}") == 409 && ask(&t, t.anna, "GET", "/comments", NULL) == 200);
    loop_close(&t.l);
}

TEST(comments_are_plain_text)
{
    static const char *const bad[] = {"", "   ", "\\u0000", "bell\\u0007", "\\u202eevil", "\\u2028", "esc\\u001b[31m", "cr\\rlf"};
    struct talk t;
    ANSWER a = {0};
    if (loop_missing()) return;
    talk_open(&t);
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        LOOP(&t.l, &a, .target = loop_text(FILES "/%s/comments", t.file), .bearer = t.anna, .json = loop_text("{\"text\":\"%s\"}", bad[i]));
        CHECK_STATUS(&a, 400);
    }
    static char longest[LIMIT_MESSAGE_BYTES + 2];
    memset(longest, 'x', sizeof longest - 1);
    CHECK(ask(&t, t.anna, "POST", "/comments", loop_text("{\"text\":\"%s\"}", longest)) == 400);
    longest[LIMIT_MESSAGE_BYTES] = 0;
    const char *path = say(&t, t.anna, longest);
    CHECK(ask(&t, t.anna, "PATCH", path, "{\"text\":\"\\u202d\"}") == 400);
    CHECK(ask(&t, t.anna, "PATCH", path, "{}") == 400);
    /* What looks like markup is text like any other. */
    say(&t, t.anna, "<script>alert(1)</script> & 'quotes'");
    LOOP(&t.l, &a, .target = loop_text(FILES "/%s/comments", t.file), .bearer = t.anna);
    CHECK_U64(loop_count(&a, "items"), 2);
    loop_close(&t.l);
}

TEST(comments_leave_their_records)
{
    static const char *const events[] = {"comment.create", "comment.change", "comment.delete"};
    struct talk t;
    ANSWER a = {0};
    if (loop_missing()) return;
    talk_open(&t);
    const char *admin = loop_user(&t.l, "root@example.com", ROLE_ADMIN), *path = say(&t, t.anna, "x");
    CHECK(ask(&t, t.anna, "PATCH", path, "{\"text\":\"y\"}") == 200 && ask(&t, t.anna, "DELETE", path, NULL) == 204);
    for (size_t i = 0; i < ARRAY_LEN(events); i++) {
        LOOP(&t.l, &a, .target = loop_text("/api/v1/admin/audit-logs?event=%s&object=%s", events[i], t.file), .bearer = admin);
        CHECK_U64(loop_count(&a, "items"), 1);
        CHECK_STR(&a, "items.0.detail", path + sizeof "/comments/" - 1);
    }
    /* They go with the file. */
    say(&t, t.berta, "z");
    CHECK(ask(&t, t.anna, "DELETE", "", NULL) == 204);
    CHECK(ask(&t, t.anna, "GET", "/comments", NULL) == 404);
    loop_close(&t.l);
}
