/* SQL of the library. Internal to core/library. */
#ifndef SEALDROP_CORE_LIBRARY_LIBRARY_STORE_H
#define SEALDROP_CORE_LIBRARY_LIBRARY_STORE_H

#include "core/library/library.h"
#include "core/library/search.h"

struct library_file { /* what a file says of itself */
    struct id owner;
    struct slice name, description, category, tags;
};
MUST_USE enum err library_store_file(struct ctx *c, struct db_conn *conn, const struct id *file, struct library_file *ret);

struct library_row {
    struct slice name_key, category, category_key, text;
};
MUST_USE enum err library_store_insert(struct ctx *c, struct db_conn *conn, const struct id *file, const struct id *owner,
                                       const struct library_row *row);
/* After library_store_forget. */
MUST_USE enum err library_store_update(struct ctx *c, struct db_conn *conn, const struct id *file, const struct library_row *row);
/* The row is gone, or is about to be changed: SQLite's index of trigrams forgets it. */
MUST_USE enum err library_store_forget(struct ctx *c, struct db_conn *conn, const struct id *file);
/* The library of an owner; 0 when there is none: no file yet. */
MUST_USE enum err library_store_number(struct ctx *c, struct db_conn *conn, const struct id *owner, int64_t *ret);
/* All tags of a file, anew. */
MUST_USE enum err library_store_clear_tags(struct ctx *c, struct db_conn *conn, const struct id *file);
MUST_USE enum err library_store_tag(struct ctx *c, struct db_conn *conn, const struct id *file, struct slice tag, struct slice key);

struct library_find {
    const struct library_query *q;
    const struct search *search;
    int64_t owner;      /* number of the library; not for LIBRARY_SHARED_WITH_ME */
    struct id user;     /* with whom it is shared */
    int64_t now_ms;
    bool in_folder;
    struct id folder;
    struct slice type;  /* pattern, or empty */
    struct slice state; /* or empty */
    struct slice category; /* its key, or empty */
    bool trashed;
};
MUST_USE enum err library_store_find(struct ctx *c, struct db_conn *conn, const struct library_find *f, struct file **ret,
                                     size_t *ret_n);
MUST_USE enum err library_store_labels(struct ctx *c, struct db_conn *conn, int64_t owner, enum label_kind kind,
                                       const struct page_key *page, struct label **ret, size_t *ret_n);

#endif
