/* Rules of transfers: what may be in one, how it ends. */
#include "core/transfer/transfer.h"

#include "base/limits.h"
#include "codec/utf8.h"
#include "core/app/gate.h"
#include "core/audit/audit.h"
#include "core/file/file_store.h"
#include "core/quota/quota.h"
#include "core/transfer/transfer_store.h"
#include "os/clock.h"


enum err transfer_hash_password(struct ctx *c, struct app *app, struct slice password, struct slice *ret)
{
    char hash[PWHASH_TEXT_MAX];
    struct slice normal;
    if (password.len == 0 || password.len > LIMIT_PASSWORD_BYTES ||
        utf8_nfkc(&c->arena, password, &normal) != ERR_OK) {
        ctx_field_error(c, "password", "must be text of 1 to 1024 bytes");
        return ERR_INVALID;
    }
    TRY(gate_enter(app->hash_gate, LIMIT_HASH_WAIT_MS));
    enum err e = bcrypt_hash(&app->pepper, normal, app->cfg.link_bcrypt_cost, hash);
    gate_leave(app->hash_gate);
    if (e != ERR_OK) return fail(c, e, "bcrypt");
    return arena_slice(&c->arena, slice_cstr(hash), ret);
}

enum err transfer_expiry(struct ctx *c, const struct app *app, bool set, uint64_t expires_in_s, int64_t *ret)
{
    uint64_t max = app->cfg.link_expires_s_max ? app->cfg.link_expires_s_max : LIMIT_EXPIRES_S;
    uint64_t s = set ? expires_in_s : app->cfg.link_expires_s_default;
    if (!set && s == 0 && app->cfg.link_expires_s_max) s = max;
    if (!set && s == 0) {
        *ret = 0;
        return ERR_OK;
    }
    if (s == 0 || s > max) {
        ctx_field_error(c, "expires_in", s ? "is longer than this server allows" : "must be at least one second");
        return ERR_INVALID;
    }
    *ret = clock_wall_ms() + (int64_t)s * 1000;
    return ERR_OK;
}

struct create_arg {
    struct app *app;
    const struct principal *who;
    const struct transfer_new *n;
    const struct id *only_of; /* files must be this user's; NULL: anybody's */
    struct transfer t;
};

/* An administrator shares what others own: each of it is on record. */
static enum err check_foreign(struct ctx *c, struct db_conn *conn, const struct create_arg *a)
{
    struct file *files = NULL;
    size_t n = 0;
    TRY(transfer_store_files(c, conn, &a->t.id, &files, &n));
    for (size_t i = 0; i < n; i++) {
        struct policy_object o = {.type = "file", .id = &files[i].id, .owner = &files[i].owner_id};
        TRY(policy_check_tx(c, conn, a->who, ACTION_SHARE, &o));
    }
    return ERR_OK;
}

static enum err create_tx(struct ctx *c, struct db_conn *conn, void *arg)
{
    struct create_arg *a = arg;
    struct quota q;
    TRY(transfer_store_insert(c, conn, &a->t));
    for (size_t i = 0; i < a->n->file_count; i++) {
        enum err e = transfer_store_add_file(c, conn, &a->t.id, &a->n->file_ids[i], a->only_of, i);
        if (e == ERR_EXISTS || e == ERR_NOT_FOUND) {
            ctx_field_error(c, "file_ids", e == ERR_EXISTS ? "names a file twice" : "names a file that is not yours");
            return ERR_INVALID;
        }
        TRY(e);
    }
    TRY(audit_write(c, conn, &(struct audit_event){.event = "transfer.create", .who = a->who, .object_type = "transfer",
                                                   .object_id = &a->t.id}));
    if (!a->only_of) TRY(check_foreign(c, conn, a));
    TRY(transfer_store_get(c, conn, &a->t.id, &a->t));
    TRY(quota_get(c, conn, a->app, &a->t.owner_id, &q));
    return quota_check_transfer(c, &q, a->t.total_bytes);
}

static enum err check_new(struct ctx *c, const struct transfer_new *n)
{
    if (n->title.len > LIMIT_TITLE_BYTES) ctx_field_error(c, "title", "is longer than 200 bytes");
    if (n->message.len > LIMIT_MESSAGE_BYTES) ctx_field_error(c, "message", "is longer than 4000 bytes");
    if (n->file_count > LIMIT_TRANSFER_FILES) ctx_field_error(c, "file_ids", "has more than 10,000 files");
    if (n->limited && n->max_downloads == 0) ctx_field_error(c, "max_downloads", "must be at least 1");
    return c->field_error_count ? ERR_INVALID : ERR_OK;
}

enum err transfer_create(struct ctx *c, struct app *app, const struct principal *who, const struct transfer_new *n,
                         struct transfer *ret)
{
    struct create_arg a = {.app = app, .who = who, .n = n,
                           .only_of = policy_allows(who->role, ACTION_SHARE, RELATION_NONE) ? NULL : &who->user_id};
    TRY(policy_check(c, app, who, ACTION_CREATE, NULL));
    TRY(check_new(c, n));
    a.t = (struct transfer){.owner_id = who->user_id,
                            .title = n->title.ptr ? n->title : SLICE(""),
                            .message = n->message.ptr ? n->message : SLICE(""),
                            .mode = SLICE("managed"),
                            .limited = n->limited,
                            .max_downloads = n->max_downloads,
                            .delete_files = n->delete_files,
                            .expires_at = n->expires_at,
                            .created_at = clock_wall_ms()};
    if (n->password.ptr) TRY(transfer_hash_password(c, app, n->password, &a.t.password_hash));
    TRY(os_new_id(&a.t.id));
    TRY(db_tx(c, app->be.db, DB_WRITE, create_tx, &a));
    *ret = a.t;
    return ERR_OK;
}

struct get_arg {
    struct id id;
    struct transfer t;
    struct file *files;
    size_t n;
};

static enum err get_tx(struct ctx *c, struct db_conn *conn, void *arg)
{
    struct get_arg *a = arg;
    return transfer_store_get(c, conn, &a->id, &a->t);
}

enum err transfer_get(struct ctx *c, struct app *app, const struct principal *who, const struct id *id,
                      enum action action, struct transfer *ret)
{
    struct get_arg a = {.id = *id};
    enum err e = db_tx(c, app->be.db, DB_READ_ONE, get_tx, &a);
    if (e == ERR_NOT_FOUND || (e == ERR_OK && a.t.ended_at))
        return policy_absent(c);
    TRY(e);
    TRY(policy_check(c, app, who, action, &(struct policy_object){"transfer", &a.t.id, &a.t.owner_id, false}));
    *ret = a.t;
    return ERR_OK;
}

static enum err files_tx(struct ctx *c, struct db_conn *conn, void *arg)
{
    struct get_arg *a = arg;
    return transfer_store_files(c, conn, &a->id, &a->files, &a->n);
}

enum err transfer_files(struct ctx *c, struct app *app, const struct id *id, struct file **ret, size_t *ret_n)
{
    struct get_arg a = {.id = *id};
    TRY(db_tx(c, app->be.db, DB_READ, files_tx, &a));
    *ret = a.files;
    *ret_n = a.n;
    return ERR_OK;
}

struct file_arg {
    const struct id *transfer, *file;
    struct db_result r;
    uint64_t bytes;
};

static enum err file_tx(struct ctx *c, struct db_conn *conn, void *arg)
{
    struct file_arg *a = arg;
    return transfer_store_file(c, conn, a->transfer, a->file, &a->r);
}

enum err transfer_file(struct ctx *c, struct app *app, const struct id *transfer, const struct id *file, struct file *ret)
{
    struct file_arg a = {.transfer = transfer, .file = file};
    TRY(db_tx(c, app->be.db, DB_READ, file_tx, &a));
    if (a.r.rows == 0) return ERR_NOT_FOUND;
    if (a.r.rows > 1) return ERR_EXISTS;
    file_store_row(&a.r, 0, ret);
    return ERR_OK;
}

static enum err bytes_tx(struct ctx *c, struct db_conn *conn, void *arg)
{
    struct file_arg *a = arg;
    return transfer_store_sealed_bytes(c, conn, a->transfer, &a->bytes);
}

enum err transfer_sealed_bytes(struct ctx *c, struct app *app, const struct id *transfer, uint64_t *ret)
{
    struct file_arg a = {.transfer = transfer};
    TRY(db_tx(c, app->be.db, DB_READ, bytes_tx, &a));
    *ret = a.bytes;
    return ERR_OK;
}

struct list_arg {
    struct id owner;
    const struct page *page;
    struct transfer *rows;
    size_t n;
};

static enum err list_tx(struct ctx *c, struct db_conn *conn, void *arg)
{
    struct list_arg *a = arg;
    return transfer_store_list(c, conn, &a->owner, a->page, &a->rows, &a->n);
}

enum err transfer_list(struct ctx *c, struct app *app, const struct principal *who, const struct page *page,
                       struct transfer **ret, size_t *ret_n)
{
    struct list_arg a = {.owner = who->user_id, .page = page};
    TRY(policy_check(c, app, who, ACTION_READ, NULL));
    TRY(db_tx(c, app->be.db, DB_READ, list_tx, &a));
    *ret = a.rows;
    *ret_n = a.n;
    return ERR_OK;
}

struct end_arg {
    const struct principal *who; /* NULL: it has expired */
    struct id id;
    const char *why;
};

static enum err end_tx(struct ctx *c, struct db_conn *conn, void *arg)
{
    struct end_arg *a = arg;
    struct transfer t;
    struct db_result r;
    TRY(transfer_store_get(c, conn, &a->id, &t));
    TRY(transfer_store_end(c, conn, &a->id, a->why, clock_wall_ms()));
    TRY(audit_write(c, conn, &(struct audit_event){.event = "transfer.end", .who = a->who, .object_type = "transfer",
                                                   .object_id = &a->id, .detail = slice_cstr(a->why)}));
    if (!t.delete_files) return ERR_OK;
    TRY(transfer_store_lone_files(c, conn, &a->id, &r));
    for (size_t i = 0; i < r.rows; i++) {
        struct id file = db_get_id(&r, i, 0);
        enum err e = file_delete_tx(c, conn, a->who, &file, SLICE("transfer"));
        if (e != ERR_NOT_FOUND) TRY(e);
    }
    return ERR_OK;
}

enum err transfer_delete(struct ctx *c, struct app *app, const struct principal *who, const struct id *id)
{
    struct transfer t;
    struct end_arg a = {.who = who, .id = *id, .why = "deleted"};
    TRY(transfer_get(c, app, who, id, ACTION_DELETE, &t));
    return db_tx(c, app->be.db, DB_WRITE, end_tx, &a);
}

struct expire_arg {
    size_t limit;
    struct db_result r;
    uint64_t purged;
};

static enum err overdue_tx(struct ctx *c, struct db_conn *conn, void *arg)
{
    struct expire_arg *a = arg;
    return transfer_store_overdue(c, conn, clock_wall_ms(), a->limit, &a->r);
}

static enum err purge_tx(struct ctx *c, struct db_conn *conn, void *arg)
{
    struct expire_arg *a = arg;
    return transfer_store_purge(c, conn, clock_wall_ms() - LIMIT_TOMBSTONE_MS, &a->purged);
}

enum err transfer_expire(struct ctx *c, struct app *app, size_t limit, size_t *ret_n)
{
    struct expire_arg a = {.limit = limit};
    TRY(db_tx(c, app->be.db, DB_READ, overdue_tx, &a));
    for (size_t i = 0; i < a.r.rows; i++) {
        struct end_arg end = {.id = db_get_id(&a.r, i, 0), .why = "expired"};
        enum err e = db_tx(c, app->be.db, DB_WRITE, end_tx, &end);
        if (e != ERR_NOT_FOUND) TRY(e);
    }
    TRY(db_tx(c, app->be.db, DB_WRITE, purge_tx, &a));
    *ret_n = a.r.rows + (size_t)a.purged;
    return ERR_OK;
}
