/* Any bytes as a body: cut at random they give the same parts and the same error as in one piece; names are valid text. */
#include "base/buf.h"
#include "base/intmath.h"
#include "codec/multipart.h"
#include "codec/utf8.h"
#include "fuzz.h"

struct recorder {
    struct buf log;
    bool open;
};

static enum err put_name(struct buf *b, struct slice s)
{
    ASSERT(!s.ptr || (utf8_valid(s) && slice_find(s, 0) == s.len));
    TRY(buf_put_u64(b, s.ptr ? s.len : UINT64_MAX));
    return buf_put(b, s.ptr ? s : SLICE(""));
}

static enum err on_begin(void *arg, const struct multipart_head *h)
{
    struct recorder *r = arg;
    ASSERT(!r->open && h->name.ptr);
    r->open = true;
    TRY(put_name(&r->log, h->name));
    TRY(put_name(&r->log, h->filename));
    return buf_put(&r->log, h->content_type.ptr ? h->content_type : SLICE(""));
}

static enum err on_data(void *arg, struct slice bytes)
{
    struct recorder *r = arg;
    ASSERT(r->open && bytes.len > 0);
    return buf_put(&r->log, bytes);
}

static enum err on_end(void *arg)
{
    struct recorder *r = arg;
    ASSERT(r->open);
    r->open = false;
    return buf_putc(&r->log, '>');
}

static const struct multipart_ops ops = {on_begin, on_data, on_end};

/* `seed` 0: in one piece. */
static enum err read_body(struct recorder *r, struct slice body, uint64_t seed)
{
    struct multipart m;
    enum err e = multipart_init(&m, SLICE("b"), &ops, r);
    while (body.len && e == ERR_OK) {
        seed = seed * 6364136223846793005u;
        size_t n = seed ? MIN((size_t)(seed >> 60) + 1, body.len) : body.len;
        e = multipart_push(&m, slice_sub(body, 0, n));
        body = slice_sub(body, n, body.len);
    }
    if (e == ERR_OK) e = multipart_end(&m);
    multipart_done(&m);
    return e;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1) return 0;
    struct slice body = slice_of(data + 1, size - 1), boundary = {0};
    struct recorder whole = {.log = BUF_INIT(16 * MIB)}, cut = {.log = BUF_INIT(16 * MIB)};
    enum err e1 = read_body(&whole, body, 0), e2 = read_body(&cut, body, data[0] * 2u + 1u);
    ASSERT(e1 == e2);
    ASSERT(slice_eq(buf_view(&whole.log), buf_view(&cut.log)));
    buf_done(&whole.log);
    buf_done(&cut.log);
    if (multipart_boundary(body, &boundary) == ERR_OK)
        ASSERT(boundary.len >= 1 && boundary.len <= MULTIPART_BOUNDARY_BYTES);
    return 0;
}
