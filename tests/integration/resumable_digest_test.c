/* Digests of resumable uploads (RFC 9530): of one body, of the whole; wanted, told, and refused. */
#include "integration/resumable_kit.h"

#include "crypto/checksum.h"

static const char *digest_of(enum checksum_alg alg, struct slice of)
{
    CLEANUP(buf_done) struct buf b = BUF_INIT(200);
    struct checksummer *s = NULL;
    struct checksum sum = {0};
    bool ok = checksummer_new(alg, &s) == ERR_OK && checksummer_add(s, of.ptr, of.len) == ERR_OK && checksummer_end(s, &sum) == ERR_OK;
    checksummer_free(s);
    ok = ok && base64_encode(&b, slice_of(sum.b, checksum_bytes(alg))) == ERR_OK;
    if (!ok) test_fail(__FILE__, __LINE__, "no digest");
    return loop_text("%s=:" SLICE_FMT ":", alg == CHECKSUM_SHA512 ? "sha-512" : "sha-256", SLICE_ARG(buf_view(&b)));
}

static void with_field(struct loop_answer *a, const char *place, uint64_t offset, const char *complete, struct slice body, const char *name,
                       const char *value)
{
    LOOP(&l, a, .method = "PATCH", .target = place, .bearer = bearer, .type = PARTIAL, .body = body,
         .headers = {{SLICE("upload-offset"), slice_cstr(loop_text("%llu", (unsigned long long)offset))},
                     {SLICE("upload-complete"), slice_cstr(complete)}, {slice_cstr(name), slice_cstr(value)}});
}

TEST(resumable_content_digest)
{
    static const enum checksum_alg algorithms[] = {CHECKSUM_SHA256, CHECKSUM_SHA512};
    ANSWER a = {0};
    if (!kit_open()) return;
    const char *place = create("?0", -1);
    uint64_t at = 0;
    for (size_t i = 0; i < 2; i++) {
        with_field(&a, place, at, "?0", SLICE("abd"), "content-digest", digest_of(algorithms[i], SLICE("abc")));
        CHECK_PROBLEM(&a, 400, "digest_mismatch");
        CHECK_SLICE(loop_header(&a, "upload-complete"), SLICE("?0"));
        CHECK(offset_told(&a) == at);
        check_state(place, at, false, -1);
        with_field(&a, place, at, "?0", SLICE("abc"), "content-digest", digest_of(algorithms[i], SLICE("abc")));
        CHECK_STATUS(&a, 204);
        at += 3;
        check_state(place, at, false, -1);
        CHECK_FINE();
    }
    with_field(&a, place, at, "?0", SLICE("abc"), "content-digest", "sha-256=:AAAA:");
    CHECK_STATUS(&a, 400);
    CHECK_STR(&a, "errors.0.field", "content-digest");
    with_field(&a, place, at, "?0", SLICE("abc"), "content-digest", "md5=:AAAA:");
    CHECK_STATUS(&a, 204);
    /* At the beginning: the upload is there, the bytes are not. */
    LOOP(&l, &a, .method = "POST", .target = UPLOAD "?name=a", .bearer = bearer, .body = SLICE("abd"),
         .headers = {{SLICE("upload-complete"), SLICE("?1")}, {SLICE("upload-draft-interop-version"), SLICE("8")},
                     {SLICE("content-digest"), slice_cstr(digest_of(CHECKSUM_SHA256, SLICE("abc")))}});
    CHECK_PROBLEM(&a, 400, "digest_mismatch");
    CHECK_SLICE(loop_header(&a, "upload-complete"), SLICE("?0"));
    place = place_told(&a);
    check_state(place, 0, false, 3);
    append(&a, place, 0, "?1", SLICE("abc"));
    CHECK_STATUS(&a, 201);
    loop_close(&l);
}

TEST(resumable_representation_digest)
{
    static const enum checksum_alg algorithms[] = {CHECKSUM_SHA256, CHECKSUM_SHA512};
    ANSWER a = {0};
    if (!kit_open()) return;
    for (size_t i = 0; i < 4; i++) {
        enum checksum_alg alg = algorithms[i % 2];
        bool right = i < 2;
        const char *digest = digest_of(alg, right ? content : SLICE("other"));
        LOOP(&l, &a, .method = "POST", .target = UPLOAD "?name=a", .bearer = bearer, .body = slice_sub(content, 0, 7),
             .headers = {{SLICE("upload-complete"), SLICE("?0")}, {SLICE("repr-digest"), slice_cstr(digest)},
                         {SLICE("want-repr-digest"), i % 2 ? SLICE("sha-256=1, sha-512=9") : SLICE("sha-256=2, md5=9")}});
        CHECK_STATUS(&a, 201);
        const char *place = place_of(&a);
        append(&a, place, 7, "?1", slice_sub(content, 7, content.len));
        CHECK_SLICE(loop_header(&a, "upload-complete"), SLICE("?1"));
        if (right) {
            CHECK_STATUS(&a, 201);
            CHECK_SLICE(loop_header(&a, "repr-digest"), slice_cstr(digest));
            check_content(loop_str(&a, "file.id"));
            continue;
        }
        /* The end was reached: sending again would not help, and nothing is kept. */
        CHECK_PROBLEM(&a, 400, "digest_mismatch");
        LOOP(&l, &a, .target = "/api/v1/files", .bearer = bearer);
        CHECK(loop_count(&a, "items") == 2);
    }
    LOOP(&l, &a, .method = "POST", .target = UPLOAD "?name=a", .bearer = bearer, .body = content,
         .headers = {{SLICE("upload-complete"), SLICE("?1")}, {SLICE("repr-digest"), SLICE("sha-512=:AAAA:")}});
    CHECK_STATUS(&a, 400);
    CHECK_STR(&a, "errors.0.field", "repr-digest");
    loop_close(&l);
}

static void want(struct loop_answer *a, const char *method, const char *target, const char *wanted)
{
    LOOP(&l, a, .method = method, .target = target, .bearer = bearer, .headers = {{SLICE("want-repr-digest"), slice_cstr(wanted)}});
}

/* What is on record is told to whoever asks for just that; nothing is read for it. */
TEST(resumable_digest_is_told_when_it_is_known)
{
    static const char *const methods[] = {"HEAD", "GET"};
    static const char *const others[] = {"", "sha-512=9", "sha-256=0", "md5=1", "sha-256=1, sha-512=9", "sha-256"};
    ANSWER a = {0};
    if (!kit_open()) return;
    const char *digest = digest_of(CHECKSUM_SHA256, content);
    for (int known = 0; known < 2; known++) {
        LOOP(&l, &a, .method = "POST", .target = UPLOAD "?name=a", .bearer = bearer,
             .headers = {{SLICE("upload-complete"), SLICE("?0")}, {SLICE("repr-digest"), slice_cstr(known ? digest : "")}});
        const char *place = place_of(&a);
        append(&a, place, 0, "?0", content);
        want(&a, "HEAD", place, "sha-256=9");
        CHECK(!loop_header(&a, "repr-digest").ptr); /* not before it is complete */
        append(&a, place, content.len, "?1", SLICE(""));
        CHECK_STATUS(&a, 201);
        const char *id = loop_str(&a, "file.id");
        const char *const targets[] = {place, loop_text("/api/v1/files/%s/download", id)};
        for (size_t i = 0; i < 4; i++) {
            want(&a, methods[i % 2], targets[i / 2], "sha-256=9, sha-512=1");
            CHECK_STATUS(&a, i / 2 ? 200 : 204);
            CHECK_SLICE(loop_header(&a, "repr-digest"), slice_cstr(known ? digest : NULL));
            for (size_t k = 0; k < ARRAY_LEN(others); k++) {
                want(&a, methods[i % 2], targets[i / 2], others[k]);
                CHECK(!loop_header(&a, "repr-digest").ptr);
            }
        }
        /* Of the representation, which a range is not all of. */
        LOOP(&l, &a, .target = targets[1], .bearer = bearer,
             .headers = {{SLICE("want-repr-digest"), SLICE("sha-256=1")}, {SLICE("range"), SLICE("bytes=5-9")}});
        CHECK_STATUS(&a, 206);
        CHECK_SLICE(loop_header(&a, "repr-digest"), slice_cstr(known ? digest : NULL));
        LOOP(&l, &a, .method = "DELETE", .target = loop_text("/api/v1/files/%s", id), .bearer = bearer);
        want(&a, "HEAD", place, "sha-256=9");
        CHECK(!loop_header(&a, "repr-digest").ptr);
        CHECK_FINE();
    }
    loop_close(&l);
}
