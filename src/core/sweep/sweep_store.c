/* Looking for orphans: every stored blob must be a content, a running upload or a piece of one. */
#include "base/limits.h"
#include "core/content/reseal.h"
#include "core/sweep/sweep.h"
#include "os/clock.h"

static const struct db_stmt known = {
    "blob_known",
    "SELECT 1 FROM contents WHERE id = $1 UNION ALL SELECT 1 FROM uploads WHERE content_id = $1 AND state <> 'complete' "
    "UNION ALL SELECT 1 FROM upload_pieces WHERE blob_id = $1 "
    "UNION ALL SELECT 1 FROM reseals WHERE next_id = $1 UNION ALL SELECT 1 FROM jobs WHERE dedupe = $2", NULL};
/* The unfinished blob of a content is what a power cut brought back beside the finished one. */
static const struct db_stmt known_unfinished = {
    "blob_known_unfinished",
    "SELECT 1 FROM uploads WHERE content_id = $1 AND state <> 'complete' UNION ALL SELECT 1 FROM reseals WHERE next_id = $1", NULL};

struct known_arg {
    struct blob_key key;
    bool committed, known;
};

static enum err known_tx(struct ctx *c, struct db_conn *conn, void *arg)
{
    struct known_arg *a = arg;
    struct db_result r;
    if (a->committed) {
        struct slice replaced;
        char text[ID_TEXT_LEN + 1];
        id_text(a->key.id, text);
        TRY(arena_printf(&c->arena, &replaced, RESEAL_REPLACED "%s", text));
        TRY(db_exec(c, conn, &known, &r, db_id(&a->key.id), db_text(replaced)));
    } else {
        TRY(db_exec(c, conn, &known_unfinished, &r, db_id(&a->key.id)));
    }
    a->known = r.rows > 0;
    return ERR_OK;
}

struct sweep {
    struct app *app;
    size_t removed;
};

static enum err visit(struct ctx *c, struct blob_key key, bool committed, int64_t modified_ms, void *arg)
{
    struct sweep *s = arg;
    struct known_arg a = {.key = key, .committed = committed};
    if (clock_wall_ms() - modified_ms < SWEEP_GRACE_MS) return ERR_OK;
    /* On a context of its own: a store may hold millions of blobs. */
    CLEANUP(ctx_done) struct ctx own;
    ctx_init(&own, LIMIT_REQUEST_ARENA_BYTES);
    TRY(db_tx(&own, s->app->be.db, DB_READ, known_tx, &a));
    if (a.known) return ERR_OK;
    struct blob_ref none = {{0}};
    if (committed)
        TRY(blob_remove(c, s->app->be.blobs, key, BLOB_UNLINK));
    else
        TRY(blob_abort(c, s->app->be.blobs, key, &none));
    s->removed++;
    return ERR_OK;
}

enum err sweep_blobs(struct ctx *c, struct app *app, size_t *ret_n)
{
    struct sweep s = {.app = app};
    TRY(blob_list(c, app->be.blobs, visit, &s));
    *ret_n = s.removed;
    return ERR_OK;
}
