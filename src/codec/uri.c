/* Percent-encoding and query strings. URLs as a whole are in uri_parse.c. */
#include "codec/uri.h"

#include "codec/hex.h"

#define MALFORMED (-1)

/* Takes one decoded byte off s, which is not empty; MALFORMED for a broken escape or NUL. */
static int take_byte(struct slice *s, bool form)
{
    char c = s->ptr[0];
    size_t used = 1;
    int ret = (unsigned char)c;
    if (c == '%') {
        int hi = s->len > 2 ? hex_value(s->ptr[1]) : -1,
            lo = s->len > 2 ? hex_value(s->ptr[2]) : -1;
        ret = hi < 0 || lo < 0 ? MALFORMED : hi << 4 | lo;
        used = 3;
    } else if (c == '+' && form) {
        ret = ' ';
    }
    *s = slice_sub(*s, used, s->len);
    return ret == 0 ? MALFORMED : ret;
}

static enum err decode(struct arena *a, struct slice s, bool form, struct slice *ret)
{
    char *to = arena_alloc(a, s.len + 1, 1);
    size_t n = 0;
    if (!to) return ERR_NOMEM;
    while (s.len) {
        int b = take_byte(&s, form);
        if (b == MALFORMED) return ERR_INVALID;
        to[n++] = (char)b;
    }
    *ret = slice_of(to, n);
    return ERR_OK;
}

enum err uri_decode(struct arena *a, struct slice s, struct slice *ret)
{
    return decode(a, s, false, ret);
}

static bool unreserved(char c)
{
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '.' || c == '_' || c == '~';
}

enum err uri_encode(struct buf *out, struct slice s)
{
    for (size_t i = 0; i < s.len; i++) {
        if (unreserved(s.ptr[i]))
            TRY(buf_putc(out, s.ptr[i]));
        else
            TRY(buf_printf(out, "%%%02X", (unsigned)(unsigned char)s.ptr[i]));
    }
    return ERR_OK;
}

bool query_next(struct slice *rest, struct slice *ret_name, struct slice *ret_value)
{
    while (rest->len) {
        struct slice pair = slice_cut(rest, '&');
        if (pair.len == 0) continue;
        *ret_name = slice_cut(&pair, '=');
        *ret_value = pair;
        return true;
    }
    return false;
}

/* ERR_NOT_FOUND when the encoded name is another one. */
static enum err compare_name(struct slice encoded, struct slice name)
{
    bool same = true;
    size_t i = 0;
    for (; encoded.len; i++) {
        int b = take_byte(&encoded, true);
        if (b == MALFORMED) return ERR_INVALID;
        same = same && i < name.len && (unsigned char)name.ptr[i] == b;
    }
    return same && i == name.len ? ERR_OK : ERR_NOT_FOUND;
}

enum err query_get(struct arena *a, struct slice query, const char *name, struct slice *ret)
{
    struct slice key, value, found = {NULL, 0}, wanted = slice_cstr(name);
    while (query_next(&query, &key, &value)) {
        enum err e = compare_name(key, wanted);
        if (e == ERR_NOT_FOUND) continue;
        TRY(e);
        if (found.ptr) return ERR_INVALID;
        found = value;
    }
    return found.ptr ? decode(a, found, true, ret) : ERR_NOT_FOUND;
}
