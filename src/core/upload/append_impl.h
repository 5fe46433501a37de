/* What the files of the appending engine share: append.c takes bodies in and hands writers over, piece.c puts bytes into parts and
 * pieces. */
#ifndef SEALDROP_CORE_UPLOAD_APPEND_IMPL_H
#define SEALDROP_CORE_UPLOAD_APPEND_IMPL_H

#include "core/upload/append.h"
#include "core/content/part_sealer.h"
#include "os/thread.h"

/* Bytes of an unfinished part, sealed as a message of their own in a blob of their own. */
struct piece {
    uint64_t start, size; /* in the file */
    struct id blob_id;
    struct seal_header header;
};

struct append_in {
    struct app *app;
    /* Guarded by the lock of app->writers: */
    struct append_in *next, **link; /* NULL link: not among the writers */
    unsigned refs;                  /* the request, and whoever is taking it over */

    /* Held through each call, and by whoever takes the upload over; guards all below. */
    struct mutex m;
    bool over; /* taken over, or ended: nothing may be written any more */
    struct id upload_id, content_id, owner_id;
    struct blob_ref ref;
    struct key key;
    uint32_t part_size;
    int64_t fence;
    uint64_t size;     /* of the upload, or UPLOAD_SIZE_UNKNOWN */
    uint64_t end_max;  /* no byte at or after it is taken */
    uint64_t body_end; /* where this body ends, or UPLOAD_SIZE_UNKNOWN */
    uint64_t durable;  /* recorded: the offset */
    uint64_t at;       /* what has arrived */
    uint64_t reserved; /* of the quota */
    bool last;
    enum err failed;   /* of a write: only the end may follow */

    struct part_sealer *sealer; /* NULL: between messages */
    bool in_piece;              /* it writes a piece, not a part in its place */
    uint64_t begun;             /* where its message begins */
    struct id piece_id;
    struct blob_ref piece_ref;
    struct piece *pieces; /* recorded, of the part that `durable` is in (or at the end of) */
    size_t piece_count, piece_cap;

    struct checksummer *sum; /* NULL: no digest to check */
    struct checksum want;
    struct part_sealer *held; /* with a digest: all of the body, in a blob that counts for nothing */
    struct id held_id;
    struct blob_ref held_ref;
};

/* ERR_CANCELLED, worded. */
MUST_USE enum err append_superseded(struct ctx *c);

/* Ends the writer of this upload, if this node has one: what it received is kept first, or given up. */
void append_take_over(struct app *app, const struct id *upload, bool keep);
/* append_open by the server itself, of any upload. */
MUST_USE enum err append_open_any(struct ctx *c, struct app *app, const struct append_request *req, struct append_state *ret_state,
                                  struct append_in **ret);
/* Before upload_complete: takes the upload over; its bytes are all there, their number is the size, and they lie in parts. */
MUST_USE enum err append_settle(struct ctx *c, struct app *app, const struct id *upload);

/* ---- piece.c; all with in->m held ---- */

/* Bytes that count as they are. */
MUST_USE enum err append_feed(struct ctx *c, struct append_in *in, const void *bytes, size_t n);
/* All that was fed is durable and recorded. */
MUST_USE enum err append_keep(struct ctx *c, struct append_in *in);
/* The pieces become their part; done at the part's end, and at the end of the upload. */
MUST_USE enum err append_fold(struct ctx *c, struct append_in *in);
/* What is not recorded is given up. */
void append_drop(struct append_in *in);
/* A fresh blob for one piece of at most `size_max` bytes from `start` on. */
struct piece_blob {
    struct id id;
    struct blob_ref ref;
};
MUST_USE enum err append_begin_piece(struct ctx *c, struct append_in *in, uint64_t start, uint64_t size_max,
                                     struct part_sealer **ret, struct id *ret_id, struct blob_ref *ret_ref);
void append_forget_blob(struct append_in *in, const struct id *id, const struct blob_ref *ref);
/* How many of the last pieces should become one: 0 or at least 2. */
size_t pieces_to_merge(const struct piece *pieces, size_t n);

#endif
