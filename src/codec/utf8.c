/* UTF-8 well-formedness (Unicode table 3-7) and normal forms. utf8proc works in arena memory, never on its own heap. */
#include "codec/utf8.h"

#include <utf8proc.h>

#include "base/intmath.h"

size_t utf8_step(struct slice s, uint32_t *ret)
{
    const uint8_t *p = (const uint8_t *)s.ptr;
    if (s.len == 0) return 0;
    uint8_t b = p[0];
    if (b < 0x80) {
        *ret = b;
        return 1;
    }
    size_t len = b >= 0xf0 ? 4 : b >= 0xe0 ? 3 : 2;
    if (b < 0xc2 || b > 0xf4 || s.len < len) return 0;
    /* Only the second byte has limits of its own: no overlong forms, no surrogates, no end past U+10FFFF. */
    uint8_t low = b == 0xe0 ? 0xa0 : b == 0xf0 ? 0x90 : 0x80;
    uint8_t high = b == 0xed ? 0x9f : b == 0xf4 ? 0x8f : 0xbf;
    if (p[1] < low || p[1] > high) return 0;
    uint32_t cp = (uint32_t)(b & (0x7fu >> len)) << 6 | (p[1] & 0x3fu);
    for (size_t i = 2; i < len; i++) {
        if ((p[i] & 0xc0) != 0x80) return 0;
        cp = cp << 6 | (p[i] & 0x3fu);
    }
    *ret = cp;
    return len;
}

bool utf8_valid(struct slice s)
{
    while (s.len) {
        uint32_t cp = 0;
        size_t n = utf8_step(s, &cp);
        if (n == 0) return false;
        s = slice_sub(s, n, s.len);
    }
    return true;
}

bool utf8_is_deceptive(uint32_t code_point)
{
    return code_point < 0x20 || (code_point >= 0x7f && code_point <= 0x9f) ||
           (code_point >= 0x2028 && code_point <= 0x202e) ||
           (code_point >= 0x2066 && code_point <= 0x2069);
}

size_t utf8_cut(struct slice s, size_t max)
{
    if (s.len <= max) return s.len;
    while (max && ((uint8_t)s.ptr[max] & 0xc0) == 0x80) max--;
    return max;
}

static enum err map(struct arena *a, struct slice s, unsigned options, struct slice *ret)
{
    utf8proc_option_t opt = (utf8proc_option_t)(options | UTF8PROC_STABLE | UTF8PROC_COMPOSE);
    if (!utf8_valid(s)) return ERR_INVALID;
    if (s.len == 0) return arena_slice(a, s, ret);
    utf8proc_ssize_t len = (utf8proc_ssize_t)s.len;
    const utf8proc_uint8_t *text = (const utf8proc_uint8_t *)s.ptr;
    utf8proc_ssize_t n = utf8proc_decompose(text, len, NULL, 0, opt);
    if (n < 0) return ERR_INVALID;
    /* One more: reencode writes a NUL behind the end. */
    utf8proc_int32_t *cp = ARENA_ARRAY(a, utf8proc_int32_t, (size_t)n + 1);
    if (!cp) return ERR_NOMEM;
    n = utf8proc_decompose(text, len, cp, n, opt);
    if (n < 0) return ERR_INVALID;
    n = utf8proc_reencode(cp, n, opt);
    if (n < 0) return ERR_INVALID;
    *ret = slice_of(cp, (size_t)n);
    return ERR_OK;
}

enum err utf8_nfc(struct arena *a, struct slice s, struct slice *ret) { return map(a, s, 0, ret); }

enum err utf8_nfkc(struct arena *a, struct slice s, struct slice *ret)
{
    return map(a, s, UTF8PROC_COMPAT, ret);
}

enum err utf8_fold(struct arena *a, struct slice s, struct slice *ret)
{
    return map(a, s, UTF8PROC_COMPAT | UTF8PROC_CASEFOLD | UTF8PROC_IGNORE, ret);
}

enum err utf8_fold_bare(struct arena *a, struct slice s, struct slice *ret)
{
    return map(a, s, UTF8PROC_COMPAT | UTF8PROC_CASEFOLD | UTF8PROC_IGNORE | UTF8PROC_STRIPMARK, ret);
}
