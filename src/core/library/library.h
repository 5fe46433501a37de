/* library: a person's files as lists: searched, filtered, sorted, counted by tag and category.
 *
 * Each file has one row here with what lists look at. The rows of one owner lie together, so that any list costs at most one pass over
 * them, and an index of trigrams finds rare texts without one. A row is written in the transaction of the fact: library_put_tx after a
 * file was made, library_change_tx after its name, tags, category or description changed; triggers copy the rest (size, state, folder,
 * trash).
 *
 * What is searched in is one text: name, tags, category and description, folded and without accents (utf8_fold_bare); tags and the
 * category stand in it once more between control characters, for looking for exactly them. Every word of a search must be a part of
 * it. Both databases decide by LIKE on that text, so both find the same; their indexes only bring candidates. */
#ifndef SEALDROP_CORE_LIBRARY_LIBRARY_H
#define SEALDROP_CORE_LIBRARY_LIBRARY_H

#include "core/app/app.h"
#include "core/file/file.h"
#include "core/page.h"
#include "core/principal.h"

enum library_sort { LIBRARY_BY_NAME, LIBRARY_BY_SIZE, LIBRARY_BY_CREATION, LIBRARY_BY_CHANGE, LIBRARY_SORTS };
struct library_order {
    enum library_sort by;
    bool down;
};
/* "name", "-name", "size", "created_at", "updated_at"; ptr NULL is "-created_at". ERR_INVALID with an error of field "sort". */
MUST_USE enum err library_order_parse(struct ctx *c, struct slice text, struct library_order *ret);
/* For page_key_parse. */
char library_order_mark(struct library_order o);

enum library_side {
    LIBRARY_OWN,
    LIBRARY_SHARED_BY_ME,
    LIBRARY_SHARED_WITH_ME /* files of others, with relation and owner_name */
};
/* "by_me", "with_me"; ptr NULL: own. ERR_INVALID with an error of field "shared". */
MUST_USE enum err library_side_parse(struct ctx *c, struct slice text, enum library_side *ret);
struct library_query {
    const struct id *owner;   /* NULL: the caller; of somebody else only for administrators, on record */
    enum library_side side;
    struct slice q;           /* words; ptr NULL: all */
    struct slice tag;         /* ptr NULL: any */
    struct slice category;    /* ptr NULL: any */
    struct slice type;        /* beginning of the media type, "image/png" or "image"; ptr NULL: any */
    struct slice state;       /* "trashed": what lies in the trash, else nothing of that; ptr NULL: any */
    struct slice folder;      /* id or path, directly in it; ptr NULL: anywhere */
    uint64_t min_size, max_size;
    int64_t from_ms, to_ms;   /* created at from or later, before to */
    struct library_order order;
    struct page_key page;
};
/* In the arena; one more than page.limit when there is a next page. */
MUST_USE enum err library_search(struct ctx *c, struct app *app, const struct principal *who, const struct library_query *q,
                                 struct file **ret, size_t *ret_n);
/* The cursor after `last`. */
MUST_USE enum err library_cursor(struct ctx *c, struct library_order o, const struct file *last, struct slice *ret);

/* Tags or categories of the caller's files out of the trash, with counts, by their key. */
enum label_kind { LIBRARY_TAGS, LIBRARY_CATEGORIES };
struct label {
    struct slice key, name;
    uint64_t files;
};
MUST_USE enum err library_labels(struct ctx *c, struct app *app, const struct principal *who, enum label_kind kind,
                                 const struct page_key *page, struct label **ret, size_t *ret_n);

/* Normal form C without blanks at its ends, and its key. Errors name `field`. */
MUST_USE enum err library_label_check(struct ctx *c, const char *field, struct slice label, struct slice *ret, struct slice *ret_key);

/* Inside the transaction that made the file. */
MUST_USE enum err library_put_tx(struct ctx *c, struct db_conn *conn, const struct id *file);
/* Inside the transaction that changed it. */
MUST_USE enum err library_change_tx(struct ctx *c, struct db_conn *conn, const struct id *file);
/* Inside the transaction that deletes the file, before: the row goes with it. */
MUST_USE enum err library_drop_tx(struct ctx *c, struct db_conn *conn, const struct id *file);

#endif
