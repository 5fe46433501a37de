/* SQL of sessions and refresh tokens. Internal to core/session. */
#ifndef SEALDROP_CORE_SESSION_SESSION_STORE_H
#define SEALDROP_CORE_SESSION_SESSION_STORE_H

#include "core/session/session.h"
#include "crypto/hash.h"

struct session_row {
    struct id id;
    struct id user_id;
    struct slice device_name, user_agent, ip, country, amr;
    int64_t created_at;
    int64_t auth_at;
    int64_t expires_at;
    int64_t idle_ms;
};
/* What is known of the account's sign-ins before this one. */
struct session_past {
    bool first;           /* it has none */
    bool same_device;     /* a session of the same name and agent */
    bool any_country, same_country; /* a session from a known place; from this one */
};
MUST_USE enum err session_store_past(struct ctx *c, struct db_conn *conn, const struct session_row *s, struct session_past *ret);
/* The account has signed in. */
MUST_USE enum err session_store_signed_in(struct ctx *c, struct db_conn *conn, const struct id *user, int64_t now_ms);
MUST_USE enum err session_store_insert(struct ctx *c, struct db_conn *conn, const struct session_row *s);
MUST_USE enum err session_store_touch(struct ctx *c, struct db_conn *conn, const struct id *id, int64_t now_ms);
MUST_USE enum err session_store_revoke(struct ctx *c, struct db_conn *conn, const struct id *id, int64_t now_ms);
MUST_USE enum err session_store_list(struct ctx *c, struct db_conn *conn, const struct id *user, int64_t now_ms,
                                     struct session_info **ret, size_t *ret_n);
/* ERR_NOT_FOUND unless it is the user's. */
MUST_USE enum err session_store_revoke_one(struct ctx *c, struct db_conn *conn, const struct id *user,
                                           const struct id *session, int64_t now_ms);
MUST_USE enum err session_store_revoke_all(struct ctx *c, struct db_conn *conn, const struct id *user,
                                           const struct id *keep, int64_t now_ms);
/* Sets auth_at; tells whose session it is. ERR_NOT_FOUND when it has ended. */
MUST_USE enum err session_store_prove(struct ctx *c, struct db_conn *conn, const struct id *session, int64_t now_ms,
                                      struct id *ret_user, struct slice *ret_amr);
/* Column: id; sessions revoked at or after `since_ms`. */
MUST_USE enum err session_store_revoked(struct ctx *c, struct db_conn *conn, int64_t since_ms, struct db_result *ret);

struct refresh_row {
    struct id session_id;
    struct id user_id;
    int64_t token_expires_at;
    int64_t session_expires_at;
    int64_t auth_at;
    int64_t idle_ms;
    struct slice amr;
    bool revoked;
    bool used;
    int64_t used_at;
};
/* Locks the row on PostgreSQL. ERR_NOT_FOUND. */
MUST_USE enum err refresh_store_get(struct ctx *c, struct db_conn *conn, const struct sha256 *hash, struct refresh_row *ret);
MUST_USE enum err refresh_store_insert(struct ctx *c, struct db_conn *conn, const struct sha256 *hash,
                                       const struct id *session, int64_t now_ms, int64_t expires_ms);
MUST_USE enum err refresh_store_use(struct ctx *c, struct db_conn *conn, const struct sha256 *hash, int64_t now_ms);
/* Sessions that ended long ago, with their tokens. */
MUST_USE enum err session_store_purge(struct ctx *c, struct db_conn *conn, int64_t before_ms);

/* ERR_NOT_FOUND unless it is the account's, has not ended and was not ended. */
MUST_USE enum err session_store_lives(struct ctx *c, struct db_conn *conn, const struct id *user, const struct id *session,
                                      int64_t now_ms);

#endif
