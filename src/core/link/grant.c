/* Counting downloads: grants are reserved before the first byte and settled after the last (see link.h). */
#include "base/limits.h"
#include "core/link/link.h"
#include "core/link/link_store.h"
#include "os/clock.h"

struct grant_arg {
    const struct link *l;
    struct id ticket;
    struct id granted; /* g's own id, or that of the grant joined */
    struct grant_row g;
    uint64_t served;
    bool complete, release;
};

static enum err take_tx(struct ctx *c, struct db_conn *conn, void *arg)
{
    struct grant_arg *a = arg;
    int64_t now = clock_wall_ms();
    if (!id_is_zero(a->ticket)) {
        enum err e = grant_store_join(c, conn, &a->l->id, &a->ticket, now, &a->granted);
        if (e != ERR_NOT_FOUND) return e;
    }
    TRY(link_store_take(c, conn, a->l));
    a->granted = a->g.id;
    a->g.expires_at = now + LIMIT_GRANT_MS;
    return grant_store_insert(c, conn, &a->g, &a->ticket, now);
}

enum err grant_take(struct ctx *c, struct app *app, const struct link *l, const struct ticket *t, uint64_t whole_bytes,
                    struct grant *ret)
{
    struct grant_arg a = {.l = l, .ticket = t->id, .g = {.link_id = l->id, .whole_bytes = whole_bytes}};
    if (!slice_eq(l->permission, SLICE("download")))
        return refuse(c, ERR_DENIED, "view_only", "This link allows looking, not downloading.");
    TRY(os_new_id(&a.g.id));
    enum err e = db_tx(c, app->be.db, DB_WRITE, take_tx, &a);
    if (e == ERR_NOT_FOUND)
        return refuse(c, ERR_GONE, "link_exhausted", "This link has been downloaded as often as its sender allowed.");
    TRY(e);
    *ret = (struct grant){a.granted};
    return ERR_OK;
}

static enum err get_tx(struct ctx *c, struct db_conn *conn, void *arg)
{
    struct grant_arg *a = arg;
    return grant_store_get(c, conn, &a->g.id, &a->g);
}

enum err grant_check(struct ctx *c, struct app *app, const struct link *l, const struct id *grant)
{
    struct grant_arg a = {.g = {.id = *grant}};
    enum err e = db_tx(c, app->be.db, DB_WRITE, get_tx, &a);
    if (e == ERR_OK && id_eq(a.g.link_id, l->id) && a.g.expires_at > clock_wall_ms()) return ERR_OK;
    if (e != ERR_OK && e != ERR_NOT_FOUND) return e;
    return refuse(c, ERR_GONE, "grant_expired", "This download took too long and was given back. Start it again.");
}

/* Takes a reserved grant off the books: it counts when as many bytes were served as a download has. */
static enum err settle(struct ctx *c, struct db_conn *conn, const struct grant_row *g)
{
    if (g->served_bytes >= g->whole_bytes && g->whole_bytes) return grant_store_commit(c, conn, &g->id);
    TRY(grant_store_delete(c, conn, &g->id));
    return link_store_give_back(c, conn, &g->link_id, g->served_bytes, g->whole_bytes);
}

static enum err end_tx(struct ctx *c, struct db_conn *conn, void *arg)
{
    struct grant_arg *a = arg;
    struct grant_row g;
    uint64_t holders = 1;
    TRY(grant_store_get(c, conn, &a->g.id, &g));
    TRY(grant_store_serve(c, conn, &g.id, a->served, clock_wall_ms() + LIMIT_GRANT_MS));
    if (a->release) TRY(grant_store_leave(c, conn, &g.id, &holders));
    if (g.committed) return ERR_OK;
    g.served_bytes += a->served;
    if (a->complete) return grant_store_commit(c, conn, &g.id);
    /* While another request runs under it, it is not given back: that one may complete it. */
    return holders == 0 ? settle(c, conn, &g) : ERR_OK;
}

enum err grant_end(struct ctx *c, struct app *app, const struct id *grant, uint64_t served, bool complete, bool release)
{
    struct grant_arg a = {.g = {.id = *grant}, .served = served, .complete = complete, .release = release};
    return db_tx(c, app->be.db, DB_WRITE, end_tx, &a);
}

static enum err done_tx(struct ctx *c, struct db_conn *conn, void *arg)
{
    struct grant_arg *a = arg;
    TRY(grant_store_get(c, conn, &a->g.id, &a->g));
    if (!id_eq(a->g.link_id, a->l->id)) return ERR_NOT_FOUND;
    return grant_store_commit(c, conn, &a->g.id);
}

enum err grant_done(struct ctx *c, struct app *app, const struct link *l, const struct id *grant)
{
    struct grant_arg a = {.l = l, .g = {.id = *grant}};
    enum err e = db_tx(c, app->be.db, DB_WRITE, done_tx, &a);
    if (e == ERR_NOT_FOUND) return refuse(c, e, "not_found", "There is no such grant.");
    return e;
}

struct expire_arg {
    size_t limit;
    struct db_result r;
};

static enum err overdue_tx(struct ctx *c, struct db_conn *conn, void *arg)
{
    struct expire_arg *a = arg;
    return grant_store_overdue(c, conn, clock_wall_ms(), a->limit, &a->r);
}

static enum err expire_one_tx(struct ctx *c, struct db_conn *conn, void *arg)
{
    struct grant_arg *a = arg;
    struct grant_row g;
    TRY(grant_store_get(c, conn, &a->g.id, &g));
    if (g.expires_at > clock_wall_ms()) return ERR_OK;
    if (!g.committed) TRY(settle(c, conn, &g));
    enum err e = grant_store_delete(c, conn, &g.id);
    return e == ERR_NOT_FOUND ? ERR_OK : e;
}

enum err grant_expire(struct ctx *c, struct app *app, size_t limit, size_t *ret_n)
{
    struct expire_arg a = {.limit = limit};
    TRY(db_tx(c, app->be.db, DB_READ, overdue_tx, &a));
    for (size_t i = 0; i < a.r.rows; i++) {
        struct grant_arg g = {.g = {.id = db_get_id(&a.r, i, 0)}};
        enum err e = db_tx(c, app->be.db, DB_WRITE, expire_one_tx, &g);
        if (e != ERR_NOT_FOUND) TRY(e);
    }
    *ret_n = a.r.rows;
    return ERR_OK;
}
