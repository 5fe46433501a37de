/* Mutual exclusion of writers by blob and part: the later one evicts the earlier. No input, no output. */
#include "blob/gate.h"

#include "base/assert.h"

/* Past every real part number (LIMIT_PARTS). */
#define PART_NAME UINT32_MAX

void gate_init(struct gate *g)
{
    for (size_t i = 0; i < GATE_STRIPES; i++) {
        mutex_init(&g->stripes[i].m);
        cond_init(&g->stripes[i].changed);
        g->stripes[i].head = NULL;
    }
}

void gate_done(struct gate *g)
{
    for (size_t i = 0; i < GATE_STRIPES; i++) {
        ASSERT(!g->stripes[i].head);
        mutex_done(&g->stripes[i].m);
        cond_done(&g->stripes[i].changed);
    }
}

static struct gate_stripe *stripe_of(struct gate *g, struct blob_key key)
{
    return &g->stripes[key.id.b[15] % GATE_STRIPES];
}

static void unlink_slot(struct gate_stripe *st, struct gate_slot *s)
{
    struct gate_slot **at = &st->head;
    while (*at != s) at = &(*at)->next;
    *at = s->next;
    s->next = NULL;
    s->linked = false;
}

static struct gate_slot *rival(const struct gate_stripe *st, const struct gate_slot *s)
{
    for (struct gate_slot *o = st->head; o; o = o->next) {
        bool overlap = o->whole || s->whole || o->part == s->part;
        if (overlap && id_eq(o->key.id, s->key.id)) return o;
    }
    return NULL;
}

static void admit(struct gate *g, struct gate_slot *s)
{
    struct gate_stripe *st = stripe_of(g, s->key);
    GUARD(&st->m);
    for (struct gate_slot *o = rival(st, s); o; o = rival(st, s)) {
        if (!o->whole) o->evicted = true;
        if (o->busy)
            cond_wait(&st->changed, &st->m);
        else
            unlink_slot(st, o);
    }
    s->next = st->head;
    s->linked = true;
    st->head = s;
}

void gate_open(struct gate *g, struct gate_slot *s, struct blob_key key, uint32_t part)
{
    ASSERT(part != PART_NAME);
    *s = (struct gate_slot){.key = key, .part = part};
    admit(g, s);
}

void gate_open_name(struct gate *g, struct gate_slot *s, struct blob_key key)
{
    *s = (struct gate_slot){.key = key, .part = PART_NAME, .busy = true};
    admit(g, s);
}

void gate_claim(struct gate *g, struct gate_slot *s, struct blob_key key)
{
    *s = (struct gate_slot){.key = key, .whole = true, .busy = true};
    admit(g, s);
}

enum err gate_enter(struct gate *g, struct gate_slot *s)
{
    GUARD(&stripe_of(g, s->key)->m);
    ASSERT(!s->busy);
    if (s->evicted) return ERR_CANCELLED;
    s->busy = true;
    return ERR_OK;
}

void gate_leave(struct gate *g, struct gate_slot *s)
{
    struct gate_stripe *st = stripe_of(g, s->key);
    GUARD(&st->m);
    s->busy = false;
    if (s->evicted) cond_broadcast(&st->changed);
}

bool gate_close(struct gate *g, struct gate_slot *s)
{
    struct gate_stripe *st = stripe_of(g, s->key);
    GUARD(&st->m);
    s->busy = false;
    if (s->linked) unlink_slot(st, s);
    cond_broadcast(&st->changed);
    return !s->evicted;
}
