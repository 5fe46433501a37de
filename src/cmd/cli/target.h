/* target: where fetched files go on this disk, and what may be replaced. Names come from the server and are not trusted: they are checked
 * again, stay below the chosen folder, and are never written through a symbolic link. */
#ifndef SEALDROP_CMD_CLI_TARGET_H
#define SEALDROP_CMD_CLI_TARGET_H

#include "base/ctx.h"

enum target_rule { TARGET_REFUSE, TARGET_REPLACE, TARGET_RENAME };

struct target {
    struct slice name;      /* as the server says */
    const char *path;       /* final */
    const char *part_path;  /* path + ".part"; ".part-2" and so on when that is the name of another target, or a folder of it */
    const char *state_path; /* part_path + ".state"; never a name of another target either */
    bool done;              /* set by the caller before: an earlier run has finished it as `path` */
};

/* Fills path, part_path and state_path of all targets that are not done. ERR_EXISTS in words, before anything is made, when one
 * is there and the rule is TARGET_REFUSE; ERR_INVALID for a name that cannot be written. */
MUST_USE enum err target_plan(struct ctx *c, const char *dir, enum target_rule rule, struct target *targets, size_t n);
/* The folders between `dir` and the file (0777 less umask). ERR_DENIED when one of them is a symbolic link. */
MUST_USE enum err target_make_dirs(struct ctx *c, const char *dir, const struct target *t);
/* mkdir -p for the folder the person named; links in it are the person's own. */
MUST_USE enum err target_make_root(struct ctx *c, const char *dir);
/* part_path becomes path. ERR_EXISTS when something appeared there meanwhile and the rule is not TARGET_REPLACE, or when part_path
 * is not the file that was written through `fd`. */
MUST_USE enum err target_publish(struct ctx *c, enum target_rule rule, const struct target *t, int fd);
/* Makes the new names durable. */
MUST_USE enum err target_sync_dirs(struct ctx *c, const struct target *targets, size_t n);

#endif
