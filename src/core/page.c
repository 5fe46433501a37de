/* Cursors: base64url of created_at (8 bytes, big-endian) and id. And search patterns. */
#include "core/page.h"

#include "base/buf.h"
#include "base/intmath.h"
#include "base/limits.h"
#include "codec/base64.h"
#include "codec/utf8.h"

enum err page_parse(struct ctx *c, uint64_t limit, struct slice cursor, struct page *ret)
{
    CLEANUP(buf_done) struct buf b = BUF_INIT(24);
    struct page p = {.limit = limit ? (size_t)MIN(limit, LIMIT_PAGE_ITEMS) : LIMIT_PAGE_DEFAULT,
                     .before_ms = INT64_MAX};
    memset(p.before_id.b, 0xff, sizeof p.before_id.b);
    if (cursor.len) {
        if (base64url_decode(&b, cursor) != ERR_OK || b.len != 24) {
            ctx_field_error(c, "cursor", "is not one this server gave");
            return ERR_INVALID;
        }
        p.before_ms = (int64_t)load_u64be((const uint8_t *)b.ptr);
        memcpy(p.before_id.b, b.ptr + 8, sizeof p.before_id.b);
    }
    *ret = p;
    return ERR_OK;
}

enum err page_cursor(struct ctx *c, int64_t created_at, const struct id *id, struct slice *ret)
{
    CLEANUP(buf_done) struct buf b = BUF_INIT(64);
    uint8_t raw[24];
    store_u64be(raw, (uint64_t)created_at);
    memcpy(raw + 8, id->b, sizeof id->b);
    TRY(base64url_encode(&b, slice_of(raw, sizeof raw)));
    return arena_slice(&c->arena, buf_view(&b), ret);
}

enum err page_like(struct ctx *c, const char *field, struct slice q, struct slice *ret)
{
    CLEANUP(buf_done) struct buf b = BUF_INIT(2 * LIMIT_PATH_BYTES + 2);
    struct slice key;
    if (q.len == 0) {
        *ret = SLICE("");
        return ERR_OK;
    }
    if (q.len > LIMIT_PATH_BYTES || utf8_fold(&c->arena, q, &key) != ERR_OK) {
        ctx_field_error(c, field, "is not text");
        return ERR_INVALID;
    }
    TRY(buf_putc(&b, '%'));
    for (size_t i = 0; i < key.len; i++) {
        if (memchr("%_!", key.ptr[i], 3)) TRY(buf_putc(&b, '!'));
        TRY(buf_putc(&b, key.ptr[i]));
    }
    TRY(buf_putc(&b, '%'));
    return arena_slice(&c->arena, buf_view(&b), ret);
}
