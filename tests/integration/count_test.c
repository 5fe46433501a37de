/* Downloads of links are counted exactly: whoever asks at once, gives up, comes back, looks only, or takes the keys. */
#include "integration/scene.h"

static void take_all(void *arg, unsigned i)
{
    struct takers *t = arg;
    ANSWER a = {0};
    (void)i;
    LOOP(&t->s->l, &a, .target = share_at(t->s->token, "/download"));
    if (a.status == 200 && a.len == t->s->content.len) t->good++;
    else if (a.status == 410) t->refused++;
    else t->other++;
}

TEST(count_exact_limit_under_threads)
{
    struct scene s;
    ANSWER a = {0};
    struct takers t = {.s = &s};
    if (loop_missing()) return;
    scene_open(&s, "", "{\"max_downloads\":3}");
    loop_parallel(16, take_all, &t);
    CHECK(t.good == 3 && t.refused == 13 && t.other == 0);
    CHECK_U64(scene_downloads(&s), 3);
    LOOP(&s.l, &a, .target = share_at(s.token, ""));
    CHECK_PROBLEM(&a, 410, "link_exhausted");
    /* The limit of the transfer is that of its links. */
    const char *limited = loop_transfer(&s.l, s.bearer, s.file, ",\"max_downloads\":1");
    s.token = loop_share(&s.l, s.bearer, limited, "{}");
    t = (struct takers){.s = &s};
    loop_parallel(6, take_all, &t);
    CHECK(t.good == 1 && t.refused == 5);
    loop_close(&s.l);
}

TEST(count_looking_never_counts)
{
    struct scene s;
    ANSWER a = {0};
    if (loop_missing()) return;
    scene_open(&s, "", "{\"max_downloads\":1}");
    for (int i = 0; i < 3; i++) {
        LOOP(&s.l, &a, .target = share_at(s.token, ""));
        CHECK_U64(loop_num(&a, "downloads_left"), 1);
        LOOP(&s.l, &a, .target = loop_text("/s/%s", s.token));
        CHECK_STATUS(&a, 200);
        LOOP(&s.l, &a, .target = share_at(s.token, "/verify"), .json = "{}");
        CHECK_STATUS(&a, 200);
        LOOP(&s.l, &a, .method = "HEAD", .target = share_at(s.token, "/download"));
        CHECK_STATUS(&a, 200);
        LOOP(&s.l, &a, .target = share_at(s.token, "/download"), .headers = {{SLICE("range"), SLICE("bytes=900000-")}});
        CHECK_STATUS(&a, 416);
        LOOP(&s.l, &a, .target = share_at(s.token, "/download"), .headers = {{SLICE("if-match"), SLICE("\"x\"")}});
        CHECK_STATUS(&a, 412);
        LOOP(&s.l, &a, .target = share_at(s.token, "/download"), .headers = {{SLICE("if-none-match"), SLICE("*")}});
        CHECK_STATUS(&a, 304);
        LOOP(&s.l, &a, .target = share_at(s.token, "/content"));
        CHECK_PROBLEM(&a, 400, "grant_required");
        CHECK_U64(scene_downloads(&s), 0);
    }
    LOOP(&s.l, &a, .target = share_at(s.token, "/download"));
    CHECK_STATUS(&a, 200);
    CHECK_U64(scene_downloads(&s), 1);
    loop_close(&s.l);
}

static void take_some(struct scene *s, const char *range, uint64_t n)
{
    ANSWER a = {0};
    LOOP(&s->l, &a, .target = share_at(s->token, "/download"), .stop = true, .stop_after = n,
         .headers = {{range ? SLICE("range") : (struct slice){0}, slice_cstr(range)}});
    if (a.status != (range ? 206 : 200)) test_fail(__FILE__, __LINE__, "%d", a.status);
}

TEST(count_stopped_downloads)
{
    struct scene s;
    ANSWER a = {0};
    if (loop_missing()) return;
    scene_open(&s, "", "{\"max_downloads\":2}");
    /* Given back; but what was sent adds up: two and a half halves are one. */
    take_some(&s, NULL, 80000);
    CHECK_U64(scene_downloads(&s), 0);
    take_some(&s, NULL, 80000);
    CHECK_U64(scene_downloads(&s), 0);
    take_some(&s, NULL, 80000);
    CHECK_U64(scene_downloads(&s), 1);
    /* The same in ranges that never reach the end. 40,000 are over from before. */
    LOOP(&s.l, &a, .target = share_at(s.token, "/download"), .headers = {{SLICE("range"), SLICE("bytes=0-99999")}});
    CHECK_STATUS(&a, 206);
    CHECK_U64(scene_downloads(&s), 1);
    LOOP(&s.l, &a, .target = share_at(s.token, "/download"), .headers = {{SLICE("range"), SLICE("bytes=100000-199998")}});
    CHECK_STATUS(&a, 206);
    CHECK_U64(scene_downloads(&s), 2);
    LOOP(&s.l, &a, .target = share_at(s.token, "/download"));
    CHECK_PROBLEM(&a, 410, "link_exhausted");
    loop_close(&s.l);
}

TEST(count_resumed_download_counts_once)
{
    struct scene s;
    ANSWER a = {0};
    if (loop_missing()) return;
    scene_open(&s, "", "{\"max_downloads\":1}");
    take_some(&s, NULL, 80000);
    LOOP(&s.l, &a, .target = share_at(s.token, "/download"), .headers = {{SLICE("range"), SLICE("bytes=80000-")}});
    CHECK_STATUS(&a, 206);
    CHECK_SLICE(loop_body(&a), slice_sub(s.content, 80000, s.content.len));
    CHECK_U64(scene_downloads(&s), 1);
    loop_close(&s.l);
}

TEST(count_exhausted_only_when_it_is)
{
    struct scene s;
    ANSWER a = {0};
    ANSWER d = {0};
    if (loop_missing()) return;
    scene_open(&s, "", "{\"max_downloads\":1}");
    struct loop_request r = {.target = share_at(s.token, "/download")};
    struct loop_exchange *x = loop_begin(&s.l, &r);
    loop_finish(x, &d);
    CHECK(loop_take(x, &d, 1000));
    /* Taken, but not used up: the page still shows, a second download does not begin. */
    LOOP(&s.l, &a, .target = share_at(s.token, ""));
    CHECK_STATUS(&a, 200);
    CHECK_U64(loop_num(&a, "downloads_left"), 0);
    LOOP(&s.l, &a, .target = share_at(s.token, "/download"));
    CHECK_PROBLEM(&a, 410, "link_exhausted");
    loop_end(x, &d, false);
    LOOP(&s.l, &a, .target = share_at(s.token, "/download"));
    CHECK_STATUS(&a, 200);
    LOOP(&s.l, &a, .target = share_at(s.token, "/download"));
    CHECK_PROBLEM(&a, 410, "link_exhausted");
    loop_close(&s.l);
}

TEST(count_slow_download_keeps_its_grant)
{
    struct scene s;
    ANSWER a = {0};
    ANSWER d = {0};
    if (loop_missing()) return;
    scene_open(&s, "", "{\"max_downloads\":1}");
    struct loop_request r = {.target = share_at(s.token, "/download")};
    struct loop_exchange *x = loop_begin(&s.l, &r);
    loop_finish(x, &d);
    for (int i = 0; i < 4; i++) {
        CHECK(loop_take(x, &d, 1000));
        loop_advance(LIMIT_GRANT_MS / 2);
        loop_jobs(&s.l);
        LOOP(&s.l, &a, .target = share_at(s.token, "/download"));
        CHECK_PROBLEM(&a, 410, "link_exhausted");
    }
    while (loop_take(x, &d, 50000)) continue;
    loop_end(x, &d, true);
    CHECK_SLICE(loop_body(&d), s.content);
    scene_sign_in(&s);
    CHECK_U64(scene_downloads(&s), 1);
    loop_close(&s.l);
}

TEST(count_ticket_shares_a_grant)
{
    struct scene s;
    ANSWER a = {0};
    if (loop_missing()) return;
    scene_open(&s, "", NULL);
    const char *ids[3];
    for (size_t i = 0; i < 3; i++) ids[i] = loop_file(&s.l, s.bearer, loop_text("f%zu", i), slice_sub(s.content, i, 50000));
    s.transfer = loop_transfer(&s.l, s.bearer, loop_text("%s %s %s", ids[0], ids[1], ids[2]), "");
    s.token = loop_share(&s.l, s.bearer, s.transfer, "{\"max_downloads\":2,\"password\":\"right one\"}");
    const char *ticket = scene_ticket(&s);
    for (size_t i = 0; i < 3; i++) {
        LOOP(&s.l, &a, .target = share_at(s.token, loop_text("/download?file_id=%s", ids[i])), .ticket = ticket);
        CHECK_STATUS(&a, 200);
        CHECK_SLICE(loop_body(&a), slice_sub(s.content, i, 50000));
        CHECK_U64(scene_downloads(&s), 1);
    }
    /* Another visitor is another download. */
    ticket = scene_ticket(&s);
    LOOP(&s.l, &a, .target = share_at(s.token, "/download"), .ticket = ticket);
    CHECK_STATUS(&a, 200);
    CHECK_U64(scene_downloads(&s), 2);
    ticket = scene_ticket(&s);
    CHECK(!ticket[0]);
    loop_close(&s.l);
}

/* Giving up one of two requests under a grant must not make the other one free. */
TEST(count_ticket_is_no_way_round_the_limit)
{
    struct scene s;
    ANSWER one = {0};
    ANSWER two = {0};
    if (loop_missing()) return;
    scene_open(&s, "", "{\"max_downloads\":1,\"password\":\"right one\"}");
    struct loop_request r = {.target = share_at(s.token, "/download"), .ticket = scene_ticket(&s)};
    struct loop_exchange *x = loop_begin(&s.l, &r), *y = loop_begin(&s.l, &r);
    loop_finish(x, &one);
    loop_finish(y, &two);
    CHECK_U64(scene_downloads(&s), 1);
    CHECK(loop_take(x, &one, 10));
    loop_end(x, &one, false);
    while (loop_take(y, &two, 50000)) continue;
    loop_end(y, &two, true);
    CHECK_SLICE(loop_body(&two), s.content);
    CHECK_U64(scene_downloads(&s), 1);
    loop_close(&s.l);
}

TEST(count_ticketed_download_given_back)
{
    struct scene s;
    ANSWER a = {0};
    if (loop_missing()) return;
    scene_open(&s, "", "{\"max_downloads\":1,\"password\":\"right one\"}");
    LOOP(&s.l, &a, .target = share_at(s.token, "/download"), .ticket = scene_ticket(&s), .stop = true, .stop_after = 10);
    CHECK_U64(scene_downloads(&s), 0);
    /* Somebody else may now. */
    LOOP(&s.l, &a, .target = share_at(s.token, "/download"), .ticket = scene_ticket(&s));
    CHECK_STATUS(&a, 200);
    CHECK_U64(scene_downloads(&s), 1);
    loop_close(&s.l);
}

TEST(count_view_only)
{
    struct scene s;
    ANSWER a = {0};
    if (loop_missing()) return;
    scene_open(&s, "", "{\"permission\":\"view\"}");
    LOOP(&s.l, &a, .target = share_at(s.token, ""));
    CHECK_STR(&a, "permission", "view");
    LOOP(&s.l, &a, .target = share_at(s.token, "/download"));
    CHECK_PROBLEM(&a, 403, "view_only");
    LOOP(&s.l, &a, .target = share_at(s.token, "/key"), .json = "{\"public_key\":\"dGhpcyBpcyBub3QgYSBzZWNyZXQga2V5LCByZWFsbHk\"}");
    CHECK_PROBLEM(&a, 403, "view_only");
    CHECK_U64(scene_downloads(&s), 0);
    loop_close(&s.l);
}

/* ---- by key: what the command line does ---- */

/* Asks for a key, maybe under a grant; the grant. */
static const char *take_key(struct scene *s, const char *grant, struct loop_answer *a)
{
    LOOP(&s->l, a, .target = share_at(s->token, "/key"),
         .json = loop_text("{\"public_key\":\"dGhpcyBpcyBub3QgYSBzZWNyZXQga2V5LCByZWFsbHk\"%s}",
                           grant ? loop_text(",\"grant\":\"%s\"", grant) : ""));
    return loop_str(a, "grant");
}

TEST(count_key_content_done)
{
    struct scene s;
    ANSWER a = {0};
    if (loop_missing()) return;
    scene_open(&s, "", "{\"max_downloads\":1}");
    const char *grant = take_key(&s, NULL, &a);
    CHECK_STATUS(&a, 200);
    CHECK_U64(scene_downloads(&s), 1);
    LOOP(&s.l, &a, .target = share_at(s.token, loop_text("/content?grant=%s", grant)));
    CHECK_STATUS(&a, 200);
    size_t whole = a.len;
    LOOP(&s.l, &a, .target = share_at(s.token, loop_text("/content?grant=%s", grant)), .headers = {{SLICE("range"), SLICE("bytes=100-")}});
    CHECK_U64(a.len, whole - 100);
    take_key(&s, grant, &a);
    CHECK_STATUS(&a, 200);
    for (int i = 0; i < 2; i++) {
        LOOP(&s.l, &a, .target = share_at(s.token, "/done"), .json = loop_text("{\"grant\":\"%s\"}", grant));
        CHECK_STATUS(&a, 204);
    }
    CHECK_U64(scene_downloads(&s), 1);
    take_key(&s, NULL, &a);
    CHECK_PROBLEM(&a, 410, "link_exhausted");
    /* A grant is its link's alone, and so is what it opens. */
    const char *other = loop_share(&s.l, s.bearer, s.transfer, "{}");
    LOOP(&s.l, &a, .target = share_at(other, loop_text("/content?grant=%s", grant)));
    CHECK_PROBLEM(&a, 410, "grant_expired");
    LOOP(&s.l, &a, .target = share_at(other, "/done"), .json = loop_text("{\"grant\":\"%s\"}", grant));
    CHECK_STATUS(&a, 404);
    LOOP(&s.l, &a, .target = share_at(s.token, "/content?grant=01890a5d-ac96-774b-bcce-b302099a8057"));
    CHECK_PROBLEM(&a, 410, "grant_expired");
    LOOP(&s.l, &a, .target = share_at(s.token, "/content?grant=x"));
    CHECK_STATUS(&a, 400);
    loop_close(&s.l);
}

TEST(count_abandoned_grant)
{
    struct scene s;
    ANSWER a = {0};
    if (loop_missing()) return;
    scene_open(&s, "", "{\"max_downloads\":1}");
    const char *grant = take_key(&s, NULL, &a);
    loop_advance(LIMIT_GRANT_MS - 1000);
    loop_jobs(&s.l);
    scene_sign_in(&s);
    CHECK_U64(scene_downloads(&s), 1);
    loop_advance(61000);
    loop_jobs(&s.l);
    CHECK_U64(scene_downloads(&s), 0);
    LOOP(&s.l, &a, .target = share_at(s.token, loop_text("/content?grant=%s", grant)));
    CHECK_PROBLEM(&a, 410, "grant_expired");
    /* Abandoned after all the bytes were sent: it counts. */
    grant = take_key(&s, NULL, &a);
    LOOP(&s.l, &a, .target = share_at(s.token, loop_text("/content?grant=%s", grant)));
    CHECK_STATUS(&a, 200);
    loop_advance(LIMIT_GRANT_MS + 61000);
    loop_jobs(&s.l);
    loop_advance(61000);
    loop_jobs(&s.l);
    scene_sign_in(&s);
    CHECK_U64(scene_downloads(&s), 1);
    loop_close(&s.l);
}
