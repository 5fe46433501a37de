/* The front of blob storage: checks arguments and limits once, keeps the count and first error of each writer, and passes on
 * to the backend. Stores nothing itself. */
#include "blob/blob.h"

#include "base/assert.h"
#include "base/intmath.h"
#include "blob/blob_impl.h"

const struct blob_props *blob_props(const struct blob_store *s) { return &s->props; }

static enum err check_key(struct ctx *c, struct blob_key key)
{
    return id_is_zero(key.id) ? fail(c, ERR_INVALID, "blob key is zero") : ERR_OK;
}

enum err blob_begin(struct ctx *c, struct blob_store *s, struct blob_key key, struct blob_ref *ret)
{
    struct blob_ref ref = {0};
    TRY(check_key(c, key));
    TRY(s->ops->begin(c, s, key, &ref));
    *ret = ref;
    return ERR_OK;
}

enum err blob_part_open(struct ctx *c, struct blob_store *s, struct blob_key key,
                        const struct blob_ref *ref, const struct blob_part *part,
                        struct blob_writer **ret)
{
    struct blob_writer *w = NULL;
    uint64_t end = 0;
    TRY(check_key(c, key));
    if (part->number >= s->props.parts_max)
        return fail(c, ERR_TOO_LARGE, "part number %u", (unsigned)part->number);
    if (part->size_bytes_max > s->props.part_bytes_max ||
        u64_add(part->offset_bytes, part->size_bytes_max, &end) != ERR_OK || end > BLOB_BYTES_MAX)
        return fail(c, ERR_TOO_LARGE, "part of %llu bytes at %llu",
                    (unsigned long long)part->size_bytes_max,
                    (unsigned long long)part->offset_bytes);
    TRY(s->ops->part_open(c, s, key, ref, part, &w));
    w->store = s;
    w->part = *part;
    *ret = w;
    return ERR_OK;
}

static enum err write_checked(struct ctx *c, struct blob_writer *w, const void *p, size_t n)
{
    if (n > w->part.size_bytes_max - w->written_bytes)
        return fail(c, ERR_TOO_LARGE, "part %u grows past %llu bytes", (unsigned)w->part.number,
                    (unsigned long long)w->part.size_bytes_max);
    return n ? w->store->ops->part_write(c, w, p, n) : ERR_OK;
}

enum err blob_part_write(struct ctx *c, struct blob_writer *w, const void *p, size_t n)
{
    if (w->failed != ERR_OK)
        return fail(c, w->failed, "part %u failed before", (unsigned)w->part.number);
    ASSERT(w->written_bytes <= w->part.size_bytes_max);
    w->failed = write_checked(c, w, p, n);
    if (w->failed == ERR_OK) w->written_bytes += n;
    return w->failed;
}

enum err blob_part_read(struct ctx *c, struct blob_writer *w, uint64_t off, void *p, size_t n)
{
    if (w->failed != ERR_OK)
        return fail(c, w->failed, "part %u failed before", (unsigned)w->part.number);
    ASSERT(off <= w->written_bytes && n <= w->written_bytes - off);
    return n ? w->store->ops->part_read(c, w, off, p, n) : ERR_OK;
}

enum err blob_part_close(struct ctx *c, struct blob_writer *w, enum blob_durability d,
                         struct blob_tag *ret)
{
    struct blob_tag tag = {0};
    enum err failed = w->failed;
    if (failed != ERR_OK) {
        uint32_t number = w->part.number;
        w->store->ops->part_abort(w);
        return fail(c, failed, "part %u failed before", (unsigned)number);
    }
    TRY(w->store->ops->part_close(c, w, d, &tag));
    *ret = tag;
    return ERR_OK;
}

void blob_part_abort(struct blob_writer *w)
{
    if (w) w->store->ops->part_abort(w);
}

static enum err check_commit(struct ctx *c, const struct blob_store *s, struct blob_key key, size_t n, uint64_t size_bytes)
{
    TRY(check_key(c, key));
    if (n > s->props.parts_max || size_bytes > BLOB_BYTES_MAX)
        return fail(c, ERR_TOO_LARGE, "commit of %zu parts, %llu bytes", n,
                    (unsigned long long)size_bytes);
    return ERR_OK;
}

enum err blob_commit(struct ctx *c, struct blob_store *s, struct blob_key key,
                     const struct blob_ref *ref, const struct blob_tag *tags, size_t n,
                     uint64_t size_bytes)
{
    TRY(check_commit(c, s, key, n, size_bytes));
    return s->ops->commit(c, s, key, ref, tags, n, size_bytes);
}

enum err blob_commit_all(struct ctx *c, struct blob_store *s, const struct blob_commit *list, size_t count)
{
    for (size_t i = 0; i < count; i++) TRY(check_commit(c, s, list[i].key, list[i].n, list[i].size_bytes));
    if (s->ops->commit_all) return count ? s->ops->commit_all(c, s, list, count) : ERR_OK;
    for (size_t i = 0; i < count; i++) {
        const struct blob_commit *b = &list[i];
        TRY(s->ops->commit(c, s, b->key, &b->ref, b->tags, b->n, b->size_bytes));
    }
    return ERR_OK;
}

enum err blob_abort(struct ctx *c, struct blob_store *s, struct blob_key key,
                    const struct blob_ref *ref)
{
    TRY(check_key(c, key));
    return s->ops->abort(c, s, key, ref);
}

enum err blob_open(struct ctx *c, struct blob_store *s, struct blob_key key,
                   struct blob_reader **ret, uint64_t *ret_size_bytes)
{
    struct blob_reader *r = NULL;
    uint64_t size = 0;
    TRY(check_key(c, key));
    TRY(s->ops->open(c, s, key, &r, &size));
    r->store = s;
    r->size_bytes = size;
    *ret = r;
    *ret_size_bytes = size;
    return ERR_OK;
}

enum err blob_read(struct ctx *c, struct blob_reader *r, uint64_t off, void *p, size_t n,
                   size_t *ret_n)
{
    size_t got = 0;
    if (off < r->size_bytes && n) TRY(r->store->ops->read(c, r, off, p, n, &got));
    ASSERT(got <= n);
    *ret_n = got;
    return ERR_OK;
}

int blob_reader_fd(const struct blob_reader *r) { return r->store->ops->reader_fd(r); }

void blob_close(struct blob_reader *r)
{
    if (r) r->store->ops->reader_close(r);
}

enum err blob_remove(struct ctx *c, struct blob_store *s, struct blob_key key, enum blob_erase e)
{
    TRY(check_key(c, key));
    return s->ops->remove(c, s, key, e);
}

enum err blob_list(struct ctx *c, struct blob_store *s, blob_visit_fn *visit, void *arg)
{
    return s->ops->list(c, s, visit, arg);
}

enum err blob_health(struct ctx *c, struct blob_store *s, uint64_t *ret_free_bytes)
{
    uint64_t free_bytes = UINT64_MAX;
    TRY(s->ops->health(c, s, &free_bytes));
    *ret_free_bytes = free_bytes;
    return ERR_OK;
}

void blob_store_close(struct blob_store *s)
{
    if (s) s->ops->close(s);
}
