/* cbor: the answer depends on the item's own bytes only, none of them is spare, and depth only ever refuses more. */
#include "codec/cbor.h"
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice in = slice_of(data, size);
    size_t used = 0, again = 0;
    if (size > 1 << 16) return 0;
    if (cbor_bounded(in, CBOR_DEPTH_MAX, &used) != ERR_OK) {
        ASSERT(cbor_bounded(in, CBOR_DEPTH_MAX / 2, &used) == ERR_INVALID);
        return 0;
    }
    ASSERT(used > 0 && used <= size);
    ASSERT(cbor_bounded(slice_sub(in, 0, used), CBOR_DEPTH_MAX, &again) == ERR_OK && again == used);
    ASSERT(cbor_bounded(slice_sub(in, 0, used - 1), CBOR_DEPTH_MAX, &again) == ERR_INVALID);
    return 0;
}
