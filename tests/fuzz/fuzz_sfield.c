/* Structured fields: an item is a dictionary's value, with the same meaning; an absent member changes nothing of the others. */
#include "codec/sfield.h"
#include "fuzz.h"

static bool same(const struct sfield *a, const struct sfield *b)
{
    return a->type == b->type && a->boolean == b->boolean && a->integer == b->integer && slice_eq(a->text, b->text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice in = slice_of(data, size);
    struct sfield item = {0}, member = {0}, again = {0};
    CLEANUP(buf_done) struct buf text = BUF_INIT(1 << 17), bytes = BUF_INIT(1 << 17);
    if (size > 1 << 16) return 0;
    enum err e = sfield_item(in, &item);
    ASSERT(e == ERR_OK || e == ERR_INVALID);
    if (e == ERR_OK && size && in.ptr[0] != ' ') {
        ASSERT(buf_put_cstr(&text, "b=1, a=") == ERR_OK && buf_put(&text, in) == ERR_OK);
        ASSERT(sfield_member(buf_view(&text), SLICE("a"), &member) == ERR_OK && same(&item, &member));
        ASSERT(item.type == SFIELD_BYTES || sfield_bytes(&item, &bytes) == ERR_INVALID);
        if (item.text.ptr) ASSERT(item.text.ptr >= in.ptr && item.text.len <= size);
    }
    e = sfield_member(in, SLICE("a"), &member);
    ASSERT(e == ERR_OK || e == ERR_INVALID || e == ERR_NOT_FOUND);
    if (e == ERR_INVALID) {
        ASSERT(sfield_member(in, SLICE("other"), &again) == ERR_INVALID);
        return 0;
    }
    buf_reset(&text);
    ASSERT(buf_put_cstr(&text, "zz=(1 \"q\");p, ") == ERR_OK && buf_put(&text, in) == ERR_OK);
    if (slice_trim(in).len && in.ptr[0] != ' ')
        ASSERT(sfield_member(buf_view(&text), SLICE("a"), &again) == e && (e != ERR_OK || same(&member, &again)));
    return 0;
}
