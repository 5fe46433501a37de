/* Range, entity tags, Accept-Encoding, Content-Digest. The first line is the field, the second an entity tag. */
#include "base/intmath.h"
#include "codec/base64.h"
#include "codec/digest.h"
#include "codec/range.h"
#include "fuzz.h"

static void check_range(struct slice in)
{
    static const uint64_t sizes[] = {0, 1, 1000, UINT64_MAX};
    for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
        struct byte_range r = {0};
        enum range_result result = range_parse(in, sizes[i], &r);
        if (result == RANGE_ONE)
            ASSERT(r.length && r.first < sizes[i] && r.length <= sizes[i] - r.first);
        else
            ASSERT(r.first == 0 && r.length == 0);
    }
}

static void check_digest(struct slice in)
{
    struct digest one = {0}, again = {0};
    CLEANUP(buf_done) struct buf text = BUF_INIT(128);
    if (digest_parse(in, DIGEST_SHA512, &one) != DIGEST_ONE) return;
    size_t n = digest_bytes(one.algorithm);
    ASSERT(buf_printf(&text, "%s=:", digest_name(one.algorithm)) == ERR_OK && base64_encode(&text, slice_of(one.b, n)) == ERR_OK);
    ASSERT(buf_putc(&text, ':') == ERR_OK && digest_parse(buf_view(&text), DIGEST_SHA512, &again) == DIGEST_ONE);
    ASSERT(again.algorithm == one.algorithm && memcmp(one.b, again.b, n) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice etag = slice_of(data, size), field = slice_cut(&etag, '\n');
    check_range(field);
    check_digest(field);
    ASSERT(!etag_matches(field, etag, false) || etag_matches(field, etag, true));
    ASSERT(!etag_matches(field, SLICE("W/\"x\""), false) ||
           slice_eq(slice_trim(field), SLICE("*")));
    ASSERT(encoding_accepted(field, "br") == encoding_accepted(field, "BR"));
    ASSERT(encoding_accepted(field, "identity") || slice_find(field, ';') < field.len);
    return 0;
}
