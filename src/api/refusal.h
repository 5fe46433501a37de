/* refusal: what was refused for want of a right, or for too many tries, stands in the audit log. */
#ifndef SEALDROP_API_REFUSAL_H
#define SEALDROP_API_REFUSAL_H

#include "api/api.h"

/* For an error a request ends in; most need no record. At most one record a request, REFUSALS_PER_MINUTE for one address: whoever
 * knocks without end does not fill the log. Foreign and absent objects leave the same record, so that time tells no difference. */
#define REFUSALS_PER_MINUTE 60
void note_refusal(struct call *q, enum err e);

/* Links are known by 256 bits, and still nobody goes through many names: an address that named too many which do not exist
 * (limits.tries_per_address), or everybody together (limits.logins), gets ERR_RATE. Before a link is looked for: */
MUST_USE enum err check_misses(struct call *q);
/* And when it was not there, which counts: the error to answer. */
MUST_USE enum err count_miss(struct call *q, enum err e);

#endif
