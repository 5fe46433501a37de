/* blob: sealed bytes by key. Local files, memory, later S3; one interface, one conformance suite.
 *
 * A blob is written as parts (any order, in parallel, from several nodes when the backend allows) and becomes visible at once
 * with blob_commit(). The store never sees plaintext and knows nothing of users.
 *   blob_begin -> blob_part_open/write/close (each part) -> blob_commit   or   blob_abort
 * All functions are thread-safe on different parts; one blob_writer or blob_reader belongs to one thread at a time.
 * Errors: ERR_NOSPACE when full, ERR_NOT_FOUND for absent keys, ERR_TOO_LARGE past a limit, ERR_NOMEM and ERR_BUSY (no
 * descriptors left) for a while, ERR_IO otherwise (details with fail()). */
#ifndef SEALDROP_BLOB_BLOB_H
#define SEALDROP_BLOB_BLOB_H

#include "base/ctx.h"
#include "base/id.h"

struct blob_store;
struct blob_writer;
struct blob_reader;

/* Key of a blob: its 16-byte id (never re-used). */
struct blob_key {
    struct id id;
};

/* Blobs whose ids end in the same two bytes lie together, and are cheaper to commit together (blob_commit_all): gives *id the end that
 * `other` has. For some hundred blobs, not for all. */
static inline void blob_key_beside(struct id *id, const struct id *other)
{
    id->b[14] = other->b[14];
    id->b[15] = other->b[15];
}

/* What a backend can do; fixed for its life. */
struct blob_props {
    const char *name;        /* "fs", "mem", "s3" */
    uint64_t part_bytes_min; /* smallest non-last part it takes */
    uint64_t part_bytes_max;
    uint32_t parts_max;
    bool erases; /* blob_remove(erase) overwrites the bytes */
};

#define BLOB_REF_BYTES 256 /* backend's name of a running upload (S3 UploadId), kept by the caller in its database */
#define BLOB_TAG_BYTES 64  /* backend's receipt for one part (S3 ETag), kept by the caller */

struct blob_ref {
    char text[BLOB_REF_BYTES];
};
struct blob_tag {
    char text[BLOB_TAG_BYTES];
};

const struct blob_props *blob_props(const struct blob_store *s);

/* Starts writing. Idempotent while not committed: a second call for the same key gives an equal or another valid ref and
 * leaves running writers alone. ERR_EXISTS when committed. */
MUST_USE enum err blob_begin(struct ctx *c, struct blob_store *s, struct blob_key key, struct blob_ref *ret);
/* One part: number (0-based), its place in the blob and its exact size, both known to the caller.
 * Until blob_part_close returns ERR_OK nothing is promised. Re-writing a part replaces it.
 * In place means: from the first write of a re-writing on, what the part held before is gone, and if that writer fails the part
 * is neither the one nor the other. So take an acknowledgement back before the part is opened again.
 * One writer a part: blob_part_open evicts an earlier one of the same part, whose next write or close is ERR_CANCELLED. It
 * returns once the earlier one is out of the write it was in; bytes of two writers never mix. Commit and abort evict all.
 * ERR_NOT_FOUND when not begun, committed or aborted. After a failed write the writer gives the same error until its end. */
struct blob_part {
    uint32_t number;
    uint64_t offset_bytes;
    uint64_t size_bytes_max; /* upper bound; the last part of a stream may turn out shorter */
};
MUST_USE enum err blob_part_open(struct ctx *c, struct blob_store *s, struct blob_key key,
                                 const struct blob_ref *ref, const struct blob_part *part,
                                 struct blob_writer **ret);
MUST_USE enum err blob_part_write(struct ctx *c, struct blob_writer *w, const void *p, size_t n);
/* n bytes that this writer has written, from `off` in the part: for keeping elsewhere what a part holds that will not be finished.
 * Only while it writes: another writer of the part, a commit or an abort takes them away (ERR_CANCELLED). */
MUST_USE enum err blob_part_read(struct ctx *c, struct blob_writer *w, uint64_t off, void *p, size_t n);
enum blob_durability {
    BLOB_DURABLE, /* on return the part survives a power cut */
    BLOB_LATER    /* durable only after blob_commit, which syncs; for one-shot uploads that acknowledge once. Its receipt is
                   * void after a restart and after a commit that failed to sync: commit answers ERR_CORRUPT, write it anew */
};
/* Ends the part; frees the writer whatever the result. The tag goes into blob_commit. */
MUST_USE enum err blob_part_close(struct ctx *c, struct blob_writer *w, enum blob_durability d,
                                  struct blob_tag *ret);
/* Gives the part up; frees the writer. NULL is harmless. */
void blob_part_abort(struct blob_writer *w);
/* Makes the blob visible, atomically and durably. `tags` has one entry per part, in order; `size_bytes` is the exact whole
 * (a longer temporary is cut to it). Idempotent: committing what is committed with the same size is ERR_OK, with another
 * ERR_CONFLICT. ERR_CORRUPT when the parts do not make up the whole, ERR_NOT_FOUND when there is no upload. After any other
 * error, and after a crash, call it again. */
MUST_USE enum err blob_commit(struct ctx *c, struct blob_store *s, struct blob_key key,
                              const struct blob_ref *ref, const struct blob_tag *tags, size_t n,
                              uint64_t size_bytes);
/* Each as blob_commit does it, with the waiting for durability shared. After an error some may be committed, and durable or not: commit
 * all of them again, or none is promised. */
struct blob_commit {
    struct blob_key key;
    struct blob_ref ref;
    const struct blob_tag *tags;
    size_t n;
    uint64_t size_bytes;
};
MUST_USE enum err blob_commit_all(struct ctx *c, struct blob_store *s, const struct blob_commit *list, size_t count);
/* Throws a running upload away; a committed blob stays. ERR_OK when there is none. The receipts are void: never give them to
 * the commit of a later try under the same key. */
MUST_USE enum err blob_abort(struct ctx *c, struct blob_store *s, struct blob_key key,
                             const struct blob_ref *ref);

/* Opens a committed blob. */
MUST_USE enum err blob_open(struct ctx *c, struct blob_store *s, struct blob_key key,
                            struct blob_reader **ret, uint64_t *ret_size_bytes);
/* Up to n bytes from `off`; fewer only at the end. */
MUST_USE enum err blob_read(struct ctx *c, struct blob_reader *r, uint64_t off, void *p, size_t n,
                            size_t *ret_n);
/* A file descriptor for direct reading when the backend has one (-1 otherwise). Borrowed: valid until blob_close. */
int blob_reader_fd(const struct blob_reader *r);
void blob_close(struct blob_reader *r);

enum blob_erase { BLOB_UNLINK, BLOB_OVERWRITE };
/* Removes a committed blob; ERR_OK when absent. BLOB_OVERWRITE: one pass of zeros and fdatasync before, best effort; the key is
 * gone at once, the bytes at the end, or after the next start. Open readers go on reading what it held: while there are any,
 * BLOB_OVERWRITE may end with ERR_BUSY; called again when there are none it overwrites. */
MUST_USE enum err blob_remove(struct ctx *c, struct blob_store *s, struct blob_key key, enum blob_erase e);
/* Each blob, committed or not, with its age; the visitor may return an error to stop, which is passed up, and may call the
 * store. What is committed meanwhile may be told twice, but is not missed. */
typedef enum err blob_visit_fn(struct ctx *c, struct blob_key key, bool committed, int64_t modified_ms, void *arg);
MUST_USE enum err blob_list(struct ctx *c, struct blob_store *s, blob_visit_fn *visit, void *arg);
/* Cheap check that it can be written; free space where known (UINT64_MAX otherwise). */
MUST_USE enum err blob_health(struct ctx *c, struct blob_store *s, uint64_t *ret_free_bytes);
void blob_store_close(struct blob_store *s);

/* Backends. `dir` is created (0700). One process per directory: ERR_BUSY when another holds it. */
MUST_USE enum err blob_fs_open(struct ctx *c, const char *dir, struct blob_store **ret);
MUST_USE enum err blob_mem_open(struct ctx *c, struct blob_store **ret);
/* Wrapper that makes the n-th fallible call fail with `e`, once or for ever. Takes ownership of inner. */
MUST_USE enum err blob_fault_open(struct ctx *c, struct blob_store *inner, struct blob_store **ret);
void blob_fault_set(struct blob_store *s, uint64_t n, bool for_ever, enum err e);
uint64_t blob_fault_count(const struct blob_store *s);

#endif
