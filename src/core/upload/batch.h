/* batch: all the files of one request, small and large, in the order in which they come. Small ones are stored many at a time (small.h),
 * as soon as they are many or have waited; what is refused about one file is its own result and does not end the others.
 *
 *     TRY(batch_new(c, app, who, &b));
 *     for each file: TRY(batch_begin(…)); TRY(batch_write(…)) …; TRY(batch_end(…));
 *     TRY(batch_finish(c, b, &results, &n));
 *     batch_free(b);
 * An error ends the request: what was stored before it stays. One thread at a time. */
#ifndef SEALDROP_CORE_UPLOAD_BATCH_H
#define SEALDROP_CORE_UPLOAD_BATCH_H

#include "core/upload/upload.h"

struct batch_result {
    struct slice name;   /* as it was sent */
    enum err err;        /* ERR_OK: it is stored, and this is `file` */
    const char *code;    /* what was refused: the word, NULL for the error's own; */
    struct slice detail; /* the sentence */
    struct file file;
};

struct batch;
MUST_USE enum err batch_new(struct ctx *c, struct app *app, const struct principal *who, struct batch **ret);
/* What is not stored yet is thrown away. NULL is harmless. */
void batch_free(struct batch *b);
/* `idempotency_key` (ptr NULL: none): sent again with it, a small file is stored once. Slices of both belong to the request's arena. */
MUST_USE enum err batch_begin(struct ctx *c, struct batch *b, const struct upload_new *n, struct slice idempotency_key);
MUST_USE enum err batch_write(struct ctx *c, struct batch *b, const void *bytes, size_t n);
MUST_USE enum err batch_end(struct ctx *c, struct batch *b);
/* Stores what waits. Results in the arena, one a file. */
MUST_USE enum err batch_finish(struct ctx *c, struct batch *b, const struct batch_result **ret, size_t *ret_n);
/* Why the first of those that were refused was: becomes the error of `c`, with all that was said of it. */
enum err batch_refusal(struct ctx *c, const struct batch *b);

#endif
