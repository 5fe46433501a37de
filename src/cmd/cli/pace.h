/* pace: how many workers a transfer should have: one step more as long as that moves more, one step back when it does not, and a new
 * look after a while, because paths change. Pure arithmetic on what was moved in equal spans of time. */
#ifndef SEALDROP_CMD_CLI_PACE_H
#define SEALDROP_CMD_CLI_PACE_H

#include <stdbool.h>
#include <stdint.h>

#define PACE_MS 2000 /* a span */

struct pace {
    unsigned workers, max;
    uint64_t before; /* moved in the span that the present one is compared with */
    unsigned wait;   /* spans until the next look */
    bool looking;    /* the last step was up, to see what it brings */
};

void pace_start(struct pace *p, unsigned workers, unsigned max);
/* At the end of a span: what was moved in it. The workers for the next one. */
unsigned pace_next(struct pace *p, uint64_t moved);

#endif
