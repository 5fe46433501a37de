/* The trash: files that wait for their end. They count for the quota; nobody but their owner and administrators sees them, and not even
 * these read them. Links and shares of them sleep, and are as they were when the file comes back.
 *
 * A file stays in its folder meanwhile. When that is deleted the file keeps the path, and the way back makes the folders anew. */
#include "core/audit/audit.h"
#include "core/file/file_store.h"
#include "core/folder/folder.h"
#include "os/clock.h"

struct trash_arg {
    const struct principal *who;
    struct id id;
    bool in;
    int64_t before_ms;
    size_t limit;
    struct db_result r;
    struct file file;
};

static enum err record(struct ctx *c, struct db_conn *conn, const struct principal *who, const struct id *id, const char *event,
                       struct slice detail)
{
    return audit_write(c, conn, &(struct audit_event){.event = event, .who = who, .object_type = "file", .object_id = id,
                                                      .detail = detail});
}

enum err file_set_trashed_tx(struct ctx *c, struct db_conn *conn, const struct principal *who, const struct file *f, bool in)
{
    /* Where it is already it stays, with the time it came. */
    if ((f->trashed_at != 0) == in) return ERR_OK;
    struct file_trashing t = {.at_ms = in ? clock_wall_ms() : 0, .folder = f->folder_id, .from = SLICE("")};
    if (!in && id_is_zero(f->folder_id) && f->folder.len > 1) {
        struct folder_place place;
        TRY(folder_make_tx(c, conn, who, &f->owner_id, f->folder, &place));
        t.folder = place.id;
    }
    TRY(file_store_set_trashed(c, conn, &f->id, &t));
    return record(c, conn, who, &f->id, in ? "file.trash" : "file.restore", SLICE(""));
}

enum err file_leave_tx(struct ctx *c, struct db_conn *conn, const struct principal *who, const struct id *id, const struct id *folder,
                       enum file_leaving how)
{
    struct file f;
    struct file_lock held;
    TRY(file_store_lock(c, conn, id, &held));
    TRY(file_store_get(c, conn, id, &f));
    if (!id_eq(f.folder_id, *folder) || (how == FILE_LEAVES_TRASHED && !f.trashed_at)) return ERR_NOT_FOUND;
    if (how == FILE_LEAVES_FOR_EVER && !f.trashed_at) return file_delete_held_tx(c, conn, who, id, &held.owner_id, SLICE("folder"));
    struct file_trashing t = {.at_ms = f.trashed_at ? f.trashed_at : clock_wall_ms(), .from = f.folder};
    TRY(file_store_set_trashed(c, conn, id, &t));
    return f.trashed_at ? ERR_OK : record(c, conn, who, id, "file.trash", SLICE("folder"));
}

static enum err move_tx(struct ctx *c, struct db_conn *conn, void *arg)
{
    struct trash_arg *a = arg;
    struct file_lock held;
    struct file before;
    TRY(file_store_lock(c, conn, &a->id, &held));
    TRY(file_store_get(c, conn, &a->id, &before));
    TRY(file_set_trashed_tx(c, conn, a->who, &before, a->in));
    return file_store_get(c, conn, &a->id, &a->file);
}

static enum err move_file(struct ctx *c, struct app *app, const struct principal *who, const struct id *id, bool in, struct file *ret)
{
    struct trash_arg a = {.who = who, .id = *id, .in = in};
    struct file f;
    TRY(file_get(c, app, who, id, ACTION_DELETE, &f));
    enum err e = db_tx(c, app->be.db, DB_WRITE, move_tx, &a);
    if (e == ERR_NOT_FOUND) return policy_absent(c);
    TRY(e);
    *ret = a.file;
    ret->relation = f.relation;
    return ERR_OK;
}

enum err file_trash(struct ctx *c, struct app *app, const struct principal *who, const struct id *id)
{
    struct file f;
    return move_file(c, app, who, id, true, &f);
}

enum err file_restore(struct ctx *c, struct app *app, const struct principal *who, const struct id *id, struct file *ret)
{
    return move_file(c, app, who, id, false, ret);
}

static enum err overdue_tx(struct ctx *c, struct db_conn *conn, void *arg)
{
    struct trash_arg *a = arg;
    return file_store_overdue(c, conn, a->before_ms, a->limit, &a->r);
}

/* It may have been restored since it was found. */
static enum err purge_tx(struct ctx *c, struct db_conn *conn, void *arg)
{
    struct trash_arg *a = arg;
    struct file_lock held;
    TRY(file_store_lock(c, conn, &a->id, &held));
    TRY(file_store_get(c, conn, &a->id, &a->file));
    if (!a->file.trashed_at || a->file.trashed_at > a->before_ms) return ERR_OK;
    return file_delete_held_tx(c, conn, NULL, &a->id, &held.owner_id, SLICE("trash"));
}

enum err file_expire(struct ctx *c, struct app *app, size_t limit, size_t *ret_n)
{
    struct trash_arg a = {.limit = limit, .before_ms = clock_wall_ms() - app->cfg.trash_ms};
    *ret_n = 0;
    if (app->cfg.trash_ms == 0) return ERR_OK;
    TRY(db_tx(c, app->be.db, DB_READ, overdue_tx, &a));
    for (size_t i = 0; i < a.r.rows; i++) {
        struct trash_arg one = {.id = db_get_id(&a.r, i, 0), .before_ms = a.before_ms};
        enum err e = db_tx(c, app->be.db, DB_WRITE, purge_tx, &one);
        if (e != ERR_NOT_FOUND) TRY(e);
    }
    *ret_n = a.r.rows;
    return ERR_OK;
}
