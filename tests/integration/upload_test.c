/* Uploads in parts: any order, again, wrong, too much; what is acknowledged stays, what is not leaves nothing. */
#include "base/limits.h"
#include "codec/base64.h"
#include "core/app/app.h"
#include "crypto/hash.h"
#include "integration/loopback.h"

#define UPLOADS "/api/v1/uploads"

static char bytes[3 * MIB + 100];
static const struct slice content = {bytes, sizeof bytes};

/* An open product with one account; `bytes` filled. */
static const char *begin(struct loop *l)
{
    loop_pattern(bytes, sizeof bytes, 7);
    loop_open(l);
    return loop_user(l, "anna@example.com", ROLE_USER);
}

static const char *new_upload(struct loop *l, const char *bearer, const char *json)
{
    ANSWER a = {0};
    LOOP(l, &a, .target = UPLOADS, .bearer = bearer, .json = json);
    if (a.status != 201) test_fail(__FILE__, __LINE__, "%s: %d %s", json, a.status, a.body);
    return loop_str(&a, "upload_id");
}

static void put(struct loop *l, const char *bearer, const char *id, unsigned n, struct slice body, struct loop_answer *a)
{
    LOOP(l, a, .method = "PUT", .target = loop_text(UPLOADS "/%s/parts/%u", id, n), .bearer = bearer, .body = body);
}

static struct slice part(unsigned n) { return slice_sub(content, n * MIB, (n + 1) * MIB); }

static void complete(struct loop *l, const char *bearer, const char *id, const char *json, struct loop_answer *a)
{
    LOOP(l, a, .target = loop_text(UPLOADS "/%s/complete", id), .bearer = bearer, .json = json);
}

static int64_t used(struct loop *l, const char *bearer)
{
    ANSWER a = {0};
    LOOP(l, &a, .target = "/api/v1/me", .bearer = bearer);
    return loop_num(&a, "user.used_bytes");
}

static void check_content(struct loop *l, const char *bearer, const char *file, struct slice want)
{
    ANSWER a = {0};
    LOOP(l, &a, .target = loop_text("/api/v1/files/%s/download", file), .bearer = bearer);
    CHECK_STATUS(&a, 200);
    CHECK_SLICE(loop_body(&a), want);
}

#define THREE_AND_A_BIT loop_text("{\"name\":\"a.bin\",\"size\":%zu,\"part_size\":1048576}", content.len)

TEST(upload_any_order_and_again)
{
    struct loop l;
    ANSWER a = {0};
    if (loop_missing()) return;
    const char *bearer = begin(&l), *id = new_upload(&l, bearer, THREE_AND_A_BIT);
    static const unsigned order[] = {2, 0, 0, 3, 2};
    for (size_t i = 0; i < ARRAY_LEN(order); i++) {
        put(&l, bearer, id, order[i], part(order[i]), &a);
        CHECK_STATUS(&a, 204);
    }
    LOOP(&l, &a, .target = loop_text(UPLOADS "/%s", id), .bearer = bearer);
    CHECK_STR(&a, "state", "open");
    CHECK_U64(loop_count(&a, "received"), 2);
    CHECK(loop_num(&a, "received.0.0") == 0 && loop_num(&a, "received.0.1") == 0);
    CHECK(loop_num(&a, "received.1.0") == 2 && loop_num(&a, "received.1.1") == 3);
    CHECK_U64(loop_num(&a, "part_count"), 4);
    complete(&l, bearer, id, "{}", &a);
    CHECK_PROBLEM(&a, 409, "parts_missing");
    /* Another content for a part that is there: the source has changed. */
    struct slice other = slice_sub(content, 17, 17 + MIB);
    put(&l, bearer, id, 0, other, &a);
    CHECK_PROBLEM(&a, 409, "part_conflict");
    loop_reopen(&l);
    put(&l, bearer, id, 1, part(1), &a);
    CHECK_STATUS(&a, 204);
    complete(&l, bearer, id, "{}", &a);
    CHECK_STATUS(&a, 200);
    const char *file = loop_str(&a, "file.id");
    CHECK_U64(loop_num(&a, "file.size"), content.len);
    check_content(&l, bearer, file, content);
    /* Once more: the same file. A part, an end, a beginning after it: refused. */
    complete(&l, bearer, id, "{}", &a);
    CHECK_STATUS(&a, 200);
    CHECK_STR(&a, "file.id", file);
    put(&l, bearer, id, 0, part(0), &a);
    CHECK_PROBLEM(&a, 409, "upload_complete");
    LOOP(&l, &a, .method = "DELETE", .target = loop_text(UPLOADS "/%s", id), .bearer = bearer);
    CHECK_PROBLEM(&a, 409, "upload_complete");
    check_content(&l, bearer, file, content);
    loop_close(&l);
}

TEST(upload_wrong_parts)
{
    struct loop l;
    ANSWER a = {0};
    if (loop_missing()) return;
    const char *bearer = begin(&l), *id = new_upload(&l, bearer, THREE_AND_A_BIT);
    put(&l, bearer, id, 0, slice_sub(content, 0, MIB - 1), &a);
    CHECK_PROBLEM(&a, 400, "part_size");
    put(&l, bearer, id, 0, slice_sub(content, 0, MIB + 1), &a);
    CHECK(a.status == 400 || a.status == 413);
    put(&l, bearer, id, 3, slice_sub(content, 0, 99), &a);
    CHECK_PROBLEM(&a, 400, "part_size");
    put(&l, bearer, id, 4, slice_sub(content, 0, 1), &a);
    CHECK_PROBLEM(&a, 400, "part_number");
    put(&l, bearer, id, 4000000000u, slice_sub(content, 0, 1), &a);
    CHECK_PROBLEM(&a, 400, "part_number");
    static const char *const numbers[] = {"-1", "x", "00000000000000000000000001x", "99999999999999999999999", "1.0"};
    for (size_t i = 0; i < ARRAY_LEN(numbers); i++) {
        LOOP(&l, &a, .method = "PUT", .target = loop_text(UPLOADS "/%s/parts/%s", id, numbers[i]), .bearer = bearer, .body = part(0));
        CHECK(a.status == 404 || a.status == 400);
    }
    /* The same when the length is not told beforehand. */
    for (int longer = 0; longer < 2; longer++) {
        LOOP(&l, &a, .method = "PUT", .target = loop_text(UPLOADS "/%s/parts/0", id), .bearer = bearer, .no_length = true,
             .body = slice_sub(content, 0, longer ? MIB + 1 : MIB - 1));
        CHECK_PROBLEM(&a, 400, "part_size");
    }
    LOOP(&l, &a, .target = loop_text(UPLOADS "/%s", id), .bearer = bearer);
    CHECK_U64(loop_count(&a, "received"), 0);
    LOOP(&l, &a, .method = "PUT", .target = loop_text(UPLOADS "/%s/parts/0", id), .bearer = bearer, .no_length = true,
         .body = part(0), .piece = 777);
    CHECK_STATUS(&a, 204);
    loop_close(&l);
}

static struct slice digest_of(struct slice s)
{
    CLEANUP(buf_done) struct buf b = BUF_INIT(128);
    struct sha256 h;
    char text[64] = "";
    if (sha256(s, &h) != ERR_OK || base64url_encode(&b, sha256_view(&h)) != ERR_OK) return SLICE("");
    for (size_t i = 0; i < b.len; i++) text[i] = b.ptr[i];
    for (char *p = text; *p; p++) *p = *p == '-' ? '+' : *p == '_' ? '/' : *p;
    return slice_cstr(loop_text("sha-256=:%s=:", text));
}

TEST(upload_content_digest)
{
    struct loop l;
    ANSWER a = {0};
    if (loop_missing()) return;
    const char *bearer = begin(&l), *id = new_upload(&l, bearer, THREE_AND_A_BIT);
    const char *target = loop_text(UPLOADS "/%s/parts/1", id);
    LOOP(&l, &a, .method = "PUT", .target = target, .bearer = bearer, .body = part(1),
         .headers = {{SLICE("content-digest"), digest_of(part(0))}});
    CHECK_PROBLEM(&a, 400, "digest_mismatch");
    static const char *const bad[] = {"sha-256=abc", "sha-256=:!!!!:", "sha-256=:AAAA:", "sha-256"};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        LOOP(&l, &a, .method = "PUT", .target = target, .bearer = bearer, .body = part(1),
             .headers = {{SLICE("content-digest"), slice_cstr(bad[i])}});
        CHECK_PROBLEM(&a, 400, "content_digest");
    }
    LOOP(&l, &a, .target = loop_text(UPLOADS "/%s", id), .bearer = bearer);
    CHECK_U64(loop_count(&a, "received"), 0);
    LOOP(&l, &a, .method = "PUT", .target = target, .bearer = bearer, .body = part(1),
         .headers = {{SLICE("content-digest"), digest_of(part(1))}});
    CHECK_STATUS(&a, 204);
    /* It is checked also when the part is there already. */
    LOOP(&l, &a, .method = "PUT", .target = target, .bearer = bearer, .body = part(1),
         .headers = {{SLICE("content-digest"), digest_of(part(0))}});
    CHECK_PROBLEM(&a, 400, "digest_mismatch");
    loop_close(&l);
}

TEST(upload_sizes_at_the_edges)
{
    static const size_t sizes[] = {0, 1, 16383, 16384, 16385, MIB - 1, MIB, MIB + 1, 2 * MIB, 3 * MIB};
    struct loop l;
    ANSWER a = {0};
    if (loop_missing()) return;
    const char *bearer = begin(&l);
    for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
        /* The empty last part of a multiple is not sent. */
        struct slice s = slice_sub(content, 0, sizes[i]);
        check_content(&l, bearer, loop_upload(&l, bearer, "edge.bin", s, MIB), s);
        CHECK_FINE();
    }
    /* It may be sent, too; and an empty file may send its one empty part. */
    const char *id = new_upload(&l, bearer, "{\"name\":\"a\",\"size\":1048576,\"part_size\":1048576}");
    put(&l, bearer, id, 1, SLICE(""), &a);
    CHECK_STATUS(&a, 204);
    put(&l, bearer, id, 0, part(0), &a);
    complete(&l, bearer, id, "{\"size\":1048576}", &a);
    CHECK_STATUS(&a, 200);
    check_content(&l, bearer, loop_str(&a, "file.id"), part(0));
    id = new_upload(&l, bearer, "{\"name\":\"a\",\"size\":0}");
    put(&l, bearer, id, 0, SLICE(""), &a);
    CHECK_STATUS(&a, 204);
    complete(&l, bearer, id, "{\"sha256\":\"47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU\"}", &a);
    CHECK_STATUS(&a, 200);
    loop_close(&l);
}

TEST(upload_of_unknown_size)
{
    struct loop l;
    ANSWER a = {0};
    if (loop_missing()) return;
    const char *bearer = begin(&l), *id = new_upload(&l, bearer, "{\"name\":\"a\",\"part_size\":1048576}");
    LOOP(&l, &a, .target = loop_text(UPLOADS "/%s", id), .bearer = bearer);
    CHECK(loop_is_null(&a, "size") && loop_is_null(&a, "part_count"));
    put(&l, bearer, id, 1, slice_sub(content, MIB, MIB + 100), &a);
    CHECK_STATUS(&a, 204);
    complete(&l, bearer, id, "{}", &a);
    CHECK_PROBLEM(&a, 409, "parts_missing");
    put(&l, bearer, id, 0, part(0), &a);
    CHECK_STATUS(&a, 204);
    complete(&l, bearer, id, "{\"size\":5}", &a);
    CHECK_STATUS(&a, 409);
    complete(&l, bearer, id, loop_text("{\"size\":%llu}", MIB + 100), &a);
    CHECK_STATUS(&a, 200);
    check_content(&l, bearer, loop_str(&a, "file.id"), slice_sub(content, 0, MIB + 100));
    CHECK_U64(used(&l, bearer), MIB + 100);
    /* Nothing at all is a file, too; a short part in the middle is not. */
    id = new_upload(&l, bearer, "{\"name\":\"b\"}");
    complete(&l, bearer, id, "{}", &a);
    CHECK_STATUS(&a, 200);
    CHECK_U64(loop_num(&a, "file.size"), 0);
    id = new_upload(&l, bearer, "{\"name\":\"c\",\"part_size\":1048576}");
    put(&l, bearer, id, 0, slice_sub(content, 0, 10), &a);
    put(&l, bearer, id, 1, slice_sub(content, 0, 10), &a);
    complete(&l, bearer, id, "{}", &a);
    CHECK_STATUS(&a, 409);
    loop_close(&l);
}

static const char *sha256_text(struct slice s)
{
    CLEANUP(buf_done) struct buf b = BUF_INIT(64);
    struct sha256 h;
    if (sha256(s, &h) != ERR_OK || base64url_encode(&b, sha256_view(&h)) != ERR_OK) return "";
    return loop_text(SLICE_FMT, SLICE_ARG(buf_view(&b)));
}

TEST(upload_sha256)
{
    struct loop l;
    ANSWER a = {0};
    if (loop_missing()) return;
    const char *bearer = begin(&l), *id = NULL;
    for (int right = 0; right < 2; right++) {
        id = new_upload(&l, bearer, THREE_AND_A_BIT);
        for (unsigned n = 0; n < 4; n++) put(&l, bearer, id, n, part(n), &a);
        complete(&l, bearer, id, "{\"sha256\":\"AAAA\"}", &a);
        CHECK_STATUS(&a, 400);
        complete(&l, bearer, id, loop_text("{\"sha256\":\"%s\"}", sha256_text(right ? content : part(0))), &a);
        if (right) break;
        CHECK_PROBLEM(&a, 400, "digest_mismatch");
        /* Nothing is kept of it. */
        CHECK_U64(used(&l, bearer), 0);
        LOOP(&l, &a, .target = "/api/v1/files", .bearer = bearer);
        CHECK_U64(loop_count(&a, "items"), 0);
    }
    CHECK_STATUS(&a, 200);
    CHECK_STR(&a, "file.sha256", sha256_text(content));
    const char *file = loop_str(&a, "file.id");
    LOOP(&l, &a, .target = loop_text("/api/v1/files/%s", file), .bearer = bearer);
    CHECK_STR(&a, "file.sha256", sha256_text(content));
    loop_close(&l);
}

TEST(upload_names)
{
    static const char *const good[] = {"a", "report 2024.pdf", "Ünïcödé – 文書.txt", "dir/sub/file.txt", ".hidden", "a..b", "emoji 🎉"};
    static const char *const bad[] = {"", ".", "..", "../x", "a/../b", "/etc/passwd", "a//b", "a/", "a\nb", "a\rb", "a\tb", "x\x7f",
                                      "evil\xe2\x80\xae" "fdp.exe", "a\xe2\x81\xa6" "b", "a/./b", "bel\x07"};
    struct loop l;
    ANSWER a = {0};
    if (loop_missing()) return;
    const char *bearer = begin(&l);
    for (size_t i = 0; i < ARRAY_LEN(good); i++) {
        LOOP(&l, &a, .target = UPLOADS, .bearer = bearer, .json = loop_text("{\"name\":%s}", loop_quote(slice_cstr(good[i]))));
        CHECK_STATUS(&a, 201);
        CHECK_STR(&a, "name", good[i]);
    }
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        LOOP(&l, &a, .target = UPLOADS, .bearer = bearer, .json = loop_text("{\"name\":%s}", loop_quote(slice_cstr(bad[i]))));
        if (a.status != 400 || strcmp(loop_str(&a, "errors.0.field"), "name") != 0)
            test_fail(__FILE__, __LINE__, "the name %s gave %d", loop_quote(slice_cstr(bad[i])), a.status);
    }
    LOOP(&l, &a, .target = UPLOADS, .bearer = bearer, .json = loop_text("{\"name\":\"%0256d\"}", 0));
    CHECK_STATUS(&a, 400);
    LOOP(&l, &a, .target = UPLOADS, .bearer = bearer, .json = loop_text("{\"name\":\"%01025d\"}", 0));
    CHECK_STATUS(&a, 400);
    LOOP(&l, &a, .target = UPLOADS, .bearer = bearer, .json = "{\"name\":\"a\\u0000b\"}");
    CHECK_STATUS(&a, 400);
    static const char *const others[] = {"\"size\":-1", "\"size\":\"1\"", "\"size\":1.5", "\"size\":99999999999999999",
                                         "\"part_size\":0", "\"part_size\":1000000", "\"part_size\":524288", "\"part_size\":1073741824",
                                         "\"size\":20000000000,\"part_size\":1048576", "\"type\":\"no type\"", "\"type\":\"a/b\\r\\nx: y\"",
                                         "\"mode\":\"secret\"", "\"mtime\":\"yesterday\""};
    for (size_t i = 0; i < ARRAY_LEN(others); i++) {
        LOOP(&l, &a, .target = UPLOADS, .bearer = bearer, .json = loop_text("{\"name\":\"a\",%s}", others[i]));
        if (a.status != 400 && a.status != 413) test_fail(__FILE__, __LINE__, "%s gave %d", others[i], a.status);
    }
    loop_close(&l);
}

TEST(upload_given_up)
{
    struct loop l;
    ANSWER a = {0};
    if (loop_missing()) return;
    const char *bearer = begin(&l), *id = new_upload(&l, bearer, THREE_AND_A_BIT);
    put(&l, bearer, id, 0, part(0), &a);
    CHECK_U64(used(&l, bearer), content.len);
    LOOP(&l, &a, .method = "DELETE", .target = loop_text(UPLOADS "/%s", id), .bearer = bearer);
    CHECK_STATUS(&a, 204);
    CHECK_U64(used(&l, bearer), 0);
    put(&l, bearer, id, 1, part(1), &a);
    CHECK_STATUS(&a, 404);
    complete(&l, bearer, id, "{}", &a);
    CHECK_STATUS(&a, 404);
    loop_jobs(&l);
    /* Left alone until its end. */
    id = new_upload(&l, bearer, THREE_AND_A_BIT);
    put(&l, bearer, id, 0, part(0), &a);
    loop_advance(l.cfg.upload_ttl_ms - 1000);
    loop_jobs(&l);
    bearer = loop_sign_in(&l, "anna@example.com", LOOP_PASSWORD, NULL);
    /* Every part moves the end on. */
    put(&l, bearer, id, 1, part(1), &a);
    CHECK_STATUS(&a, 204);
    loop_advance(2000);
    loop_jobs(&l);
    LOOP(&l, &a, .target = loop_text(UPLOADS "/%s", id), .bearer = bearer);
    CHECK_STATUS(&a, 200);
    loop_advance(l.cfg.upload_ttl_ms);
    loop_jobs(&l);
    bearer = loop_sign_in(&l, "anna@example.com", LOOP_PASSWORD, NULL);
    LOOP(&l, &a, .target = loop_text(UPLOADS "/%s", id), .bearer = bearer);
    CHECK_STATUS(&a, 404);
    CHECK_U64(used(&l, bearer), 0);
    loop_close(&l);
}

TEST(upload_part_taken_over)
{
    struct loop l;
    ANSWER a = {0};
    ANSWER b = {0};
    if (loop_missing()) return;
    const char *bearer = begin(&l), *id = new_upload(&l, bearer, THREE_AND_A_BIT);
    struct loop_request r = {.method = "PUT", .target = loop_text(UPLOADS "/%s/parts/0", id), .bearer = bearer, .body = part(0)};
    struct loop_exchange *older = loop_begin(&l, &r);
    CHECK(loop_waiting(older));
    CHECK_OK(loop_put(older, part(1).ptr, 1000));
    struct loop_exchange *newer = loop_begin(&l, &r);
    CHECK(loop_waiting(newer));
    CHECK_OK(loop_put(newer, bytes, MIB / 2));
    CHECK_ERR(loop_put(older, bytes, 1000), ERR_CANCELLED);
    loop_finish(older, &a);
    loop_end(older, &a, true);
    CHECK_PROBLEM(&a, 499, "part_superseded");
    CHECK_OK(loop_put(newer, bytes + MIB / 2, MIB / 2));
    loop_finish(newer, &b);
    loop_end(newer, &b, true);
    CHECK_STATUS(&b, 204);
    for (unsigned n = 1; n < 4; n++) put(&l, bearer, id, n, part(n), &a);
    complete(&l, bearer, id, "{}", &a);
    check_content(&l, bearer, loop_str(&a, "file.id"), content);
    loop_close(&l);
}

TEST(upload_cut_connection)
{
    struct loop l;
    ANSWER a = {0};
    if (loop_missing()) return;
    const char *bearer = begin(&l), *id = new_upload(&l, bearer, THREE_AND_A_BIT);
    static const size_t cuts[] = {0, 1, 70000, MIB - 1};
    for (size_t i = 0; i < ARRAY_LEN(cuts); i++) {
        LOOP(&l, &a, .method = "PUT", .target = loop_text(UPLOADS "/%s/parts/1", id), .bearer = bearer, .body = part(0), .cut = true,
             .cut_after = cuts[i]);
        CHECK_STATUS(&a, 0);
    }
    LOOP(&l, &a, .target = loop_text(UPLOADS "/%s", id), .bearer = bearer);
    CHECK_U64(loop_count(&a, "received"), 0);
    for (unsigned n = 0; n < 4; n++) put(&l, bearer, id, n, part(n), &a);
    complete(&l, bearer, id, "{}", &a);
    check_content(&l, bearer, loop_str(&a, "file.id"), content);
    loop_close(&l);
}

struct racing {
    struct loop *l;
    const char *bearer, *id;
    _Atomic unsigned won, refused, other;
};

static void race_part(void *arg, unsigned i)
{
    struct racing *r = arg;
    ANSWER a = {0};
    put(r->l, r->bearer, r->id, i % 4, part(i % 4), &a);
    if (a.status == 204) r->won++;
}

static void race_small_part(void *arg, unsigned i)
{
    struct racing *r = arg;
    ANSWER a = {0};
    (void)i;
    put(r->l, r->bearer, r->id, 0, slice_sub(content, 0, 100), &a);
    if (a.status == 204) r->won++;
    else if (a.status == 499) r->refused++;
    else r->other++;
}

/* However many send it at once, one of them gets through. */
TEST(upload_race_for_a_part_has_a_winner)
{
    struct loop l;
    if (loop_missing()) return;
    const char *bearer = begin(&l);
    for (int round = 0; round < 40; round++) {
        struct racing r = {.l = &l, .bearer = bearer, .id = new_upload(&l, bearer, "{\"name\":\"a\",\"size\":100}")};
        loop_parallel(4, race_small_part, &r);
        CHECK(r.won >= 1 && r.other == 0);
    }
    loop_close(&l);
}

static void race_complete(void *arg, unsigned i)
{
    struct racing *r = arg;
    ANSWER a = {0};
    (void)i;
    complete(r->l, r->bearer, r->id, "{}", &a);
    if (a.status == 200) r->won++;
}

TEST(upload_parts_and_ends_in_parallel)
{
    struct loop l;
    ANSWER a = {0};
    struct racing r = {.l = &l};
    if (loop_missing()) return;
    r.bearer = begin(&l);
    r.id = new_upload(&l, r.bearer, THREE_AND_A_BIT);
    loop_parallel(8, race_part, &r);
    CHECK(r.won >= 4);
    r.won = 0;
    loop_parallel(6, race_complete, &r);
    CHECK_U64(r.won, 6);
    LOOP(&l, &a, .target = "/api/v1/files", .bearer = r.bearer);
    CHECK_U64(loop_count(&a, "items"), 1);
    check_content(&l, r.bearer, loop_str(&a, "items.0.id"), content);
    CHECK_U64(used(&l, r.bearer), content.len);
    loop_close(&l);
}

static void take_quota(void *arg, unsigned i)
{
    struct racing *r = arg;
    ANSWER a = {0};
    (void)i;
    LOOP(r->l, &a, .target = UPLOADS, .bearer = r->bearer, .json = "{\"name\":\"a\",\"size\":1000}");
    if (a.status == 201) r->won++;
    else if (a.status == 413) r->refused++;
    else r->other++;
}

TEST(upload_quota)
{
    struct loop l;
    ANSWER a = {0};
    struct racing r = {.l = &l};
    if (loop_missing()) return;
    begin(&l);
    l.cfg.quota_user.bytes = 10500;
    loop_reopen(&l);
    r.bearer = loop_sign_in(&l, "anna@example.com", LOOP_PASSWORD, NULL);
    loop_parallel(16, take_quota, &r);
    CHECK(r.won == 10 && r.refused == 6 && r.other == 0);
    CHECK_U64(used(&l, r.bearer), 10000);
    LOOP(&l, &a, .target = UPLOADS, .bearer = r.bearer, .json = "{\"name\":\"a\",\"size\":501}");
    CHECK_PROBLEM(&a, 413, "quota_exceeded");
    LOOP(&l, &a, .target = UPLOADS, .bearer = r.bearer);
    CHECK_U64(loop_count(&a, "items"), 10);
    LOOP(&l, &a, .method = "DELETE", .target = loop_text(UPLOADS "/%s", loop_str(&a, "items.3.upload_id")), .bearer = r.bearer);
    CHECK_STATUS(&a, 204);
    /* An upload without a size pays as it grows, a stream at its end. */
    const char *id = new_upload(&l, r.bearer, "{\"name\":\"u\"}");
    put(&l, r.bearer, id, 0, slice_sub(content, 0, 1501), &a);
    CHECK_PROBLEM(&a, 413, "quota_exceeded");
    LOOP(&l, &a, .method = "PUT", .target = "/api/v1/files/upload?name=s", .bearer = r.bearer, .no_length = true,
         .body = slice_sub(content, 0, 1501));
    CHECK_PROBLEM(&a, 413, "quota_exceeded");
    LOOP(&l, &a, .method = "PUT", .target = "/api/v1/files/upload?name=s", .bearer = r.bearer, .body = slice_sub(content, 0, 1501));
    CHECK_PROBLEM(&a, 413, "quota_exceeded");
    CHECK_U64(used(&l, r.bearer), 9000);
    const char *file = loop_file(&l, r.bearer, "fits", slice_sub(content, 0, 1500));
    CHECK_U64(used(&l, r.bearer), 10500);
    LOOP(&l, &a, .method = "DELETE", .target = loop_text("/api/v1/files/%s", file), .bearer = r.bearer);
    CHECK_U64(used(&l, r.bearer), 9000);
    loop_close(&l);
}
