/* Mutual exclusion of writers by blob and part: the later one evicts the earlier. No input, no output. */
#include "blob/gate.h"

#include "base/assert.h"

/* Past every real part number (LIMIT_PARTS). */
#define PART_NAME UINT32_MAX

void blob_gate_init(struct blob_gate *g)
{
    for (size_t i = 0; i < BLOB_GATE_STRIPES; i++) {
        mutex_init(&g->stripes[i].m);
        cond_init(&g->stripes[i].changed);
        g->stripes[i].head = NULL;
    }
}

void blob_gate_done(struct blob_gate *g)
{
    for (size_t i = 0; i < BLOB_GATE_STRIPES; i++) {
        ASSERT(!g->stripes[i].head);
        mutex_done(&g->stripes[i].m);
        cond_done(&g->stripes[i].changed);
    }
}

static struct blob_gate_stripe *stripe_of(struct blob_gate *g, struct blob_key key)
{
    return &g->stripes[key.id.b[15] % BLOB_GATE_STRIPES];
}

static void unlink_slot(struct blob_gate_stripe *st, struct blob_gate_slot *s)
{
    struct blob_gate_slot **at = &st->head;
    while (*at != s) at = &(*at)->next;
    *at = s->next;
    s->next = NULL;
    s->linked = false;
}

static struct blob_gate_slot *rival(const struct blob_gate_stripe *st, const struct blob_gate_slot *s)
{
    for (struct blob_gate_slot *o = st->head; o; o = o->next) {
        bool overlap = o->whole || s->whole || o->part == s->part;
        if (overlap && id_eq(o->key.id, s->key.id)) return o;
    }
    return NULL;
}

static void admit(struct blob_gate *g, struct blob_gate_slot *s)
{
    struct blob_gate_stripe *st = stripe_of(g, s->key);
    GUARD(&st->m);
    for (struct blob_gate_slot *o = rival(st, s); o; o = rival(st, s)) {
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

void blob_gate_open(struct blob_gate *g, struct blob_gate_slot *s, struct blob_key key, uint32_t part)
{
    ASSERT(part != PART_NAME);
    *s = (struct blob_gate_slot){.key = key, .part = part};
    admit(g, s);
}

void blob_gate_open_name(struct blob_gate *g, struct blob_gate_slot *s, struct blob_key key)
{
    *s = (struct blob_gate_slot){.key = key, .part = PART_NAME, .busy = true};
    admit(g, s);
}

void blob_gate_claim(struct blob_gate *g, struct blob_gate_slot *s, struct blob_key key)
{
    *s = (struct blob_gate_slot){.key = key, .whole = true, .busy = true};
    admit(g, s);
}

enum err blob_gate_enter(struct blob_gate *g, struct blob_gate_slot *s)
{
    GUARD(&stripe_of(g, s->key)->m);
    ASSERT(!s->busy);
    if (s->evicted) return ERR_CANCELLED;
    s->busy = true;
    return ERR_OK;
}

void blob_gate_leave(struct blob_gate *g, struct blob_gate_slot *s)
{
    struct blob_gate_stripe *st = stripe_of(g, s->key);
    GUARD(&st->m);
    s->busy = false;
    if (s->evicted) cond_broadcast(&st->changed);
}

bool blob_gate_close(struct blob_gate *g, struct blob_gate_slot *s)
{
    struct blob_gate_stripe *st = stripe_of(g, s->key);
    GUARD(&st->m);
    s->busy = false;
    if (s->linked) unlink_slot(st, s);
    cond_broadcast(&st->changed);
    return !s->evicted;
}
