/* SQL of uploads that grow as one stream, and of their pieces. Internal to core/upload. */
#ifndef SEALDROP_CORE_UPLOAD_APPEND_STORE_H
#define SEALDROP_CORE_UPLOAD_APPEND_STORE_H

#include "core/upload/append_impl.h"

/* Whoever wrote before can record no more. */
MUST_USE enum err append_store_fence(struct ctx *c, struct db_conn *conn, const struct id *upload, int64_t *ret_fence);
/* The offset moves on (or stays): ERR_CANCELLED when another writer has taken over, or the upload takes no more. */
struct append_move {
    const struct id *upload;
    int64_t fence;
    uint64_t from, to;
    int64_t expires_ms;
};
MUST_USE enum err append_store_move(struct ctx *c, struct db_conn *conn, const struct append_move *m);
/* More of the quota goes to the upload's account; ERR_CANCELLED as above: what has ended must not be charged any more. */
struct append_reserve {
    const struct id *upload;
    int64_t fence;
    uint64_t more;
    int64_t expires_ms;
};
MUST_USE enum err append_store_reserve(struct ctx *c, struct db_conn *conn, const struct append_reserve *r);
MUST_USE enum err append_store_set_size(struct ctx *c, struct db_conn *conn, const struct id *upload, uint64_t size,
                                        uint64_t reserved);

MUST_USE enum err piece_store_insert(struct ctx *c, struct db_conn *conn, const struct id *upload, const struct piece *p);
/* All, in order, in the arena. */
MUST_USE enum err piece_store_list(struct ctx *c, struct db_conn *conn, const struct id *upload, struct piece **ret,
                                   size_t *ret_n);
/* Removes those that begin in [from, to); jobs remove their bytes. */
MUST_USE enum err piece_store_drop(struct ctx *c, struct db_conn *conn, const struct id *upload, uint64_t from, uint64_t to);

#endif
