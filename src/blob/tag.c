/* Receipts of parts written in place: "1 <offset> <size> <later_id>", decimal. Knows no backend. */
#include <stdio.h>
#include <string.h>

#include "base/intmath.h"
#include "blob/blob_impl.h"

void blob_tag_make(struct blob_tag *ret, uint64_t offset_bytes, uint64_t size_bytes,
                   uint64_t later_id)
{
    *ret = (struct blob_tag){0};
    snprintf(ret->text, sizeof ret->text, "1 %llu %llu %llu", (unsigned long long)offset_bytes,
             (unsigned long long)size_bytes, (unsigned long long)later_id);
}

static enum err tag_parse(const struct blob_tag *t, uint64_t *ret_offset, uint64_t *ret_end,
                          uint64_t *ret_later_id)
{
    struct slice rest = {t->text, strnlen(t->text, sizeof t->text)};
    uint64_t offset = 0, size = 0, later = 0;
    if (!slice_eq(slice_cut(&rest, ' '), SLICE("1"))) return ERR_INVALID;
    TRY(slice_u64(slice_cut(&rest, ' '), BLOB_BYTES_MAX, &offset));
    TRY(slice_u64(slice_cut(&rest, ' '), BLOB_BYTES_MAX, &size));
    TRY(slice_u64(rest, UINT64_MAX, &later));
    *ret_offset = offset;
    *ret_end = offset + size;
    *ret_later_id = later;
    return ERR_OK;
}

enum err blob_tags_check(struct ctx *c, const struct blob_tag *tags, size_t n, uint64_t size_bytes,
                         uint64_t *ret_later_id)
{
    uint64_t at = 0, later_id = 0;
    for (size_t i = 0; i < n; i++) {
        uint64_t offset = 0, end = 0, later = 0;
        if (tag_parse(&tags[i], &offset, &end, &later) != ERR_OK)
            return fail(c, ERR_CORRUPT, "receipt of part %zu is malformed", i);
        if (offset != at)
            return fail(c, ERR_CORRUPT, "part %zu begins at %llu, the parts before end at %llu", i,
                        (unsigned long long)offset, (unsigned long long)at);
        if (later && later_id && later != later_id)
            return fail(c, ERR_CORRUPT, "part %zu was never made durable", i);
        if (later) later_id = later;
        at = end;
    }
    if (at != size_bytes)
        return fail(c, ERR_CORRUPT, "the parts make %llu bytes, not %llu", (unsigned long long)at,
                    (unsigned long long)size_bytes);
    *ret_later_id = later_id;
    return ERR_OK;
}
