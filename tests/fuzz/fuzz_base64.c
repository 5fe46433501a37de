/* base64 and hex: what is encoded decodes to itself, and each text that decodes is the only text of its bytes. */
#include "codec/base64.h"
#include "codec/hex.h"
#include "fuzz.h"

typedef enum err convert_fn(struct buf *out, struct slice in);

/* `fn` then `back` gives the input again. */
static void round_trip(convert_fn *fn, convert_fn *back, struct slice in, bool must_work)
{
    CLEANUP(buf_done) struct buf there = BUF_INIT(1 << 20);
    CLEANUP(buf_done) struct buf again = BUF_INIT(1 << 20);
    enum err e = fn(&there, in);
    ASSERT(e == ERR_OK || (e == ERR_INVALID && !must_work && there.len == 0));
    if (e != ERR_OK) return;
    ASSERT(back(&again, buf_view(&there)) == ERR_OK);
    ASSERT(slice_eq_nocase(buf_view(&again), in));
    ASSERT(back == hex_encode || slice_eq(buf_view(&again), in));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice in = slice_of(data, size);
    if (size > 1 << 16) return 0;
    round_trip(base64_encode, base64_decode, in, true);
    round_trip(base64_decode, base64_encode, in, false);
    round_trip(base64url_encode, base64url_decode, in, true);
    round_trip(base64url_decode, base64url_encode, in, false);
    round_trip(hex_encode, hex_decode, in, true);
    round_trip(hex_decode, hex_encode, in, false);
    return 0;
}
