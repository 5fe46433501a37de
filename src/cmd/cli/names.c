/* Cutting and numbering of names. Pure. */
#include "cmd/cli/names.h"

struct slice name_last(struct slice path)
{
    size_t at = path.len;
    while (at && path.ptr[at - 1] != '/') at--;
    return slice_sub(path, at, path.len);
}

enum err name_numbered(struct arena *a, struct slice path, unsigned number, struct slice *ret)
{
    size_t base = path.len - name_last(path).len, dot = path.len;
    /* A leading dot is no extension. */
    for (size_t i = base + 1; i < path.len; i++)
        if (path.ptr[i] == '.') dot = i;
    return arena_printf(a, ret, SLICE_FMT " (%u)" SLICE_FMT, (int)dot, path.ptr, number, (int)(path.len - dot), path.ptr + dot);
}

void name_plain(char *text, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        unsigned char ch = (unsigned char)text[i], next = i + 1 < len ? (unsigned char)text[i + 1] : 0;
        bool c1 = ch == 0xc2 && next >= 0x80 && next < 0xa0;
        if ((ch < 0x20 && ch != '\t' && ch != '\n') || ch == 0x7f || c1) text[i] = '?';
        if (c1) text[++i] = '?';
    }
}
