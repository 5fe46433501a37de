/* get_state: which parts of one file that is being fetched are verified and on disk: the journal NAME.part.state beside NAME.part.
 *
 * A part is noted only after the data file was synced, so what the journal says is true after any crash. Thread-safe from open to close. */
#ifndef SEALDROP_CMD_CLI_GET_STATE_H
#define SEALDROP_CMD_CLI_GET_STATE_H

#include "cmd/cli/journal.h"
#include "crypto/sft.h"

/* What must agree for a partial file to be continued. */
struct get_identity {
    struct slice link_hash; /* hex SHA-256 of the link's token */
    struct id file_id;
    uint64_t size;
    uint32_t part_size;
    struct sha256 headers_hash;
};

struct get_state;
/* `path` NULL: nothing is kept (files of one part, which start anew). *ret_continues: there was a state of this very file; when it was
 * sealed anew since, no part counts any more.
 * ERR_CONFLICT in words: the state belongs to something else (with `fresh` it is forgotten instead). */
MUST_USE enum err get_state_open(struct ctx *c, const char *path, bool fresh, const struct get_identity *id,
                                 struct get_state **ret, bool *ret_continues);
void get_state_close(struct get_state *s);
/* Close and remove the journal. */
void get_state_remove(struct get_state *s);
bool get_state_has(const struct get_state *s, uint64_t part);
/* Forget all parts (the data file is gone). */
MUST_USE enum err get_state_forget(struct ctx *c, struct get_state *s);
/* `part` is verified and written to `fd`. Now and then (64 MiB or 5 s) fd is synced and what is new is noted. */
MUST_USE enum err get_state_part(struct ctx *c, struct get_state *s, int fd, uint64_t part, const struct seal_header *h);
/* Sync and note everything now. */
MUST_USE enum err get_state_flush(struct ctx *c, struct get_state *s, int fd);
/* Every part is there and all headers together are those of the file. ERR_CORRUPT otherwise. */
MUST_USE enum err get_state_verify(struct ctx *c, const struct get_state *s);

#endif
