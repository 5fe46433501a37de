/* Links as their holders meet them: ends, passwords and tickets, and downloads that are counted exactly. */
#include "base/limits.h"
#include "codec/base64.h"
#include "core/app/app.h"
#include "crypto/hpke.h"
#include "integration/loopback.h"

static char bytes[200000];
static const struct slice content = {bytes, sizeof bytes};

/* A product with one sender, one file in one transfer, and a link of it. */
struct scene {
    struct loop l;
    const char *bearer, *file, *transfer, *token;
};

static void begin(struct scene *s, const char *transfer_more, const char *link_json)
{
    loop_pattern(bytes, sizeof bytes, 5);
    loop_open(&s->l);
    s->bearer = loop_user(&s->l, "anna@example.com", ROLE_USER);
    s->file = loop_file(&s->l, s->bearer, "shared.bin", content);
    s->transfer = loop_transfer(&s->l, s->bearer, s->file, transfer_more);
    s->token = link_json ? loop_share(&s->l, s->bearer, s->transfer, link_json) : "";
}

static const char *at(const char *token, const char *rest) { return loop_text("/api/v1/share/%s%s", token, rest); }

static void sign_in_again(struct scene *s) { s->bearer = loop_sign_in(&s->l, "anna@example.com", LOOP_PASSWORD, NULL); }

static int64_t downloads(struct scene *s)
{
    ANSWER a = {0};
    LOOP(&s->l, &a, .target = loop_text("/api/v1/transfers/%s/links", s->transfer), .bearer = s->bearer);
    return loop_num(&a, "items.0.downloads");
}

/* All ways in give the same answer. */
static void check_dead(struct loop *l, const char *token, int status, const char *code)
{
    static const char *const ways[] = {"", "/download", "/content"};
    ANSWER a = {0};
    for (size_t i = 0; i < ARRAY_LEN(ways); i++) {
        LOOP(l, &a, .target = at(token, ways[i]));
        CHECK_PROBLEM(&a, status, code);
    }
    LOOP(l, &a, .target = at(token, "/verify"), .json = "{}");
    CHECK_PROBLEM(&a, status, code);
    LOOP(l, &a, .target = at(token, "/key"), .json = "{\"public_key\":\"dGhpcyBpcyBub3QgYSBzZWNyZXQga2V5LCByZWFsbHk\"}");
    CHECK_PROBLEM(&a, status, code);
}

/* ---- ends ---- */

TEST(link_expires)
{
    struct scene s;
    ANSWER a = {0};
    if (loop_missing()) return;
    begin(&s, ",\"expires_in\":100", "{\"expires_in\":60}");
    const char *longer = loop_share(&s.l, s.bearer, s.transfer, "{\"expires_in\":600}");
    loop_advance(59999);
    LOOP(&s.l, &a, .target = at(s.token, ""));
    CHECK_STATUS(&a, 200);
    loop_advance(1);
    check_dead(&s.l, s.token, 410, "link_expired");
    /* Never longer than its transfer; the job changes nothing about it. */
    LOOP(&s.l, &a, .target = at(longer, "/download"));
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
    begin(&s, "", "{}");
    LOOP(&s.l, &a, .target = loop_text("/api/v1/transfers/%s/links", s.transfer), .bearer = s.bearer);
    const char *link = loop_text("/api/v1/transfers/%s/links/%s", s.transfer, loop_str(&a, "items.0.id"));
    const char *other = loop_share(&s.l, s.bearer, s.transfer, "{}");
    CHECK(loop_is_null(&a, "items.0.token"));
    /* Under a download that runs: it ends well, the next one does not begin. */
    struct loop_request r = {.target = at(s.token, "/download")};
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
    CHECK_SLICE(loop_body(&d), content);
    LOOP(&s.l, &a, .target = at(other, "/download"));
    CHECK_STATUS(&a, 200);
    LOOP(&s.l, &a, .method = "DELETE", .target = loop_text("/api/v1/transfers/%s", s.transfer), .bearer = s.bearer);
    CHECK_STATUS(&a, 204);
    check_dead(&s.l, other, 410, "link_revoked");
    check_dead(&s.l, s.token, 410, "link_revoked");
    static const char *const unknown[] = {"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", "x", "%00", "..."};
    for (size_t i = 0; i < ARRAY_LEN(unknown); i++) {
        LOOP(&s.l, &a, .target = at(unknown[i], "/download"));
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
    begin(&s, "", "{}");
    LOOP(&s.l, &a, .method = "DELETE", .target = loop_text("/api/v1/files/%s", s.file), .bearer = s.bearer);
    CHECK_STATUS(&a, 204);
    LOOP(&s.l, &a, .target = at(s.token, ""));
    CHECK_STATUS(&a, 200);
    CHECK_U64(loop_count(&a, "files"), 0);
    LOOP(&s.l, &a, .target = at(s.token, "/download"));
    CHECK_STATUS(&a, 404);
    LOOP(&s.l, &a, .target = at(s.token, loop_text("/download?file_id=%s", s.file)));
    CHECK_STATUS(&a, 404);
    CHECK_U64(downloads(&s), 0);
    loop_close(&s.l);
}

TEST(link_of_other_peoples_files)
{
    struct scene s;
    ANSWER a = {0};
    if (loop_missing()) return;
    begin(&s, "", "{}");
    const char *other = loop_user(&s.l, "berta@example.com", ROLE_USER), *hers = loop_file(&s.l, other, "hers", SLICE("hers"));
    LOOP(&s.l, &a, .target = "/api/v1/transfers", .bearer = s.bearer, .json = loop_text("{\"file_ids\":[\"%s\",\"%s\"]}", s.file, hers));
    CHECK_STATUS(&a, 400);
    CHECK_STR(&a, "errors.0.field", "file_ids");
    LOOP(&s.l, &a, .target = "/api/v1/transfers", .bearer = s.bearer, .json = loop_text("{\"file_ids\":[\"%s\",\"%s\"]}", s.file, s.file));
    CHECK_STATUS(&a, 400);
    /* A link gives what is in it and nothing else. */
    LOOP(&s.l, &a, .target = at(s.token, loop_text("/download?file_id=%s", hers)));
    CHECK_STATUS(&a, 404);
    LOOP(&s.l, &a, .target = at(s.token, "/key"),
         .json = loop_text("{\"public_key\":\"dGhpcyBpcyBub3QgYSBzZWNyZXQga2V5LCByZWFsbHk\",\"file_id\":\"%s\"}", hers));
    CHECK_STATUS(&a, 404);
    CHECK_U64(downloads(&s), 0);
    static const char *const bad[] = {"{\"expires_in\":0}", "{\"expires_in\":999999999999}", "{\"max_downloads\":0}",
                                      "{\"permission\":\"edit\"}", "{\"password\":\"\"}", "{\"max_downloads\":-1}"};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        LOOP(&s.l, &a, .target = loop_text("/api/v1/transfers/%s/share", s.transfer), .bearer = s.bearer, .json = bad[i]);
        if (a.status != 400) test_fail(__FILE__, __LINE__, "%s gave %d", bad[i], a.status);
    }
    loop_close(&s.l);
}

/* ---- passwords ---- */

static void verify(struct loop *l, const char *token, const char *password, struct loop_answer *a)
{
    LOOP(l, a, .target = at(token, "/verify"), .json = loop_text("{\"password\":%s}", loop_quote(slice_cstr(password))));
}

TEST(link_password_and_ticket)
{
    struct scene s;
    ANSWER a = {0};
    if (loop_missing()) return;
    begin(&s, ",\"title\":\"Secret plans\",\"password\":\"of the transfer\"", "{\"password\":\"of the link\"}");
    const char *inherits = loop_share(&s.l, s.bearer, s.transfer, "{}");
    LOOP(&s.l, &a, .target = at(s.token, ""));
    CHECK_STATUS(&a, 200);
    CHECK_STR(&a, "needs.0", "password");
    CHECK(loop_is_null(&a, "files") && !strstr(a.body, "Secret plans") && !strstr(a.body, "shared.bin"));
    LOOP(&s.l, &a, .target = at(s.token, "/download"));
    CHECK_PROBLEM(&a, 401, "password_required");
    verify(&s.l, s.token, "of the transfer", &a);
    CHECK_PROBLEM(&a, 401, "wrong_password");
    verify(&s.l, s.token, "of the link", &a);
    CHECK_STATUS(&a, 200);
    CHECK_U64(loop_num(&a, "expires_in"), LIMIT_TICKET_MS / 1000);
    const char *ticket = loop_str(&a, "ticket");
    struct slice cookie = loop_header(&a, "set-cookie");
    CHECK(memmem(cookie.ptr, cookie.len, "HttpOnly", 8) && memmem(cookie.ptr, cookie.len, "Secure", 6));
    const char *name = loop_text("x=1; sd_ticket=%s", ticket);
    LOOP(&s.l, &a, .target = at(s.token, ""), .ticket = ticket);
    CHECK_STR(&a, "title", "Secret plans");
    CHECK_U64(loop_count(&a, "needs"), 0);
    LOOP(&s.l, &a, .target = at(s.token, "/download"), .ticket = ticket);
    CHECK_SLICE(loop_body(&a), content);
    LOOP(&s.l, &a, .target = at(s.token, "/download"), .headers = {{SLICE("cookie"), slice_cstr(name)}});
    CHECK_STATUS(&a, 200);
    /* Good for this link, as it is now, for ten minutes. */
    LOOP(&s.l, &a, .target = at(inherits, "/download"), .ticket = ticket);
    CHECK_STATUS(&a, 401);
    verify(&s.l, inherits, "of the transfer", &a);
    CHECK_STATUS(&a, 200);
    for (size_t i = 0; i < strlen(ticket); i += 5) {
        LOOP(&s.l, &a, .target = at(s.token, "/download"), .ticket = loop_text("%.*s%c%s", (int)i, ticket, ticket[i] == 'x' ? 'y' : 'x', ticket + i + 1));
        CHECK_STATUS(&a, 401);
    }
    loop_advance(LIMIT_TICKET_MS - 1);
    LOOP(&s.l, &a, .target = at(s.token, "/download"), .ticket = ticket);
    CHECK_STATUS(&a, 200);
    loop_advance(1);
    LOOP(&s.l, &a, .target = at(s.token, "/download"), .ticket = ticket);
    CHECK_PROBLEM(&a, 401, "password_required");
    loop_close(&s.l);
}

TEST(link_lock)
{
    struct scene s;
    ANSWER a = {0};
    if (loop_missing()) return;
    begin(&s, "", "{\"password\":\"right one\"}");
    for (int round = 0; round < 2; round++) {
        for (int i = 0; i < LIMIT_LINK_ATTEMPTS - 1; i++) {
            verify(&s.l, s.token, "wrong", &a);
            CHECK_PROBLEM(&a, 401, "wrong_password");
        }
        verify(&s.l, s.token, "right one", &a);
        CHECK_STATUS(&a, 200);
    }
    const char *ticket = loop_str(&a, "ticket");
    for (int i = 0; i < LIMIT_LINK_ATTEMPTS; i++) verify(&s.l, s.token, "wrong", &a);
    CHECK_PROBLEM(&a, 401, "wrong_password");
    verify(&s.l, s.token, "right one", &a);
    CHECK_PROBLEM(&a, 423, "link_locked");
    uint64_t wait = 0;
    CHECK_OK(slice_u64(loop_header(&a, "retry-after"), 100000, &wait));
    CHECK(wait > LIMIT_LINK_LOCK_MS / 1000 - 5 && wait <= LIMIT_LINK_LOCK_MS / 1000);
    /* Who is inside stays inside. */
    LOOP(&s.l, &a, .target = at(s.token, "/download"), .ticket = ticket);
    CHECK_STATUS(&a, 200);
    loop_reopen(&s.l);
    loop_advance(LIMIT_LINK_LOCK_MS - 1000);
    verify(&s.l, s.token, "right one", &a);
    CHECK_STATUS(&a, 423);
    loop_advance(1000);
    verify(&s.l, s.token, "wrong", &a);
    CHECK_PROBLEM(&a, 401, "wrong_password");
    verify(&s.l, s.token, "right one", &a);
    CHECK_STATUS(&a, 200);
    loop_close(&s.l);
}

struct takers {
    struct scene *s;
    _Atomic unsigned good, refused, other;
};

static void guess(void *arg, unsigned i)
{
    struct takers *t = arg;
    ANSWER a = {0};
    for (unsigned k = 0; k < 4; k++) {
        verify(&t->s->l, t->s->token, loop_text("guess %u %u", i, k), &a);
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
    begin(&s, "", "{\"password\":\"right one\"}");
    loop_parallel(8, guess, &t);
    CHECK(t.good == LIMIT_LINK_ATTEMPTS && t.refused == 32 - LIMIT_LINK_ATTEMPTS && t.other == 0);
    loop_close(&s.l);
}

/* ---- counting ---- */

static void take_all(void *arg, unsigned i)
{
    struct takers *t = arg;
    ANSWER a = {0};
    (void)i;
    LOOP(&t->s->l, &a, .target = at(t->s->token, "/download"));
    if (a.status == 200 && a.len == content.len) t->good++;
    else if (a.status == 410) t->refused++;
    else t->other++;
}

TEST(link_exact_limit_under_threads)
{
    struct scene s;
    ANSWER a = {0};
    struct takers t = {.s = &s};
    if (loop_missing()) return;
    begin(&s, "", "{\"max_downloads\":3}");
    loop_parallel(16, take_all, &t);
    CHECK(t.good == 3 && t.refused == 13 && t.other == 0);
    CHECK_U64(downloads(&s), 3);
    LOOP(&s.l, &a, .target = at(s.token, ""));
    CHECK_PROBLEM(&a, 410, "link_exhausted");
    /* The limit of the transfer is that of its links. */
    const char *limited = loop_transfer(&s.l, s.bearer, s.file, ",\"max_downloads\":1");
    s.token = loop_share(&s.l, s.bearer, limited, "{}");
    t = (struct takers){.s = &s};
    loop_parallel(6, take_all, &t);
    CHECK(t.good == 1 && t.refused == 5);
    loop_close(&s.l);
}

TEST(link_looking_never_counts)
{
    struct scene s;
    ANSWER a = {0};
    if (loop_missing()) return;
    begin(&s, "", "{\"max_downloads\":1}");
    for (int i = 0; i < 3; i++) {
        LOOP(&s.l, &a, .target = at(s.token, ""));
        CHECK_U64(loop_num(&a, "downloads_left"), 1);
        LOOP(&s.l, &a, .target = loop_text("/s/%s", s.token));
        CHECK_STATUS(&a, 200);
        LOOP(&s.l, &a, .target = at(s.token, "/verify"), .json = "{}");
        CHECK_STATUS(&a, 200);
        LOOP(&s.l, &a, .method = "HEAD", .target = at(s.token, "/download"));
        CHECK_STATUS(&a, 200);
        LOOP(&s.l, &a, .target = at(s.token, "/download"), .headers = {{SLICE("range"), SLICE("bytes=900000-")}});
        CHECK_STATUS(&a, 416);
        LOOP(&s.l, &a, .target = at(s.token, "/download"), .headers = {{SLICE("if-match"), SLICE("\"x\"")}});
        CHECK_STATUS(&a, 412);
        LOOP(&s.l, &a, .target = at(s.token, "/download"), .headers = {{SLICE("if-none-match"), SLICE("*")}});
        CHECK_STATUS(&a, 304);
        LOOP(&s.l, &a, .target = at(s.token, "/content"));
        CHECK_PROBLEM(&a, 400, "grant_required");
        CHECK_U64(downloads(&s), 0);
    }
    LOOP(&s.l, &a, .target = at(s.token, "/download"));
    CHECK_STATUS(&a, 200);
    CHECK_U64(downloads(&s), 1);
    loop_close(&s.l);
}

static void take_some(struct scene *s, const char *range, uint64_t n)
{
    ANSWER a = {0};
    LOOP(&s->l, &a, .target = at(s->token, "/download"), .stop = true, .stop_after = n,
         .headers = {{range ? SLICE("range") : (struct slice){0}, slice_cstr(range)}});
    if (a.status != (range ? 206 : 200)) test_fail(__FILE__, __LINE__, "%d", a.status);
}

TEST(link_stopped_downloads)
{
    struct scene s;
    ANSWER a = {0};
    if (loop_missing()) return;
    begin(&s, "", "{\"max_downloads\":2}");
    /* Given back; but what was sent adds up: two and a half halves are one. */
    take_some(&s, NULL, 80000);
    CHECK_U64(downloads(&s), 0);
    take_some(&s, NULL, 80000);
    CHECK_U64(downloads(&s), 0);
    take_some(&s, NULL, 80000);
    CHECK_U64(downloads(&s), 1);
    /* The same in ranges that never reach the end. 40,000 are over from before. */
    LOOP(&s.l, &a, .target = at(s.token, "/download"), .headers = {{SLICE("range"), SLICE("bytes=0-99999")}});
    CHECK_STATUS(&a, 206);
    CHECK_U64(downloads(&s), 1);
    LOOP(&s.l, &a, .target = at(s.token, "/download"), .headers = {{SLICE("range"), SLICE("bytes=100000-199998")}});
    CHECK_STATUS(&a, 206);
    CHECK_U64(downloads(&s), 2);
    LOOP(&s.l, &a, .target = at(s.token, "/download"));
    CHECK_PROBLEM(&a, 410, "link_exhausted");
    loop_close(&s.l);
}

TEST(link_resumed_download_counts_once)
{
    struct scene s;
    ANSWER a = {0};
    if (loop_missing()) return;
    begin(&s, "", "{\"max_downloads\":1}");
    take_some(&s, NULL, 80000);
    LOOP(&s.l, &a, .target = at(s.token, "/download"), .headers = {{SLICE("range"), SLICE("bytes=80000-")}});
    CHECK_STATUS(&a, 206);
    CHECK_SLICE(loop_body(&a), slice_sub(content, 80000, content.len));
    CHECK_U64(downloads(&s), 1);
    loop_close(&s.l);
}

TEST(link_exhausted_only_when_it_is)
{
    struct scene s;
    ANSWER a = {0};
    ANSWER d = {0};
    if (loop_missing()) return;
    begin(&s, "", "{\"max_downloads\":1}");
    struct loop_request r = {.target = at(s.token, "/download")};
    struct loop_exchange *x = loop_begin(&s.l, &r);
    loop_finish(x, &d);
    CHECK(loop_take(x, &d, 1000));
    /* Taken, but not used up: the page still shows, a second download does not begin. */
    LOOP(&s.l, &a, .target = at(s.token, ""));
    CHECK_STATUS(&a, 200);
    CHECK_U64(loop_num(&a, "downloads_left"), 0);
    LOOP(&s.l, &a, .target = at(s.token, "/download"));
    CHECK_PROBLEM(&a, 410, "link_exhausted");
    loop_end(x, &d, false);
    LOOP(&s.l, &a, .target = at(s.token, "/download"));
    CHECK_STATUS(&a, 200);
    LOOP(&s.l, &a, .target = at(s.token, "/download"));
    CHECK_PROBLEM(&a, 410, "link_exhausted");
    loop_close(&s.l);
}

TEST(link_slow_download_keeps_its_grant)
{
    struct scene s;
    ANSWER a = {0};
    ANSWER d = {0};
    if (loop_missing()) return;
    begin(&s, "", "{\"max_downloads\":1}");
    struct loop_request r = {.target = at(s.token, "/download")};
    struct loop_exchange *x = loop_begin(&s.l, &r);
    loop_finish(x, &d);
    for (int i = 0; i < 4; i++) {
        CHECK(loop_take(x, &d, 1000));
        loop_advance(LIMIT_GRANT_MS / 2);
        loop_jobs(&s.l);
        LOOP(&s.l, &a, .target = at(s.token, "/download"));
        CHECK_PROBLEM(&a, 410, "link_exhausted");
    }
    while (loop_take(x, &d, 50000)) continue;
    loop_end(x, &d, true);
    CHECK_SLICE(loop_body(&d), content);
    sign_in_again(&s);
    CHECK_U64(downloads(&s), 1);
    loop_close(&s.l);
}

static const char *ticket_of(struct scene *s)
{
    ANSWER a = {0};
    LOOP(&s->l, &a, .target = at(s->token, "/verify"), .json = "{\"password\":\"right one\"}");
    return loop_str(&a, "ticket");
}

TEST(link_ticket_shares_a_grant)
{
    struct scene s;
    ANSWER a = {0};
    if (loop_missing()) return;
    begin(&s, "", NULL);
    const char *ids[3];
    for (size_t i = 0; i < 3; i++) ids[i] = loop_file(&s.l, s.bearer, loop_text("f%zu", i), slice_sub(content, i, 50000));
    s.transfer = loop_transfer(&s.l, s.bearer, loop_text("%s %s %s", ids[0], ids[1], ids[2]), "");
    s.token = loop_share(&s.l, s.bearer, s.transfer, "{\"max_downloads\":2,\"password\":\"right one\"}");
    const char *ticket = ticket_of(&s);
    for (size_t i = 0; i < 3; i++) {
        LOOP(&s.l, &a, .target = at(s.token, loop_text("/download?file_id=%s", ids[i])), .ticket = ticket);
        CHECK_STATUS(&a, 200);
        CHECK_SLICE(loop_body(&a), slice_sub(content, i, 50000));
        CHECK_U64(downloads(&s), 1);
    }
    /* Another visitor is another download. */
    ticket = ticket_of(&s);
    LOOP(&s.l, &a, .target = at(s.token, "/download"), .ticket = ticket);
    CHECK_STATUS(&a, 200);
    CHECK_U64(downloads(&s), 2);
    ticket = ticket_of(&s);
    CHECK(!ticket[0]);
    loop_close(&s.l);
}

/* Giving up one of two requests under a grant must not make the other one free. */
TEST(link_ticket_is_no_way_round_the_limit)
{
    struct scene s;
    ANSWER one = {0};
    ANSWER two = {0};
    if (loop_missing()) return;
    begin(&s, "", "{\"max_downloads\":1,\"password\":\"right one\"}");
    struct loop_request r = {.target = at(s.token, "/download"), .ticket = ticket_of(&s)};
    struct loop_exchange *x = loop_begin(&s.l, &r), *y = loop_begin(&s.l, &r);
    loop_finish(x, &one);
    loop_finish(y, &two);
    CHECK_U64(downloads(&s), 1);
    CHECK(loop_take(x, &one, 10));
    loop_end(x, &one, false);
    while (loop_take(y, &two, 50000)) continue;
    loop_end(y, &two, true);
    CHECK_SLICE(loop_body(&two), content);
    CHECK_U64(downloads(&s), 1);
    loop_close(&s.l);
}

TEST(link_ticketed_download_given_back)
{
    struct scene s;
    ANSWER a = {0};
    if (loop_missing()) return;
    begin(&s, "", "{\"max_downloads\":1,\"password\":\"right one\"}");
    LOOP(&s.l, &a, .target = at(s.token, "/download"), .ticket = ticket_of(&s), .stop = true, .stop_after = 10);
    CHECK_U64(downloads(&s), 0);
    /* Somebody else may now. */
    LOOP(&s.l, &a, .target = at(s.token, "/download"), .ticket = ticket_of(&s));
    CHECK_STATUS(&a, 200);
    CHECK_U64(downloads(&s), 1);
    loop_close(&s.l);
}

TEST(link_view_only)
{
    struct scene s;
    ANSWER a = {0};
    if (loop_missing()) return;
    begin(&s, "", "{\"permission\":\"view\"}");
    LOOP(&s.l, &a, .target = at(s.token, ""));
    CHECK_STR(&a, "permission", "view");
    LOOP(&s.l, &a, .target = at(s.token, "/download"));
    CHECK_PROBLEM(&a, 403, "view_only");
    LOOP(&s.l, &a, .target = at(s.token, "/key"), .json = "{\"public_key\":\"dGhpcyBpcyBub3QgYSBzZWNyZXQga2V5LCByZWFsbHk\"}");
    CHECK_PROBLEM(&a, 403, "view_only");
    CHECK_U64(downloads(&s), 0);
    loop_close(&s.l);
}

/* ---- by key: what the command line does ---- */

/* Asks for a key, maybe under a grant; the grant. */
static const char *take_key(struct scene *s, const char *grant, struct loop_answer *a)
{
    LOOP(&s->l, a, .target = at(s->token, "/key"),
         .json = loop_text("{\"public_key\":\"dGhpcyBpcyBub3QgYSBzZWNyZXQga2V5LCByZWFsbHk\"%s}",
                           grant ? loop_text(",\"grant\":\"%s\"", grant) : ""));
    return loop_str(a, "grant");
}

TEST(link_key_content_done)
{
    struct scene s;
    ANSWER a = {0};
    if (loop_missing()) return;
    begin(&s, "", "{\"max_downloads\":1}");
    const char *grant = take_key(&s, NULL, &a);
    CHECK_STATUS(&a, 200);
    CHECK_U64(downloads(&s), 1);
    LOOP(&s.l, &a, .target = at(s.token, loop_text("/content?grant=%s", grant)));
    CHECK_STATUS(&a, 200);
    size_t whole = a.len;
    LOOP(&s.l, &a, .target = at(s.token, loop_text("/content?grant=%s", grant)), .headers = {{SLICE("range"), SLICE("bytes=100-")}});
    CHECK_U64(a.len, whole - 100);
    take_key(&s, grant, &a);
    CHECK_STATUS(&a, 200);
    for (int i = 0; i < 2; i++) {
        LOOP(&s.l, &a, .target = at(s.token, "/done"), .json = loop_text("{\"grant\":\"%s\"}", grant));
        CHECK_STATUS(&a, 204);
    }
    CHECK_U64(downloads(&s), 1);
    take_key(&s, NULL, &a);
    CHECK_PROBLEM(&a, 410, "link_exhausted");
    /* A grant is its link's alone, and so is what it opens. */
    const char *other = loop_share(&s.l, s.bearer, s.transfer, "{}");
    LOOP(&s.l, &a, .target = at(other, loop_text("/content?grant=%s", grant)));
    CHECK_PROBLEM(&a, 410, "grant_expired");
    LOOP(&s.l, &a, .target = at(other, "/done"), .json = loop_text("{\"grant\":\"%s\"}", grant));
    CHECK_STATUS(&a, 404);
    LOOP(&s.l, &a, .target = at(s.token, "/content?grant=01890a5d-ac96-774b-bcce-b302099a8057"));
    CHECK_PROBLEM(&a, 410, "grant_expired");
    LOOP(&s.l, &a, .target = at(s.token, "/content?grant=x"));
    CHECK_STATUS(&a, 400);
    loop_close(&s.l);
}

TEST(link_abandoned_grant)
{
    struct scene s;
    ANSWER a = {0};
    if (loop_missing()) return;
    begin(&s, "", "{\"max_downloads\":1}");
    const char *grant = take_key(&s, NULL, &a);
    loop_advance(LIMIT_GRANT_MS - 1000);
    loop_jobs(&s.l);
    sign_in_again(&s);
    CHECK_U64(downloads(&s), 1);
    loop_advance(61000);
    loop_jobs(&s.l);
    CHECK_U64(downloads(&s), 0);
    LOOP(&s.l, &a, .target = at(s.token, loop_text("/content?grant=%s", grant)));
    CHECK_PROBLEM(&a, 410, "grant_expired");
    /* Abandoned after all the bytes were sent: it counts. */
    grant = take_key(&s, NULL, &a);
    LOOP(&s.l, &a, .target = at(s.token, loop_text("/content?grant=%s", grant)));
    CHECK_STATUS(&a, 200);
    loop_advance(LIMIT_GRANT_MS + 61000);
    loop_jobs(&s.l);
    loop_advance(61000);
    loop_jobs(&s.l);
    sign_in_again(&s);
    CHECK_U64(downloads(&s), 1);
    loop_close(&s.l);
}
