/* The test harness: TEST(name) { CHECK(...); } registers itself; test.c has main(). Prints one line a test and, last,
 * "N passed, N failed". A failed CHECK ends its test. `program [substring]` runs a selection. */
#ifndef SEALDROP_TESTS_LIB_TEST_H
#define SEALDROP_TESTS_LIB_TEST_H

#include "base/err.h"
#include "base/slice.h"

struct test_case {
    const char *name;
    void (*fn)(void);
    struct test_case *next;
};
void test_register(struct test_case *t);
/* Records the failure and leaves the test (longjmp-free: the macro returns). */
void test_fail(const char *file, int line, const char *fmt, ...) PRINTF_LIKE(3, 4);
/* True once the running test has failed: for helpers that check inside. */
bool test_failed(void);

#define TEST(name)                                                                                 \
    static void test_##name(void);                                                                 \
    __attribute__((constructor)) static void register_##name(void)                                 \
    {                                                                                              \
        static struct test_case t = {#name, test_##name, NULL};                                    \
        test_register(&t);                                                                         \
    }                                                                                              \
    static void test_##name(void)

#define CHECK(cond)                                                                                \
    do {                                                                                           \
        if (!(cond)) {                                                                             \
            test_fail(__FILE__, __LINE__, "%s", #cond);                                            \
            return;                                                                                \
        }                                                                                          \
    } while (0)
#define CHECK_ERR(call, want)                                                                      \
    do {                                                                                           \
        enum err check_e_ = (call);                                                                \
        if (check_e_ != (want)) {                                                                  \
            test_fail(__FILE__, __LINE__, "%s: %s, wanted %s", #call, err_name(check_e_),          \
                      err_name(want));                                                             \
            return;                                                                                \
        }                                                                                          \
    } while (0)
#define CHECK_OK(call) CHECK_ERR(call, ERR_OK)
#define CHECK_SLICE(got, want)                                                                     \
    do {                                                                                           \
        struct slice check_g_ = (got), check_w_ = (want);                                          \
        if (!slice_eq(check_g_, check_w_)) {                                                       \
            test_fail(__FILE__, __LINE__, "%s: \"" SLICE_FMT "\", wanted \"" SLICE_FMT "\"", #got, \
                      SLICE_ARG(check_g_), SLICE_ARG(check_w_));                                   \
            return;                                                                                \
        }                                                                                          \
    } while (0)
#define CHECK_U64(got, want)                                                                       \
    do {                                                                                           \
        unsigned long long check_g_ = (unsigned long long)(got);                                   \
        unsigned long long check_w_ = (unsigned long long)(want);                                  \
        if (check_g_ != check_w_) {                                                                \
            test_fail(__FILE__, __LINE__, "%s: %llu, wanted %llu", #got, check_g_, check_w_);      \
            return;                                                                                \
        }                                                                                          \
    } while (0)

/* A new empty directory under $TMPDIR or /tmp, removed at the end of the program. The string lives until then. */
const char *test_dir(void);

/* Fault loop: make the n-th allocation fail (0-based), once or for ever; n = UINT64_MAX disarms. The count of allocations
 * seen since arming comes back. */
void test_fail_alloc(uint64_t n, bool for_ever);
uint64_t test_alloc_count(void);
bool test_alloc_fired(void);

#endif
