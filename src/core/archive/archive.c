/* Reading an archive: literal records from codec/zip, file content from file readers opened one at a time. */
#include "core/archive/archive.h"

#include "base/buf.h"
#include "base/intmath.h"
#include "base/limits.h"
#include "codec/base64.h"
#include "codec/zip.h"
#include "core/file/version.h"
#include "crypto/hash.h"

struct archive {
    struct app *app;
    struct arena arena; /* of what follows */
    struct archived {
        struct id file_id, content_id;
    } *files;
    struct zip_entry *entries;
    size_t n;
    struct zip_plan *plan;
    struct sha256 contents; /* over the ids and headers_hashes of the files */
};

void archive_free(struct archive *a)
{
    if (!a) return;
    zip_plan_free(a->plan);
    arena_done(&a->arena);
    mem_free(a);
}

static enum err keep_file(struct archive *a, size_t i, const struct file *f, struct hasher *h)
{
    a->files[i] = (struct archived){f->id, f->content.id};
    a->entries[i] = (struct zip_entry){.size = f->size, .crc32 = f->content.crc32, .mtime_ms = f->modified_at};
    TRY(hasher_add(h, f->id.b, sizeof f->id.b));
    return hasher_add(h, f->content.headers_hash.ptr, f->content.headers_hash.len);
}

static enum err keep(struct archive *a, const struct archive_item *items, size_t n)
{
    CLEANUP(hasher_cleanup) struct hasher *h = NULL;
    a->n = n;
    a->files = ARENA_ARRAY(&a->arena, struct archived, n + 1);
    a->entries = ARENA_ARRAY(&a->arena, struct zip_entry, n + 1);
    if (!a->files || !a->entries) return ERR_NOMEM;
    TRY(hasher_new(&h));
    for (size_t i = 0; i < n; i++) {
        if (items[i].file)
            TRY(keep_file(a, i, items[i].file, h));
        else
            a->entries[i].mtime_ms = items[i].modified_at;
        TRY(arena_slice(&a->arena, items[i].path, &a->entries[i].path));
    }
    TRY(hasher_sum(h, &a->contents));
    TRY(zip_unique(&a->arena, a->entries, n));
    return zip_plan_new(a->entries, n, &a->plan);
}

enum err archive_new(struct app *app, const struct archive_item *items, size_t n, struct archive **ret)
{
    struct archive *a = MEM_NEW(struct archive);
    if (!a) return ERR_NOMEM;
    a->app = app;
    arena_init(&a->arena, LIMIT_REQUEST_ARENA_BYTES);
    enum err e = keep(a, items, n);
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
    uint8_t layout = ZIP_LAYOUT, number[8];
    TRY(hasher_new(&h));
    TRY(hasher_add(h, &layout, 1));
    TRY(hasher_add(h, a->contents.b, sizeof a->contents.b));
    for (size_t i = 0; i < a->n; i++) {
        store_u64be(number, (uint64_t)a->entries[i].mtime_ms);
        TRY(hasher_add(h, number, sizeof number));
        store_u64be(number, a->entries[i].path.len);
        TRY(hasher_add(h, number, sizeof number));
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

/* The file as it was when the archive was planned. When that content is gone, what the file is now, if it is the same in another seal. */
static enum err find_file(struct archive_reader *r, size_t entry, struct file *ret)
{
    const struct archived *planned = &r->archive->files[entry];
    const struct zip_entry *e = &r->archive->entries[entry];
    struct file now;
    TRY(file_load(&r->own, r->archive->app, &planned->file_id, &now));
    enum err found = version_with_content(&r->own, r->archive->app, &now, &planned->content_id, ret);
    if (found != ERR_NOT_FOUND || now.size != e->size || now.content.crc32 != e->crc32) return found;
    *ret = now;
    return ERR_OK;
}

static enum err open_content(struct ctx *c, struct archive_reader *r, const struct zip_piece *p)
{
    struct file f;
    enum err e = find_file(r, p->entry, &f);
    if (e == ERR_NOT_FOUND) return fail(c, ERR_CORRUPT, "a file of the archive was deleted or replaced while it was read");
    if (e == ERR_OK) e = file_read_plain(&r->own, r->archive->app, &f, p->offset, p->len, &r->content);
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
