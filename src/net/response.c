/* Building responses: the helpers handlers use. */
#include <string.h>

#include "base/intmath.h"
#include "net/response_impl.h"

const char *response_reason(int status)
{
    static const struct {
        int status;
        const char *reason;
    } table[] = {
        {102, "Processing"}, {103, "Early Hints"}, {104, "Upload Resumption Supported"},
        {200, "OK"}, {201, "Created"}, {202, "Accepted"}, {204, "No Content"},
        {206, "Partial Content"}, {207, "Multi-Status"},
        {301, "Moved Permanently"}, {302, "Found"}, {303, "See Other"}, {304, "Not Modified"},
        {307, "Temporary Redirect"}, {308, "Permanent Redirect"},
        {400, "Bad Request"}, {401, "Unauthorized"}, {403, "Forbidden"}, {404, "Not Found"},
        {405, "Method Not Allowed"}, {406, "Not Acceptable"}, {408, "Request Timeout"},
        {409, "Conflict"}, {410, "Gone"}, {411, "Length Required"}, {412, "Precondition Failed"},
        {413, "Content Too Large"}, {414, "URI Too Long"}, {415, "Unsupported Media Type"},
        {416, "Range Not Satisfiable"}, {417, "Expectation Failed"},
        {422, "Unprocessable Content"}, {423, "Locked"}, {428, "Precondition Required"},
        {429, "Too Many Requests"}, {431, "Request Header Fields Too Large"},
        {460, "Checksum Mismatch"},
        {500, "Internal Server Error"}, {501, "Not Implemented"}, {502, "Bad Gateway"},
        {503, "Service Unavailable"}, {504, "Gateway Timeout"},
        {505, "HTTP Version Not Supported"}, {507, "Insufficient Storage"},
    };
    for (size_t i = 0; i < ARRAY_LEN(table); i++)
        if (table[i].status == status) return table[i].reason;
    return "";
}

static bool is_framing(struct slice name)
{
    static const char *const framing[] = {"content-length", "transfer-encoding", "connection",
                                          "date", "keep-alive", "upgrade"};
    for (size_t i = 0; i < ARRAY_LEN(framing); i++)
        if (slice_eq(name, slice_cstr(framing[i]))) return true;
    return false;
}

static bool value_valid(struct slice v)
{
    for (size_t i = 0; i < v.len; i++) {
        uint8_t ch = (uint8_t)v.ptr[i];
        if ((ch < 0x20 && ch != '\t') || ch == 0x7f) return false;
    }
    return true;
}

bool response_field_valid(struct slice name, struct slice value) { return !is_framing(name) && value_valid(value); }

enum err http_response_header(struct ctx *c, struct http_response *resp, const char *name,
                              struct slice value)
{
    if (resp->header_count == ARRAY_LEN(resp->headers))
        return fail(c, ERR_TOO_LARGE, "more than %zu response headers", ARRAY_LEN(resp->headers));
    if (is_framing(slice_cstr(name))) return fail(c, ERR_INVALID, "header %s is the server's own", name);
    if (!value_valid(value)) return fail(c, ERR_INVALID, "control character in header %s", name);
    struct slice copy = {0};
    TRY(arena_slice(&c->arena, value, &copy));
    resp->headers[resp->header_count++] = (struct http_header){slice_cstr(name), copy};
    return ERR_OK;
}

enum err http_response_memory(struct ctx *c, struct http_response *resp, int status,
                              const char *content_type, struct slice body)
{
    TRY(http_response_header(c, resp, "content-type", slice_cstr(content_type)));
    resp->status = status;
    resp->body_kind = HTTP_BODY_MEMORY;
    resp->memory = body;
    return ERR_OK;
}

enum err http_response_source(struct ctx *c, struct http_response *resp, int status,
                              const char *content_type, struct http_source *source, uint64_t length)
{
    enum err e = http_response_header(c, resp, "content-type", slice_cstr(content_type));
    if (e != ERR_OK) {
        source->ops->close(source, c, false, 0);
        return e;
    }
    resp->status = status;
    resp->body_kind = HTTP_BODY_SOURCE;
    resp->source = source;
    resp->source_length = length;
    return ERR_OK;
}
