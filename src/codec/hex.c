/* Hexadecimal text: one digit reader for everything that has hex in it. */
#include "codec/hex.h"

#include "base/intmath.h"

int hex_value(char c)
{
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

enum err hex_encode(struct buf *out, struct slice in)
{
    static const char digits[] = "0123456789abcdef";
    size_t room = 0;
    TRY(size_mul(in.len, 2, &room));
    TRY(buf_reserve(out, room));
    for (size_t i = 0; i < in.len; i++) {
        uint8_t b = (uint8_t)in.ptr[i];
        out->ptr[out->len++] = digits[b >> 4];
        out->ptr[out->len++] = digits[b & 15];
    }
    return ERR_OK;
}

enum err hex_decode(struct buf *out, struct slice in)
{
    int bad = 0;
    if (in.len % 2) return ERR_INVALID;
    TRY(buf_reserve(out, in.len / 2));
    for (size_t i = 0; i < in.len / 2; i++) {
        int hi = hex_value(in.ptr[2 * i]), lo = hex_value(in.ptr[2 * i + 1]);
        bad |= hi | lo;
        out->ptr[out->len + i] = (char)((hi & 15) << 4 | (lo & 15));
    }
    if (bad < 0) return ERR_INVALID;
    out->len += in.len / 2;
    return ERR_OK;
}
