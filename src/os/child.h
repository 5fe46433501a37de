/* child: a helper program beside this process, spoken to over one socket that is its standard input and output.
 *
 * It gets an empty environment, default signals and no other descriptor of ours; it ends when the socket closes.
 * One thread at a time. Timeouts are real time, not the injected clock. */
#ifndef SEALDROP_OS_CHILD_H
#define SEALDROP_OS_CHILD_H

#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"

struct child {
    pid_t pid;  /* 0: not running */
    int socket; /* -1: not running */
};
#define CHILD_NONE {0, -1}

/* ERR_NOT_FOUND when there is no such program. */
MUST_USE enum err child_start(const char *program, struct child *ret);
/* All n bytes. ERR_TIMEOUT, ERR_CLOSED when it has ended; after an error only child_stop makes sense. */
MUST_USE enum err child_send(struct child *c, const void *p, size_t n, int64_t timeout_ms);
MUST_USE enum err child_receive(struct child *c, void *p, size_t n, int64_t timeout_ms);
/* Kills it and waits. Harmless when it does not run. */
void child_stop(struct child *c);
/* Runs fn in a copy of this process, which must have one thread; what fn writes to `result` comes back, at most `cap` bytes.
 * ERR_CLOSED, and nothing, when fn gave an error or the copy was killed. */
MUST_USE enum err child_compute(enum err (*fn)(void *arg, int result), void *arg, void *p, size_t cap, size_t *ret_n);
/* Name of a program that lies beside the running one, in `ret` ("" when that cannot be told). */
void child_beside(const char *name, char ret[4096]);

#endif
