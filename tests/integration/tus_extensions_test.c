/* tus 1.0.0, its extensions: deferred lengths, checksums, termination, expiration, concatenation; and what clients meet on the way. */
#include "core/app/app.h"
#include "crypto/checksum.h"
#include "integration/tus_kit.h"

TEST(tus_deferred_length)
{
    struct loop l;
    ANSWER a = {0};
    if (loop_missing()) return;
    const char *bearer = tus_begin(&l), *at = tus_create(&l, bearer, "defer", NULL);
    tus_head(&l, bearer, at, &a);
    CHECK_HEADER(&a, "upload-defer-length", "1");
    CHECK(!loop_header(&a, "upload-length").ptr);
    tus_patch(&l, bearer, at, "0", slice_sub(tus_content, 0, 1000), &a);
    CHECK_STATUS(&a, 204);
    static const struct {
        const char *offset, *length;
        int status;
    } tries[] = {{"999", "2000", 409}, {"1000", "x", 400}, {"1000", "999", 400}, {"1000", "1005", 413},
                 {"1000", "9000000000000000000", 413}};
    for (size_t i = 0; i < ARRAY_LEN(tries); i++) {
        LOOP(&l, &a, .method = "PATCH", .target = at, .bearer = bearer, .type = BODY_TYPE, .body = slice_sub(tus_content, 1000, 1500),
             .headers = {TUS, H("upload-offset", tries[i].offset), H("upload-length", tries[i].length)});
        CHECK_STATUS(&a, tries[i].status);
        tus_head(&l, bearer, at, &a);
        CHECK_HEADER(&a, "upload-offset", "1000");
        CHECK_HEADER(&a, "upload-defer-length", "1");
    }
    LOOP(&l, &a, .method = "PATCH", .target = at, .bearer = bearer, .type = BODY_TYPE, .body = slice_sub(tus_content, 1000, 1500),
         .headers = {TUS, H("upload-offset", "1000"), H("upload-length", "2000")});
    CHECK_STATUS(&a, 204);
    tus_head(&l, bearer, at, &a);
    CHECK_HEADER(&a, "upload-length", "2000");
    CHECK(!loop_header(&a, "upload-defer-length").ptr);
    LOOP(&l, &a, .method = "PATCH", .target = at, .bearer = bearer, .type = BODY_TYPE, .body = slice_sub(tus_content, 1500, 2000),
         .headers = {TUS, H("upload-offset", "1500"), H("upload-length", "2001")});
    CHECK_STATUS(&a, 400);
    LOOP(&l, &a, .method = "PATCH", .target = at, .bearer = bearer, .type = BODY_TYPE, .body = slice_sub(tus_content, 1500, 2000),
         .headers = {TUS, H("upload-offset", "1500"), H("upload-length", "2000")});
    CHECK_STATUS(&a, 204);
    struct slice want = slice_sub(tus_content, 0, 2000);
    tus_check_file(&l, bearer, tus_header(&a, "sealdrop-file-id"), &want, 1);
    /* The length may be told at the very end, with nothing. */
    at = tus_create(&l, bearer, "defer", NULL);
    tus_patch(&l, bearer, at, "0", want, &a);
    LOOP(&l, &a, .method = "PATCH", .target = at, .bearer = bearer, .type = BODY_TYPE,
         .headers = {TUS, H("upload-offset", "2000"), H("upload-length", "2000")});
    CHECK_STATUS(&a, 204);
    tus_check_file(&l, bearer, tus_header(&a, "sealdrop-file-id"), &want, 1);
    loop_close(&l);
}

static const char *checksum_of(const char *name, enum checksum_alg alg, struct slice body)
{
    struct checksummer *s = NULL;
    struct checksum sum = {0};
    if (checksummer_new(alg, &s) != ERR_OK || checksummer_add(s, body.ptr, body.len) != ERR_OK ||
        checksummer_end(s, &sum) != ERR_OK)
        test_fail(__FILE__, __LINE__, "checksum");
    checksummer_free(s);
    return loop_text("%s %s", name, tus_base64(slice_of(sum.b, checksum_bytes(alg))));
}

TEST(tus_checksums)
{
    struct loop l;
    ANSWER a = {0};
    if (loop_missing()) return;
    const char *bearer = tus_begin(&l), *at = tus_create(&l, bearer, "300000", NULL);
    static const struct {
        const char *name;
        enum checksum_alg alg;
    } algs[] = {{"sha1", CHECKSUM_SHA1}, {"sha256", CHECKSUM_SHA256}, {"crc32", CHECKSUM_CRC32}};
    static const char *const bad[] = {"md5 1B2M2Y8AsgTpgAmY7PhCfg==", "sha1 AAAA", "sha1 !", "sha1", "",
                                      "SHA1 2jmj7l5rSw0yVb/vlWAYkK/YBwk="};
    /* Known from the standard's own example of SHA-1: of "hello world". */
    LOOP(&l, &a, .method = "PATCH", .target = tus_create(&l, bearer, "11", NULL), .bearer = bearer, .type = BODY_TYPE,
         .body = SLICE("hello world"),
         .headers = {TUS, H("upload-offset", "0"), H("upload-checksum", "sha1 Kq5sNclPz7QV2+lfQIuc6R7oRu0=")});
    CHECK_STATUS(&a, 204);
    for (size_t i = 0; i < 3; i++) {
        struct slice body = slice_sub(tus_content, i * 100000, (i + 1) * 100000);
        const char *offset = loop_text("%zu", i * 100000), *right = checksum_of(algs[i].name, algs[i].alg, body);
        for (size_t k = 0; k < ARRAY_LEN(bad); k++) {
            LOOP(&l, &a, .method = "PATCH", .target = at, .bearer = bearer, .type = BODY_TYPE, .body = body,
                 .headers = {TUS, H("upload-offset", offset), H("upload-checksum", bad[k])});
            CHECK_STATUS(&a, 400);
        }
        LOOP(&l, &a, .method = "PATCH", .target = at, .bearer = bearer, .type = BODY_TYPE, .body = slice_sub(tus_large, 1, 100001),
             .headers = {TUS, H("upload-offset", offset), H("upload-checksum", right)});
        CHECK_PROBLEM(&a, 460, "digest_mismatch");
        tus_head(&l, bearer, at, &a);
        CHECK_HEADER(&a, "upload-offset", offset);
        LOOP(&l, &a, .method = "PATCH", .target = at, .bearer = bearer, .type = BODY_TYPE, .body = body,
             .headers = {TUS, H("upload-offset", offset), H("upload-checksum", right)});
        CHECK_STATUS(&a, 204);
    }
    tus_check_file(&l, bearer, tus_header(&a, "sealdrop-file-id"), &tus_content, 1);
    LOOP(&l, &a, .method = "POST", .target = "/tus", .bearer = bearer, .type = BODY_TYPE, .body = SLICE("hello"),
         .headers = {TUS, H("upload-length", "5"), H("upload-checksum", checksum_of("sha256", CHECKSUM_SHA256, SLICE("hellO")))});
    CHECK_STATUS(&a, 460);
    loop_close(&l);
}

TEST(tus_termination)
{
    struct loop l;
    ANSWER a = {0};
    if (loop_missing()) return;
    const char *bearer = tus_begin(&l);
    /* Empty, begun, and complete. */
    for (size_t n = 0; n < 3; n++) {
        const char *at = tus_create(&l, bearer, "10", NULL), *file = NULL;
        if (n) tus_patch(&l, bearer, at, "0", slice_sub(tus_content, 0, n * 5), &a);
        if (n == 2) file = tus_header(&a, "sealdrop-file-id");
        LOOP(&l, &a, .method = "DELETE", .target = at, .bearer = bearer, .headers = {TUS});
        CHECK_STATUS(&a, 204);
        CHECK_HEADER(&a, "tus-resumable", "1.0.0");
        tus_head(&l, bearer, at, &a);
        CHECK_STATUS(&a, 404);
        tus_patch(&l, bearer, at, "0", SLICE("hello"), &a);
        CHECK_STATUS(&a, 404);
        LOOP(&l, &a, .method = "DELETE", .target = at, .bearer = bearer, .headers = {TUS});
        CHECK_STATUS(&a, 404);
        if (!file) continue;
        LOOP(&l, &a, .target = loop_text("/api/v1/files/%s", file), .bearer = bearer);
        CHECK_STATUS(&a, 404);
    }
    LOOP(&l, &a, .target = "/api/v1/me", .bearer = bearer);
    CHECK(loop_num(&a, "user.used_bytes") == 0);
    loop_close(&l);
}

TEST(tus_expiration)
{
    struct loop l;
    ANSWER a = {0};
    int64_t told = 0, later = 0;
    if (loop_missing()) return;
    const char *bearer = tus_begin(&l), *at = tus_create(&l, bearer, "10", NULL);
    LOOP(&l, &a, .method = "POST", .target = "/tus", .bearer = bearer, .headers = {TUS, H("upload-length", "10")});
    CHECK_OK(httpdate_parse(loop_header(&a, "upload-expires"), &told));
    CHECK(told > loop_now_ms());
    tus_patch(&l, bearer, at, "0", SLICE("hello"), &a);
    CHECK_OK(httpdate_parse(loop_header(&a, "upload-expires"), &told));
    CHECK(told > loop_now_ms());
    loop_advance(60000);
    tus_patch(&l, bearer, at, "5", SLICE("he"), &a);
    CHECK_STATUS(&a, 204);
    tus_head(&l, bearer, at, &a);
    CHECK_OK(httpdate_parse(loop_header(&a, "upload-expires"), &later));
    CHECK(later > told);
    loop_advance(l.cfg.upload_ttl_ms + 61000);
    loop_jobs(&l);
    bearer = loop_sign_in(&l, "anna@example.com", LOOP_PASSWORD, NULL);
    tus_head(&l, bearer, at, &a);
    CHECK_STATUS(&a, 404);
    tus_patch(&l, bearer, at, "7", SLICE("llo"), &a);
    CHECK_STATUS(&a, 404);
    LOOP(&l, &a, .method = "DELETE", .target = at, .bearer = bearer, .headers = {TUS});
    CHECK_STATUS(&a, 404);
    loop_close(&l);
}

/* tusd #1350, #1199: while a body is on its way. */
TEST(tus_termination_under_a_body)
{
    struct loop l;
    ANSWER a = {0};
    ANSWER late = {0};
    if (loop_missing()) return;
    const char *bearer = tus_begin(&l), *at = tus_create(&l, bearer, "300000", NULL);
    struct loop_exchange *running = loop_begin(&l, &(struct loop_request){.method = "PATCH", .target = at, .bearer = bearer,
        .type = BODY_TYPE, .body = tus_content, .headers = {TUS, H("upload-offset", "0")}});
    CHECK(loop_waiting(running));
    CHECK_OK(loop_put(running, tus_content.ptr, 123456));
    LOOP(&l, &a, .method = "DELETE", .target = at, .bearer = bearer, .headers = {TUS});
    CHECK_STATUS(&a, 204);
    CHECK_ERR(loop_put(running, tus_content.ptr + 123456, 10), ERR_CANCELLED);
    loop_finish(running, &late);
    CHECK_STATUS(&late, 409);
    CHECK(!loop_header(&late, "upload-offset").ptr);
    loop_end(running, &late, true);
    tus_head(&l, bearer, at, &a);
    CHECK_STATUS(&a, 404);
    LOOP(&l, &a, .target = "/api/v1/me", .bearer = bearer);
    CHECK(loop_num(&a, "user.used_bytes") == 0);
    loop_close(&l);
}

static void join(struct loop *l, const char *bearer, const char *concat, struct loop_answer *a)
{
    LOOP(l, a, .method = "POST", .target = "/tus", .bearer = bearer,
         .headers = {TUS, H("upload-concat", concat), H("upload-metadata", "filename d2hvbGU=")});
}

TEST(tus_concatenation)
{
    struct loop l;
    ANSWER a = {0};
    if (loop_missing()) return;
    const char *bearer = tus_begin(&l), *other = loop_user(&l, "eve@example.com", ROLE_USER);
    const char *one = tus_create(&l, bearer, "100000", "partial"), *two = tus_create(&l, bearer, "defer", "partial");
    struct slice first = slice_sub(tus_content, 0, 100000), second = slice_sub(tus_content, 100000, 300000);
    tus_patch(&l, bearer, one, "0", first, &a);
    CHECK_STATUS(&a, 204);
    CHECK_HEADER(&a, "upload-offset", "100000");
    CHECK(!loop_header(&a, "sealdrop-file-id").ptr); /* not a file */
    join(&l, bearer, loop_text("final;%s %s", one, two), &a);
    CHECK_PROBLEM(&a, 409, "partial_unfinished");
    LOOP(&l, &a, .method = "PATCH", .target = two, .bearer = bearer, .type = BODY_TYPE, .body = second,
         .headers = {TUS, H("upload-offset", "0"), H("upload-length", "200000")});
    CHECK_STATUS(&a, 204);
    tus_head(&l, bearer, two, &a);
    CHECK_STATUS(&a, 200);
    CHECK_HEADER(&a, "upload-concat", "partial");
    CHECK_HEADER(&a, "upload-offset", "200000");
    LOOP(&l, &a, .target = "/api/v1/files", .bearer = bearer);
    CHECK_U64(loop_count(&a, "items"), 0);
    /* Absolute addresses and relative ones; the same one twice. */
    const char *concat = loop_text("final;%s " LOOP_URL "%s %s", one, two, one);
    join(&l, bearer, concat, &a);
    CHECK_STATUS(&a, 201);
    const char *whole = tus_header(&a, "location");
    tus_head(&l, bearer, whole, &a);
    CHECK_STATUS(&a, 200);
    CHECK_HEADER(&a, "upload-length", "400000");
    CHECK_HEADER(&a, "upload-offset", "400000");
    CHECK_HEADER(&a, "upload-concat", loop_text("final;%s %s %s", one, two, one));
    struct slice parts[] = {first, second, first};
    tus_check_file(&l, bearer, tus_header(&a, "sealdrop-file-id"), parts, 3);
    LOOP(&l, &a, .target = loop_text("/api/v1/files/%s", tus_header(&a, "sealdrop-file-id")), .bearer = bearer);
    CHECK_STR(&a, "file.name", "whole"); /* nothing of the partial ones' metadata */
    tus_patch(&l, bearer, whole, "400000", SLICE("x"), &a);
    CHECK_STATUS(&a, 403);
    tus_patch(&l, bearer, whole, "0", SLICE(""), &a);
    CHECK_STATUS(&a, 403);
    /* What may not be. */
    static const char *const bad[] = {"final", "final;", "final; ", "final;/elsewhere", "final;/tus/x", "Partial", "final:/tus/x"};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        join(&l, bearer, bad[i], &a);
        CHECK_STATUS(&a, 400);
    }
    join(&l, bearer, loop_text("final;%s", whole), &a);
    CHECK_PROBLEM(&a, 400, "not_partial");
    join(&l, other, loop_text("final;%s", one), &a);
    CHECK_STATUS(&a, 404);
    LOOP(&l, &a, .method = "POST", .target = "/tus", .bearer = bearer,
         .headers = {TUS, H("upload-concat", loop_text("final;%s", one)), H("upload-length", "100000")});
    CHECK_STATUS(&a, 400);
    /* A partial upload's bytes stay until it ends or expires, and are charged so long. */
    LOOP(&l, &a, .method = "DELETE", .target = one, .bearer = bearer, .headers = {TUS});
    CHECK_STATUS(&a, 204);
    join(&l, bearer, loop_text("final;%s", one), &a);
    CHECK_STATUS(&a, 404);
    loop_advance(60 * 60 * 1000 + 61000);
    loop_jobs(&l);
    bearer = loop_sign_in(&l, "anna@example.com", LOOP_PASSWORD, NULL);
    tus_head(&l, bearer, two, &a);
    CHECK_STATUS(&a, 404);
    LOOP(&l, &a, .target = "/api/v1/me", .bearer = bearer);
    CHECK(loop_num(&a, "user.used_bytes") == 400000);
    loop_close(&l);
}

/* Large ones are put together by job: without an offset until they are there; without their parts they end. */
TEST(tus_large_concatenation)
{
    struct loop l;
    ANSWER a = {0};
    if (loop_missing()) return;
    struct slice part = tus_large;
    const char *bearer = tus_begin(&l), *one = tus_create(&l, bearer, "9437184", "partial");
    tus_patch(&l, bearer, one, "0", part, &a);
    CHECK_STATUS(&a, 204);
    const char *concat = loop_text("final;%s %s %s %s %s %s %s %s", one, one, one, one, one, one, one, one);
    join(&l, bearer, concat, &a);
    CHECK_STATUS(&a, 201);
    const char *whole = tus_header(&a, "location");
    tus_head(&l, bearer, whole, &a);
    CHECK_STATUS(&a, 200);
    CHECK(!loop_header(&a, "upload-offset").ptr);
    CHECK_HEADER(&a, "upload-length", "75497472");
    CHECK(!loop_header(&a, "sealdrop-file-id").ptr);
    tus_patch(&l, bearer, whole, "0", SLICE("x"), &a);
    CHECK_STATUS(&a, 403);
    loop_jobs(&l);
    tus_head(&l, bearer, whole, &a);
    CHECK_HEADER(&a, "upload-offset", "75497472");
    struct slice parts[] = {part, part, part, part, part, part, part, part};
    tus_check_file(&l, bearer, tus_header(&a, "sealdrop-file-id"), parts, 8);
    join(&l, bearer, concat, &a);
    CHECK_STATUS(&a, 201);
    whole = tus_header(&a, "location");
    LOOP(&l, &a, .method = "DELETE", .target = one, .bearer = bearer, .headers = {TUS});
    CHECK_STATUS(&a, 204);
    loop_jobs(&l);
    tus_head(&l, bearer, whole, &a);
    CHECK_STATUS(&a, 404);
    loop_close(&l);
}

/* What was accepted to be made of them is made, however little was left of their lives. */
TEST(tus_partial_uploads_live_until_they_are_joined)
{
    struct loop l;
    ANSWER a = {0};
    if (loop_missing()) return;
    const char *bearer = tus_begin(&l), *one = tus_create(&l, bearer, "9437184", "partial");
    tus_patch(&l, bearer, one, "0", tus_large, &a);
    CHECK_STATUS(&a, 204);
    loop_advance(l.cfg.upload_ttl_ms - 60000);
    bearer = loop_sign_in(&l, "anna@example.com", LOOP_PASSWORD, NULL);
    join(&l, bearer, loop_text("final;%s %s %s %s %s %s %s %s", one, one, one, one, one, one, one, one), &a);
    CHECK_STATUS(&a, 201);
    const char *whole = tus_header(&a, "location");
    loop_advance(120000);
    loop_jobs(&l);
    tus_head(&l, bearer, whole, &a);
    CHECK_STATUS(&a, 200);
    CHECK_HEADER(&a, "upload-offset", "75497472");
    loop_close(&l);
}

/* For clients behind proxies that know only POST; the rights are those of the method that counts. */
TEST(tus_method_override)
{
    struct loop l;
    ANSWER a = {0};
    if (loop_missing()) return;
    const char *bearer = tus_begin(&l), *at = tus_create(&l, bearer, "5", NULL);
    LOOP(&l, &a, .method = "POST", .target = at, .bearer = bearer, .headers = {TUS, H("x-http-method-override", "HEAD")});
    CHECK_STATUS(&a, 200);
    CHECK_HEADER(&a, "upload-offset", "0");
    LOOP(&l, &a, .method = "POST", .target = at, .bearer = bearer, .type = BODY_TYPE, .body = SLICE("he"),
         .headers = {TUS, H("x-http-method-override", "PATCH"), H("upload-offset", "0")});
    CHECK_STATUS(&a, 204);
    CHECK_HEADER(&a, "upload-offset", "2");
    LOOP(&l, &a, .method = "POST", .target = "/tus", .bearer = NULL, .headers = {TUS, H("x-http-method-override", "OPTIONS")});
    CHECK_STATUS(&a, 204);
    /* Nothing but POST is overridden, and nothing elsewhere. */
    LOOP(&l, &a, .target = at, .bearer = bearer, .headers = {TUS, H("x-http-method-override", "DELETE")});
    CHECK_STATUS(&a, 405);
    LOOP(&l, &a, .method = "POST", .target = "/api/v1/me", .bearer = bearer, .headers = {H("x-http-method-override", "GET")});
    CHECK_STATUS(&a, 405);
    LOOP(&l, &a, .method = "POST", .target = at, .bearer = bearer, .headers = {TUS, H("x-http-method-override", "delete")});
    CHECK_STATUS(&a, 405);
    LOOP(&l, &a, .target = "/api/v1/api-keys", .bearer = bearer, .json = "{\"name\":\"k\",\"scopes\":[\"files:read\"]}");
    const char *reader = loop_str(&a, "api_key.key");
    LOOP(&l, &a, .method = "POST", .target = at, .bearer = reader, .headers = {TUS, H("x-http-method-override", "DELETE")});
    CHECK_PROBLEM(&a, 403, "scope");
    LOOP(&l, &a, .method = "POST", .target = at, .bearer = bearer, .headers = {TUS, H("x-http-method-override", "DELETE")});
    CHECK_STATUS(&a, 204);
    tus_head(&l, bearer, at, &a);
    CHECK_STATUS(&a, 404);
    loop_close(&l);
}

/* tusd #234, tus-js-client #79, #39: the connection that brought the last bytes is dead, and the server does not know it yet. */
TEST(tus_a_new_request_takes_over)
{
    struct loop l;
    ANSWER a = {0};
    ANSWER late = {0};
    if (loop_missing()) return;
    const char *bearer = tus_begin(&l), *at = tus_create(&l, bearer, "300000", NULL);
    struct loop_request r = {.method = "PATCH", .target = at, .bearer = bearer, .type = BODY_TYPE, .body = tus_content,
                             .headers = {TUS, H("upload-offset", "0")}};
    struct loop_exchange *dead = loop_begin(&l, &r);
    CHECK(loop_waiting(dead));
    CHECK_OK(loop_put(dead, tus_content.ptr, 123456));
    tus_head(&l, bearer, at, &a);
    CHECK_STATUS(&a, 200);
    CHECK_HEADER(&a, "upload-offset", "123456");
    CHECK_ERR(loop_put(dead, tus_content.ptr + 123456, 10), ERR_CANCELLED);
    tus_patch(&l, bearer, at, "123456", slice_sub(tus_content, 123456, 300000), &a);
    CHECK_STATUS(&a, 204);
    tus_check_file(&l, bearer, tus_header(&a, "sealdrop-file-id"), &tus_content, 1);
    loop_finish(dead, &late);
    CHECK_STATUS(&late, 409);
    loop_end(dead, &late, true);
    loop_close(&l);
}

/* All bytes arrived, and the answer was lost together with the server: who asks finds a file. */
TEST(tus_a_whole_upload_is_completed_by_who_asks)
{
    struct loop l;
    ANSWER a = {0};
    if (loop_missing()) return;
    const char *bearer = tus_begin(&l), *at = tus_create(&l, bearer, "300000", NULL);
    LOOP(&l, &a, .method = "PATCH", .target = at, .bearer = bearer, .type = BODY_TYPE, .body = tus_content,
         .headers = {TUS, H("upload-offset", "0")}, .cut = true, .cut_after = tus_content.len);
    tus_head(&l, bearer, at, &a);
    CHECK_STATUS(&a, 200);
    CHECK_HEADER(&a, "upload-offset", "300000");
    tus_check_file(&l, bearer, tus_header(&a, "sealdrop-file-id"), &tus_content, 1);
    loop_close(&l);
}
