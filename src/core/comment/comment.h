/* comment: what people say about a file: plain text, by whoever may see the file and to the same people. Only its author changes one;
 * its author or the file's owner deletes one. They go with the file, and with the account of their author. */
#ifndef SEALDROP_CORE_COMMENT_COMMENT_H
#define SEALDROP_CORE_COMMENT_COMMENT_H

#include "core/file/file.h"

struct comment {
    struct id id;
    struct id author_id;
    struct slice author_name;
    struct slice text;
    int64_t created_at;
    int64_t edited_at; /* 0: never */
};

/* Newest first, in the arena; one more than page->limit when there is a next page. */
MUST_USE enum err comment_list(struct ctx *c, struct app *app, const struct principal *who, const struct id *file,
                               const struct page *page, struct comment **ret, size_t *ret_n);
/* Text of at most LIMIT_MESSAGE_BYTES with line breaks and tabs, but no other control or deceptive characters: ERR_INVALID. ERR_QUOTA at
 * LIMIT_FILE_COMMENTS. */
MUST_USE enum err comment_add(struct ctx *c, struct app *app, const struct principal *who, const struct id *file, struct slice text,
                              struct comment *ret);
MUST_USE enum err comment_change(struct ctx *c, struct app *app, const struct principal *who, const struct id *file,
                                 const struct id *comment, struct slice text, struct comment *ret);
MUST_USE enum err comment_delete(struct ctx *c, struct app *app, const struct principal *who, const struct id *file,
                                 const struct id *comment);

#endif
