/* HTTP/2 header lists (RFC 9113 section 8) to requests, and responses to header lists. nghttp2 has already refused what is
 * malformed by itself: upper-case names, connection fields, missing or repeated pseudo fields, wrong body lengths. */
#include <string.h>

#include "base/intmath.h"
#include "net/http2_impl.h"
#include "net/response_impl.h"

/* RFC 9113 6.5.2: what a field counts towards the list's size. */
#define FIELD_OVERHEAD 32u

static bool keep(struct exchange *x, struct slice s, struct slice *ret)
{
    if (arena_slice(&x->ctx.arena, s, ret) == ERR_OK) return true;
    x->h2_nomem = true;
    return false;
}

void http2_take_field(struct exchange *x, struct slice name, struct slice value)
{
    struct http_header h = {0};
    x->h2_header_bytes += name.len + value.len + FIELD_OVERHEAD;
    if (x->h2_header_bytes > LIMIT_HTTP_HEAD_BYTES) x->h2_too_large = true;
    if (x->h2_too_large || x->h2_nomem) return;
    if (slice_eq(name, SLICE(":method"))) {
        keep(x, value, &x->h2_method);
    } else if (slice_eq(name, SLICE(":path"))) {
        keep(x, value, &x->h2_path);
    } else if (slice_eq(name, SLICE(":authority"))) {
        keep(x, value, &x->h2_authority);
    } else if (name.len && name.ptr[0] != ':') {
        if (!x->h2_headers)
            x->h2_headers = ARENA_ARRAY(&x->ctx.arena, struct http_header, LIMIT_HTTP_HEADERS);
        if (!x->h2_headers) {
            x->h2_nomem = true;
        } else if (x->h2_header_count == LIMIT_HTTP_HEADERS) {
            x->h2_too_large = true;
        } else if (keep(x, name, &h.name) && keep(x, value, &h.value)) {
            x->h2_headers[x->h2_header_count++] = h;
        }
    }
}

static bool refuse_with(struct http_refusal *why, int status, const char *detail)
{
    *why = (struct http_refusal){status, detail};
    return false;
}

static bool fill_target(struct exchange *x, struct http_refusal *why)
{
    struct http_request *req = &x->req;
    if (!http_method_parse(x->h2_method, &req->method))
        return refuse_with(why, 501, "This method is not supported.");
    if (x->h2_path.len > LIMIT_HTTP_TARGET_BYTES)
        return refuse_with(why, 414, "The request target is too long.");
    if (slice_eq(x->h2_path, SLICE("*")) && req->method == HTTP_OPTIONS)
        req->path = x->h2_path;
    else if (!http_target_split(x->h2_path, &req->path, &req->query))
        return refuse_with(why, 400, "The request target is malformed.");
    return true;
}

static bool fill_fields(struct exchange *x, bool has_body, struct http_refusal *why)
{
    struct http_request *req = &x->req;
    struct slice host = http_request_header(req, "host");
    struct slice length = http_request_header(req, "content-length");
    /* RFC 9113 8.3.1: a Host that says something else is an attack or a mistake. */
    if (x->h2_authority.len && host.ptr && !slice_eq_nocase(host, x->h2_authority))
        return refuse_with(why, 400, ":authority and Host differ.");
    req->authority = x->h2_authority.len ? x->h2_authority : host;
    if (!http_authority_valid(req->authority))
        return refuse_with(why, 400, "There must be exactly one valid :authority.");
    req->has_body = has_body;
    req->has_length = !has_body || length.ptr;
    if (length.ptr && slice_u64(length, INT64_MAX, &req->content_length) != ERR_OK)
        return refuse_with(why, 400, "Content-Length is malformed.");
    x->expect_continue =
        has_body && slice_eq_nocase(http_request_header(req, "expect"), SLICE("100-continue"));
    return true;
}

static bool fill(struct exchange *x, bool has_body, struct http_refusal *why)
{
    x->req.version = 2;
    if (x->h2_too_large) return refuse_with(why, 431, "The header is too large.");
    if (x->h2_nomem ||
        request_set_headers(&x->req, x->h2_headers, x->h2_header_count) != ERR_OK)
        return refuse_with(why, 503, "The server is out of memory. Try again in a moment.");
    return fill_target(x, why) && fill_fields(x, has_body, why);
}

void http2_begin(struct exchange *x, bool has_body)
{
    struct http_refusal why = {0};
    if (fill(x, has_body, &why)) {
        exchange_start(x);
        return;
    }
    x->body = has_body ? BODY_DROP : BODY_DONE;
    /* Its head is no longer waited for, but how long it goes on with a body that nobody wants is looked at. */
    exchange_watch(x);
    exchange_problem(x, why.status, why.detail);
}

static nghttp2_nv field(struct slice name, struct slice value)
{
    /* nghttp2 copies both; its struct only lacks the const. */
    nghttp2_nv nv = {.namelen = name.len, .valuelen = value.len};
    memcpy(&nv.name, &name.ptr, sizeof nv.name);
    memcpy(&nv.value, &value.ptr, sizeof nv.value);
    return nv;
}

static struct slice decimal(char digits[20], uint64_t v)
{
    size_t n = 20;
    do {
        digits[--n] = (char)('0' + v % 10);
        v /= 10;
    } while (v);
    return slice_of(digits + n, 20 - n);
}

bool http2_interim(struct exchange *x)
{
    const struct interim *m = x->interims;
    nghttp2_nv list[HTTP_HEADERS_MAX + 1];
    char status[20];
    size_t n = 0;
    list[n++] = field(SLICE(":status"), decimal(status, (uint64_t)m->status));
    for (size_t i = 0; i < m->header_count; i++) list[n++] = field(m->headers[i].name, m->headers[i].value);
    int r = nghttp2_submit_headers(x->conn->h2->session, NGHTTP2_FLAG_NONE, x->stream_id, NULL, list, n, NULL);
    if (r == NGHTTP2_ERR_NOMEM) return false;
    if (r == 0) x->h2_interims++;
    interim_drop(x);
    return true;
}

bool http2_respond(struct exchange *x, const nghttp2_data_provider *body)
{
    nghttp2_nv list[ARRAY_LEN(x->resp.headers) + 3];
    char status[20], length[20];
    size_t n = 0;
    uint64_t bytes = exchange_length(x);
    list[n++] = field(SLICE(":status"), decimal(status, (uint64_t)x->resp.status));
    list[n++] = field(SLICE("date"), loop_date(x->loop));
    for (size_t i = 0; i < x->resp.header_count; i++)
        list[n++] = field(x->resp.headers[i].name, x->resp.headers[i].value);
    if (bytes != HTTP_LENGTH_UNKNOWN && x->resp.status != 204 && x->resp.status != 304)
        list[n++] = field(SLICE("content-length"), decimal(length, bytes));
    bool empty = exchange_bodyless(x) || bytes == 0;
    int r = nghttp2_submit_response(x->conn->h2->session, x->stream_id, list, n, empty ? NULL : body);
    if (r == NGHTTP2_ERR_NOMEM) return false;
    x->h2_submitted = true;
    x->answered = true;
    return true;
}
