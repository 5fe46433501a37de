/* multipart: a strict streaming reader of multipart/form-data (RFC 7578, RFC 2046).
 *
 * No part is ever buffered: content goes to ops->data as it arrives, as views into the pushed bytes. Only the header fields of
 * one part are kept, in the struct itself; nothing is allocated. However the input is cut, the parts, their names and the bytes
 * of their content are the same (the pieces in which content arrives are not).
 *
 * Strict: lines end in CR LF; a line of content that begins with the boundary but is no delimiter is refused, because
 * readers disagree about it; names are UTF-8 without NUL; a header field or parameter that matters may come once.
 *
 *     struct multipart m;
 *     TRY(multipart_init(&m, boundary, &ops, arg));
 *     while (…) TRY(multipart_push(&m, piece));
 *     TRY(multipart_end(&m));
 *
 * The first error ends the reading: every later push and the end return it again. Not thread-safe. */
#ifndef SEALDROP_CODEC_MULTIPART_H
#define SEALDROP_CODEC_MULTIPART_H

#include "base/arena.h"
#include "base/limits.h"
#include "base/slice.h"

#define MULTIPART_BOUNDARY_BYTES 70 /* RFC 2046 5.1.1 */

/* What a part says about itself; ptr NULL: not said. Valid during begin() only. */
struct multipart_head {
    struct slice name; /* always there, may be empty */
    struct slice
        filename; /* filename* when given, else filename; decoded; any character but NUL: check it */
    struct slice content_type; /* as sent, trimmed */
};

/* Called in the order begin, data (zero or more times, never empty), end for each part. An error is passed on. */
struct multipart_ops {
    enum err (*begin)(void *arg, const struct multipart_head *h);
    enum err (*data)(void *arg, struct slice bytes);
    enum err (*end)(void *arg);
};

/* Private: here so that the caller can hold it. */
struct multipart {
    const struct multipart_ops *ops;
    void *arg;
    enum err err;
    enum {
        MULTIPART_PREAMBLE,
        MULTIPART_LINE, /* the rest of a delimiter line */
        MULTIPART_HEAD,
        MULTIPART_DATA,
        MULTIPART_EPILOGUE
    } state;
    unsigned parts;
    size_t skipped;       /* bytes of preamble or epilogue */
    size_t matched;       /* bytes of the delimiter that the input so far ends in */
    size_t matched_early; /* of these, bytes that belong to the line before and are no content */
    size_t delimiter_len;
    size_t head_len;
    char delimiter[4 + MULTIPART_BOUNDARY_BYTES]; /* CR LF "--" boundary */
    char head[LIMIT_MULTIPART_HEAD_BYTES];
};

/* The boundary of a Content-Type "multipart/form-data; boundary=…", a view into it. ERR_INVALID for another type, or a boundary
 * that is missing, given twice or not allowed. */
MUST_USE enum err multipart_boundary(struct slice content_type, struct slice *ret);

/* `boundary` is copied; `ops` must outlive m. ERR_INVALID when the boundary is not allowed. */
MUST_USE enum err multipart_init(struct multipart *m, struct slice boundary,
                                 const struct multipart_ops *ops, void *arg);
/* Read on. ERR_INVALID: malformed. ERR_TOO_LARGE: more than LIMIT_MULTIPART_PARTS parts, or more than LIMIT_MULTIPART_HEAD_BYTES
 * in the header fields of one part, in the preamble or in the epilogue. Else what the ops return. */
MUST_USE enum err multipart_push(struct multipart *m, struct slice bytes);
/* The input is over. ERR_INVALID when the closing boundary has not been seen. */
MUST_USE enum err multipart_end(struct multipart *m);
/* Wipes what was held. */
void multipart_done(struct multipart *m);

/* The file name that the Content-Disposition field of a message gives (RFC 6266), of any disposition: filename* when there is one,
 * else filename, decoded as in a form. ptr NULL: none is given. Any character but NUL: check it. */
MUST_USE enum err disposition_filename(struct arena *a, struct slice value, struct slice *ret);

#endif
