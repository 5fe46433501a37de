/* send_state: what an interrupted `send` has done so far: a journal keyed by server, account and the paths on the command line.
 *
 * A file goes on where it was only if size and time are the same; otherwise it starts anew. Used by several workers: each touches its
 * own file's entry, and appending is thread-safe. */
#ifndef SEALDROP_CMD_CLI_SEND_STATE_H
#define SEALDROP_CMD_CLI_SEND_STATE_H

#include "cmd/cli/journal.h"
#include "cmd/cli/walk.h"
#include "crypto/hash.h"

struct send_file {
    const struct walk_file *file;
    bool known;   /* an upload exists: the three below are set */
    bool done;    /* and is complete */
    bool changed; /* an upload of other content existed under this path: upload_id is that one */
    struct id upload_id, file_id;
    uint32_t part_size;
};

struct send_state {
    struct journal *journal; /* NULL: nothing is kept (standard input) */
    struct send_file *files; /* as in the walk */
    size_t count;
    struct slice folder;      /* of the library that takes the files; ptr NULL: none */
    struct opt_id version_of; /* the one file is a new version of this one */
    struct id keys;           /* what the keys of files that go in forms begin with */
    struct opt_id transfer_id; /* the transfer is made; only its link is missing */
};

/* The name of the journal: what makes two sends "the same". */
MUST_USE enum err send_state_key(struct slice server, struct slice email, const struct walk *w, struct sha256 *ret);
/* Opens the journal at `path` and matches it with the walk; `fresh` forgets what was there. */
MUST_USE enum err send_state_open(struct ctx *c, const char *path, bool fresh, const struct walk *w, struct send_state *ret);
/* No journal: for standard input. */
MUST_USE enum err send_state_none(struct ctx *c, const struct walk *w, struct send_state *ret);
void send_state_close(struct send_state *s);
/* Everything arrived: nothing to go on with. */
void send_state_remove(struct send_state *s);
MUST_USE enum err send_state_upload(struct ctx *c, struct send_state *s, size_t i, const struct id *upload_id,
                                    const struct id *file_id, uint32_t part_size);
MUST_USE enum err send_state_done(struct ctx *c, struct send_state *s, size_t i);
/* For files that go in forms: the key under which the server stores this one once, and that it is stored. */
MUST_USE enum err send_state_file_key(struct ctx *c, const struct send_state *s, size_t i, const char **ret);
MUST_USE enum err send_state_stored(struct ctx *c, struct send_state *s, size_t i, const struct id *file_id);
MUST_USE enum err send_state_transfer(struct ctx *c, struct send_state *s, const struct id *transfer_id);

#endif
