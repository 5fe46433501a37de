/* The in-memory set of revoked sessions: what every request is checked against. Entries live a little longer than access
 * tokens do, then the tokens have ended by themselves. */
#include "core/session/revoked.h"

#include "base/limits.h"
#include "base/mem.h"
#include "os/thread.h"

#define KEEP_MS (LIMIT_ACCESS_TOKEN_MS + 60 * 1000)

struct entry {
    struct id id;
    int64_t until_ms;
};

struct revoked_set {
    struct mutex m; /* guards everything below */
    struct entry *entries; /* open addressing; until_ms 0: free */
    size_t cap;            /* power of two */
    size_t used;
    int64_t read_to_ms;
};

enum err revoked_set_new(struct revoked_set **ret)
{
    struct revoked_set *s = MEM_NEW(struct revoked_set);
    if (!s) return ERR_NOMEM;
    s->cap = 64;
    s->entries = mem_alloc(s->cap, sizeof *s->entries);
    if (!s->entries) {
        mem_free(s);
        return ERR_NOMEM;
    }
    mutex_init(&s->m);
    *ret = s;
    return ERR_OK;
}

void revoked_set_free(struct revoked_set *s)
{
    if (!s) return;
    mutex_done(&s->m);
    mem_free(s->entries);
    mem_free(s);
}

/* Session ids end in random bytes. */
static size_t slot_of(const struct id *id, size_t cap)
{
    size_t h = 0;
    for (size_t i = 8; i < sizeof id->b; i++) h = h << 8 | id->b[i];
    return h & (cap - 1);
}

static struct entry *find(struct entry *entries, size_t cap, const struct id *id)
{
    size_t i = slot_of(id, cap);
    while (entries[i].until_ms && !id_eq(entries[i].id, *id)) i = (i + 1) & (cap - 1);
    return &entries[i];
}

/* Moves the live entries to a table of at least twice their number: drops the old ones on the way. */
static enum err rebuild(struct revoked_set *s, int64_t now_ms)
{
    size_t live = 0, cap = 64;
    for (size_t i = 0; i < s->cap; i++) live += s->entries[i].until_ms > now_ms;
    while (cap < live * 4) cap *= 2;
    struct entry *fresh = mem_alloc(cap, sizeof *fresh);
    if (!fresh) return ERR_NOMEM;
    for (size_t i = 0; i < s->cap; i++)
        if (s->entries[i].until_ms > now_ms) *find(fresh, cap, &s->entries[i].id) = s->entries[i];
    mem_free(s->entries);
    s->entries = fresh;
    s->cap = cap;
    s->used = live;
    return ERR_OK;
}

enum err revoked_add(struct revoked_set *s, const struct id *id, int64_t now_ms)
{
    GUARD(&s->m);
    if ((s->used + 1) * 2 > s->cap) TRY(rebuild(s, now_ms));
    struct entry *e = find(s->entries, s->cap, id);
    if (!e->until_ms) s->used++;
    *e = (struct entry){*id, now_ms + KEEP_MS};
    return ERR_OK;
}

bool revoked_has(struct revoked_set *s, const struct id *id)
{
    GUARD(&s->m);
    return find(s->entries, s->cap, id)->until_ms != 0;
}

int64_t revoked_read_to(struct revoked_set *s, int64_t now_ms)
{
    GUARD(&s->m);
    return s->read_to_ms ? s->read_to_ms : now_ms - KEEP_MS;
}

void revoked_set_read_to(struct revoked_set *s, int64_t ms)
{
    GUARD(&s->m);
    s->read_to_ms = ms;
}
