/* Rules of selections: one transaction reads every row once, decides every right and keeps the record. */
#include "core/archive/selection.h"

#include "base/limits.h"
#include "core/archive/selection_store.h"
#include "core/audit/audit.h"
#include "core/file/file_store.h"
#include "os/clock.h"

struct selection_arg {
    const struct principal *who;
    struct id id;
    struct selection s;
    bool again;
    struct file *files;
};

static enum err check(struct ctx *c, const struct selection *s)
{
    if (s->n == 0) ctx_field_error(c, "ids", "must name at least one file");
    if (s->n > LIMIT_BULK_FILES) ctx_field_error(c, "ids", "names more than 1,000 files");
    for (size_t i = 1; i < s->n && c->field_error_count == 0; i++)
        for (size_t k = 0; k < i && c->field_error_count == 0; k++)
            if (id_eq(s->files[i], s->files[k])) ctx_field_error(c, "ids", "names a file twice");
    return c->field_error_count ? ERR_INVALID : ERR_OK;
}

/* In the history of each file it was fetched once, however often the archive is continued. */
static enum err record(struct ctx *c, struct db_conn *conn, const struct selection_arg *a)
{
    char text[ID_TEXT_LEN + 1];
    id_text(a->id, text);
    for (size_t i = 0; i < a->s.n; i++)
        TRY(audit_write(c, conn, &(struct audit_event){.event = "download.archive", .who = a->who, .object_type = "file",
                                                       .object_id = &a->s.files[i], .detail = slice_cstr(text)}));
    return ERR_OK;
}

static enum err load(struct ctx *c, struct db_conn *conn, struct selection_arg *a)
{
    a->files = ARENA_ARRAY(&c->arena, struct file, a->s.n + 1);
    if (!a->files) return ERR_NOMEM;
    for (size_t i = 0; i < a->s.n; i++) TRY(file_get_tx(c, conn, a->who, &a->s.files[i], ACTION_DOWNLOAD, &a->files[i]));
    return ERR_OK;
}

static enum err open_tx(struct ctx *c, struct db_conn *conn, void *arg)
{
    struct selection_arg *a = arg;
    int64_t now = clock_wall_ms(), until = now + LIMIT_SELECTION_MS;
    if (a->again) {
        enum err e = selection_store_use(c, conn, &a->id, &a->who->user_id, now, until, &a->s);
        if (e == ERR_NOT_FOUND) return policy_absent(c);
        TRY(e);
        return load(c, conn, a);
    }
    TRY(load(c, conn, a));
    TRY(selection_store_insert(c, conn, &a->id, &a->who->user_id, &a->s, until));
    return record(c, conn, a);
}

/* The rows of many files are large: they live only until the archive has what it needs of them. */
static enum err make(struct ctx *c, struct app *app, struct selection_arg *a, struct archive **ret)
{
    CLEANUP(ctx_done) struct ctx own;
    ctx_init(&own, LIMIT_REQUEST_ARENA_BYTES);
    enum err e = db_tx(&own, app->be.db, DB_WRITE, open_tx, a);
    if (e == ERR_OK) e = archive_new(app, a->files, a->s.n, ret);
    return e == ERR_OK ? ERR_OK : ctx_pass_error(c, &own, e);
}

enum err selection_open(struct ctx *c, struct app *app, const struct principal *who, const struct selection *s,
                        struct archive **ret, struct id *ret_id)
{
    struct selection_arg a = {.who = who, .s = *s};
    TRY(check(c, s));
    TRY(os_new_id(&a.id));
    TRY(make(c, app, &a, ret));
    *ret_id = a.id;
    return ERR_OK;
}

enum err selection_reopen(struct ctx *c, struct app *app, const struct principal *who, const struct id *id, struct archive **ret)
{
    struct selection_arg a = {.who = who, .id = *id, .again = true};
    return make(c, app, &a, ret);
}

static enum err expire_tx(struct ctx *c, struct db_conn *conn, void *arg)
{
    (void)arg;
    return selection_store_expire(c, conn, clock_wall_ms());
}

enum err selection_expire(struct ctx *c, struct app *app) { return db_tx(c, app->be.db, DB_WRITE, expire_tx, NULL); }
