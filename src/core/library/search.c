/* Words to patterns and trigrams; facts of a file to its text. */
#include "core/library/search.h"

#include "base/buf.h"
#include "base/intmath.h"
#include "codec/utf8.h"

#define TAG_BEGIN '\x1e'
#define CATEGORY_BEGIN '\x1d'
#define LABEL_END '\x1f'
#define TRIGRAMS_PER_PATTERN 12
#define TEXT_MAX (256 * KIB)

static enum err put_escaped(struct buf *b, struct slice s)
{
    for (size_t i = 0; i < s.len; i++) {
        if (memchr("%_!", s.ptr[i], 3)) TRY(buf_putc(b, '!'));
        TRY(buf_putc(b, s.ptr[i]));
    }
    return ERR_OK;
}

enum err search_prefix(struct ctx *c, struct slice s, struct slice *ret)
{
    CLEANUP(buf_done) struct buf b = BUF_INIT(4 * LIMIT_SEARCH_BYTES);
    TRY(put_escaped(&b, s));
    TRY(buf_putc(&b, '%'));
    return arena_slice(&c->arena, buf_view(&b), ret);
}

/* The first trigrams of a text that the row must contain, each as a phrase. */
static enum err put_trigrams(struct buf *match, struct slice s)
{
    for (unsigned n = 0; n < TRIGRAMS_PER_PATTERN; n++) {
        size_t len = 0, first = 0;
        uint32_t cp = 0;
        for (unsigned i = 0; i < 3; i++) {
            size_t step = utf8_step(slice_sub(s, len, s.len), &cp);
            if (step == 0) return ERR_OK;
            len += step;
            if (i == 0) first = step;
        }
        TRY(buf_put_cstr(match, match->len ? " AND \"" : "\""));
        for (size_t i = 0; i < len; i++) {
            if (s.ptr[i] == '"') TRY(buf_putc(match, '"'));
            TRY(buf_putc(match, s.ptr[i]));
        }
        TRY(buf_putc(match, '"'));
        s = slice_sub(s, first, s.len);
    }
    return ERR_OK;
}

static enum err add_pattern(struct ctx *c, struct search *out, struct buf *match, struct slice part)
{
    CLEANUP(buf_done) struct buf b = BUF_INIT(64 * KIB);
    TRY(buf_putc(&b, '%'));
    TRY(put_escaped(&b, part));
    TRY(buf_putc(&b, '%'));
    TRY(put_trigrams(match, part));
    return arena_slice(&c->arena, buf_view(&b), &out->like[out->n++]);
}

static enum err add_label(struct ctx *c, struct search *out, struct buf *match, char begin, struct slice key)
{
    struct slice part;
    if (!key.ptr) return ERR_OK;
    TRY(arena_printf(&c->arena, &part, "%c" SLICE_FMT "%c", begin, SLICE_ARG(key), LABEL_END));
    return add_pattern(c, out, match, part);
}

/* Cuts the next word off; blanks and control characters part them. */
static struct slice take_word(struct slice *s)
{
    size_t from = 0, to;
    while (from < s->len && (unsigned char)s->ptr[from] <= ' ') from++;
    for (to = from; to < s->len && (unsigned char)s->ptr[to] > ' ';) to++;
    struct slice word = slice_sub(*s, from, to);
    *s = slice_sub(*s, to, s->len);
    return word;
}

enum err search_parse(struct ctx *c, struct slice q, struct slice tag, struct slice category, struct search *ret)
{
    CLEANUP(buf_done) struct buf match = BUF_INIT(64 * KIB);
    struct search out = {0};
    struct slice folded;
    for (size_t i = 0; i < SEARCH_PATTERNS; i++) out.like[i] = SLICE("");
    if (q.len > LIMIT_SEARCH_BYTES || utf8_fold_bare(&c->arena, q, &folded) != ERR_OK) {
        ctx_field_error(c, "q", "is not text of at most 500 bytes");
        return ERR_INVALID;
    }
    for (struct slice word = take_word(&folded); word.len; word = take_word(&folded)) {
        if (out.n == LIMIT_SEARCH_WORDS) {
            ctx_field_error(c, "q", "has more than 10 words");
            return ERR_INVALID;
        }
        TRY(add_pattern(c, &out, &match, word));
    }
    TRY(add_label(c, &out, &match, TAG_BEGIN, tag));
    TRY(add_label(c, &out, &match, CATEGORY_BEGIN, category));
    TRY(arena_slice(&c->arena, buf_view(&match), &out.match));
    *ret = out;
    return ERR_OK;
}

/* Folded for searching, on a line of its own; control characters become blanks, so that nobody writes labels. */
static enum err put_line(struct ctx *c, struct buf *b, struct slice s)
{
    struct slice folded;
    TRY(utf8_fold_bare(&c->arena, s, &folded));
    for (size_t i = 0; i < folded.len; i++) TRY(buf_putc(b, (unsigned char)folded.ptr[i] < ' ' ? ' ' : folded.ptr[i]));
    return buf_putc(b, '\n');
}

static enum err put_label(struct ctx *c, struct buf *b, char begin, struct slice name, struct slice key)
{
    TRY(put_line(c, b, name));
    TRY(buf_putc(b, begin));
    TRY(buf_put(b, key));
    return buf_putc(b, LABEL_END);
}

enum err search_text(struct ctx *c, const struct search_source *s, struct slice *ret)
{
    CLEANUP(buf_done) struct buf b = BUF_INIT(TEXT_MAX);
    TRY(put_line(c, &b, s->name));
    for (size_t i = 0; i < s->n; i++) TRY(put_label(c, &b, TAG_BEGIN, s->tags[i], s->tag_keys[i]));
    if (s->category_key.len) TRY(put_label(c, &b, CATEGORY_BEGIN, s->category, s->category_key));
    if (s->description.len) TRY(put_line(c, &b, s->description));
    return arena_slice(&c->arena, buf_view(&b), ret);
}
