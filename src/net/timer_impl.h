/* timer: one timer wheel per I/O loop. Moving a deadline later costs one store: the entry is looked at again when its old
 * slot comes round. Resolution TIMER_TICK_MS; a timer never fires early. Used by the loop's thread only. */
#ifndef SEALDROP_NET_TIMER_IMPL_H
#define SEALDROP_NET_TIMER_IMPL_H

#include <stdbool.h>
#include <stdint.h>

#define TIMER_TICK_MS 64
#define TIMER_SLOTS 1024u
#define TIMER_NEVER INT64_MAX

struct timer {
    struct timer *prev, *next; /* in a slot; NULL when in none */
    int64_t at_ms;
    int64_t slot_tick; /* the tick whose slot it is in */
    void (*fire)(struct timer *t);
};

struct wheel {
    struct timer slots[TIMER_SLOTS]; /* list heads */
    int64_t tick;                    /* the last one looked at */
};

void wheel_init(struct wheel *w, int64_t now_ms);
void wheel_set(struct wheel *w, struct timer *t, int64_t at_ms);
/* Not wanted for now; cheap. The timer must still be dropped before its memory goes. */
void wheel_unset(struct timer *t);
void wheel_drop(struct timer *t);
/* Fires what is due. fire() may set, unset and drop any timer. */
void wheel_advance(struct wheel *w, int64_t now_ms);

#endif
