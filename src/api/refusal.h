/* refusal: what was refused for want of a right, or for too many tries, stands in the audit log. */
#ifndef SEALDROP_API_REFUSAL_H
#define SEALDROP_API_REFUSAL_H

#include "api/api.h"

/* For an error a request ends in; most need no record. At most one record a request, REFUSALS_PER_MINUTE for one address: whoever
 * knocks without end does not fill the log. Foreign and absent objects leave the same record, so that time tells no difference. */
#define REFUSALS_PER_MINUTE 60
void note_refusal(struct call *q, enum err e);

#endif
