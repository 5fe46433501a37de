/* Memory backend: for tests and for stores that need not outlive the process. The same rules as on disk: parts in place,
 * eviction (gate.h), receipts that must make up the whole, readers that outlive the removal. Bounded. */
#include <string.h>

#include "base/intmath.h"
#include "base/mem.h"
#include "blob/blob_impl.h"
#include "blob/gate.h"
#include "os/clock.h"

#define MEM_STORE_BYTES_MAX (1 * GIB)
#define MEM_BUCKETS 256

struct mem_blob {
    struct blob_key key;
    char *ptr;
    size_t size, cap;
    bool committed;
    bool erase; /* before it is freed */
    int64_t modified_ms;
    unsigned refs; /* the table, and each reader */
    struct mem_blob *next;
};

struct mem_store {
    struct blob_store base;
    struct blob_gate gate;
    /* Guards everything below and all blobs. Taken inside a gate section, never around one. */
    struct mutex m;
    struct mem_blob *buckets[MEM_BUCKETS];
    size_t used_bytes;
};

struct mem_writer {
    struct blob_writer base;
    struct mem_store *store;
    struct blob_gate_slot slot;
};

struct mem_reader {
    struct blob_reader base;
    struct mem_blob *blob;
};

static struct mem_store *mem_of(struct blob_store *s) { return (struct mem_store *)s; }

static struct mem_blob **find(struct mem_store *s, struct blob_key key)
{
    struct mem_blob **at = &s->buckets[key.id.b[15] % MEM_BUCKETS];
    while (*at && !id_eq((*at)->key.id, key.id)) at = &(*at)->next;
    return at;
}

static void unref(struct mem_store *s, struct mem_blob *b)
{
    if (--b->refs) return;
    s->used_bytes -= b->cap;
    if (b->erase) mem_wipe(b->ptr, b->size);
    mem_free(b->ptr);
    mem_free(b);
}

static void drop(struct mem_store *s, struct mem_blob **at)
{
    struct mem_blob *b = *at;
    *at = b->next;
    unref(s, b);
}

/* New bytes are zero, as a hole in a file is. */
static enum err grow(struct mem_store *s, struct mem_blob *b, size_t end)
{
    if (end > b->cap) {
        size_t cap = MAX(end, MIN(b->cap * 2, b->cap + 16 * MIB));
        if (cap - b->cap > MEM_STORE_BYTES_MAX - s->used_bytes) return ERR_NOSPACE;
        char *p = mem_realloc(b->ptr, cap);
        if (!p) return ERR_NOMEM;
        memset(p + b->cap, 0, cap - b->cap);
        s->used_bytes += cap - b->cap;
        b->ptr = p;
        b->cap = cap;
    }
    b->size = MAX(b->size, end);
    return ERR_OK;
}

static enum err begin_locked(struct ctx *c, struct mem_store *s, struct blob_key key)
{
    struct mem_blob **at = find(s, key);
    if (*at) return (*at)->committed ? fail(c, ERR_EXISTS, "blob is committed") : ERR_OK;
    struct mem_blob *b = MEM_NEW(struct mem_blob);
    if (!b) return fail(c, ERR_NOMEM, "blob");
    b->key = key;
    b->modified_ms = clock_wall_ms();
    b->refs = 1;
    *at = b;
    return ERR_OK;
}

static enum err mem_begin(struct ctx *c, struct blob_store *store, struct blob_key key,
                          struct blob_ref *ret)
{
    struct mem_store *s = mem_of(store);
    *ret = (struct blob_ref){.text = "mem"};
    GUARD(&s->m);
    return begin_locked(c, s, key);
}

static void mem_part_abort(struct blob_writer *base)
{
    struct mem_writer *w = (struct mem_writer *)base;
    blob_gate_close(&w->store->gate, &w->slot);
    mem_free(w);
}

static bool uploading(struct mem_store *s, struct blob_key key)
{
    GUARD(&s->m);
    const struct mem_blob *b = *find(s, key);
    return b && !b->committed;
}

static enum err mem_part_open(struct ctx *c, struct blob_store *store, struct blob_key key,
                              const struct blob_ref *ref, const struct blob_part *part,
                              struct blob_writer **ret)
{
    struct mem_store *s = mem_of(store);
    (void)ref;
    struct mem_writer *w = MEM_NEW(struct mem_writer);
    if (!w) return fail(c, ERR_NOMEM, "writer");
    w->store = s;
    blob_gate_open(&s->gate, &w->slot, key, part->number);
    if (!uploading(s, key)) {
        mem_part_abort(&w->base);
        return fail(c, ERR_NOT_FOUND, "no upload");
    }
    *ret = &w->base;
    return ERR_OK;
}

static enum err write_locked(struct ctx *c, struct mem_writer *w, const void *p, size_t n)
{
    uint64_t at = w->base.part.offset_bytes + w->base.written_bytes;
    struct mem_blob *b = *find(w->store, w->slot.key);
    /* Abort and commit evict first: who is still inside the gate has a blob to write to. */
    enum err e = at > SIZE_MAX - n ? ERR_NOSPACE : grow(w->store, b, (size_t)at + n);
    if (e != ERR_OK) return fail(c, e, "write part %u", (unsigned)w->slot.part);
    memcpy(b->ptr + at, p, n);
    b->modified_ms = clock_wall_ms();
    return ERR_OK;
}

static enum err mem_part_write(struct ctx *c, struct blob_writer *base, const void *p, size_t n)
{
    struct mem_writer *w = (struct mem_writer *)base;
    if (blob_gate_enter(&w->store->gate, &w->slot) != ERR_OK)
        return fail(c, ERR_CANCELLED, "another writer took part %u over", (unsigned)w->slot.part);
    mutex_lock(&w->store->m);
    enum err e = write_locked(c, w, p, n);
    mutex_unlock(&w->store->m);
    blob_gate_leave(&w->store->gate, &w->slot);
    return e;
}

static enum err mem_part_read(struct ctx *c, struct blob_writer *base, uint64_t off, void *p, size_t n)
{
    struct mem_writer *w = (struct mem_writer *)base;
    if (blob_gate_enter(&w->store->gate, &w->slot) != ERR_OK)
        return fail(c, ERR_CANCELLED, "another writer took part %u over", (unsigned)w->slot.part);
    mutex_lock(&w->store->m);
    memcpy(p, (*find(w->store, w->slot.key))->ptr + base->part.offset_bytes + off, n);
    mutex_unlock(&w->store->m);
    blob_gate_leave(&w->store->gate, &w->slot);
    return ERR_OK;
}

static enum err mem_part_close(struct ctx *c, struct blob_writer *base, enum blob_durability d,
                               struct blob_tag *ret)
{
    struct mem_writer *w = (struct mem_writer *)base;
    enum err e = ERR_OK;
    (void)d;
    if (!blob_gate_close(&w->store->gate, &w->slot))
        e = fail(c, ERR_CANCELLED, "another writer took part %u over", (unsigned)w->slot.part);
    if (e == ERR_OK) blob_tag_make(ret, base->part.offset_bytes, base->written_bytes, 0);
    mem_free(w);
    return e;
}

static enum err commit_locked(struct ctx *c, struct mem_store *s, struct blob_key key,
                              const struct blob_tag *tags, size_t n, uint64_t size_bytes)
{
    uint64_t later_id = 0;
    struct mem_blob *b = *find(s, key);
    if (!b) return fail(c, ERR_NOT_FOUND, "no upload");
    if (b->committed)
        return b->size == size_bytes ? ERR_OK : fail(c, ERR_CONFLICT, "committed with another size");
    TRY(blob_tags_check(c, tags, n, size_bytes, &later_id));
    if (b->size < size_bytes) return fail(c, ERR_CORRUPT, "upload is shorter than its receipts");
    b->size = (size_t)size_bytes;
    b->committed = true;
    return ERR_OK;
}

static enum err mem_commit(struct ctx *c, struct blob_store *store, struct blob_key key,
                           const struct blob_ref *ref, const struct blob_tag *tags, size_t n,
                           uint64_t size_bytes)
{
    struct mem_store *s = mem_of(store);
    struct blob_gate_slot claim;
    (void)ref;
    blob_gate_claim(&s->gate, &claim, key);
    mutex_lock(&s->m);
    enum err e = commit_locked(c, s, key, tags, n, size_bytes);
    mutex_unlock(&s->m);
    blob_gate_close(&s->gate, &claim);
    return e;
}

/* Removes what is in the state `committed`, if there is such a blob. */
static void take_away(struct mem_store *s, struct blob_key key, bool committed, bool erase)
{
    struct blob_gate_slot claim;
    blob_gate_claim(&s->gate, &claim, key);
    mutex_lock(&s->m);
    struct mem_blob **at = find(s, key);
    if (*at && (*at)->committed == committed) {
        (*at)->erase = erase;
        drop(s, at);
    }
    mutex_unlock(&s->m);
    blob_gate_close(&s->gate, &claim);
}

static enum err mem_abort(struct ctx *c, struct blob_store *store, struct blob_key key,
                          const struct blob_ref *ref)
{
    (void)c;
    (void)ref;
    take_away(mem_of(store), key, false, false);
    return ERR_OK;
}

static enum err mem_remove(struct ctx *c, struct blob_store *store, struct blob_key key,
                           enum blob_erase e)
{
    (void)c;
    take_away(mem_of(store), key, true, e == BLOB_OVERWRITE);
    return ERR_OK;
}

static enum err mem_open(struct ctx *c, struct blob_store *store, struct blob_key key,
                         struct blob_reader **ret, uint64_t *ret_size_bytes)
{
    struct mem_store *s = mem_of(store);
    struct mem_reader *r = MEM_NEW(struct mem_reader);
    if (!r) return fail(c, ERR_NOMEM, "reader");
    GUARD(&s->m);
    struct mem_blob *b = *find(s, key);
    if (!b || !b->committed) {
        mem_free(r);
        return fail(c, ERR_NOT_FOUND, "no such blob");
    }
    b->refs++;
    r->blob = b;
    *ret = &r->base;
    *ret_size_bytes = b->size;
    return ERR_OK;
}

static enum err mem_read(struct ctx *c, struct blob_reader *base, uint64_t off, void *p, size_t n,
                         size_t *ret_n)
{
    const struct mem_blob *b = ((struct mem_reader *)base)->blob;
    size_t from = (size_t)off;
    (void)c;
    GUARD(&mem_of(base->store)->m);
    size_t got = MIN(n, b->size - from);
    memcpy(p, b->ptr + from, got);
    *ret_n = got;
    return ERR_OK;
}

static int mem_reader_fd(const struct blob_reader *r)
{
    (void)r;
    return -1;
}

static void mem_reader_close(struct blob_reader *base)
{
    struct mem_store *s = mem_of(base->store);
    mutex_lock(&s->m);
    unref(s, ((struct mem_reader *)base)->blob);
    mutex_unlock(&s->m);
    mem_free(base);
}

struct seen {
    struct blob_key key;
    int64_t modified_ms;
    bool committed;
};

/* A copy, so that the visitor may call the store. */
static enum err snapshot(struct mem_store *s, struct seen **ret, size_t *ret_n)
{
    size_t n = 0;
    GUARD(&s->m);
    for (size_t i = 0; i < MEM_BUCKETS; i++)
        for (const struct mem_blob *b = s->buckets[i]; b; b = b->next) n++;
    struct seen *all = mem_alloc(n, sizeof *all);
    if (!all) return ERR_NOMEM;
    n = 0;
    for (size_t i = 0; i < MEM_BUCKETS; i++)
        for (const struct mem_blob *b = s->buckets[i]; b; b = b->next)
            all[n++] = (struct seen){b->key, b->modified_ms, b->committed};
    *ret = all;
    *ret_n = n;
    return ERR_OK;
}

static enum err mem_list(struct ctx *c, struct blob_store *store, blob_visit_fn *visit, void *arg)
{
    CLEANUP(mem_cleanup) struct seen *all = NULL;
    size_t n = 0;
    if (snapshot(mem_of(store), &all, &n) != ERR_OK) return fail(c, ERR_NOMEM, "list of blobs");
    for (size_t i = 0; i < n; i++)
        TRY(visit(c, all[i].key, all[i].committed, all[i].modified_ms, arg));
    return ERR_OK;
}

static enum err mem_health(struct ctx *c, struct blob_store *store, uint64_t *ret_free_bytes)
{
    struct mem_store *s = mem_of(store);
    (void)c;
    GUARD(&s->m);
    *ret_free_bytes = MEM_STORE_BYTES_MAX - s->used_bytes;
    return ERR_OK;
}

static void mem_close(struct blob_store *store)
{
    struct mem_store *s = mem_of(store);
    for (size_t i = 0; i < MEM_BUCKETS; i++)
        while (s->buckets[i]) drop(s, &s->buckets[i]);
    blob_gate_done(&s->gate);
    mutex_done(&s->m);
    mem_free(s);
}

static const struct blob_ops mem_ops = {
    .begin = mem_begin,
    .part_open = mem_part_open,
    .part_write = mem_part_write,
    .part_read = mem_part_read,
    .part_close = mem_part_close,
    .part_abort = mem_part_abort,
    .commit = mem_commit,
    .abort = mem_abort,
    .open = mem_open,
    .read = mem_read,
    .reader_fd = mem_reader_fd,
    .reader_close = mem_reader_close,
    .remove = mem_remove,
    .list = mem_list,
    .health = mem_health,
    .close = mem_close,
};

enum err blob_mem_open(struct ctx *c, struct blob_store **ret)
{
    struct mem_store *s = MEM_NEW(struct mem_store);
    if (!s) return fail(c, ERR_NOMEM, "store");
    s->base.ops = &mem_ops;
    s->base.props = (struct blob_props){
        .name = "mem",
        .part_bytes_min = 1,
        .part_bytes_max = MEM_STORE_BYTES_MAX,
        .parts_max = LIMIT_PARTS,
        .erases = true,
    };
    mutex_init(&s->m);
    blob_gate_init(&s->gate);
    *ret = &s->base;
    return ERR_OK;
}
