/* What files are, and which may be stored: the real sandboxed program, lists by name and content, states that are honest. */
#include "base/limits.h"
#include "integration/loopback.h"

#define FILES "/api/v1/files"
#define PDF SLICE("%PDF-1.7\n1 0 obj\n<<>>\nendobj\n")
#define EXE slice_of(program(), 256)

/* The beginning of a Windows program. */
static const char *program(void)
{
    static char pe[256] = "MZ\x90";
    pe[0x3c] = (char)0x80;
    memcpy(pe + 0x80, "PE\0\0L\1", 6);
    return pe;
}

static const char *open_with(struct loop *l, struct type_policy types)
{
    loop_open(l);
    l->cfg.types = types;
    loop_reopen(l);
    return loop_user(l, "anna@example.com", ROLE_USER);
}

static void look(struct loop *l, const char *bearer, const char *file, struct loop_answer *a)
{
    loop_next(l, &(struct loop_request){.target = loop_text(FILES "/%s", file), .bearer = bearer}, a);
}

static void download(struct loop *l, const char *bearer, const char *file, struct loop_answer *a)
{
    loop_next(l, &(struct loop_request){.target = loop_text(FILES "/%s/download", file), .bearer = bearer}, a);
}

TEST(types_are_found_out)
{
    struct loop l;
    ANSWER a = {0};
    if (loop_missing()) return;
    const char *bearer = open_with(&l, (struct type_policy){{0}, {0}, false});
    const char *file = loop_file(&l, bearer, "misnamed.txt", PDF), *empty = loop_file(&l, bearer, "empty.txt", SLICE(""));
    look(&l, bearer, file, &a);
    CHECK_STR(&a, "file.state", "ready");
    CHECK(loop_is_null(&a, "file.detected_type"));
    /* Without a policy there is nothing to wait for. */
    download(&l, bearer, file, &a);
    CHECK_STATUS(&a, 200);
    loop_jobs(&l);
    look(&l, bearer, file, &a);
    CHECK_STR(&a, "file.state", "ready");
    CHECK_STR(&a, "file.type", "text/plain");
    CHECK_STR(&a, "file.detected_type", "application/pdf");
    look(&l, bearer, empty, &a);
    CHECK(!loop_is_null(&a, "file.detected_type"));
    loop_close(&l);
}

TEST(types_denied_by_name_before_a_byte_is_taken)
{
    struct loop l;
    ANSWER a = {0};
    if (loop_missing()) return;
    const char *bearer = open_with(&l, (struct type_policy){{0}, SLICE(".exe"), false});
    LOOP(&l, &a, .target = "/api/v1/uploads", .bearer = bearer, .json = "{\"name\":\"a.exe\",\"size\":1}");
    CHECK_PROBLEM(&a, 400, "type_denied");
    LOOP(&l, &a, .method = "PUT", .target = FILES "/upload?name=invoice.pdf.EXE", .bearer = bearer, .body = PDF);
    CHECK_PROBLEM(&a, 400, "type_denied");
    const char *file = loop_file(&l, bearer, "a.pdf", PDF);
    loop_jobs(&l);
    LOOP(&l, &a, .method = "PATCH", .target = loop_text(FILES "/%s", file), .bearer = bearer, .json = "{\"name\":\"a.exe\"}");
    CHECK_PROBLEM(&a, 400, "type_denied");
    LOOP(&l, &a, .method = "PATCH", .target = loop_text(FILES "/%s", file), .bearer = bearer, .json = "{\"name\":\"b.pdf\"}");
    CHECK_STATUS(&a, 200);
    loop_close(&l);
}

TEST(types_denied_by_content)
{
    struct loop l;
    ANSWER a = {0};
    if (loop_missing()) return;
    const char *bearer = open_with(&l, (struct type_policy){{0}, SLICE("application/vnd.microsoft.portable-executable"), false});
    const char *file = loop_file(&l, bearer, "holiday.pdf", EXE), *good = loop_file(&l, bearer, "good.pdf", PDF);
    const char *token = loop_share(&l, bearer, loop_transfer(&l, bearer, file, ""), "{}");
    const char *both = loop_share(&l, bearer, loop_transfer(&l, bearer, loop_text("%s %s", file, good), ""), "{}");
    /* Nothing is given out before it was looked at. */
    look(&l, bearer, file, &a);
    CHECK_STR(&a, "file.state", "scanning");
    download(&l, bearer, file, &a);
    CHECK_PROBLEM(&a, 409, "file_not_ready");
    download(&l, bearer, good, &a);
    CHECK_PROBLEM(&a, 409, "file_not_ready");
    LOOP(&l, &a, .target = loop_text("/api/v1/share/%s/download", token));
    CHECK_PROBLEM(&a, 409, "file_not_ready");
    LOOP(&l, &a, .target = loop_text("/api/v1/share/%s/download", both));
    CHECK_PROBLEM(&a, 409, "file_not_ready");
    LOOP(&l, &a, .target = loop_text(FILES "/%s/content", file), .bearer = bearer);
    CHECK_PROBLEM(&a, 409, "file_not_ready");
    loop_jobs(&l);
    look(&l, bearer, file, &a);
    CHECK_STR(&a, "file.state", "quarantined");
    CHECK_STR(&a, "file.state_why", "type_denied");
    download(&l, bearer, file, &a);
    CHECK_PROBLEM(&a, 403, "file_quarantined");
    LOOP(&l, &a, .target = loop_text("/api/v1/share/%s/download", token));
    CHECK_PROBLEM(&a, 403, "file_quarantined");
    LOOP(&l, &a, .target = loop_text("/api/v1/share/%s/download", both));
    CHECK_PROBLEM(&a, 403, "file_quarantined");
    download(&l, bearer, good, &a);
    CHECK_STATUS(&a, 200);
    LOOP(&l, &a, .target = loop_text("/api/v1/share/%s/download?file_id=%s", both, good));
    CHECK_STATUS(&a, 200);
    /* It can be deleted. */
    LOOP(&l, &a, .method = "DELETE", .target = loop_text(FILES "/%s", file), .bearer = bearer);
    CHECK_STATUS(&a, 204);
    loop_close(&l);
}

TEST(types_that_do_not_fit_the_name)
{
    struct loop l;
    ANSWER a = {0};
    if (loop_missing()) return;
    const char *bearer = open_with(&l, (struct type_policy){SLICE(".pdf, text/*"), {0}, true});
    const char *wrong = loop_file(&l, bearer, "a.txt", PDF), *right = loop_file(&l, bearer, "a.pdf", PDF);
    loop_jobs(&l);
    look(&l, bearer, wrong, &a);
    CHECK_STR(&a, "file.state", "quarantined");
    look(&l, bearer, right, &a);
    CHECK_STR(&a, "file.state", "ready");
    loop_close(&l);
}

TEST(types_wait_for_a_detector_that_does_not_work)
{
    struct loop l;
    ANSWER a = {0};
    if (loop_missing()) return;
    const char *bearer = open_with(&l, (struct type_policy){{0}, SLICE(".exe"), false}), *program = l.cfg.lab_program;
    l.cfg.lab_program = "/bin/false";
    loop_reopen(&l);
    const char *file = loop_file(&l, bearer, "a.pdf", PDF);
    loop_jobs(&l);
    look(&l, bearer, file, &a);
    CHECK_STR(&a, "file.state", "scanning");
    download(&l, bearer, file, &a);
    CHECK_PROBLEM(&a, 409, "file_not_ready");
    /* It is tried again. */
    l.cfg.lab_program = program;
    loop_reopen(&l);
    loop_advance(60 * 1000);
    loop_jobs(&l);
    look(&l, bearer, file, &a);
    CHECK_STR(&a, "file.state", "ready");
    download(&l, bearer, file, &a);
    CHECK_STATUS(&a, 200);
    loop_close(&l);
}
