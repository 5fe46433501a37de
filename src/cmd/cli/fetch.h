/* fetch: one sealed part of a file behind a link: range requests, verification, going on after a broken connection. */
#ifndef SEALDROP_CMD_CLI_FETCH_H
#define SEALDROP_CMD_CLI_FETCH_H

#include "cmd/cli/pool.h"
#include "cmd/cli/recipient.h"
#include "cmd/cli/unseal.h"

/* What one thread needs. */
struct fetcher {
    struct client *client;
    struct unseal *unseal;
};
MUST_USE enum err fetcher_open(struct ctx *c, const struct server *s, struct fetcher **ret);
void fetcher_close(struct fetcher *f);

/* The code of the ERR_GONE that says: these bytes are not of the key that was got; ask for the key again. */
#define CONTENT_CHANGED "content_changed"

struct fetch {
    struct recipient *recipient;
    const struct id *file_id;
    struct slice name; /* for messages */
    const struct file_secret *secret;
    struct slice grant;
    struct progress *progress;
    unsigned worker; /* for the progress */
    unseal_emit_fn *emit;
    void *emit_arg;
};
/* All of part `part`, verified and emitted in order; *ret is its header. ERR_CORRUPT: it does not verify. */
MUST_USE enum err fetch_part(struct ctx *c, struct fetcher *f, const struct fetch *what, uint64_t part, struct seal_header *ret);

#endif
