/* Links as their holders meet them: how they end, what they give, passwords and tickets. */
#include "integration/scene.h"

/* All ways in give the same answer. */
static void check_dead(struct loop *l, const char *token, int status, const char *code)
{
    static const char *const ways[] = {"", "/download", "/content"};
    ANSWER a = {0};
    for (size_t i = 0; i < ARRAY_LEN(ways); i++) {
        LOOP(l, &a, .target = share_at(token, ways[i]));
        CHECK_PROBLEM(&a, status, code);
    }
    LOOP(l, &a, .target = share_at(token, "/verify"), .json = "{}");
    CHECK_PROBLEM(&a, status, code);
    LOOP(l, &a, .target = share_at(token, "/key"), .json = "{\"public_key\":\"dGhpcyBpcyBub3QgYSBzZWNyZXQga2V5LCByZWFsbHk\"}");
    CHECK_PROBLEM(&a, status, code);
}

/* ---- ends ---- */

TEST(link_expires)
{
    struct scene s;
    ANSWER a = {0};
    if (loop_missing()) return;
    scene_open(&s, ",\"expires_in\":100", "{\"expires_in\":60}");
    const char *longer = loop_share(&s.l, s.bearer, s.transfer, "{\"expires_in\":600}");
    loop_advance(59999);
    LOOP(&s.l, &a, .target = share_at(s.token, ""));
    CHECK_STATUS(&a, 200);
    loop_advance(1);
    check_dead(&s.l, s.token, 410, "link_expired");
    /* Never longer than its transfer; the job changes nothing about it. */
    LOOP(&s.l, &a, .target = share_at(longer, "/download"));
    CHECK_STATUS(&a, 200);
    loop_advance(40000);
    check_dead(&s.l, longer, 410, "link_expired");
    loop_jobs(&s.l);
    loop_advance(61000);
    loop_jobs(&s.l);
    check_dead(&s.l, longer, 410, "link_expired");
    check_dead(&s.l, s.token, 410, "link_expired");
    LOOP(&s.l, &a, .target = loop_text("/api/v1/transfers/%s", s.transfer), .bearer = s.bearer);
    CHECK_STATUS(&a, 404);
    /* The file stays with its owner. After a month the tombstone goes. */
    LOOP(&s.l, &a, .target = loop_text("/api/v1/files/%s", s.file), .bearer = s.bearer);
    CHECK_STATUS(&a, 200);
    loop_advance(LIMIT_TOMBSTONE_MS + 61000);
    loop_jobs(&s.l);
    check_dead(&s.l, s.token, 404, "not_found");
    loop_close(&s.l);
}

TEST(link_revoked_deleted_unknown)
{
    struct scene s;
    ANSWER a = {0};
    if (loop_missing()) return;
    scene_open(&s, "", "{}");
    LOOP(&s.l, &a, .target = loop_text("/api/v1/transfers/%s/links", s.transfer), .bearer = s.bearer);
    const char *link = loop_text("/api/v1/transfers/%s/links/%s", s.transfer, loop_str(&a, "items.0.id"));
    const char *other = loop_share(&s.l, s.bearer, s.transfer, "{}");
    CHECK(loop_is_null(&a, "items.0.token"));
    /* Under a download that runs: it ends well, the next one does not begin. */
    struct loop_request r = {.target = share_at(s.token, "/download")};
    struct loop_exchange *x = loop_begin(&s.l, &r);
    ANSWER d = {0};
    loop_finish(x, &d);
    CHECK(loop_take(x, &d, 1000));
    for (int i = 0; i < 2; i++) {
        LOOP(&s.l, &a, .method = "DELETE", .target = link, .bearer = s.bearer);
        CHECK_STATUS(&a, 204);
    }
    check_dead(&s.l, s.token, 410, "link_revoked");
    while (loop_take(x, &d, 50000)) continue;
    loop_end(x, &d, true);
    CHECK_SLICE(loop_body(&d), s.content);
    LOOP(&s.l, &a, .target = share_at(other, "/download"));
    CHECK_STATUS(&a, 200);
    LOOP(&s.l, &a, .method = "DELETE", .target = loop_text("/api/v1/transfers/%s", s.transfer), .bearer = s.bearer);
    CHECK_STATUS(&a, 204);
    check_dead(&s.l, other, 410, "link_revoked");
    check_dead(&s.l, s.token, 410, "link_revoked");
    static const char *const unknown[] = {"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", "x", "%00", "..."};
    for (size_t i = 0; i < ARRAY_LEN(unknown); i++) {
        LOOP(&s.l, &a, .target = share_at(unknown[i], "/download"));
        CHECK(a.status == 404 || a.status == 400);
    }
    /* One letter off. */
    const char *near = loop_text("%.10s%c%s", s.token, s.token[10] == 'A' ? 'B' : 'A', s.token + 11);
    check_dead(&s.l, near, 404, "not_found");
    loop_close(&s.l);
}

TEST(link_with_files_that_are_gone)
{
    struct scene s;
    ANSWER a = {0};
    if (loop_missing()) return;
    scene_open(&s, "", "{}");
    LOOP(&s.l, &a, .method = "DELETE", .target = loop_text("/api/v1/files/%s", s.file), .bearer = s.bearer);
    CHECK_STATUS(&a, 204);
    LOOP(&s.l, &a, .target = share_at(s.token, ""));
    CHECK_STATUS(&a, 200);
    CHECK_U64(loop_count(&a, "files"), 0);
    LOOP(&s.l, &a, .target = share_at(s.token, "/download"));
    CHECK_PROBLEM(&a, 410, "files_gone");
    LOOP(&s.l, &a, .target = share_at(s.token, loop_text("/download?file_id=%s", s.file)));
    CHECK_STATUS(&a, 404);
    CHECK_U64(scene_downloads(&s), 0);
    loop_close(&s.l);
}

TEST(link_of_other_peoples_files)
{
    struct scene s;
    ANSWER a = {0};
    if (loop_missing()) return;
    scene_open(&s, "", "{}");
    const char *other = loop_user(&s.l, "berta@example.com", ROLE_USER), *hers = loop_file(&s.l, other, "hers", SLICE("hers"));
    LOOP(&s.l, &a, .target = "/api/v1/transfers", .bearer = s.bearer, .json = loop_text("{\"file_ids\":[\"%s\",\"%s\"]}", s.file, hers));
    CHECK_STATUS(&a, 400);
    CHECK_STR(&a, "errors.0.field", "file_ids");
    LOOP(&s.l, &a, .target = "/api/v1/transfers", .bearer = s.bearer, .json = loop_text("{\"file_ids\":[\"%s\",\"%s\"]}", s.file, s.file));
    CHECK_STATUS(&a, 400);
    /* A link gives what is in it and nothing else. */
    LOOP(&s.l, &a, .target = share_at(s.token, loop_text("/download?file_id=%s", hers)));
    CHECK_STATUS(&a, 404);
    LOOP(&s.l, &a, .target = share_at(s.token, "/key"),
         .json = loop_text("{\"public_key\":\"dGhpcyBpcyBub3QgYSBzZWNyZXQga2V5LCByZWFsbHk\",\"file_id\":\"%s\"}", hers));
    CHECK_STATUS(&a, 404);
    CHECK_U64(scene_downloads(&s), 0);
    static const char *const bad[] = {"{\"expires_in\":0}", "{\"expires_in\":999999999999}", "{\"max_downloads\":0}",
                                      "{\"permission\":\"edit\"}", "{\"password\":\"\"}", "{\"max_downloads\":-1}"};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        LOOP(&s.l, &a, .target = loop_text("/api/v1/transfers/%s/share", s.transfer), .bearer = s.bearer, .json = bad[i]);
        if (a.status != 400) test_fail(__FILE__, __LINE__, "%s gave %d", bad[i], a.status);
    }
    loop_close(&s.l);
}

/* ---- passwords ---- */

TEST(link_password_and_ticket)
{
    struct scene s;
    ANSWER a = {0};
    if (loop_missing()) return;
    scene_open(&s, ",\"title\":\"Secret plans\",\"password\":\"of the transfer\"", "{\"password\":\"of the link\"}");
    const char *inherits = loop_share(&s.l, s.bearer, s.transfer, "{}");
    LOOP(&s.l, &a, .target = share_at(s.token, ""));
    CHECK_STATUS(&a, 200);
    CHECK_STR(&a, "needs.0", "password");
    CHECK(loop_is_null(&a, "files") && !strstr(a.body, "Secret plans") && !strstr(a.body, "shared.bin"));
    LOOP(&s.l, &a, .target = share_at(s.token, "/download"));
    CHECK_PROBLEM(&a, 401, "password_required");
    scene_verify(&s, "of the transfer", &a);
    CHECK_PROBLEM(&a, 401, "wrong_password");
    scene_verify(&s, "of the link", &a);
    CHECK_STATUS(&a, 200);
    CHECK_U64(loop_num(&a, "expires_in"), LIMIT_TICKET_MS / 1000);
    const char *ticket = loop_str(&a, "ticket");
    struct slice cookie = loop_header(&a, "set-cookie");
    CHECK(memmem(cookie.ptr, cookie.len, "HttpOnly", 8) && memmem(cookie.ptr, cookie.len, "Secure", 6));
    const char *name = loop_text("x=1; sd_ticket=%s", ticket);
    LOOP(&s.l, &a, .target = share_at(s.token, ""), .ticket = ticket);
    CHECK_STR(&a, "title", "Secret plans");
    CHECK_U64(loop_count(&a, "needs"), 0);
    LOOP(&s.l, &a, .target = share_at(s.token, "/download"), .ticket = ticket);
    CHECK_SLICE(loop_body(&a), s.content);
    LOOP(&s.l, &a, .target = share_at(s.token, "/download"), .headers = {{SLICE("cookie"), slice_cstr(name)}});
    CHECK_STATUS(&a, 200);
    /* Good for this link, as it is now, for ten minutes. */
    LOOP(&s.l, &a, .target = share_at(inherits, "/download"), .ticket = ticket);
    CHECK_STATUS(&a, 401);
    LOOP(&s.l, &a, .target = share_at(inherits, "/verify"), .json = "{\"password\":\"of the transfer\"}");
    CHECK_STATUS(&a, 200);
    /* Nor for one that has the very same password of the transfer. */
    const char *sibling = loop_share(&s.l, s.bearer, s.transfer, "{}");
    LOOP(&s.l, &a, .target = share_at(sibling, "/download"), .ticket = loop_str(&a, "ticket"));
    CHECK_PROBLEM(&a, 401, "password_required");
    for (size_t i = 0; i < strlen(ticket); i += 5) {
        const char *bad = loop_text("%.*s%c%s", (int)i, ticket, ticket[i] == 'x' ? 'y' : 'x', ticket + i + 1);
        LOOP(&s.l, &a, .target = share_at(s.token, "/download"), .ticket = bad);
        CHECK_STATUS(&a, 401);
    }
    loop_advance(LIMIT_TICKET_MS - 1);
    LOOP(&s.l, &a, .target = share_at(s.token, "/download"), .ticket = ticket);
    CHECK_STATUS(&a, 200);
    loop_advance(1);
    LOOP(&s.l, &a, .target = share_at(s.token, "/download"), .ticket = ticket);
    CHECK_PROBLEM(&a, 401, "password_required");
    loop_close(&s.l);
}

TEST(link_ticket_ends_with_its_link)
{
    struct scene s;
    ANSWER a = {0};
    if (loop_missing()) return;
    scene_open(&s, "", "{\"password\":\"" SCENE_PASSWORD "\"}");
    const char *ticket = scene_ticket(&s);
    LOOP(&s.l, &a, .target = loop_text("/api/v1/transfers/%s/links", s.transfer), .bearer = s.bearer);
    const char *link = loop_text("/api/v1/transfers/%s/links/%s", s.transfer, loop_str(&a, "items.0.id"));
    LOOP(&s.l, &a, .target = share_at(s.token, "/download"), .ticket = ticket);
    CHECK_STATUS(&a, 200);
    LOOP(&s.l, &a, .method = "DELETE", .target = link, .bearer = s.bearer);
    CHECK_STATUS(&a, 204);
    LOOP(&s.l, &a, .target = share_at(s.token, "/download"), .ticket = ticket);
    CHECK_PROBLEM(&a, 410, "link_revoked");
    loop_close(&s.l);
}

TEST(link_lock)
{
    struct scene s;
    ANSWER a = {0};
    if (loop_missing()) return;
    scene_open(&s, "", "{\"password\":\"right one\"}");
    for (int round = 0; round < 2; round++) {
        for (int i = 0; i < LIMIT_LINK_ATTEMPTS - 1; i++) {
            scene_verify(&s, "wrong", &a);
            CHECK_PROBLEM(&a, 401, "wrong_password");
        }
        scene_verify(&s, "right one", &a);
        CHECK_STATUS(&a, 200);
    }
    const char *ticket = loop_str(&a, "ticket");
    for (int i = 0; i < LIMIT_LINK_ATTEMPTS; i++) scene_verify(&s, "wrong", &a);
    CHECK_PROBLEM(&a, 401, "wrong_password");
    scene_verify(&s, "right one", &a);
    CHECK_PROBLEM(&a, 423, "link_locked");
    uint64_t wait = 0;
    CHECK_OK(slice_u64(loop_header(&a, "retry-after"), 100000, &wait));
    CHECK(wait > LIMIT_LINK_LOCK_MS / 1000 - 5 && wait <= LIMIT_LINK_LOCK_MS / 1000);
    /* Who is inside stays inside. */
    LOOP(&s.l, &a, .target = share_at(s.token, "/download"), .ticket = ticket);
    CHECK_STATUS(&a, 200);
    loop_reopen(&s.l);
    loop_advance(LIMIT_LINK_LOCK_MS - 1000);
    scene_verify(&s, "right one", &a);
    CHECK_STATUS(&a, 423);
    loop_advance(1000);
    scene_verify(&s, "wrong", &a);
    CHECK_PROBLEM(&a, 401, "wrong_password");
    scene_verify(&s, "right one", &a);
    CHECK_STATUS(&a, 200);
    loop_close(&s.l);
}

static void guess(void *arg, unsigned i)
{
    struct takers *t = arg;
    ANSWER a = {0};
    for (unsigned k = 0; k < 4; k++) {
        scene_verify(t->s, loop_text("guess %u %u", i, k), &a);
        if (a.status == 401) t->good++;
        else if (a.status == 423) t->refused++;
        else t->other++;
    }
}

TEST(link_parallel_guesses)
{
    struct scene s;
    struct takers t = {.s = &s};
    if (loop_missing()) return;
    scene_open(&s, "", "{\"password\":\"right one\"}");
    loop_parallel(8, guess, &t);
    CHECK(t.good == LIMIT_LINK_ATTEMPTS && t.refused == 32 - LIMIT_LINK_ATTEMPTS && t.other == 0);
    loop_close(&s.l);
}

