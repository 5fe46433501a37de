/* gate: at most n threads at a time inside a costly section; the rest wait, for a bounded time. */
#ifndef SEALDROP_CORE_APP_GATE_H
#define SEALDROP_CORE_APP_GATE_H

#include "base/err.h"

struct gate;
MUST_USE enum err gate_new(unsigned places, struct gate **ret);
void gate_free(struct gate *g);
/* ERR_BUSY when no place came free in `timeout_ms`. */
MUST_USE enum err gate_enter(struct gate *g, int64_t timeout_ms);
void gate_leave(struct gate *g);

#endif
