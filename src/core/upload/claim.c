/* A list of live claims: as long as there are parts on their way, tens to hundreds. */
#include "core/upload/claim.h"

#include "base/mem.h"
#include "os/thread.h"

#define HOLDER_WAIT_MS 15000

enum claim_state { CLAIM_OPENING, CLAIM_WRITING, CLAIM_COMMITTING, CLAIM_LOST };

struct part_claim {
    struct part_claims *set;
    struct part_claim *next, **link;
    struct id upload;
    uint64_t part;
    enum claim_state state; /* guarded by set->m */
};

struct part_claims {
    struct mutex m; /* guards the list and every claim's state */
    struct cond released;
    struct part_claim *first;
};

enum err part_claims_new(struct part_claims **ret)
{
    struct part_claims *s = MEM_NEW(struct part_claims);
    if (!s) return ERR_NOMEM;
    mutex_init(&s->m);
    cond_init(&s->released);
    *ret = s;
    return ERR_OK;
}

void part_claims_free(struct part_claims *s)
{
    if (!s) return;
    cond_done(&s->released);
    mutex_done(&s->m);
    mem_free(s);
}

static struct part_claim *holder(struct part_claims *s, const struct id *upload, uint64_t part)
{
    for (struct part_claim *c = s->first; c; c = c->next)
        if (c->part == part && c->state != CLAIM_LOST && id_eq(c->upload, *upload)) return c;
    return NULL;
}

enum err claim_take(struct part_claims *s, const struct id *upload, uint64_t part, struct part_claim **ret)
{
    struct part_claim *mine = MEM_NEW(struct part_claim), *old;
    if (!mine) return ERR_NOMEM;
    *mine = (struct part_claim){.set = s, .upload = *upload, .part = part, .state = CLAIM_OPENING};
    GUARD(&s->m);
    while ((old = holder(s, upload, part)) && old->state != CLAIM_WRITING) {
        if (cond_wait_for(&s->released, &s->m, HOLDER_WAIT_MS)) continue;
        mem_free(mine);
        return ERR_BUSY;
    }
    if (old) old->state = CLAIM_LOST;
    mine->next = s->first;
    mine->link = &s->first;
    if (s->first) s->first->link = &mine->next;
    s->first = mine;
    *ret = mine;
    return ERR_OK;
}

void claim_opened(struct part_claim *c)
{
    GUARD(&c->set->m);
    c->state = CLAIM_WRITING;
    cond_broadcast(&c->set->released);
}

enum err claim_check(struct part_claim *c)
{
    GUARD(&c->set->m);
    return c->state == CLAIM_LOST ? ERR_CANCELLED : ERR_OK;
}

enum err claim_begin_commit(struct part_claim *c)
{
    GUARD(&c->set->m);
    if (c->state == CLAIM_LOST) return ERR_CANCELLED;
    c->state = CLAIM_COMMITTING;
    return ERR_OK;
}

void claim_release(struct part_claim *c)
{
    if (!c) return;
    struct part_claims *s = c->set;
    GUARD(&s->m);
    *c->link = c->next;
    if (c->next) c->next->link = c->link;
    cond_broadcast(&s->released);
    mem_free(c);
}
