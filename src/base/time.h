/* Calendar arithmetic on wall-clock milliseconds since 1970-01-01T00:00:00Z. Pure: the clock itself is in os/clock.h. */
#ifndef SEALDROP_BASE_TIME_H
#define SEALDROP_BASE_TIME_H

#include <stdint.h>

#include "base/err.h"
#include "base/slice.h"

#define TIME_RFC3339_LEN 24 /* "2026-11-21T20:15:00.123Z" */

struct civil_time {
    int64_t year;
    int month; /* 1..12 */
    int day;   /* 1..31 */
    int hour, minute, second, ms;
    int weekday; /* 0 = Sunday */
};

void time_civil(int64_t ms, struct civil_time *ret);
int64_t time_from_civil(const struct civil_time *t);
/* Writes TIME_RFC3339_LEN characters and a NUL. Years outside 0..9999 are clamped. */
void time_rfc3339(int64_t ms, char ret[TIME_RFC3339_LEN + 1]);
/* RFC 3339 with "Z" or numeric offset, optional fraction. ERR_INVALID otherwise. */
MUST_USE enum err time_parse_rfc3339(struct slice s, int64_t *ret_ms);

#endif
