/* imitate: what the password of nobody is compared with, so that the time of a refusal does not tell who has an account.
 *
 * Accounts have hashes of several kinds (scheme and cost): of earlier settings, imported from other systems. An address without an account
 * is given one of them, chosen by a MAC of the address, in the proportions in which accounts have them. The kind that the settings in
 * force ask for comes first, so that as accounts move to it, addresses of nobody move to it too, and not back. Internal to core/user. */
#ifndef SEALDROP_CORE_USER_IMITATE_H
#define SEALDROP_CORE_USER_IMITATE_H

#include "core/app/app.h"

/* Longest text of a kind, such as "import:$argon2id$v=19$m=65536,t=3,p=1$". */
#define HASH_KIND_BYTES 64

/* What hashes of the same scheme and cost begin with; empty for the empty hash. */
struct slice hash_kind(struct slice hash);
/* A hash that nothing matches, of the kind that an account with this folded address would have. In the arena. */
MUST_USE enum err hash_imitate(struct ctx *c, struct app *app, struct slice folded, struct slice *ret);

#endif
