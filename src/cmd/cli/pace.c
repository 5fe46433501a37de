/* A step up is kept when it brings a tenth more. */
#include "cmd/cli/pace.h"

#include "base/intmath.h"

#define STEP 2u
#define WORKERS_MIN 2u
#define REST_SPANS 10u

void pace_start(struct pace *p, unsigned workers, unsigned max) { *p = (struct pace){.workers = MIN(workers, max), .max = max}; }

static void rest(struct pace *p, uint64_t moved)
{
    p->before = moved;
    p->looking = false;
    p->wait = REST_SPANS;
}

static void look(struct pace *p, uint64_t moved)
{
    p->before = moved;
    p->looking = p->workers < p->max;
    p->workers = MIN(p->workers + STEP, p->max);
    if (!p->looking) p->wait = REST_SPANS;
}

unsigned pace_next(struct pace *p, uint64_t moved)
{
    if (p->looking) {
        if (moved > p->before + p->before / 10) {
            look(p, moved);
        } else {
            p->workers = MAX(p->workers - STEP, WORKERS_MIN);
            rest(p, p->before);
        }
        return p->workers;
    }
    /* Half of what it was: the path is another one, so fewer may do as well. */
    if (p->wait && moved < p->before / 2) {
        p->workers = MAX(p->workers - MIN(STEP, p->workers), WORKERS_MIN);
        rest(p, moved);
    } else if (p->wait) {
        p->wait--;
    } else {
        look(p, moved);
    }
    return p->workers;
}
