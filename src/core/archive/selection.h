/* selection: files and folders that somebody picked, to be fetched as one archive. What lies in the folders is written down when it is
 * picked, so that what comes later does not change the archive. It has an id for LIMIT_SELECTION_MS after its last use, so that what
 * breaks off can be continued by a plain GET. Each use decides anew whether the caller may have every one of the files. */
#ifndef SEALDROP_CORE_ARCHIVE_SELECTION_H
#define SEALDROP_CORE_ARCHIVE_SELECTION_H

#include "core/archive/archive.h"

struct selection_new {
    const struct id *files, *folders;
    size_t file_count, folder_count;
};
struct selection {
    struct id id;
    struct slice name; /* for the archive, without ".zip" */
};
/* Paths in the archive begin in the lowest folder that holds all that was picked: one folder has its own name before all else, files of
 * one folder have none. Somebody else's files, whose folders are nobody's business, stand at the top.
 * Free *ret with archive_free. ERR_INVALID with a field error for none, too many, or one twice; ERR_TOO_LARGE "archive_too_large" for
 * more than LIMIT_ARCHIVE_ENTRIES; otherwise as file_get, of the first file or folder that the caller may not have, which is named. */
MUST_USE enum err selection_open(struct ctx *c, struct app *app, const struct principal *who, const struct selection_new *n,
                                 struct archive **ret, struct selection *ret_selection);
/* Only the caller's own: ERR_NOT_FOUND. */
MUST_USE enum err selection_reopen(struct ctx *c, struct app *app, const struct principal *who, const struct id *id,
                                   struct archive **ret, struct selection *ret_selection);
/* For the expiry job. */
MUST_USE enum err selection_expire(struct ctx *c, struct app *app);

#endif
