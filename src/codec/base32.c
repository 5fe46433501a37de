/* Base 32 in two alphabets. Decoding is not needed: texts are compared. */
#include "codec/base32.h"

#include <string.h>

static const char rfc4648[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
static const char crockford[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

static enum err encode(struct buf *out, struct slice in, const char *alphabet)
{
    unsigned bits = 0;
    uint32_t acc = 0;
    TRY(buf_reserve(out, (in.len * 8 + 4) / 5));
    for (size_t i = 0; i < in.len; i++) {
        acc = (acc << 8 | (uint8_t)in.ptr[i]) & 0xfff;
        for (bits += 8; bits >= 5; bits -= 5) TRY(buf_putc(out, alphabet[acc >> (bits - 5) & 31]));
    }
    return bits ? buf_putc(out, alphabet[acc << (5 - bits) & 31]) : ERR_OK;
}

enum err base32_encode(struct buf *out, struct slice in) { return encode(out, in, rfc4648); }

enum err crockford_encode(struct buf *out, struct slice in) { return encode(out, in, crockford); }

enum err crockford_normal(struct buf *out, struct slice typed)
{
    for (size_t i = 0; i < typed.len; i++) {
        char ch = typed.ptr[i];
        if (ch == ' ' || ch == '-') continue;
        if (ch >= 'a' && ch <= 'z') ch = (char)(ch - 'a' + 'A');
        if (ch == 'O') ch = '0';
        if (ch == 'I' || ch == 'L') ch = '1';
        if (ch == '\0' || !strchr(crockford, ch)) return ERR_INVALID;
        TRY(buf_putc(out, ch));
    }
    return ERR_OK;
}
