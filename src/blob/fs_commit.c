/* Local backend: the life of an upload as a whole: its temporary name, its commit, its abort.
 *
 * Order of a commit: content durable, then the directory that will hold the name, then rename, then both directories. After a
 * crash the blob is there whole or not at all, and a second commit finishes what was missing. */
#include <errno.h>
#include <string.h>

#include "base/mem.h"
#include "blob/fs_impl.h"

/* ERR_NOT_FOUND without detail when absent. */
static enum err committed_size(struct ctx *c, const struct fs_store *s, struct blob_key key,
                               uint64_t *ret)
{
    struct fs_path path;
    struct stat st;
    fs_path_final(s, key, &path);
    if (sys()->stat(path.s, &st) == 0) {
        *ret = (uint64_t)st.st_size;
        return ERR_OK;
    }
    if (errno == ENOENT) return ERR_NOT_FOUND;
    return fail(c, fs_err(sys_err(errno)), "stat '%s': %m", path.s);
}

static enum err make_name(struct ctx *c, struct fs_store *s, struct blob_key key)
{
    CLEANUP(fd_close) int fd = -1;
    struct fs_path path;
    uint64_t size = 0;
    enum err e = committed_size(c, s, key, &size);
    if (e == ERR_OK) return fail(c, ERR_EXISTS, "blob is committed");
    if (e != ERR_NOT_FOUND) return e;
    fs_path_of(s, "tmp", key, &path);
    e = file_open(path.s, O_WRONLY | O_CREAT, 0600, &fd);
    if (e != ERR_OK) return fail(c, fs_err(e), "create '%s': %m", path.s);
    GUARD(&s->m);
    s->names_made++;
    return ERR_OK;
}

enum err fs_begin(struct ctx *c, struct blob_store *store, struct blob_key key,
                  struct blob_ref *ret)
{
    struct fs_store *s = fs_of(store);
    struct blob_gate_slot slot;
    *ret = (struct blob_ref){.text = "fs"};
    blob_gate_open_name(&s->gate, &slot, key);
    enum err e = make_name(c, s, key);
    blob_gate_close(&s->gate, &slot);
    return e;
}

/* Syncs through the descriptor kept since the first BLOB_LATER part when the receipts name one. It goes back only after
 * success: once this sync failed the bytes are lost, and no second commit may pass without them. */
static enum err sync_content(struct ctx *c, struct fs_store *s, struct blob_key key,
                             uint64_t later_id, int fd)
{
    enum err e = ERR_OK;
    struct fs_later *l = later_id ? fs_later_take(s, key) : NULL;
    if (later_id && (!l || l->id != later_id))
        e = fail(c, ERR_CORRUPT, "bytes left for commit to sync are lost");
    else if ((e = file_sync(l ? l->fd : fd)) != ERR_OK)
        e = fail(c, fs_err(e), "sync at commit: %m");
    if (e == ERR_OK && l)
        fs_later_put(s, l);
    else
        fs_later_free(l);
    return e;
}

/* Gives the temporary its final length and makes it durable. `later_id`: what the receipts say is still to be synced. */
static enum err finish_content(struct ctx *c, struct fs_store *s, struct blob_key key,
                               uint64_t later_id, uint64_t size_bytes)
{
    CLEANUP(fd_close) int fd = -1;
    struct fs_path path;
    uint64_t have = 0;
    fs_path_of(s, "tmp", key, &path);
    enum err e = file_open(path.s, O_WRONLY, 0, &fd);
    if (e == ERR_NOT_FOUND) return fail(c, e, "no upload '%s'", path.s);
    if (e == ERR_OK) e = file_size(fd, &have);
    if (e != ERR_OK) return fail(c, fs_err(e), "open '%s': %m", path.s);
    if (have < size_bytes)
        return fail(c, ERR_CORRUPT, "'%s' has %llu bytes of %llu", path.s, (unsigned long long)have,
                    (unsigned long long)size_bytes);
    if (have > size_bytes) e = file_truncate(fd, size_bytes);
    if (e != ERR_OK) return fail(c, fs_err(e), "cut '%s': %m", path.s);
    return sync_content(c, s, key, later_id, fd);
}

/* One level of the shard directories: exists and is durable. Synced once per process even when found: that a directory is
 * there does not say that whoever made it came to sync its parent. */
static enum err make_level(struct ctx *c, struct fs_store *s, const char *dir, const char *parent,
                           struct fs_shard_set *known, unsigned n)
{
    uint8_t bit = (uint8_t)(1u << (n % 8));
    mutex_lock(&s->m);
    bool durable = (known->bits[n / 8] & bit) != 0;
    mutex_unlock(&s->m);
    if (durable) return ERR_OK;
    if (sys()->mkdir(dir, 0700) != 0 && errno != EEXIST)
        return fail(c, fs_err(sys_err(errno)), "make '%s': %m", dir);
    TRY(fs_sync_dir(c, parent));
    GUARD(&s->m);
    known->bits[n / 8] |= bit;
    return ERR_OK;
}

static enum err make_shard(struct ctx *c, struct fs_store *s, struct blob_key key)
{
    struct fs_path outer, inner;
    unsigned x = key.id.b[15], y = key.id.b[14];
    fs_path_shard(s, key, &inner);
    outer = inner;
    outer.s[strlen(outer.s) - 3] = '\0'; /* "/yy" */
    TRY(make_level(c, s, outer.s, s->dir, &s->outer, x));
    return make_level(c, s, inner.s, outer.s, &s->inner, x << 8 | y);
}

static enum err sync_shard(struct ctx *c, const struct fs_store *s, struct blob_key key)
{
    struct fs_path path;
    fs_path_shard(s, key, &path);
    return fs_sync_dir(c, path.s);
}

/* The temporary names are gone. */
static enum err sync_tmp(struct ctx *c, const struct fs_store *s)
{
    struct fs_path path;
    fs_path_in(s, "tmp", &path);
    return fs_sync_dir(c, path.s);
}

/* All but making the name under which it is found durable. */
static enum err put_in_place(struct ctx *c, struct fs_store *s, const struct blob_commit *b)
{
    struct fs_path from, to;
    uint64_t there = 0, later_id = 0;
    enum err e = committed_size(c, s, b->key, &there);
    if (e == ERR_OK && there != b->size_bytes)
        return fail(c, ERR_CONFLICT, "committed before with %llu bytes", (unsigned long long)there);
    if (e == ERR_OK) return make_shard(c, s, b->key);
    if (e != ERR_NOT_FOUND) return e;
    TRY(blob_tags_check(c, b->tags, b->n, b->size_bytes, &later_id));
    TRY(finish_content(c, s, b->key, later_id, b->size_bytes));
    TRY(make_shard(c, s, b->key));
    fs_path_of(s, "tmp", b->key, &from);
    fs_path_final(s, b->key, &to);
    if (sys()->rename(from.s, to.s) != 0)
        return fail(c, fs_err(sys_err(errno)), "rename '%s': %m", to.s);
    fs_later_free(fs_later_take(s, b->key));
    return ERR_OK;
}

static enum err claim_and_put(struct ctx *c, struct fs_store *s, const struct blob_commit *b)
{
    struct blob_gate_slot claim;
    blob_gate_claim(&s->gate, &claim, b->key);
    enum err e = put_in_place(c, s, b);
    blob_gate_close(&s->gate, &claim);
    return e;
}

static bool same_shard(const struct blob_key *a, const struct blob_key *b)
{
    return a->id.b[14] == b->id.b[14] && a->id.b[15] == b->id.b[15];
}

/* Each directory once, however many names were made in it. */
enum err fs_commit_all(struct ctx *c, struct blob_store *store, const struct blob_commit *list, size_t count)
{
    struct fs_store *s = fs_of(store);
    for (size_t i = 0; i < count; i++) TRY(claim_and_put(c, s, &list[i]));
    for (size_t i = 0; i < count; i++) {
        size_t first = 0;
        while (!same_shard(&list[first].key, &list[i].key)) first++;
        if (first == i) TRY(sync_shard(c, s, list[i].key));
    }
    return sync_tmp(c, s);
}

enum err fs_commit(struct ctx *c, struct blob_store *store, struct blob_key key,
                   const struct blob_ref *ref, const struct blob_tag *tags, size_t n,
                   uint64_t size_bytes)
{
    return fs_commit_all(c, store, &(struct blob_commit){key, *ref, tags, n, size_bytes}, 1);
}

/* Not synced: a temporary that comes back after a power cut is listed, and thrown away again. */
enum err fs_abort(struct ctx *c, struct blob_store *store, struct blob_key key,
                  const struct blob_ref *ref)
{
    struct fs_store *s = fs_of(store);
    struct blob_gate_slot claim;
    struct fs_path path;
    enum err e = ERR_OK;
    (void)ref;
    fs_path_of(s, "tmp", key, &path);
    blob_gate_claim(&s->gate, &claim, key);
    fs_later_free(fs_later_take(s, key));
    if (sys()->unlink(path.s) != 0 && errno != ENOENT)
        e = fail(c, fs_err(sys_err(errno)), "unlink '%s': %m", path.s);
    blob_gate_close(&s->gate, &claim);
    return e;
}
