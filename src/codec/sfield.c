/* The grammar of structured fields, a function for each of its rules. What is taken is cut off the front of the slice. */
#include "codec/sfield.h"

#include <string.h>

#include "codec/base64.h"

#define INTEGER_DIGITS 15u
#define DECIMAL_DIGITS 12u /* before the point */
#define FRACTION_DIGITS 3u

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
    while (peek(s) == ' ') skip(s, 1);
}

static void skip_tabs_too(struct slice *s)
{
    while (peek(s) == ' ' || peek(s) == '\t') skip(s, 1);
}

static bool is_digit(char c) { return c >= '0' && c <= '9'; }
static bool is_lower(char c) { return c >= 'a' && c <= 'z'; }
static bool is_letter(char c) { return is_lower(c) || (c >= 'A' && c <= 'Z'); }

static bool key_char(char c, bool first)
{
    if (is_lower(c) || c == '*') return true;
    return !first && (is_digit(c) || c == '_' || c == '-' || c == '.');
}

static bool take_key(struct slice *s, struct slice *ret)
{
    size_t n = 0;
    while (n < s->len && key_char(s->ptr[n], n == 0)) n++;
    *ret = slice_sub(*s, 0, n);
    skip(s, n);
    return n > 0;
}

static size_t digits(const struct slice *s)
{
    size_t n = 0;
    while (n < s->len && is_digit(s->ptr[n])) n++;
    return n;
}

static bool take_number(struct slice *s, struct sfield *ret)
{
    uint64_t whole = 0;
    bool negative = take_char(s, '-');
    size_t n = digits(s);
    if (n == 0 || n > INTEGER_DIGITS) return false;
    if (slice_u64(slice_sub(*s, 0, n), INT64_MAX, &whole) != ERR_OK) return false;
    skip(s, n);
    ret->type = SFIELD_INTEGER;
    ret->integer = negative ? -(int64_t)whole : (int64_t)whole;
    if (!take_char(s, '.')) return true;
    size_t fraction = digits(s);
    if (n > DECIMAL_DIGITS || fraction == 0 || fraction > FRACTION_DIGITS) return false;
    skip(s, fraction);
    ret->type = SFIELD_DECIMAL;
    ret->integer = 0;
    return true;
}

static bool take_string(struct slice *s, struct sfield *ret)
{
    ret->type = SFIELD_STRING;
    skip(s, 1);
    for (size_t n = 0; n < s->len; n++) {
        char c = s->ptr[n];
        if (c == '"') {
            ret->text = slice_sub(*s, 0, n);
            skip(s, n + 1);
            return true;
        }
        if (c < ' ' || c > '~') return false;
        if (c == '\\' && (++n == s->len || (s->ptr[n] != '"' && s->ptr[n] != '\\'))) return false;
    }
    return false;
}

static bool take_token(struct slice *s, struct sfield *ret)
{
    size_t n = 0;
    while (n < s->len && s->ptr[n] &&
           (is_letter(s->ptr[n]) || is_digit(s->ptr[n]) || strchr("!#$%&'*+-.^_`|~:/", s->ptr[n])))
        n++;
    ret->type = SFIELD_TOKEN;
    ret->text = slice_sub(*s, 0, n);
    skip(s, n);
    return true;
}

static bool take_bytes(struct slice *s, struct sfield *ret)
{
    skip(s, 1);
    size_t end = slice_find(*s, ':');
    if (end == s->len) return false;
    ret->type = SFIELD_BYTES;
    ret->text = slice_sub(*s, 0, end);
    for (size_t i = 0; i < end; i++) {
        char c = s->ptr[i];
        if (!is_letter(c) && !is_digit(c) && c != '+' && c != '/' && c != '=') return false;
    }
    skip(s, end + 1);
    return true;
}

static bool take_boolean(struct slice *s, struct sfield *ret)
{
    skip(s, 1);
    ret->type = SFIELD_BOOLEAN;
    ret->boolean = peek(s) == '1';
    return take_char(s, '1') || take_char(s, '0');
}

static bool take_date(struct slice *s, struct sfield *ret)
{
    skip(s, 1);
    if (!take_number(s, ret) || ret->type != SFIELD_INTEGER) return false;
    ret->type = SFIELD_DATE;
    return true;
}

static bool is_hex(char c) { return is_digit(c) || (c >= 'a' && c <= 'f'); }

static bool take_display(struct slice *s, struct sfield *ret)
{
    skip(s, 1);
    if (!take_char(s, '"')) return false;
    ret->type = SFIELD_DISPLAY;
    for (size_t n = 0; n < s->len; n++) {
        char c = s->ptr[n];
        if (c == '"') {
            ret->text = slice_sub(*s, 0, n);
            skip(s, n + 1);
            return true;
        }
        if (c < ' ' || c > '~') return false;
        if (c != '%') continue;
        if (s->len - n < 3 || !is_hex(s->ptr[n + 1]) || !is_hex(s->ptr[n + 2])) return false;
        n += 2;
    }
    return false;
}

static bool take_bare_item(struct slice *s, struct sfield *ret)
{
    char c = peek(s);
    *ret = (struct sfield){0};
    if (is_digit(c) || c == '-') return take_number(s, ret);
    if (is_letter(c) || c == '*') return take_token(s, ret);
    switch (c) {
    case '"': return take_string(s, ret);
    case ':': return take_bytes(s, ret);
    case '?': return take_boolean(s, ret);
    case '@': return take_date(s, ret);
    case '%': return take_display(s, ret);
    default: return false;
    }
}

static bool skip_params(struct slice *s)
{
    struct slice key;
    struct sfield value;
    while (take_char(s, ';')) {
        skip_spaces(s);
        if (!take_key(s, &key)) return false;
        if (take_char(s, '=') && !take_bare_item(s, &value)) return false;
    }
    return true;
}

static bool take_inner_list(struct slice *s, struct sfield *ret)
{
    struct sfield member;
    skip(s, 1);
    for (;;) {
        skip_spaces(s);
        if (take_char(s, ')')) break;
        if (!take_bare_item(s, &member) || !skip_params(s)) return false;
        if (peek(s) != ' ' && peek(s) != ')') return false;
    }
    *ret = (struct sfield){.type = SFIELD_LIST};
    return true;
}

static bool take_member(struct slice *s, struct slice *ret_key, struct sfield *ret)
{
    *ret = (struct sfield){.type = SFIELD_BOOLEAN, .boolean = true};
    if (!take_key(s, ret_key)) return false;
    if (take_char(s, '=') && !(peek(s) == '(' ? take_inner_list(s, ret) : take_bare_item(s, ret))) return false;
    return skip_params(s);
}

static struct slice without_spaces(struct slice s)
{
    skip_spaces(&s);
    while (s.len && s.ptr[s.len - 1] == ' ') s.len--;
    return s;
}

enum err sfield_item(struct slice field, struct sfield *ret)
{
    struct slice rest = without_spaces(field);
    struct sfield item;
    if (!take_bare_item(&rest, &item) || !skip_params(&rest) || rest.len) return ERR_INVALID;
    *ret = item;
    return ERR_OK;
}

enum err sfield_member(struct slice field, struct slice key, struct sfield *ret)
{
    struct slice rest = without_spaces(field), name;
    struct sfield member, found = {0};
    bool seen = false;
    while (rest.len) {
        if (!take_member(&rest, &name, &member)) return ERR_INVALID;
        if (slice_eq(name, key)) {
            seen = true;
            found = member;
        }
        skip_tabs_too(&rest);
        if (rest.len == 0) break;
        if (!take_char(&rest, ',')) return ERR_INVALID;
        skip_tabs_too(&rest);
        if (rest.len == 0) return ERR_INVALID;
    }
    if (!seen) return ERR_NOT_FOUND;
    *ret = found;
    return ERR_OK;
}

enum err sfield_bytes(const struct sfield *f, struct buf *out)
{
    return f->type == SFIELD_BYTES ? base64_decode(out, f->text) : ERR_INVALID;
}

bool sfield_is_boolean(struct slice field, bool *ret)
{
    struct sfield f;
    if (!field.ptr || sfield_item(field, &f) != ERR_OK || f.type != SFIELD_BOOLEAN) return false;
    *ret = f.boolean;
    return true;
}

bool sfield_is_u64(struct slice field, uint64_t *ret)
{
    struct sfield f;
    if (!field.ptr || sfield_item(field, &f) != ERR_OK || f.type != SFIELD_INTEGER || f.integer < 0) return false;
    *ret = (uint64_t)f.integer;
    return true;
}
