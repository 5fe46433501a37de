/* CSV: RFC 4180, and what is refused. */
#include "codec/csv.h"

#include "base/limits.h"
#include "lib/test.h"

static void arena_cleanup(struct arena *a) { arena_done(a); }

TEST(csv_records)
{
    CLEANUP(arena_cleanup) struct arena a;
    struct slice f[4];
    size_t n = 0;
    struct csv p = {.rest = SLICE("a,b,c\r\n\n\"x, \"\"y\"\"\nz\",,\" \"\nlast")};
    arena_init(&a, 64 * KIB);
    CHECK_OK(csv_next(&a, &p, f, 4, &n));
    CHECK_U64(n, 3);
    CHECK_SLICE(f[2], SLICE("c"));
    CHECK_U64(p.line, 1);
    CHECK_OK(csv_next(&a, &p, f, 4, &n));
    CHECK_U64(n, 3);
    CHECK_SLICE(f[0], SLICE("x, \"y\"\nz"));
    CHECK_SLICE(f[1], SLICE(""));
    CHECK_SLICE(f[2], SLICE(" "));
    CHECK_U64(p.line, 3);
    CHECK_OK(csv_next(&a, &p, f, 4, &n));
    CHECK_U64(n, 1);
    CHECK_SLICE(f[0], SLICE("last"));
    CHECK_U64(p.line, 5);
    CHECK_ERR(csv_next(&a, &p, f, 4, &n), ERR_NOT_FOUND);
}

TEST(csv_refused)
{
    static const char *const bad[] = {"\"a", "\"a\"b", "a\"b", "a\rb", "\"\"\"", "\""};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        CLEANUP(arena_cleanup) struct arena a;
        struct slice f[4];
        size_t n = 7;
        struct csv p = {.rest = slice_cstr(bad[i])};
        arena_init(&a, 64 * KIB);
        CHECK_ERR(csv_next(&a, &p, f, 4, &n), ERR_INVALID);
        CHECK_U64(n, 7);
    }
    CLEANUP(arena_cleanup) struct arena a;
    struct slice f[2];
    size_t n = 0;
    struct csv p = {.rest = SLICE("a,b,c")};
    arena_init(&a, 64 * KIB);
    CHECK_ERR(csv_next(&a, &p, f, 2, &n), ERR_TOO_LARGE);
}
