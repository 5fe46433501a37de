/* Reading an archive: literal records from codec/zip, file content from file readers opened one at a time. */
#include "core/transfer/archive.h"

#include "base/buf.h"
#include "base/intmath.h"
#include "base/limits.h"
#include "codec/base64.h"
#include "codec/zip.h"
#include "crypto/hash.h"

struct archive {
    struct app *app;
    const struct file *files;
    size_t n;
    struct zip_plan *plan;
    struct zip_entry *entries;
};

void archive_free(struct archive *a)
{
    if (!a) return;
    zip_plan_free(a->plan);
    mem_free(a);
}

static enum err plan(struct ctx *c, struct archive *a)
{
    a->entries = ARENA_ARRAY(&c->arena, struct zip_entry, a->n + 1);
    if (!a->entries) return ERR_NOMEM;
    for (size_t i = 0; i < a->n; i++) {
        const struct file *f = &a->files[i];
        a->entries[i] = (struct zip_entry){f->name, f->size, f->crc32, f->modified_at};
    }
    TRY(zip_unique(&c->arena, a->entries, a->n));
    return zip_plan_new(a->entries, a->n, &a->plan);
}

enum err archive_plan(struct ctx *c, struct app *app, const struct file *files, size_t n, struct archive **ret)
{
    struct archive *a = MEM_NEW(struct archive);
    if (!a) return ERR_NOMEM;
    a->app = app;
    a->files = files;
    a->n = n;
    enum err e = plan(c, a);
    if (e != ERR_OK) {
        archive_free(a);
        return e;
    }
    *ret = a;
    return ERR_OK;
}

uint64_t archive_size(const struct archive *a) { return zip_plan_size(a->plan); }

enum err archive_etag(struct ctx *c, const struct archive *a, struct slice *ret)
{
    CLEANUP(hasher_cleanup) struct hasher *h = NULL;
    CLEANUP(buf_done) struct buf text = BUF_INIT(64);
    struct sha256 sum;
    uint8_t layout = ZIP_LAYOUT, size[8];
    TRY(hasher_new(&h));
    TRY(hasher_add(h, &layout, 1));
    for (size_t i = 0; i < a->n; i++) {
        const struct file *f = &a->files[i];
        TRY(hasher_add(h, f->id.b, sizeof f->id.b));
        TRY(hasher_add(h, f->headers_hash.ptr, f->headers_hash.len));
        store_u64be(size, (uint64_t)a->entries[i].mtime_ms);
        TRY(hasher_add(h, size, sizeof size));
        store_u64be(size, a->entries[i].path.len);
        TRY(hasher_add(h, size, sizeof size));
        TRY(hasher_add(h, a->entries[i].path.ptr, a->entries[i].path.len));
    }
    TRY(hasher_sum(h, &sum));
    TRY(buf_putc(&text, '"'));
    TRY(base64url_encode(&text, slice_of(sum.b, 16)));
    TRY(buf_putc(&text, '"'));
    return arena_slice(&c->arena, buf_view(&text), ret);
}

struct archive_reader {
    struct reader reader;
    struct archive *archive;
    uint64_t at, end;
    struct reader *content; /* of the entry being read; NULL between entries */
    uint64_t content_left;
    struct ctx own; /* memory of one entry's reader: a transfer may have more files than a request has memory for */
};

static void drop_content(struct archive_reader *r, bool complete)
{
    reader_close(TAKE(r->content), &r->own, complete);
    ctx_clear_error(&r->own);
    arena_reset(&r->own.arena);
}

static enum err open_content(struct ctx *c, struct archive_reader *r, const struct zip_piece *p)
{
    const struct file *f = &r->archive->files[p->entry];
    enum err e = file_read_plain(&r->own, r->archive->app, f, p->offset, p->len, &r->content);
    if (e != ERR_OK) return fail(c, e, "%s", r->own.err_detail);
    r->content_left = p->len;
    return ERR_OK;
}

static enum err read_content(struct ctx *c, struct archive_reader *r, void *p, size_t cap, size_t *ret_n)
{
    size_t n = 0;
    enum err e = r->content->ops->read(r->content, &r->own, p, (size_t)MIN((uint64_t)cap, r->content_left), &n);
    if (e == ERR_OK && n == 0) e = ERR_CORRUPT;
    if (e != ERR_OK) return fail(c, e, "%s", r->own.err_detail);
    r->content_left -= n;
    if (r->content_left == 0) drop_content(r, true);
    *ret_n = n;
    return ERR_OK;
}

static enum err read_some(struct ctx *c, struct archive_reader *r, char *p, size_t cap, size_t *ret_n)
{
    struct zip_piece piece;
    if (r->content) return read_content(c, r, p, cap, ret_n);
    TRY(zip_plan_piece(r->archive->plan, r->at, &piece));
    if (piece.kind == ZIP_CONTENT) {
        TRY(open_content(c, r, &piece));
        return read_content(c, r, p, cap, ret_n);
    }
    size_t n = MIN(cap, piece.bytes.len);
    memcpy(p, piece.bytes.ptr, n);
    *ret_n = n;
    return ERR_OK;
}

static enum err archive_reader_read(struct reader *reader, struct ctx *c, void *p, size_t cap, size_t *ret_n)
{
    struct archive_reader *r = (struct archive_reader *)reader;
    size_t done = 0;
    cap = (size_t)MIN((uint64_t)cap, r->end - r->at);
    while (done < cap) {
        size_t n = 0;
        TRY(read_some(c, r, (char *)p + done, cap - done, &n));
        done += n;
        r->at += n;
    }
    *ret_n = done;
    return ERR_OK;
}

static void archive_reader_close(struct reader *reader, struct ctx *c, bool complete)
{
    struct archive_reader *r = (struct archive_reader *)reader;
    (void)c;
    drop_content(r, complete);
    ctx_done(&r->own);
    archive_free(r->archive);
    mem_free(r);
}

static const struct reader_ops archive_ops = {.read = archive_reader_read, .close = archive_reader_close};

enum err archive_read(struct ctx *c, struct archive *a, uint64_t first, uint64_t length, struct reader **ret)
{
    struct archive_reader *r = MEM_NEW(struct archive_reader);
    (void)c;
    if (!r) {
        archive_free(a);
        return ERR_NOMEM;
    }
    r->reader.ops = &archive_ops;
    r->archive = a;
    r->at = first;
    r->end = first + length;
    ctx_init(&r->own, LIMIT_REQUEST_ARENA_BYTES);
    *ret = &r->reader;
    return ERR_OK;
}
