/* args: command lines by tables. A command names its options; each option says where its value goes in one `struct options`-like
 * struct. Pure: problems come back as a sentence that names the option and, when one is near, what was perhaps meant. */
#ifndef SEALDROP_CMD_CLI_ARGS_H
#define SEALDROP_CMD_CLI_ARGS_H

#include "base/buf.h"

enum arg_kind {
    ARG_FLAG,     /* bool */
    ARG_TEXT,     /* const char * */
    ARG_COUNT,    /* struct arg_number: decimal digits, at least 1 */
    ARG_DURATION, /* struct arg_number: seconds, from "90s", "10m", "36h", "3d", "2w" */
};

struct arg_number {
    bool set;
    uint64_t v;
};

struct arg_option {
    const char *name; /* without the dashes */
    char letter;      /* or 0 */
    enum arg_kind kind;
    size_t offset;
    const char *value; /* how the help calls the value */
    const char *doc;
};

struct app;
struct arg_command {
    const char *name;
    const char *operands; /* for the usage line: "PATH…" */
    size_t operands_min, operands_max;
    const char *summary;
    const char *details; /* whole lines, or NULL */
    const struct arg_option *const *options;
    size_t option_count;
    enum err (*run)(struct app *a);
};

/* argv without the program and command names. Values go into *values (zeroed by the caller), operands into `operands` (room for argc).
 * ERR_INVALID with a sentence in `problem`. "--" ends the options, "-" is an operand. */
MUST_USE enum err args_parse(const struct arg_command *cmd, int argc, const char *const *argv, void *values,
                             const char **operands, size_t *ret_count, struct buf *problem);
/* The command of that name, or NULL with a sentence in `problem`. */
const struct arg_command *args_command(const struct arg_command *const *all, size_t n, const char *name,
                                       struct buf *problem);
/* Help texts, whole lines. */
MUST_USE enum err args_help(struct buf *out, const struct arg_command *cmd);
MUST_USE enum err args_overview(struct buf *out, const struct arg_command *const *all, size_t n);

#endif
