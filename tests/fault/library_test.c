/* Allocations of SQLite and OpenSSL fail: the libraries give errors then, and those must not be taken for answers (a token that
 * cannot be checked is not a bad one, a chunk that cannot be opened is not a forged one). */
#include <openssl/crypto.h>
#include <sqlite3.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "fault/story.h"
#include "fault/sys_fault.h"

static struct {
    uint64_t at;
    bool for_ever;
    _Atomic uint64_t seen;
    atomic_bool fired, on;
} armed;

static bool strike(void)
{
    if (!atomic_load(&armed.on) || !story_asking()) return false;
    uint64_t n = atomic_fetch_add(&armed.seen, 1);
    bool fire = n == armed.at || (n > armed.at && armed.for_ever);
    if (fire) atomic_store(&armed.fired, true);
    return fire;
}

static void arm(uint64_t n, bool for_ever)
{
    armed.at = n;
    armed.for_ever = for_ever;
    atomic_store(&armed.seen, 0);
    atomic_store(&armed.fired, false);
    atomic_store(&armed.on, true);
}

static void off(void) { atomic_store(&armed.on, false); }
static bool fired(void) { return atomic_load(&armed.fired); }

static sqlite3_mem_methods real;
static void *db_malloc(int n) { return strike() ? NULL : real.xMalloc(n); }
static void *db_realloc(void *p, int n) { return strike() ? NULL : real.xRealloc(p, n); }

/* reallocarray stands for the calls that only mem.c may make. */
static void *ssl_malloc(size_t n, const char *file, int line)
{
    (void)file;
    (void)line;
    return n == 0 || strike() ? NULL : reallocarray(NULL, n, 1);
}

static void *ssl_realloc(void *p, size_t n, const char *file, int line)
{
    (void)file;
    (void)line;
    return strike() ? NULL : reallocarray(p, n, 1);
}

static void ssl_free(void *p, const char *file, int line)
{
    (void)file;
    (void)line;
    (free)(p);
}

/* Before either library has allocated anything. */
__attribute__((constructor(101))) static void take_over(void)
{
    sqlite3_mem_methods mine;
    bool good = CRYPTO_set_mem_functions(ssl_malloc, ssl_realloc, ssl_free) == 1 &&
                sqlite3_config(SQLITE_CONFIG_GETMALLOC, &real) == SQLITE_OK;
    mine = real;
    mine.xMalloc = db_malloc;
    mine.xRealloc = db_realloc;
    if (!good || sqlite3_config(SQLITE_CONFIG_MALLOC, &mine) != SQLITE_OK) abort();
}

static const struct fault allocations = {"library allocation", arm, off, fired, STATUS(500) | STATUS(503) | STATUS_CUT};

static void both(story_fn *story, const char *name, uint64_t stride)
{
    struct stage s;
    sys_fault_install();
    stage_open(&s);
    if (!test_failed()) fault_loop(&s, &allocations, false, stride, story, name);
    if (!test_failed()) fault_loop(&s, &allocations, true, 3 * stride, story, name);
    stage_close(&s);
}

TEST(library_allocations_of_sign_in_fail) { both(story_sign_in, "sign-in", 7); }
TEST(library_allocations_of_an_upload_fail) { both(story_upload, "upload", 7); }
TEST(library_allocations_of_one_shot_uploads_fail) { both(story_one_shot, "one-shot", 7); }
TEST(library_allocations_of_downloads_fail) { both(story_download, "download", 7); }
TEST(library_allocations_of_links_fail) { both(story_links, "links", 7); }
TEST(library_allocations_of_deletion_fail) { both(story_clean, "deletion", 7); }
