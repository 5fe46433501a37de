/* What the drivers share: collecting result cells, remembering prepared statements, waking waiters. No SQL, no I/O. */
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "base/intmath.h"
#include "base/mem.h"
#include "db/db_impl.h"
#include "os/sys.h"

#define STMT_MAP_MIN 64u

void db_rows_init(struct db_rows *r, struct ctx *c, size_t cols)
{
    r->c = c;
    r->cols = cols;
    r->count = 0;
    r->cap = DB_ROWS_INLINE;
    r->heap = NULL;
}

void db_rows_done(struct db_rows *r)
{
    mem_free(r->heap);
    r->heap = NULL;
}

static enum err rows_grow(struct db_rows *r)
{
    struct db_value *more = mem_realloc(r->heap, 2 * r->cap * sizeof *more);
    if (!more) return fail(r->c, ERR_NOMEM, "result of %zu cells", r->count);
    if (!r->heap) memcpy(more, r->few, r->count * sizeof *more);
    r->heap = more;
    r->cap *= 2;
    return ERR_OK;
}

enum err db_rows_add(struct db_rows *r, struct db_value v)
{
    if (r->count / r->cols >= LIMIT_DB_RESULT_ROWS)
        return fail(r->c, ERR_TOO_LARGE, "more than %d rows", LIMIT_DB_RESULT_ROWS);
    if (r->count == r->cap) TRY(rows_grow(r));
    if (v.type == DB_TEXT || v.type == DB_BYTES) {
        enum err e = arena_slice(&r->c->arena, v.s, &v.s);
        if (e != ERR_OK) return fail(r->c, e, "result cell of %zu bytes", v.s.len);
    }
    (r->heap ? r->heap : r->few)[r->count++] = v;
    return ERR_OK;
}

enum err db_rows_finish(struct db_rows *r, uint64_t changes, struct db_result *ret)
{
    struct db_value *cells = NULL;
    if (r->count) {
        cells = ARENA_ARRAY(&r->c->arena, struct db_value, r->count);
        if (!cells) return fail(r->c, ERR_NOMEM, "result of %zu cells", r->count);
        memcpy(cells, r->heap ? r->heap : r->few, r->count * sizeof *cells);
    }
    *ret = (struct db_result){
        .rows = r->cols ? r->count / r->cols : 0, .cols = r->cols, .cells = cells, .changes = changes};
    return ERR_OK;
}

/* Statements are static objects: the low bits of their addresses are alike, the middle ones differ. */
static size_t slot_of(const struct stmt_map *m, const struct db_stmt *key)
{
    uint64_t h = (uint64_t)(uintptr_t)key * 0x9E3779B97F4A7C15u;
    size_t i = (size_t)(h >> 32) & (m->cap - 1);
    while (m->slots[i].key && m->slots[i].key != key) i = (i + 1) & (m->cap - 1);
    return i;
}

void *stmt_map_get(const struct stmt_map *m, const struct db_stmt *key)
{
    return m->cap ? m->slots[slot_of(m, key)].value : NULL;
}

static enum err stmt_map_grow(struct stmt_map *m)
{
    struct stmt_map bigger = {.cap = m->cap ? 2 * m->cap : STMT_MAP_MIN, .len = m->len};
    bigger.slots = mem_alloc(bigger.cap, sizeof *bigger.slots);
    if (!bigger.slots) return ERR_NOMEM;
    for (size_t i = 0; i < m->cap; i++)
        if (m->slots[i].key) bigger.slots[slot_of(&bigger, m->slots[i].key)] = m->slots[i];
    mem_free(m->slots);
    *m = bigger;
    return ERR_OK;
}

enum err stmt_map_put(struct stmt_map *m, const struct db_stmt *key, void *value)
{
    if (2 * (m->len + 1) > m->cap) TRY(stmt_map_grow(m));
    size_t i = slot_of(m, key);
    ASSERT(!m->slots[i].key);
    m->slots[i] = (struct stmt_slot){key, value};
    m->len++;
    return ERR_OK;
}

void stmt_map_done(struct stmt_map *m, void (*free_value)(void *))
{
    for (size_t i = 0; i < m->cap; i++)
        if (m->slots[i].key) free_value(m->slots[i].value);
    mem_free(m->slots);
    *m = (struct stmt_map){0};
}

void bell_init(struct bell *b)
{
    *b = (struct bell){0};
    mutex_init(&b->lock);
    cond_init(&b->cond);
}

void bell_done(struct bell *b)
{
    cond_done(&b->cond);
    mutex_done(&b->lock);
}

void bell_ring(struct bell *b)
{
    GUARD(&b->lock);
    b->rung++;
    cond_broadcast(&b->cond);
}

bool bell_wait(struct bell *b, int64_t timeout_ms)
{
    int64_t until = sys_real()->mono_ms() + timeout_ms;
    GUARD(&b->lock);
    uint64_t heard = b->heard;
    while (b->rung == heard) {
        int64_t left = until - sys_real()->mono_ms();
        if (left <= 0) return false;
        cond_wait_for(&b->cond, &b->lock, left);
    }
    b->heard = b->rung;
    return true;
}
