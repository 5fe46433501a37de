/* Configuration text, line by line. What the keys mean is the caller's. */
#include "codec/ini.h"

#include "codec/utf8.h"

void ini_init(struct ini *p, struct slice text)
{
    struct slice mark = SLICE("\xef\xbb\xbf");
    *p = (struct ini){.rest = text, .section = SLICE("")};
    if (slice_starts(text, mark)) p->rest = slice_sub(text, mark.len, text.len);
}

/* A line without its end, checked and trimmed. */
static enum err take_line(struct ini *p, struct slice *ret)
{
    struct slice line = slice_cut(&p->rest, '\n');
    p->line++;
    if (slice_ends(line, SLICE("\r"))) line.len--;
    if (!utf8_valid(line)) return ERR_INVALID;
    for (size_t i = 0; i < line.len; i++) {
        unsigned char c = (unsigned char)line.ptr[i];
        if ((c < ' ' && c != '\t') || c == 0x7f) return ERR_INVALID;
    }
    *ret = slice_trim(line);
    return ERR_OK;
}

static bool is_key(struct slice s)
{
    for (size_t i = 0; i < s.len; i++) {
        char c = s.ptr[i];
        bool alnum = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        if (!alnum && c != '_' && c != '-' && c != '.') return false;
    }
    return s.len > 0;
}

static enum err parse_section(struct slice line, struct slice *ret)
{
    if (line.ptr[line.len - 1] != ']') return ERR_INVALID;
    struct slice name = slice_trim(slice_sub(line, 1, line.len - 1));
    if (name.len == 0 || slice_find(name, '[') < name.len || slice_find(name, ']') < name.len)
        return ERR_INVALID;
    *ret = name;
    return ERR_OK;
}

static enum err parse_value(struct slice raw, struct slice *ret)
{
    struct slice v = slice_trim(raw);
    if (slice_starts(v, SLICE("\""))) {
        v = slice_sub(v, 1, v.len);
        if (slice_find(v, '"') + 1 != v.len) return ERR_INVALID;
        v.len--;
    }
    *ret = v;
    return ERR_OK;
}

enum err ini_next(struct ini *p, struct ini_line *ret)
{
    while (p->rest.len) {
        struct slice line, value = {0};
        TRY(take_line(p, &line));
        if (line.len == 0 || line.ptr[0] == '#' || line.ptr[0] == ';') continue;
        if (line.ptr[0] == '[') {
            TRY(parse_section(line, &p->section));
            continue;
        }
        size_t equals = slice_find(line, '=');
        struct slice key = slice_trim(slice_sub(line, 0, equals));
        if (equals == line.len || !is_key(key)) return ERR_INVALID;
        TRY(parse_value(slice_sub(line, equals + 1, line.len), &value));
        *ret = (struct ini_line){p->section, key, value, p->line};
        return ERR_OK;
    }
    return ERR_NOT_FOUND;
}
