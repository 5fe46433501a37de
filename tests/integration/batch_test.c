/* Many small files in one form: exact quotas, one file's fault is its own, sent again is stored once, and what fails in the middle. */
#include "base/buf.h"
#include "base/limits.h"
#include "blob/blob.h"
#include "core/sweep/sweep.h"
#include "integration/loopback.h"
#include "os/thread.h"

#define UPLOAD "/api/v1/files/upload"
#define FILES "/api/v1/files"
#define BOUNDARY "xyzzy"

struct form {
    struct buf body;
};

static void field(struct form *f, const char *name, const char *value)
{
    CHECK_OK(buf_printf(&f->body, "--" BOUNDARY "\r\nContent-Disposition: form-data; name=\"%s\"\r\n\r\n%s\r\n", name, value));
}

static void file(struct form *f, const char *name, struct slice content)
{
    CHECK_OK(buf_printf(&f->body, "--" BOUNDARY "\r\nContent-Disposition: form-data; name=\"file\"; filename=\"%s\"\r\n\r\n", name));
    CHECK_OK(buf_put(&f->body, content));
    CHECK_OK(buf_put_cstr(&f->body, "\r\n"));
}

static void keyed(struct form *f, const char *name, const char *key, const char *content)
{
    field(f, "idempotency_key", key);
    file(f, name, slice_cstr(content));
}

static void send_to(struct loop *l, const char *bearer, const char *target, struct form *f, struct loop_answer *a)
{
    CHECK_OK(buf_put_cstr(&f->body, "--" BOUNDARY "--\r\n"));
    LOOP(l, a, .method = "POST", .target = target, .bearer = bearer, .type = "multipart/form-data; boundary=" BOUNDARY,
         .body = buf_view(&f->body));
    buf_reset(&f->body);
}

static void send_form(struct loop *l, const char *bearer, struct form *f, struct loop_answer *a) { send_to(l, bearer, UPLOAD, f, a); }

static void form_done(struct form *f) { buf_done(&f->body); }
#define FORM CLEANUP(form_done) struct form
#define NEW_FORM {.body = BUF_INIT(32 * MIB)}

static uint64_t used(struct loop *l, const char *bearer, const char *what)
{
    ANSWER a = {0};
    LOOP(l, &a, .target = "/api/v1/me", .bearer = bearer);
    return (uint64_t)loop_num(&a, what);
}

static bool holds(struct loop *l, const char *bearer, const char *id, struct slice want)
{
    ANSWER a = {0};
    LOOP(l, &a, .target = loop_text(FILES "/%s/download", id), .bearer = bearer);
    return a.status == 200 && slice_eq(loop_body(&a), want);
}

/* Every file has a row, a blob and bytes in the account; nothing else does. */
static void check_consistent(struct loop *l, const char *bearer, uint64_t files, uint64_t bytes)
{
    CHECK_U64(used(l, bearer, "user.used_files"), files);
    CHECK_U64(used(l, bearer, "user.used_bytes"), bytes);
    loop_jobs(l);
    CHECK_U64(loop_blobs(l), files);
}

TEST(batch_small_and_large_in_one_form)
{
    struct loop l;
    ANSWER a = {0};
    FORM f = NEW_FORM;
    static char large[3 * MIB + 17];
    if (loop_missing()) return;
    loop_open(&l);
    const char *bearer = loop_user(&l, "anna@example.com", ROLE_USER);
    loop_pattern(large, sizeof large, 1);
    for (unsigned i = 0; i < 300; i++) file(&f, loop_text("a/b%u/f%u.txt", i % 3, i), slice_cstr(loop_text("content %u", i)));
    file(&f, "large.bin", slice_of(large, sizeof large));
    file(&f, "just.bin", slice_of(large, LIMIT_SMALL_FILE_BYTES));
    file(&f, "over.bin", slice_of(large, LIMIT_SMALL_FILE_BYTES + 1));
    field(&f, "mtime", "2020-01-02T03:04:05.678Z");
    file(&f, "empty", SLICE(""));
    send_to(&l, bearer, UPLOAD "?folder=/in", &f, &a);
    CHECK_STATUS(&a, 201);
    CHECK_U64(loop_count(&a, "files"), 304);
    CHECK(loop_is_null(&a, "errors"));
    CHECK_STR(&a, "files.0.folder", "/in/a/b0");
    CHECK_STR(&a, "files.299.name", "f299.txt");
    CHECK_STR(&a, "files.299.folder", "/in/a/b2");
    CHECK(holds(&l, bearer, loop_str(&a, "files.0.id"), SLICE("content 0")));
    CHECK(holds(&l, bearer, loop_str(&a, "files.299.id"), SLICE("content 299")));
    CHECK(holds(&l, bearer, loop_str(&a, "files.300.id"), slice_of(large, sizeof large)));
    CHECK(holds(&l, bearer, loop_str(&a, "files.301.id"), slice_of(large, LIMIT_SMALL_FILE_BYTES)));
    CHECK(holds(&l, bearer, loop_str(&a, "files.302.id"), slice_of(large, LIMIT_SMALL_FILE_BYTES + 1)));
    ANSWER got = {0};
    LOOP(&l, &got, .target = loop_text(FILES "/%s/download", loop_str(&a, "files.303.id")), .bearer = bearer);
    CHECK_STATUS(&got, 200);
    CHECK_SLICE(loop_header(&got, "last-modified"), SLICE("Thu, 02 Jan 2020 03:04:05 GMT"));
    CHECK_U64(used(&l, bearer, "user.used_files"), 304);
    /* Without a folder the name keeps them, for a transfer. */
    file(&f, "x/y.txt", SLICE("y"));
    send_form(&l, bearer, &f, &a);
    CHECK_STR(&a, "files.0.name", "x/y.txt");
    LOOP(&l, &a, .target = "/api/v1/uploads", .bearer = bearer);
    CHECK_U64(loop_count(&a, "items"), 0);
    loop_jobs(&l);
    LOOP(&l, &a, .target = FILES "?folder=/in/a/b1&limit=200", .bearer = bearer);
    CHECK_U64(loop_count(&a, "items"), 100);
    CHECK_STR(&a, "items.0.detected_type", "text/plain");
    loop_close(&l);
}

TEST(batch_one_fault_is_one_files)
{
    struct loop l;
    ANSWER a = {0};
    FORM f = NEW_FORM;
    if (loop_missing()) return;
    loop_open(&l);
    l.cfg.quota_user = (struct quota){.bytes = 1000, .file_bytes = 400};
    l.cfg.types.deny = SLICE(".exe");
    loop_reopen(&l);
    const char *bearer = loop_user(&l, "anna@example.com", ROLE_USER);
    static char bytes[600];
    file(&f, "one", slice_of(bytes, 300));
    file(&f, "../x", slice_of(bytes, 1));
    file(&f, "setup.exe", slice_of(bytes, 1));
    file(&f, "long", slice_of(bytes, 500));
    file(&f, "two", slice_of(bytes, 300));
    file(&f, "three", slice_of(bytes, 399)); /* fits just so, */
    file(&f, "four", slice_of(bytes, 390));  /* and this no more */
    send_form(&l, bearer, &f, &a);
    CHECK_STATUS(&a, 201);
    CHECK_U64(loop_count(&a, "files"), 3);
    CHECK_STR(&a, "files.0.name", "one");
    CHECK_STR(&a, "files.1.name", "two");
    CHECK_STR(&a, "files.2.name", "three");
    CHECK_U64(loop_count(&a, "errors"), 4);
    static const struct {
        unsigned index, status;
        const char *name, *code;
    } want[] = {{1, 400, "../x", "invalid"}, {2, 400, "setup.exe", "type_denied"}, {3, 413, "long", "file_too_large"},
                {6, 413, "four", "quota_exceeded"}};
    for (unsigned i = 0; i < ARRAY_LEN(want); i++) {
        CHECK_U64(loop_num(&a, loop_text("errors.%u.index", i)), want[i].index);
        CHECK_U64(loop_num(&a, loop_text("errors.%u.status", i)), want[i].status);
        CHECK_STR(&a, loop_text("errors.%u.name", i), want[i].name);
        CHECK_STR(&a, loop_text("errors.%u.code", i), want[i].code);
        CHECK(loop_str(&a, loop_text("errors.%u.detail", i))[0]);
    }
    check_consistent(&l, bearer, 3, 999);
    /* When none is left, the answer is that of the first. */
    file(&f, "five", slice_of(bytes, 300));
    file(&f, "../y", slice_of(bytes, 1));
    send_form(&l, bearer, &f, &a);
    CHECK_PROBLEM(&a, 400, "invalid");
    CHECK_U64(loop_count(&a, "errors"), 1);
    CHECK_STR(&a, "errors.0.field", "name");
    file(&f, "five", slice_of(bytes, 300));
    send_form(&l, bearer, &f, &a);
    CHECK_PROBLEM(&a, 413, "quota_exceeded");
    check_consistent(&l, bearer, 3, 999);
    loop_close(&l);
}

TEST(batch_sent_again_is_stored_once)
{
    struct loop l;
    ANSWER a = {0};
    ANSWER b = {0};
    FORM f = NEW_FORM;
    static char large[LIMIT_SMALL_FILE_BYTES + 1];
    if (loop_missing()) return;
    loop_open(&l);
    const char *bearer = loop_user(&l, "anna@example.com", ROLE_USER), *ben = loop_user(&l, "ben@example.com", ROLE_USER);
    for (int again = 0; again < 2; again++) {
        keyed(&f, "one", "k1", "first");
        if (again) keyed(&f, "new", "k9", "more");
        keyed(&f, "two", "k2", "second");
        send_form(&l, bearer, &f, again ? &b : &a);
    }
    CHECK_STATUS(&b, 201);
    CHECK_U64(loop_count(&b, "files"), 3);
    CHECK_STR(&b, "files.0.id", loop_str(&a, "files.0.id"));
    CHECK_STR(&b, "files.2.id", loop_str(&a, "files.1.id"));
    check_consistent(&l, bearer, 3, 15);
    /* Twice in one form, too; another account's keys are others. */
    keyed(&f, "one", "k1", "first");
    keyed(&f, "one", "k1", "first");
    send_form(&l, ben, &f, &b);
    CHECK_STATUS(&b, 201);
    CHECK_STR(&b, "files.1.id", loop_str(&b, "files.0.id"));
    CHECK_U64(used(&l, ben, "user.used_files"), 1);
    /* Another file under the same key; a key without characters, one that is too long, one of a file that is not small. */
    keyed(&f, "one", "k1", "other");
    send_form(&l, bearer, &f, &b);
    CHECK_PROBLEM(&b, 409, "idempotency_mismatch");
    keyed(&f, "one", "", "x");
    send_form(&l, bearer, &f, &b);
    CHECK_PROBLEM(&b, 400, "invalid");
    CHECK_STR(&b, "errors.0.field", "idempotency_key");
    CLEANUP(buf_done) struct buf long_key = BUF_INIT(KIB);
    for (int i = 0; i < 256; i++) CHECK_OK(buf_putc(&long_key, 'k'));
    const char *text = NULL;
    CHECK_OK(buf_cstr(&long_key, &text));
    keyed(&f, "one", text, "x");
    send_form(&l, bearer, &f, &b);
    CHECK_PROBLEM(&b, 400, "invalid");
    field(&f, "idempotency_key", "k5");
    file(&f, "large", slice_of(large, sizeof large));
    send_form(&l, bearer, &f, &b);
    CHECK_PROBLEM(&b, 413, "idempotency_too_large");
    field(&f, "mtime", "yesterday");
    file(&f, "one", SLICE("x"));
    send_form(&l, bearer, &f, &b);
    CHECK_PROBLEM(&b, 400, "invalid");
    CHECK_U64(used(&l, bearer, "user.used_files"), 3);
    /* What was deleted since is stored again. */
    LOOP(&l, &b, .method = "DELETE", .target = loop_text(FILES "/%s", loop_str(&a, "files.0.id")), .bearer = bearer);
    CHECK_STATUS(&b, 204);
    keyed(&f, "one", "k1", "first");
    send_form(&l, bearer, &f, &b);
    CHECK_STATUS(&b, 201);
    CHECK(strcmp(loop_str(&b, "files.0.id"), loop_str(&a, "files.0.id")) != 0);
    CHECK_U64(used(&l, bearer, "user.used_files"), 3);
    loop_close(&l);
}

struct racer {
    struct loop *l;
    const char *bearer;
    _Atomic unsigned stored, refused, other;
    bool keys;
};

static void race(void *arg, unsigned i)
{
    struct racer *r = arg;
    ANSWER a = {0};
    FORM f = NEW_FORM;
    for (unsigned k = 0; k < 20; k++) {
        if (r->keys) field(&f, "idempotency_key", loop_text("key-%u", k));
        file(&f, r->keys ? loop_text("f%u", k) : loop_text("f%u-%u", i, k), SLICE("ten bytes."));
    }
    send_form(r->l, r->bearer, &f, &a);
    if (a.status == 201) {
        r->stored += (unsigned)loop_count(&a, "files");
        r->refused += (unsigned)loop_count(&a, "errors");
    } else if (a.status == 413) {
        r->refused += 20;
    } else {
        r->other++;
    }
}

TEST(batch_quota_is_exact_in_parallel)
{
    struct loop l;
    if (loop_missing()) return;
    loop_open(&l);
    l.cfg.quota_user.bytes = 10 * 77;
    loop_reopen(&l);
    struct racer r = {.l = &l, .bearer = loop_user(&l, "anna@example.com", ROLE_USER)};
    loop_parallel(8, race, &r);
    CHECK_U64(r.other, 0);
    CHECK_U64(r.stored, 77);
    CHECK_U64(r.refused, 160 - 77);
    check_consistent(&l, r.bearer, 77, 770);
    loop_close(&l);
}

TEST(batch_the_same_keys_in_parallel)
{
    struct loop l;
    if (loop_missing()) return;
    loop_open(&l);
    struct racer r = {.l = &l, .bearer = loop_user(&l, "anna@example.com", ROLE_USER), .keys = true};
    loop_parallel(6, race, &r);
    CHECK_U64(r.other, 0);
    CHECK_U64(r.stored, 120);
    check_consistent(&l, r.bearer, 20, 200);
    loop_close(&l);
}

TEST(batch_a_cut_form_leaves_nothing)
{
    struct loop l;
    ANSWER a = {0};
    FORM f = NEW_FORM;
    if (loop_missing()) return;
    loop_open(&l);
    const char *bearer = loop_user(&l, "anna@example.com", ROLE_USER);
    for (unsigned i = 0; i < 10; i++) file(&f, loop_text("f%u", i), SLICE("ten bytes."));
    for (size_t after = 100; after < f.body.len; after += 97) {
        LOOP(&l, &a, .method = "POST", .target = UPLOAD, .bearer = bearer, .type = "multipart/form-data; boundary=" BOUNDARY,
             .body = buf_view(&f.body), .cut = true, .cut_after = after, .piece = 50);
        check_consistent(&l, bearer, 0, 0);
        CHECK_FINE();
    }
    loop_close(&l);
}

/* While a form comes slowly, what came is stored now and then; what waited so long that the sweep may have taken it is not. */
TEST(batch_waits_not_long)
{
    struct loop l;
    ANSWER a = {0};
    FORM f = NEW_FORM;
    if (loop_missing()) return;
    loop_open(&l);
    const char *bearer = loop_user(&l, "anna@example.com", ROLE_USER);
    for (unsigned i = 0; i < 3; i++) file(&f, loop_text("f%u", i), SLICE("ten bytes."));
    size_t third = f.body.len / 3;
    CHECK_OK(buf_put_cstr(&f.body, "--" BOUNDARY "--\r\n"));
    for (int slow = 0; slow < 2; slow++) {
        struct loop_exchange *x =
            loop_begin(&l, &(struct loop_request){.method = "POST", .target = UPLOAD, .bearer = bearer,
                                                  .type = "multipart/form-data; boundary=" BOUNDARY, .body = buf_view(&f.body)});
        CHECK(loop_waiting(x));
        CHECK_OK(loop_put(x, f.body.ptr, third + 10));
        loop_advance(slow ? 31 * 60 * 1000 : LIMIT_BATCH_MS);
        enum err e = loop_put(x, f.body.ptr + third + 10, third);
        if (slow) {
            CHECK_ERR(e, ERR_TIMEOUT);
        } else {
            CHECK_OK(e);
            CHECK_U64(used(&l, bearer, "user.used_files"), 2);
            CHECK_OK(loop_put(x, f.body.ptr + 2 * third + 10, f.body.len - 2 * third - 10));
        }
        loop_answer_done(&a);
        a = (struct loop_answer){0};
        loop_finish(x, &a);
        CHECK_U64(a.status, slow ? 504 : 201);
        loop_end(x, &a, true);
    }
    bearer = loop_sign_in(&l, "anna@example.com", LOOP_PASSWORD, NULL);
    CHECK_U64(used(&l, bearer, "user.used_files"), 3);
    loop_jobs(&l);
    CHECK_U64(loop_blobs(&l), 5); /* two of the second form: the sweep gets them */
    CLEANUP(ctx_done) struct ctx c;
    size_t swept = 0;
    ctx_init(&c, LIMIT_JOB_ARENA_BYTES);
    loop_advance(SWEEP_GRACE_MS);
    CHECK_OK(sweep_blobs(&c, l.app, &swept));
    CHECK_U64(swept, 2);
    CHECK_U64(loop_blobs(&l), 3);
    loop_close(&l);
}
