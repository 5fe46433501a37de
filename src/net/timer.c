/* The timer wheel of an I/O loop. */
#include "net/timer_impl.h"

#include <stddef.h>

#include "base/intmath.h"

static void list_init(struct timer *head) { head->prev = head->next = head; }

void wheel_init(struct wheel *w, int64_t now_ms)
{
    for (size_t i = 0; i < TIMER_SLOTS; i++) list_init(&w->slots[i]);
    w->tick = now_ms / TIMER_TICK_MS;
}

void wheel_drop(struct timer *t)
{
    if (!t->next) return;
    t->prev->next = t->next;
    t->next->prev = t->prev;
    t->prev = t->next = NULL;
}

static void insert(struct wheel *w, struct timer *t)
{
    /* The first tick at which the deadline has passed, within one turn of the wheel. */
    int64_t tick = MIN(t->at_ms / TIMER_TICK_MS + 1, w->tick + (int64_t)TIMER_SLOTS - 1);
    tick = MAX(tick, w->tick + 1);
    struct timer *head = &w->slots[(uint64_t)tick % TIMER_SLOTS];
    t->slot_tick = tick;
    t->prev = head->prev;
    t->next = head;
    head->prev->next = t;
    head->prev = t;
}

void wheel_set(struct wheel *w, struct timer *t, int64_t at_ms)
{
    t->at_ms = at_ms;
    if (t->next && at_ms >= t->slot_tick * TIMER_TICK_MS) return;
    wheel_drop(t);
    insert(w, t);
}

void wheel_unset(struct timer *t) { t->at_ms = TIMER_NEVER; }

static void run_slot(struct wheel *w, struct timer *head, int64_t now_ms)
{
    struct timer due;
    if (head->next == head) return;
    due = *head;
    due.next->prev = &due;
    due.prev->next = &due;
    list_init(head);
    while (due.next != &due) {
        struct timer *t = due.next;
        wheel_drop(t);
        if (t->at_ms == TIMER_NEVER) continue;
        if (t->at_ms <= now_ms)
            t->fire(t);
        else
            insert(w, t);
    }
}

void wheel_advance(struct wheel *w, int64_t now_ms)
{
    int64_t until = now_ms / TIMER_TICK_MS;
    /* A clock that leapt: one turn shows every slot. */
    if (until - w->tick > (int64_t)TIMER_SLOTS) w->tick = until - (int64_t)TIMER_SLOTS;
    while (w->tick < until) {
        w->tick++;
        run_slot(w, &w->slots[(uint64_t)w->tick % TIMER_SLOTS], now_ms);
    }
}
