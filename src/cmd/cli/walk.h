/* walk: from the paths a person names to the list of files to send, with the names they get on the other side. */
#ifndef SEALDROP_CMD_CLI_WALK_H
#define SEALDROP_CMD_CLI_WALK_H

#include "base/ctx.h"

struct walk_file {
    const char *path;  /* absolute */
    struct slice name; /* relative, '/'-separated; unique in the list */
    uint64_t size;
    int64_t mtime_ns;
};
struct walk {
    struct walk_file *files; /* in c's arena, sorted by name */
    size_t count;
    uint64_t bytes;
    const char *const *roots; /* the absolute paths that were named, in their order */
    size_t root_count;
    size_t skipped;      /* links, devices and the like inside folders */
    size_t empty_dirs;
};

/* Folders are walked down to NAME_PATH_DEPTH levels; symbolic links inside them are not followed, one named on the command line
 * is. The same file named twice counts once; two files that would get one name become "name" and "name (2)". ERR_INVALID: nothing
 * to send, or a name that cannot be sent; ERR_TOO_LARGE: more than LIMIT_TRANSFER_FILES; each in words. */
MUST_USE enum err walk_paths(struct ctx *c, const char *const *paths, size_t n, struct walk *ret);
/* Size and time of a file as walk_paths() notes them; ERR_INVALID when it is not a regular file. */
MUST_USE enum err walk_stat(const char *path, uint64_t *ret_size, int64_t *ret_mtime_ns);

#endif
