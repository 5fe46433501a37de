/* Uploads made of others: a partial upload ends as a content that it holds, and a final one reads those contents, one after the other,
 * and appends their bytes to itself: opened and sealed again, as no key and no place in a file is ever shared. It goes on where it
 * was, so the job may be killed and run again. */
#include "base/intmath.h"
#include "base/limits.h"
#include "core/audit/audit.h"
#include "core/job/job.h"
#include "core/upload/append_impl.h"
#include "core/upload/upload_impl.h"
#include "core/upload/upload_store.h"
#include "os/clock.h"

#define JOIN_NOW_BYTES (64 * MIB)       /* so much is joined in the request */
#define JOIN_LATER_MS (5 * 60 * 1000ll) /* and then this is when the job looks whether all went well */
#define USED_TTL_MS (60 * 60 * 1000ll)  /* partial uploads that were joined live this long */
#define COPY_BYTES (256 * 1024)

/* They live until then. ERR_NOT_FOUND: one is gone; the others do, all the same. */
static enum err touch_joined(struct ctx *c, struct db_conn *conn, struct slice joins, int64_t until_ms)
{
    bool gone = false;
    while (joins.len) {
        struct id id;
        if (id_parse(slice_cut(&joins, ' '), &id) != ERR_OK) return fail(c, ERR_CORRUPT, "joined uploads");
        enum err e = upload_store_touch(c, conn, &id, 0, until_ms);
        if (e != ERR_NOT_FOUND) TRY(e);
        gone = gone || e == ERR_NOT_FOUND;
    }
    return gone ? ERR_NOT_FOUND : ERR_OK;
}

/* What it is made of must not expire before it is made. */
enum err upload_add_join_job(struct ctx *c, struct db_conn *conn, const struct upload *u)
{
    char text[ID_TEXT_LEN + 1];
    enum err e = touch_joined(c, conn, u->joins, u->expires_at);
    if (e == ERR_NOT_FOUND) return refuse(c, e, "not_found", "One of the partial uploads is gone.");
    TRY(e);
    id_text(u->id, text);
    int64_t at = u->size <= JOIN_NOW_BYTES ? clock_wall_ms() + JOIN_LATER_MS : 0;
    return job_add(c, conn, &(struct job_new){.kind = "join", .payload = slice_cstr(text), .run_at_ms = at});
}

enum err append_complete_partial(struct ctx *c, struct app *app, const struct principal *who, const struct id *id)
{
    struct upload u;
    struct file none;
    TRY(upload_get(c, app, who, id, &u));
    if (!u.partial) return refuse(c, ERR_INVALID, "not_partial", "This upload becomes a file of its own.");
    return upload_finish(c, app, &(struct completion){.size = UPLOAD_SIZE_UNKNOWN}, &u, &none);
}

/* ---- making ---- */

static enum err look_at(struct ctx *c, struct app *app, const struct principal *who, const struct id *id, struct buf *joins,
                        uint64_t *total)
{
    struct upload u;
    char text[ID_TEXT_LEN + 1];
    TRY(upload_get(c, app, who, id, &u));
    if (!u.partial) return refuse(c, ERR_INVALID, "not_partial", "Only partial uploads can be put together.");
    if (!slice_eq(u.state, SLICE("partial")))
        return refuse(c, ERR_CONFLICT, "partial_unfinished", "One of the partial uploads is not complete yet.");
    if (u64_add(*total, u.size, total) != ERR_OK) return ERR_TOO_LARGE;
    id_text(*id, text);
    if (joins->len) TRY(buf_putc(joins, ' '));
    return buf_put_cstr(joins, text);
}

enum err append_join(struct ctx *c, struct app *app, const struct principal *who, const struct append_new *n, const struct id *ids,
                     size_t count, struct append_state *ret)
{
    CLEANUP(buf_done) struct buf joins = BUF_INIT(LIMIT_JOINED_UPLOADS * (ID_TEXT_LEN + 1));
    struct append_new all = *n;
    struct upload u;
    if (count == 0 || count > LIMIT_JOINED_UPLOADS)
        return refuse(c, ERR_INVALID, "joined_uploads", "From one to 200 partial uploads can be put together.");
    all.file.size = 0;
    for (size_t i = 0; i < count; i++) TRY(look_at(c, app, who, &ids[i], &joins, &all.file.size));
    all.joins = buf_view(&joins);
    TRY(append_create(c, app, who, &all, &u));
    if (u.size <= JOIN_NOW_BYTES) {
        CLEANUP(ctx_done) struct ctx own;
        ctx_init(&own, LIMIT_REQUEST_ARENA_BYTES);
        err_ignore(append_join_run(&own, app, &u.id), "the job tries again");
    }
    return append_state(c, app, who, &u.id, ret);
}

/* ---- copying ---- */

struct load_arg {
    struct id id;
    struct upload u;
    struct content t;
};

static enum err load_tx(struct ctx *c, struct db_conn *conn, void *arg)
{
    struct load_arg *a = arg;
    return upload_store_get(c, conn, &a->id, &a->u);
}

static enum err content_tx(struct ctx *c, struct db_conn *conn, void *arg)
{
    struct load_arg *a = arg;
    return upload_store_content(c, conn, &a->id, &a->t);
}

static enum err copy(struct ctx *c, struct app *app, const struct content *t, uint64_t skip, struct append_in *in)
{
    struct reader *r = NULL;
    uint8_t *piece = mem_alloc(1, COPY_BYTES);
    size_t n = 1;
    enum err e = piece ? content_read_plain(c, app, t, skip, t->size - skip, &r) : ERR_NOMEM;
    while (e == ERR_OK && n) {
        e = r->ops->read(r, c, piece, COPY_BYTES, &n);
        if (e == ERR_OK && n) e = append_write(c, in, piece, n);
    }
    reader_close(r, c, true);
    if (piece) mem_wipe(piece, COPY_BYTES);
    mem_free(piece);
    return e;
}

/* From `at` on, where the upload stands. */
static enum err copy_all(struct ctx *c, struct app *app, struct slice joins, uint64_t at, struct append_in *in)
{
    uint64_t start = 0;
    while (joins.len) {
        struct load_arg a = {.u = {.size = 0}};
        if (id_parse(slice_cut(&joins, ' '), &a.id) != ERR_OK) return fail(c, ERR_CORRUPT, "joined uploads");
        TRY(db_tx(c, app->be.db, DB_READ, content_tx, &a));
        if (start + a.t.size > at) {
            uint64_t skip = at > start ? at - start : 0;
            TRY(copy(c, app, &a.t, skip, in));
        }
        start += a.t.size;
    }
    return ERR_OK;
}

static enum err give_up_tx(struct ctx *c, struct db_conn *conn, void *arg)
{
    const struct load_arg *a = arg;
    return upload_delete_tx(c, conn, &a->id);
}

static enum err used_tx(struct ctx *c, struct db_conn *conn, void *arg)
{
    const struct load_arg *a = arg;
    enum err e = touch_joined(c, conn, a->u.joins, clock_wall_ms() + USED_TTL_MS);
    return e == ERR_NOT_FOUND ? ERR_OK : e;
}

enum err append_join_run(struct ctx *c, struct app *app, const struct id *upload)
{
    struct load_arg a = {.id = *upload};
    struct append_state s;
    struct append_in *in = NULL;
    struct file f;
    uint64_t offset = 0;
    enum err e = db_tx(c, app->be.db, DB_READ, load_tx, &a);
    if (e == ERR_NOT_FOUND) return ERR_OK;
    TRY(e);
    if (slice_eq(a.u.state, SLICE("append"))) {
        struct append_request req = {.id = *upload, .offset = a.u.received, .length = a.u.size - a.u.received};
        TRY(append_open_any(c, app, &req, &s, &in));
        e = copy_all(c, app, a.u.joins, a.u.received, in);
        enum err end = append_finish(c, in, &offset);
        /* A partial upload was ended meanwhile: there will never be a whole. */
        if (e == ERR_NOT_FOUND) return db_tx(c, app->be.db, DB_WRITE, give_up_tx, &a);
        TRY(e);
        TRY(end);
    }
    TRY(upload_finish(c, app, &(struct completion){.size = UPLOAD_SIZE_UNKNOWN}, &a.u, &f));
    return db_tx(c, app->be.db, DB_WRITE, used_tx, &a);
}

/* ---- the end ---- */

enum err append_terminate(struct ctx *c, struct app *app, const struct principal *who, const struct id *id)
{
    struct load_arg a = {.id = *id};
    TRY(upload_get(c, app, who, id, &a.u));
    if (!slice_eq(a.u.state, SLICE("complete"))) return upload_delete(c, app, who, id);
    enum err e = file_delete(c, app, who, &a.u.file_id);
    if (e != ERR_NOT_FOUND) TRY(e);
    ctx_clear_error(c);
    return db_tx(c, app->be.db, DB_WRITE, give_up_tx, &a);
}
