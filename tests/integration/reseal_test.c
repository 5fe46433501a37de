/* Contents that are sealed anew: fresh keys, compression, equal contents; what readers see meanwhile, and what is left when something
 * fails on the way. */
#include "base/limits.h"
#include "blob/blob.h"
#include "core/app/app.h"
#include "core/content/reseal.h"
#include "core/file/file.h"
#include "core/sweep/sweep.h"
#include "integration/loopback.h"

#define FILES "/api/v1/files"
#define PART (1024u * 1024u)
#define BIG (3u * PART + 12345u)

static char noise[BIG], text[BIG], mixed[BIG];

static void fill(void)
{
    static const char words[] = "the quick brown fox jumps over the lazy dog; ";
    loop_pattern(noise, sizeof noise, 9);
    for (size_t i = 0; i < sizeof text; i++) text[i] = words[(i + i / 977) % (sizeof words - 1)];
    memcpy(mixed, noise, sizeof mixed);
    memcpy(mixed + PART, text, PART);
}

static const char *begin(struct loop *l, bool compress, bool dedupe)
{
    fill();
    loop_open(l);
    l->cfg.compress = compress;
    l->cfg.dedupe = dedupe;
    loop_reopen(l);
    return loop_user(l, "anna@example.com", ROLE_USER);
}

/* What is stored, as the API does not tell it. */
static struct file stored(struct loop *l, const char *file)
{
    static struct ctx c;
    struct file f = {0};
    struct id id;
    ctx_init(&c, MIB);
    if (id_parse(slice_cstr(file), &id) != ERR_OK || file_load(&c, l->app, &id, &f) != ERR_OK)
        test_fail(__FILE__, __LINE__, "no file %s", file);
    f.content.codec = slice_cstr(loop_text(SLICE_FMT, SLICE_ARG(f.content.codec)));
    ctx_done(&c);
    return f;
}

static const char *content_of(struct loop *l, const char *bearer, const char *file)
{
    ANSWER a = {0};
    LOOP(l, &a, .target = loop_text(FILES "/%s", file), .bearer = bearer);
    return loop_str(&a, "file.content_id");
}

static void check_range(struct loop *l, const char *bearer, const char *file, struct slice want, size_t first, size_t n)
{
    ANSWER a = {0};
    struct slice range = slice_cstr(loop_text("bytes=%zu-%zu", first, first + n - 1));
    LOOP(l, &a, .target = loop_text(FILES "/%s/download", file), .bearer = bearer, .headers = {{SLICE("range"), range}},
         .read_cap = n % 3 ? 0 : 5000);
    CHECK_STATUS(&a, 206);
    CHECK(slice_eq(loop_body(&a), slice_sub(want, first, first + n)));
}

static void check_content(struct loop *l, const char *bearer, const char *file, struct slice want)
{
    ANSWER a = {0};
    static const size_t edges[] = {0, 1, 16383, 16384, PART - 1, PART, PART + 1, 2 * PART, 3 * PART - 1, 3 * PART};
    LOOP(l, &a, .target = loop_text(FILES "/%s/download", file), .bearer = bearer);
    CHECK_STATUS(&a, 200);
    CHECK(slice_eq(loop_body(&a), want));
    for (size_t i = 0; i < ARRAY_LEN(edges); i++)
        for (size_t n = 1; n < 3000000; n = n * 97 + 2)
            if (edges[i] < want.len) check_range(l, bearer, file, want, edges[i], MIN(n, want.len - edges[i]));
}

static enum err count_blob(struct ctx *c, struct blob_key key, bool committed, int64_t modified_ms, void *arg)
{
    size_t *n = arg;
    (void)c;
    (void)key;
    (void)committed;
    (void)modified_ms;
    (*n)++;
    return ERR_OK;
}

static size_t blobs(struct loop *l)
{
    CLEANUP(ctx_done) struct ctx c;
    size_t n = 0;
    ctx_init(&c, MIB);
    if (blob_list(&c, l->be.blobs, count_blob, &n) != ERR_OK) test_fail(__FILE__, __LINE__, "blob_list");
    return n;
}

/* The old blobs stay for those who are reading them, whatever the sweep thinks of them. */
static size_t blobs_later(struct loop *l)
{
    CLEANUP(ctx_done) struct ctx c;
    size_t swept = 1;
    ctx_init(&c, MIB);
    loop_jobs(l);
    loop_advance(SWEEP_GRACE_MS + 60000);
    if (sweep_blobs(&c, l->app, &swept) != ERR_OK || swept) test_fail(__FILE__, __LINE__, "%zu swept", swept);
    loop_advance(RESEAL_GRACE_MS + 1);
    loop_jobs(l);
    return blobs(l);
}

static void ask(struct loop *l, const char *bearer, const char *file)
{
    ANSWER a = {0};
    LOOP(l, &a, .method = "POST", .target = loop_text(FILES "/%s/encrypt", file), .bearer = bearer);
    CHECK_STATUS(&a, 202);
    CHECK_STR(&a, "file.state", "ready");
    CHECK_STR(&a, "file.processing.kind", "sealing");
    CHECK_U64(loop_num(&a, "file.processing.done_bytes"), 0);
}

TEST(reseal_fresh_key)
{
    struct loop l;
    ANSWER a = {0}, old = {0};
    if (loop_missing()) return;
    const char *bearer = begin(&l, false, false);
    struct slice want = slice_of(noise, BIG);
    const char *file = loop_upload(&l, bearer, "noise.bin", want, PART);
    LOOP(&l, &old, .target = loop_text(FILES "/%s/content", file), .bearer = bearer);
    const char *before = content_of(&l, bearer, file);
    ask(&l, bearer, file);
    /* One who reads, from the first byte to the last. */
    struct loop_exchange *x = loop_begin(&l, &(struct loop_request){.target = loop_text(FILES "/%s/download", file), .bearer = bearer});
    loop_finish(x, &a);
    CHECK(loop_take(x, &a, 100000));
    loop_jobs(&l);
    CHECK_FINE();
    while (loop_take(x, &a, 100000)) continue;
    loop_end(x, &a, true);
    CHECK(slice_eq(loop_body(&a), want));
    check_content(&l, bearer, file, want);
    CHECK_FINE();
    CHECK(!slice_eq(slice_cstr(before), slice_cstr(content_of(&l, bearer, file))));
    LOOP(&l, &a, .target = loop_text(FILES "/%s", file), .bearer = bearer);
    CHECK(loop_is_null(&a, "file.processing"));
    CHECK(!loop_is_null(&a, "file.sha256"));
    LOOP(&l, &a, .target = loop_text(FILES "/%s/content", file), .bearer = bearer);
    CHECK(!slice_eq(loop_body(&a), loop_body(&old)));
    CHECK(!slice_eq(loop_header(&a, "etag"), loop_header(&old, "etag")));
    CHECK_U64(blobs(&l), 2);
    CHECK_U64(blobs_later(&l), 1);
    loop_close(&l);
}

TEST(reseal_of_nothing_and_borders)
{
    struct loop l;
    if (loop_missing()) return;
    const char *bearer = begin(&l, true, true);
    static const size_t sizes[] = {0, 1, 16384, PART, 2 * PART};
    for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
        const char *file = loop_upload(&l, bearer, loop_text("t%zu.txt", i), slice_of(text, sizes[i]), PART);
        loop_jobs(&l);
        ask(&l, bearer, file);
        const char *before = content_of(&l, bearer, file);
        loop_jobs(&l);
        check_content(&l, bearer, file, slice_of(text, sizes[i]));
        CHECK_FINE();
        CHECK(!slice_eq(slice_cstr(before), slice_cstr(content_of(&l, bearer, file))));
    }
    CHECK_U64(blobs_later(&l), ARRAY_LEN(sizes));
    loop_close(&l);
}

TEST(reseal_who_may)
{
    struct loop l;
    ANSWER a = {0};
    if (loop_missing()) return;
    const char *bearer = begin(&l, false, false), *other = loop_user(&l, "ben@example.com", ROLE_USER);
    const char *file = loop_file(&l, bearer, "a.txt", slice_of(text, 1000));
    LOOP(&l, &a, .method = "POST", .target = loop_text(FILES "/%s/encrypt", file), .bearer = other);
    CHECK_PROBLEM(&a, 404, "not_found");
    LOOP(&l, &a, .method = "POST", .target = loop_text(FILES "/%s/encrypt", file));
    CHECK_STATUS(&a, 401);
    loop_close(&l);
}

TEST(reseal_compresses_what_shrinks)
{
    struct loop l;
    if (loop_missing()) return;
    const char *bearer = begin(&l, true, false);
    const char *file = loop_upload(&l, bearer, "a.txt", slice_of(text, BIG), PART);
    const char *png = loop_upload(&l, bearer, "a.png", slice_of(text, BIG), PART);
    const char *rnd = loop_upload(&l, bearer, "a.bin", slice_of(noise, BIG), PART);
    const char *late = loop_upload(&l, bearer, "late.bin", slice_of(mixed, BIG), PART);
    const char *small = loop_file(&l, bearer, "small.txt", slice_of(text, 1000));
    loop_jobs(&l);
    struct file f = stored(&l, file);
    CHECK_SLICE(f.content.codec, SLICE("zstd-1m"));
    CHECK(f.size == BIG && f.content.stored_size < BIG / 5);
    CHECK_SLICE(stored(&l, png).content.codec, SLICE(""));
    CHECK_SLICE(stored(&l, rnd).content.codec, SLICE(""));
    CHECK_SLICE(stored(&l, late).content.codec, SLICE("")); /* its first MiB does not shrink */
    CHECK_SLICE(stored(&l, small).content.codec, SLICE(""));
    check_content(&l, bearer, file, slice_of(text, BIG));
    CHECK_FINE();
    check_content(&l, bearer, late, slice_of(mixed, BIG));
    CHECK_FINE();
    CHECK_U64(blobs_later(&l), 5);
    /* What is compressed stays so under a fresh key; or not, when the settings have changed. */
    bearer = loop_sign_in(&l, "anna@example.com", LOOP_PASSWORD, NULL);
    ask(&l, bearer, file);
    loop_jobs(&l);
    CHECK_SLICE(stored(&l, file).content.codec, SLICE("zstd-1m"));
    check_content(&l, bearer, file, slice_of(text, BIG));
    CHECK_FINE();
    l.cfg.compress = false;
    loop_reopen(&l);
    ask(&l, bearer, file);
    loop_jobs(&l);
    CHECK_SLICE(stored(&l, file).content.codec, SLICE(""));
    check_content(&l, bearer, file, slice_of(text, BIG));
    loop_close(&l);
}

/* Its first MiB shrinks, the whole does not: nothing is left of the try. */
TEST(reseal_gain_too_small_in_the_end)
{
    struct loop l;
    if (loop_missing()) return;
    const char *bearer = begin(&l, true, false);
    memcpy(mixed, noise, sizeof mixed);
    memset(mixed, 'x', PART / 10);
    const char *file = loop_upload(&l, bearer, "a.bin", slice_of(mixed, BIG), PART);
    const char *before = content_of(&l, bearer, file);
    loop_jobs(&l);
    CHECK_SLICE(slice_cstr(content_of(&l, bearer, file)), slice_cstr(before));
    CHECK_U64(blobs(&l), 1);
    ask(&l, bearer, file);
    loop_jobs(&l);
    CHECK(!slice_eq(slice_cstr(content_of(&l, bearer, file)), slice_cstr(before)));
    CHECK_SLICE(stored(&l, file).content.codec, SLICE(""));
    check_content(&l, bearer, file, slice_of(mixed, BIG));
    CHECK_FINE();
    CHECK_U64(blobs_later(&l), 1);
    loop_close(&l);
}

static int64_t used(struct loop *l, const char *bearer)
{
    ANSWER a = {0};
    LOOP(l, &a, .target = "/api/v1/me", .bearer = bearer);
    return loop_num(&a, "user.used_bytes");
}

static void delete_file(struct loop *l, const char *bearer, const char *file)
{
    ANSWER a = {0};
    LOOP(l, &a, .method = "DELETE", .target = loop_text(FILES "/%s", file), .bearer = bearer);
    CHECK_STATUS(&a, 204);
}

TEST(reseal_equal_contents_are_one)
{
    struct loop l;
    if (loop_missing()) return;
    const char *bearer = begin(&l, true, true), *ben = loop_user(&l, "ben@example.com", ROLE_USER);
    struct slice want = slice_of(text, BIG);
    const char *first = loop_upload(&l, bearer, "a.txt", want, PART);
    loop_jobs(&l);
    const char *second = loop_upload(&l, bearer, "b.txt", want, PART), *third = loop_upload(&l, bearer, "c.png", want, 2 * PART);
    const char *bens = loop_upload(&l, ben, "a.txt", want, PART);
    const char *less = loop_upload(&l, bearer, "d.txt", slice_sub(want, 0, BIG - 1), PART);
    loop_jobs(&l);
    const char *one = content_of(&l, bearer, first);
    CHECK_SLICE(slice_cstr(content_of(&l, bearer, second)), slice_cstr(one));
    CHECK_SLICE(slice_cstr(content_of(&l, bearer, third)), slice_cstr(one));
    CHECK(!slice_eq(slice_cstr(content_of(&l, ben, bens)), slice_cstr(one)));
    CHECK(!slice_eq(slice_cstr(content_of(&l, bearer, less)), slice_cstr(one)));
    CHECK_U64(used(&l, bearer), 4ull * BIG - 1);
    CHECK_U64(blobs_later(&l), 3);
    bearer = loop_sign_in(&l, "anna@example.com", LOOP_PASSWORD, NULL);
    check_content(&l, bearer, third, want);
    CHECK_FINE();
    delete_file(&l, bearer, first);
    delete_file(&l, bearer, third);
    loop_jobs(&l);
    check_content(&l, bearer, second, want);
    CHECK_FINE();
    /* A fresh key for one is a fresh key for all that have it; the next equal one finds it. */
    ask(&l, bearer, second);
    loop_jobs(&l);
    CHECK(!slice_eq(slice_cstr(content_of(&l, bearer, second)), slice_cstr(one)));
    const char *fourth = loop_upload(&l, bearer, "e.txt", want, PART);
    loop_jobs(&l);
    CHECK_SLICE(slice_cstr(content_of(&l, bearer, fourth)), slice_cstr(content_of(&l, bearer, second)));
    delete_file(&l, bearer, second);
    delete_file(&l, bearer, fourth);
    delete_file(&l, bearer, less);
    CHECK_U64(used(&l, bearer), 0);
    CHECK_U64(blobs_later(&l), 1);
    loop_close(&l);
}

/* ---- deleted, or asked again, while it works ---- */

TEST(reseal_of_a_deleted_file)
{
    struct loop l;
    if (loop_missing()) return;
    const char *bearer = begin(&l, true, true);
    const char *file = loop_upload(&l, bearer, "a.txt", slice_of(text, BIG), PART);
    delete_file(&l, bearer, file);
    loop_jobs(&l);
    CHECK_U64(blobs_later(&l), 0);
    loop_close(&l);
}

#define RACERS 4
#define ROUNDS 6

struct race {
    struct loop *l;
    const char *bearer;
    const char *files[RACERS];
    _Atomic unsigned alive;
};

/* Equal files are stored, made one, given fresh keys and deleted, all at once. */
static void racer(void *arg, unsigned i)
{
    struct race *r = arg;
    ANSWER a = {0};
    struct slice want = slice_of(text, 200000);
    for (unsigned round = 0; round < ROUNDS; round++) {
        const char *file = loop_upload(r->l, r->bearer, loop_text("r%u-%u.txt", i, round), want, PART);
        LOOP(r->l, &a, .method = "POST", .target = loop_text(FILES "/%s/encrypt", file), .bearer = r->bearer);
        CHECK_STATUS(&a, 202);
        loop_jobs(r->l);
        LOOP(r->l, &a, .target = loop_text(FILES "/%s/download", file), .bearer = r->bearer);
        CHECK_STATUS(&a, 200);
        CHECK(slice_eq(loop_body(&a), want));
        if (round + 1 < ROUNDS)
            delete_file(r->l, r->bearer, file);
        else
            r->files[i] = file;
    }
}

TEST(reseal_races)
{
    struct loop l;
    if (loop_missing()) return;
    struct race r = {.l = &l};
    r.bearer = begin(&l, true, true);
    loop_parallel(RACERS, racer, &r);
    CHECK_FINE();
    loop_jobs(&l);
    for (unsigned i = 0; i < RACERS; i++) {
        ANSWER a = {0};
        LOOP(&l, &a, .target = loop_text(FILES "/%s/download", r.files[i]), .bearer = r.bearer);
        CHECK_STATUS(&a, 200);
        CHECK(slice_eq(loop_body(&a), slice_of(text, 200000)));
    }
    for (unsigned i = 0; i < RACERS; i++) delete_file(&l, r.bearer, r.files[i]);
    CHECK_U64(used(&l, r.bearer), 0);
    CHECK_U64(blobs_later(&l), 0);
    loop_close(&l);
}
