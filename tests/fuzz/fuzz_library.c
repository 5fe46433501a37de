/* What lists take from outside: cursors come out as they went in or are refused; words of a search become patterns of one shape, whatever
 * they hold; the text of a file has as many labels as the file. */
#include "base/buf.h"
#include "base/limits.h"
#include "core/library/search.h"
#include "core/page.h"
#include "codec/utf8.h"
#include "fuzz.h"

static void check_cursor(struct ctx *c, struct slice in)
{
    struct page_key k;
    struct slice again;
    enum err e = page_key_parse(c, 0, in, 'n', &k);
    ASSERT(e == ERR_OK || e == ERR_INVALID);
    if (e != ERR_OK || k.first) return;
    ASSERT(k.text.len <= LIMIT_SORT_KEY_BYTES && utf8_valid(k.text) && k.limit == LIMIT_PAGE_DEFAULT);
    ASSERT(page_key_cursor(c, 'n', &k, &again) == ERR_OK && slice_eq(again, in));
    ASSERT(page_key_parse(c, 0, in, 'N', &k) == ERR_INVALID);
}

/* Of any bytes: as the order and place of a list. */
static void check_made_cursor(struct ctx *c, struct slice in)
{
    struct page_key k = {.number = (int64_t)in.len, .text = slice_sub(in, 0, LIMIT_SORT_KEY_BYTES)}, back;
    struct slice cursor;
    ASSERT(page_key_cursor(c, 'n', &k, &cursor) == ERR_OK);
    bool good = utf8_valid(k.text) && slice_find(k.text, 0) == k.text.len;
    ASSERT(page_key_parse(c, 0, cursor, 'n', &back) == (good ? ERR_OK : ERR_INVALID));
    if (good) ASSERT(slice_eq(back.text, k.text) && back.number == k.number);
}

static void check_pattern(struct slice p)
{
    ASSERT(p.len > 2 && p.ptr[0] == '%' && p.ptr[p.len - 1] == '%');
    for (size_t i = 1; i + 1 < p.len; i++) {
        ASSERT(p.ptr[i] != '%' && p.ptr[i] != '_');
        if (p.ptr[i] != '!') continue;
        i++;
        ASSERT(i + 1 < p.len && memchr("%_!", p.ptr[i], 3));
    }
}

static void check_words(struct ctx *c, struct slice in)
{
    struct search s;
    size_t quotes = 0;
    struct slice half = slice_sub(in, 0, in.len / 2);
    bool label = half.len && utf8_valid(half);
    enum err e = search_parse(c, in, label ? half : (struct slice){0}, (struct slice){0}, &s);
    ASSERT(e == ERR_OK || e == ERR_INVALID);
    if (e != ERR_OK) return;
    ASSERT(s.n <= SEARCH_PATTERNS && s.n >= label);
    for (size_t i = 0; i < SEARCH_PATTERNS; i++) {
        ASSERT((i < s.n) == (s.like[i].len != 0));
        if (i < s.n) check_pattern(s.like[i]);
    }
    for (size_t i = 0; i < s.match.len; i++) quotes += s.match.ptr[i] == '"';
    ASSERT(quotes % 2 == 0);
}

static void check_text(struct ctx *c, struct slice in)
{
    struct slice tags[] = {SLICE("a"), SLICE("b")}, text;
    size_t labels = 0;
    struct search_source s = {.name = in, .description = in, .category = SLICE("c"), .category_key = SLICE("c"), .tags = tags,
                              .tag_keys = tags, .n = 2};
    enum err e = search_text(c, &s, &text);
    ASSERT(e == (utf8_valid(in) ? ERR_OK : ERR_INVALID));
    for (size_t i = 0; e == ERR_OK && i < text.len; i++) labels += memchr("\x1d\x1e", text.ptr[i], 2) != NULL;
    ASSERT(e != ERR_OK || labels == 3);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice in = slice_of(data, size);
    struct ctx c;
    if (size > 2000) return 0;
    ctx_init(&c, 16 * MIB);
    check_cursor(&c, in);
    check_made_cursor(&c, in);
    check_words(&c, in);
    check_text(&c, in);
    ctx_done(&c);
    return 0;
}
