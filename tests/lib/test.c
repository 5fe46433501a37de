/* The test harness: registration, selection, reporting, temporary directories, allocation faults. */
#include "lib/test.h"

#include <errno.h>
#include <ftw.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"

static struct test_case *first, **last = &first;
static bool failed_now;
static char dirs[256][64];
static size_t dir_count;

void test_register(struct test_case *t)
{
    *last = t;
    last = &t->next;
}

void test_fail(const char *file, int line, const char *fmt, ...)
{
    va_list args;
    failed_now = true;
    printf("  %s:%d: ", file, line);
    va_start(args, fmt);
    vprintf(fmt, args);
    va_end(args);
    printf("\n");
}

bool test_failed(void) { return failed_now; }

static int remove_entry(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
    (void)st;
    (void)flag;
    (void)ftw;
    return remove(path);
}

const char *test_dir(void)
{
    const char *base = getenv("TMPDIR");
    if (dir_count == 256) return NULL;
    char *d = dirs[dir_count];
    snprintf(d, sizeof dirs[0], "%s/sealdrop-test-XXXXXX", base ? base : "/tmp");
    if (!mkdtemp(d)) {
        perror("mkdtemp");
        exit(2);
    }
    dir_count++;
    return d;
}

static _Atomic uint64_t alloc_seen, alloc_fail_at = UINT64_MAX;
static atomic_bool alloc_for_ever, alloc_has_fired;

static bool alloc_fault(void)
{
    uint64_t n = atomic_fetch_add(&alloc_seen, 1), at = atomic_load(&alloc_fail_at);
    bool fire = n == at || (n > at && atomic_load(&alloc_for_ever));
    if (fire) atomic_store(&alloc_has_fired, true);
    return fire;
}

void test_fail_alloc(uint64_t n, bool for_ever)
{
    atomic_store(&alloc_seen, 0);
    atomic_store(&alloc_fail_at, n);
    atomic_store(&alloc_for_ever, for_ever);
    atomic_store(&alloc_has_fired, false);
    mem_set_fault(n == UINT64_MAX ? NULL : alloc_fault);
}

uint64_t test_alloc_count(void) { return atomic_load(&alloc_seen); }
bool test_alloc_fired(void) { return atomic_load(&alloc_has_fired); }

int main(int argc, char **argv)
{
    unsigned passed = 0, failed = 0;
    setvbuf(stdout, NULL, _IOLBF, 0);
    for (struct test_case *t = first; t; t = t->next) {
        if (argc > 1 && !strstr(t->name, argv[1])) continue;
        failed_now = false;
        t->fn();
        test_fail_alloc(UINT64_MAX, false);
        printf("%s %s\n", failed_now ? "not ok" : "ok", t->name);
        failed_now ? failed++ : passed++;
    }
    for (size_t i = 0; i < dir_count; i++)
        nftw(dirs[i], remove_entry, 16, FTW_DEPTH | FTW_PHYS);
    printf("%u passed, %u failed\n", passed, failed);
    return failed != 0;
}
