/* Fault wrapper: counts each call that can fail and makes the n-th fail before the inner store sees it. For tests.
 * Passes everything else through; a failed close or write still frees what it must. */
#include <stdatomic.h>

#include "base/assert.h"
#include "base/mem.h"
#include "blob/blob_impl.h"

struct fault_store {
    struct blob_store base;
    struct blob_store *inner;
    _Atomic uint64_t seen, at;
    _Atomic(enum err) e;
    atomic_bool for_ever;
};

struct fault_writer {
    struct blob_writer base;
    struct fault_store *store;
    struct blob_writer *inner;
};

struct fault_reader {
    struct blob_reader base;
    struct blob_reader *inner;
};

static struct fault_store *fault_of(struct blob_store *s) { return (struct fault_store *)s; }

/* Counts one call; ERR_OK when it may go on. */
static enum err step(struct ctx *c, struct fault_store *s)
{
    uint64_t n = atomic_fetch_add(&s->seen, 1), at = atomic_load(&s->at);
    if (n == at || (n > at && atomic_load(&s->for_ever)))
        return fail(c, atomic_load(&s->e), "injected at call %llu", (unsigned long long)n);
    return ERR_OK;
}

static enum err fault_begin(struct ctx *c, struct blob_store *s, struct blob_key key,
                            struct blob_ref *ret)
{
    TRY(step(c, fault_of(s)));
    return blob_begin(c, fault_of(s)->inner, key, ret);
}

static enum err fault_part_open(struct ctx *c, struct blob_store *s, struct blob_key key,
                                const struct blob_ref *ref, const struct blob_part *part,
                                struct blob_writer **ret)
{
    TRY(step(c, fault_of(s)));
    CLEANUP(mem_cleanup) struct fault_writer *w = MEM_NEW(struct fault_writer);
    if (!w) return fail(c, ERR_NOMEM, "writer");
    w->store = fault_of(s);
    TRY(blob_part_open(c, w->store->inner, key, ref, part, &w->inner));
    *ret = &TAKE(w)->base;
    return ERR_OK;
}

static enum err fault_part_write(struct ctx *c, struct blob_writer *base, const void *p, size_t n)
{
    struct fault_writer *w = (struct fault_writer *)base;
    TRY(step(c, w->store));
    return blob_part_write(c, w->inner, p, n);
}

static enum err fault_part_read(struct ctx *c, struct blob_writer *base, uint64_t off, void *p, size_t n)
{
    struct fault_writer *w = (struct fault_writer *)base;
    TRY(step(c, w->store));
    return blob_part_read(c, w->inner, off, p, n);
}

static void fault_part_abort(struct blob_writer *base)
{
    blob_part_abort(((struct fault_writer *)base)->inner);
    mem_free(base);
}

static enum err fault_part_close(struct ctx *c, struct blob_writer *base, enum blob_durability d,
                                 struct blob_tag *ret)
{
    struct fault_writer *w = (struct fault_writer *)base;
    enum err e = step(c, w->store);
    if (e != ERR_OK) {
        fault_part_abort(base);
        return e;
    }
    e = blob_part_close(c, w->inner, d, ret);
    mem_free(w);
    return e;
}

static enum err fault_commit(struct ctx *c, struct blob_store *s, struct blob_key key,
                             const struct blob_ref *ref, const struct blob_tag *tags, size_t n,
                             uint64_t size_bytes)
{
    TRY(step(c, fault_of(s)));
    return blob_commit(c, fault_of(s)->inner, key, ref, tags, n, size_bytes);
}

static enum err fault_commit_all(struct ctx *c, struct blob_store *s, const struct blob_commit *list, size_t count)
{
    TRY(step(c, fault_of(s)));
    return blob_commit_all(c, fault_of(s)->inner, list, count);
}

static enum err fault_abort(struct ctx *c, struct blob_store *s, struct blob_key key,
                            const struct blob_ref *ref)
{
    TRY(step(c, fault_of(s)));
    return blob_abort(c, fault_of(s)->inner, key, ref);
}

static enum err fault_open(struct ctx *c, struct blob_store *s, struct blob_key key,
                           struct blob_reader **ret, uint64_t *ret_size_bytes)
{
    TRY(step(c, fault_of(s)));
    CLEANUP(mem_cleanup) struct fault_reader *r = MEM_NEW(struct fault_reader);
    if (!r) return fail(c, ERR_NOMEM, "reader");
    TRY(blob_open(c, fault_of(s)->inner, key, &r->inner, ret_size_bytes));
    *ret = &TAKE(r)->base;
    return ERR_OK;
}

static enum err fault_read(struct ctx *c, struct blob_reader *base, uint64_t off, void *p, size_t n,
                           size_t *ret_n)
{
    TRY(step(c, fault_of(base->store)));
    return blob_read(c, ((struct fault_reader *)base)->inner, off, p, n, ret_n);
}

static int fault_reader_fd(const struct blob_reader *base)
{
    return blob_reader_fd(((const struct fault_reader *)base)->inner);
}

static void fault_reader_close(struct blob_reader *base)
{
    blob_close(((struct fault_reader *)base)->inner);
    mem_free(base);
}

static enum err fault_remove(struct ctx *c, struct blob_store *s, struct blob_key key,
                             enum blob_erase e)
{
    TRY(step(c, fault_of(s)));
    return blob_remove(c, fault_of(s)->inner, key, e);
}

static enum err fault_list(struct ctx *c, struct blob_store *s, blob_visit_fn *visit, void *arg)
{
    TRY(step(c, fault_of(s)));
    return blob_list(c, fault_of(s)->inner, visit, arg);
}

static enum err fault_health(struct ctx *c, struct blob_store *s, uint64_t *ret_free_bytes)
{
    TRY(step(c, fault_of(s)));
    return blob_health(c, fault_of(s)->inner, ret_free_bytes);
}

static void fault_close(struct blob_store *s)
{
    blob_store_close(fault_of(s)->inner);
    mem_free(s);
}

static const struct blob_ops fault_ops = {
    .begin = fault_begin,
    .part_open = fault_part_open,
    .part_write = fault_part_write,
    .part_read = fault_part_read,
    .part_close = fault_part_close,
    .part_abort = fault_part_abort,
    .commit = fault_commit,
    .commit_all = fault_commit_all,
    .abort = fault_abort,
    .open = fault_open,
    .read = fault_read,
    .reader_fd = fault_reader_fd,
    .reader_close = fault_reader_close,
    .remove = fault_remove,
    .list = fault_list,
    .health = fault_health,
    .close = fault_close,
};

enum err blob_fault_open(struct ctx *c, struct blob_store *inner, struct blob_store **ret)
{
    struct fault_store *s = MEM_NEW(struct fault_store);
    if (!s) {
        blob_store_close(inner);
        return fail(c, ERR_NOMEM, "store");
    }
    s->base.ops = &fault_ops;
    s->base.props = *blob_props(inner);
    s->inner = inner;
    atomic_store(&s->at, UINT64_MAX);
    *ret = &s->base;
    return ERR_OK;
}

void blob_fault_set(struct blob_store *s, uint64_t n, bool for_ever, enum err e)
{
    ASSERT(s->ops == &fault_ops && e != ERR_OK);
    struct fault_store *f = fault_of(s);
    atomic_store(&f->seen, 0);
    atomic_store(&f->at, n);
    atomic_store(&f->for_ever, for_ever);
    atomic_store(&f->e, e);
}

uint64_t blob_fault_count(const struct blob_store *s)
{
    ASSERT(s->ops == &fault_ops);
    return atomic_load(&((const struct fault_store *)s)->seen);
}
