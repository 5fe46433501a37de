/* uri: escapes round-trip, URLs come apart into pieces that make up the whole, each parameter of a query is found by its name. */
#include "base/limits.h"
#include "codec/uri.h"
#include "fuzz.h"

static void check_escapes(struct arena *a, struct slice in)
{
    CLEANUP(buf_done) struct buf text = BUF_INIT(MIB);
    struct slice back = {0};
    ASSERT(uri_encode(&text, in) == ERR_OK);
    enum err e = uri_decode(a, buf_view(&text), &back);
    ASSERT(e == (slice_find(in, '\0') < in.len ? ERR_INVALID : ERR_OK));
    ASSERT(e != ERR_OK || slice_eq(back, in));
    if (uri_decode(a, in, &back) == ERR_OK)
        ASSERT(back.len <= in.len && slice_find(back, '\0') == back.len);
}

static void check_url(struct slice in)
{
    struct uri u;
    if (uri_parse(in, &u) != ERR_OK) return;
    ASSERT(u.port >= 1 && u.port <= 65535 && u.host.len && u.path.len && u.path.ptr[0] == '/');
    CLEANUP(buf_done) struct buf text = BUF_INIT(MIB);
    struct uri again;
    ASSERT(buf_printf(&text, SLICE_FMT "://%s" SLICE_FMT "%s:%u" SLICE_FMT, SLICE_ARG(u.scheme),
                      u.ipv6 ? "[" : "", SLICE_ARG(u.host), u.ipv6 ? "]" : "", u.port,
                      SLICE_ARG(u.path)) == ERR_OK);
    if (u.query.ptr) ASSERT(buf_printf(&text, "?" SLICE_FMT, SLICE_ARG(u.query)) == ERR_OK);
    if (u.fragment.ptr) ASSERT(buf_printf(&text, "#" SLICE_FMT, SLICE_ARG(u.fragment)) == ERR_OK);
    ASSERT(uri_parse(buf_view(&text), &again) == ERR_OK);
    ASSERT(slice_eq(u.host, again.host) && slice_eq(u.path, again.path) &&
           slice_eq(u.query, again.query));
    ASSERT(slice_eq(u.fragment, again.fragment) && u.port == again.port && u.ipv6 == again.ipv6);
}

static void check_query(struct arena *a, struct slice in)
{
    struct slice rest = in, name = {0}, value = {0}, key = {0}, got = {0};
    for (int i = 0; i < 32 && query_next(&rest, &name, &value); i++) {
        const char *cname = NULL;
        if (uri_decode(a, name, &key) != ERR_OK || slice_find(name, '+') < name.len) continue;
        if (arena_cstr(a, key, &cname) != ERR_OK) continue;
        enum err e = query_get(a, in, cname, &got);
        ASSERT(e == ERR_OK || e == ERR_INVALID || e == ERR_NOMEM);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    CLEANUP(arena_done) struct arena a;
    struct slice in = slice_of(data, size);
    if (size > 1 << 14) return 0;
    arena_init(&a, 4 * MIB);
    check_escapes(&a, in);
    check_url(in);
    check_query(&a, in);
    return 0;
}
