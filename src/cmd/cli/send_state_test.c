/* send_state: what an interrupted send knows again, and what it must not believe. */
#include "cmd/cli/send_state.h"

#include "lib/test.h"
#include "os/file.h"

#define PART_SIZE (8u << 20)

static struct walk_file files[2];
static const char *const roots[] = {"/d/b", "/d/a"};

/* Names in another order than paths. */
static struct walk sample(void)
{
    files[0] = (struct walk_file){"/d/b", SLICE("1"), 100, 1111};
    files[1] = (struct walk_file){"/d/a", SLICE("2"), 200, 2222};
    return (struct walk){.files = files, .count = 2, .roots = roots, .root_count = 2};
}

static const char *path_of(void)
{
    static char path[200];
    snprintf(path, sizeof path, "%s/send.jsonl", test_dir());
    return path;
}

static const struct id up = {{1}}, file = {{2}}, up2 = {{3}}, file2 = {{4}}, transfer = {{5}};

TEST(send_state_goes_on)
{
    CLEANUP(ctx_done) struct ctx c;
    struct walk w = sample();
    struct send_state s;
    const char *path = path_of();
    ctx_init(&c, 1 << 20);
    CHECK_OK(send_state_open(&c, path, false, &w, &s));
    CHECK(!s.files[0].known && !s.files[1].known && !s.transfer_id.set);
    CHECK_OK(send_state_upload(&c, &s, 0, &up, &file, PART_SIZE));
    CHECK_OK(send_state_upload(&c, &s, 1, &up2, &file2, PART_SIZE));
    CHECK_OK(send_state_done(&c, &s, 1));
    struct send_state second;
    CHECK_ERR(send_state_open(&c, path, false, &w, &second), ERR_BUSY); /* another process */
    send_state_close(&s);
    CHECK_OK(send_state_open(&c, path, false, &w, &s));
    CHECK(s.files[0].known && !s.files[0].done && id_eq(s.files[0].upload_id, up) && id_eq(s.files[0].file_id, file));
    CHECK(s.files[1].done && s.files[1].part_size == PART_SIZE && id_eq(s.files[1].upload_id, up2));
    CHECK_OK(send_state_done(&c, &s, 0));
    CHECK_OK(send_state_transfer(&c, &s, &transfer));
    send_state_close(&s);
    CHECK_OK(send_state_open(&c, path, false, &w, &s));
    CHECK(s.transfer_id.set && id_eq(s.transfer_id.v, transfer));
    send_state_close(&s);
    CHECK_OK(send_state_open(&c, path, true, &w, &s)); /* --fresh */
    CHECK(!s.files[1].known && !s.transfer_id.set);
    send_state_remove(&s);
    struct stat st;
    CHECK(stat(path, &st) != 0);
}

TEST(send_state_never_mixes_contents)
{
    CLEANUP(ctx_done) struct ctx c;
    struct walk w = sample();
    struct send_state s;
    const char *path = path_of();
    ctx_init(&c, 1 << 20);
    CHECK_OK(send_state_open(&c, path, false, &w, &s));
    CHECK_OK(send_state_upload(&c, &s, 0, &up, &file, PART_SIZE));
    CHECK_OK(send_state_upload(&c, &s, 1, &up2, &file2, PART_SIZE));
    CHECK_OK(send_state_done(&c, &s, 0));
    CHECK_OK(send_state_done(&c, &s, 1));
    CHECK_OK(send_state_transfer(&c, &s, &transfer));
    send_state_close(&s);
    files[0].mtime_ns++; /* same size, later */
    files[1].size++;
    CHECK_OK(send_state_open(&c, path, false, &w, &s));
    CHECK(!s.files[0].known && !s.files[0].done && s.files[0].changed && id_eq(s.files[0].upload_id, up));
    CHECK(!s.files[1].known && s.files[1].changed && !s.transfer_id.set);
    CHECK_OK(send_state_upload(&c, &s, 0, &up2, &file2, PART_SIZE)); /* anew */
    CHECK(s.files[0].known && !s.files[0].changed);
    send_state_close(&s);
    CHECK_OK(send_state_open(&c, path, false, &w, &s));
    CHECK(s.files[0].known && !s.files[0].done && id_eq(s.files[0].upload_id, up2));
    send_state_close(&s);
}

TEST(send_state_survives_damage)
{
    CLEANUP(ctx_done) struct ctx c;
    struct walk w = sample();
    struct send_state s;
    const char *path = path_of();
    ctx_init(&c, 1 << 20);
    CHECK_OK(file_create(path,
                         SLICE("garbage\n{\"event\":\"upload\",\"path\":\"/d/a\",\"size\":200,\"mtime_ns\":2222,\"part_size\":7,"
                               "\"upload_id\":\"01900000-0000-7000-8000-000000000001\","
                               "\"file_id\":\"01900000-0000-7000-8000-000000000002\"}\n"
                               "{\"event\":\"done\",\"path\":\"/d/b\"}\n{\"event\":\"upload\",\"path\":\"/elsewhere\"}\n{\"ev"),
                         0600));
    CHECK_OK(send_state_open(&c, path, false, &w, &s));
    CHECK(!s.files[0].known && !s.files[0].done && !s.files[1].known);
    send_state_close(&s);
}

TEST(send_state_keys_differ)
{
    struct walk w = sample();
    struct sha256 a, b;
    static const char *const other_roots[] = {"/d/b/d/a"};
    CHECK_OK(send_state_key(SLICE("https://h"), SLICE("x@y"), &w, &a));
    CHECK_OK(send_state_key(SLICE("https://h"), SLICE("x@y"), &w, &b));
    CHECK(sha256_equal(&a, &b));
    CHECK_OK(send_state_key(SLICE("https://g"), SLICE("x@y"), &w, &b));
    CHECK(!sha256_equal(&a, &b));
    CHECK_OK(send_state_key(SLICE("https://h"), SLICE("z@y"), &w, &b));
    CHECK(!sha256_equal(&a, &b));
    w.roots = other_roots;
    w.root_count = 1;
    CHECK_OK(send_state_key(SLICE("https://h"), SLICE("x@y"), &w, &b));
    CHECK(!sha256_equal(&a, &b));
}

TEST(send_state_no_memory)
{
    const char *path = path_of();
    for (uint64_t n = 0; n < 300; n++) {
        CLEANUP(ctx_done) struct ctx c;
        struct walk w = sample();
        struct send_state s = {0};
        ctx_init(&c, 1 << 20);
        test_fail_alloc(n, false);
        enum err e = send_state_open(&c, path, false, &w, &s);
        if (e == ERR_OK) e = send_state_upload(&c, &s, 0, &up, &file, PART_SIZE);
        bool fired = test_alloc_fired();
        test_fail_alloc(UINT64_MAX, false);
        send_state_close(&s);
        CHECK(e == ERR_OK || fired);
        if (!fired) return;
    }
    CHECK(false);
}
