/* tus 1.0.0 by the letter: every "MUST" of the core protocol and of creation, with the exact status. Other extensions are in
 * tus_extensions_test.c. */
#include "core/app/app.h"
#include "integration/tus_kit.h"

TEST(tus_options)
{
    struct loop l;
    ANSWER a = {0};
    if (loop_missing()) return;
    tus_begin(&l);
    /* Tus-Resumable in the request is of no account. */
    LOOP(&l, &a, .method = "OPTIONS", .target = "/tus", .headers = {H("tus-resumable", "9.9")});
    CHECK_STATUS(&a, 204);
    CHECK_HEADER(&a, "tus-version", "1.0.0");
    CHECK_HEADER(&a, "tus-extension",
                 "creation,creation-with-upload,creation-defer-length,termination,expiration,checksum,concatenation");
    CHECK_HEADER(&a, "tus-checksum-algorithm", "sha1,sha256,crc32");
    CHECK(strcmp(tus_header(&a, "tus-max-size"), loop_text("%llu", (unsigned long long)l.app->cfg.file_bytes_max)) == 0);
    loop_close(&l);
}

TEST(tus_other_versions_are_not_processed)
{
    struct loop l;
    ANSWER a = {0};
    if (loop_missing()) return;
    const char *bearer = tus_begin(&l), *at = tus_create(&l, bearer, "5", NULL);
    static const char *const methods[] = {"POST", "HEAD", "PATCH", "DELETE"};
    for (size_t i = 0; i < ARRAY_LEN(methods) * 2; i++) {
        const char *method = methods[i / 2];
        struct loop_request r = {.method = method, .target = i < 2 ? "/tus" : at, .bearer = bearer,
                                 .headers = {H("upload-offset", "0"), H("upload-length", "5")}};
        if (i == 4 || i == 5) {
            r.type = BODY_TYPE;
            r.body = SLICE("hello");
        }
        if (i % 2) r.headers[2] = (struct http_header)H("tus-resumable", "0.2.2");
        loop_next(&l, &r, &a);
        CHECK_STATUS(&a, 412);
        CHECK_HEADER(&a, "tus-version", "1.0.0");
        CHECK_HEADER(&a, "tus-resumable", "1.0.0");
    }
    tus_head(&l, bearer, at, &a);
    CHECK_STATUS(&a, 200);
    CHECK_HEADER(&a, "upload-offset", "0");
    loop_close(&l);
}

TEST(tus_core_life_of_an_upload)
{
    struct loop l;
    ANSWER a = {0};
    if (loop_missing()) return;
    const char *bearer = tus_begin(&l), *at = tus_create(&l, bearer, "300000", NULL);
    CHECK(strncmp(at, "/tus/", 5) == 0); /* relative: proxies need no rewriting */
    tus_head(&l, bearer, at, &a);
    CHECK_STATUS(&a, 200);
    CHECK_HEADER(&a, "upload-offset", "0");
    CHECK_HEADER(&a, "upload-length", "300000");
    CHECK_HEADER(&a, "upload-metadata", "filename YS5iaW4=");
    CHECK_HEADER(&a, "cache-control", "no-store");
    CHECK_HEADER(&a, "tus-resumable", "1.0.0");
    CHECK(!loop_header(&a, "upload-defer-length").ptr);
    tus_patch(&l, bearer, at, "0", slice_sub(tus_content, 0, 100000), &a);
    CHECK_STATUS(&a, 204);
    CHECK_HEADER(&a, "upload-offset", "100000");
    CHECK_HEADER(&a, "tus-resumable", "1.0.0");
    /* The connection breaks: as much as arrived is kept. */
    LOOP(&l, &a, .method = "PATCH", .target = at, .bearer = bearer, .type = BODY_TYPE, .body = slice_sub(tus_content, 100000, 300000),
         .headers = {TUS, H("upload-offset", "100000")}, .cut = true, .cut_after = 54321);
    tus_head(&l, bearer, at, &a);
    CHECK_HEADER(&a, "upload-offset", "154321");
    if (loop_durable(&l)) loop_reopen(&l);
    tus_head(&l, bearer, at, &a);
    CHECK_HEADER(&a, "upload-offset", "154321");
    static const char *const wrong[] = {"0", "154320", "154322", "300000", "9223372036854775807"};
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
        tus_patch(&l, bearer, at, wrong[i], SLICE("never"), &a);
        CHECK_PROBLEM(&a, 409, "offset_mismatch");
        CHECK_HEADER(&a, "tus-resumable", "1.0.0");
    }
    tus_patch(&l, bearer, at, "154321", SLICE(""), &a);
    CHECK_STATUS(&a, 204);
    CHECK_HEADER(&a, "upload-offset", "154321");
    tus_patch(&l, bearer, at, "154321", slice_sub(tus_large, 154321, 300001), &a);
    CHECK_PROBLEM(&a, 413, "past_size");
    tus_patch(&l, bearer, at, "154321", slice_sub(tus_content, 154321, 300000), &a);
    CHECK_STATUS(&a, 204);
    CHECK_HEADER(&a, "upload-offset", "300000");
    CHECK(!loop_header(&a, "upload-expires").ptr);
    const char *file = tus_header(&a, "sealdrop-file-id");
    tus_check_file(&l, bearer, file, &tus_content, 1);
    LOOP(&l, &a, .target = loop_text("/api/v1/files/%s", file), .bearer = bearer);
    CHECK_STR(&a, "file.name", "a.bin");
    tus_head(&l, bearer, at, &a);
    CHECK_STATUS(&a, 200);
    CHECK_HEADER(&a, "upload-offset", "300000");
    CHECK_HEADER(&a, "sealdrop-file-id", file);
    tus_patch(&l, bearer, at, "300000", SLICE(""), &a);
    CHECK_STATUS(&a, 204);
    tus_patch(&l, bearer, at, "300000", SLICE("x"), &a);
    CHECK(a.status == 409 || a.status == 413);
    tus_patch(&l, bearer, at, "0", SLICE("x"), &a);
    CHECK_STATUS(&a, 409);
    loop_close(&l);
}

TEST(tus_a_body_without_its_length)
{
    struct loop l;
    ANSWER a = {0};
    if (loop_missing()) return;
    const char *bearer = tus_begin(&l), *at = tus_create(&l, bearer, "1000", NULL);
    LOOP(&l, &a, .method = "PATCH", .target = at, .bearer = bearer, .type = BODY_TYPE, .body = slice_sub(tus_content, 0, 990),
         .no_length = true, .headers = {TUS, H("upload-offset", "0")});
    CHECK_STATUS(&a, 204);
    CHECK_HEADER(&a, "upload-offset", "990");
    LOOP(&l, &a, .method = "PATCH", .target = at, .bearer = bearer, .type = BODY_TYPE, .body = slice_sub(tus_content, 990, 1001),
         .no_length = true, .piece = 4, .headers = {TUS, H("upload-offset", "990")});
    CHECK_PROBLEM(&a, 413, "past_size");
    tus_head(&l, bearer, at, &a);
    CHECK_HEADER(&a, "upload-offset", "998"); /* what fitted was kept */
    tus_patch(&l, bearer, at, "998", slice_sub(tus_content, 998, 1000), &a);
    CHECK_STATUS(&a, 204);
    struct slice want = slice_sub(tus_content, 0, 1000);
    tus_check_file(&l, bearer, tus_header(&a, "sealdrop-file-id"), &want, 1);
    loop_close(&l);
}

TEST(tus_refuses_by_the_letter)
{
    struct loop l;
    ANSWER a = {0};
    if (loop_missing()) return;
    const char *bearer = tus_begin(&l), *other = loop_user(&l, "eve@example.com", ROLE_USER), *at = tus_create(&l, bearer, "5", NULL);
    LOOP(&l, &a, .method = "PATCH", .target = at, .bearer = bearer, .type = "application/octet-stream", .body = SLICE("hello"),
         .headers = {TUS, H("upload-offset", "0")});
    CHECK_PROBLEM(&a, 415, "tus_content_type");
    LOOP(&l, &a, .method = "PATCH", .target = at, .bearer = bearer, .body = SLICE("hello"), .headers = {TUS, H("upload-offset", "0")});
    CHECK_STATUS(&a, 415);
    static const char *const offsets[] = {"", "-1", "+0", "0x0", "1.0", " 0 0", "99999999999999999999"};
    for (size_t i = 0; i < ARRAY_LEN(offsets); i++) {
        tus_patch(&l, bearer, at, offsets[i], SLICE("hello"), &a);
        CHECK_STATUS(&a, 400);
    }
    LOOP(&l, &a, .method = "PATCH", .target = at, .bearer = bearer, .type = BODY_TYPE, .body = SLICE("hello"), .headers = {TUS});
    CHECK_STATUS(&a, 400);
    /* Of nobody, of somebody else, of another door. */
    const char *absent = "/tus/01890a5d-ac96-774b-bcce-b302099a8057";
    tus_head(&l, bearer, absent, &a);
    CHECK_STATUS(&a, 404);
    CHECK(!loop_header(&a, "upload-offset").ptr);
    tus_head(&l, other, at, &a);
    CHECK_STATUS(&a, 404);
    CHECK(!loop_header(&a, "upload-offset").ptr);
    tus_patch(&l, other, at, "0", SLICE("hello"), &a);
    CHECK_STATUS(&a, 404);
    tus_head(&l, NULL, at, &a);
    CHECK_STATUS(&a, 401);
    CHECK_HEADER(&a, "tus-resumable", "1.0.0");
    LOOP(&l, &a, .target = "/api/v1/uploads", .bearer = bearer, .json = "{\"name\":\"p\",\"size\":5}");
    const char *parts = loop_text("/tus/%s", loop_str(&a, "upload_id"));
    tus_head(&l, bearer, parts, &a);
    CHECK_STATUS(&a, 404);
    tus_patch(&l, bearer, parts, "0", SLICE("hello"), &a);
    CHECK_STATUS(&a, 404);
    LOOP(&l, &a, .target = at, .bearer = bearer);
    CHECK_STATUS(&a, 405);
    tus_patch(&l, bearer, at, "0", SLICE("hello"), &a);
    CHECK_STATUS(&a, 204);
    loop_close(&l);
}

/* Clients are set up with either address, and keep to it; elsewhere a slash more is another place. */
TEST(tus_with_a_slash_at_the_end)
{
    struct loop l;
    ANSWER a = {0};
    if (loop_missing()) return;
    const char *bearer = tus_begin(&l);
    LOOP(&l, &a, .method = "OPTIONS", .target = "/tus/");
    CHECK_STATUS(&a, 204);
    CHECK_HEADER(&a, "tus-version", "1.0.0");
    LOOP(&l, &a, .method = "POST", .target = "/tus/", .bearer = bearer, .type = BODY_TYPE, .body = SLICE("hello"),
         .headers = {TUS, H("upload-length", "5")});
    CHECK_STATUS(&a, 201);
    struct slice want = SLICE("hello");
    tus_check_file(&l, bearer, tus_header(&a, "sealdrop-file-id"), &want, 1);
    LOOP(&l, &a, .method = "POST", .target = "/tus/", .bearer = NULL, .headers = {TUS, H("upload-length", "5")});
    CHECK_STATUS(&a, 401);
    static const char *const others[] = {"/tus//", "//tus", "/tus/%2f", "/tusx/"};
    for (size_t i = 0; i < ARRAY_LEN(others); i++) {
        LOOP(&l, &a, .method = "POST", .target = others[i], .bearer = bearer, .headers = {TUS, H("upload-length", "5")});
        CHECK(a.status == 404 || a.status == 400);
    }
    tus_head(&l, bearer, loop_text("%s/", tus_create(&l, bearer, "5", NULL)), &a);
    CHECK_STATUS(&a, 404);
    loop_close(&l);
}

static void post(struct loop *l, const char *bearer, struct http_header one, struct http_header two, struct slice body,
                 struct loop_answer *a)
{
    LOOP(l, a, .method = "POST", .target = "/tus", .bearer = bearer, .type = body.len ? BODY_TYPE : NULL, .body = body,
         .headers = {TUS, one, two});
}
#define HEADER(name, value) ((struct http_header)H(name, value))

TEST(tus_creation)
{
    struct loop l;
    ANSWER a = {0};
    if (loop_missing()) return;
    const char *bearer = tus_begin(&l);
    const struct http_header none = {{NULL, 0}, {NULL, 0}};
    static const struct {
        const char *name, *value, *name2, *value2;
        int status;
    } bad[] = {{"upload-length", "5", "upload-defer-length", "1", 400},
               {"upload-metadata", "filename YQ==", NULL, NULL, 400},
               {"upload-length", "-5", NULL, NULL, 400},
               {"upload-length", "five", NULL, NULL, 400},
               {"upload-defer-length", "2", NULL, NULL, 400},
               {"upload-defer-length", "0", NULL, NULL, 400},
               {"upload-defer-length", "", NULL, NULL, 400},
               {"upload-length", "9000000000000000000", NULL, NULL, 413},
               {"upload-length", "5", "upload-metadata", "filename YQ==,filename Yg==", 400},
               {"upload-length", "5", "upload-metadata", "filename !!!!", 400},
               {"upload-length", "5", "upload-metadata", "a  YQ==", 400},
               {"upload-length", "5", "upload-metadata", "filename YQ==,", 201},
               {"upload-length", "5", "upload-metadata", "a YQ==,,b YQ==", 400},
               {"upload-length", "5", "upload-metadata", "filename Li4vLi4vZXRjL3Bhc3N3ZA==", 400}, /* ../../etc/passwd */
               {"upload-length", "5", "upload-metadata", "n\xc3\xa4me YQ==", 400},
               {"upload-length", "5", "upload-concat", "whole", 400},
               {"upload-length", "5", "upload-checksum", "md5 AAAA", 400}};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        struct http_header two = bad[i].name2 ? (struct http_header){slice_cstr(bad[i].name2), slice_cstr(bad[i].value2)} : none;
        post(&l, bearer, (struct http_header){slice_cstr(bad[i].name), slice_cstr(bad[i].value)}, two, SLICE(""), &a);
        if (a.status != bad[i].status) test_fail(__FILE__, __LINE__, "case %zu: %d %s", i, a.status, loop_shown(&a));
    }
    post(&l, bearer, HEADER("upload-length", "0"), HEADER("upload-metadata", "filename ZW1wdHk=, is_confidential,filetype dGV4dC9jc3Y="),
         SLICE(""), &a);
    CHECK_STATUS(&a, 201);
    LOOP(&l, &a, .target = loop_text("/api/v1/files/%s", tus_header(&a, "sealdrop-file-id")), .bearer = bearer);
    CHECK_STR(&a, "file.name", "empty");
    CHECK_STR(&a, "file.type", "text/csv");
    post(&l, bearer, HEADER("upload-length", "0"), HEADER("upload-metadata", "filename YS5i,folder L0luL0hlcmU="), SLICE(""), &a);
    CHECK_STATUS(&a, 201);
    LOOP(&l, &a, .target = loop_text("/api/v1/files/%s", tus_header(&a, "sealdrop-file-id")), .bearer = bearer);
    CHECK_STR(&a, "file.name", "a.b");
    LOOP(&l, &a, .target = "/api/v1/folders?parent=/In", .bearer = bearer);
    CHECK_STR(&a, "items.0.name", "Here");
    post(&l, bearer, HEADER("upload-length", "0"), HEADER("upload-metadata", "filename YS5i,folder Li4vLi4="), SLICE(""), &a);
    CHECK(a.status == 400 || a.status == 404);
    /* A folder's path wins; what Uppy sends without one does not. */
    post(&l, bearer, HEADER("upload-length", "0"), HEADER("upload-metadata", "filename YS5i,relativePath ZC9hLmI="), SLICE(""), &a);
    LOOP(&l, &a, .target = loop_text("/api/v1/files/%s", tus_header(&a, "sealdrop-file-id")), .bearer = bearer);
    CHECK_STR(&a, "file.name", "d/a.b");
    post(&l, bearer, HEADER("upload-length", "0"), HEADER("upload-metadata", "filename YS5i,relativePath bnVsbA=="), SLICE(""), &a);
    LOOP(&l, &a, .target = loop_text("/api/v1/files/%s", tus_header(&a, "sealdrop-file-id")), .bearer = bearer);
    CHECK_STR(&a, "file.name", "a.b");
    loop_close(&l);
}

TEST(tus_creation_with_upload)
{
    struct loop l;
    ANSWER a = {0};
    if (loop_missing()) return;
    const char *bearer = tus_begin(&l);
    struct slice hello = SLICE("hello");
    post(&l, bearer, HEADER("upload-length", "10"), HEADER("upload-metadata", "filename YQ=="), hello, &a);
    CHECK_STATUS(&a, 201);
    CHECK_HEADER(&a, "upload-offset", "5");
    CHECK(loop_header(&a, "upload-expires").len == HTTPDATE_LEN);
    tus_patch(&l, bearer, tus_header(&a, "location"), "5", hello, &a);
    CHECK_STATUS(&a, 204);
    struct slice want = SLICE("hellohello");
    tus_check_file(&l, bearer, tus_header(&a, "sealdrop-file-id"), &want, 1);
    post(&l, bearer, HEADER("upload-length", "5"), HEADER("upload-metadata", "filename YQ=="), hello, &a);
    CHECK_STATUS(&a, 201);
    tus_check_file(&l, bearer, tus_header(&a, "sealdrop-file-id"), &hello, 1);
    post(&l, bearer, HEADER("upload-length", "4"), HEADER("upload-metadata", "filename YQ=="), hello, &a);
    CHECK_PROBLEM(&a, 413, "past_size");
    LOOP(&l, &a, .method = "POST", .target = "/tus", .bearer = bearer, .type = "text/plain", .body = hello,
         .headers = {TUS, H("upload-length", "5")});
    CHECK_STATUS(&a, 415);
    /* Of those that failed or were cut nothing is left: nobody knows where they are. */
    LOOP(&l, &a, .method = "POST", .target = "/tus", .bearer = bearer, .type = BODY_TYPE, .body = hello,
         .headers = {TUS, H("upload-length", "50")}, .cut = true, .cut_after = 3);
    LOOP(&l, &a, .method = "POST", .target = "/tus", .bearer = bearer, .type = BODY_TYPE, .body = hello,
         .headers = {TUS, H("upload-length", "50"), H("upload-checksum", "crc32 AAAAAA==")});
    CHECK_STATUS(&a, 460);
    LOOP(&l, &a, .target = "/api/v1/uploads", .bearer = bearer);
    CHECK_U64(loop_count(&a, "items"), 0);
    loop_close(&l);
}

#define NONE {{NULL, 0}, {NULL, 0}}

/* Whatever goes wrong: the exact status, and the version in every answer. */
TEST(tus_refusals_say_the_version)
{
    struct loop l;
    ANSWER a = {0};
    if (loop_missing()) return;
    const char *bearer = tus_begin(&l), *at = tus_create(&l, bearer, "10", NULL), *part = tus_create(&l, bearer, "0", "partial");
    CLEANUP(buf_done) struct buf many = BUF_INIT(64 * KIB), memo = BUF_INIT(64 * KIB);
    CHECK_OK(buf_put_cstr(&many, "final;"));
    for (size_t i = 0; i <= LIMIT_JOINED_UPLOADS; i++) CHECK_OK(buf_printf(&many, "%s ", part));
    CHECK_OK(buf_put_cstr(&memo, "filename "));
    while (memo.len <= LIMIT_UPLOAD_MEMO_BYTES) CHECK_OK(buf_put_cstr(&memo, "YWFh"));
    const char *joined = loop_text(SLICE_FMT, SLICE_ARG(buf_view(&many))), *long_memo = loop_text(SLICE_FMT, SLICE_ARG(buf_view(&memo)));
    const char *one = loop_text("final;%s", part);
    const struct {
        const char *method, *target, *type, *body;
        struct http_header one, two;
        int status;
    } cases[] = {
        {"GET", "/tus", NULL, "", NONE, NONE, 405},
        {"PUT", at, NULL, "", NONE, NONE, 405},
        {"PATCH", "/tus", BODY_TYPE, "x", H("upload-offset", "0"), NONE, 405},
        {"POST", at, BODY_TYPE, "x", H("upload-length", "1"), NONE, 405},
        {"HEAD", "/tus/x", NULL, "", NONE, NONE, 404},
        {"DELETE", "/tus/x", NULL, "", NONE, NONE, 404},
        {"PATCH", "/tus/x", BODY_TYPE, "x", H("upload-offset", "0"), NONE, 404},
        {"HEAD", "/tus/x/y", NULL, "", NONE, NONE, 404},
        {"POST", "/tus", NULL, "", NONE, NONE, 400},
        {"POST", "/tus", "text/plain", "x", H("upload-length", "1"), NONE, 415},
        {"POST", "/tus", BODY_TYPE, "xy", H("upload-length", "1"), NONE, 413},
        {"POST", "/tus", NULL, "", H("upload-length", "1"), H("upload-metadata", long_memo), 400},
        {"POST", "/tus", BODY_TYPE, "x", H("upload-length", "1"), H("upload-checksum", "crc32 AAAAAA=="), 460},
        {"POST", "/tus", BODY_TYPE, "x", H("upload-concat", one), NONE, 400},
        {"POST", "/tus", NULL, "", H("upload-concat", one), H("upload-length", "0"), 400},
        {"POST", "/tus", NULL, "", H("upload-concat", one), H("upload-defer-length", "1"), 400},
        {"POST", "/tus", NULL, "", H("upload-concat", joined), NONE, 400},
        {"PATCH", at, BODY_TYPE, "x", H("upload-offset", "1"), NONE, 409},
        {"PATCH", at, BODY_TYPE, "0123456789x", H("upload-offset", "0"), NONE, 413},
        {"PATCH", at, BODY_TYPE, "x", H("upload-offset", "0"), H("upload-length", "11"), 400},
        {"PATCH", at, BODY_TYPE, "x", H("upload-offset", "0"), H("upload-checksum", "crc32 AAAAAA=="), 460},
        {"PATCH", at, BODY_TYPE, "x", H("upload-offset", "0"), H("upload-checksum", "none AAAA"), 400},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        LOOP(&l, &a, .method = cases[i].method, .target = cases[i].target, .bearer = bearer, .type = cases[i].type,
             .body = slice_cstr(cases[i].body), .headers = {TUS, cases[i].one, cases[i].two});
        if (a.status != cases[i].status) test_fail(__FILE__, __LINE__, "case %zu: %d %s", i, a.status, loop_shown(&a));
        CHECK_HEADER(&a, "tus-resumable", "1.0.0");
        CHECK(!loop_header(&a, "upload-offset").ptr && !loop_header(&a, "location").ptr);
    }
    tus_head(&l, bearer, at, &a);
    CHECK_HEADER(&a, "upload-offset", "0");
    loop_close(&l);
}
