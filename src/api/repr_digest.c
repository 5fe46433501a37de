/* Digests of whole contents, on request. What is not known is not computed for a HEAD: that would read the file. */
#include "api/repr_digest.h"

#include "codec/base64.h"
#include "crypto/hash.h"

enum checksum_alg checksum_of_digest(enum digest_algorithm a) { return a == DIGEST_SHA512 ? CHECKSUM_SHA512 : CHECKSUM_SHA256; }
enum digest_algorithm digest_of_checksum(enum checksum_alg a) { return a == CHECKSUM_SHA512 ? DIGEST_SHA512 : DIGEST_SHA256; }

bool repr_digest_wanted(const struct http_request *req, enum checksum_alg *ret)
{
    enum digest_algorithm a;
    struct slice field = http_request_header(req, "want-repr-digest");
    if (!field.ptr || !digest_wanted(field, &a)) return false;
    *ret = checksum_of_digest(a);
    return true;
}

enum err repr_digest_write(struct buf *b, const struct checksum *sum)
{
    enum digest_algorithm a = digest_of_checksum(sum->alg);
    TRY(buf_printf(b, "%s=:", digest_name(a)));
    TRY(base64_encode(b, slice_of(sum->b, digest_bytes(a))));
    return buf_putc(b, ':');
}

enum err repr_digest_put(struct call *q, const struct checksum *sum)
{
    CLEANUP(buf_done) struct buf b = BUF_INIT(256);
    TRY(repr_digest_write(&b, sum));
    return reply_header(q, "repr-digest", buf_view(&b));
}

enum err repr_digest_put_known(struct call *q, struct slice sha256)
{
    struct checksum sum = {.alg = CHECKSUM_SHA256};
    enum checksum_alg alg;
    if (sha256.len != SHA256_BYTES || !repr_digest_wanted(q->http, &alg) || alg != CHECKSUM_SHA256) return ERR_OK;
    memcpy(sum.b, sha256.ptr, SHA256_BYTES);
    return repr_digest_put(q, &sum);
}
