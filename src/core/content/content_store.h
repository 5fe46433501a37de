/* SQL of contents. Internal to core/content, core/file (which joins) and core/upload (which inserts). */
#ifndef SEALDROP_CORE_CONTENT_CONTENT_STORE_H
#define SEALDROP_CORE_CONTENT_CONTENT_STORE_H

#include "core/content/content.h"

/* What only readers need of a content. */
struct content_tables {
    struct slice headers; /* 56 bytes a part */
    struct slice frames;  /* the seek table of what is compressed, else empty */
};
struct content_insert {
    struct content content;
    struct content_tables tables;
    struct slice dedupe_key; /* empty: none */
    struct id kek_id;
    int64_t refs; /* its holders */
    int64_t created_at;
};
/* What else a reader needs. */
struct content_parts {
    struct content_tables tables;
    const struct key *key;
};
/* Bytes [first, first + length) as people see them. `parts` NULL: from the content's row; else it need not have one. */
MUST_USE enum err content_open(struct ctx *c, struct app *app, const struct content *t, const struct content_parts *parts,
                               uint64_t first, uint64_t length, struct reader **ret);

/* ERR_EXISTS: its owner has one with this dedupe_key. */
MUST_USE enum err content_store_insert(struct ctx *c, struct db_conn *conn, const struct content_insert *in);
/* ERR_NOT_FOUND. */
MUST_USE enum err content_store_tables(struct ctx *c, struct db_conn *conn, const struct id *id, struct content_tables *ret);
MUST_USE enum err content_store_set_sha256(struct ctx *c, struct db_conn *conn, const struct id *id, struct slice sha256);
MUST_USE enum err content_store_hold(struct ctx *c, struct db_conn *conn, const struct id *id);
/* *ret_last: nobody holds it any more. */
MUST_USE enum err content_store_drop(struct ctx *c, struct db_conn *conn, const struct id *id, bool *ret_last);
/* The row, and with it the wrapped key. */
MUST_USE enum err content_store_delete(struct ctx *c, struct db_conn *conn, const struct id *id);

/* Columns of a table contents that is called c, for content_store_row. */
#define CONTENT_COLUMNS                                                                                                \
    "c.id, c.owner_id, c.size, c.stored_size, c.part_size, c.sealed_size, c.crc32, c.sha256, c.headers_hash, "         \
    "c.wrapped_key, c.codec"
/* Row i, whose CONTENT_COLUMNS begin at column `col`. */
void content_store_row(const struct db_result *r, size_t i, size_t col, struct content *ret);

#endif
