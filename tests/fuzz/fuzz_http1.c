/* The HTTP/1 head and the chunked coding: what is accepted is well formed, and arriving in pieces changes nothing. */
#include "base/intmath.h"
#include "fuzz.h"
#include "net/http1_parse.h"

#define INPUT_MAX 20000u

static void check_plain(struct slice s)
{
    for (size_t i = 0; i < s.len; i++) ASSERT((uint8_t)s.ptr[i] >= 0x20 || s.ptr[i] == '\t');
}

static void check_head(const struct http1_head *h)
{
    ASSERT(h->path.len > 0 && (h->path.ptr[0] == '/' || h->path.ptr[0] == '*'));
    ASSERT(h->method < HTTP_METHOD_COUNT && h->header_count <= LIMIT_HTTP_HEADERS);
    ASSERT(h->authority.len > 0 || h->minor == 0);
    ASSERT(!(h->chunked && (h->has_length || h->minor == 0)));
    ASSERT(slice_find(h->path, '?') == h->path.len && slice_find(h->path, ' ') == h->path.len);
    check_plain(h->path);
    check_plain(h->query);
    check_plain(h->authority);
    for (size_t i = 0; i < h->header_count; i++) {
        check_plain(h->headers[i].value);
        ASSERT(h->headers[i].name.len > 0);
        for (size_t k = 0; k < h->headers[i].name.len; k++) {
            char ch = h->headers[i].name.ptr[k];
            ASSERT(ch > ' ' && ch < 0x7f && ch != ':' && !(ch >= 'A' && ch <= 'Z'));
        }
    }
}

static void try_head(struct slice in)
{
    static char copy[INPUT_MAX];
    struct http1_scan whole = {0}, steps = {0};
    struct http1_head head;
    struct http_refusal why = {0};
    size_t end = 0, end2 = 0;
    enum http1_found found = http1_scan_head(&whole, in.ptr, in.len, &end), found2 = HTTP1_MORE;
    for (size_t n = 0; n <= in.len && found2 == HTTP1_MORE; n++)
        found2 = http1_scan_head(&steps, in.ptr, n, &end2);
    ASSERT(found == found2 && end == end2 && whole.skipped == steps.skipped);
    if (found != HTTP1_HEAD) return;
    memcpy(copy, in.ptr, end);
    if (http1_parse_head(copy + whole.skipped, end - whole.skipped, &head, &why))
        check_head(&head);
    else
        ASSERT(why.status >= 400 && why.status < 600 && why.detail);
}

static enum err decode(struct slice in, size_t step, char *out, size_t *ret_len, size_t *ret_at)
{
    struct http1_chunked c = {0};
    size_t at = 0, len = 0;
    enum err e = ERR_OK;
    while (e == ERR_OK && at < in.len && !http1_chunked_ended(&c)) {
        struct slice data = {0};
        size_t used = 0;
        e = http1_chunked_feed(&c, in.ptr + at, MIN(step, in.len - at), &used, &data);
        if (e != ERR_OK) break;
        ASSERT(used > 0 && data.len <= used);
        memcpy(out + len, data.ptr, data.len);
        len += data.len;
        at += used;
    }
    *ret_len = len;
    *ret_at = at;
    return e;
}

static void try_chunked(struct slice in)
{
    static char a[INPUT_MAX], b[INPUT_MAX];
    size_t a_len = 0, b_len = 0, a_at = 0, b_at = 0;
    enum err whole = decode(in, INPUT_MAX, a, &a_len, &a_at), steps = decode(in, 1, b, &b_len, &b_at);
    ASSERT(whole == steps);
    if (whole != ERR_OK) return;
    ASSERT(a_len == b_len && a_at == b_at && memcmp(a, b, a_len) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice in = slice_of(data, size);
    if (size == 0 || size > INPUT_MAX) return 0;
    try_head(in);
    try_chunked(in);
    return 0;
}
