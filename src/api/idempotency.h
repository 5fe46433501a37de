/* idempotency: a POST that creates something may carry an Idempotency-Key; repeating it within 24 hours gives the first answer
 * again and creates nothing. The key with another body is refused. Stored answers are sealed: some carry a token. */
#ifndef SEALDROP_API_IDEMPOTENCY_H
#define SEALDROP_API_IDEMPOTENCY_H

#include "api/api.h"

/* Calls route->call, or answers from memory. */
MUST_USE enum err idempotent_call(struct call *q);

#endif
