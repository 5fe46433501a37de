/* progress: how far a send or get is, told on stderr: one rewritten line on a terminal, a plain line every 10 s otherwise (when asked
 * for), or nothing. Counters may be moved by any thread. */
#ifndef SEALDROP_CMD_CLI_PROGRESS_H
#define SEALDROP_CMD_CLI_PROGRESS_H

#include "base/buf.h"

enum progress_mode { PROGRESS_NONE, PROGRESS_LINE /* rewritten in place */, PROGRESS_PLAIN };

/* What one line says. */
struct progress_view {
    uint64_t done, total;   /* bytes; total UINT64_MAX: unknown */
    uint64_t rate;          /* smoothed bytes per second; 0: not known yet */
    uint64_t files_done, files;
    uint64_t stalled_s;     /* with tries: the stall is shown instead of speed and time left */
    unsigned tries, tries_max;
};
/* "42 %  1.3 GB of 3.1 GB  118.2 MB/s  16 s left  files 3/12", cut to `width` columns. */
MUST_USE enum err progress_print(struct buf *out, const struct progress_view *v, unsigned width);

/* Speed as people feel it: an average that forgets with a time constant of 3 s. */
struct progress_rate {
    double bytes_per_s;
    uint64_t last_bytes;
    int64_t last_ms;
    bool started;
};
void progress_rate_add(struct progress_rate *r, uint64_t bytes, int64_t now_ms);

struct progress;
/* Starts a thread that prints. `total` UINT64_MAX: unknown. */
MUST_USE enum err progress_start(enum progress_mode mode, uint64_t total, uint64_t files, struct progress **ret);
/* Clears the line. All functions accept NULL. */
void progress_stop(struct progress *p);
/* Bytes that are done for good. */
void progress_add(struct progress *p, uint64_t bytes);
/* Bytes `worker` has on the way; replaces what it said before. */
void progress_flight(struct progress *p, unsigned worker, uint64_t bytes);
void progress_file(struct progress *p);
/* All that moved so far, with what is on the way; a file counts as 64 KiB besides, so that many small ones are work too. */
uint64_t progress_moved(struct progress *p);
/* A call has failed since `since_ms` (monotonic) and is tried for the n-th time; tries 0: all is well again. */
void progress_stall(struct progress *p, int64_t since_ms, unsigned tries, unsigned tries_max);
/* A whole line for people, above the progress line. */
void progress_say(struct progress *p, const char *fmt, ...) PRINTF_LIKE(2, 3);

#endif
