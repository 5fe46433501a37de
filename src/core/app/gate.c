/* A counting semaphore with a timeout. */
#include "core/app/gate.h"

#include "base/mem.h"
#include "os/thread.h"

struct gate {
    struct mutex m; /* guards free_places */
    struct cond c;
    unsigned free_places;
};

enum err gate_new(unsigned places, struct gate **ret)
{
    struct gate *g = MEM_NEW(struct gate);
    if (!g) return ERR_NOMEM;
    mutex_init(&g->m);
    cond_init(&g->c);
    g->free_places = places;
    *ret = g;
    return ERR_OK;
}

void gate_free(struct gate *g)
{
    if (!g) return;
    cond_done(&g->c);
    mutex_done(&g->m);
    mem_free(g);
}

enum err gate_enter(struct gate *g, int64_t timeout_ms)
{
    GUARD(&g->m);
    while (g->free_places == 0)
        if (!cond_wait_for(&g->c, &g->m, timeout_ms) && g->free_places == 0) return ERR_BUSY;
    g->free_places--;
    return ERR_OK;
}

void gate_leave(struct gate *g)
{
    GUARD(&g->m);
    g->free_places++;
    cond_signal(&g->c);
}
