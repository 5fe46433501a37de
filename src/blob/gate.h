/* gate: who may touch which part of which blob, inside one process.
 *
 * A slot is a right to write one part of one blob, or (a claim) to change the whole blob. Rights to the same thing never
 * overlap in time: the later one wins. It marks the earlier one evicted, waits until its owner is out of the section between
 * gate_enter and gate_leave (one write call, not the whole part), and from then on the earlier one gets ERR_CANCELLED.
 * A claim evicts every part of its blob; a newcomer waits for a claim to end and is never let in beside it.
 * Thread-safe; a slot belongs to one thread at a time and stays where it is while open. Nothing here can fail but by eviction. */
#ifndef SEALDROP_BLOB_GATE_H
#define SEALDROP_BLOB_GATE_H

#include "blob/blob.h"
#include "os/thread.h"

#define GATE_STRIPES 32

struct gate_slot {
    struct blob_key key;
    uint32_t part;
    bool whole, busy, evicted, linked;
    struct gate_slot *next;
};
/* The lock guards the list and the fields of the slots in it. No other lock is taken under it. */
struct gate_stripe {
    struct mutex m;
    struct cond changed;
    struct gate_slot *head;
};
struct gate {
    struct gate_stripe stripes[GATE_STRIPES];
};

void gate_init(struct gate *g);
void gate_done(struct gate *g);
/* The right to one part; evicts the former holder. */
void gate_open(struct gate *g, struct gate_slot *s, struct blob_key key, uint32_t part);
/* The right to the blob's name while it is made: keeps claims out, leaves writers of parts alone. Entered already. */
void gate_open_name(struct gate *g, struct gate_slot *s, struct blob_key key);
/* The right to the whole blob; evicts all writers of its parts. Entered already. */
void gate_claim(struct gate *g, struct gate_slot *s, struct blob_key key);
/* ERR_CANCELLED when evicted; otherwise nobody else acts on the part until gate_leave or gate_close. */
MUST_USE enum err gate_enter(struct gate *g, struct gate_slot *s);
void gate_leave(struct gate *g, struct gate_slot *s);
/* Gives the right back, entered or not. False when it had been lost before: what was done under it is not to be relied on. */
bool gate_close(struct gate *g, struct gate_slot *s);

#endif
