/* gate: who may touch which part of which blob, inside one process.
 *
 * A slot is a right to write one part of one blob, or (a claim) to change the whole blob. Rights to the same thing never
 * overlap in time: the later one wins. It marks the earlier one evicted, waits until its owner is out of the section between
 * blob_gate_enter and blob_gate_leave (one write call, not the whole part), and from then on the earlier one gets ERR_CANCELLED.
 * A claim evicts every part of its blob; a newcomer waits for a claim to end and is never let in beside it.
 * Thread-safe; a slot belongs to one thread at a time and stays where it is while open. Nothing here can fail but by eviction. */
#ifndef SEALDROP_BLOB_GATE_H
#define SEALDROP_BLOB_GATE_H

#include "blob/blob.h"
#include "os/thread.h"

#define BLOB_GATE_STRIPES 32

struct blob_gate_slot {
    struct blob_key key;
    uint32_t part;
    bool whole, busy, evicted, linked;
    struct blob_gate_slot *next;
};
/* The lock guards the list and the fields of the slots in it. No other lock is taken under it. */
struct blob_gate_stripe {
    struct mutex m;
    struct cond changed;
    struct blob_gate_slot *head;
};
struct blob_gate {
    struct blob_gate_stripe stripes[BLOB_GATE_STRIPES];
};

void blob_gate_init(struct blob_gate *g);
void blob_gate_done(struct blob_gate *g);
/* The right to one part; evicts the former holder. */
void blob_gate_open(struct blob_gate *g, struct blob_gate_slot *s, struct blob_key key, uint32_t part);
/* The right to the blob's name while it is made: keeps claims out, leaves writers of parts alone. Entered already. */
void blob_gate_open_name(struct blob_gate *g, struct blob_gate_slot *s, struct blob_key key);
/* The right to the whole blob; evicts all writers of its parts. Entered already. */
void blob_gate_claim(struct blob_gate *g, struct blob_gate_slot *s, struct blob_key key);
/* ERR_CANCELLED when evicted; otherwise nobody else acts on the part until blob_gate_leave or blob_gate_close. */
MUST_USE enum err blob_gate_enter(struct blob_gate *g, struct blob_gate_slot *s);
void blob_gate_leave(struct blob_gate *g, struct blob_gate_slot *s);
/* Gives the right back, entered or not. False when it had been lost before: what was done under it is not to be relied on. */
bool blob_gate_close(struct blob_gate *g, struct blob_gate_slot *s);

#endif
