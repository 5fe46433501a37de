/* form: small files are sent many to a request, so that a folder of thousands does not take as many round trips. Each carries a key that
 * the journal remembers the beginning of: sent again after a cut, it is stored once. */
#ifndef SEALDROP_CMD_CLI_FORM_H
#define SEALDROP_CMD_CLI_FORM_H

#include "cmd/cli/pool.h"
#include "cmd/cli/send_state.h"
#include "cmd/cli/session.h"

#define FORM_FILE_MAX (1u << 20) /* what the server takes as small */

struct form_send {
    struct session *session;
    struct send_state *state;
    struct progress *progress;
};
/* May file i be sent so? */
bool form_takes(const struct send_state *state, size_t i);
/* The files that are sent so, in forms: form k has those from first[k] up to first[k + 1] in `files`. In c's arena. */
struct form_plan {
    size_t *files, *first;
    size_t count;
};
MUST_USE enum err form_plan(struct ctx *c, const struct send_state *state, struct form_plan *ret);
/* Sends one form, however often it takes, and notes its files as done. The worker's `own` is a client. What is refused about a file ends
 * in its words, the others being done. */
MUST_USE enum err form_send(const struct form_send *f, struct worker *w, const size_t *files, size_t n);

#endif
