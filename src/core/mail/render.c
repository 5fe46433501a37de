/* Placeholders, paragraphs, escaping: from one source text to plain text and HTML. */
#include "core/mail/render.h"

#include "codec/utf8.h"

enum form { PLAIN, HTML };

static enum err put_char(struct buf *out, enum form form, struct slice bytes)
{
    if (form == HTML && bytes.len == 1) {
        switch (bytes.ptr[0]) {
        case '&': return buf_put_cstr(out, "&amp;");
        case '<': return buf_put_cstr(out, "&lt;");
        case '>': return buf_put_cstr(out, "&gt;");
        case '"': return buf_put_cstr(out, "&quot;");
        case '\'': return buf_put_cstr(out, "&#39;");
        default: break;
        }
    }
    return buf_put(out, bytes);
}

static enum err put_value(struct buf *out, enum form form, struct slice s)
{
    while (s.len) {
        uint32_t code = 0;
        size_t n = utf8_step(s, &code);
        bool bad = n == 0 || utf8_is_deceptive(code);
        TRY(put_char(out, form, bad ? SLICE(" ") : slice_sub(s, 0, n)));
        s = slice_sub(s, n ? n : 1, s.len);
    }
    return ERR_OK;
}

static const struct mail_param *find(const struct mail_values *values, struct slice name)
{
    for (size_t i = 0; i < values->n; i++)
        if (slice_eq(name, slice_cstr(values->v[i].name))) return &values->v[i];
    return NULL;
}

static enum err render(struct buf *out, enum form form, struct slice source, const struct mail_values *values)
{
    while (source.len) {
        size_t open = slice_find(source, '{');
        for (size_t i = 0; i < open; i++) TRY(put_char(out, form, slice_sub(source, i, i + 1)));
        source = slice_sub(source, open + 1, source.len);
        if (!source.len) break;
        const struct mail_param *p = find(values, slice_cut(&source, '}'));
        if (!p) return ERR_INTERNAL;
        TRY(put_value(out, form, p->value));
    }
    return ERR_OK;
}

enum err mail_render_line(struct buf *out, const char *source, const struct mail_values *values)
{
    return render(out, PLAIN, slice_cstr(source), values);
}

enum err mail_render_text(struct buf *out, const char *source, const struct mail_values *values)
{
    TRY(render(out, PLAIN, slice_cstr(source), values));
    return buf_put_cstr(out, "\n\n-- \nSealdrop\n");
}

/* What is before the next empty line. */
static struct slice cut_paragraph(struct slice *rest)
{
    struct slice all = *rest;
    for (size_t i = 0; i + 1 < all.len; i++) {
        if (all.ptr[i] != '\n' || all.ptr[i + 1] != '\n') continue;
        *rest = slice_sub(all, i + 2, all.len);
        return slice_sub(all, 0, i);
    }
    *rest = slice_sub(all, all.len, all.len);
    return all;
}

#define PAGE_STYLE "font:16px/1.5 sans-serif;color:#1a1a1a;max-width:36em;margin:2em auto;padding:0 1em"
#define BUTTON_STYLE "display:inline-block;padding:.7em 1.4em;border-radius:6px;background:#1d4ed8;color:#fff;text-decoration:none"

static enum err put_button(struct buf *out, const char *button, const struct mail_values *values)
{
    TRY(buf_put_cstr(out, "<p><a style=\"" BUTTON_STYLE "\" href=\""));
    TRY(render(out, HTML, SLICE("{link}"), values));
    TRY(buf_put_cstr(out, "\">"));
    TRY(put_value(out, HTML, slice_cstr(button)));
    TRY(buf_put_cstr(out, "</a></p>\n<p style=\"word-break:break-all\">"));
    TRY(render(out, HTML, SLICE("{link}"), values));
    return buf_put_cstr(out, "</p>\n");
}

enum err mail_render_html(struct buf *out, const char *source, struct slice locale, const char *button,
                          const struct mail_values *values)
{
    struct slice rest = slice_cstr(source);
    TRY(buf_printf(out, "<!doctype html>\n<html lang=\"" SLICE_FMT "\"><head><meta charset=\"utf-8\"></head>\n"
                        "<body style=\"" PAGE_STYLE "\">\n", SLICE_ARG(locale)));
    while (rest.len) {
        struct slice paragraph = cut_paragraph(&rest);
        if (slice_eq(paragraph, SLICE("{link}"))) {
            TRY(put_button(out, button, values));
            continue;
        }
        TRY(buf_put_cstr(out, "<p>"));
        TRY(render(out, HTML, paragraph, values));
        TRY(buf_put_cstr(out, "</p>\n"));
    }
    return buf_put_cstr(out, "<p style=\"color:#666\">Sealdrop</p>\n</body></html>\n");
}
