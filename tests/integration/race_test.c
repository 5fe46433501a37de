/* Uploads that race, with themselves and with the quota; and two first accounts. */
#include <stdatomic.h>
#include <time.h>

#include "base/limits.h"
#include "codec/base64.h"
#include "core/user/user.h"
#include "crypto/sft.h"
#include "integration/loopback.h"
#include "os/thread.h"

#define PART MIB
static char bytes[PART];

struct completer {
    struct loop *l;
    const char *bearer, *target;
    int status;
};

static void complete(void *arg)
{
    struct completer *p = arg;
    ANSWER a = {0};
    LOOP(p->l, &a, .target = p->target, .bearer = p->bearer, .json = "{}");
    p->status = a.status;
}

/* The headers in the blob are those that the file is known by. */
static bool whole(struct loop *l, const char *bearer, const char *file)
{
    ANSWER a = {0};
    CLEANUP(buf_done) struct buf headers = BUF_INIT(2 * SEAL_HEADER);
    CLEANUP(buf_done) struct buf etag = BUF_INIT(64);
    struct sha256 hash;
    LOOP(l, &a, .target = loop_text("/api/v1/files/%s/content", file), .bearer = bearer);
    struct slice body = loop_body(&a);
    if (a.status != 200 || body.len != sft_sealed_size(PART, PART)) return false;
    struct slice last = slice_sub(body, (size_t)sft_sealed_part(PART), body.len);
    if (buf_put(&headers, slice_sub(body, 0, SEAL_HEADER)) != ERR_OK) return false;
    if (buf_put(&headers, slice_sub(last, 0, SEAL_HEADER)) != ERR_OK) return false;
    if (sft_headers_hash(buf_view(&headers), &hash) != ERR_OK) return false;
    if (base64url_encode(&etag, slice_of(hash.b, 16)) != ERR_OK) return false;
    struct slice got = loop_header(&a, "etag");
    return slice_eq(slice_sub(got, 1, 23), buf_view(&etag));
}

TEST(two_completions_at_once_make_one_file)
{
    struct loop l;
    ANSWER a = {0};
    if (loop_missing()) return;
    loop_open(&l);
    loop_pattern(bytes, sizeof bytes, 3);
    const char *bearer = loop_user(&l, "anna@example.com", ROLE_USER);
    for (int round = 0; round < 25; round++) {
        struct thread t[3] = {{.started = false}};
        struct completer p[3];
        LOOP(&l, &a, .target = "/api/v1/uploads", .bearer = bearer, .json = "{\"name\":\"x\",\"size\":1048576,\"part_size\":1048576}");
        CHECK_STATUS(&a, 201);
        const char *id = loop_str(&a, "upload_id"), *file = loop_str(&a, "file_id");
        LOOP(&l, &a, .method = "PUT", .target = loop_text("/api/v1/uploads/%s/parts/0", id), .bearer = bearer,
             .body = slice_of(bytes, sizeof bytes));
        CHECK_STATUS(&a, 204);
        for (size_t i = 0; i < 3; i++) {
            p[i] = (struct completer){&l, bearer, loop_text("/api/v1/uploads/%s/complete", id), 0};
            CHECK_OK(thread_start(&t[i], "complete", complete, &p[i]));
        }
        for (size_t i = 0; i < 3; i++) thread_join(&t[i]);
        for (size_t i = 0; i < 3; i++) CHECK_U64(p[i].status, 200);
        CHECK(whole(&l, bearer, file));
    }
    loop_close(&l);
}

TEST(a_stream_without_a_size_stops_at_the_quota)
{
    struct loop l;
    ANSWER a = {0};
    if (loop_missing()) return;
    loop_open(&l);
    l.cfg.quota_user.bytes = 2000000;
    loop_reopen(&l);
    const char *bearer = loop_user(&l, "anna@example.com", ROLE_USER);
    struct loop_exchange *x = loop_begin(&l, &(struct loop_request){.method = "PUT", .target = "/api/v1/files/upload?name=x",
                                                                    .bearer = bearer, .no_length = true, .body = SLICE("x")});
    CHECK(loop_waiting(x));
    enum err e = ERR_OK;
    size_t put = 0;
    while (e == ERR_OK && put < 10 * MIB) {
        e = loop_put(x, bytes, 65536);
        put += 65536;
    }
    /* Refused as soon as the bytes would not fit, not at the end. */
    CHECK_ERR(e, ERR_QUOTA);
    CHECK(put > 1900000 && put < 2100000);
    loop_finish(x, &a);
    CHECK_STATUS(&a, 413);
    loop_end(x, &a, true);
    LOOP(&l, &a, .target = "/api/v1/me", .bearer = bearer);
    CHECK_U64(loop_num(&a, "user.used_bytes"), 0);
    x = loop_begin(&l, &(struct loop_request){.method = "PUT", .target = "/api/v1/files/upload?name=y", .bearer = bearer,
                                              .no_length = true, .body = SLICE("x")});
    CHECK(loop_waiting(x));
    for (unsigned i = 0; i < 30; i++) CHECK_OK(loop_put(x, bytes, 65000));
    loop_answer_done(&a);
    a = (struct loop_answer){0};
    loop_finish(x, &a);
    CHECK_STATUS(&a, 201);
    loop_end(x, &a, true);
    LOOP(&l, &a, .target = "/api/v1/me", .bearer = bearer);
    CHECK_U64(loop_num(&a, "user.used_bytes"), 1950000);
    loop_close(&l);
}

/* ---- two first accounts ---- */

struct first {
    struct loop *l;
    struct thread setup;
    enum err e;
    _Atomic bool done;
};

typedef enum err also_fn(struct ctx *c, struct db_conn *conn, const struct user *user, void *arg);

static enum err make_first(struct loop *l, const char *email, bool must_be_first, also_fn *also, void *arg)
{
    CLEANUP(ctx_done) struct ctx c;
    struct user made;
    ctx_init(&c, LIMIT_REQUEST_ARENA_BYTES);
    return user_create(&c, l->app, &(struct user_new){.email = slice_cstr(email), .password = SLICE(LOOP_PASSWORD), .role = ROLE_ADMIN,
                                                      .must_be_first = must_be_first, .also = also, .also_arg = arg}, &made);
}

static void set_up(void *arg)
{
    struct first *f = arg;
    f->e = make_first(f->l, "setup@example.com", true, NULL, NULL);
    f->done = true;
}

/* The account is in the transaction, not yet committed. */
static enum err while_it_is_made(struct ctx *c, struct db_conn *conn, const struct user *user, void *arg)
{
    struct first *f = arg;
    struct timespec pause = {0, 300 * 1000 * 1000};
    (void)c, (void)conn, (void)user;
    if (!f->setup.started) TRY(thread_start(&f->setup, "setup", set_up, f));
    nanosleep(&pause, NULL);
    if (f->done) test_fail(__FILE__, __LINE__, "the set-up did not wait");
    return ERR_OK;
}

TEST(set_up_sees_an_account_that_is_just_being_made)
{
    struct loop l;
    if (loop_missing()) return;
    loop_open(&l);
    struct first f = {.l = &l};
    CHECK_OK(make_first(&l, "admin@example.com", false, while_it_is_made, &f));
    thread_join(&f.setup);
    CHECK_ERR(f.e, ERR_NOT_FOUND);
    loop_close(&l);
}
