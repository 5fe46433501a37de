/* sign_in: the ways to prove who uses this client: password (and second factor), a code approved elsewhere, an API key. Each gives what
 * the account file keeps; nothing is kept here. */
#ifndef SEALDROP_CMD_CLI_SIGN_IN_H
#define SEALDROP_CMD_CLI_SIGN_IN_H

#include "cmd/cli/cli.h"
#include "cmd/cli/wire.h"

/* Asks for a code on the terminal when the account has a second factor. */
MUST_USE enum err sign_in_password(struct app *a, const struct server *s, struct slice email, struct slice password,
                                   struct slice device, struct wire_tokens *ret);
/* Shows a code, an address and their QR code on stderr, then waits until somebody has approved or refused it. */
MUST_USE enum err sign_in_device(struct app *a, const struct server *s, struct slice device, struct wire_tokens *ret);
/* Whose key it is; ERR_UNAUTH when the server does not know it. */
MUST_USE enum err sign_in_key(struct app *a, const struct server *s, struct slice key, struct wire_me *ret);

#endif
