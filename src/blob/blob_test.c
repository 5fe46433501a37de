/* blob: receipts, the gate, the fault wrapper. What every backend must do is in tests/conformance/blob_suite.c. */
#include <stdatomic.h>
#include <string.h>

#include "base/intmath.h"
#include "blob/blob_impl.h"
#include "blob/gate.h"
#include "conformance/blob_suite.h"
#include "lib/test.h"

TEST(receipts_must_make_up_the_whole)
{
    struct ctx c;
    struct blob_tag t[3];
    uint64_t later = 99;
    ctx_init(&c, 64 * KIB);
    blob_tag_make(&t[0], 0, 10, 0);
    blob_tag_make(&t[1], 10, 0, 7);
    blob_tag_make(&t[2], 10, 5, 7);
    CHECK_OK(blob_tags_check(&c, t, 3, 15, &later));
    CHECK_U64(later, 7);
    CHECK_OK(blob_tags_check(&c, t, 1, 10, &later));
    CHECK_U64(later, 0);
    CHECK_OK(blob_tags_check(&c, NULL, 0, 0, &later));
    CHECK_ERR(blob_tags_check(&c, t, 3, 14, &later), ERR_CORRUPT);
    CHECK_ERR(blob_tags_check(&c, t, 3, 16, &later), ERR_CORRUPT);
    CHECK_ERR(blob_tags_check(&c, t + 1, 2, 5, &later), ERR_CORRUPT);
    blob_tag_make(&t[1], 10, 0, 8);
    CHECK_ERR(blob_tags_check(&c, t, 3, 15, &later), ERR_CORRUPT);
    ctx_done(&c);
}

TEST(malformed_receipts_are_refused)
{
    static const char *const bad[] = {"", "1", "1 0", "1 0 10", "1 0 10 ", "2 0 10 0", "1 0 10 0 ", "1 0 10 0 0", "1 -0 10 0",
                                      "1  0 10 0", "1 0 99999999999999999999 0", "x"};
    struct ctx c;
    ctx_init(&c, 64 * KIB);
    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        struct blob_tag t = {0};
        uint64_t later = 0;
        memcpy(t.text, bad[i], strlen(bad[i]));
        CHECK_ERR(blob_tags_check(&c, &t, 1, 10, &later), ERR_CORRUPT);
    }
    struct blob_tag full;
    uint64_t later = 0;
    memset(&full, '1', sizeof full);
    CHECK_ERR(blob_tags_check(&c, &full, 1, 10, &later), ERR_CORRUPT);
    ctx_done(&c);
}

TEST(the_largest_receipt_fits)
{
    struct ctx c;
    struct blob_tag t[2];
    uint64_t later = 0;
    ctx_init(&c, 64 * KIB);
    blob_tag_make(&t[0], 0, BLOB_BYTES_MAX, UINT64_MAX);
    blob_tag_make(&t[1], BLOB_BYTES_MAX, 0, UINT64_MAX);
    CHECK_OK(blob_tags_check(&c, t, 2, BLOB_BYTES_MAX, &later));
    CHECK(later == UINT64_MAX);
    ctx_done(&c);
}

struct waiter {
    struct blob_gate *g;
    struct blob_key key;
    atomic_bool in;
    bool claim;
};

static void come_in(void *arg)
{
    struct waiter *w = arg;
    struct blob_gate_slot s;
    if (w->claim)
        blob_gate_claim(w->g, &s, w->key);
    else
        blob_gate_open(w->g, &s, w->key, 0);
    atomic_store(&w->in, true);
    blob_gate_close(w->g, &s);
}

/* Real time: how long a newcomer is watched not to come in. */
static void moment(void)
{
    struct mutex m;
    struct cond c;
    mutex_init(&m);
    cond_init(&c);
    mutex_lock(&m);
    cond_wait_for(&c, &m, 30);
    mutex_unlock(&m);
    cond_done(&c);
    mutex_done(&m);
}

TEST(a_newcomer_waits_until_the_writer_is_out)
{
    static struct blob_gate g;
    blob_gate_init(&g);
    for (int claim = 0; claim < 2; claim++) {
        struct blob_gate_slot s;
        struct thread t = {0};
        struct waiter w = {.g = &g, .key = key_new(), .claim = claim};
        blob_gate_open(&g, &s, w.key, 0);
        CHECK_OK(blob_gate_enter(&g, &s));
        CHECK_OK(thread_start(&t, "newcomer", come_in, &w));
        moment();
        CHECK(!atomic_load(&w.in));
        blob_gate_leave(&g, &s);
        thread_join(&t);
        CHECK(atomic_load(&w.in));
        CHECK_ERR(blob_gate_enter(&g, &s), ERR_CANCELLED);
        CHECK(!blob_gate_close(&g, &s));
    }
    blob_gate_done(&g);
}

TEST(a_claim_keeps_everyone_out)
{
    static struct blob_gate g;
    blob_gate_init(&g);
    for (int claim = 0; claim < 2; claim++) {
        struct blob_gate_slot s;
        struct thread t = {0};
        struct waiter w = {.g = &g, .key = key_new(), .claim = claim};
        blob_gate_claim(&g, &s, w.key);
        CHECK_OK(thread_start(&t, "newcomer", come_in, &w));
        moment();
        CHECK(!atomic_load(&w.in));
        CHECK(blob_gate_close(&g, &s));
        thread_join(&t);
        CHECK(atomic_load(&w.in));
    }
    blob_gate_done(&g);
}

/* One of each fallible call, in order; stops at the first error. */
static enum err one_of_each(struct ctx *c, struct blob_store *s, struct blob_key key)
{
    struct piece p = {0, 0, 10, 1};
    struct blob_reader *r = NULL;
    struct blob_ref ref;
    struct blob_tag tag;
    uint64_t size = 0;
    size_t n = 0;
    char got[10];
    TRY(blob_begin(c, s, key, &ref));
    TRY(piece_store(c, s, key, &ref, &p, BLOB_DURABLE, &tag));
    TRY(blob_commit(c, s, key, &ref, &tag, 1, 10));
    TRY(blob_open(c, s, key, &r, &size));
    enum err e = blob_read(c, r, 0, got, sizeof got, &n);
    blob_close(r);
    TRY(e);
    TRY(blob_health(c, s, &size));
    TRY(blob_abort(c, s, key, &ref));
    return blob_remove(c, s, key, BLOB_UNLINK);
}

TEST(the_fault_wrapper_fails_each_call_once_or_for_ever)
{
    struct ctx c;
    struct blob_store *inner = NULL, *s = NULL;
    ctx_init(&c, 64 * KIB);
    CHECK_OK(blob_mem_open(&c, &inner));
    CHECK_OK(blob_fault_open(&c, inner, &s));
    CHECK_OK(one_of_each(&c, s, key_new()));
    CHECK_U64(blob_fault_count(s), 10);
    for (uint64_t n = 0; n < 10; n++) {
        blob_fault_set(s, n, false, ERR_NOSPACE);
        CHECK_ERR(one_of_each(&c, s, key_new()), ERR_NOSPACE);
        CHECK_U64(blob_fault_count(s), n + 1);
        CHECK_OK(one_of_each(&c, s, key_new()));
        blob_fault_set(s, n, true, ERR_IO);
        CHECK_ERR(one_of_each(&c, s, key_new()), ERR_IO);
        CHECK_ERR(one_of_each(&c, s, key_new()), ERR_IO);
    }
    blob_fault_set(s, UINT64_MAX, false, ERR_IO);
    CHECK_OK(one_of_each(&c, s, key_new()));
    blob_store_close(s);
    ctx_done(&c);
}

TEST(the_fault_wrapper_fails_before_acting)
{
    struct ctx c;
    struct blob_store *inner = NULL, *s = NULL;
    struct blob_key key = key_new();
    struct blob_ref ref;
    ctx_init(&c, 64 * KIB);
    CHECK_OK(blob_mem_open(&c, &inner));
    CHECK_OK(blob_fault_open(&c, inner, &s));
    CHECK_OK(blob_begin(&c, s, key, &ref));
    blob_fault_set(s, 0, false, ERR_IO);
    CHECK_ERR(blob_commit(&c, s, key, &ref, NULL, 0, 0), ERR_IO);
    CHECK_ERR(blob_probe(&c, s, key), ERR_NOT_FOUND);
    CHECK_OK(blob_commit(&c, s, key, &ref, NULL, 0, 0));
    CHECK_OK(blob_probe(&c, s, key));
    blob_store_close(s);
    ctx_done(&c);
}

TEST(opening_stores_survives_want_of_memory)
{
    struct ctx c;
    struct blob_store *inner = NULL, *s = NULL;
    ctx_init(&c, 64 * KIB);
    CHECK_OK(blob_mem_open(&c, &inner));
    test_fail_alloc(0, true);
    CHECK_ERR(blob_fault_open(&c, inner, &s), ERR_NOMEM);
    CHECK_ERR(blob_mem_open(&c, &s), ERR_NOMEM);
    CHECK_ERR(blob_fs_open(&c, "/tmp", &s), ERR_NOMEM);
    test_fail_alloc(UINT64_MAX, false);
    ctx_done(&c);
}

TEST(the_memory_store_is_bounded)
{
    struct ctx c;
    struct blob_store *s = NULL;
    struct blob_key key = key_new();
    struct blob_ref ref;
    struct blob_writer *w = NULL;
    ctx_init(&c, 64 * KIB);
    CHECK_OK(blob_mem_open(&c, &s));
    CHECK_OK(blob_begin(&c, s, key, &ref));
    CHECK_OK(blob_part_open(&c, s, key, &ref, &(struct blob_part){0, 4 * TIB, 10}, &w));
    CHECK_ERR(blob_part_write(&c, w, "x", 1), ERR_NOSPACE);
    blob_part_abort(w);
    blob_store_close(s);
    ctx_done(&c);
}
