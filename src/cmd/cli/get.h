/* get: fetching all files behind a link into a folder, several parts at a time. */
#ifndef SEALDROP_CMD_CLI_GET_H
#define SEALDROP_CMD_CLI_GET_H

#include "cmd/cli/recipient.h"
#include "cmd/cli/target.h"

struct get_result {
    const struct target *targets; /* one a file of the share */
    const char *dir;
};
/* Options (-o, --force, --rename, progress) come from `a`. Every file is verified before it gets its name. */
MUST_USE enum err get_files(struct app *a, struct recipient *r, struct get_result *ret);

/* What get and download share: options that exclude each other, in words; the one file to standard output; all to the disk, and what
 * is said of it. */
extern const struct arg_option opt_out, opt_stdout, opt_force, opt_rename;
MUST_USE enum err get_check_options(struct app *a);
MUST_USE enum err get_to_stdout(struct app *a, struct recipient *r);
MUST_USE enum err get_to_disk(struct app *a, struct recipient *r);

#endif
