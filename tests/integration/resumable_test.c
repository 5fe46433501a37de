/* The IETF resumable-upload draft, requirement by requirement: what each request is answered, with the exact status, fields, problem
 * type and interim answers, in the interop versions 8 and 6. Cuts and rivals are in resumable_cut_test.c. */
#include "integration/resumable_kit.h"

TEST(resumable_options)
{
    static const char *const versions[] = {"8", "6", "7", NULL};
    ANSWER a = {0};
    if (!kit_open()) return;
    for (size_t i = 0; i < ARRAY_LEN(versions); i++) {
        LOOP(&l, &a, .method = "OPTIONS", .target = UPLOAD, .headers = {{SLICE("upload-draft-interop-version"), slice_cstr(versions[i])}});
        CHECK_STATUS(&a, 204);
        CHECK_SLICE(loop_header(&a, "accept-patch"), SLICE("application/partial-upload"));
        check_limit(&a, versions[i], l.cfg.upload_ttl_ms / 1000);
        CHECK_FINE();
    }
    loop_close(&l);
}

/* A one-shot upload of a client that would understand a 104. */
static void one_shot(const char *method, const char *version, const char *complete, bool deaf, bool heard)
{
    ANSWER a = {0};
    LOOP(&l, &a, .method = method, .target = UPLOAD "?name=shot.bin", .bearer = bearer, .body = content, .deaf = deaf,
         .headers = {{SLICE("upload-draft-interop-version"), slice_cstr(version)}, {SLICE("upload-complete"), slice_cstr(complete)}});
    CHECK_STATUS(&a, 201);
    CHECK_SLICE(loop_header(&a, "upload-complete"), SLICE("?1"));
    CHECK(offset_told(&a) == content.len);
    const char *place = place_of(&a);
    check_content(loop_str(&a, "file.id"));
    CHECK_FINE();
    if (!heard) {
        CHECK_SLICE(slice_cstr(a.told), SLICE(""));
        return;
    }
    /* Place and limits come first, the version repeated; the same place in the end. */
    const char *want = loop_text("104;location=%s;upload-limit=max-size=%llu, min-size=0, %s=%lld;upload-draft-interop-version=%c|", place,
                                 (unsigned long long)l.cfg.file_bytes_max, version[0] == '6' ? "expires" : "max-age",
                                 (long long)l.cfg.upload_ttl_ms / 1000, version[0]);
    CHECK(slice_starts(slice_cstr(a.told), slice_cstr(want)));
    check_state(place, content.len, true, (int64_t)content.len);
}

TEST(resumable_one_shot_is_told_its_place)
{
    if (!kit_open()) return;
    static const struct {
        const char *version, *complete;
        bool deaf, heard;
    } cases[] = {
        {"8", "?1", false, true}, {"6", "?1", false, true},  {"8", "", false, true},       {"6", "", false, true},
        {"8", "?1", true, false}, {"7", "?1", false, false}, {"5", "?1", false, false},    {"", "?1", false, false},
        {"\"8\"", "?1", false, false}, {"8.0", "?1", false, false}, {"8, 8", "?1", false, false}, {"8;v=1", "?1", false, true},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases) && !test_failed(); i++)
        one_shot(i % 2 ? "PUT" : "POST", cases[i].version, cases[i].complete, cases[i].deaf, cases[i].heard);
    loop_close(&l);
}

/* Of the wrong type, a field is not there: an upload like any other. */
TEST(resumable_fields_of_the_wrong_type)
{
    static const char *const completes[] = {"true", "1", "?2", "\"?1\"", "?1, ?1", ":AA==:", "?0 x"};
    static const char *const lengths[] = {"-1", "1.0", "\"3\"", "three", "3 3", "?1", "3, 3"};
    ANSWER a = {0};
    if (!kit_open()) return;
    for (size_t i = 0; i < ARRAY_LEN(completes); i++) {
        LOOP(&l, &a, .method = "POST", .target = UPLOAD "?name=a", .bearer = bearer, .body = content,
             .headers = {{SLICE("upload-complete"), slice_cstr(completes[i])}});
        CHECK_STATUS(&a, 201);
        CHECK(!loop_header(&a, "upload-complete").ptr && !a.told[0]);
    }
    for (size_t i = 0; i < ARRAY_LEN(lengths); i++) {
        LOOP(&l, &a, .method = "POST", .target = UPLOAD "?name=a", .bearer = bearer, .body = content,
             .headers = {{SLICE("upload-complete"), SLICE("?1")}, {SLICE("upload-length"), slice_cstr(lengths[i])}});
        CHECK_STATUS(&a, 201);
    }
    const char *place = create("?0", 10);
    static const char *const offsets[] = {"-0.0", "\"0\"", "?0", "0x0", ""};
    for (size_t i = 0; i < ARRAY_LEN(offsets); i++) {
        append_said(&a, place, offsets[i], "?0", "", SLICE("abc"));
        CHECK_STATUS(&a, 400);
        CHECK_STR(&a, "errors.0.field", "upload-offset");
    }
    append_said(&a, place, "0", "0", "", SLICE("abc"));
    CHECK_STATUS(&a, 400);
    CHECK_STR(&a, "errors.0.field", "upload-complete");
    check_state(place, 0, false, 10);
    loop_close(&l);
}

static void careful(const char *method, const char *version)
{
    ANSWER a = {0};
    size_t third = content.len / 3;
    LOOP(&l, &a, .method = method, .target = UPLOAD "?name=careful.bin", .bearer = bearer,
         .headers = {{SLICE("upload-complete"), SLICE("?0")}, {SLICE("upload-length"), slice_cstr(loop_text("%zu", content.len))},
                     {SLICE("upload-draft-interop-version"), slice_cstr(version)}});
    CHECK_STATUS(&a, 201);
    CHECK(a.len == 0 && offset_told(&a) == 0);
    CHECK_SLICE(loop_header(&a, "upload-complete"), SLICE("?0"));
    check_limit(&a, version, l.cfg.upload_ttl_ms / 1000);
    const char *place = place_of(&a);
    check_state(place, 0, false, (int64_t)content.len);
    append(&a, place, 0, "?0", slice_sub(content, 0, third));
    CHECK_STATUS(&a, 204);
    CHECK(offset_told(&a) == third && !loop_header(&a, "location").ptr);
    CHECK_SLICE(loop_header(&a, "upload-complete"), SLICE("?0"));
    check_state(place, third, false, (int64_t)content.len);
    append(&a, place, third, "?0", SLICE(""));
    CHECK_STATUS(&a, 204);
    append(&a, place, third, "?1", slice_sub(content, third, content.len));
    CHECK_STATUS(&a, 201);
    CHECK_SLICE(loop_header(&a, "upload-complete"), SLICE("?1"));
    CHECK(offset_told(&a) == content.len);
    CHECK_STR(&a, "file.name", "careful.bin");
    check_content(loop_str(&a, "file.id"));
    check_state(place, content.len, true, (int64_t)content.len);
}

TEST(resumable_careful)
{
    if (!kit_open()) return;
    careful("POST", "8");
    careful("PUT", "6");
    careful("POST", "");
    loop_close(&l);
}

TEST(resumable_length_must_agree)
{
    ANSWER a = {0};
    if (!kit_open()) return;
    static const struct {
        const char *complete, *length;
    } bad[] = {{"?1", "2"}, {"?1", "4"}, {"?1", "0"}, {"?0", "2"}, {"?0", "0"}, {"", "4"}};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        LOOP(&l, &a, .method = "POST", .target = UPLOAD "?name=a", .bearer = bearer, .body = SLICE("abc"),
             .headers = {{SLICE("upload-length"), slice_cstr(bad[i].length)}, {SLICE("upload-draft-interop-version"), SLICE("8")},
                         {SLICE("upload-complete"), slice_cstr(bad[i].complete)}});
        check_registered(&a, 400, "inconsistent-upload-length");
        CHECK(!a.told[0]);
        CHECK_FINE();
    }
    LOOP(&l, &a, .target = "/api/v1/uploads", .bearer = bearer);
    CHECK(loop_count(&a, "items") == 0);
    const char *place = create("?0", 10);
    /* In the request itself; against what was declared; at the end. Nothing of it counts. */
    static const struct {
        const char *complete, *length;
        const char *body;
    } appends[] = {{"?0", "11", "abc"}, {"?1", "10", "abc"}, {"?1", "", "abc"}, {"?1", "3", "abc"}, {"?1", "", ""}, {"?0", "2", "abc"}};
    for (size_t i = 0; i < ARRAY_LEN(appends); i++) {
        append_said(&a, place, "0", appends[i].complete, appends[i].length, slice_cstr(appends[i].body));
        check_registered(&a, 400, "inconsistent-upload-length");
        CHECK_SLICE(loop_header(&a, "upload-complete"), SLICE("?0"));
        check_state(place, 0, false, 10);
        CHECK_FINE();
    }
    /* Without Content-Length it shows at the end: what arrived stays, the upload is not complete. */
    LOOP(&l, &a, .method = "PATCH", .target = place, .bearer = bearer, .type = PARTIAL, .body = SLICE("abc"), .no_length = true,
         .headers = {{SLICE("upload-offset"), SLICE("0")}, {SLICE("upload-complete"), SLICE("?1")}});
    check_registered(&a, 400, "inconsistent-upload-length");
    check_state(place, 3, false, 10);
    append(&a, place, 3, "?1", SLICE("defghij"));
    CHECK_STATUS(&a, 201);
    loop_close(&l);
}

TEST(resumable_beyond_the_length_is_the_end)
{
    ANSWER a = {0};
    if (!kit_open()) return;
    for (int chunked = 0; chunked < 2; chunked++) {
        for (int last = 0; last < 2; last++) {
            const char *place = create("?0", 5);
            append(&a, place, 0, "?0", SLICE("abc"));
            CHECK_STATUS(&a, 204);
            LOOP(&l, &a, .method = "PATCH", .target = place, .bearer = bearer, .type = PARTIAL, .body = SLICE("defg"), .no_length = chunked,
                 .headers = {{SLICE("upload-offset"), SLICE("3")}, {SLICE("upload-complete"), last ? SLICE("?1") : SLICE("?0")}});
            check_registered(&a, 400, "inconsistent-upload-length");
            LOOP(&l, &a, .method = "HEAD", .target = place, .bearer = bearer);
            CHECK_STATUS(&a, 404);
            append(&a, place, 3, "?1", SLICE("de"));
            CHECK_STATUS(&a, 404);
        }
    }
    loop_close(&l);
}

TEST(resumable_length_is_recorded_when_told)
{
    ANSWER a = {0};
    if (!kit_open()) return;
    const char *place = create("?0", -1);
    check_state(place, 0, false, -1);
    append(&a, place, 0, "?0", SLICE("abc"));
    check_state(place, 3, false, -1);
    append_said(&a, place, "3", "?0", "5", SLICE("d"));
    CHECK_STATUS(&a, 204);
    check_state(place, 4, false, 5);
    append_said(&a, place, "4", "?0", "6", SLICE("e"));
    check_registered(&a, 400, "inconsistent-upload-length");
    /* Not before the request is one that counts. */
    const char *other = create("?0", -1);
    append_said(&a, other, "1", "?0", "5", SLICE("d"));
    check_registered(&a, 409, "mismatching-upload-offset");
    check_state(other, 0, false, -1);
    /* By Content-Length of the last request, cut in its middle. */
    LOOP(&l, &a, .method = "PATCH", .target = other, .bearer = bearer, .type = PARTIAL, .body = SLICE("abcdefgh"), .cut = true,
         .cut_after = 5, .headers = {{SLICE("upload-offset"), SLICE("0")}, {SLICE("upload-complete"), SLICE("?1")}});
    check_state(other, 5, false, 8);
    append(&a, other, 5, "?1", SLICE("fgh"));
    CHECK_STATUS(&a, 201);
    loop_close(&l);
}

TEST(resumable_mismatching_offset)
{
    static const struct {
        const char *said;
        int64_t number;
    } wrong[] = {{"0", 0}, {"2", 2}, {"4", 4}, {"999999999999999", 999999999999999}};
    ANSWER a = {0};
    if (!kit_open()) return;
    const char *place = create("?0", 10);
    append(&a, place, 0, "?0", SLICE("abc"));
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
        append_said(&a, place, wrong[i].said, i % 2 ? "?1" : "?0", "", SLICE("defghij"));
        check_registered(&a, 409, "mismatching-upload-offset");
        CHECK(loop_num(&a, "expected-offset") == 3 && loop_num(&a, "provided-offset") == wrong[i].number);
        CHECK(offset_told(&a) == 3);
        CHECK_SLICE(loop_header(&a, "upload-complete"), SLICE("?0"));
        check_state(place, 3, false, 10);
        CHECK_FINE();
    }
    append(&a, place, 3, "?1", SLICE("defghij"));
    CHECK_STATUS(&a, 201);
    loop_close(&l);
}

TEST(resumable_media_type)
{
    static const struct {
        const char *version, *type;
        int status;
    } cases[] = {
        {"8", PARTIAL, 204},        {"6", PARTIAL, 204},         {"", "Application/Partial-Upload", 204}, {"8", PARTIAL "; x=1", 204},
        {"8", NULL, 415},           {"6", NULL, 415},            {"", NULL, 415},                         {"8", "text/plain", 415},
        {"8", "application/partial-uploads", 415}, {"5", NULL, 204}, {"5", PARTIAL, 204},                 {"5", "text/plain", 415},
    };
    ANSWER a = {0};
    if (!kit_open()) return;
    const char *place = create("?0", -1);
    uint64_t at = 0;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        LOOP(&l, &a, .method = "PATCH", .target = place, .bearer = bearer, .type = cases[i].type, .body = SLICE("x"),
             .headers = {{SLICE("upload-offset"), slice_cstr(loop_text("%llu", (unsigned long long)at))},
                         {SLICE("upload-complete"), SLICE("?0")}, {SLICE("upload-draft-interop-version"), slice_cstr(cases[i].version)}});
        CHECK_STATUS(&a, cases[i].status);
        if (a.status == 415) CHECK_SLICE(loop_header(&a, "accept-patch"), SLICE("application/partial-upload"));
        if (a.status == 204) at++;
        check_state(place, at, false, -1);
        CHECK_FINE();
    }
    loop_close(&l);
}

TEST(resumable_completion_is_explicit)
{
    ANSWER a = {0};
    if (!kit_open()) return;
    const char *place = create("?0", (int64_t)content.len);
    append(&a, place, 0, "?0", content);
    CHECK_STATUS(&a, 204);
    check_state(place, content.len, false, (int64_t)content.len);
    LOOP(&l, &a, .target = "/api/v1/files", .bearer = bearer);
    CHECK(loop_count(&a, "items") == 0);
    append(&a, place, content.len, "?1", SLICE(""));
    CHECK_STATUS(&a, 201);
    const char *id = loop_str(&a, "file.id");
    check_content(id);
    /* The answer may have been lost: it comes again, and changes nothing. */
    for (int i = 0; i < 2; i++) {
        append(&a, place, content.len, "?1", SLICE(""));
        CHECK_STATUS(&a, 201);
        CHECK_STR(&a, "file.id", id);
        CHECK_SLICE(loop_header(&a, "upload-complete"), SLICE("?1"));
    }
    static const struct {
        uint64_t offset;
        const char *complete, *body;
    } late[] = {{0, "?1", "abc"}, {0, "?0", ""}, {0, "?1", ""}, {1, "?0", "x"}};
    for (size_t i = 0; i < ARRAY_LEN(late); i++) {
        append(&a, place, late[i].offset ? content.len : 0, late[i].complete, slice_cstr(late[i].body));
        check_registered(&a, 400, "completed-upload");
        CHECK_SLICE(loop_header(&a, "upload-complete"), SLICE("?1"));
        CHECK(offset_told(&a) == content.len);
    }
    LOOP(&l, &a, .method = "DELETE", .target = place, .bearer = bearer);
    CHECK_STATUS(&a, 409);
    check_content(id);
    check_state(place, content.len, true, (int64_t)content.len);
    loop_close(&l);
}

TEST(resumable_empty)
{
    ANSWER a = {0};
    if (!kit_open()) return;
    LOOP(&l, &a, .method = "POST", .target = UPLOAD "?name=none", .bearer = bearer, .headers = {{SLICE("upload-complete"), SLICE("?1")}});
    CHECK_STATUS(&a, 201);
    CHECK(loop_num(&a, "file.size") == 0 && offset_told(&a) == 0);
    const char *place = create("?0", -1);
    append(&a, place, 0, "?1", SLICE(""));
    CHECK_STATUS(&a, 201);
    CHECK(loop_num(&a, "file.size") == 0);
    check_state(place, 0, true, 0);
    loop_close(&l);
}

TEST(resumable_cancel)
{
    ANSWER a = {0};
    if (!kit_open()) return;
    const char *place = create("?0", 10);
    append(&a, place, 0, "?0", SLICE("abc"));
    LOOP(&l, &a, .method = "DELETE", .target = place, .bearer = bearer);
    CHECK_STATUS(&a, 204);
    static const char *const methods[] = {"HEAD", "GET", "DELETE"};
    for (size_t i = 0; i < ARRAY_LEN(methods); i++) {
        LOOP(&l, &a, .method = methods[i], .target = place, .bearer = bearer);
        CHECK_STATUS(&a, 404);
        CHECK(!loop_header(&a, "upload-offset").ptr);
    }
    append(&a, place, 3, "?0", SLICE("d"));
    CHECK_STATUS(&a, 404);
    LOOP(&l, &a, .target = "/api/v1/me", .bearer = bearer);
    CHECK(loop_num(&a, "user.used_bytes") == 0);
    loop_close(&l);
}

/* Iterations up to 6 have HEAD and DELETE refused that say how far the client is; version 8 does not. */
TEST(resumable_asking_says_nothing)
{
    static const char *const methods[] = {"HEAD", "GET", "DELETE"}, *const versions[] = {"5", "6", "8", ""};
    static const struct http_header fields[] = {
        {SLICE("upload-offset"), SLICE("3")}, {SLICE("upload-complete"), SLICE("?0")}, {SLICE("upload-length"), SLICE("10")}};
    ANSWER a = {0};
    if (!kit_open()) return;
    for (size_t i = 0; i < ARRAY_LEN(methods) * ARRAY_LEN(versions) * ARRAY_LEN(fields); i++) {
        const char *place = create("?0", 10), *method = methods[i % 3], *version = versions[i / 3 % 4];
        append(&a, place, 0, "?0", SLICE("abc"));
        LOOP(&l, &a, .method = method, .target = place, .bearer = bearer,
             .headers = {fields[i / 12], {SLICE("upload-draft-interop-version"), slice_cstr(version)}});
        bool strict = version[0] == '5' || version[0] == '6';
        CHECK_STATUS(&a, strict ? 400 : 204);
        if (strict) CHECK(!loop_header(&a, "upload-offset").ptr);
        if (strict || strcmp(method, "DELETE") != 0) check_state(place, 3, false, 10);
        CHECK_FINE();
    }
    loop_close(&l);
}

/* What is no upload: the place where they begin, an id that is none, one whose time is over. */
TEST(resumable_nothing_there)
{
    static const char *const methods[] = {"HEAD", "GET", "DELETE", "PATCH"};
    ANSWER a = {0};
    if (!kit_open()) return;
    const char *place = create("?0", 10);
    append(&a, place, 0, "?0", SLICE("abc"));
    const char *const places[] = {UPLOAD, UPLOAD "/", UPLOAD "/x", UPLOAD "/01890a5d-ac96-774b-bcce-b302099a8057", place};
    loop_advance(l.cfg.upload_ttl_ms + 61000);
    loop_jobs(&l);
    bearer = loop_sign_in(&l, "owner@example.com", LOOP_PASSWORD, NULL);
    for (size_t i = 0; i < ARRAY_LEN(places) * ARRAY_LEN(methods); i++) {
        bool patch = i % 4 == 3;
        LOOP(&l, &a, .method = methods[i % 4], .target = places[i / 4], .bearer = bearer, .type = patch ? PARTIAL : NULL,
             .body = patch ? SLICE("d") : SLICE(""),
             .headers = {{SLICE("upload-offset"), SLICE("3")}, {SLICE("upload-complete"), SLICE("?0")}});
        CHECK_STATUS(&a, i / 4 == 0 ? 405 : 404);
        CHECK(!loop_header(&a, "upload-offset").ptr && !loop_header(&a, "location").ptr);
    }
    loop_close(&l);
}

/* 413 tells the limits, whatever it is that is too much. */
TEST(resumable_over_the_quota)
{
    ANSWER a = {0};
    if (!kit_open()) return;
    l.app->cfg.quota_user.bytes = 1000;
    LOOP(&l, &a, .method = "POST", .target = UPLOAD "?name=a", .bearer = bearer,
         .headers = {{SLICE("upload-complete"), SLICE("?0")}, {SLICE("upload-length"), SLICE("1001")}});
    CHECK_STATUS(&a, 413);
    check_limit(&a, "", l.cfg.upload_ttl_ms / 1000);
    CHECK(!loop_header(&a, "location").ptr);
    const char *place = create("?0", -1);
    append(&a, place, 0, "?0", slice_sub(content, 0, 600));
    CHECK_STATUS(&a, 204);
    append(&a, place, 600, "?1", slice_sub(content, 600, 1001));
    CHECK_STATUS(&a, 413);
    CHECK(slice_starts(loop_header(&a, "upload-limit"), SLICE("max-size=")));
    CHECK_SLICE(loop_header(&a, "upload-complete"), SLICE("?0"));
    append(&a, place, 600, "?1", slice_sub(content, 600, 1000));
    CHECK_STATUS(&a, 201);
    loop_close(&l);
}

TEST(resumable_limits)
{
    ANSWER a = {0};
    if (!kit_open()) return;
    l.cfg.file_bytes_max = 1000;
    loop_reopen(&l);
    bearer = loop_sign_in(&l, "owner@example.com", LOOP_PASSWORD, NULL);
    LOOP(&l, &a, .method = "POST", .target = UPLOAD "?name=a", .bearer = bearer,
         .headers = {{SLICE("upload-complete"), SLICE("?0")}, {SLICE("upload-length"), SLICE("1001")}});
    CHECK_PROBLEM(&a, 413, "file_too_large");
    check_limit(&a, "", l.cfg.upload_ttl_ms / 1000);
    LOOP(&l, &a, .method = "PUT", .target = UPLOAD "?name=a", .bearer = bearer, .body = slice_sub(content, 0, 1001),
         .headers = {{SLICE("upload-draft-interop-version"), SLICE("6")}});
    CHECK_STATUS(&a, 413);
    check_limit(&a, "6", l.cfg.upload_ttl_ms / 1000);
    const char *place = create("?0", -1);
    for (int chunked = 0; chunked < 2; chunked++) {
        LOOP(&l, &a, .method = "PATCH", .target = place, .bearer = bearer, .type = PARTIAL, .body = slice_sub(content, 0, 1001),
             .no_length = chunked, .headers = {{SLICE("upload-offset"), SLICE("0")}, {SLICE("upload-complete"), SLICE("?0")}});
        CHECK_STATUS(&a, 413);
        check_limit(&a, "", l.cfg.upload_ttl_ms / 1000);
        check_state(place, 0, false, -1);
        CHECK_FINE();
    }
    append(&a, place, 0, "?1", slice_sub(content, 0, 1000));
    CHECK_STATUS(&a, 201);
    /* Its life shrinks with time, and begins anew with every byte. */
    place = create("?0", 10);
    loop_advance(60 * 1000);
    LOOP(&l, &a, .method = "HEAD", .target = place, .bearer = bearer);
    check_limit(&a, "", l.cfg.upload_ttl_ms / 1000 - 60);
    loop_close(&l);
}

/* A proxy in front that takes no large bodies: told, and parts are no larger. */
TEST(resumable_behind_a_proxy)
{
    ANSWER a = {0};
    if (!kit_open()) return;
    l.cfg.request_bytes_max = 5000000;
    loop_reopen(&l);
    bearer = loop_sign_in(&l, "owner@example.com", LOOP_PASSWORD, NULL);
    LOOP(&l, &a, .method = "OPTIONS", .target = UPLOAD);
    CHECK_SLICE(loop_header(&a, "upload-limit"),
                slice_cstr(loop_text("max-size=41943039999, min-size=0, max-append-size=5000000, max-age=%lld",
                                     (long long)l.cfg.upload_ttl_ms / 1000)));
    LOOP(&l, &a, .target = "/api/v1/uploads", .bearer = bearer, .json = "{\"name\":\"a\",\"size\":41943039999}");
    CHECK_STATUS(&a, 201);
    CHECK(loop_num(&a, "part_size") == 4194304 && loop_num(&a, "part_count") == 10000);
    LOOP(&l, &a, .target = "/api/v1/uploads", .bearer = bearer, .json = "{\"name\":\"a\",\"size\":41943040000}");
    CHECK_STATUS(&a, 413);
    loop_close(&l);
}

TEST(resumable_names)
{
    static const struct {
        const char *query, *disposition, *name; /* NULL: 400 */
    } cases[] = {
        {"", "inline; filename=\"file name.jpg\"; filename*=UTF-8''file%20n%C3%A4me.jpg", "file n\xc3\xa4me.jpg"},
        {"", "attachment; filename=a.txt", "a.txt"},
        {"?name=q.txt", "inline; filename=a.txt", "q.txt"},
        {"", "inline", NULL},
        {"", "inline; filename*=latin1''a", NULL},
        {"", "inline; filename=\"../x\"", NULL},
        {"", "inline; filename*=UTF-8''a%E2%80%AEb", NULL},
    };
    ANSWER a = {0};
    if (!kit_open()) return;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        for (int resumable = 0; resumable < 2; resumable++) {
            LOOP(&l, &a, .method = "POST", .target = loop_text(UPLOAD "%s", cases[i].query), .bearer = bearer, .body = content,
                 .headers = {{SLICE("content-disposition"), slice_cstr(cases[i].disposition)},
                             {SLICE("upload-complete"), resumable ? SLICE("?1") : SLICE("")}});
            CHECK_STATUS(&a, cases[i].name ? 201 : 400);
            if (cases[i].name) CHECK_STR(&a, "file.name", cases[i].name);
        }
    }
    loop_close(&l);
}

TEST(resumable_belongs_to_its_owner)
{
    ANSWER a = {0};
    if (!kit_open()) return;
    const char *place = create("?0", 10), *owner = bearer;
    bearer = loop_user(&l, "stranger@example.com", ROLE_USER);
    static const char *const methods[] = {"HEAD", "GET", "DELETE"};
    for (size_t i = 0; i < ARRAY_LEN(methods); i++) {
        LOOP(&l, &a, .method = methods[i], .target = place, .bearer = bearer);
        CHECK_STATUS(&a, 404);
        LOOP(&l, &a, .method = methods[i], .target = place);
        CHECK_STATUS(&a, 401);
    }
    append(&a, place, 0, "?0", SLICE("abc"));
    CHECK_STATUS(&a, 404);
    bearer = owner;
    check_state(place, 0, false, 10);
    /* Uploads that were begun at other doors go on there. */
    LOOP(&l, &a, .target = "/api/v1/uploads", .bearer = bearer, .json = "{\"name\":\"parts\",\"size\":3}");
    place = loop_text(UPLOAD "/%s", loop_str(&a, "upload_id"));
    append(&a, place, 0, "?0", SLICE("abc"));
    CHECK_STATUS(&a, 404);
    LOOP(&l, &a, .method = "DELETE", .target = place, .bearer = bearer);
    CHECK_STATUS(&a, 404);
    loop_close(&l);
}

TEST(resumable_forms_come_whole)
{
    ANSWER a = {0};
    struct slice form = SLICE("--b\r\nContent-Disposition: form-data; name=f; filename=a.txt\r\n\r\nabc\r\n--b--\r\n");
    if (!kit_open()) return;
    for (int whole = 0; whole < 2; whole++) {
        LOOP(&l, &a, .method = "POST", .target = UPLOAD, .bearer = bearer, .type = "multipart/form-data; boundary=b", .body = form,
             .headers = {{SLICE("upload-complete"), whole ? SLICE("?1") : SLICE("?0")},
                         {SLICE("upload-draft-interop-version"), SLICE("8")}});
        CHECK_STATUS(&a, whole ? 201 : 400);
        CHECK(!a.told[0]);
    }
    loop_close(&l);
}
