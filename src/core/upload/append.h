/* append: an upload as one growing stream of bytes with an offset, behind the doors that speak of offsets (tus, the IETF draft). The
 * same parts as in upload.h lie underneath.
 *
 * The one promise: an offset that was told is durable, and the upload never goes back behind it, whatever is killed when. Where a
 * body ends, or is cut, in the middle of a part, what arrived is sealed into a piece (docs/FORMAT.md), made durable and recorded; only
 * then is the offset told. Pieces become their part when it is whole.
 *
 * One writer an upload: whoever asks for its state, opens it, completes it or deletes it takes it over at once, also from a dead
 * connection, and what that one had received is kept first. Between nodes the database decides: a writer that was taken over cannot
 * record any more. The one taken over gets ERR_CANCELLED "append_superseded" from its next call. */
#ifndef SEALDROP_CORE_UPLOAD_APPEND_H
#define SEALDROP_CORE_UPLOAD_APPEND_H

#include "core/upload/upload.h"
#include "crypto/checksum.h"

struct append_new {
    struct upload_new file; /* its size may be unknown; part_size is 0 */
    struct slice memo;      /* the door's own, told again by append_state; at most LIMIT_UPLOAD_MEMO_BYTES */
    bool partial;           /* never a file itself, only bytes for one (append_join) */
    struct slice joins;     /* append_join's own */
};
/* Reserves quota for a known size; for an unknown one as the bytes arrive. */
MUST_USE enum err append_create(struct ctx *c, struct app *app, const struct principal *who, const struct append_new *n,
                                struct upload *ret);
/* Once; the same size again is fine. ERR_INVALID "size_mismatch" when it is another one, or less than what is there. */
MUST_USE enum err append_set_size(struct ctx *c, struct app *app, const struct principal *who, const struct id *id,
                                  uint64_t size);

struct append_state {
    struct upload u;
    uint64_t offset; /* durable; the next append_open at it is taken */
    bool complete;   /* there is a file (u.file_id); of partial uploads: whole, and ready to be joined */
};
/* What a client asks first after a cut. Takes the upload over. ERR_CONFLICT "not_appendable" for uploads of the other doors. */
MUST_USE enum err append_state(struct ctx *c, struct app *app, const struct principal *who, const struct id *id,
                               struct append_state *ret);

/* One body on its way in. One thread at a time (others may take it over); exactly one of finish and abort, which frees it. */
struct append_in;
struct append_request {
    struct id id;
    uint64_t offset;
    uint64_t length;               /* of this body, or UPLOAD_SIZE_UNKNOWN */
    const struct checksum *digest; /* NULL: not checked. Nothing of the body counts before all of it agrees. Copied. */
    const uint64_t *size;          /* of the whole upload, told with this body; NULL: not told. As append_set_size. */
    bool last;                     /* the end of this body is the end of the upload */
};
/* Takes the upload over. *ret_state is set whenever the upload could be looked at, also with an error: ERR_CONFLICT "offset_mismatch"
 * (ret_state->offset is the right one), ERR_CONFLICT "upload_complete", ERR_TOO_LARGE "past_size" (nothing has changed). `last`
 * with a length sets an unknown size; ERR_INVALID "size_mismatch" when it disagrees with the declared one. */
MUST_USE enum err append_open(struct ctx *c, struct app *app, const struct principal *who, const struct append_request *req,
                              struct append_state *ret_state, struct append_in **ret);
/* ERR_TOO_LARGE "past_size", ERR_QUOTA, ERR_CANCELLED. After an error only finish and abort may follow; both keep what arrived. */
MUST_USE enum err append_write(struct ctx *c, struct append_in *in, const void *bytes, size_t n);
/* Makes durable what arrived so far and tells the offset; of a body with a digest the old one. Writes up to a part once more: call
 * it seldom. */
MUST_USE enum err append_sync(struct ctx *c, struct append_in *in, uint64_t *ret_offset);
/* The body has ended (or a write failed): durable, then told. ERR_INVALID "digest_mismatch": nothing of it counts. On an error
 * *ret_offset is still what is durable. upload_complete makes the file. */
MUST_USE enum err append_finish(struct ctx *c, struct append_in *in, uint64_t *ret_offset);
/* The connection was cut: keeps what arrived, as far as it can. */
void append_abort(struct ctx *c, struct append_in *in);

/* The end of a partial upload, when all its bytes are there. Again: ERR_OK. */
MUST_USE enum err append_complete_partial(struct ctx *c, struct app *app, const struct principal *who, const struct id *id);
/* A new upload whose bytes are those of complete partial ones, one after the other; the same one may come several times. Small ones are
 * a file when this returns, others by job: append_state says when. ERR_INVALID "not_partial", ERR_CONFLICT "partial_unfinished". */
MUST_USE enum err append_join(struct ctx *c, struct app *app, const struct principal *who, const struct append_new *n,
                              const struct id *ids, size_t count, struct append_state *ret);
/* For the job: goes on where it was. ERR_OK also when there is nothing to do any more. */
MUST_USE enum err append_join_run(struct ctx *c, struct app *app, const struct id *upload);
/* Ends it in any state; what is complete goes with its file. */
MUST_USE enum err append_terminate(struct ctx *c, struct app *app, const struct principal *who, const struct id *id);

/* Who is writing on this node; part of the app. */
struct append_writers;
MUST_USE enum err append_writers_new(struct append_writers **ret);
void append_writers_free(struct append_writers *s);

#endif
