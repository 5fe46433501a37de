/* Unique paths: what is kept, what is renamed, and that nothing ever clashes. */
#include <stdio.h>
#include <string.h>

#include "base/intmath.h"
#include "base/mem.h"
#include "codec/zip.h"
#include "lib/test.h"
#include "os/sys.h"

static void check_unique(const char *const *given, const char *const *want, size_t n)
{
    struct arena a;
    struct zip_entry e[16] = {{.size = 0}};
    arena_init(&a, MIB);
    for (size_t i = 0; i < n; i++) e[i].path = slice_cstr(given[i]);
    enum err err = zip_unique(&a, e, n);
    if (err != ERR_OK) test_fail(__FILE__, __LINE__, "zip_unique: %s", err_name(err));
    for (size_t i = 0; i < n && err == ERR_OK; i++) {
        if (slice_eq(e[i].path, slice_cstr(want[i]))) continue;
        test_fail(__FILE__, __LINE__, "\"%s\" became \"" SLICE_FMT "\", wanted \"%s\"", given[i],
                  SLICE_ARG(e[i].path), want[i]);
    }
    arena_done(&a);
}

#define UNIQUE(n, given, want)                                                                     \
    do {                                                                                           \
        static const char *const given_[n] = given, *const want_[n] = want;                        \
        check_unique(given_, want_, n);                                                            \
        if (test_failed()) return;                                                                 \
    } while (0)
#define LIST(...)                                                                                  \
    {                                                                                              \
        __VA_ARGS__                                                                                \
    }

TEST(zip_unique_paths)
{
    UNIQUE(3, LIST("a.txt", "b", "c/a.txt"), LIST("a.txt", "b", "c/a.txt"));
    UNIQUE(4, LIST("a.txt", "A.TXT", "a.txt", "b"), LIST("a.txt", "A (2).TXT", "a (3).txt", "b"));
    /* what is there keeps its name, wherever it stands */
    UNIQUE(4, LIST("a", "a", "A (2)", "a"), LIST("a", "a (3)", "A (2)", "a (4)"));
    UNIQUE(4, LIST("a (2)", "a", "a (2)", "a"), LIST("a (2)", "a", "a (2) (2)", "a (3)"));
    UNIQUE(4, LIST(".rc", ".rc", "x.tar.gz", "x.tar.gz"),
           LIST(".rc", ".rc (2)", "x.tar.gz", "x.tar (2).gz"));
    UNIQUE(4, LIST("d.e/f", "D.E/f", "d.e/.f", "d.e/.f"),
           LIST("d.e/f", "D.E/f (2)", "d.e/.f", "d.e/.f (2)"));
    UNIQUE(2, LIST("a.no extension at all", "a.no extension at all"),
           LIST("a.no extension at all", "a.no extension at all (2)"));
    /* directories are shared, and win */
    UNIQUE(5, LIST("d/", "D/", "d/x", "d", "d/"), LIST("d/", "D/", "d/x", "d (2)", "d/"));
    UNIQUE(4, LIST("a", "b", "A/x", "a (2)/y"), LIST("a (3)", "b", "A/x", "a (2)/y"));
    UNIQUE(3, LIST("a-b", "a", "a!b"), LIST("a-b", "a", "a!b"));
    UNIQUE(3, LIST("\xc3\xa9", "\xc3\xa9", "\xc3\x89"),
           LIST("\xc3\xa9", "\xc3\xa9 (2)", "\xc3\x89"));
}

static bool all_unique(const struct zip_entry *e, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (e[i].path.len > ZIP_PATH_BYTES) return false;
        for (size_t j = 0; j < i; j++)
            if (slice_eq_nocase(e[i].path, e[j].path)) return false;
    }
    return true;
}

/* Names at the limit differ only where they are cut. */
TEST(zip_unique_long_names)
{
    enum { N = 300 };
    static char names[N][LIMIT_NAME_BYTES];
    struct zip_entry e[N] = {{.size = 0}};
    struct arena a;
    for (size_t i = 0; i < N; i++) {
        for (size_t k = 0; k + 1 < LIMIT_NAME_BYTES - 4; k += 2)
            memcpy(names[i] + k, "\xc3\xa9", 2);
        names[i][LIMIT_NAME_BYTES - 5] = (char)('a' + i % 20);
        memcpy(names[i] + LIMIT_NAME_BYTES - 4, ".txt", 4);
        e[i].path = slice_of(names[i], LIMIT_NAME_BYTES);
    }
    arena_init(&a, MIB);
    enum err err = zip_unique(&a, e, N);
    bool unique = all_unique(e, N), fit = true;
    for (size_t i = 0; i < N; i++) fit = fit && e[i].path.len <= LIMIT_NAME_BYTES;
    CLEANUP(zip_plan_cleanup) struct zip_plan *p = NULL;
    enum err plan_err = zip_plan_new(e, N, &p);
    arena_done(&a);
    CHECK_OK(err);
    CHECK(unique && fit);
    CHECK_OK(plan_err);
}

/* Two long names, equal once cut; the numbers of the first are taken up to the second's. */
TEST(zip_unique_cut_names_do_not_meet)
{
    enum { N = 6 };
    static char names[N][LIMIT_NAME_BYTES + 1];
    struct zip_entry e[N] = {{.size = 0}};
    struct arena a;
    for (size_t i = 0; i < N; i++) {
        memset(names[i], 'x', LIMIT_NAME_BYTES);
        names[i][LIMIT_NAME_BYTES - 1] = i < 2 ? 'y' : 'z';
        e[i].path = slice_of(names[i], LIMIT_NAME_BYTES);
    }
    for (size_t i = 4; i < N; i++) {
        int len = snprintf(names[i], sizeof names[i], "%.*s (%zu)", LIMIT_NAME_BYTES - 24, names[0],
                           i + N - 1);
        e[i].path = slice_of(names[i], (size_t)len);
    }
    arena_init(&a, MIB);
    enum err err = zip_unique(&a, e, N);
    bool unique = all_unique(e, N), second_has_11 = slice_ends(e[3].path, SLICE(" (11)"));
    arena_done(&a);
    CHECK_OK(err);
    CHECK(unique && second_has_11);
}

/* Many equal paths, and the very names they would take: no quadratic walk, no clash. */
TEST(zip_unique_many)
{
    enum { N = 10000 };
    static char names[N][16];
    CLEANUP(mem_cleanup) struct zip_entry *e = mem_alloc(N, sizeof *e);
    struct arena a;
    CHECK(e != NULL);
    for (size_t i = 0; i < N; i++) {
        int len = i % 2 ? snprintf(names[i], 16, "A (%zu).x", i) : snprintf(names[i], 16, "a.X");
        e[i].path = slice_of(names[i], (size_t)len);
    }
    arena_init(&a, 4 * MIB);
    int64_t start_ms = sys()->mono_ms();
    enum err err = zip_unique(&a, e, N);
    printf("  5,000 equal paths among 10,000: %lld ms\n", (long long)(sys()->mono_ms() - start_ms));
    bool given_stay = true;
    for (size_t i = 1; i < N; i += 2) given_stay = given_stay && e[i].path.ptr == names[i];
    bool unique = all_unique(e, 2000);
    arena_done(&a);
    CHECK_OK(err);
    CHECK(given_stay && unique);
}

TEST(zip_unique_refuses)
{
    static char long_path[ZIP_GIVEN_BYTES + 1];
    memset(long_path, 'x', sizeof long_path);
    const struct slice paths[] = {SLICE(""), SLICE("a\0b"), slice_of(long_path, sizeof long_path)};
    for (size_t i = 0; i < ARRAY_LEN(paths); i++) {
        struct zip_entry e[] = {{.path = SLICE("a")}, {.path = SLICE("a")}, {.path = paths[i]}};
        struct arena a;
        arena_init(&a, MIB);
        enum err err = zip_unique(&a, e, 3);
        arena_done(&a);
        CHECK_ERR(err, ERR_INVALID);
        CHECK_SLICE(e[1].path, SLICE("a"));
    }
}
