/* sniff: what a file is, told from its beginning by the sandboxed program (lab/lab.h). No byte of a file is parsed in this process.
 *
 * One program serves all callers, one after the other (some 0.5 ms each); it is started at the first question and again when it
 * has died. Thread-safe. */
#ifndef SEALDROP_CORE_TYPE_SNIFF_H
#define SEALDROP_CORE_TYPE_SNIFF_H

#include "base/ctx.h"

struct sniffer;
/* `program`: its path, copied. */
MUST_USE enum err sniffer_new(struct slice program, struct sniffer **ret);
void sniffer_free(struct sniffer *s);
/* The media type, in the arena; empty when these bytes are such that the parser did not survive them. At most LAB_SNIFF_BYTES of
 * `head` are looked at. ERR_NOT_FOUND when there is no such program, ERR_TIMEOUT, ERR_CLOSED when it failed twice. */
MUST_USE enum err sniff(struct ctx *c, struct sniffer *s, struct slice head, struct slice *ret);

#endif
