/* The appending engine by its own calls: bodies of any size, cut anywhere, taken over by others, by other nodes, after a restart: an
 * offset that was told never goes back, and what comes out in the end is what went in. */
#include <unistd.h>

#include "base/limits.h"
#include "core/session/session.h"
#include "core/upload/append.h"
#include "core/upload/append_impl.h"
#include "integration/loopback.h"

#define PART (1 * MIB)

static char bytes[3 * MIB + 12345];
static const struct slice content = {bytes, sizeof bytes};

struct bed {
    struct loop l;
    struct ctx c;
    const char *bearer;
    struct principal who;
    struct upload u;
};

static bool bed_open(struct bed *b)
{
    if (loop_missing()) return false;
    loop_pattern(bytes, sizeof bytes, 11);
    loop_open(&b->l);
    b->bearer = loop_user(&b->l, "anna@example.com", ROLE_USER);
    ctx_init(&b->c, LIMIT_REQUEST_ARENA_BYTES);
    if (test_failed()) return false;
    return session_authenticate(&b->c, b->l.app, slice_cstr(b->bearer), &b->who) == ERR_OK;
}

static void bed_close(struct bed *b)
{
    ctx_done(&b->c);
    loop_close(&b->l);
}
#define BED(b)                                                                                                         \
    CLEANUP(bed_close) struct bed b = {0};                                                                             \
    if (!bed_open(&b)) return

static enum err create(struct bed *b, uint64_t size)
{
    struct append_new n = {.file = {.name = SLICE("a.bin"), .size = size, .part_size = PART}, .memo = SLICE("as it was")};
    return append_create(&b->c, b->l.app, &b->who, &n, &b->u);
}

static struct append_in *open_at(struct bed *b, uint64_t offset)
{
    struct append_in *in = NULL;
    struct append_state s;
    struct append_request r = {.id = b->u.id, .offset = offset, .length = UPLOAD_SIZE_UNKNOWN};
    enum err e = append_open(&b->c, b->l.app, &b->who, &r, &s, &in);
    if (e != ERR_OK) test_fail(__FILE__, __LINE__, "open at %llu: %s %s", (unsigned long long)offset, err_name(e), b->c.err_detail);
    return in;
}

static uint64_t offset_now(struct bed *b)
{
    struct append_state s = {.offset = 0};
    enum err e = append_state(&b->c, b->l.app, &b->who, &b->u.id, &s);
    if (e != ERR_OK) test_fail(__FILE__, __LINE__, "state: %s", err_name(e));
    return s.offset;
}

static enum err put(struct bed *b, struct append_in *in, uint64_t from, uint64_t to)
{
    struct slice s = slice_sub(content, (size_t)from, (size_t)to);
    return append_write(&b->c, in, s.ptr, s.len);
}

static enum err visit(struct ctx *c, struct blob_key key, bool committed, int64_t modified_ms, void *arg)
{
    (void)c, (void)key, (void)committed, (void)modified_ms;
    ++*(size_t *)arg;
    return ERR_OK;
}

static size_t blobs(struct bed *b)
{
    size_t n = 0;
    if (blob_list(&b->c, b->l.be.blobs, visit, &n) != ERR_OK) test_fail(__FILE__, __LINE__, "blob_list");
    return n;
}

static void check_whole(struct bed *b)
{
    ANSWER a = {0};
    struct file f;
    char id[ID_TEXT_LEN + 1];
    CHECK_OK(upload_complete(&b->c, b->l.app, &b->who, &b->u.id, UPLOAD_SIZE_UNKNOWN, NULL, &f));
    id_text(f.id, id);
    LOOP(&b->l, &a, .target = loop_text("/api/v1/files/%s/download", id), .bearer = b->bearer);
    CHECK_STATUS(&a, 200);
    CHECK(a.read_err == ERR_OK);
    CHECK_SLICE(loop_body(&a), content);
    loop_jobs(&b->l);
    CHECK_U64(blobs(b), 1); /* no piece is left */
}

static uint64_t random_u64(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

/* One body of a random length, ended in a random way; the offset from then on. */
static uint64_t random_body(struct bed *b, uint64_t at, uint64_t *rnd)
{
    static const uint64_t longest[] = {1, 100, 16384, 70000, PART, sizeof bytes};
    uint64_t want = 1 + random_u64(rnd) % longest[random_u64(rnd) % ARRAY_LEN(longest)], told = at;
    uint64_t end = MIN(at + want, (uint64_t)sizeof bytes), sent = at;
    struct append_in *in = open_at(b, at);
    while (in && sent < end) {
        uint64_t step = 1 + random_u64(rnd) % (256 * KIB), n = MIN(end - sent, step);
        if (put(b, in, sent, sent + n) != ERR_OK) test_fail(__FILE__, __LINE__, "write: %s", b->c.err_detail);
        sent += n;
        if (random_u64(rnd) % 16 == 0 && (append_sync(&b->c, in, &told) != ERR_OK || told != sent))
            test_fail(__FILE__, __LINE__, "sync: %s", b->c.err_detail);
    }
    if (!in || test_failed()) return at;
    switch (random_u64(rnd) % 3) {
    case 0: append_abort(&b->c, in); break;
    case 1:
        if (append_finish(&b->c, in, &told) != ERR_OK || told != end) test_fail(__FILE__, __LINE__, "finish: %s", b->c.err_detail);
        break;
    default:
        told = offset_now(b); /* takes it over */
        if (append_write(&b->c, in, "x", 1) != ERR_CANCELLED) test_fail(__FILE__, __LINE__, "it went on");
        append_abort(&b->c, in);
    }
    uint64_t now = offset_now(b);
    if (now != end) test_fail(__FILE__, __LINE__, "offset %llu, wanted %llu", (unsigned long long)now, (unsigned long long)end);
    return now;
}

TEST(append_any_bodies_cut_anywhere)
{
    BED(b);
    uint64_t rnd = 0x9e3779b97f4a7c15;
    for (int round = 0; round < 6; round++) {
        uint64_t at = 0;
        CHECK_OK(create(&b, round % 2 ? sizeof bytes : UPLOAD_SIZE_UNKNOWN));
        CHECK_SLICE(b.u.memo, SLICE("as it was"));
        while (at < sizeof bytes && !test_failed()) at = random_body(&b, at, &rnd);
        CHECK_FINE();
        check_whole(&b);
        CHECK_FINE();
        ANSWER a = {0};
        char id[ID_TEXT_LEN + 1];
        id_text(b.u.file_id, id);
        LOOP(&b.l, &a, .method = "DELETE", .target = loop_text("/api/v1/files/%s", id), .bearer = b.bearer);
        CHECK_STATUS(&a, 204);
        loop_jobs(&b.l);
        CHECK_U64(blobs(&b), 0);
    }
}

TEST(append_many_tiny_bodies_make_few_pieces)
{
    BED(b);
    uint64_t told = 0;
    CHECK_OK(create(&b, 1000));
    for (uint64_t at = 0; at < 999; at++) {
        struct append_in *in = open_at(&b, at);
        CHECK_FINE();
        CHECK_OK(put(&b, in, at, at + 1));
        CHECK_OK(append_finish(&b.c, in, &told));
        CHECK_U64(told, at + 1);
        if (at % 100 == 0) loop_jobs(&b.l);
        arena_reset(&b.c.arena);
    }
    loop_jobs(&b.l);
    CHECK(blobs(&b) <= 15 * 3 + 1);
    struct append_in *in = open_at(&b, 999);
    CHECK_OK(put(&b, in, 999, 1000));
    CHECK_OK(append_finish(&b.c, in, &told));
    loop_jobs(&b.l);
    CHECK_U64(blobs(&b), 1);
}

/* Over all kinds of sizes: few pieces at any time, and a byte is copied at most once a class. */
TEST(append_merging_is_bounded)
{
    static struct piece p[4096];
    uint64_t rnd = 88172645463325252;
    for (int kind = 0; kind < 5; kind++) {
        size_t n = 0, most = 0;
        uint64_t written = 0, copied = 0;
        for (int i = 0; i < 20000; i++) {
            uint64_t size = kind == 0 ? 1 : kind == 1 ? 1 + random_u64(&rnd) % 1000 : 1ull << (random_u64(&rnd) % 20);
            if (kind == 3) size = i % 2 ? 1 : 5000;
            if (kind == 4) size = 1ull << (i % 16);
            p[n++].size = size;
            written += size;
            size_t run = pieces_to_merge(p, n);
            for (size_t k = 1; k < run; k++) {
                p[n - run].size += p[n - run + k].size;
            }
            if (run) {
                CHECK(run > 1 && run <= n);
                copied += p[n - run].size;
                n -= run - 1;
            }
            most = MAX(most, n);
        }
        CHECK(most <= 15 * 8);
        CHECK(copied <= written * 8);
    }
}

static enum err checked_body(struct bed *b, uint64_t from, uint64_t to, const struct checksum *sum, uint64_t *told)
{
    struct append_in *in = NULL;
    struct append_state s;
    struct append_request r = {.id = b->u.id, .offset = from, .length = to - from, .digest = sum};
    TRY(append_open(&b->c, b->l.app, &b->who, &r, &s, &in));
    for (uint64_t at = from; at < to; at += 200000) {
        enum err e = put(b, in, at, MIN(at + 200000, to));
        if (e == ERR_OK && append_sync(&b->c, in, told) == ERR_OK && *told != from) e = ERR_INTERNAL;
        if (e == ERR_OK) continue;
        append_abort(&b->c, in);
        return e;
    }
    return append_finish(&b->c, in, told);
}

static enum err sum_of(uint64_t from, uint64_t to, enum checksum_alg alg, struct checksum *ret)
{
    struct checksummer *s = NULL;
    TRY(checksummer_new(alg, &s));
    enum err e = checksummer_add(s, bytes + from, (size_t)(to - from));
    if (e == ERR_OK) e = checksummer_end(s, ret);
    checksummer_free(s);
    return e;
}

TEST(append_checksums_hold_back)
{
    BED(b);
    struct checksum sum;
    uint64_t told = 0;
    CHECK_OK(create(&b, sizeof bytes));
    /* In the middle of a part, over two borders, to the end. */
    static const uint64_t ends[] = {500000, 500001, 2 * PART + 77, sizeof bytes};
    static const enum checksum_alg algs[] = {CHECKSUM_CRC32, CHECKSUM_SHA1, CHECKSUM_SHA256, CHECKSUM_SHA512};
    for (size_t i = 0, at = 0; i < ARRAY_LEN(ends); at = ends[i++]) {
        CHECK_OK(sum_of(at, ends[i], algs[i], &sum));
        sum.b[0] ^= 1;
        size_t before = blobs(&b);
        CHECK_ERR(checked_body(&b, at, ends[i], &sum, &told), ERR_INVALID);
        CHECK(strcmp(b.c.err_code, "digest_mismatch") == 0);
        CHECK_U64(told, at);
        CHECK_U64(offset_now(&b), at);
        CHECK_U64(blobs(&b), before);
        sum.b[0] ^= 1;
        /* Cut, nothing of it can be checked. */
        struct append_in *in = NULL;
        struct append_state s;
        struct append_request r = {.id = b.u.id, .offset = at, .length = ends[i] - at, .digest = &sum};
        CHECK_OK(append_open(&b.c, b.l.app, &b.who, &r, &s, &in));
        CHECK_OK(put(&b, in, at, at + 1));
        append_abort(&b.c, in);
        CHECK_U64(offset_now(&b), at);
        CHECK_OK(checked_body(&b, at, ends[i], &sum, &told));
        CHECK_U64(told, ends[i]);
    }
    check_whole(&b);
}

TEST(append_offsets_and_sizes_are_exact)
{
    BED(b);
    struct append_in *in = NULL, *x = NULL;
    struct append_state s;
    uint64_t told = 0;
    CHECK_OK(create(&b, 1000));
    struct append_request r = {.id = b.u.id, .offset = 1, .length = 5};
    CHECK_ERR(append_open(&b.c, b.l.app, &b.who, &r, &s, &x), ERR_CONFLICT);
    CHECK(strcmp(b.c.err_code, "offset_mismatch") == 0);
    CHECK_U64(s.offset, 0);
    r = (struct append_request){.id = b.u.id, .length = 1001};
    CHECK_ERR(append_open(&b.c, b.l.app, &b.who, &r, &s, &x), ERR_TOO_LARGE);
    r = (struct append_request){.id = b.u.id, .length = 999, .last = true};
    CHECK_ERR(append_open(&b.c, b.l.app, &b.who, &r, &s, &x), ERR_INVALID);
    CHECK(!x);
    in = open_at(&b, 0);
    CHECK_OK(put(&b, in, 0, 990));
    CHECK_ERR(put(&b, in, 990, 1001), ERR_TOO_LARGE);
    CHECK_ERR(put(&b, in, 990, 991), ERR_TOO_LARGE);
    CHECK_ERR(append_finish(&b.c, in, &told), ERR_TOO_LARGE);
    CHECK_U64(told, 990); /* what arrived is kept */
    struct file f;
    CHECK_ERR(upload_complete(&b.c, b.l.app, &b.who, &b.u.id, UPLOAD_SIZE_UNKNOWN, NULL, &f), ERR_CONFLICT);
    CHECK(strcmp(b.c.err_code, "bytes_missing") == 0);
    CHECK_ERR(append_set_size(&b.c, b.l.app, &b.who, &b.u.id, 999), ERR_INVALID);
    CHECK_OK(append_set_size(&b.c, b.l.app, &b.who, &b.u.id, 1000));
    in = open_at(&b, 990);
    CHECK_OK(put(&b, in, 990, 1000));
    CHECK_OK(append_finish(&b.c, in, &told));
    CHECK_OK(upload_complete(&b.c, b.l.app, &b.who, &b.u.id, UPLOAD_SIZE_UNKNOWN, NULL, &f));
    CHECK_U64(f.size, 1000);
    CHECK_OK(append_state(&b.c, b.l.app, &b.who, &b.u.id, &s));
    CHECK(s.complete && s.offset == 1000);
    r = (struct append_request){.id = b.u.id, .offset = 1000, .length = 0};
    CHECK_ERR(append_open(&b.c, b.l.app, &b.who, &r, &s, &x), ERR_CONFLICT);
    CHECK(strcmp(b.c.err_code, "upload_complete") == 0 && s.complete);
}

static int64_t used(struct bed *b)
{
    ANSWER a = {0};
    LOOP(&b->l, &a, .target = "/api/v1/me", .bearer = b->bearer);
    return loop_num(&a, "user.used_bytes");
}

TEST(append_unknown_sizes_take_quota_as_they_grow)
{
    BED(b);
    uint64_t told = 0;
    b.l.app->cfg.quota_user.bytes = 2 * MIB;
    CHECK_OK(create(&b, UPLOAD_SIZE_UNKNOWN));
    CHECK(used(&b) == 0);
    struct append_in *in = open_at(&b, 0);
    CHECK_OK(put(&b, in, 0, 2 * MIB));
    CHECK_ERR(put(&b, in, 2 * MIB, 2 * MIB + 1), ERR_QUOTA);
    CHECK_ERR(append_finish(&b.c, in, &told), ERR_QUOTA);
    CHECK_U64(told, 2 * MIB);
    CHECK(used(&b) == 2 * MIB);
    CHECK_ERR(append_set_size(&b.c, b.l.app, &b.who, &b.u.id, 3 * MIB), ERR_QUOTA);
    CHECK_ERR(append_set_size(&b.c, b.l.app, &b.who, &b.u.id, 1 * MIB), ERR_INVALID);
    CHECK_OK(upload_delete(&b.c, b.l.app, &b.who, &b.u.id));
    CHECK(used(&b) == 0);
    loop_jobs(&b.l);
    CHECK_U64(blobs(&b), 0);
}

/* tusd #1350, #1199: termination while a body is on its way. */
TEST(append_terminated_under_a_writer)
{
    BED(b);
    uint64_t told = 0;
    struct append_state s;
    for (uint64_t arrived = 0; arrived <= sizeof bytes; arrived += 700000) {
        CHECK_OK(create(&b, sizeof bytes));
        struct append_in *in = open_at(&b, 0);
        CHECK_OK(put(&b, in, 0, arrived / 2));
        CHECK_OK(append_sync(&b.c, in, &told));
        CHECK_OK(put(&b, in, arrived / 2, arrived));
        CHECK_OK(upload_delete(&b.c, b.l.app, &b.who, &b.u.id));
        CHECK_ERR(put(&b, in, arrived, sizeof bytes), ERR_CANCELLED);
        CHECK_ERR(append_finish(&b.c, in, &told), ERR_CANCELLED);
        CHECK_ERR(append_state(&b.c, b.l.app, &b.who, &b.u.id, &s), ERR_NOT_FOUND);
        loop_jobs(&b.l);
        CHECK_U64(blobs(&b), 0);
        CHECK(used(&b) == 0);
    }
}

TEST(append_goes_on_after_a_restart)
{
    BED(b);
    uint64_t at = 0, told = 0;
    if (!loop_durable(&b.l)) return;
    CHECK_OK(create(&b, UPLOAD_SIZE_UNKNOWN));
    while (at < sizeof bytes) {
        uint64_t end = MIN(at + 345678, (uint64_t)sizeof bytes);
        struct append_in *in = open_at(&b, at);
        CHECK_OK(put(&b, in, at, end));
        CHECK_OK(append_sync(&b.c, in, &told));
        CHECK_U64(told, end);
        CHECK_OK(put(&b, in, end, MIN(end + 1000, (uint64_t)sizeof bytes)));
        append_abort(&b.c, in);
        loop_reopen(&b.l);
        CHECK_U64(offset_now(&b), MIN(end + 1000, (uint64_t)sizeof bytes));
        at = offset_now(&b);
    }
    check_whole(&b);
}

TEST(append_another_node_takes_over)
{
    BED(b);
    struct bed far = {0};
    uint64_t told = 0, at = 0;
    if (!loop_durable(&b.l)) return;
    loop_open_beside(&far.l, &b.l);
    CHECK_FINE();
    ctx_init(&far.c, LIMIT_REQUEST_ARENA_BYTES);
    far.who = b.who;
    CHECK_OK(create(&b, sizeof bytes));
    far.u = b.u;
    /* Each time the one before has bytes that it has not told of, in a part of its own or in a piece. */
    for (unsigned i = 0; at + 400000 < sizeof bytes; i++) {
        struct bed *old = i % 2 ? &far : &b, *new = i % 2 ? &b : &far;
        struct append_in *in = open_at(old, at);
        CHECK_FINE();
        CHECK_OK(put(old, in, at, at + 150000));
        if (i % 3 == 0) CHECK_OK(append_sync(&old->c, in, &told));
        if (i % 3 == 0) at = told;
        struct append_in *in2 = open_at(new, at);
        CHECK_FINE();
        CHECK_OK(put(new, in2, at, at + 250000));
        enum err e = append_finish(&old->c, in, &told);
        CHECK(i % 3 == 0 ? e == ERR_OK || e == ERR_CANCELLED : e == ERR_CANCELLED);
        CHECK_OK(append_finish(&new->c, in2, &told));
        CHECK_U64(told, at + 250000);
        at = told;
    }
    struct append_in *in = open_at(&far, at);
    CHECK_OK(put(&far, in, at, sizeof bytes));
    CHECK_OK(append_finish(&far.c, in, &told));
    check_whole(&b);
    ctx_done(&far.c);
    loop_close(&far.l);
}

struct rush {
    struct bed *b;
    _Atomic unsigned kept, superseded;
};

static void unexpected(const struct ctx *c, const char *what, enum err e)
{
    test_fail(__FILE__, __LINE__, "%s: %s %s", what, err_name(e), c->err_detail);
}

/* Each asks where it stands and sends on from there, while the others do the same. On a machine that stands still for seconds the
 * server may be busy, which is no error of theirs. */
static void rusher(void *arg, unsigned i)
{
    struct rush *r = arg;
    CLEANUP(ctx_done) struct ctx c;
    ctx_init(&c, LIMIT_REQUEST_ARENA_BYTES);
    for (uint64_t last = 0; last < sizeof bytes;) {
        struct append_state s;
        struct append_in *in = NULL;
        arena_reset(&c.arena);
        enum err e = append_state(&c, r->b->l.app, &r->b->who, &r->b->u.id, &s);
        if (e == ERR_BUSY) continue;
        if (e != ERR_OK || s.offset < last) return unexpected(&c, "state, or it went back", e);
        last = s.offset;
        struct append_request q = {.id = r->b->u.id, .offset = last, .length = UPLOAD_SIZE_UNKNOWN};
        e = append_open(&c, r->b->l.app, &r->b->who, &q, &s, &in);
        if (e == ERR_CONFLICT || e == ERR_BUSY) continue;
        if (e != ERR_OK) return unexpected(&c, "open", e);
        for (int k = 0; k < 4 && e == ERR_OK && last < sizeof bytes; k++) {
            uint64_t end = MIN(last + 60000, (uint64_t)sizeof bytes);
            e = append_write(&c, in, bytes + last, (size_t)(end - last));
            last = end;
            usleep(500 * (i + 1)); /* the others come in between */
        }
        uint64_t told = 0;
        e = append_finish(&c, in, &told);
        if (e == ERR_OK)
            r->kept++;
        else if (e == ERR_CANCELLED || e == ERR_BUSY)
            r->superseded++;
        else
            return unexpected(&c, "finish", e);
        last = told;
    }
}

TEST(append_many_at_once_evict_each_other)
{
    BED(b);
    struct rush r = {.b = &b};
    CHECK_OK(create(&b, sizeof bytes));
    loop_parallel(4, rusher, &r);
    CHECK(r.kept > 0 && r.superseded > 0);
    check_whole(&b);
}

TEST(append_expires_with_all_its_pieces)
{
    BED(b);
    uint64_t told = 0;
    CHECK_OK(create(&b, sizeof bytes));
    for (uint64_t at = 0; at < 5; at++) {
        struct append_in *in = open_at(&b, at);
        CHECK_OK(put(&b, in, at, at + 1));
        CHECK_OK(append_finish(&b.c, in, &told));
    }
    CHECK(blobs(&b) > 1);
    loop_advance(b.l.cfg.upload_ttl_ms + 61000);
    loop_jobs(&b.l);
    CHECK_U64(blobs(&b), 0);
}
