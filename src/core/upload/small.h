/* small: files of one part that arrived whole, stored many at a time: their blobs share the waiting for the disk, one transaction takes
 * their quota and makes all of them. Until then nothing but their blob says that they are there; if it does not come to it, the sweep
 * of orphans finds that. Internal to core/upload. */
#ifndef SEALDROP_CORE_UPLOAD_SMALL_H
#define SEALDROP_CORE_UPLOAD_SMALL_H

#include "core/app/idempotency.h"
#include "core/content/part_sealer.h"
#include "core/upload/upload_impl.h"

struct small_file {
    struct upload u; /* has no row */
    struct key key;
    struct part_record part;
    int64_t sealed_ms; /* when it was sealed, monotonic */
    struct slice idempotency_key; /* of the client; ptr NULL: none */
    /* What became of it: */
    enum err err; /* it was refused, and this is why */
    const char *code; /* NULL: the error's own name */
    struct slice detail;
    struct file file;
};
/* All have one owner. Commits the blobs and makes the files; some may be refused by themselves (f->err). On an error none of them was
 * stored, as far as is known: a file that has an idempotency key can be sent again. */
MUST_USE enum err small_store(struct ctx *c, struct app *app, struct small_file *files, size_t n);
/* Why one was refused becomes the error of `c`; returns it. */
enum err small_refusal(struct ctx *c, const struct small_file *f);
/* The other way: the error that `c` has, of this file alone, is taken over, and is none of `c` any more. */
MUST_USE enum err small_note(struct ctx *c, enum err e, struct small_file *f);
/* Throws away what was not given to small_store. */
void small_forget(struct app *app, struct small_file *f);

/* What the files of one request share; zeroed at first. */
struct small_room {
    struct upload_siblings siblings;
    struct part_sealer *sealer; /* one that is free; NULL: none */
};
void small_room_done(struct small_room *r);

/* stream.c: stream_open of one of several. `room` outlives it. */
MUST_USE enum err stream_open_in(struct ctx *c, struct app *app, const struct principal *who, const struct upload_new *n,
                                 struct small_room *room, struct stream_in **ret);
/* It has been small so far. */
bool stream_is_small(const struct stream_in *s);
/* The end of one that is small: it is sealed, and for small_store. Frees the stream whatever the result. */
MUST_USE enum err stream_finish_small(struct ctx *c, struct stream_in *s, struct small_file *ret);

#endif
