/* SQL of links and grants. Internal to core/link. */
#ifndef SEALDROP_CORE_LINK_LINK_STORE_H
#define SEALDROP_CORE_LINK_LINK_STORE_H

#include "core/link/link.h"
#include "crypto/hash.h"

MUST_USE enum err link_store_insert(struct ctx *c, struct db_conn *conn, const struct link *l, const struct sha256 *token);
MUST_USE enum err link_store_by_token(struct ctx *c, struct db_conn *conn, const struct sha256 *token, struct link *ret);
MUST_USE enum err link_store_by_id(struct ctx *c, struct db_conn *conn, const struct id *id, struct link *ret);
MUST_USE enum err link_store_list(struct ctx *c, struct db_conn *conn, const struct id *transfer, struct link **ret,
                                  size_t *ret_n);
/* ERR_NOT_FOUND unless the link is of this transfer. */
MUST_USE enum err link_store_revoke(struct ctx *c, struct db_conn *conn, const struct id *transfer, const struct id *link,
                                    int64_t now_ms);
/* Counts a password attempt before it is looked at; ERR_NOT_FOUND when the link is locked. */
MUST_USE enum err link_store_attempt(struct ctx *c, struct db_conn *conn, const struct id *link, int64_t now_ms,
                                     uint64_t *ret_fails);
MUST_USE enum err link_store_attempt_ok(struct ctx *c, struct db_conn *conn, const struct id *link);
/* One more download taken; ERR_NOT_FOUND when none is left. */
MUST_USE enum err link_store_take(struct ctx *c, struct db_conn *conn, const struct link *l);
/* A taken download comes back, but the bytes it sent are remembered; whole downloads among them are counted. */
MUST_USE enum err link_store_give_back(struct ctx *c, struct db_conn *conn, const struct id *link, uint64_t served,
                                       uint64_t whole);

struct grant_row {
    struct id id;
    struct id link_id;
    bool committed;
    uint64_t whole_bytes;
    uint64_t served_bytes;
    int64_t expires_at;
};
MUST_USE enum err grant_store_insert(struct ctx *c, struct db_conn *conn, const struct grant_row *g, const struct id *ticket,
                                     int64_t now_ms);
/* Locked until the transaction ends. ERR_NOT_FOUND. */
MUST_USE enum err grant_store_get(struct ctx *c, struct db_conn *conn, const struct id *id, struct grant_row *ret);
/* One more request under the ticket's newest grant; ERR_NOT_FOUND when it has none. */
MUST_USE enum err grant_store_join(struct ctx *c, struct db_conn *conn, const struct id *link, const struct id *ticket,
                                   int64_t now_ms, struct id *ret);
/* One less; how many are left. */
MUST_USE enum err grant_store_leave(struct ctx *c, struct db_conn *conn, const struct id *id, uint64_t *ret_holders);
MUST_USE enum err grant_store_serve(struct ctx *c, struct db_conn *conn, const struct id *id, uint64_t served,
                                    int64_t expires_ms);
MUST_USE enum err grant_store_commit(struct ctx *c, struct db_conn *conn, const struct id *id);
MUST_USE enum err grant_store_delete(struct ctx *c, struct db_conn *conn, const struct id *id);
/* Columns: id; reserved grants that ran out, and committed ones past their end. */
MUST_USE enum err grant_store_overdue(struct ctx *c, struct db_conn *conn, int64_t now_ms, size_t limit,
                                      struct db_result *ret);

#endif
