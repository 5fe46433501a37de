/* Files: uploads in one request, lists, changes, deletion down to the bytes. */
#include "base/limits.h"
#include "core/app/app.h"
#include "core/file/file.h"
#include "integration/loopback.h"

#define FILES "/api/v1/files"

static char bytes[300000];
static const struct slice content = {bytes, sizeof bytes};

static const char *begin(struct loop *l)
{
    loop_pattern(bytes, sizeof bytes, 3);
    loop_open(l);
    return loop_user(l, "anna@example.com", ROLE_USER);
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
    LOOP(l, &a, .target = loop_text(FILES "/%s/download", file), .bearer = bearer);
    CHECK_STATUS(&a, 200);
    CHECK_SLICE(loop_body(&a), want);
}

TEST(files_raw_upload)
{
    struct loop l;
    ANSWER a = {0};
    if (loop_missing()) return;
    const char *bearer = begin(&l);
    static const size_t pieces[] = {1000, 65536, 300000};
    for (size_t i = 0; i < ARRAY_LEN(pieces); i++)
        for (int known = 0; known < 2; known++) {
            LOOP(&l, &a, .method = i ? "POST" : "PUT", .target = FILES "/upload?name=dir%2Fa%20b.pdf", .bearer = bearer,
                 .body = content, .piece = pieces[i], .no_length = !known);
            CHECK_STATUS(&a, 201);
            CHECK_STR(&a, "file.name", "dir/a b.pdf");
            CHECK_STR(&a, "file.type", "application/pdf");
            check_content(&l, bearer, loop_str(&a, "file.id"), content);
            CHECK_FINE();
        }
    LOOP(&l, &a, .method = "PUT", .target = FILES "/upload", .bearer = bearer, .body = content);
    CHECK_STATUS(&a, 400);
    CHECK_STR(&a, "errors.0.field", "name");
    static const char *const bad[] = {"..%2f..%2fx", "%2e%2e", "%00", "a%0ab", "%e2%80%aex", "%ff", ""};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        LOOP(&l, &a, .method = "PUT", .target = loop_text(FILES "/upload?name=%s", bad[i]), .bearer = bearer, .body = content);
        CHECK_STATUS(&a, 400);
    }
    LOOP(&l, &a, .method = "PUT", .target = FILES "/upload?name=typed", .bearer = bearer, .body = content, .type = "image/png");
    CHECK_STR(&a, "file.type", "image/png");
    LOOP(&l, &a, .method = "PUT", .target = FILES "/upload?name=empty", .bearer = bearer);
    CHECK_STATUS(&a, 201);
    check_content(&l, bearer, loop_str(&a, "file.id"), SLICE(""));
    CHECK_U64(used(&l, bearer), 7 * content.len);
    loop_close(&l);
}

TEST(files_cut_upload_leaves_nothing)
{
    struct loop l;
    ANSWER a = {0};
    if (loop_missing()) return;
    const char *bearer = begin(&l);
    static const size_t cuts[] = {0, 1, 65536, 299999};
    for (size_t i = 0; i < ARRAY_LEN(cuts); i++)
        for (int known = 0; known < 2; known++)
            LOOP(&l, &a, .method = "PUT", .target = FILES "/upload?name=a", .bearer = bearer, .body = content, .no_length = !known,
                 .cut = true, .cut_after = cuts[i]);
    CHECK_U64(used(&l, bearer), 0);
    loop_jobs(&l);
    CHECK_U64(loop_blobs(&l), 0);
    LOOP(&l, &a, .target = FILES, .bearer = bearer);
    CHECK_U64(loop_count(&a, "items"), 0);
    LOOP(&l, &a, .target = "/api/v1/uploads", .bearer = bearer);
    CHECK_U64(loop_count(&a, "items"), 0);
    loop_close(&l);
}

/* ---- forms ---- */

#define HEAD(name, more) "--b\r\nContent-Disposition: form-data; name=\"f\"" name "\r\n" more "\r\n"

static void send_form(struct loop *l, const char *bearer, struct slice body, size_t piece, struct loop_answer *a)
{
    LOOP(l, a, .method = "POST", .target = FILES "/upload", .bearer = bearer, .type = "multipart/form-data; boundary=b",
         .body = body, .piece = piece);
}

TEST(files_form_upload)
{
    struct loop l;
    ANSWER a = {0};
    if (loop_missing()) return;
    const char *bearer = begin(&l);
    struct slice body = SLICE(HEAD("; filename=\"one.txt\"", "Content-Type: text/plain\r\n") "first\r\n-- b not the end\r\n"
                              HEAD("", "") "a field, not a file\r\n"
                              HEAD("; filename=\"two.bin\"", "") "\r\n"
                              HEAD("; filename*=UTF-8''%C3%BC.txt", "") "third\r\n--b--\r\n");
    /* Cut anywhere: every piece size up to 40, and all at once. */
    for (size_t piece = 1; piece <= 40; piece++) {
        send_form(&l, bearer, body, piece == 40 ? 0 : piece, &a);
        CHECK_STATUS(&a, 201);
        CHECK_U64(loop_count(&a, "files"), 3);
        CHECK_STR(&a, "files.0.name", "one.txt");
        CHECK_STR(&a, "files.0.type", "text/plain");
        CHECK_U64(loop_num(&a, "files.1.size"), 0);
        CHECK_STR(&a, "files.2.name", "ü.txt");
        if (piece % 10 == 0) check_content(&l, bearer, loop_str(&a, "files.0.id"), SLICE("first\r\n-- b not the end"));
        CHECK_FINE();
    }
    loop_close(&l);
}

TEST(files_bad_forms)
{
    struct loop l;
    ANSWER a = {0};
    if (loop_missing()) return;
    const char *bearer = begin(&l);
    send_form(&l, bearer, SLICE(HEAD("", "") "only a field\r\n--b--\r\n"), 0, &a);
    CHECK_PROBLEM(&a, 400, "no_files");
    static const struct slice bad[] = {{"", 0},
                                       {"--b--\r\n", 7},
                                       {"nonsense", 8},
                                       {HEAD("; filename=\"a\"", "") "no end", sizeof(HEAD("; filename=\"a\"", "") "no end") - 1},
                                       {"--b\r\n\r\nx\r\n--b--\r\n", 18}};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        send_form(&l, bearer, bad[i], 0, &a);
        CHECK_STATUS(&a, 400);
    }
    send_form(&l, bearer, SLICE(HEAD("; filename=\"../x\"", "") "x\r\n--b--\r\n"), 0, &a);
    CHECK_STATUS(&a, 400);
    LOOP(&l, &a, .target = FILES "/upload", .bearer = bearer, .type = "multipart/form-data", .body = SLICE("--b--"));
    CHECK_STATUS(&a, 400);
    /* Of a form that ends in an error nothing is left. */
    send_form(&l, bearer, SLICE(HEAD("; filename=\"good\"", "") "good\r\n" HEAD("; filename=\"a\nb\"", "") "x\r\n--b-\r\n"), 0, &a);
    CHECK_STATUS(&a, 400);
    loop_jobs(&l);
    LOOP(&l, &a, .target = FILES, .bearer = bearer);
    CHECK_U64(loop_blobs(&l), loop_count(&a, "items"));
    LOOP(&l, &a, .target = "/api/v1/uploads", .bearer = bearer);
    CHECK_U64(loop_count(&a, "items"), 0);
    loop_close(&l);
}

/* ---- lists ---- */

/* Walks all pages and checks the order; how many items. */
static size_t walk(struct loop *l, const char *bearer, const char *query, size_t limit)
{
    ANSWER a = {0};
    size_t n = 0;
    const char *cursor = "", *last = "~";
    for (size_t page = 0; page < 1000; page++) {
        LOOP(l, &a, .target = loop_text(FILES "?limit=%zu%s%s%s", limit, query, cursor[0] ? "&cursor=" : "", cursor), .bearer = bearer);
        size_t count = loop_count(&a, "items");
        if (a.status != 200 || count > limit) test_fail(__FILE__, __LINE__, "page %zu: %d, %zu items", page, a.status, count);
        for (size_t i = 0; i < count; i++) {
            const char *key = loop_text("%s %s", loop_str(&a, loop_text("items.%zu.created_at", i)),
                                        loop_str(&a, loop_text("items.%zu.id", i)));
            if (strcmp(key, last) >= 0) test_fail(__FILE__, __LINE__, "%s after %s", key, last);
            last = key;
        }
        n += count;
        cursor = loop_str(&a, "next_cursor");
        if (!cursor[0] || test_failed()) return n;
        if (count != limit) test_fail(__FILE__, __LINE__, "a short page that is not the last");
    }
    return n;
}

TEST(files_paging)
{
    static const size_t limits[] = {1, 7, 40, 60, 119, 120, 121, 200};
    struct loop l;
    ANSWER a = {0};
    if (loop_missing()) return;
    const char *bearer = begin(&l);
    const char *other = loop_user(&l, "berta@example.com", ROLE_USER);
    for (int i = 0; i < 120; i++) {
        /* Groups of the same millisecond. */
        if (i % 3 == 0) loop_advance(1);
        loop_file(&l, bearer, loop_text("f%03d%s", i, i % 10 ? "" : "-tenth"), SLICE("x"));
        if (i % 20 == 0) loop_file(&l, other, "not-annas", SLICE("x"));
    }
    for (size_t i = 0; i < ARRAY_LEN(limits); i++) CHECK_U64(walk(&l, bearer, "", limits[i]), 120);
    CHECK_U64(walk(&l, bearer, "&q=TENTH", 5), 12);
    CHECK_U64(walk(&l, bearer, "&state=ready", 50), 120);
    CHECK_U64(walk(&l, bearer, "&state=nothing", 50), 0);
    CHECK_U64(walk(&l, other, "", 4), 6);
    LOOP(&l, &a, .target = FILES, .bearer = bearer);
    CHECK_U64(loop_count(&a, "items"), LIMIT_PAGE_DEFAULT);
    static const char *const bad[] = {"limit=-1", "limit=x", "limit=99999999999999999999", "cursor=AAAA", "cursor=!!", "limit=1&limit=2"};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        LOOP(&l, &a, .target = loop_text(FILES "?%s", bad[i]), .bearer = bearer);
        if (a.status != 400) test_fail(__FILE__, __LINE__, "%s gave %d", bad[i], a.status);
    }
    loop_close(&l);
}

TEST(files_search_is_literal)
{
    struct loop l;
    ANSWER a = {0};
    if (loop_missing()) return;
    const char *bearer = begin(&l);
    static const char *const names[] = {"100%25.txt", "100x.txt", "a_b", "aXb", "a!b", "%C3%84pfel", "quote'q"};
    for (size_t i = 0; i < ARRAY_LEN(names); i++) loop_file(&l, bearer, names[i], SLICE("x"));
    static const struct {
        const char *q;
        size_t n;
    } searches[] = {{"%25", 1}, {"_", 1}, {"!", 1}, {"a", 4}, {"0%25.", 1}, {"%C3%A4PF", 1}, {"'", 1}, {"%25%25", 0}, {"", 7},
                    {"100", 2}, {"zzz", 0}};
    for (size_t i = 0; i < ARRAY_LEN(searches); i++) {
        LOOP(&l, &a, .target = loop_text(FILES "?q=%s", searches[i].q), .bearer = bearer);
        if (loop_count(&a, "items") != searches[i].n)
            test_fail(__FILE__, __LINE__, "q=%s found %zu: %s", searches[i].q, loop_count(&a, "items"), a.body);
    }
    LOOP(&l, &a, .target = FILES "?q=%ff", .bearer = bearer);
    CHECK_STATUS(&a, 400);
    loop_close(&l);
}

TEST(files_change)
{
    struct loop l;
    ANSWER a = {0};
    if (loop_missing()) return;
    const char *bearer = begin(&l), *id = loop_file(&l, bearer, "old.txt", content);
    const char *target = loop_text(FILES "/%s", id);
    loop_advance(5);
    LOOP(&l, &a, .method = "PATCH", .target = target, .bearer = bearer, .json = "{\"name\":\"new.txt\"}");
    CHECK_STATUS(&a, 200);
    CHECK_STR(&a, "file.name", "new.txt");
    CHECK(strcmp(loop_str(&a, "file.updated_at"), loop_str(&a, "file.created_at")) > 0);
    LOOP(&l, &a, .method = "PATCH", .target = target, .bearer = bearer, .json = "{\"description\":\"what it is\"}");
    CHECK_STR(&a, "file.name", "new.txt");
    CHECK_STR(&a, "file.description", "what it is");
    LOOP(&l, &a, .method = "PATCH", .target = target, .bearer = bearer, .json = "{\"description\":\"\"}");
    CHECK_STR(&a, "file.description", "");
    static const char *const bad[] = {"{\"name\":\"\"}", "{\"name\":\"a/../b\"}", "{\"size\":1}", "{\"name\":1}"};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        LOOP(&l, &a, .method = "PATCH", .target = target, .bearer = bearer, .json = bad[i]);
        CHECK_STATUS(&a, 400);
    }
    LOOP(&l, &a, .target = FILES "?q=new", .bearer = bearer);
    CHECK_U64(loop_count(&a, "items"), 1);
    check_content(&l, bearer, id, content);
    loop_close(&l);
}

TEST(files_delete_to_the_bytes)
{
    struct loop l;
    ANSWER a = {0};
    CLEANUP(ctx_done) struct ctx c;
    struct file row;
    struct id id;
    ctx_init(&c, MIB);
    if (loop_missing()) return;
    const char *bearer = begin(&l), *file = loop_file(&l, bearer, "secret.txt", content);
    const char *blob_dir = loop_text("%s/blobs", l.dir);
    LOOP(&l, &a, .target = loop_text(FILES "/%s/content", file), .bearer = bearer);
    CHECK_STATUS(&a, 200);
    struct slice sealed = slice_of(a.body + 1000, 64);
    /* No plaintext is ever on the disk; the sealed bytes are. */
    CHECK(!loop_disk_has(l.dir, slice_of(bytes + 5000, 16)));
    if (l.backend != LOOP_MEMORY) CHECK(loop_disk_has(blob_dir, sealed));
    LOOP(&l, &a, .method = "DELETE", .target = loop_text(FILES "/%s", file), .bearer = bearer);
    CHECK_STATUS(&a, 204);
    /* At once: no row, and with it no key. */
    CHECK_OK(id_parse(slice_cstr(file), &id));
    CHECK_ERR(file_load(&c, l.app, &id, &row), ERR_NOT_FOUND);
    CHECK_U64(used(&l, bearer), 0);
    static const char *const ways[] = {"", "/download", "/content"};
    for (size_t i = 0; i < ARRAY_LEN(ways); i++) {
        LOOP(&l, &a, .target = loop_text(FILES "/%s%s", file, ways[i]), .bearer = bearer);
        CHECK_STATUS(&a, 404);
    }
    LOOP(&l, &a, .method = "DELETE", .target = loop_text(FILES "/%s", file), .bearer = bearer);
    CHECK_STATUS(&a, 404);
    /* By job: the bytes. */
    CHECK_U64(loop_blobs(&l), 1);
    loop_jobs(&l);
    CHECK_U64(loop_blobs(&l), 0);
    loop_close(&l);
}

TEST(files_sealed_bytes_go_too)
{
    struct loop l;
    ANSWER a = {0};
    char kept[64];
    if (loop_missing() || loop_chosen() == LOOP_MEMORY) return;
    const char *bearer = begin(&l), *file = loop_file(&l, bearer, "secret.txt", content);
    LOOP(&l, &a, .target = loop_text(FILES "/%s/content", file), .bearer = bearer);
    memcpy(kept, a.body + 1000, sizeof kept);
    CHECK(loop_disk_has(l.dir, slice_of(kept, sizeof kept)));
    LOOP(&l, &a, .method = "DELETE", .target = loop_text(FILES "/%s", file), .bearer = bearer);
    loop_jobs(&l);
    loop_reopen(&l);
    CHECK(!loop_disk_has(l.dir, slice_of(kept, sizeof kept)));
    loop_close(&l);
}

TEST(files_of_a_download_that_runs)
{
    struct loop l;
    ANSWER a = {0};
    if (loop_missing()) return;
    const char *bearer = begin(&l), *file = loop_file(&l, bearer, "a.txt", content);
    /* Deleted under a reader: it gets the right bytes or an error, never others. */
    struct loop_request r = {.target = loop_text(FILES "/%s/download", file), .bearer = bearer};
    struct loop_exchange *x = loop_begin(&l, &r);
    ANSWER d = {0};
    loop_finish(x, &d);
    CHECK_STATUS(&d, 200);
    CHECK(loop_take(x, &d, 1000));
    LOOP(&l, &a, .method = "DELETE", .target = loop_text(FILES "/%s", file), .bearer = bearer);
    loop_jobs(&l);
    while (loop_take(x, &d, 20000)) continue;
    CHECK(d.read_err != ERR_OK || d.len == content.len);
    CHECK(memcmp(d.body, bytes, d.len) == 0);
    loop_end(x, &d, d.len == content.len);
    loop_close(&l);
}
