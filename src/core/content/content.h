/* content: what is stored, apart from what people see of it (core/file). A content is one sealed blob with its file key; its id is the
 * format's file id: the blob's name and part of every context. It never changes after it is complete.
 *
 * Contents are counted: every version of a file that has one holds it. The last to drop it destroys its wrapped key with the row, in
 * the same transaction; the sealed bytes follow by job. */
#ifndef SEALDROP_CORE_CONTENT_CONTENT_H
#define SEALDROP_CORE_CONTENT_CONTENT_H

#include "core/app/app.h"
#include "core/reader.h"
#include "crypto/hpke.h"

struct content {
    struct id id;
    struct id owner_id;
    uint64_t size;             /* as people see it */
    uint64_t stored_size;      /* what is sealed: the same, unless it is compressed */
    uint32_t part_size;
    uint64_t sealed_size;
    uint32_t crc32;
    struct slice sha256;       /* empty while unknown */
    struct slice headers_hash; /* 32 bytes */
    struct slice wrapped_key;
    struct slice codec;        /* of what is sealed; empty: it is as people see it */
};

/* Inside a transaction: one more holder. ERR_NOT_FOUND when it is gone. */
MUST_USE enum err content_hold(struct ctx *c, struct db_conn *conn, const struct id *id);
/* Inside a transaction: one holder less. */
MUST_USE enum err content_drop(struct ctx *c, struct db_conn *conn, const struct id *id);

/* Bytes [first, first + length) as people see them. ERR_CORRUPT at open or in mid-read when the stored bytes do not verify. A reader
 * that is open goes on to its end when the content is dropped meanwhile; ERR_NOT_FOUND: it was dropped before the reader was open. */
MUST_USE enum err content_read_plain(struct ctx *c, struct app *app, const struct content *t, uint64_t first, uint64_t length,
                                     struct reader **ret);
/* Sealed bytes as stored. */
MUST_USE enum err content_read_sealed(struct ctx *c, struct app *app, const struct content *t, uint64_t first, uint64_t length,
                                      struct reader **ret);
/* The file key, HPKE-sealed to a client's one-time X25519 key. info = "sft/1/fkrelease" 00 content_id context[16]. */
struct content_key {
    uint8_t enc[HPKE_PUBLIC_BYTES];
    struct slice ct;
    struct slice frames; /* the seek table of what is compressed, else empty */
};
/* ERR_NOT_FOUND: it was dropped meanwhile. */
MUST_USE enum err content_release_key(struct ctx *c, struct app *app, const struct content *t, struct slice public_key,
                                      const struct id *context, struct content_key *ret);

#endif
