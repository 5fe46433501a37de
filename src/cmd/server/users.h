/* users: the subcommands of "sealdropd admin" that change accounts. */
#ifndef SEALDROP_CMD_SERVER_USERS_H
#define SEALDROP_CMD_SERVER_USERS_H

#include "cmd/server/commands.h"
#include "cmd/server/wiring.h"

/* The caller closes w. */
typedef enum err admin_fn(struct ctx *c, struct args *a, const struct config *cfg, struct wiring *w);
admin_fn admin_suspend, admin_unsuspend, admin_role, admin_email, admin_password, admin_reset_mfa, admin_import, admin_invite;

MUST_USE enum err read_password(struct ctx *c, struct args *a, struct buf *ret);

#endif
