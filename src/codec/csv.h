/* csv: records of comma-separated text (RFC 4180): quoted fields may hold commas, line ends and doubled quotes. Lines end in LF or
 * CRLF; empty lines are skipped. */
#ifndef SEALDROP_CODEC_CSV_H
#define SEALDROP_CODEC_CSV_H

#include "base/arena.h"

struct csv {
    struct slice rest; /* begin with the whole text */
    unsigned line;     /* where the last record began, from 1 */
    unsigned lines;    /* read so far */
};
/* The next record: at most `max` fields, into the text or, when they were quoted, the arena. ERR_NOT_FOUND at the end; ERR_INVALID for a
 * quote that is not closed or is followed by text, or a quote inside a field that began without; ERR_TOO_LARGE for more fields. */
MUST_USE enum err csv_next(struct arena *a, struct csv *p, struct slice *fields, size_t max, size_t *ret_n);

#endif
