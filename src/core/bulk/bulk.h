/* bulk: one operation on many files, each with its own rights and its own result. A few transactions do it, a hundred files in each; an
 * item that is refused changes nothing and does not keep the others from theirs. */
#ifndef SEALDROP_CORE_BULK_BULK_H
#define SEALDROP_CORE_BULK_BULK_H

#include "core/share/share.h"

enum bulk_op { BULK_DELETE, BULK_TRASH, BULK_RESTORE, BULK_TAG, BULK_UNTAG, BULK_MOVE, BULK_SHARE, BULK_OPS };
/* "delete", …; ERR_INVALID for an unknown word. */
MUST_USE enum err bulk_op_parse(struct slice word, enum bulk_op *ret);

struct bulk {
    enum bulk_op op;
    const struct id *ids;
    size_t n;                 /* 1..LIMIT_BULK_FILES */
    const struct slice *tags; /* tag, untag */
    size_t tag_count;
    struct slice folder;      /* move: an id or a path of the caller's (core/folder) */
    struct share_new share;   /* share */
};
struct bulk_item {
    struct id id;
    bool ok;
    struct slice code, detail; /* when not ok */
};
/* Results in the order of the ids, in the arena. An error is one of the whole: bad arguments, or a role that may not do this at all. */
MUST_USE enum err bulk_run(struct ctx *c, struct app *app, const struct principal *who, const struct bulk *b, struct bulk_item **ret);

#endif
