/* base64 in its two forms: one encoder and one strict decoder under both. */
#include "codec/base64.h"

#include "base/intmath.h"

static const char standard[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
static const char url[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

static enum err encode(struct buf *out, struct slice in, const char *alphabet, bool pad)
{
    size_t groups = in.len / 3, rest = in.len % 3, room = 0;
    TRY(size_mul(groups + 1, 4, &room));
    size_t tail = rest == 0 ? 0 : pad ? 4 : rest + 1;
    TRY(buf_reserve(out, room - 4 + tail));
    const uint8_t *p = (const uint8_t *)in.ptr;
    char *to = out->ptr + out->len;
    for (size_t i = 0; i < groups; i++, p += 3) {
        uint32_t v = (uint32_t)p[0] << 16 | (uint32_t)p[1] << 8 | p[2];
        *to++ = alphabet[v >> 18];
        *to++ = alphabet[v >> 12 & 63];
        *to++ = alphabet[v >> 6 & 63];
        *to++ = alphabet[v & 63];
    }
    if (rest) {
        uint32_t v = (uint32_t)p[0] << 16 | (rest == 2 ? (uint32_t)p[1] << 8 : 0);
        *to++ = alphabet[v >> 18];
        *to++ = alphabet[v >> 12 & 63];
        if (rest == 2) *to++ = alphabet[v >> 6 & 63];
        for (size_t i = rest; pad && i < 3; i++) *to++ = '=';
    }
    out->len += room - 4 + tail;
    return ERR_OK;
}

/* 0..63, or a number with a higher bit set. */
static uint32_t value(char c, const char *alphabet)
{
    if (c >= 'A' && c <= 'Z') return (uint32_t)(c - 'A');
    if (c >= 'a' && c <= 'z') return (uint32_t)(c - 'a') + 26;
    if (c >= '0' && c <= '9') return (uint32_t)(c - '0') + 52;
    if (c == alphabet[62]) return 62;
    if (c == alphabet[63]) return 63;
    return 64;
}

/* `in` has no padding any more. */
static enum err decode(struct buf *out, struct slice in, const char *alphabet)
{
    size_t rest = in.len % 4;
    if (rest == 1) return ERR_INVALID;
    size_t size = in.len / 4 * 3 + (rest ? rest - 1 : 0);
    TRY(buf_reserve(out, size));
    char *to = out->ptr + out->len;
    uint32_t held = 0, bad = 0;
    unsigned bits = 0;
    for (size_t i = 0; i < in.len; i++) {
        uint32_t v = value(in.ptr[i], alphabet);
        bad |= v & 64;
        held = (held << 6 | (v & 63)) & 0xfff;
        bits += 6;
        if (bits < 8) continue;
        bits -= 8;
        *to++ = (char)(held >> bits & 0xff);
    }
    if (bad || (held & ((1u << bits) - 1))) return ERR_INVALID;
    out->len += size;
    return ERR_OK;
}

enum err base64_encode(struct buf *out, struct slice in) { return encode(out, in, standard, true); }

enum err base64url_encode(struct buf *out, struct slice in) { return encode(out, in, url, false); }

enum err base64_decode(struct buf *out, struct slice in)
{
    if (in.len % 4) return ERR_INVALID;
    for (int i = 0; i < 2 && in.len && in.ptr[in.len - 1] == '='; i++) in.len--;
    return decode(out, in, standard);
}

enum err base64url_decode(struct buf *out, struct slice in) { return decode(out, in, url); }
