/* journal: a private file (0600) of JSON lines that only grows while it is in use: what survives a killed client.
 *
 * A line counts once its newline is there: a torn last line is cut off at opening. One process holds a journal at a time (flock).
 * Appending is thread-safe. */
#ifndef SEALDROP_CMD_CLI_JOURNAL_H
#define SEALDROP_CMD_CLI_JOURNAL_H

#include "base/ctx.h"
#include "codec/json.h"

#define JOURNAL_MAX (64u << 20)

struct journal;
/* Each whole line found, in order; `line` has no newline. An error ends the opening with it. */
typedef enum err journal_line_fn(void *arg, struct ctx *c, struct slice line);
/* Creates the file when there is none; directories must exist. ERR_BUSY: another process holds it (with `wait`: waits for it). */
MUST_USE enum err journal_open(struct ctx *c, const char *path, bool wait, journal_line_fn *each, void *arg,
                               struct journal **ret);
void journal_close(struct journal *j);
void journal_cleanup(struct journal **j);
/* One line: a struct by its table. Reaches the kernel before it returns; `durable`: the disk. */
MUST_USE enum err journal_append(struct ctx *c, struct journal *j, const struct json_table *t, const void *obj, bool durable);
/* Forget everything in it. */
MUST_USE enum err journal_clear(struct ctx *c, struct journal *j);
/* Remove the file and close. */
void journal_remove(struct journal *j);

#endif
