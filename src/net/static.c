/* Serving constant assets: which encoding, which caching. The assets themselves are made by the build. */
#include "net/static.h"

#include "codec/range.h"

const struct static_asset *static_find(const struct static_asset *list, size_t n, struct slice path)
{
    for (size_t i = 0; i < n; i++)
        if (slice_eq(slice_cstr(list[i].path), path)) return &list[i];
    return NULL;
}

struct variant {
    const char *coding; /* NULL: as it is */
    struct slice body;
};

static struct variant choose(const struct static_asset *a, struct slice accept)
{
    if (a->br.len && encoding_accepted(accept, "br")) return (struct variant){"br", a->br};
    if (a->gzip.len && encoding_accepted(accept, "gzip")) return (struct variant){"gzip", a->gzip};
    return (struct variant){NULL, a->plain};
}

/* Each encoding is a representation of its own and needs its own strong tag (RFC 9110 8.8.3). */
static enum err variant_etag(const struct static_asset *a, const struct variant *v, struct ctx *c,
                             struct slice *ret)
{
    struct slice etag = slice_cstr(a->etag);
    *ret = etag;
    if (!v->coding || etag.len == 0) return ERR_OK;
    return arena_printf(&c->arena, ret, SLICE_FMT "-%s\"", SLICE_ARG(slice_sub(etag, 0, etag.len - 1)),
                        v->coding);
}

enum err static_respond(const struct static_asset *a, const struct http_request *req,
                        struct http_response *resp)
{
    struct ctx *c = req->ctx;
    struct variant v = choose(a, http_request_header(req, "accept-encoding"));
    struct slice known = http_request_header(req, "if-none-match"), etag = {0};
    TRY(variant_etag(a, &v, c, &etag));
    TRY(http_response_header(c, resp, "etag", etag));
    TRY(http_response_header(c, resp, "vary", SLICE("accept-encoding")));
    TRY(http_response_header(c, resp, "cache-control",
                             a->immutable ? SLICE("public, max-age=31536000, immutable")
                                          : SLICE("no-cache")));
    if (known.ptr && etag_matches(known, etag, true)) {
        resp->status = 304;
        return ERR_OK;
    }
    if (v.coding) TRY(http_response_header(c, resp, "content-encoding", slice_cstr(v.coding)));
    TRY(http_response_header(c, resp, "x-content-type-options", SLICE("nosniff")));
    return http_response_memory(c, resp, 200, a->content_type, v.body);
}
