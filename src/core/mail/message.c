/* From a rendered mail to the bytes a mail server takes: headers, and both bodies in base64. */
#include "base/limits.h"
#include "codec/base64.h"
#include "codec/httpdate.h"
#include "codec/text.h"
#include "codec/utf8.h"
#include "core/mail/mail.h"

#define WORD_BYTES 42   /* of text in one encoded word: 75 characters at most (RFC 2047) */
#define LINE_BYTES 57   /* of a body in one line: 76 characters */

enum err mail_split_from(struct slice from, struct slice *ret_name, struct slice *ret_address)
{
    struct slice name = SLICE(""), address = slice_trim(from);
    size_t open = slice_find(address, '<');
    if (open < address.len) {
        if (!slice_ends(address, SLICE(">"))) return ERR_INVALID;
        name = slice_trim(slice_sub(address, 0, open));
        address = slice_sub(address, open + 1, address.len - 1);
    }
    if (!email_plausible(address) || !utf8_valid(name) || name.len > LIMIT_TITLE_BYTES) return ERR_INVALID;
    if (name.len >= 2 && name.ptr[0] == '"' && slice_ends(name, SLICE("\""))) name = slice_sub(name, 1, name.len - 1);
    *ret_name = name;
    *ret_address = address;
    return ERR_OK;
}

static bool plain_word(struct slice s)
{
    for (size_t i = 0; i < s.len; i++)
        if (s.ptr[i] < ' ' || s.ptr[i] > '~' || s.ptr[i] == '=' || s.ptr[i] == '?') return false;
    return s.len <= 60;
}

/* Text in a header, as encoded words where it is more than short plain ASCII. */
static enum err put_words(struct buf *b, struct slice s)
{
    if (plain_word(s)) return buf_put(b, s);
    for (bool first = true; s.len; first = false) {
        size_t n = utf8_cut(s, WORD_BYTES);
        if (n == 0) return ERR_INVALID;
        if (!first) TRY(buf_put_cstr(b, "\r\n "));
        TRY(buf_put_cstr(b, "=?UTF-8?B?"));
        TRY(base64_encode(b, slice_sub(s, 0, n)));
        TRY(buf_put_cstr(b, "?="));
        s = slice_sub(s, n, s.len);
    }
    return ERR_OK;
}

static enum err put_from(struct buf *b, const char *from, struct slice *ret_address)
{
    struct slice name;
    TRY(mail_split_from(slice_cstr(from), &name, ret_address));
    TRY(buf_put_cstr(b, "From: "));
    if (name.len && plain_word(name) && slice_find(name, '"') == name.len && slice_find(name, '\\') == name.len) {
        TRY(buf_printf(b, "\"" SLICE_FMT "\" ", SLICE_ARG(name)));
    } else if (name.len) {
        TRY(put_words(b, name));
        TRY(buf_putc(b, ' '));
    }
    return buf_printf(b, "<" SLICE_FMT ">\r\n", SLICE_ARG(*ret_address));
}

static enum err put_head(struct buf *b, const struct app *app, const struct mail *m, const char *id, int64_t at_ms)
{
    struct slice from, domain;
    char date[30];
    TRY(put_from(b, app->cfg.mail.from, &from));
    TRY(buf_printf(b, "To: <" SLICE_FMT ">\r\nSubject: ", SLICE_ARG(m->to)));
    TRY(put_words(b, m->subject));
    httpdate_format(at_ms, date);
    domain = slice_sub(from, slice_find(from, '@') + 1, from.len);
    /* The HTTP form ends in "GMT"; mail wants the offset. */
    TRY(buf_printf(b, "\r\nDate: %.26s+0000\r\nMessage-ID: <%s@" SLICE_FMT ">\r\n", date, id, SLICE_ARG(domain)));
    TRY(buf_printf(b, "Content-Language: " SLICE_FMT "\r\n", SLICE_ARG(m->locale)));
    return buf_printf(b, "Auto-Submitted: auto-generated\r\nMIME-Version: 1.0\r\n"
                         "Content-Type: multipart/alternative; boundary=\"=_%s\"\r\n\r\n", id);
}

static enum err put_part(struct buf *b, const char *id, const char *type, struct slice body)
{
    TRY(buf_printf(b, "--=_%s\r\nContent-Type: %s; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n\r\n", id, type));
    for (size_t at = 0; at < body.len; at += LINE_BYTES) {
        TRY(base64_encode(b, slice_sub(body, at, at + LINE_BYTES)));
        TRY(buf_put_cstr(b, "\r\n"));
    }
    return ERR_OK;
}

enum err mail_message(const struct app *app, const struct mail *m, const struct id *id, int64_t at_ms, struct buf *ret)
{
    char text[ID_TEXT_LEN + 1];
    id_text(*id, text);
    if (!email_plausible(m->to)) return ERR_INVALID;
    TRY(put_head(ret, app, m, text, at_ms));
    TRY(put_part(ret, text, "text/plain", m->text));
    TRY(put_part(ret, text, "text/html", m->html));
    return buf_printf(ret, "--=_%s--\r\n", text);
}
