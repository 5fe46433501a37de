/* blob_impl: what a backend of blob.h provides. Only for the files of blob/ and their tests.
 *
 * A backend embeds struct blob_store, blob_writer and blob_reader as the first member of its own structs. The wrappers of
 * blob.c check arguments and limits once, so an operation may rely on what is written here. */
#ifndef SEALDROP_BLOB_BLOB_IMPL_H
#define SEALDROP_BLOB_BLOB_IMPL_H

#include "base/limits.h"
#include "blob/blob.h"

/* Sealing makes a file longer by far less than this. */
#define BLOB_BYTES_MAX (2 * LIMIT_FILE_BYTES)

struct blob_ops {
    /* Key is not zero. ERR_EXISTS when the blob is committed. Idempotent, also beside running writers. Need not be durable. */
    enum err (*begin)(struct ctx *c, struct blob_store *s, struct blob_key key, struct blob_ref *ret);
    /* number < parts_max, size <= part_bytes_max, end <= BLOB_BYTES_MAX. ERR_NOT_FOUND when not begun, or over. Evicts an
     * earlier writer of the same part (gate.h). The wrapper fills base of *ret. */
    enum err (*part_open)(struct ctx *c, struct blob_store *s, struct blob_key key,
                          const struct blob_ref *ref, const struct blob_part *part,
                          struct blob_writer **ret);
    /* n > 0 and within the part; w->written_bytes is the count before. Not called again after it failed. */
    enum err (*part_write)(struct ctx *c, struct blob_writer *w, const void *p, size_t n);
    /* n > 0, and all of it was written by w. ERR_CANCELLED when evicted. */
    enum err (*part_read)(struct ctx *c, struct blob_writer *w, uint64_t off, void *p, size_t n);
    /* Never called after a failed write. Frees w whatever the result. ERR_OK with BLOB_DURABLE: bytes and name survive a
     * power cut. ERR_CANCELLED when evicted, even if only at the last moment. */
    enum err (*part_close)(struct ctx *c, struct blob_writer *w, enum blob_durability d,
                           struct blob_tag *ret);
    /* Frees w. */
    void (*part_abort)(struct blob_writer *w);
    /* n <= parts_max, size <= BLOB_BYTES_MAX. Atomic, durable, idempotent. ERR_CORRUPT when the parts do not make up
     * exactly size_bytes, ERR_NOT_FOUND without an upload, ERR_CONFLICT when committed with another size. */
    enum err (*commit)(struct ctx *c, struct blob_store *s, struct blob_key key,
                       const struct blob_ref *ref, const struct blob_tag *tags, size_t n,
                       uint64_t size_bytes);
    /* count > 0, each with the promises of commit. NULL: commit is called for each. */
    enum err (*commit_all)(struct ctx *c, struct blob_store *s, const struct blob_commit *list, size_t count);
    /* Evicts running writers. Never touches a committed blob. */
    enum err (*abort)(struct ctx *c, struct blob_store *s, struct blob_key key,
                      const struct blob_ref *ref);
    /* The wrapper fills base of *ret. */
    enum err (*open)(struct ctx *c, struct blob_store *s, struct blob_key key,
                     struct blob_reader **ret, uint64_t *ret_size_bytes);
    /* n > 0 and off < size. */
    enum err (*read)(struct ctx *c, struct blob_reader *r, uint64_t off, void *p, size_t n,
                     size_t *ret_n);
    /* -1: none. */
    int (*reader_fd)(const struct blob_reader *r);
    void (*reader_close)(struct blob_reader *r);
    enum err (*remove)(struct ctx *c, struct blob_store *s, struct blob_key key, enum blob_erase e);
    enum err (*list)(struct ctx *c, struct blob_store *s, blob_visit_fn *visit, void *arg);
    enum err (*health)(struct ctx *c, struct blob_store *s, uint64_t *ret_free_bytes);
    /* All writers and readers are closed. */
    void (*close)(struct blob_store *s);
};

struct blob_store {
    const struct blob_ops *ops;
    struct blob_props props;
};

struct blob_writer {
    struct blob_store *store;
    struct blob_part part;
    uint64_t written_bytes;
    enum err failed; /* first error of a write: the part can no longer be closed well */
};

struct blob_reader {
    struct blob_store *store;
    uint64_t size_bytes;
};

/* Receipts of the backends that write parts in place: they carry the place and length of the part, so that a commit can tell
 * a gap from content. `later_id` is 0 when the part is durable, else the backend's own number for what holds the promise. */
void blob_tag_make(struct blob_tag *ret, uint64_t offset_bytes, uint64_t size_bytes,
                   uint64_t later_id);
/* ERR_CORRUPT unless the tags follow each other without gap or overlap from 0 to size_bytes, and all later_ids that are not
 * 0 agree; *ret_later_id is that one, or 0. */
MUST_USE enum err blob_tags_check(struct ctx *c, const struct blob_tag *tags, size_t n,
                                  uint64_t size_bytes, uint64_t *ret_later_id);

#endif
