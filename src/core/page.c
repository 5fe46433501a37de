/* Cursors: base64url of created_at (8 bytes, big-endian) and id; of other orders: the order, the number, the id, the text. And search
 * patterns. */
#include "core/page.h"

#include "base/buf.h"
#include "base/intmath.h"
#include "base/limits.h"
#include "codec/base64.h"
#include "codec/utf8.h"

#define KEY_HEAD 25

static enum err not_ours(struct ctx *c)
{
    ctx_field_error(c, "cursor", "is not one this server gave for this list and order");
    return ERR_INVALID;
}

static size_t limit_of(uint64_t limit)
{
    return limit ? (size_t)MIN(limit, LIMIT_PAGE_ITEMS) : LIMIT_PAGE_DEFAULT;
}

enum err page_key_parse(struct ctx *c, uint64_t limit, struct slice cursor, char order, struct page_key *ret)
{
    CLEANUP(buf_done) struct buf b = BUF_INIT(KEY_HEAD + LIMIT_SORT_KEY_BYTES);
    struct page_key k = {.limit = limit_of(limit), .first = cursor.len == 0, .text = SLICE("")};
    if (!k.first) {
        if (base64url_decode(&b, cursor) != ERR_OK || b.len < KEY_HEAD || b.ptr[0] != order) return not_ours(c);
        k.number = (int64_t)load_u64be((const uint8_t *)b.ptr + 1);
        memcpy(k.id.b, b.ptr + 9, sizeof k.id.b);
        TRY(arena_slice(&c->arena, slice_sub(buf_view(&b), KEY_HEAD, b.len), &k.text));
        if (!utf8_valid(k.text) || slice_find(k.text, 0) != k.text.len) return not_ours(c);
    }
    *ret = k;
    return ERR_OK;
}

enum err page_key_cursor(struct ctx *c, char order, const struct page_key *last, struct slice *ret)
{
    CLEANUP(buf_done) struct buf raw = BUF_INIT(KEY_HEAD + LIMIT_SORT_KEY_BYTES);
    CLEANUP(buf_done) struct buf text = BUF_INIT(2 * (KEY_HEAD + LIMIT_SORT_KEY_BYTES));
    uint8_t head[KEY_HEAD] = {(uint8_t)order};
    store_u64be(head + 1, (uint64_t)last->number);
    memcpy(head + 9, last->id.b, sizeof last->id.b);
    TRY(buf_put(&raw, slice_of(head, sizeof head)));
    TRY(buf_put(&raw, last->text));
    TRY(base64url_encode(&text, buf_view(&raw)));
    return arena_slice(&c->arena, buf_view(&text), ret);
}

enum err page_parse(struct ctx *c, uint64_t limit, struct slice cursor, struct page *ret)
{
    CLEANUP(buf_done) struct buf b = BUF_INIT(24);
    struct page p = {.limit = limit_of(limit), .before_ms = INT64_MAX};
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
