/* upload: the engine behind every upload door.
 *
 * A file is cut into parts of one size; parts arrive in any order, in parallel, each sealed as it streams in (no plaintext ever
 * reaches a disk) and written in place. A part is acknowledged (part_finish ERR_OK) only when its bytes and its row are durable.
 * `upload_complete` has no assembly step: it checks the set of parts, makes the blob visible and commits one transaction.
 *
 * A part that is acknowledged is never written again: sending it once more is compared (length and CRC-32) and answered ERR_OK
 * when equal, ERR_CONFLICT "part_conflict" when the source has changed. While a part is on its way, a newer attempt takes it over
 * at once; the older one gets ERR_CANCELLED. */
#ifndef SEALDROP_CORE_UPLOAD_UPLOAD_H
#define SEALDROP_CORE_UPLOAD_UPLOAD_H

#include "core/app/app.h"
#include "core/file/file.h"
#include "core/principal.h"
#include "crypto/checksum.h"
#include "crypto/sft.h"

#define UPLOAD_SIZE_UNKNOWN UINT64_MAX

struct upload {
    struct id id;
    struct id file_id;    /* it becomes, or gets a version more of */
    bool adds_version;
    struct id content_id; /* it becomes; names the blob from the start */
    struct id owner_id;
    struct id folder_id;  /* it goes into; zero: the root */
    struct slice name;
    uint64_t size; /* or UPLOAD_SIZE_UNKNOWN */
    struct slice type;
    struct slice mode;
    uint32_t part_size;
    struct slice state; /* open (parts), stream, append, completing, complete; of partial ones instead: partial */
    struct slice blob_ref;
    struct slice wrapped_key;
    uint64_t reserved_bytes;
    int64_t modified_at;
    int64_t created_at;
    int64_t expires_at;
    /* Of those that grow as one stream (append.h) */
    uint64_t received;  /* the durable offset */
    int64_t fence;
    bool partial;
    struct slice memo, joins;
};

struct upload_new {
    const struct id *version_of; /* a file that gets a new version, and keeps its name and place; NULL: a new file */
    struct slice name;
    struct slice folder;  /* id, or path that is made when it is not there; the folders of `name` then lie in it. ptr NULL: the root, and
                             `name` stays as it is */
    struct slice type;    /* empty: by the name's extension */
    uint64_t size;        /* or UPLOAD_SIZE_UNKNOWN */
    uint32_t part_size;   /* 0: chosen from the size */
    int64_t modified_at;  /* 0: now */
};
/* Reserves quota, makes the file key. */
MUST_USE enum err upload_create(struct ctx *c, struct app *app, const struct principal *who, const struct upload_new *n,
                                struct upload *ret);
/* The largest size an upload may declare. */
uint64_t upload_size_max(const struct app *app);
MUST_USE enum err upload_get(struct ctx *c, struct app *app, const struct principal *who, const struct id *id,
                             struct upload *ret);
struct part_range {
    uint64_t first, last;
};
/* The acknowledged parts as ranges of part numbers, in the arena. */
MUST_USE enum err upload_received(struct ctx *c, struct app *app, const struct upload *u, struct part_range **ret,
                                  size_t *ret_n);
MUST_USE enum err upload_list(struct ctx *c, struct app *app, const struct principal *who, const struct page *page,
                              struct upload **ret, size_t *ret_n);
/* Throws the upload and its bytes away. A complete upload cannot be thrown away (delete the file): ERR_CONFLICT. */
MUST_USE enum err upload_delete(struct ctx *c, struct app *app, const struct principal *who, const struct id *id);
/* Inside a transaction of another part (accounts that are deleted), in any state. */
MUST_USE enum err upload_delete_tx(struct ctx *c, struct db_conn *conn, const struct id *id);
/* `size` (or UPLOAD_SIZE_UNKNOWN) must agree with what was declared and what arrived. Missing parts: ERR_CONFLICT
 * "parts_missing". Repeating it after success gives the file again. An empty last part need not have been sent.
 * `want` (NULL: nothing): the stored content is read back and compared before anybody sees it; ERR_INVALID "digest_mismatch", nothing
 * is kept. A version is made as the newest at this moment, with the rights of this moment. */
MUST_USE enum err upload_complete(struct ctx *c, struct app *app, const struct principal *who, const struct id *id,
                                  uint64_t size, const struct checksum *want, struct file *ret);
/* Of a file's content, read back: the one way to know a digest of bytes that came in pieces, in any order. */
MUST_USE enum err upload_checksum(struct ctx *c, struct app *app, const struct file *f, enum checksum_alg alg,
                                  struct checksum *ret);
/* Of what a complete upload made, as far as it is on record and may be told: empty while it is not known, or the file is gone. */
MUST_USE enum err upload_sha256(struct ctx *c, struct app *app, const struct principal *who, const struct upload *u, struct slice *ret);

/* One part on its way in. One thread at a time; exactly one of finish and abort, which frees it. */
struct part_in;
struct part_request {
    struct id upload_id;
    uint64_t number;
    uint64_t length;             /* declared, or UPLOAD_SIZE_UNKNOWN */
    const struct sha256 *digest; /* NULL: not checked. Copied. */
};
MUST_USE enum err part_open(struct ctx *c, struct app *app, const struct principal *who, const struct part_request *req,
                            struct part_in **ret);
/* ERR_TOO_LARGE past the part's size, ERR_CANCELLED when a newer attempt took over. */
MUST_USE enum err part_write(struct ctx *c, struct part_in *p, const void *bytes, size_t n);
MUST_USE enum err part_finish(struct ctx *c, struct part_in *p);
void part_abort(struct ctx *c, struct part_in *p);

/* A whole file in one stream (curl -T, forms): cut into parts here, acknowledged once, at the end. */
struct stream_in;
MUST_USE enum err stream_open(struct ctx *c, struct app *app, const struct principal *who, const struct upload_new *n,
                              struct stream_in **ret);
MUST_USE enum err stream_write(struct ctx *c, struct stream_in *s, const void *bytes, size_t n);
MUST_USE enum err stream_finish(struct ctx *c, struct stream_in *s, struct file *ret);
void stream_abort(struct ctx *c, struct stream_in *s);

/* For the expiry job: throws away what is overdue, at most `limit`; returns how many. */
MUST_USE enum err upload_expire(struct ctx *c, struct app *app, size_t limit, size_t *ret_n);

#endif
