/* repr_digest: Want-Repr-Digest and Repr-Digest (RFC 9530): the digest of the whole content, to whoever asks for it. */
#ifndef SEALDROP_API_REPR_DIGEST_H
#define SEALDROP_API_REPR_DIGEST_H

#include "api/api.h"
#include "codec/digest.h"
#include "crypto/checksum.h"

enum checksum_alg checksum_of_digest(enum digest_algorithm a);
enum digest_algorithm digest_of_checksum(enum checksum_alg a);

/* False: the client asks for none, or for none of ours. */
bool repr_digest_wanted(const struct http_request *req, enum checksum_alg *ret);
/* "sha-256=:<base64>:" */
MUST_USE enum err repr_digest_write(struct buf *b, const struct checksum *sum);
MUST_USE enum err repr_digest_put(struct call *q, const struct checksum *sum);
/* The same with a SHA-256 that is on record, when just that is wanted; empty: it is not known. */
MUST_USE enum err repr_digest_put_known(struct call *q, struct slice sha256);

#endif
