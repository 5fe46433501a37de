/* get: fetching all files behind a link into a folder, four parts at a time. */
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

#endif
