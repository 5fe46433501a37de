/* The subcommands of sealdropd. Each prints for people, and gives the error that decides the exit code. */
#ifndef SEALDROP_CMD_SERVER_COMMANDS_H
#define SEALDROP_CMD_SERVER_COMMANDS_H

#include "cmd/server/config.h"

/* Arguments after the subcommand's name. */
struct args {
    int n;
    char **v;
};
/* Options that every subcommand takes (--config, --data, --listen), removed from args; then the settings in force. */
MUST_USE enum err args_config(struct ctx *c, struct args *a, struct config *ret);
/* Takes "--name VALUE" out of args; ret NULL when absent. ERR_INVALID when the value is missing. */
MUST_USE enum err args_option(struct ctx *c, struct args *a, const char *name, const char **ret);
/* Takes the flag "--name" out of args. */
bool args_flag(struct args *a, const char *name);
/* ERR_INVALID naming what is left over. */
MUST_USE enum err args_end(struct ctx *c, const struct args *a);

typedef enum err command_fn(struct ctx *c, struct args *a);
command_fn command_serve, command_admin, command_keys, command_doctor, command_config, command_openapi;

#endif
