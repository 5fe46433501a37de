/* The largest transfer there may be: 10,000 files are listed, shared, archived and opened one by one; and the largest folder that one
 * archive takes, which then goes into the trash. */
#include "base/buf.h"
#include "base/limits.h"
#include "integration/loopback.h"

#define FILES LIMIT_TRANSFER_FILES

static void add_file(struct loop *l, const char *bearer, unsigned i, struct buf *ids)
{
    ANSWER a = {0};
    char name[64];
    snprintf(name, sizeof name, "/api/v1/files/upload?name=folder/file-%05u.txt", i);
    LOOP(l, &a, .target = name, .bearer = bearer, .method = "POST", .body = SLICE("x"));
    CHECK_STATUS(&a, 201);
    CHECK_OK(buf_printf(ids, "%s\"%s\"", i ? "," : "", loop_str(&a, "file.id")));
}

/* All of them into one folder, a thousand at a time; and then one more than an archive takes. */
static void archive_of_folder(struct loop *l, const char *bearer, struct slice ids)
{
    ANSWER a = {0};
    LOOP(l, &a, .target = "/api/v1/folders", .bearer = bearer, .json = "{\"name\":\"all\"}");
    CHECK_STATUS(&a, 201);
    const char *folder = loop_str(&a, "folder.id"), *json = loop_text("{\"folder_ids\":[\"%s\"]}", folder);
    for (size_t each = ID_TEXT_LEN + 3; ids.len; ids = slice_sub(ids, MIN(1000 * each, ids.len), ids.len)) {
        struct slice part = slice_sub(ids, 0, MIN(1000 * each - 1, ids.len));
        LOOP(l, &a, .target = "/api/v1/files/bulk", .bearer = bearer,
             .json = loop_text("{\"op\":\"move\",\"folder\":\"/all\",\"ids\":[" SLICE_FMT "]}", SLICE_ARG(part)));
        CHECK_STATUS(&a, 200);
    }
    LOOP(l, &a, .target = "/api/v1/files/archive", .bearer = bearer, .json = json);
    CHECK_STATUS(&a, 200);
    CHECK(a.read_err == ERR_OK && a.len == a.length && a.len > FILES * 100);
    LOOP(l, &a, .target = "/api/v1/files/upload?name=one-more&folder=/all/more", .bearer = bearer, .method = "POST", .body = SLICE("x"));
    CHECK_STATUS(&a, 201);
    LOOP(l, &a, .target = "/api/v1/files/archive", .bearer = bearer, .json = json);
    CHECK_PROBLEM(&a, 413, "archive_too_large");
    LOOP(l, &a, .method = "DELETE", .target = loop_text("/api/v1/folders/%s?recursive=true", folder), .bearer = bearer);
    CHECK_STATUS(&a, 204);
    LOOP(l, &a, .target = "/api/v1/files?state=trashed&limit=200", .bearer = bearer);
    CHECK_U64(loop_count(&a, "items"), 200);
    LOOP(l, &a, .target = "/api/v1/files", .bearer = bearer);
    CHECK_U64(loop_count(&a, "items"), 0);
}

TEST(a_transfer_of_ten_thousand_files)
{
    struct loop l;
    ANSWER a = {0};
    CLEANUP(buf_done) struct buf json = BUF_INIT(1 * MIB);
    /* Ten thousand durable files say nothing more, and take long. */
    if (loop_chosen() != LOOP_MEMORY) return;
    loop_open(&l);
    const char *bearer = loop_user(&l, "anna@example.com", ROLE_USER);
    CHECK_OK(buf_put_cstr(&json, "{\"file_ids\":["));
    for (unsigned i = 0; i < FILES; i++) {
        add_file(&l, bearer, i, &json);
        CHECK(!test_failed());
    }
    CHECK_OK(buf_put_cstr(&json, "]}"));
    const char *text = NULL;
    CHECK_OK(buf_cstr(&json, &text));
    /* Asked twice, as after a lost answer: an answer of megabytes is given again, too. */
    const char *first = "";
    for (int again = 0; again < 2; again++) {
        LOOP(&l, &a, .target = "/api/v1/transfers", .bearer = bearer, .json = text,
             .headers = {{SLICE("idempotency-key"), SLICE("folder")}});
        CHECK_STATUS(&a, 201);
        CHECK_SLICE(loop_header(&a, "idempotency-replayed"), again ? SLICE("true") : SLICE(""));
        if (!again) first = loop_str(&a, "transfer.id");
        CHECK_STR(&a, "transfer.id", first);
    }
    CHECK_U64(loop_num(&a, "transfer.file_count"), FILES);
    const char *id = loop_str(&a, "transfer.id"), *last = loop_str(&a, "transfer.files.9999.id");
    LOOP(&l, &a, .target = loop_text("/api/v1/transfers/%s/share", id), .bearer = bearer, .json = "{}");
    CHECK_STATUS(&a, 201);
    const char *token = loop_str(&a, "link.token");
    LOOP(&l, &a, .target = loop_text("/api/v1/share/%s", token));
    CHECK_STATUS(&a, 200);
    CHECK_U64(loop_count(&a, "files"), FILES);
    LOOP(&l, &a, .target = loop_text("/api/v1/share/%s/download?file_id=%s", token, last));
    CHECK_STATUS(&a, 200);
    CHECK_SLICE(loop_body(&a), SLICE("x"));
    LOOP(&l, &a, .target = loop_text("/api/v1/share/%s/download", token));
    CHECK_STATUS(&a, 200);
    CHECK(a.read_err == ERR_OK && a.len == a.length && a.len > FILES * 100);
    archive_of_folder(&l, bearer, slice_sub(buf_view(&json), sizeof "{\"file_ids\":[" - 1, json.len - 2));
    CHECK_FINE();
    loop_close(&l);
}
