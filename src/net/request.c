/* Reading a request: methods and headers. */
#include <string.h>

#include "net/response_impl.h"

const char *http_method_name(enum http_method m)
{
    static const char *const names[HTTP_METHOD_COUNT] = {
        [HTTP_GET] = "GET",     [HTTP_HEAD] = "HEAD",     [HTTP_POST] = "POST",
        [HTTP_PUT] = "PUT",     [HTTP_PATCH] = "PATCH",   [HTTP_DELETE] = "DELETE",
        [HTTP_OPTIONS] = "OPTIONS",
    };
    return m < HTTP_METHOD_COUNT ? names[m] : "";
}

struct slice http_request_header(const struct http_request *req, const char *name)
{
    struct slice want = slice_cstr(name);
    for (size_t i = 0; i < req->header_count; i++)
        if (slice_eq(req->headers[i].name, want)) return req->headers[i].value;
    return (struct slice){0};
}

static struct http_header *find(struct http_header *list, size_t n, struct slice name)
{
    for (size_t i = 0; i < n; i++)
        if (slice_eq(list[i].name, name)) return &list[i];
    return NULL;
}

enum err request_set_headers(struct http_request *req, const struct http_header *list, size_t n)
{
    struct arena *a = &req->ctx->arena;
    struct http_header *out = ARENA_ARRAY(a, struct http_header, n + 1);
    size_t count = 0;
    if (!out) return ERR_NOMEM;
    for (size_t i = 0; i < n; i++) {
        struct http_header *same = find(out, count, list[i].name);
        if (!same) {
            out[count++] = list[i];
            continue;
        }
        /* RFC 9110 5.3; cookies may come in crumbs and have their own separator (RFC 9113 8.2.3). */
        const char *sep = slice_eq(list[i].name, SLICE("cookie")) ? "; " : ", ";
        TRY(arena_printf(a, &same->value, SLICE_FMT "%s" SLICE_FMT, SLICE_ARG(same->value), sep,
                         SLICE_ARG(list[i].value)));
    }
    req->headers = out;
    req->header_count = count;
    return ERR_OK;
}
