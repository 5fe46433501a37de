/* transfer: a set of files that is shared together, and the life of that sharing.
 *
 * A deleted or expired transfer stays as a tombstone for LIMIT_TOMBSTONE_MS, so that its links can say what happened. With
 * `delete_files` its files go with it, unless another transfer still holds them. */
#ifndef SEALDROP_CORE_TRANSFER_TRANSFER_H
#define SEALDROP_CORE_TRANSFER_TRANSFER_H

#include "core/file/file.h"

struct transfer {
    struct id id;
    struct id owner_id;
    struct slice title;
    struct slice message;
    struct slice mode;
    struct slice password_hash; /* default of its links; ptr NULL: none */
    bool limited;
    uint64_t max_downloads; /* default of its links, when limited */
    bool delete_files;
    int64_t expires_at; /* 0: never */
    int64_t ended_at;   /* 0: alive */
    struct slice ended_why;
    int64_t created_at;
    int64_t updated_at;
    uint64_t file_count;
    uint64_t total_bytes;
};

struct transfer_new {
    struct slice title;
    struct slice message;
    const struct id *file_ids;
    size_t file_count;
    struct slice password; /* ptr NULL: none */
    bool limited;
    uint64_t max_downloads;
    bool delete_files;
    int64_t expires_at; /* 0: never */
};
/* The files must be the caller's own: ERR_NOT_FOUND with a field error otherwise. */
MUST_USE enum err transfer_create(struct ctx *c, struct app *app, const struct principal *who,
                                  const struct transfer_new *n, struct transfer *ret);
MUST_USE enum err transfer_get(struct ctx *c, struct app *app, const struct principal *who, const struct id *id,
                               enum action action, struct transfer *ret);
MUST_USE enum err transfer_list(struct ctx *c, struct app *app, const struct principal *who, const struct page *page,
                                struct transfer **ret, size_t *ret_n);
/* Its files in their order, in the arena; none that is in the trash. */
MUST_USE enum err transfer_files(struct ctx *c, struct app *app, const struct id *id, struct file **ret, size_t *ret_n);
/* One of its files: the one named (which may be in the trash), or (file NULL) the only one that is not: ERR_EXISTS when there are
 * several. ERR_NOT_FOUND. */
MUST_USE enum err transfer_file(struct ctx *c, struct app *app, const struct id *transfer, const struct id *file,
                                struct file *ret);
/* Sealed bytes of all its files together. */
MUST_USE enum err transfer_sealed_bytes(struct ctx *c, struct app *app, const struct id *transfer, uint64_t *ret);
MUST_USE enum err transfer_delete(struct ctx *c, struct app *app, const struct principal *who, const struct id *id);
/* For the expiry job: ends what is overdue, purges old tombstones; how many of both. */
MUST_USE enum err transfer_expire(struct ctx *c, struct app *app, size_t limit, size_t *ret_n);
/* Hash of a link password, or ERR_INVALID with a field error. */
MUST_USE enum err transfer_hash_password(struct ctx *c, struct app *app, struct slice password, struct slice *ret);
/* `expires_in_s` (0: the configured default) as a moment, within the configured maximum; ERR_INVALID with a field error. */
MUST_USE enum err transfer_expiry(struct ctx *c, const struct app *app, bool set, uint64_t expires_in_s, int64_t *ret);

#endif
