/* fs_impl: what the files of the local backend share.
 *
 *   <dir>/lock              held (flock) while open
 *   <dir>/tmp/<id>          being written, parts in place
 *   <dir>/<xx>/<yy>/<id>    committed; xx, yy: last and last but one byte of the id (its first bytes are a clock)
 *   <dir>/trash/<id>        removed, being overwritten */
#ifndef SEALDROP_BLOB_FS_IMPL_H
#define SEALDROP_BLOB_FS_IMPL_H

#include <stdatomic.h>

#include "blob/blob_impl.h"
#include "blob/gate.h"
#include "os/file.h"

#define FS_PATH_BYTES 2048
#define FS_DIR_BYTES (FS_PATH_BYTES - 64) /* leaves room for the longest name below */
#define FS_SHARDS 65536
#define FS_LATER_MAX 512 /* uploads that may be waiting for commit to sync them; past it parts are synced at once */

struct fs_path {
    char s[FS_PATH_BYTES];
};

/* A descriptor kept open from the first BLOB_LATER part of an upload to its commit. The kernel reports a lost write to each
 * descriptor that was open then, once; a descriptor opened later could miss it. */
struct fs_later {
    struct blob_key key;
    uint64_t id; /* in the receipts; random, so that those of an earlier process never match */
    int fd;
    struct fs_later *next;
};

/* Shard directories known durable in this process; the outer ones use the first 256 bits. */
struct fs_shard_set {
    uint8_t bits[FS_SHARDS / 8];
};

struct fs_reader {
    struct blob_reader base;
    struct blob_key key;
    int fd;
    struct fs_reader *next, **at; /* at: what points here */
};

struct fs_store {
    struct blob_store base;
    char dir[FS_DIR_BYTES];
    int lock_fd;
    struct blob_gate gate;
    /* Guards the fields below; held for moments only, never over a system call. */
    struct mutex m;
    uint64_t names_made, names_synced; /* files created in tmp/, and how many of them are known durable there */
    struct fs_later *later;
    size_t later_count;
    struct fs_reader *readers; /* all, from before they open the file */
    struct fs_shard_set outer, inner;
    struct thread sweeper;
    atomic_bool stop;
};

static inline struct fs_store *fs_of(struct blob_store *s) { return (struct fs_store *)s; }

/* fs.c: names and errors */
void fs_path_in(const struct fs_store *s, const char *name, struct fs_path *ret);
void fs_path_of(const struct fs_store *s, const char *where, struct blob_key key,
                struct fs_path *ret);
void fs_path_shard(const struct fs_store *s, struct blob_key key, struct fs_path *ret);
void fs_path_final(const struct fs_store *s, struct blob_key key, struct fs_path *ret);
/* What callers may see of a failed call: space, memory and descriptors by name, all else ERR_IO. */
enum err fs_err(enum err e);
/* fsync of a directory of the store. */
MUST_USE enum err fs_sync_dir(struct ctx *c, const char *path);

/* fs_part.c: writing */
enum err fs_part_open(struct ctx *c, struct blob_store *store, struct blob_key key,
                      const struct blob_ref *ref, const struct blob_part *part,
                      struct blob_writer **ret);
enum err fs_part_write(struct ctx *c, struct blob_writer *w, const void *p, size_t n);
enum err fs_part_read(struct ctx *c, struct blob_writer *w, uint64_t off, void *p, size_t n);
enum err fs_part_close(struct ctx *c, struct blob_writer *w, enum blob_durability d,
                       struct blob_tag *ret);
void fs_part_abort(struct blob_writer *w);
/* Takes the kept descriptor of `key` out of the store: ownership leaves. NULL when there is none. */
struct fs_later *fs_later_take(struct fs_store *s, struct blob_key key);
/* Puts back what was taken, inside the same claim. */
void fs_later_put(struct fs_store *s, struct fs_later *l);
void fs_later_free(struct fs_later *l);

/* fs_commit.c: begin, commit, abort */
enum err fs_begin(struct ctx *c, struct blob_store *store, struct blob_key key,
                  struct blob_ref *ret);
enum err fs_commit(struct ctx *c, struct blob_store *store, struct blob_key key,
                   const struct blob_ref *ref, const struct blob_tag *tags, size_t n,
                   uint64_t size_bytes);
enum err fs_commit_all(struct ctx *c, struct blob_store *store, const struct blob_commit *list, size_t count);
enum err fs_abort(struct ctx *c, struct blob_store *store, struct blob_key key,
                  const struct blob_ref *ref);

/* fs_tree.c: what is stored: removing and listing */
enum err fs_remove(struct ctx *c, struct blob_store *store, struct blob_key key,
                   enum blob_erase e);
enum err fs_list(struct ctx *c, struct blob_store *store, blob_visit_fn *visit, void *arg);
/* Starts to finish, in a thread of its own, what an earlier process left in trash/. */
MUST_USE enum err fs_sweep_start(struct ctx *c, struct fs_store *s);

#endif
