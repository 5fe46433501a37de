/* send: uploading a list of files, in parts, several at a time. */
#ifndef SEALDROP_CMD_CLI_SEND_H
#define SEALDROP_CMD_CLI_SEND_H

#include "cmd/cli/send_state.h"
#include "cmd/cli/session.h"

/* Uploads every file of the state that is not done. Interrupted, it can be called again by another process with the same journal. */
MUST_USE enum err send_files(struct app *a, struct session *s, struct send_state *state);
/* Uploads standard input as file 0 of the state, whose size is not known before its end; *ret_size tells it. */
MUST_USE enum err send_stdin(struct app *a, struct session *s, struct send_state *state, uint64_t *ret_size);

/* What send and upload share: the operands are "-" alone; */
static inline bool send_from_stdin(const struct app *a) { return a->operand_count == 1 && strcmp(a->operands[0], "-") == 0; }
/* the files that they name (and --name), told of what is left out; */
MUST_USE enum err send_find_files(struct app *a, struct walk *ret);
/* all of them uploaded, *bytes set when only the end of standard input tells, and words for an interruption. */
MUST_USE enum err send_all(struct app *a, struct session *s, struct send_state *state, uint64_t *bytes);
/* The end of what both tell as JSON: "files":[…]} and a line end. `bytes` is the size of a single file. */
MUST_USE enum err send_put_files(struct buf *out, const struct send_state *state, uint64_t bytes);

#endif
