/* multipart: finds the delimiters in the stream, collects the header fields between them and calls the ops. What the header
 * fields mean is read in the second half. Knows nothing of files or forms. */
#include "codec/multipart.h"

#include <string.h>

#include "base/intmath.h"
#include "base/mem.h"
#include "codec/hex.h"
#include "codec/utf8.h"

/* ---- the stream ---- */

/* Nothing but letters, digits and `others`. */
static bool all_of(struct slice s, const char *others)
{
    for (size_t i = 0; i < s.len; i++) {
        char c = s.ptr[i];
        bool alnum = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
        if (!alnum && (c == 0 || !strchr(others, c))) return false;
    }
    return true;
}

static bool boundary_valid(struct slice b)
{
    if (b.len == 0 || b.len > MULTIPART_BOUNDARY_BYTES || b.ptr[b.len - 1] == ' ') return false;
    return all_of(b, "'()+_,-./:=? ");
}

enum err multipart_init(struct multipart *m, struct slice boundary, const struct multipart_ops *ops,
                        void *arg)
{
    if (!boundary_valid(boundary)) return ERR_INVALID;
    *m = (struct multipart){.ops = ops, .arg = arg, .state = MULTIPART_PREAMBLE};
    memcpy(m->delimiter, "\r\n--", 4);
    memcpy(m->delimiter + 4, boundary.ptr, boundary.len);
    m->delimiter_len = 4 + boundary.len;
    /* The first delimiter may stand at the very beginning: as if a line had ended there. */
    m->matched = m->matched_early = 2;
    return ERR_OK;
}

void multipart_done(struct multipart *m) { mem_wipe(m->head, sizeof m->head); }

static enum err skip(struct multipart *m, size_t n)
{
    m->skipped += n;
    return m->skipped > LIMIT_MULTIPART_HEAD_BYTES ? ERR_TOO_LARGE : ERR_OK;
}

static enum err content(struct multipart *m, struct slice bytes)
{
    if (bytes.len == 0) return ERR_OK;
    if (m->state == MULTIPART_PREAMBLE) return skip(m, bytes.len);
    return m->ops->data(m->arg, bytes);
}

static enum err found(struct multipart *m)
{
    bool in_part = m->state == MULTIPART_DATA;
    m->matched = m->matched_early = m->skipped = m->head_len = 0;
    m->state = MULTIPART_LINE;
    return in_part ? m->ops->end(m->arg) : ERR_OK;
}

static void consume(struct slice *in, size_t n) { *in = slice_sub(*in, n, in->len); }

/* The input so far ends in the first m->matched bytes of the delimiter: does it go on? */
static enum err scan_on(struct multipart *m, struct slice *in)
{
    size_t n = 0, most = MIN(in->len, m->delimiter_len - m->matched);
    while (n < most && in->ptr[n] == m->delimiter[m->matched + n]) n++;
    m->matched += n;
    consume(in, n);
    if (m->matched == m->delimiter_len) return found(m);
    if (in->len == 0) return ERR_OK;
    /* It does not, and no shorter match can be hidden in it, as CR is only the first byte. */
    struct slice held = slice_sub(slice_of(m->delimiter, m->matched), m->matched_early, m->matched);
    m->matched = m->matched_early = 0;
    return content(m, held);
}

/* How many bytes at the end of `in` may be the beginning of a delimiter. */
static size_t tail_match(const struct multipart *m, struct slice in)
{
    struct slice tail = slice_sub(in, in.len - MIN(in.len, m->delimiter_len - 1), in.len);
    const char *cr = memrchr(tail.ptr, '\r', tail.len);
    if (!cr) return 0;
    size_t n = (size_t)(tail.ptr + tail.len - cr);
    return memcmp(cr, m->delimiter, n) == 0 ? n : 0;
}

static enum err scan(struct multipart *m, struct slice *in)
{
    if (m->matched) return scan_on(m, in);
    struct slice all = *in;
    const char *hit = memmem(all.ptr, all.len, m->delimiter, m->delimiter_len);
    if (hit) {
        size_t n = (size_t)(hit - all.ptr);
        consume(in, n + m->delimiter_len);
        TRY(content(m, slice_sub(all, 0, n)));
        return found(m);
    }
    size_t keep = tail_match(m, all);
    consume(in, all.len);
    m->matched = keep;
    return content(m, slice_sub(all, 0, all.len - keep));
}

/* Move input to m->head up to the end of a line. */
static enum err collect(struct multipart *m, struct slice *in, bool *ret_line_ended)
{
    const char *lf = memchr(in->ptr, '\n', in->len);
    size_t n = lf ? (size_t)(lf - in->ptr) + 1 : in->len;
    if (n > sizeof m->head - m->head_len) return ERR_TOO_LARGE;
    memcpy(m->head + m->head_len, in->ptr, n);
    m->head_len += n;
    consume(in, n);
    *ret_line_ended = lf != NULL;
    if (lf && (m->head_len < 2 || m->head[m->head_len - 2] != '\r')) return ERR_INVALID;
    return ERR_OK;
}

/* Is what stands in m->head, without the end of its line, a closing delimiter's rest ("--"), or an opening one's ("")? RFC 2046
 * lets spaces follow. */
static enum err delimiter_kind(struct slice line, bool *ret_closing)
{
    bool closing = slice_starts(line, SLICE("--"));
    if (closing) consume(&line, 2);
    if (slice_trim(line).len) return ERR_INVALID;
    *ret_closing = closing;
    return ERR_OK;
}

static enum err read_line(struct multipart *m, struct slice *in)
{
    bool ended = false, closing = false;
    TRY(collect(m, in, &ended));
    if (!ended) return ERR_OK;
    TRY(delimiter_kind(slice_of(m->head, m->head_len - 2), &closing));
    m->head_len = 0;
    m->state = closing ? MULTIPART_EPILOGUE : MULTIPART_HEAD;
    if (!closing && ++m->parts > LIMIT_MULTIPART_PARTS) return ERR_TOO_LARGE;
    return ERR_OK;
}

static enum err parse_head(struct multipart *m, struct multipart_head *ret);

static enum err read_head(struct multipart *m, struct slice *in)
{
    struct multipart_head h = {0};
    bool ended = false;
    TRY(collect(m, in, &ended));
    if (!ended) return ERR_OK;
    struct slice head = slice_of(m->head, m->head_len);
    if (head.len > 2 && !slice_ends(head, SLICE("\r\n\r\n"))) return ERR_OK;
    TRY(parse_head(m, &h));
    m->state = MULTIPART_DATA;
    /* RFC 2046: without a body the delimiter follows the empty line at once and shares its line end. */
    m->matched = m->matched_early = 2;
    return m->ops->begin(m->arg, &h);
}

static enum err step(struct multipart *m, struct slice *in)
{
    size_t n = in->len;
    switch (m->state) {
    case MULTIPART_PREAMBLE:
    case MULTIPART_DATA:
        return scan(m, in);
    case MULTIPART_LINE:
        return read_line(m, in);
    case MULTIPART_HEAD:
        return read_head(m, in);
    case MULTIPART_EPILOGUE:
        consume(in, n);
        return skip(m, n);
    }
    return ERR_INTERNAL;
}

enum err multipart_push(struct multipart *m, struct slice bytes)
{
    while (m->err == ERR_OK && bytes.len) m->err = step(m, &bytes);
    return m->err;
}

enum err multipart_end(struct multipart *m)
{
    bool closing = m->state == MULTIPART_EPILOGUE;
    if (m->err == ERR_OK && m->state == MULTIPART_LINE)
        m->err = delimiter_kind(slice_of(m->head, m->head_len), &closing);
    if (m->err == ERR_OK && !closing) m->err = ERR_INVALID;
    return m->err;
}

/* ---- header fields ---- */

static bool is_token(struct slice s) { return s.len > 0 && all_of(s, "!#$%&'*+-.^_`|~"); }

static bool is_text(struct slice s)
{
    for (size_t i = 0; i < s.len; i++) {
        unsigned char c = (unsigned char)s.ptr[i];
        if ((c < 0x20 && c != '\t') || c == 0x7f) return false;
    }
    return true;
}

struct param {
    struct slice name;
    struct slice value; /* without its quotes, not decoded */
    bool quoted;
};

/* A quoted string at the head of *rest. Only \" and \\ are escapes: browsers send a backslash as it is. */
static enum err take_quoted(struct slice *rest, struct slice *ret)
{
    size_t i = 1;
    while (i < rest->len && rest->ptr[i] != '"') {
        bool escape = rest->ptr[i] == '\\' && i + 1 < rest->len &&
                      (rest->ptr[i + 1] == '"' || rest->ptr[i + 1] == '\\');
        i += escape ? 2 : 1;
    }
    if (i >= rest->len) return ERR_INVALID;
    *ret = slice_sub(*rest, 1, i);
    consume(rest, i + 1);
    return ERR_OK;
}

/* The next "; name=value" of *rest, which is trimmed and not empty. */
static enum err take_param(struct slice *rest, struct param *ret)
{
    struct param p = {0};
    struct slice s = *rest;
    if (s.ptr[0] != ';') return ERR_INVALID;
    consume(&s, 1);
    s = slice_trim(s);
    size_t eq = slice_find(s, '=');
    p.name = slice_sub(s, 0, eq);
    if (eq == s.len || !is_token(p.name)) return ERR_INVALID;
    consume(&s, eq + 1);
    if (s.len && s.ptr[0] == '"') {
        p.quoted = true;
        TRY(take_quoted(&s, &p.value));
    } else {
        p.value = slice_trim(slice_sub(s, 0, slice_find(s, ';')));
        consume(&s, slice_find(s, ';'));
        if (!is_token(p.value)) return ERR_INVALID;
    }
    *rest = slice_trim(s);
    *ret = p;
    return ERR_OK;
}

enum err multipart_boundary(struct slice content_type, struct slice *ret)
{
    struct slice rest = slice_trim(content_type);
    struct slice type = slice_sub(rest, 0, slice_find(rest, ';'));
    struct slice boundary = {0};
    if (!slice_eq_nocase(slice_trim(type), SLICE("multipart/form-data"))) return ERR_INVALID;
    consume(&rest, type.len);
    while (rest.len) {
        struct param p = {0};
        TRY(take_param(&rest, &p));
        if (!slice_eq_nocase(p.name, SLICE("boundary"))) continue;
        if (boundary.ptr) return ERR_INVALID;
        boundary = p.value;
    }
    if (!boundary_valid(boundary)) return ERR_INVALID;
    *ret = boundary;
    return ERR_OK;
}

/* The byte of a "%XX" at s[i], or -1. */
static int percent_byte(struct slice s, size_t i)
{
    if (s.ptr[i] != '%' || s.len - i < 3) return -1;
    int high = hex_value(s.ptr[i + 1]), low = hex_value(s.ptr[i + 2]);
    return high < 0 || low < 0 ? -1 : high * 16 + low;
}

/* The decoders write over what they read: decoded text is never longer. `base` is the writable text that s lies in. */
static char *writable(char *base, struct slice s) { return base + (s.ptr - base); }

static enum err checked_name(struct slice s, struct slice *ret)
{
    if (memchr(s.ptr, 0, s.len) || !utf8_valid(s)) return ERR_INVALID;
    *ret = s;
    return ERR_OK;
}

/* What browsers do to a quoted name (WHATWG HTML, multipart/form-data encoding): " CR LF become %22 %0D %0A and nothing else is
 * touched, not even %; others escape " and \ with a backslash. */
static enum err decode_plain(char *base, const struct param *p, struct slice *ret)
{
    struct slice s = p->value;
    char *to = writable(base, s);
    size_t n = 0;
    if (!p->quoted) return checked_name(s, ret);
    for (size_t i = 0; i < s.len; n++) {
        int byte = percent_byte(s, i);
        bool escape =
            s.ptr[i] == '\\' && i + 1 < s.len && (s.ptr[i + 1] == '"' || s.ptr[i + 1] == '\\');
        if (byte == '"' || byte == '\r' || byte == '\n') {
            to[n] = (char)byte;
            i += 3;
        } else {
            to[n] = s.ptr[i + escape];
            i += 1u + escape;
        }
    }
    return checked_name(slice_of(to, n), ret);
}

/* RFC 8187 (once 5987): UTF-8'language'percent-encoded. */
static enum err decode_extended(char *base, const struct param *p, struct slice *ret)
{
    struct slice s = p->value;
    if (p->quoted || !slice_eq_nocase(slice_cut(&s, '\''), SLICE("UTF-8"))) return ERR_INVALID;
    if (slice_find(s, '\'') == s.len) return ERR_INVALID;
    (void)slice_cut(&s, '\'');
    char *to = writable(base, s);
    size_t n = 0;
    for (size_t i = 0; i < s.len; n++) {
        int byte = percent_byte(s, i);
        if (s.ptr[i] == '%' && byte < 0) return ERR_INVALID;
        to[n] = byte < 0 ? s.ptr[i] : (char)byte;
        i += byte < 0 ? 1 : 3;
    }
    return checked_name(slice_of(to, n), ret);
}

/* The parameters of a Content-Disposition field; the ones nobody gives stay as they are. */
static enum err parse_names(char *base, struct slice rest, struct slice *ret_name, struct slice *ret_filename)
{
    struct slice extended = {0};
    while (rest.len) {
        struct param p = {0};
        TRY(take_param(&rest, &p));
        bool is_extended = slice_eq_nocase(p.name, SLICE("filename*"));
        struct slice *to = is_extended                                  ? &extended
                           : slice_eq_nocase(p.name, SLICE("filename")) ? ret_filename
                           : slice_eq_nocase(p.name, SLICE("name"))     ? ret_name
                                                                        : NULL;
        if (!to) continue;
        if (to->ptr) return ERR_INVALID;
        TRY(is_extended ? decode_extended(base, &p, to) : decode_plain(base, &p, to));
    }
    if (extended.ptr) *ret_filename = extended;
    return ERR_OK;
}

static enum err parse_disposition(struct multipart *m, struct slice value, struct multipart_head *ret)
{
    struct slice type = slice_sub(value, 0, slice_find(value, ';'));
    if (!slice_eq_nocase(slice_trim(type), SLICE("form-data"))) return ERR_INVALID;
    TRY(parse_names(m->head, slice_sub(value, type.len, value.len), &ret->name, &ret->filename));
    return ret->name.ptr ? ERR_OK : ERR_INVALID;
}

enum err disposition_filename(struct arena *a, struct slice value, struct slice *ret)
{
    struct slice name = {0}, filename = {0}, text = slice_trim(value);
    char *own = arena_alloc(a, text.len + 1, 1);
    if (!own) return ERR_NOMEM;
    if (text.len) memcpy(own, text.ptr, text.len);
    text = slice_of(own, text.len);
    struct slice type = slice_sub(text, 0, slice_find(text, ';'));
    if (!is_token(slice_trim(type))) return ERR_INVALID;
    TRY(parse_names(own, slice_sub(text, type.len, text.len), &name, &filename));
    *ret = filename;
    return ERR_OK;
}

/* The fields of a part, each once. RFC 7578 has no use for a transfer encoding that changes bytes. */
static enum err parse_head(struct multipart *m, struct multipart_head *ret)
{
    struct slice rest = slice_of(m->head, m->head_len - 2), disposition = {0}, encoding = {0};
    while (rest.len) {
        struct slice value = slice_cut(&rest, '\n');
        value = slice_sub(value, 0, value.len - 1);
        size_t colon = slice_find(value, ':');
        struct slice name = slice_sub(value, 0, colon);
        if (colon == value.len || !is_token(name)) return ERR_INVALID;
        value = slice_trim(slice_sub(value, colon + 1, value.len));
        if (!is_text(value)) return ERR_INVALID;
        struct slice *to = slice_eq_nocase(name, SLICE("Content-Disposition")) ? &disposition
                           : slice_eq_nocase(name, SLICE("Content-Type"))      ? &ret->content_type
                           : slice_eq_nocase(name, SLICE("Content-Transfer-Encoding")) ? &encoding
                                                                                       : NULL;
        if (!to) continue;
        if (to->ptr) return ERR_INVALID;
        *to = value;
    }
    bool plain = !encoding.ptr || slice_eq_nocase(encoding, SLICE("binary")) ||
                 slice_eq_nocase(encoding, SLICE("8bit")) ||
                 slice_eq_nocase(encoding, SLICE("7bit"));
    if (!plain || !disposition.ptr) return ERR_INVALID;
    return parse_disposition(m, disposition, ret);
}
