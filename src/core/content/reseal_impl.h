/* What the files of the re-sealing share. */
#ifndef SEALDROP_CORE_CONTENT_RESEAL_IMPL_H
#define SEALDROP_CORE_CONTENT_RESEAL_IMPL_H

#include "core/content/content_impl.h"
#include "core/content/reseal.h"
#include "crypto/hash.h"

/* One try at one content. */
struct reseal {
    struct app *app;
    struct content old;
    bool rotate, compress; /* what is wanted */
    const atomic_bool *halt;
    struct id next_id; /* names this try; the id of what it seals */
    struct key key;    /* of that */
    struct blob_ref ref;
    bool begun;        /* its blob */
    bool sealed;       /* it is complete, durable, and compared with the old one: `in` has the rest of it */
    struct content_insert in;
    bool hashed;
    struct sha256 sha256; /* of the plaintext */
    int64_t told_ms;      /* when the row last heard of the progress */
};

/* Whether the first MiB shrinks enough. */
MUST_USE enum err reseal_probe(struct ctx *c, struct reseal *r, bool *ret_gains);
/* Seals all of it, packed or as it is, and reads it back. *ret_kept: false when packing gained too little: nothing is left of it. */
MUST_USE enum err reseal_seal(struct ctx *c, struct reseal *r, bool pack, bool *ret_kept);
/* Only the hash. */
MUST_USE enum err reseal_hash(struct ctx *c, struct reseal *r);
/* Now and then, in a transaction of its own: this try is alive and so far. ERR_CANCELLED: it is not wanted any more, or must end. */
MUST_USE enum err reseal_alive(struct reseal *r, uint64_t done_bytes);

/* ---- SQL ---- */

struct reseal_row {
    bool rotate, compress;
    bool started;
    struct id next_id;
    struct slice next_ref;
    int64_t lease_until;
    int64_t refs; /* of the content */
    struct slice dedupe_key;
    struct content content;
};
MUST_USE enum err reseal_store_ask(struct ctx *c, struct db_conn *conn, const struct id *content, bool rotate, bool compress,
                                   int64_t now_ms);
/* With its content, both locked until the transaction ends. ERR_NOT_FOUND. */
MUST_USE enum err reseal_store_lock(struct ctx *c, struct db_conn *conn, const struct id *content, struct reseal_row *ret);
/* This try has it until then. */
MUST_USE enum err reseal_store_take(struct ctx *c, struct db_conn *conn, const struct id *content, const struct id *next,
                                    int64_t lease_until);
MUST_USE enum err reseal_store_ref(struct ctx *c, struct db_conn *conn, const struct id *content, const struct id *next,
                                   struct slice ref);
/* ERR_NOT_FOUND when this try has it no more. */
MUST_USE enum err reseal_store_progress(struct ctx *c, struct db_conn *conn, const struct id *content, const struct id *next,
                                        uint64_t done_bytes, int64_t lease_until);
MUST_USE enum err reseal_store_delete(struct ctx *c, struct db_conn *conn, const struct id *content);
/* The content that `owner` has with this key, but `not`, with `refs` more holders. ERR_NOT_FOUND. */
MUST_USE enum err reseal_store_same(struct ctx *c, struct db_conn *conn, const struct id *owner, struct slice dedupe_key,
                                    const struct id *not, int64_t refs, struct id *ret);
/* ERR_EXISTS: its owner has one with this key. */
MUST_USE enum err reseal_store_mark(struct ctx *c, struct db_conn *conn, const struct id *content, struct slice sha256,
                                    struct slice dedupe_key);
/* All that holds `from` holds `to`. Column: the ids of the files that show it. */
MUST_USE enum err reseal_store_move(struct ctx *c, struct db_conn *conn, const struct id *from, const struct id *to,
                                    struct db_result *ret);

#endif
