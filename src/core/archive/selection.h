/* selection: files that somebody picked, to be fetched as one archive. It has an id for LIMIT_SELECTION_MS after its last use, so that what
 * breaks off can be continued by a plain GET. Each use decides anew whether the caller may have every one of the files. */
#ifndef SEALDROP_CORE_ARCHIVE_SELECTION_H
#define SEALDROP_CORE_ARCHIVE_SELECTION_H

#include "core/archive/archive.h"

struct selection {
    const struct id *files;
    size_t n;
};
/* Free *ret with archive_free. ERR_INVALID with a field error for none, too many, or one twice; otherwise as file_get, of the first file
 * that the caller may not have. */
MUST_USE enum err selection_open(struct ctx *c, struct app *app, const struct principal *who, const struct selection *s,
                                 struct archive **ret, struct id *ret_id);
/* Only the caller's own: ERR_NOT_FOUND. */
MUST_USE enum err selection_reopen(struct ctx *c, struct app *app, const struct principal *who, const struct id *id,
                                   struct archive **ret);
/* For the expiry job. */
MUST_USE enum err selection_expire(struct ctx *c, struct app *app);

#endif
