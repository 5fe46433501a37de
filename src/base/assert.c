/* Where a broken invariant ends the process: better a restart than a wrong answer. */
#include "base/assert.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"

void assert_failed(const char *expr, const char *file, int line)
{
    log_flush(); /* what this thread was doing */
    fprintf(stderr, "assertion failed: %s at %s:%d\n", expr, file, line);
    abort();
}
