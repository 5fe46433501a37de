/* Rules of versions: adding, restoring and deleting them, how many are kept and how long. */
#include "core/file/version.h"

#include "base/intmath.h"
#include "base/limits.h"
#include "core/audit/audit.h"
#include "core/file/file_store.h"
#include "core/file/version_store.h"
#include "core/quota/quota.h"
#include "os/clock.h"

struct version_arg {
    struct app *app;
    const struct principal *who;
    struct id file_id, content_id;
    int64_t version;
    int64_t before;
    size_t limit;
    struct file_version *rows;
    size_t n;
    struct file_version one;
    struct file file;
};

static enum err absent(struct ctx *c) { return refuse(c, ERR_NOT_FOUND, "not_found", "This file has no such version."); }

static enum err list_tx(struct ctx *c, struct db_conn *conn, void *arg)
{
    struct version_arg *a = arg;
    return version_store_list(c, conn, &a->file_id, a->before, a->limit, &a->rows, &a->n);
}

enum err version_list(struct ctx *c, struct app *app, const struct principal *who, const struct id *file,
                      const struct page_key *page, struct file_version **ret, size_t *ret_n)
{
    struct version_arg a = {.file_id = *file, .before = page->first ? INT64_MAX : page->number, .limit = page->limit + 1};
    struct file f;
    TRY(file_get(c, app, who, file, ACTION_CHANGE, &f));
    TRY(db_tx(c, app->be.db, DB_READ, list_tx, &a));
    *ret = a.rows;
    *ret_n = a.n;
    return ERR_OK;
}

void version_as_file(const struct file *f, const struct file_version *v, struct file *ret)
{
    struct file old = *f;
    old.version = v->version;
    old.content = v->content;
    old.size = v->size;
    old.type = v->type;
    old.detected_type = SLICE("");
    old.state = v->state;
    old.state_why = SLICE("");
    old.modified_at = v->modified_at;
    *ret = old;
}

static enum err get_tx(struct ctx *c, struct db_conn *conn, void *arg)
{
    struct version_arg *a = arg;
    return version_store_get(c, conn, &a->file_id, a->version, &a->one);
}

enum err version_get(struct ctx *c, struct app *app, const struct principal *who, const struct id *file, int64_t version,
                     struct file *ret)
{
    struct version_arg a = {.file_id = *file, .version = version};
    struct file f;
    TRY(file_get(c, app, who, file, ACTION_CHANGE, &f));
    enum err e = db_tx(c, app->be.db, DB_READ, get_tx, &a);
    if (e == ERR_NOT_FOUND) return absent(c);
    TRY(e);
    version_as_file(&f, &a.one, ret);
    return file_check_ready(c, ret);
}

static enum err by_content_tx(struct ctx *c, struct db_conn *conn, void *arg)
{
    struct version_arg *a = arg;
    return version_store_by_content(c, conn, &a->file_id, &a->content_id, &a->one);
}

enum err version_with_content(struct ctx *c, struct app *app, const struct file *f, const struct id *content, struct file *ret)
{
    struct version_arg a = {.file_id = f->id, .content_id = *content};
    TRY(db_tx(c, app->be.db, DB_READ, by_content_tx, &a));
    version_as_file(f, &a.one, ret);
    return file_check_ready(c, ret);
}

static enum err record(struct ctx *c, struct db_conn *conn, const char *event, const struct principal *who, const struct id *file,
                       int64_t version)
{
    struct slice detail;
    TRY(arena_printf(&c->arena, &detail, "%lld", (long long)version));
    return audit_write(c, conn, &(struct audit_event){.event = event, .who = who, .object_type = "file", .object_id = file,
                                                      .detail = detail});
}

/* Versions whose rows are gone: their contents are dropped and their bytes given back. */
static enum err drop_rows(struct ctx *c, struct db_conn *conn, const struct principal *who, const struct id *file,
                          const struct id *owner, const struct db_result *r)
{
    uint64_t bytes = 0;
    for (size_t i = 0; i < r->rows; i++) {
        struct id content = db_get_id(r, i, 0);
        TRY(content_drop(c, conn, &content));
        bytes += (uint64_t)db_get_i64(r, i, 1);
        TRY(record(c, conn, "version.delete", who, file, db_get_i64(r, i, 2)));
    }
    return quota_give_back(c, conn, owner, bytes);
}

/* The newest version is there: the file shows it, and the oldest go when they are too many. */
static enum err show_newest(struct ctx *c, struct db_conn *conn, const struct app *app, const struct id *file,
                            const struct id *owner, int64_t version)
{
    struct db_result gone;
    uint64_t keep = app->cfg.versions_max ? app->cfg.versions_max : LIMIT_FILE_VERSIONS;
    TRY(version_store_show(c, conn, file, version, clock_wall_ms()));
    TRY(version_store_trim(c, conn, file, keep, &gone));
    return drop_rows(c, conn, NULL, file, owner, &gone);
}

enum err version_add_tx(struct ctx *c, struct db_conn *conn, const struct app *app, const struct principal *who,
                        const struct version_new *v, struct file *ret)
{
    struct file_lock held;
    TRY(file_store_lock(c, conn, &v->file_id, &held));
    struct version_row row = {.file_id = v->file_id, .version = held.version + 1, .content_id = v->content_id, .size = v->size,
                              .type = v->type, .state = file_first_state(app), .modified_at = v->modified_at,
                              .created_at = clock_wall_ms(), .created_by = who->user_id};
    TRY(version_store_insert(c, conn, &row));
    TRY(record(c, conn, "version.create", who, &v->file_id, row.version));
    TRY(file_inspect_later(c, conn, &v->file_id, 1));
    TRY(show_newest(c, conn, app, &v->file_id, &held.owner_id, row.version));
    return file_store_get(c, conn, &v->file_id, ret);
}

static enum err restore_tx(struct ctx *c, struct db_conn *conn, void *arg)
{
    struct version_arg *a = arg;
    struct file_lock held;
    struct file old;
    TRY(file_store_lock(c, conn, &a->file_id, &held));
    TRY(version_store_lock(c, conn, &a->file_id, a->version));
    TRY(version_store_get(c, conn, &a->file_id, a->version, &a->one));
    if (a->version == held.version) return file_store_get(c, conn, &a->file_id, &a->file);
    version_as_file(&a->file, &a->one, &old);
    TRY(file_check_ready(c, &old));
    struct version_copy copy = {.file_id = a->file_id, .from = a->version, .to = held.version + 1, .created_at = clock_wall_ms(),
                                .created_by = a->who->user_id};
    TRY(quota_take(c, conn, a->app, &held.owner_id, a->one.size));
    TRY(content_hold(c, conn, &a->one.content.id));
    TRY(version_store_copy(c, conn, &copy));
    TRY(record(c, conn, "version.restore", a->who, &a->file_id, a->version));
    TRY(show_newest(c, conn, a->app, &a->file_id, &held.owner_id, copy.to));
    return file_store_get(c, conn, &a->file_id, &a->file);
}

enum err version_restore(struct ctx *c, struct app *app, const struct principal *who, const struct id *file, int64_t version,
                         struct file *ret)
{
    struct version_arg a = {.app = app, .who = who, .file_id = *file, .version = version};
    struct file f;
    TRY(file_get(c, app, who, file, ACTION_CHANGE, &f));
    a.file = f;
    enum err e = db_tx(c, app->be.db, DB_WRITE, restore_tx, &a);
    if (e == ERR_NOT_FOUND) return absent(c);
    TRY(e);
    *ret = a.file;
    ret->relation = f.relation;
    return ERR_OK;
}

static enum err delete_tx(struct ctx *c, struct db_conn *conn, void *arg)
{
    const struct version_arg *a = arg;
    struct file_lock held;
    struct db_result gone;
    TRY(file_store_lock(c, conn, &a->file_id, &held));
    if (a->version == held.version)
        return refuse(c, ERR_CONFLICT, "version_current", "This is what the file is now. Restore another one first, or delete the file.");
    TRY(version_store_delete(c, conn, &a->file_id, a->version, &gone));
    return drop_rows(c, conn, a->who, &a->file_id, &held.owner_id, &gone);
}

enum err version_delete(struct ctx *c, struct app *app, const struct principal *who, const struct id *file, int64_t version)
{
    struct version_arg a = {.who = who, .file_id = *file, .version = version};
    struct file f;
    TRY(file_get(c, app, who, file, ACTION_DELETE, &f));
    enum err e = db_tx(c, app->be.db, DB_WRITE, delete_tx, &a);
    return e == ERR_NOT_FOUND ? absent(c) : e;
}

struct overdue_arg {
    int64_t before_ms;
    size_t limit;
    struct db_result r;
};

static enum err overdue_tx(struct ctx *c, struct db_conn *conn, void *arg)
{
    struct overdue_arg *a = arg;
    return version_store_overdue(c, conn, a->before_ms, a->limit, &a->r);
}

enum err version_expire(struct ctx *c, struct app *app, size_t limit, size_t *ret_n)
{
    struct overdue_arg a = {.before_ms = clock_wall_ms() - app->cfg.versions_max_age_ms, .limit = limit};
    if (app->cfg.versions_max_age_ms) TRY(db_tx(c, app->be.db, DB_READ, overdue_tx, &a));
    for (size_t i = 0; i < a.r.rows; i++) {
        struct version_arg one = {.file_id = db_get_id(&a.r, i, 0), .version = db_get_i64(&a.r, i, 1)};
        enum err e = db_tx(c, app->be.db, DB_WRITE, delete_tx, &one);
        if (e != ERR_NOT_FOUND) TRY(e);
    }
    *ret_n = a.r.rows;
    return ERR_OK;
}
