/* What sealing anew costs: CPU seconds per GiB of the job and of reading the result, and how much smaller it is. Not a test.
 *   BENCH_FILE=some.tar SEALDROP_LOOP=files build/release/bin/bench_reseal        (a release build; at most 1 GiB is read)
 * Times are of this process's CPU, so that other load on the machine matters little. */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/limits.h"
#include "base/mem.h"
#include "core/app/app.h"
#include "core/file/file.h"
#include "integration/loopback.h"

#define FILES "/api/v1/files"
#define PIECE (256 * KIB)

static double cpu_s(void) { return (double)clock() / CLOCKS_PER_SEC; }

static char *content_bytes;

static struct slice load(void)
{
    const char *path = getenv("BENCH_FILE");
    FILE *f = fopen(path ? path : "/proc/self/exe", "rb");
    content_bytes = mem_alloc(1, GIB);
    size_t n = f && content_bytes ? fread(content_bytes, 1, GIB, f) : 0;
    if (f) fclose(f);
    return slice_of(content_bytes, n);
}

/* Seconds of reading all of it, as a download does. */
static double read_all(struct loop *l, const char *file, struct file *ret)
{
    CLEANUP(ctx_done) struct ctx c;
    static char piece[PIECE];
    struct reader *r = NULL;
    struct id id;
    size_t n = 1;
    ctx_init(&c, LIMIT_REQUEST_ARENA_BYTES);
    double start = cpu_s();
    if (id_parse(slice_cstr(file), &id) != ERR_OK || file_load(&c, l->app, &id, ret) != ERR_OK ||
        file_read_plain(&c, l->app, ret, 0, ret->size, &r) != ERR_OK)
        test_fail(__FILE__, __LINE__, "cannot open");
    while (n && !test_failed())
        if (r->ops->read(r, &c, piece, sizeof piece, &n) != ERR_OK) test_fail(__FILE__, __LINE__, "cannot read");
    reader_close(r, &c, true);
    return cpu_s() - start;
}

static void measure(struct slice content, const char *name, bool compress, bool dedupe, bool rotate)
{
    struct loop l;
    struct file f;
    ANSWER a = {0};
    double gib = (double)content.len / (double)GIB;
    loop_open(&l);
    l.cfg.compress = compress;
    l.cfg.dedupe = dedupe;
    loop_reopen(&l);
    const char *bearer = loop_user(&l, "anna@example.com", ROLE_USER);
    const char *file = loop_upload(&l, bearer, "bench.dat", content, 0);
    if (rotate) LOOP(&l, &a, .method = "POST", .target = loop_text(FILES "/%s/encrypt", file), .bearer = bearer);
    double start = cpu_s();
    loop_jobs(&l);
    double job = cpu_s() - start, reading = read_all(&l, file, &f);
    printf("| %s | %.2f | %.3f | %.2f |\n", name, job / gib, (double)f.content.stored_size / (double)f.size, reading / gib);
    loop_close(&l);
}

TEST(bench)
{
    struct slice content = load();
    CHECK(content.len > MIB);
    printf("%.0f MiB\n\n| what | job, CPU s/GiB | stored / plain | reading, CPU s/GiB |\n|---|---|---|---|\n",
           (double)content.len / (double)MIB);
    measure(content, "nothing asked", false, false, false);
    measure(content, "fresh key", false, false, true);
    measure(content, "dedupe alone (hash)", false, true, false);
    measure(content, "compress", true, false, false);
    mem_free(content_bytes);
}
