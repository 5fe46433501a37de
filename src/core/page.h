/* page: cursors of lists. A cursor is opaque text: the sort key and id of the last item seen. Lists are newest first. */
#ifndef SEALDROP_CORE_PAGE_H
#define SEALDROP_CORE_PAGE_H

#include "base/ctx.h"
#include "base/id.h"

struct page {
    size_t limit;      /* 1..LIMIT_PAGE_ITEMS */
    int64_t before_ms; /* items created before this, or at it with a smaller id */
    struct id before_id;
};

/* From the query: `limit` 0 takes the default, an empty cursor starts at the newest. ERR_INVALID. */
MUST_USE enum err page_parse(struct ctx *c, uint64_t limit, struct slice cursor, struct page *ret);
/* The cursor after an item, in the arena. */
MUST_USE enum err page_cursor(struct ctx *c, int64_t created_at, const struct id *id, struct slice *ret);
/* A place in a list of any other order: the key it is sorted by (text or number; the other is empty) and the id of the last item. The
 * cursor also tells the order it belongs to, one printable character a list; for one of another order it is refused. */
struct page_key {
    size_t limit;
    bool first; /* from the beginning; the rest is then the caller's to set */
    int64_t number;
    struct slice text;
    struct id id;
};
MUST_USE enum err page_key_parse(struct ctx *c, uint64_t limit, struct slice cursor, char order, struct page_key *ret);
MUST_USE enum err page_key_cursor(struct ctx *c, char order, const struct page_key *last, struct slice *ret);

/* Text people search for as a pattern for LIKE with '!' as the escape character: folded, "%text%"; empty stays empty. ERR_INVALID with
 * an error of `field`. */
MUST_USE enum err page_like(struct ctx *c, const char *field, struct slice q, struct slice *ret);

#endif
