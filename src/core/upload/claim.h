/* claims: who is writing which part of an upload on this node, from opening it until its row is durable. A newer claim takes the
 * part over at once; only while the older one is opening the part or making its row durable does it wait. (Opening: two that open
 * at once would evict each other's writer in the store, and neither would end well.) Thread-safe. Internal to core/upload. */
#ifndef SEALDROP_CORE_UPLOAD_CLAIM_H
#define SEALDROP_CORE_UPLOAD_CLAIM_H

#include "base/err.h"
#include "base/id.h"

struct part_claims;
struct part_claim;

MUST_USE enum err part_claims_new(struct part_claims **ret);
void part_claims_free(struct part_claims *s);
/* ERR_BUSY when the holder does not end its opening or its commit in time. */
MUST_USE enum err claim_take(struct part_claims *s, const struct id *upload, uint64_t part, struct part_claim **ret);
/* The part is open: from here on a newcomer takes it over. */
void claim_opened(struct part_claim *c);
/* ERR_CANCELLED once a newer attempt holds the part. */
MUST_USE enum err claim_check(struct part_claim *c);
/* From here on newcomers wait for claim_release. ERR_CANCELLED when it is too late. */
MUST_USE enum err claim_begin_commit(struct part_claim *c);
void claim_release(struct part_claim *c);

#endif
