/* resumable: what the files of the IETF resumable-upload door share (draft-ietf-httpbis-resumable-upload). resumable_fields.c reads
 * and writes its fields; resumable.c is the door itself. */
#ifndef SEALDROP_API_RESUMABLE_H
#define SEALDROP_API_RESUMABLE_H

#include "api/api.h"
#include "codec/digest.h"
#include "core/upload/append.h"

/* Iterations of the draft that clients speak. The first two are told 104; the last knows no media type of appended bytes. */
#define RESUMABLE_INTEROP 8u
#define RESUMABLE_INTEROP_OLD 6u
#define RESUMABLE_INTEROP_UNTYPED 5u

/* What a request says. Fields of another type than theirs count as absent. */
struct resumable {
    unsigned interop; /* one of the above; 0: none of them */
    struct opt_bool complete;
    struct opt_u64 offset, length;
};
void resumable_read(const struct http_request *req, struct resumable *ret);
/* The client hears 104. */
bool resumable_hears(const struct http_request *req, const struct resumable *r);
/* It is for this door: it says whether it is complete, or that it would understand a 104. */
bool resumable_meant(const struct resumable *r);

/* ---- fields of the answer; what cannot be put for want of memory is an error ---- */

MUST_USE enum err resumable_put_state(struct call *q, const struct append_state *s, bool complete);
MUST_USE enum err resumable_put_length(struct call *q, uint64_t length);
MUST_USE enum err resumable_put_location(struct call *q, const struct upload *u);
/* `u` NULL: of the server, before there is an upload. */
MUST_USE enum err resumable_put_limit(struct call *q, const struct resumable *r, const struct upload *u);

/* 104 with the place of the upload and its limits; 104 with a durable offset. Silent to who does not hear. */
void resumable_tell_place(struct call *q, const struct resumable *r, const struct upload *u);
void resumable_tell_offset(struct call *q, const struct resumable *r, uint64_t offset);

/* ---- digests ---- */

/* Content-Digest or Repr-Digest of the request: *ret_set says whether there is one. ERR_INVALID when it is malformed. */
MUST_USE enum err resumable_digest(struct call *q, const char *name, bool *ret_set, struct checksum *ret);
/* What the door remembers with an upload: the digest its representation must have, and the one its client wants to be told. */
struct resumable_memo {
    bool has_digest, wants;
    struct checksum digest;
    enum checksum_alg wanted;
};
MUST_USE enum err resumable_memo_write(struct ctx *c, const struct resumable_memo *m, struct slice *ret);
/* False: the upload was not made by this door. */
bool resumable_memo_read(struct slice text, struct resumable_memo *ret);

/* ---- problems of the registered types ---- */

enum resumable_problem { RESUMABLE_MISMATCH, RESUMABLE_COMPLETED, RESUMABLE_INCONSISTENT };
/* expected and provided are told with a mismatch only. */
void resumable_problem(struct call *q, enum resumable_problem p, uint64_t expected, uint64_t provided);

/* Begins an upload from the request q, a raw body (upload_form.c). As an open_fn. */
MUST_USE enum err resumable_create(struct call *q, const struct resumable *r, const struct upload_new *n, struct http_sink **ret);

#endif
