/* utf8 and name: normal forms are stable, headers stay one line of ASCII, a path that reaches a disk stays inside its folder. */
#include "base/limits.h"
#include "codec/name.h"
#include "codec/utf8.h"
#include "fuzz.h"

typedef enum err normal_fn(struct arena *a, struct slice s, struct slice *ret);

static void check_normal(normal_fn *fn, struct slice in)
{
    CLEANUP(arena_done) struct arena a;
    struct slice once = {0}, twice = {0};
    arena_init(&a, 64 * MIB);
    enum err e = fn(&a, in, &once);
    ASSERT(e == (utf8_valid(in) ? ERR_OK : ERR_INVALID));
    if (e != ERR_OK) return;
    ASSERT(utf8_valid(once) && fn(&a, once, &twice) == ERR_OK && slice_eq(once, twice));
}

static void check_disposition(struct slice in)
{
    CLEANUP(buf_done) struct buf out = BUF_INIT(MIB);
    size_t quotes = 0;
    ASSERT(disposition_write(&out, true, in) == ERR_OK);
    for (size_t i = 0; i < out.len; i++) {
        ASSERT(out.ptr[i] >= ' ' && out.ptr[i] <= '~');
        quotes += out.ptr[i] == '"';
    }
    ASSERT(quotes == (in.len ? 2 : 0));
}

static void check_local(struct slice in)
{
    CLEANUP(arena_done) struct arena a;
    struct slice here = {0}, windows = {0}, again = {0};
    arena_init(&a, MIB);
    enum err e = path_check(in);
    ASSERT(name_safe_local(&a, in, false, &here) == e &&
           name_safe_local(&a, in, true, &windows) == e);
    if (e != ERR_OK) return;
    ASSERT(slice_eq(here, in) && in.ptr[0] != '/' && slice_find(windows, ':') == windows.len);
    struct slice rest = windows;
    while (rest.len) {
        struct slice segment = slice_cut(&rest, '/');
        ASSERT(segment.len && segment.ptr[segment.len - 1] != '.' &&
               slice_find(segment, '\\') == segment.len);
    }
    ASSERT(name_safe_local(&a, windows, true, &again) == ERR_OK && slice_eq(windows, again));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice in = slice_of(data, size);
    if (size > 1 << 12) return 0;
    check_normal(utf8_nfc, in);
    check_normal(utf8_nfkc, in);
    check_normal(utf8_fold, in);
    check_normal(utf8_fold_bare, in);
    check_disposition(in);
    check_local(in);
    if (name_check(in) == ERR_OK) ASSERT(path_check(in) == ERR_OK && utf8_valid(in));
    ASSERT(!utf8_valid(in) || utf8_valid(slice_sub(in, 0, utf8_cut(in, size / 2))));
    return 0;
}
