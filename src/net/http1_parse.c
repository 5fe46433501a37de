/* The HTTP/1 wire format: finding, checking and splitting a request head; the chunked coding. Decides nothing about
 * connections beyond what the head itself says. */
#include "net/http1_parse.h"

#include <string.h>

#include "base/intmath.h"
#include "base/limits.h"

#define CHAR_TOKEN 1u  /* RFC 9110 5.6.2 */
#define CHAR_VALUE 2u  /* field value: VCHAR, obs-text, space, tab */
#define CHAR_TARGET 4u /* what a path or query may hold, '?' included */
#define CHAR_HOST 8u

/* One table instead of chains of comparisons: every byte of a head is looked up once. */
static const uint8_t char_class[256] = {
    ['\t'] = CHAR_VALUE,
    [' '] = CHAR_VALUE,
    ['!'] = CHAR_TOKEN | CHAR_VALUE | CHAR_TARGET | CHAR_HOST,
    ['"'] = CHAR_VALUE | CHAR_TARGET,
    ['#'] = CHAR_TOKEN | CHAR_VALUE,
    ['$'] = CHAR_TOKEN | CHAR_VALUE | CHAR_TARGET | CHAR_HOST,
    ['%'] = CHAR_TOKEN | CHAR_VALUE | CHAR_TARGET | CHAR_HOST,
    ['&'] = CHAR_TOKEN | CHAR_VALUE | CHAR_TARGET | CHAR_HOST,
    ['\''] = CHAR_TOKEN | CHAR_VALUE | CHAR_TARGET | CHAR_HOST,
    ['('] = CHAR_VALUE | CHAR_TARGET | CHAR_HOST,
    [')'] = CHAR_VALUE | CHAR_TARGET | CHAR_HOST,
    ['*'] = CHAR_TOKEN | CHAR_VALUE | CHAR_TARGET | CHAR_HOST,
    ['+'] = CHAR_TOKEN | CHAR_VALUE | CHAR_TARGET | CHAR_HOST,
    [','] = CHAR_VALUE | CHAR_TARGET | CHAR_HOST,
    ['-'] = CHAR_TOKEN | CHAR_VALUE | CHAR_TARGET | CHAR_HOST,
    ['.'] = CHAR_TOKEN | CHAR_VALUE | CHAR_TARGET | CHAR_HOST,
    ['/'] = CHAR_VALUE | CHAR_TARGET,
    ['0' ... '9'] = CHAR_TOKEN | CHAR_VALUE | CHAR_TARGET | CHAR_HOST,
    [':'] = CHAR_VALUE | CHAR_TARGET | CHAR_HOST,
    [';'] = CHAR_VALUE | CHAR_TARGET | CHAR_HOST,
    ['<'] = CHAR_VALUE | CHAR_TARGET,
    ['='] = CHAR_VALUE | CHAR_TARGET | CHAR_HOST,
    ['>'] = CHAR_VALUE | CHAR_TARGET,
    ['?'] = CHAR_VALUE | CHAR_TARGET,
    ['@'] = CHAR_VALUE | CHAR_TARGET,
    ['A' ... 'Z'] = CHAR_TOKEN | CHAR_VALUE | CHAR_TARGET | CHAR_HOST,
    ['['] = CHAR_VALUE | CHAR_TARGET | CHAR_HOST,
    ['\\'] = CHAR_VALUE | CHAR_TARGET,
    [']'] = CHAR_VALUE | CHAR_TARGET | CHAR_HOST,
    ['^'] = CHAR_TOKEN | CHAR_VALUE | CHAR_TARGET,
    ['_'] = CHAR_TOKEN | CHAR_VALUE | CHAR_TARGET | CHAR_HOST,
    ['`'] = CHAR_TOKEN | CHAR_VALUE | CHAR_TARGET,
    ['a' ... 'z'] = CHAR_TOKEN | CHAR_VALUE | CHAR_TARGET | CHAR_HOST,
    ['{'] = CHAR_VALUE | CHAR_TARGET,
    ['|'] = CHAR_TOKEN | CHAR_VALUE | CHAR_TARGET,
    ['}'] = CHAR_VALUE | CHAR_TARGET,
    ['~'] = CHAR_TOKEN | CHAR_VALUE | CHAR_TARGET | CHAR_HOST,
    [0x80 ... 0xff] = CHAR_VALUE,
};

static bool all_of(struct slice s, unsigned class)
{
    for (size_t i = 0; i < s.len; i++)
        if (!(char_class[(uint8_t)s.ptr[i]] & class)) return false;
    return true;
}

enum http1_found http1_scan_head(struct http1_scan *scan, const char *p, size_t n, size_t *ret_end)
{
    while (scan->pos < n) {
        const char *lf = memchr(p + scan->pos, '\n', n - scan->pos);
        if (!lf) {
            scan->pos = n;
            return HTTP1_MORE;
        }
        size_t end = (size_t)(lf - p);
        if (end == scan->line_start || p[end - 1] != '\r') return HTTP1_BAD;
        bool empty = end - 1 == scan->line_start;
        bool leading = scan->line_start == scan->skipped;
        scan->pos = scan->line_start = end + 1;
        if (!empty) continue;
        if (!leading) {
            *ret_end = end + 1;
            return HTTP1_HEAD;
        }
        scan->skipped = end + 1;
    }
    return HTTP1_MORE;
}

static bool refuse_with(struct http_refusal *why, int status, const char *detail)
{
    *why = (struct http_refusal){status, detail};
    return false;
}

bool http_method_parse(struct slice s, enum http_method *ret)
{
    for (int m = 0; m < HTTP_METHOD_COUNT; m++) {
        if (!slice_eq(s, slice_cstr(http_method_name((enum http_method)m)))) continue;
        *ret = (enum http_method)m;
        return true;
    }
    return false;
}

bool http_authority_valid(struct slice s)
{
    return s.len > 0 && s.len <= 255 + 6 && all_of(s, CHAR_HOST);
}

bool http_target_split(struct slice target, struct slice *ret_path, struct slice *ret_query)
{
    if (target.len == 0 || target.ptr[0] != '/' || !all_of(target, CHAR_TARGET)) return false;
    *ret_query = target;
    *ret_path = slice_cut(ret_query, '?');
    return true;
}

/* "http://host[:port][/path][?query]": a proxy's form, which every server must take (RFC 9112 3.2.2). */
static bool split_absolute(struct slice target, struct http1_head *head)
{
    struct slice rest = target;
    if (slice_eq_nocase(slice_sub(rest, 0, 7), SLICE("http://")))
        rest = slice_sub(rest, 7, rest.len);
    else if (slice_eq_nocase(slice_sub(rest, 0, 8), SLICE("https://")))
        rest = slice_sub(rest, 8, rest.len);
    else
        return false;
    size_t host_len = MIN(slice_find(rest, '/'), slice_find(rest, '?'));
    head->authority = slice_sub(rest, 0, host_len);
    rest = slice_sub(rest, host_len, rest.len);
    if (!http_authority_valid(head->authority)) return false;
    if (rest.len && rest.ptr[0] == '/') return http_target_split(rest, &head->path, &head->query);
    head->path = SLICE("/");
    head->query = rest.len ? slice_sub(rest, 1, rest.len) : SLICE("");
    return all_of(head->query, CHAR_TARGET);
}

static bool parse_request_line(struct slice line, struct http1_head *head, struct http_refusal *why)
{
    struct slice rest = line;
    struct slice method = slice_cut(&rest, ' ');
    struct slice target = slice_cut(&rest, ' ');
    if (method.len == 0 || !all_of(method, CHAR_TOKEN))
        return refuse_with(why, 400, "The request line is malformed.");
    if (target.len > LIMIT_HTTP_TARGET_BYTES)
        return refuse_with(why, 414, "The request target is too long.");
    if (slice_eq(rest, SLICE("HTTP/1.1")))
        head->minor = 1;
    else if (slice_eq(rest, SLICE("HTTP/1.0")))
        head->minor = 0;
    else if (slice_starts(rest, SLICE("HTTP/")) && rest.len == 8)
        return refuse_with(why, 505, "This version of HTTP is not supported.");
    else
        return refuse_with(why, 400, "The request line is malformed.");
    if (!http_method_parse(method, &head->method))
        return refuse_with(why, 501, "This method is not supported.");
    if (slice_eq(target, SLICE("*")) && head->method == HTTP_OPTIONS) {
        head->path = target;
        return true;
    }
    if (http_target_split(target, &head->path, &head->query)) return true;
    if (split_absolute(target, head)) return true;
    return refuse_with(why, 400, "The request target is malformed.");
}

static bool parse_field(char *p, size_t n, struct http_header *ret)
{
    const char *colon = memchr(p, ':', n);
    if (!colon) return false;
    size_t name_len = (size_t)(colon - p);
    ret->name = slice_of(p, name_len);
    ret->value = slice_trim(slice_of(colon + 1, n - name_len - 1));
    if (name_len == 0 || !all_of(ret->name, CHAR_TOKEN) || !all_of(ret->value, CHAR_VALUE))
        return false;
    for (size_t i = 0; i < name_len; i++)
        if (p[i] >= 'A' && p[i] <= 'Z') p[i] = (char)(p[i] | 0x20);
    return true;
}

/* True when the list has the token, ASCII case-insensitive. */
static bool list_has(struct slice list, struct slice token)
{
    while (list.len) {
        if (slice_eq_nocase(slice_trim(slice_cut(&list, ',')), token)) return true;
    }
    return false;
}

struct framing {
    unsigned hosts, lengths, codings;
    bool close, keep;
};

static bool note_field(const struct http_header *h, struct http1_head *head, struct framing *f,
                       struct http_refusal *why)
{
    if (slice_eq(h->name, SLICE("host"))) {
        if (f->hosts++ || !http_authority_valid(h->value))
            return refuse_with(why, 400, "There must be exactly one valid Host.");
        if (!head->authority.len) head->authority = h->value;
    } else if (slice_eq(h->name, SLICE("content-length"))) {
        /* slice_u64 takes digits only; a list of equal values (RFC 9110 8.6) is refused, too. */
        if (f->lengths++ || slice_u64(h->value, INT64_MAX, &head->content_length) != ERR_OK)
            return refuse_with(why, 400, "Content-Length is malformed or given twice.");
        head->has_length = true;
    } else if (slice_eq(h->name, SLICE("transfer-encoding"))) {
        if (f->codings++ || !slice_eq_nocase(h->value, SLICE("chunked")))
            return refuse_with(why, f->codings > 1 ? 400 : 501,
                               "The only supported transfer coding is chunked, once.");
        head->chunked = true;
    } else if (slice_eq(h->name, SLICE("connection"))) {
        f->close = f->close || list_has(h->value, SLICE("close"));
        f->keep = f->keep || list_has(h->value, SLICE("keep-alive"));
    } else if (slice_eq(h->name, SLICE("expect"))) {
        if (!slice_eq_nocase(h->value, SLICE("100-continue")))
            return refuse_with(why, 417, "The only supported expectation is 100-continue.");
        head->expect_continue = true;
    }
    return true;
}

static bool check_framing(struct http1_head *head, const struct framing *f, struct http_refusal *why)
{
    if (head->minor >= 1 && f->hosts == 0)
        return refuse_with(why, 400, "There must be exactly one valid Host.");
    if (head->chunked && head->has_length)
        return refuse_with(why, 400, "Content-Length and Transfer-Encoding exclude each other.");
    /* RFC 9112 6.1: an HTTP/1.0 message with a transfer coding has faulty framing. */
    if (head->chunked && head->minor == 0)
        return refuse_with(why, 400, "Transfer-Encoding needs HTTP/1.1.");
    head->keep_alive = !f->close && (head->minor >= 1 || f->keep);
    head->expect_continue = head->expect_continue && head->minor >= 1;
    return true;
}

bool http1_parse_head(char *p, size_t n, struct http1_head *ret, struct http_refusal *why)
{
    struct framing f = {0};
    bool first = true;
    size_t at = 0;
    /* The header array is written before it is read: not cleared for each request. */
    memset(ret, 0, offsetof(struct http1_head, headers));
    ret->header_count = 0;
    ret->keep_alive = ret->expect_continue = ret->chunked = ret->has_length = false;
    ret->content_length = 0;
    while (at < n) {
        const char *lf = memchr(p + at, '\n', n - at);
        size_t end = lf ? (size_t)(lf - p) : n;
        if (!lf || end == at || p[end - 1] != '\r')
            return refuse_with(why, 400, "A line of the head does not end in CRLF.");
        char *line = p + at;
        size_t len = end - 1 - at;
        at = end + 1;
        if (first) {
            first = false;
            if (!parse_request_line(slice_of(line, len), ret, why)) return false;
        } else if (len == 0) {
            return check_framing(ret, &f, why);
        } else if (ret->header_count == LIMIT_HTTP_HEADERS) {
            return refuse_with(why, 431, "There are too many header fields.");
        } else {
            struct http_header *h = &ret->headers[ret->header_count];
            if (!parse_field(line, len, h))
                return refuse_with(why, 400, "A header field is malformed.");
            if (!note_field(h, ret, &f, why)) return false;
            ret->header_count++;
        }
    }
    return refuse_with(why, 400, "The head is not complete.");
}

enum chunk_state {
    CHUNK_SIZE,
    CHUNK_EXTENSION,
    CHUNK_SIZE_LF,
    CHUNK_DATA,
    CHUNK_DATA_CR,
    CHUNK_DATA_LF,
    CHUNK_TRAILER_START, /* of a line */
    CHUNK_TRAILER,
    CHUNK_TRAILER_LF,
    CHUNK_END_LF,
    CHUNK_ENDED
};

static int hex_value(char ch)
{
    if (ch >= '0' && ch <= '9') return ch - '0';
    if (ch >= 'a' && ch <= 'f') return ch - 'a' + 10;
    if (ch >= 'A' && ch <= 'F') return ch - 'A' + 10;
    return -1;
}

static enum err size_byte(struct http1_chunked *c, char ch)
{
    int v = hex_value(ch);
    if (v >= 0) {
        if (++c->digits > 15) return ERR_INVALID; /* 2^60: no overflow possible */
        c->left = c->left << 4 | (uint64_t)v;
        return ERR_OK;
    }
    if (c->digits == 0) return ERR_INVALID;
    if (ch == ';')
        c->state = CHUNK_EXTENSION;
    else if (ch == '\r')
        c->state = CHUNK_SIZE_LF;
    else
        return ERR_INVALID;
    return ERR_OK;
}

/* The line is bounded; its bytes are those a field value may have. */
static enum err line_byte(struct http1_chunked *c, char ch, size_t max, int at_cr)
{
    if (++c->line > max) return ERR_INVALID;
    if (ch == '\r') {
        c->state = at_cr;
        return ERR_OK;
    }
    return char_class[(uint8_t)ch] & CHAR_VALUE ? ERR_OK : ERR_INVALID;
}

static enum err expect_byte(struct http1_chunked *c, char ch, char want, int next)
{
    if (ch != want) return ERR_INVALID;
    c->state = next;
    return ERR_OK;
}

static enum err frame_byte(struct http1_chunked *c, char ch)
{
    switch ((enum chunk_state)c->state) {
    case CHUNK_SIZE: return size_byte(c, ch);
    case CHUNK_EXTENSION: return line_byte(c, ch, LIMIT_HTTP_CHUNK_LINE_BYTES, CHUNK_SIZE_LF);
    case CHUNK_SIZE_LF:
        c->digits = 0;
        c->line = 0;
        return expect_byte(c, ch, '\n', c->left ? CHUNK_DATA : CHUNK_TRAILER_START);
    case CHUNK_DATA_CR: return expect_byte(c, ch, '\r', CHUNK_DATA_LF);
    case CHUNK_DATA_LF: return expect_byte(c, ch, '\n', CHUNK_SIZE);
    case CHUNK_TRAILER_START:
        if (ch == '\r') {
            c->state = CHUNK_END_LF;
            return ERR_OK;
        }
        if (!(char_class[(uint8_t)ch] & CHAR_TOKEN)) return ERR_INVALID;
        c->state = CHUNK_TRAILER;
        return line_byte(c, ch, LIMIT_HTTP_HEAD_BYTES, CHUNK_TRAILER_LF);
    case CHUNK_TRAILER: return line_byte(c, ch, LIMIT_HTTP_HEAD_BYTES, CHUNK_TRAILER_LF);
    case CHUNK_TRAILER_LF: return expect_byte(c, ch, '\n', CHUNK_TRAILER_START);
    case CHUNK_END_LF: return expect_byte(c, ch, '\n', CHUNK_ENDED);
    case CHUNK_DATA:
    case CHUNK_ENDED: break;
    }
    return ERR_INTERNAL;
}

enum err http1_chunked_feed(struct http1_chunked *c, const char *p, size_t n, size_t *ret_used,
                            struct slice *ret_data)
{
    size_t at = 0;
    *ret_data = slice_of(p, 0);
    while (at < n && c->state != CHUNK_ENDED) {
        if (c->state == CHUNK_DATA) {
            size_t len = (size_t)MIN(c->left, (uint64_t)(n - at));
            *ret_data = slice_of(p + at, len);
            http1_chunked_took(c, len);
            at += len;
            break;
        }
        TRY(frame_byte(c, p[at]));
        at++;
    }
    *ret_used = at;
    return ERR_OK;
}

bool http1_chunked_in_data(const struct http1_chunked *c) { return c->state == CHUNK_DATA; }

void http1_chunked_took(struct http1_chunked *c, size_t n)
{
    c->left -= n;
    if (c->left == 0) c->state = CHUNK_DATA_CR;
}

bool http1_chunked_ended(const struct http1_chunked *c) { return c->state == CHUNK_ENDED; }
