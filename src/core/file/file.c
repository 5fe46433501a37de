/* Rules of files: who may see and change them, names, deletion. */
#include "core/file/file.h"

#include "base/limits.h"
#include "codec/name.h"
#include "codec/utf8.h"
#include "core/audit/audit.h"
#include "core/content/reseal.h"
#include "core/file/file_store.h"
#include "core/quota/quota.h"
#include "os/clock.h"

#define DESCRIPTION_BYTES LIMIT_MESSAGE_BYTES

enum err file_check_name(struct ctx *c, const char *field, struct slice name, struct slice *ret_key)
{
    if (path_check(name) == ERR_OK) return utf8_fold(&c->arena, name, ret_key);
    ctx_field_error(c, field, "is not a safe file name: no control characters, no \"..\", no empty parts");
    return ERR_INVALID;
}

struct get_arg {
    struct id id;
    struct file file;
};

static enum err get_tx(struct ctx *c, struct db_conn *conn, void *arg)
{
    struct get_arg *a = arg;
    return file_store_get(c, conn, &a->id, &a->file);
}

enum err file_load(struct ctx *c, struct app *app, const struct id *id, struct file *ret)
{
    struct get_arg a = {.id = *id};
    TRY(db_tx(c, app->be.db, DB_READ, get_tx, &a));
    *ret = a.file;
    return ERR_OK;
}

enum err file_get(struct ctx *c, struct app *app, const struct principal *who, const struct id *id, enum action action,
                  struct file *ret)
{
    struct file f;
    enum err e = file_load(c, app, id, &f);
    if (e == ERR_NOT_FOUND) return policy_absent(c);
    TRY(e);
    TRY(policy_check_as(c, app, who, action, &(struct policy_object){"file", &f.id, &f.owner_id, f.trashed_at != 0}, &f.relation));
    if (f.trashed_at && action != ACTION_READ && action != ACTION_DELETE)
        return refuse(c, ERR_CONFLICT, "file_trashed", "This file is in the trash. Restore it first.");
    if (action == ACTION_DOWNLOAD) TRY(file_check_ready(c, &f));
    *ret = f;
    return ERR_OK;
}

struct list_arg {
    const struct principal *who;
    const struct file_query *q;
    struct slice like;
    struct file *files;
    size_t n;
};

static enum err list_tx(struct ctx *c, struct db_conn *conn, void *arg)
{
    struct list_arg *a = arg;
    return file_store_list(c, conn, &a->who->user_id, a->q, a->like, &a->files, &a->n);
}

enum err file_list(struct ctx *c, struct app *app, const struct principal *who, const struct file_query *q,
                   struct file **ret, size_t *ret_n)
{
    struct list_arg a = {.who = who, .q = q};
    TRY(policy_check(c, app, who, ACTION_READ, NULL));
    TRY(page_like(c, "q", q->q, &a.like));
    TRY(db_tx(c, app->be.db, DB_READ, list_tx, &a));
    *ret = a.files;
    *ret_n = a.n;
    return ERR_OK;
}

struct change_arg {
    const struct principal *who;
    struct id id;
    const struct file_patch *patch;
    struct slice name_key;
    struct file file;
};

static enum err change_tx(struct ctx *c, struct db_conn *conn, void *arg)
{
    struct change_arg *a = arg;
    TRY(file_store_change(c, conn, &a->id, a->patch, a->name_key, clock_wall_ms()));
    TRY(audit_write(c, conn, &(struct audit_event){.event = "file.change", .who = a->who, .object_type = "file", .object_id = &a->id,
                                                   .detail = a->patch->name.ptr ? SLICE("name") : SLICE("description")}));
    return file_store_get(c, conn, &a->id, &a->file);
}

/* A new name must not say what the old one was not allowed to. */
static enum err check_type(struct ctx *c, const struct app *app, const struct file *f, struct slice name)
{
    const struct type_policy *p = &app->cfg.types;
    enum type_verdict v = f->detected_type.len ? type_check(p, name, f->detected_type) : type_check_name(p, name);
    return v == TYPE_ALLOWED ? ERR_OK : refuse(c, ERR_INVALID, "type_denied", "Files of this type are not allowed here.");
}

enum err file_change(struct ctx *c, struct app *app, const struct principal *who, const struct id *id,
                     const struct file_patch *p, struct file *ret)
{
    struct file f;
    struct change_arg a = {.who = who, .id = *id, .patch = p};
    TRY(file_get(c, app, who, id, ACTION_CHANGE, &f));
    if (p->name.ptr) TRY(file_check_name(c, "name", p->name, &a.name_key));
    if (p->name.ptr) TRY(check_type(c, app, &f, p->name));
    if (p->description.len > DESCRIPTION_BYTES) {
        ctx_field_error(c, "description", "is longer than 4000 bytes");
        return ERR_INVALID;
    }
    TRY(db_tx(c, app->be.db, DB_WRITE, change_tx, &a));
    *ret = a.file;
    ret->relation = f.relation;
    return ERR_OK;
}

struct encrypt_arg {
    struct app *app;
    const struct principal *who;
    struct id id;
    struct file file;
};

static enum err encrypt_tx(struct ctx *c, struct db_conn *conn, void *arg)
{
    struct encrypt_arg *a = arg;
    struct file f;
    TRY(file_store_get(c, conn, &a->id, &f));
    TRY(reseal_rotate(c, conn, a->app, &f.content, f.type));
    TRY(audit_write(c, conn, &(struct audit_event){.event = "file.reseal", .who = a->who, .object_type = "file", .object_id = &a->id}));
    return file_store_get(c, conn, &a->id, &a->file);
}

enum err file_encrypt(struct ctx *c, struct app *app, const struct principal *who, const struct id *id, struct file *ret)
{
    struct encrypt_arg a = {.app = app, .who = who, .id = *id};
    struct file f;
    TRY(file_get(c, app, who, id, ACTION_CHANGE, &f));
    if (!slice_eq(f.mode, SLICE("managed")))
        return refuse(c, ERR_CONFLICT, "end_to_end", "The server has no key of an end-to-end encrypted file.");
    TRY(db_tx(c, app->be.db, DB_WRITE, encrypt_tx, &a));
    *ret = a.file;
    return ERR_OK;
}

enum err file_read_plain(struct ctx *c, struct app *app, const struct file *f, uint64_t first, uint64_t length, struct reader **ret)
{
    struct file now = *f;
    for (;;) {
        struct id tried = now.content.id;
        enum err e = content_read_plain(c, app, &now.content, first, length, ret);
        if (e != ERR_NOT_FOUND) return e;
        ctx_clear_error(c);
        TRY(file_load(c, app, &f->id, &now));
        /* Only the same bytes under another id will do. */
        if (id_eq(now.content.id, tried) || now.content.size != f->content.size || now.content.crc32 != f->content.crc32)
            return ERR_NOT_FOUND;
    }
}

enum err file_release_key(struct ctx *c, struct app *app, struct file *f, struct slice public_key, const struct id *context,
                          struct content_key *ret)
{
    for (;;) {
        struct id tried = f->content.id;
        enum err e = content_release_key(c, app, &f->content, public_key, context, ret);
        if (e != ERR_NOT_FOUND) return e;
        ctx_clear_error(c);
        TRY(file_load(c, app, &f->id, f));
        if (id_eq(f->content.id, tried)) return ERR_NOT_FOUND;
    }
}

enum err file_delete_tx(struct ctx *c, struct db_conn *conn, const struct principal *who, const struct id *id, struct slice why)
{
    struct id owner;
    struct db_result versions;
    uint64_t size = 0;
    TRY(file_store_lock(c, conn, id, &owner));
    TRY(version_store_delete_all(c, conn, id, &versions));
    TRY(file_store_delete(c, conn, id));
    for (size_t i = 0; i < versions.rows; i++) {
        struct id content = db_get_id(&versions, i, 0);
        TRY(content_drop(c, conn, &content));
        size += (uint64_t)db_get_i64(&versions, i, 1);
    }
    TRY(quota_give_back_file(c, conn, &owner, size));
    return audit_write(c, conn, &(struct audit_event){.event = "file.delete", .who = who, .object_type = "file", .object_id = id,
                                                      .detail = why});
}

struct delete_arg {
    const struct principal *who;
    struct id id;
};

static enum err delete_tx(struct ctx *c, struct db_conn *conn, void *arg)
{
    const struct delete_arg *a = arg;
    return file_delete_tx(c, conn, a->who, &a->id, SLICE(""));
}

enum err file_delete(struct ctx *c, struct app *app, const struct principal *who, const struct id *id)
{
    struct file f;
    struct delete_arg a = {who, *id};
    TRY(file_get(c, app, who, id, ACTION_DELETE, &f));
    return db_tx(c, app->be.db, DB_WRITE, delete_tx, &a);
}
