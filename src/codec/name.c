/* File names: what is allowed, how they are sent, what a disk can take. */
#include "codec/name.h"

#include <string.h>

#include "base/intmath.h"
#include "base/limits.h"
#include "codec/uri.h"
#include "codec/utf8.h"

/* CON, NUL.txt, com1 …: devices in every folder, whatever the extension. The digits may be superscript. */
static bool is_device(struct slice segment)
{
    static const char *const words[] = {"con", "prn", "aux", "nul", "conin$", "conout$"};
    static const char *const digits[] = {"0", "1", "2", "3",        "4",        "5",       "6",
                                         "7", "8", "9", "\xc2\xb9", "\xc2\xb2", "\xc2\xb3"};
    struct slice stem = slice_trim(slice_sub(segment, 0, slice_find(segment, '.')));
    for (size_t i = 0; i < ARRAY_LEN(words); i++)
        if (slice_eq_nocase(stem, slice_cstr(words[i]))) return true;
    struct slice port = slice_sub(stem, 0, 3);
    if (!slice_eq_nocase(port, SLICE("com")) && !slice_eq_nocase(port, SLICE("lpt"))) return false;
    for (size_t i = 0; i < ARRAY_LEN(digits); i++)
        if (slice_eq(slice_sub(stem, 3, stem.len), slice_cstr(digits[i]))) return true;
    return false;
}

enum err name_check(struct slice name)
{
    if (name.len == 0 || name.len > LIMIT_NAME_BYTES) return ERR_INVALID;
    char last = name.ptr[name.len - 1];
    if (name.ptr[0] == ' ' || last == ' ' || last == '.' || is_device(name)) return ERR_INVALID;
    while (name.len) {
        uint32_t cp = 0;
        size_t n = utf8_step(name, &cp);
        if (n == 0 || utf8_is_deceptive(cp) || cp == '/' || cp == '\\') return ERR_INVALID;
        name = slice_sub(name, n, name.len);
    }
    return ERR_OK;
}

enum err path_check(struct slice path)
{
    size_t depth = 0;
    if (path.len == 0 || path.len > LIMIT_PATH_BYTES || path.ptr[path.len - 1] == '/')
        return ERR_INVALID;
    while (path.len) {
        TRY(name_check(slice_cut(&path, '/')));
        if (++depth > NAME_PATH_DEPTH) return ERR_INVALID;
    }
    return ERR_OK;
}

/* Cuts the next character off *s; what no name may hold comes as "_". */
static struct slice take_shown(struct slice *s)
{
    uint32_t cp = 0;
    size_t n = utf8_step(*s, &cp);
    bool bad = n == 0 || utf8_is_deceptive(cp) || cp == '/' || cp == '\\';
    struct slice ret = bad ? SLICE("_") : slice_sub(*s, 0, n);
    *s = slice_sub(*s, n ? n : 1, s->len);
    return ret;
}

/* Quotes end the string; browsers take %41 for an escape; anything but ASCII is read differently by each. */
static bool is_plain(struct slice shown)
{
    return shown.len == 1 && (unsigned char)shown.ptr[0] < 0x80 && shown.ptr[0] != '"' &&
           shown.ptr[0] != '%';
}

enum err disposition_write(struct buf *out, bool attachment, struct slice name)
{
    bool plain = true;
    struct slice rest = name;
    TRY(buf_put_cstr(out, attachment ? "attachment" : "inline"));
    if (name.len == 0) return ERR_OK;
    TRY(buf_put_cstr(out, "; filename=\""));
    while (rest.len) {
        struct slice shown = take_shown(&rest);
        plain = plain && is_plain(shown);
        TRY(buf_put(out, is_plain(shown) ? shown : SLICE("_")));
    }
    TRY(buf_putc(out, '"'));
    if (plain) return ERR_OK;
    TRY(buf_put_cstr(out, "; filename*=UTF-8''"));
    while (name.len) TRY(uri_encode(out, take_shown(&name)));
    return ERR_OK;
}

enum err name_safe_local(struct arena *a, struct slice path, bool windows, struct slice *ret)
{
    TRY(path_check(path));
    char *text = arena_alloc(a, path.len, 1);
    if (!text) return ERR_NOMEM;
    for (size_t i = 0; i < path.len; i++) text[i] = windows && strchr("<>:\"|?*", path.ptr[i]) ? '_' : path.ptr[i];
    *ret = slice_of(text, path.len);
    return ERR_OK;
}
