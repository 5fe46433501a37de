/* limits.request_size: what a proxy in front lets through, which no door takes more than; and what each says of it. */
#include "core/upload/upload.h"
#include "integration/resumable_kit.h"
#include "integration/tus_kit.h"

#define MOST (2 * MIB)

static char bytes[3 * MIB];
static const struct slice large = {bytes, sizeof bytes};

static void small_requests_only(void)
{
    l.cfg.request_bytes_max = MOST;
    loop_reopen(&l);
    bearer = loop_sign_in(&l, "owner@example.com", LOOP_PASSWORD, NULL);
}

static void check_nothing_is_kept(void)
{
    ANSWER a = {0};
    LOOP(&l, &a, .target = "/api/v1/files", .bearer = bearer);
    CHECK_U64(loop_count(&a, "items"), 0);
    LOOP(&l, &a, .target = "/api/v1/uploads", .bearer = bearer);
    CHECK_U64(loop_count(&a, "items"), 0);
    LOOP(&l, &a, .target = "/api/v1/me", .bearer = bearer);
    CHECK(loop_num(&a, "user.used_bytes") == 0);
}

TEST(request_size_one_shot)
{
    static const char head[] = "--b\r\nContent-Disposition: form-data; name=f; filename=a\r\n\r\n";
    static char form[sizeof bytes + 200];
    ANSWER a = {0};
    if (!kit_open()) return;
    small_requests_only();
    memcpy(form, head, sizeof head - 1);
    memcpy(form + sizeof form - 9, "\r\n--b--\r\n", 9);
    for (int chunked = 0; chunked < 2; chunked++) {
        LOOP(&l, &a, .method = "POST", .target = UPLOAD "?name=a", .bearer = bearer, .body = large, .no_length = chunked);
        CHECK_PROBLEM(&a, 413, "request_too_large");
        LOOP(&l, &a, .method = "POST", .target = UPLOAD, .bearer = bearer, .type = "multipart/form-data; boundary=b",
             .body = slice_of(form, sizeof form), .no_length = chunked);
        CHECK_PROBLEM(&a, 413, "request_too_large");
        loop_jobs(&l);
        check_nothing_is_kept();
        LOOP(&l, &a, .method = "POST", .target = UPLOAD "?name=a", .bearer = bearer, .body = slice_sub(large, 0, MOST),
             .no_length = chunked);
        CHECK_STATUS(&a, 201);
        LOOP(&l, &a, .method = "DELETE", .target = loop_text("/api/v1/files/%s", loop_str(&a, "file.id")), .bearer = bearer);
        CHECK_FINE();
    }
    loop_close(&l);
}

TEST(request_size_parts)
{
    ANSWER a = {0};
    if (!kit_open()) return;
    LOOP(&l, &a, .target = "/api/v1/uploads", .bearer = bearer, .json = "{\"name\":\"a\",\"size\":3145728}");
    CHECK(loop_num(&a, "part_size") > (int64_t)MOST);
    const char *part = loop_text("/api/v1/uploads/%s/parts/0", loop_str(&a, "upload_id"));
    small_requests_only();
    /* One that was begun before; new ones have parts that fit. */
    for (int chunked = 0; chunked < 2; chunked++) {
        LOOP(&l, &a, .method = "PUT", .target = part, .bearer = bearer, .body = large, .no_length = chunked);
        CHECK_PROBLEM(&a, 413, "request_too_large");
    }
    LOOP(&l, &a, .target = "/api/v1/uploads", .bearer = bearer, .json = "{\"name\":\"a\",\"size\":3145728,\"part_size\":4194304}");
    CHECK_STATUS(&a, 400);
    CHECK_STR(&a, "errors.0.field", "part_size");
    LOOP(&l, &a, .target = "/api/v1/uploads", .bearer = bearer, .json = "{\"name\":\"a\",\"size\":3145728,\"part_size\":1048576}");
    CHECK(a.status == 201 && loop_num(&a, "part_size") == 1048576);
    LOOP(&l, &a, .target = "/api/v1/uploads", .bearer = bearer, .json = "{\"name\":\"a\",\"size\":3145728}");
    CHECK(a.status == 201 && loop_num(&a, "part_size") == MOST && loop_num(&a, "part_count") == 2);
    const char *id = loop_str(&a, "upload_id");
    LOOP(&l, &a, .method = "PUT", .target = loop_text("/api/v1/uploads/%s/parts/0", id), .bearer = bearer,
         .body = slice_sub(large, 0, MOST));
    CHECK_STATUS(&a, 204);
    loop_close(&l);
}

TEST(request_size_tus)
{
    ANSWER a = {0};
    if (!kit_open()) return;
    small_requests_only();
    LOOP(&l, &a, .method = "OPTIONS", .target = "/tus");
    CHECK_HEADER(&a, "tus-max-size", "20971519999"); /* 10,000 parts of 2 MiB */
    for (int chunked = 0; chunked < 2; chunked++) {
        LOOP(&l, &a, .method = "POST", .target = "/tus", .bearer = bearer, .type = BODY_TYPE, .body = large, .no_length = chunked,
             .headers = {TUS, H("upload-length", "3145728")});
        CHECK_PROBLEM(&a, 413, "request_too_large");
        CHECK_HEADER(&a, "tus-resumable", "1.0.0");
        loop_jobs(&l);
        check_nothing_is_kept();
    }
    const char *at = tus_create(&l, bearer, "3145728", NULL);
    tus_patch(&l, bearer, at, "0", large, &a);
    CHECK_PROBLEM(&a, 413, "request_too_large");
    tus_head(&l, bearer, at, &a);
    CHECK_HEADER(&a, "upload-offset", "0");
    /* Without a declared length what fits is kept. */
    LOOP(&l, &a, .method = "PATCH", .target = at, .bearer = bearer, .type = BODY_TYPE, .body = large, .no_length = true,
         .headers = {TUS, H("upload-offset", "0")});
    CHECK_PROBLEM(&a, 413, "request_too_large");
    tus_head(&l, bearer, at, &a);
    CHECK_HEADER(&a, "upload-offset", "2097152");
    tus_patch(&l, bearer, at, "2097152", slice_sub(large, MOST, large.len), &a);
    CHECK_STATUS(&a, 204);
    tus_check_file(&l, bearer, tus_header(&a, "sealdrop-file-id"), &large, 1);
    loop_close(&l);
}

static void check_limits_are_told(const struct loop_answer *a)
{
    struct slice want = SLICE("max-size=20971519999, min-size=0, max-append-size=2097152, ");
    CHECK(slice_starts(loop_header(a, "upload-limit"), want));
}

TEST(request_size_resumable)
{
    ANSWER a = {0};
    if (!kit_open()) return;
    small_requests_only();
    /* In one go: refused, but the upload is there, and goes on in what fits. */
    LOOP(&l, &a, .method = "POST", .target = UPLOAD "?name=a", .bearer = bearer, .body = large,
         .headers = {{SLICE("upload-complete"), SLICE("?1")}, {SLICE("upload-draft-interop-version"), SLICE("8")}});
    CHECK_PROBLEM(&a, 413, "request_too_large");
    check_limits_are_told(&a);
    CHECK_SLICE(loop_header(&a, "upload-complete"), SLICE("?0"));
    const char *place = place_told(&a);
    check_state(place, 0, false, 3145728);
    for (int chunked = 0; chunked < 2; chunked++) {
        LOOP(&l, &a, .method = "PATCH", .target = place, .bearer = bearer, .type = PARTIAL, .body = large, .no_length = chunked,
             .headers = {{SLICE("upload-offset"), SLICE("0")}, {SLICE("upload-complete"), SLICE("?1")}});
        CHECK_PROBLEM(&a, 413, "request_too_large");
        check_limits_are_told(&a);
        CHECK_U64(offset_told(&a), chunked ? MOST : 0);
        check_state(place, chunked ? MOST : 0, false, 3145728);
    }
    append(&a, place, MOST, "?1", slice_sub(large, MOST, large.len));
    CHECK_STATUS(&a, 201);
    tus_check_file(&l, bearer, loop_str(&a, "file.id"), &large, 1);
    loop_close(&l);
}
