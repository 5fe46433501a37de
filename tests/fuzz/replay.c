/* Runs a fuzz target over the files and folders named on the command line, so that corpora are tests in builds without
 * libFuzzer. A failed ASSERT ends the program; finding no file is a failure, too. */
#include <ftw.h>
#include <stdio.h>

#include "base/mem.h"
#include "fuzz.h"

static unsigned passed, failed;

static int run_file(const char *path, const struct stat *st, int kind, struct FTW *ftw)
{
    (void)ftw;
    if (kind != FTW_F) return 0;
    size_t size = (size_t)st->st_size;
    /* Exactly as large as the input, so that a sanitizer sees the first byte read beyond it. */
    CLEANUP(mem_cleanup) uint8_t *data = mem_alloc(1, size);
    FILE *f = fopen(path, "rb");
    bool whole = f && data && fread(data, 1, size, f) == size;
    if (f) fclose(f);
    if (!whole) {
        printf("not ok %s: cannot be read\n", path);
        failed++;
        return 0;
    }
    LLVMFuzzerTestOneInput(data, size);
    passed++;
    return 0;
}

int main(int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        unsigned before = passed;
        if (nftw(argv[i], run_file, 16, FTW_PHYS) != 0 || passed == before) {
            printf("not ok %s: no input found\n", argv[i]);
            failed++;
        }
    }
    printf("%u passed, %u failed\n", passed, failed);
    return failed != 0 || passed == 0;
}
