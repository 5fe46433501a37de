/* Local backend: writing parts in place.
 *
 * Each writer has a descriptor of its own: the kernel reports a failed write-back once to each open descriptor, so on a shared
 * one the first writer to sync would take the news away from the others. */
#include <errno.h>

#include "base/intmath.h"
#include "base/mem.h"
#include "blob/fs_impl.h"
#include "os/clock.h"

/* Write-back is started behind the writer in steps of this, so that little is left for the sync at the end: measured with 256 MiB
 * parts, 3 ms instead of 90. Gathering pieces into larger writes gained nothing from 64 KiB up, so none are gathered. */
#define FLUSH_STEP_BYTES (4 * MIB)

struct fs_writer {
    struct blob_writer base;
    struct fs_store *store;
    struct blob_gate_slot slot;
    int fd;
    uint64_t name_seq; /* the name of the file is durable once names_synced reaches this */
    uint64_t flushed_bytes;
};

static struct fs_writer *writer_of(struct blob_writer *w) { return (struct fs_writer *)w; }

void fs_part_abort(struct blob_writer *base)
{
    struct fs_writer *w = writer_of(base);
    blob_gate_close(&w->store->gate, &w->slot);
    fd_close(&w->fd);
    mem_free(w);
}

enum err fs_part_open(struct ctx *c, struct blob_store *store, struct blob_key key,
                      const struct blob_ref *ref, const struct blob_part *part,
                      struct blob_writer **ret)
{
    struct fs_store *s = fs_of(store);
    struct fs_path path;
    (void)ref;
    struct fs_writer *w = MEM_NEW(struct fs_writer);
    if (!w) return fail(c, ERR_NOMEM, "writer");
    w->store = s;
    w->fd = -1;
    blob_gate_open(&s->gate, &w->slot, key, part->number);
    fs_path_of(s, "tmp", key, &path);
    enum err e = file_open(path.s, O_RDWR, 0, &w->fd);
    if (e != ERR_OK) {
        enum err told = e == ERR_NOT_FOUND ? e : fs_err(e);
        e = fail(c, told, "open '%s': %m", path.s);
        fs_part_abort(&w->base);
        return e;
    }
    GUARD(&s->m);
    w->name_seq = s->names_made;
    *ret = &w->base;
    return ERR_OK;
}

/* Only a hint: a write that it could not start is met again, and reported, by the sync at the end. */
static void flush_behind(struct fs_writer *w, uint64_t step)
{
    uint64_t done = w->base.written_bytes - w->flushed_bytes;
    if (done < step) return;
    uint64_t from = w->base.part.offset_bytes + w->flushed_bytes;
    sys()->sync_file_range(w->fd, (off64_t)from, (off64_t)done, SYNC_FILE_RANGE_WRITE);
    w->flushed_bytes += done;
}

enum err fs_part_write(struct ctx *c, struct blob_writer *base, const void *p, size_t n)
{
    struct fs_writer *w = writer_of(base);
    if (blob_gate_enter(&w->store->gate, &w->slot) != ERR_OK)
        return fail(c, ERR_CANCELLED, "another writer took part %u over", (unsigned)w->slot.part);
    enum err e = file_pwrite_all(w->fd, p, n, base->part.offset_bytes + base->written_bytes);
    if (e != ERR_OK) e = fail(c, fs_err(e), "write part %u: %m", (unsigned)w->slot.part);
    blob_gate_leave(&w->store->gate, &w->slot);
    if (e == ERR_OK) flush_behind(w, FLUSH_STEP_BYTES);
    return e;
}

enum err fs_part_read(struct ctx *c, struct blob_writer *base, uint64_t off, void *p, size_t n)
{
    struct fs_writer *w = writer_of(base);
    if (blob_gate_enter(&w->store->gate, &w->slot) != ERR_OK)
        return fail(c, ERR_CANCELLED, "another writer took part %u over", (unsigned)w->slot.part);
    enum err e = file_pread_all(w->fd, p, n, base->part.offset_bytes + off);
    if (e != ERR_OK) e = fail(c, fs_err(e), "read part %u: %m", (unsigned)w->slot.part);
    blob_gate_leave(&w->store->gate, &w->slot);
    return e;
}

/* One sync of tmp/ covers every name made before it began, whoever waits for it. */
static enum err sync_name(struct ctx *c, struct fs_store *s, uint64_t seq)
{
    struct fs_path path;
    mutex_lock(&s->m);
    bool durable = s->names_synced >= seq;
    uint64_t made = s->names_made;
    mutex_unlock(&s->m);
    if (durable) return ERR_OK;
    fs_path_in(s, "tmp", &path);
    TRY(fs_sync_dir(c, path.s));
    GUARD(&s->m);
    s->names_synced = MAX(s->names_synced, made);
    return ERR_OK;
}

static struct fs_later **later_find(struct fs_store *s, struct blob_key key)
{
    struct fs_later **at = &s->later;
    while (*at && !id_eq((*at)->key.id, key.id)) at = &(*at)->next;
    return at;
}

struct fs_later *fs_later_take(struct fs_store *s, struct blob_key key)
{
    GUARD(&s->m);
    struct fs_later **at = later_find(s, key);
    struct fs_later *l = *at;
    if (!l) return NULL;
    *at = l->next;
    l->next = NULL;
    s->later_count--;
    return l;
}

void fs_later_put(struct fs_store *s, struct fs_later *l)
{
    GUARD(&s->m);
    l->next = s->later;
    s->later = l;
    s->later_count++;
}

void fs_later_free(struct fs_later *l)
{
    if (!l) return;
    fd_close(&l->fd);
    mem_free(l);
}

/* Leaves the sync to commit: the descriptor stays, or that of an earlier part of the blob stands for it too. Answers the
 * number for the receipt; 0 when the part must be synced now, for want of room or anything else. */
static uint64_t sync_later(struct fs_writer *w)
{
    struct fs_store *s = w->store;
    uint64_t id = 0;
    struct fs_later *l = MEM_NEW(struct fs_later);
    if (!l) return 0;
    *l = (struct fs_later){.key = w->slot.key, .fd = -1};
    if (os_random(&l->id, sizeof l->id) == ERR_OK && l->id != 0) {
        GUARD(&s->m);
        struct fs_later **at = later_find(s, w->slot.key);
        if (!*at && s->later_count < FS_LATER_MAX) {
            l->fd = w->fd;
            w->fd = -1;
            *at = TAKE(l);
            s->later_count++;
        }
        if (*at) id = (*at)->id;
    }
    fs_later_free(l);
    return id;
}

static enum err make_durable(struct ctx *c, struct fs_writer *w)
{
    enum err e = file_datasync(w->fd);
    if (e != ERR_OK) return fail(c, fs_err(e), "sync part %u: %m", (unsigned)w->slot.part);
    return sync_name(c, w->store, w->name_seq);
}

enum err fs_part_close(struct ctx *c, struct blob_writer *base, enum blob_durability d,
                       struct blob_tag *ret)
{
    struct fs_writer *w = writer_of(base);
    uint64_t later_id = 0;
    enum err e = ERR_OK;
    /* Inside the gate, so that no abort or commit slips in between and leaves a descriptor behind. */
    /* So that the syncs of many small blobs at the end of a batch find little to wait for. */
    if (d == BLOB_LATER) flush_behind(w, 1);
    if (d == BLOB_LATER && blob_gate_enter(&w->store->gate, &w->slot) == ERR_OK) later_id = sync_later(w);
    if (later_id == 0) e = make_durable(c, w);
    if (!blob_gate_close(&w->store->gate, &w->slot) && e == ERR_OK)
        e = fail(c, ERR_CANCELLED, "another writer took part %u over", (unsigned)w->slot.part);
    if (e == ERR_OK)
        blob_tag_make(ret, base->part.offset_bytes, base->written_bytes, later_id);
    fd_close(&w->fd);
    mem_free(w);
    return e;
}
