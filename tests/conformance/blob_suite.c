/* The blob suite: life of a blob, receipts and sizes, reading, removing, listing. Threads are in blob_suite_parallel.c. */
#include "blob_suite.h"

#include <string.h>

#include "base/intmath.h"
#include "base/limits.h"
#include "lib/test.h"
#include "os/clock.h"
#include "os/sys.h"

bool rig_open(struct rig *r)
{
    *r = (struct rig){0};
    ctx_init(&r->c, 1 * MIB);
    if (backend_blob_open(&r->c, &r->s) == ERR_OK) return true;
    test_fail(r->c.err_file, r->c.err_line, "open: %s", r->c.err_detail);
    return false;
}

void rig_done(struct rig *r)
{
    blob_store_close(r->s);
    ctx_done(&r->c);
}

#define RIG(name)                                                                                  \
    CLEANUP(rig_done) struct rig name = {0};                                                       \
    CHECK(rig_open(&name))

TEST(begin_is_idempotent_until_committed)
{
    RIG(r);
    struct blob_key key = key_new();
    struct blob_ref ref, again;
    struct blob_tag tag;
    CHECK_OK(blob_begin(&r.c, r.s, key, &ref));
    CHECK_OK(piece_store(&r.c, r.s, key, &ref, &(struct piece){0, 0, 10, 1}, BLOB_DURABLE, &tag));
    CHECK_OK(blob_begin(&r.c, r.s, key, &again));
    CHECK_OK(blob_commit(&r.c, r.s, key, &again, &tag, 1, 10));
    CHECK(blob_holds(&r.c, r.s, key, 10, 1));
    CHECK_ERR(blob_begin(&r.c, r.s, key, &ref), ERR_EXISTS);
    CHECK(blob_holds(&r.c, r.s, key, 10, 1));
    CHECK_ERR(blob_begin(&r.c, r.s, (struct blob_key){0}, &ref), ERR_INVALID);
}

TEST(begin_leaves_running_writers_alone)
{
    RIG(r);
    struct blob_key key = key_new();
    struct piece p = {0, 0, 10, 1};
    struct blob_ref ref;
    struct blob_tag tag;
    struct blob_writer *w = NULL;
    CHECK_OK(blob_begin(&r.c, r.s, key, &ref));
    CHECK_OK(piece_open(&r.c, r.s, key, &ref, &p, &w));
    CHECK_OK(blob_begin(&r.c, r.s, key, &ref));
    CHECK_OK(piece_write(&r.c, w, &p, 3));
    CHECK_OK(blob_part_close(&r.c, w, BLOB_DURABLE, &tag));
    CHECK_OK(blob_commit(&r.c, r.s, key, &ref, &tag, 1, 10));
}

TEST(parts_in_any_order_and_durability)
{
    static const uint32_t order[] = {3, 0, 4, 2, 1};
    RIG(r);
    struct blob_key key = key_new();
    struct blob_ref ref;
    struct blob_tag tags[5];
    CHECK_OK(blob_begin(&r.c, r.s, key, &ref));
    for (size_t i = 0; i < 5; i++) {
        struct piece p = {order[i], order[i] * 10000u, order[i] == 4 ? 77 : 10000, 5};
        CHECK_OK(piece_store(&r.c, r.s, key, &ref, &p, i % 2 ? BLOB_LATER : BLOB_DURABLE, &tags[order[i]]));
    }
    CHECK_ERR(blob_probe(&r.c, r.s, key), ERR_NOT_FOUND);
    CHECK_OK(blob_commit(&r.c, r.s, key, &ref, tags, 5, 40077));
    CHECK(blob_holds(&r.c, r.s, key, 40077, 5));
}

TEST(rewriting_a_part_replaces_it)
{
    RIG(r);
    struct blob_key key = key_new();
    struct blob_ref ref;
    struct blob_tag tags[2];
    CHECK_OK(blob_begin(&r.c, r.s, key, &ref));
    CHECK_OK(piece_store(&r.c, r.s, key, &ref, &(struct piece){1, 100, 100, 1}, BLOB_DURABLE, &tags[1]));
    CHECK_OK(piece_store(&r.c, r.s, key, &ref, &(struct piece){0, 0, 100, 1}, BLOB_LATER, &tags[0]));
    CHECK_OK(piece_store(&r.c, r.s, key, &ref, &(struct piece){0, 0, 100, 2}, BLOB_DURABLE, &tags[0]));
    /* The last part comes shorter the second time: its old tail must not be seen. */
    CHECK_OK(piece_store(&r.c, r.s, key, &ref, &(struct piece){1, 100, 30, 2}, BLOB_LATER, &tags[1]));
    CHECK_OK(blob_commit(&r.c, r.s, key, &ref, tags, 2, 130));
    CHECK(blob_holds(&r.c, r.s, key, 130, 2));
}

TEST(a_later_writer_evicts_the_earlier)
{
    RIG(r);
    struct blob_key key = key_new();
    struct piece one = {0, 0, 100, 1}, two = {0, 0, 100, 2};
    struct blob_ref ref;
    struct blob_tag tag, untouched = {.text = "as it was"};
    struct blob_writer *a = NULL, *b = NULL, *x = NULL;
    CHECK_OK(blob_begin(&r.c, r.s, key, &ref));
    CHECK_OK(piece_open(&r.c, r.s, key, &ref, &one, &x));
    CHECK_OK(piece_open(&r.c, r.s, key, &ref, &one, &a));
    CHECK_OK(blob_part_write(&r.c, a, "xxxxx", 5));
    CHECK_OK(piece_open(&r.c, r.s, key, &ref, &two, &b));
    CHECK_ERR(blob_part_write(&r.c, a, "yyyyy", 5), ERR_CANCELLED);
    CHECK_OK(piece_write(&r.c, b, &two, 7));
    CHECK_ERR(blob_part_write(&r.c, a, "zzzzz", 5), ERR_CANCELLED);
    CHECK_ERR(blob_part_close(&r.c, a, BLOB_DURABLE, &untouched), ERR_CANCELLED);
    CHECK_ERR(blob_part_close(&r.c, x, BLOB_LATER, &untouched), ERR_CANCELLED);
    CHECK(strcmp(untouched.text, "as it was") == 0);
    CHECK_OK(blob_part_close(&r.c, b, BLOB_DURABLE, &tag));
    CHECK_OK(blob_commit(&r.c, r.s, key, &ref, &tag, 1, 100));
    CHECK(blob_holds(&r.c, r.s, key, 100, 2));
}

TEST(a_writer_reads_what_it_has_written)
{
    RIG(r);
    struct blob_key key = key_new();
    struct piece other = {0, 0, 50, 1}, own = {1, 50, 100, 2};
    struct blob_ref ref;
    struct blob_tag tag[2];
    struct blob_writer *a = NULL, *b = NULL;
    char got[100], want[100];
    pattern(50, 2, want, sizeof want);
    CHECK_OK(blob_begin(&r.c, r.s, key, &ref));
    CHECK_OK(piece_store(&r.c, r.s, key, &ref, &other, BLOB_DURABLE, &tag[0]));
    CHECK_OK(piece_open(&r.c, r.s, key, &ref, &own, &a));
    CHECK_OK(blob_part_read(&r.c, a, 0, got, 0));
    CHECK_OK(blob_part_write(&r.c, a, want, 60));
    CHECK_OK(blob_part_read(&r.c, a, 0, got, 60));
    CHECK(memcmp(got, want, 60) == 0);
    CHECK_OK(blob_part_write(&r.c, a, want + 60, 40));
    CHECK_OK(blob_part_read(&r.c, a, 7, got + 7, 93));
    CHECK(memcmp(got, want, 100) == 0);
    CHECK_OK(piece_open(&r.c, r.s, key, &ref, &own, &b));
    CHECK_ERR(blob_part_read(&r.c, a, 0, got, 1), ERR_CANCELLED);
    blob_part_abort(a);
    CHECK_OK(piece_write(&r.c, b, &own, 33));
    CHECK_OK(blob_part_close(&r.c, b, BLOB_DURABLE, &tag[1]));
}

TEST(other_parts_and_blobs_do_not_evict)
{
    RIG(r);
    struct blob_key one = key_new(), two = key_new();
    struct piece p0 = {0, 0, 10, 1}, p1 = {1, 10, 10, 1};
    struct blob_ref ref;
    struct blob_tag tag;
    struct blob_writer *w[3] = {0};
    CHECK_OK(blob_begin(&r.c, r.s, one, &ref));
    CHECK_OK(blob_begin(&r.c, r.s, two, &ref));
    CHECK_OK(piece_open(&r.c, r.s, one, &ref, &p0, &w[0]));
    CHECK_OK(piece_open(&r.c, r.s, one, &ref, &p1, &w[1]));
    CHECK_OK(piece_open(&r.c, r.s, two, &ref, &p0, &w[2]));
    for (size_t i = 0; i < 3; i++) CHECK_OK(blob_part_write(&r.c, w[i], "a", 1));
    for (size_t i = 0; i < 3; i++) CHECK_OK(blob_part_close(&r.c, w[i], BLOB_DURABLE, &tag));
}

TEST(a_part_given_up_can_be_written_again)
{
    RIG(r);
    struct blob_key key = key_new();
    struct piece p = {0, 0, 100, 3};
    struct blob_ref ref;
    struct blob_tag tag;
    struct blob_writer *w = NULL;
    CHECK_OK(blob_begin(&r.c, r.s, key, &ref));
    CHECK_OK(piece_open(&r.c, r.s, key, &ref, &p, &w));
    CHECK_OK(blob_part_write(&r.c, w, "half", 4));
    blob_part_abort(w);
    CHECK_OK(piece_store(&r.c, r.s, key, &ref, &p, BLOB_LATER, &tag));
    CHECK_OK(blob_commit(&r.c, r.s, key, &ref, &tag, 1, 100));
    CHECK(blob_holds(&r.c, r.s, key, 100, 3));
    blob_part_abort(NULL);
    blob_close(NULL);
    blob_store_close(NULL);
}

TEST(abort_throws_away)
{
    RIG(r);
    struct blob_key key = key_new();
    struct piece p = {0, 0, 100, 3};
    struct blob_ref ref;
    struct blob_tag tag;
    struct blob_writer *w = NULL;
    CHECK_OK(blob_begin(&r.c, r.s, key, &ref));
    CHECK_OK(piece_store(&r.c, r.s, key, &ref, &p, BLOB_LATER, &tag));
    CHECK_OK(piece_open(&r.c, r.s, key, &ref, &p, &w));
    CHECK_OK(blob_abort(&r.c, r.s, key, &ref));
    CHECK_OK(blob_abort(&r.c, r.s, key, &ref));
    CHECK_ERR(blob_part_write(&r.c, w, "late", 4), ERR_CANCELLED);
    CHECK_ERR(blob_part_close(&r.c, w, BLOB_LATER, &tag), ERR_CANCELLED);
    CHECK_ERR(piece_open(&r.c, r.s, key, &ref, &p, &w), ERR_NOT_FOUND);
    CHECK_ERR(blob_commit(&r.c, r.s, key, &ref, &tag, 1, 100), ERR_NOT_FOUND);
    CHECK_ERR(blob_probe(&r.c, r.s, key), ERR_NOT_FOUND);
    /* A second try under the same key knows nothing of the first. */
    CHECK_OK(blob_begin(&r.c, r.s, key, &ref));
    CHECK(blob_commit(&r.c, r.s, key, &ref, &tag, 1, 100) == ERR_CORRUPT);
    CHECK_OK(blob_abort(&r.c, r.s, key, &ref));
    CHECK_OK(blob_store_whole(&r.c, r.s, key, 100, 50, 4));
    CHECK_OK(blob_abort(&r.c, r.s, key, &ref));
    CHECK(blob_holds(&r.c, r.s, key, 100, 4));
}

TEST(commit_wants_exactly_the_parts)
{
    RIG(r);
    struct blob_key key = key_new();
    struct blob_ref ref;
    struct blob_tag t[3], bad[3];
    CHECK_OK(blob_begin(&r.c, r.s, key, &ref));
    for (uint32_t i = 0; i < 3; i++)
        CHECK_OK(piece_store(&r.c, r.s, key, &ref, &(struct piece){i, i * 10, 10, 1}, BLOB_DURABLE, &t[i]));
    CHECK_ERR(blob_commit(&r.c, r.s, key, &ref, t, 3, 31), ERR_CORRUPT);
    CHECK_ERR(blob_commit(&r.c, r.s, key, &ref, t, 3, 29), ERR_CORRUPT);
    CHECK_ERR(blob_commit(&r.c, r.s, key, &ref, t, 2, 30), ERR_CORRUPT);
    CHECK_ERR(blob_commit(&r.c, r.s, key, &ref, NULL, 0, 30), ERR_CORRUPT);
    bad[0] = t[1], bad[1] = t[0], bad[2] = t[2];
    CHECK_ERR(blob_commit(&r.c, r.s, key, &ref, bad, 3, 30), ERR_CORRUPT);
    bad[0] = t[0], bad[1] = t[2];
    CHECK_ERR(blob_commit(&r.c, r.s, key, &ref, bad, 2, 20), ERR_CORRUPT);
    memset(bad, 'x', sizeof bad);
    CHECK_ERR(blob_commit(&r.c, r.s, key, &ref, bad, 3, 30), ERR_CORRUPT);
    CHECK_ERR(blob_probe(&r.c, r.s, key), ERR_NOT_FOUND);
    CHECK_OK(blob_commit(&r.c, r.s, key, &ref, t, 3, 30));
    CHECK(blob_holds(&r.c, r.s, key, 30, 1));
}

TEST(a_gap_never_passes_as_content)
{
    RIG(r);
    struct blob_key key = key_new();
    struct blob_ref ref;
    struct blob_tag t[2];
    CHECK_OK(blob_begin(&r.c, r.s, key, &ref));
    CHECK_OK(piece_store(&r.c, r.s, key, &ref, &(struct piece){0, 0, 10, 1}, BLOB_DURABLE, &t[0]));
    CHECK_OK(piece_store(&r.c, r.s, key, &ref, &(struct piece){2, 20, 10, 1}, BLOB_DURABLE, &t[1]));
    CHECK_ERR(blob_commit(&r.c, r.s, key, &ref, t, 2, 30), ERR_CORRUPT);
    CHECK_ERR(blob_commit(&r.c, r.s, key, &ref, t, 2, 20), ERR_CORRUPT);
}

TEST(commit_is_idempotent)
{
    RIG(r);
    struct blob_key key = key_new();
    struct blob_ref ref;
    struct blob_tag tag;
    CHECK_ERR(blob_commit(&r.c, r.s, key, &(struct blob_ref){0}, NULL, 0, 0), ERR_NOT_FOUND);
    CHECK_OK(blob_begin(&r.c, r.s, key, &ref));
    CHECK_OK(piece_store(&r.c, r.s, key, &ref, &(struct piece){0, 0, 10, 1}, BLOB_LATER, &tag));
    CHECK_OK(blob_commit(&r.c, r.s, key, &ref, &tag, 1, 10));
    CHECK_OK(blob_commit(&r.c, r.s, key, &ref, &tag, 1, 10));
    CHECK_ERR(blob_commit(&r.c, r.s, key, &ref, &tag, 1, 9), ERR_CONFLICT);
    CHECK(blob_holds(&r.c, r.s, key, 10, 1));
}

/* Some beside each other, one elsewhere; one is there already, one is not whole at first. */
TEST(several_are_committed_at_once)
{
    RIG(r);
    enum { N = 5 };
    struct blob_key keys[N];
    struct blob_tag tags[N];
    struct blob_commit list[N];
    for (uint32_t i = 0; i < N; i++) {
        keys[i] = key_new();
        if (i && i < N - 1) blob_key_beside(&keys[i].id, &keys[0].id);
        list[i] = (struct blob_commit){.key = keys[i], .tags = &tags[i], .n = 1, .size_bytes = 100 + i};
        CHECK_OK(blob_begin(&r.c, r.s, keys[i], &list[i].ref));
        CHECK_OK(piece_store(&r.c, r.s, keys[i], &list[i].ref, &(struct piece){0, 0, 100 + i, i}, i % 2 ? BLOB_LATER : BLOB_DURABLE,
                             &tags[i]));
    }
    CHECK_OK(blob_commit_all(&r.c, r.s, list, 0));
    CHECK_OK(blob_commit_all(&r.c, r.s, &list[1], 1));
    list[3].size_bytes = 1000;
    CHECK_ERR(blob_commit_all(&r.c, r.s, list, N), ERR_CORRUPT);
    CHECK_ERR(blob_probe(&r.c, r.s, keys[3]), ERR_NOT_FOUND);
    list[3].size_bytes = 103;
    for (int again = 0; again < 2; again++) {
        CHECK_OK(blob_commit_all(&r.c, r.s, list, N));
        for (uint32_t i = 0; i < N; i++) CHECK(blob_holds(&r.c, r.s, keys[i], 100 + i, i));
    }
    list[4].key = (struct blob_key){0};
    CHECK_ERR(blob_commit_all(&r.c, r.s, list, N), ERR_INVALID);
}

TEST(what_is_committed_cannot_be_written)
{
    RIG(r);
    struct blob_key key = key_new();
    struct piece p = {0, 0, 10, 1}, evil = {0, 0, 10, 9};
    struct blob_ref ref;
    struct blob_tag tag, other;
    struct blob_writer *w = NULL;
    CHECK_ERR(piece_open(&r.c, r.s, key, &(struct blob_ref){0}, &p, &w), ERR_NOT_FOUND);
    CHECK_OK(blob_begin(&r.c, r.s, key, &ref));
    CHECK_OK(piece_store(&r.c, r.s, key, &ref, &p, BLOB_DURABLE, &tag));
    CHECK_OK(piece_open(&r.c, r.s, key, &ref, &evil, &w));
    CHECK_OK(blob_commit(&r.c, r.s, key, &ref, &tag, 1, 10));
    CHECK_ERR(piece_write(&r.c, w, &evil, 10), ERR_CANCELLED);
    CHECK_ERR(blob_part_close(&r.c, w, BLOB_DURABLE, &other), ERR_CANCELLED);
    CHECK_ERR(piece_open(&r.c, r.s, key, &ref, &evil, &w), ERR_NOT_FOUND);
    CHECK(blob_holds(&r.c, r.s, key, 10, 1));
}

TEST(ranges_at_all_boundaries)
{
    static const size_t sizes[] = {0, 1, 2, 99, 100, 101, 249, 250, 300};
    RIG(r);
    struct blob_key key = key_new();
    struct blob_reader *b = NULL;
    uint64_t size = 0;
    uint8_t want[600], got[600];
    size_t n = 7;
    CHECK_OK(blob_store_whole(&r.c, r.s, key, 250, 100, 6));
    pattern(0, 6, want, sizeof want);
    CHECK_OK(blob_open(&r.c, r.s, key, &b, &size));
    CHECK_U64(size, 250);
    for (size_t off = 0; off < 253; off++)
        for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
            size_t expect = off < 250 ? MIN(sizes[i], 250 - off) : 0;
            memset(got, 0, sizeof got);
            CHECK_OK(blob_read(&r.c, b, off, got, sizes[i], &n));
            CHECK_U64(n, expect);
            CHECK(memcmp(got, want + off, n) == 0 && got[n] == 0);
        }
    CHECK_OK(blob_read(&r.c, b, UINT64_MAX, got, 10, &n));
    CHECK_U64(n, 0);
    CHECK((blob_reader_fd(b) >= 0) == backend_blob_has_fd);
    blob_close(b);
}

TEST(empty_blobs)
{
    RIG(r);
    struct blob_key none = key_new(), one = key_new();
    struct blob_ref ref;
    struct blob_tag tag;
    CHECK_OK(blob_begin(&r.c, r.s, none, &ref));
    CHECK_OK(blob_commit(&r.c, r.s, none, &ref, NULL, 0, 0));
    CHECK_OK(blob_begin(&r.c, r.s, one, &ref));
    CHECK_OK(piece_store(&r.c, r.s, one, &ref, &(struct piece){0, 0, 0, 0}, BLOB_DURABLE, &tag));
    CHECK_OK(blob_commit(&r.c, r.s, one, &ref, &tag, 1, 0));
    CHECK(blob_holds(&r.c, r.s, none, 0, 0) && blob_holds(&r.c, r.s, one, 0, 0));
}

TEST(parts_of_one_byte)
{
    RIG(r);
    struct blob_key key = key_new();
    CHECK_OK(blob_store_whole(&r.c, r.s, key, 300, 1, 8));
    CHECK(blob_holds(&r.c, r.s, key, 300, 8));
}

TEST(a_last_part_may_be_shorter_than_announced)
{
    RIG(r);
    struct blob_key key = key_new();
    struct piece announced = {0, 0, 1000, 2}, real = {0, 0, 123, 2};
    struct blob_ref ref;
    struct blob_tag tag;
    struct blob_writer *w = NULL;
    CHECK_OK(blob_begin(&r.c, r.s, key, &ref));
    CHECK_OK(piece_open(&r.c, r.s, key, &ref, &announced, &w));
    CHECK_OK(piece_write(&r.c, w, &real, 50));
    CHECK_OK(blob_part_close(&r.c, w, BLOB_DURABLE, &tag));
    CHECK_OK(blob_commit(&r.c, r.s, key, &ref, &tag, 1, 123));
    CHECK(blob_holds(&r.c, r.s, key, 123, 2));
}

TEST(limits_hold)
{
    RIG(r);
    struct blob_key key = key_new();
    const struct blob_props *props = blob_props(r.s);
    struct blob_ref ref;
    struct blob_tag tag;
    struct blob_writer *w = NULL;
    CHECK_OK(blob_begin(&r.c, r.s, key, &ref));
    struct blob_part many = {props->parts_max, 0, 10}, far = {1, UINT64_MAX - 5, 10}, beyond = {1, 100 * TIB, 10};
    CHECK_ERR(blob_part_open(&r.c, r.s, key, &ref, &many, &w), ERR_TOO_LARGE);
    CHECK_ERR(blob_part_open(&r.c, r.s, key, &ref, &far, &w), ERR_TOO_LARGE);
    CHECK_ERR(blob_part_open(&r.c, r.s, key, &ref, &beyond, &w), ERR_TOO_LARGE);
    struct blob_part big = {1, 0, props->part_bytes_max + 1};
    CHECK_ERR(blob_part_open(&r.c, r.s, key, &ref, &big, &w), ERR_TOO_LARGE);
    CHECK_ERR(blob_commit(&r.c, r.s, key, &ref, NULL, 0, 100 * TIB), ERR_TOO_LARGE);
    CHECK_OK(piece_open(&r.c, r.s, key, &ref, &(struct piece){0, 0, 10, 0}, &w));
    CHECK_OK(blob_part_write(&r.c, w, "0123456789", 10));
    CHECK_OK(blob_part_write(&r.c, w, "", 0));
    CHECK_ERR(blob_part_write(&r.c, w, "x", 1), ERR_TOO_LARGE);
    CHECK_ERR(blob_part_write(&r.c, w, "", 0), ERR_TOO_LARGE);
    CHECK_ERR(blob_part_close(&r.c, w, BLOB_DURABLE, &tag), ERR_TOO_LARGE);
}

TEST(remove_is_idempotent)
{
    static const enum blob_erase how[] = {BLOB_UNLINK, BLOB_OVERWRITE};
    RIG(r);
    for (size_t i = 0; i < 2; i++) {
        struct blob_key key = key_new(), running = key_new();
        struct blob_ref ref;
        CHECK_OK(blob_remove(&r.c, r.s, key, how[i]));
        CHECK_OK(blob_store_whole(&r.c, r.s, key, 5000, 999, 1));
        CHECK_OK(blob_remove(&r.c, r.s, key, how[i]));
        CHECK_ERR(blob_probe(&r.c, r.s, key), ERR_NOT_FOUND);
        CHECK_OK(blob_remove(&r.c, r.s, key, how[i]));
        CHECK_OK(blob_begin(&r.c, r.s, running, &ref));
        CHECK_OK(blob_remove(&r.c, r.s, running, how[i]));
        CHECK_OK(blob_commit(&r.c, r.s, running, &ref, NULL, 0, 0));
    }
}

static void read_removed(struct rig *r, enum blob_erase how)
{
    struct blob_key key = key_new();
    struct blob_reader *b = NULL;
    uint64_t size = 0;
    uint8_t got[100], want[100];
    size_t n = 0;
    CHECK_OK(blob_store_whole(&r->c, r->s, key, 5000, 999, 1));
    CHECK_OK(blob_open(&r->c, r->s, key, &b, &size));
    enum err e = blob_remove(&r->c, r->s, key, how);
    CHECK(e == ERR_OK || (e == ERR_BUSY && how == BLOB_OVERWRITE));
    CHECK_ERR(blob_probe(&r->c, r->s, key), ERR_NOT_FOUND);
    CHECK_OK(blob_read(&r->c, b, 4000, got, sizeof got, &n));
    pattern(4000, 1, want, sizeof want);
    CHECK(n == sizeof got && memcmp(got, want, n) == 0);
    blob_close(b);
    CHECK_OK(blob_remove(&r->c, r->s, key, how));
}

TEST(a_reader_outlives_the_removal)
{
    RIG(r);
    read_removed(&r, BLOB_UNLINK);
    read_removed(&r, BLOB_OVERWRITE);
}

struct listing {
    struct blob_store *s;
    struct blob_key keys[8];
    bool committed[8];
    int64_t oldest_ms, newest_ms;
    size_t n;
    size_t stop_at;
    bool remove;
};

static enum err note(struct ctx *c, struct blob_key key, bool committed, int64_t ms, void *arg)
{
    struct listing *l = arg;
    if (l->n == l->stop_at || l->n == 8) return ERR_CONFLICT;
    l->keys[l->n] = key;
    l->committed[l->n] = committed;
    l->oldest_ms = l->n ? MIN(l->oldest_ms, ms) : ms;
    l->newest_ms = l->n ? MAX(l->newest_ms, ms) : ms;
    l->n++;
    return l->remove && committed ? blob_remove(c, l->s, key, BLOB_UNLINK) : ERR_OK;
}

TEST(list_tells_each_blob_with_its_age)
{
    RIG(r);
    struct blob_key key[3];
    struct blob_ref ref;
    struct listing l = {.s = r.s, .stop_at = 8};
    int64_t now = clock_wall_ms();
    size_t seen[3] = {0};
    CHECK_OK(blob_list(&r.c, r.s, note, &l));
    CHECK_U64(l.n, 0);
    for (size_t i = 0; i < 3; i++) {
        key[i] = key_new();
        if (i < 2) CHECK_OK(blob_store_whole(&r.c, r.s, key[i], 10, 10, 1));
    }
    CHECK_OK(blob_begin(&r.c, r.s, key[2], &ref));
    CHECK_OK(blob_list(&r.c, r.s, note, &l));
    CHECK_U64(l.n, 3);
    for (size_t i = 0; i < 3; i++)
        for (size_t k = 0; k < 3; k++)
            if (id_eq(l.keys[i].id, key[k].id) && l.committed[i] == (k < 2)) seen[k]++;
    CHECK(seen[0] == 1 && seen[1] == 1 && seen[2] == 1);
    /* File systems may stamp with a coarser clock. */
    CHECK(l.oldest_ms >= now - 2000 && l.newest_ms <= clock_wall_ms() + 2000);
    l = (struct listing){.s = r.s, .stop_at = 1};
    CHECK_ERR(blob_list(&r.c, r.s, note, &l), ERR_CONFLICT);
    l = (struct listing){.s = r.s, .stop_at = 8, .remove = true};
    CHECK_OK(blob_list(&r.c, r.s, note, &l));
    CHECK_ERR(blob_probe(&r.c, r.s, key[0]), ERR_NOT_FOUND);
    l = (struct listing){.s = r.s, .stop_at = 8};
    CHECK_OK(blob_list(&r.c, r.s, note, &l));
    CHECK_U64(l.n, 1);
}

TEST(health_and_props)
{
    RIG(r);
    uint64_t free_bytes = 0;
    const struct blob_props *p = blob_props(r.s);
    CHECK_OK(blob_health(&r.c, r.s, &free_bytes));
    CHECK(free_bytes > 0);
    CHECK(p->name && p->part_bytes_min >= 1 && p->part_bytes_max > p->part_bytes_min && p->parts_max >= LIMIT_PARTS);
}

static enum err life(struct ctx *c, struct blob_store *s)
{
    struct blob_key key = key_new();
    struct listing l = {.s = s, .stop_at = 8};
    TRY(blob_store_whole(c, s, key, 300, 100, 1));
    if (!blob_holds(c, s, key, 300, 1)) return ERR_NOMEM;
    TRY(blob_list(c, s, note, &l));
    return blob_remove(c, s, key, BLOB_OVERWRITE);
}

TEST(allocation_failures_are_clean_errors)
{
    RIG(r);
    for (int for_ever = 0; for_ever < 2; for_ever++)
        for (uint64_t n = 0, fired = 1; fired; n++) {
            CHECK(n < 200);
            test_fail_alloc(n, for_ever);
            enum err e = life(&r.c, r.s);
            fired = test_alloc_fired();
            test_fail_alloc(UINT64_MAX, false);
            /* Memory for erasing is best effort: without it the blob is only unlinked. */
            CHECK(e == ERR_NOMEM || e == ERR_OK);
            CHECK_OK(life(&r.c, r.s));
            struct listing l = {.s = r.s, .stop_at = 8};
            CHECK_OK(blob_list(&r.c, r.s, note, &l));
            for (size_t i = 0; i < l.n; i++) {
                CHECK_OK(blob_abort(&r.c, r.s, l.keys[i], &(struct blob_ref){0}));
                CHECK_OK(blob_remove(&r.c, r.s, l.keys[i], BLOB_UNLINK));
            }
        }
}
