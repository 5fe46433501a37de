/* A walk over CBOR that believes no length. */
#include "codec/cbor.h"

#include "base/assert.h"

enum major { UNSIGNED, NEGATIVE, BYTES, TEXT, ARRAY, MAP, TAG, SIMPLE };

struct head {
    enum major major;
    uint64_t value; /* a number, a length, a count */
};

/* Cuts a head off *in: its first byte says how many bytes of the value follow. */
static enum err cut_head(struct slice *in, struct head *ret)
{
    size_t more = 0;
    if (in->len == 0) return ERR_INVALID;
    const uint8_t *p = (const uint8_t *)in->ptr;
    unsigned info = p[0] & 31;
    if (info > 27) return ERR_INVALID; /* reserved, or of indefinite length */
    if (info > 23) more = (size_t)1 << (info - 24);
    if (more > in->len - 1) return ERR_INVALID;
    ret->major = (enum major)(p[0] >> 5);
    ret->value = more ? 0 : info;
    for (size_t i = 1; i <= more; i++) ret->value = ret->value << 8 | p[i];
    *in = slice_sub(*in, more + 1, in->len);
    return ERR_OK;
}

/* Takes an item's own bytes off *in; *ret_inside: the items that follow as its parts. */
static enum err enter(struct slice *in, uint64_t *ret_inside)
{
    struct head h;
    *ret_inside = 0;
    TRY(cut_head(in, &h));
    switch (h.major) {
    case BYTES:
    case TEXT:
        if (h.value > in->len) return ERR_INVALID;
        *in = slice_sub(*in, (size_t)h.value, in->len);
        return ERR_OK;
    case ARRAY:
        /* An element is a byte at least. */
        if (h.value > in->len) return ERR_INVALID;
        *ret_inside = h.value;
        return ERR_OK;
    case MAP:
        if (h.value > in->len / 2) return ERR_INVALID;
        *ret_inside = h.value * 2;
        return ERR_OK;
    case TAG:
        *ret_inside = 1;
        return ERR_OK;
    case UNSIGNED:
    case NEGATIVE:
    case SIMPLE:
        return ERR_OK;
    }
    return ERR_INVALID;
}

enum err cbor_bounded(struct slice in, size_t depth_max, size_t *ret_used)
{
    uint64_t left[CBOR_DEPTH_MAX + 1] = {1}; /* items still to come, a level */
    struct slice rest = in;
    size_t depth = 0;
    ASSERT(depth_max <= CBOR_DEPTH_MAX);
    for (;;) {
        uint64_t inside = 0;
        while (left[depth] == 0) {
            if (depth == 0) {
                *ret_used = in.len - rest.len;
                return ERR_OK;
            }
            depth--;
        }
        left[depth]--;
        TRY(enter(&rest, &inside));
        if (inside == 0) continue;
        if (depth == depth_max) return ERR_INVALID;
        left[++depth] = inside;
    }
}
