/* Content-Digest. Of structured fields only as much is read as is needed to step over members we do not know. */
#include "codec/digest.h"

#include <string.h>

#include "codec/base64.h"

static char peek(const struct slice *s) { return s->len ? s->ptr[0] : '\0'; }
static void skip(struct slice *s, size_t n) { *s = slice_sub(*s, n, s->len); }

static bool take_char(struct slice *s, char c)
{
    if (s->len == 0 || s->ptr[0] != c) return false;
    skip(s, 1);
    return true;
}

static void skip_spaces(struct slice *s)
{
    while (peek(s) == ' ' || peek(s) == '\t') skip(s, 1);
}

static bool key_char(char c, bool first)
{
    if ((c >= 'a' && c <= 'z') || c == '*') return true;
    return !first && ((c >= '0' && c <= '9') || c == '_' || c == '-' || c == '.');
}

static bool take_key(struct slice *s, struct slice *ret)
{
    size_t n = 0;
    while (n < s->len && key_char(s->ptr[n], n == 0)) n++;
    *ret = slice_sub(*s, 0, n);
    skip(s, n);
    return n > 0;
}

static bool skip_string(struct slice *s)
{
    skip(s, 1);
    while (s->len) {
        char c = peek(s);
        skip(s, 1);
        if (c == '"') return true;
        if (c < ' ' || c > '~') return false;
        if (c == '\\' && !take_char(s, '"') && !take_char(s, '\\')) return false;
    }
    return false;
}

/* A number, token, boolean or date: told apart by nobody here. */
static bool skip_word(struct slice *s)
{
    size_t n = 0;
    while (n < s->len && s->ptr[n] > ' ' && s->ptr[n] <= '~' && !strchr(",;()\"=", s->ptr[n])) n++;
    skip(s, n);
    return n > 0;
}

static bool take_bytes(struct slice *s, struct slice *ret)
{
    skip(s, 1);
    size_t end = slice_find(*s, ':');
    *ret = slice_sub(*s, 0, end);
    if (end == s->len) return false;
    skip(s, end + 1);
    return true;
}

/* *ret_bytes: the base64 text when it is a byte sequence, else ptr NULL. */
static bool take_bare_item(struct slice *s, struct slice *ret_bytes)
{
    *ret_bytes = (struct slice){NULL, 0};
    if (peek(s) == ':') return take_bytes(s, ret_bytes);
    return peek(s) == '"' ? skip_string(s) : skip_word(s);
}

static bool skip_params(struct slice *s)
{
    struct slice ignored;
    while (take_char(s, ';')) {
        skip_spaces(s);
        if (!take_key(s, &ignored)) return false;
        if (take_char(s, '=') && !take_bare_item(s, &ignored)) return false;
    }
    return true;
}

static bool skip_inner_list(struct slice *s)
{
    struct slice ignored;
    skip(s, 1);
    for (;;) {
        skip_spaces(s);
        if (take_char(s, ')')) return true;
        if (!take_bare_item(s, &ignored) || !skip_params(s)) return false;
    }
}

static bool take_member(struct slice *s, struct slice *ret_key, struct slice *ret_bytes)
{
    *ret_bytes = (struct slice){NULL, 0};
    if (!take_key(s, ret_key)) return false;
    if (take_char(s, '=') && !(peek(s) == '(' ? skip_inner_list(s) : take_bare_item(s, ret_bytes)))
        return false;
    return skip_params(s);
}

enum digest_result content_digest_parse(struct slice header, uint8_t ret_sha256[32])
{
    struct slice rest = slice_trim(header), key, bytes, found = {NULL, 0};
    bool seen = false;
    while (rest.len) {
        if (!take_member(&rest, &key, &bytes)) return DIGEST_BAD;
        if (slice_eq(key, SLICE("sha-256"))) {
            seen = true;
            found = bytes;
        }
        skip_spaces(&rest);
        if (rest.len == 0) break;
        if (!take_char(&rest, ',')) return DIGEST_BAD;
        skip_spaces(&rest);
        if (rest.len == 0) return DIGEST_BAD;
    }
    if (!seen) return DIGEST_NONE;
    /* Decoded in place: a buffer that is as large as it may ever be does not allocate. */
    char sum[32];
    struct buf out = {.ptr = sum, .cap = sizeof sum, .max = sizeof sum};
    if (!found.ptr || base64_decode(&out, found) != ERR_OK || out.len != sizeof sum)
        return DIGEST_BAD;
    memcpy(ret_sha256, sum, sizeof sum);
    return DIGEST_SHA256;
}
