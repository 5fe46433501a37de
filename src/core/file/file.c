/* Rules of files: who may see and change them, names, deletion. */
#include "core/file/file.h"

#include "base/limits.h"
#include "codec/name.h"
#include "codec/utf8.h"
#include "core/audit/audit.h"
#include "core/content/reseal.h"
#include "core/file/file_store.h"
#include "core/file/version_store.h"
#include "core/folder/folder.h"
#include "core/library/library.h"
#include "core/quota/quota.h"
#include "os/clock.h"

#define DESCRIPTION_BYTES LIMIT_MESSAGE_BYTES

enum err file_check_name(struct ctx *c, const char *field, struct slice *name, struct slice *ret_key)
{
    struct slice normal = {0};
    enum err e = utf8_nfc(&c->arena, *name, &normal);
    if (e == ERR_OK) e = path_check(normal);
    if (e == ERR_INVALID)
        ctx_field_error(c, field, "is not a safe file name: no control characters, no empty parts or \"..\", no dot or space at an end, "
                                  "no device of Windows");
    TRY(e);
    TRY(utf8_fold(&c->arena, normal, ret_key));
    *name = normal;
    return ERR_OK;
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
    TRY(db_tx(c, app->be.db, DB_READ_ONE, get_tx, &a));
    *ret = a.file;
    return ERR_OK;
}

static struct policy_object object_of(const struct file *f)
{
    return (struct policy_object){"file", &f->id, &f->owner_id, f->trashed_at != 0};
}

/* What may be done with a file as it is now, whoever asks. */
static enum err check_open(struct ctx *c, const struct file *f, enum action action)
{
    if (f->trashed_at && action != ACTION_READ && action != ACTION_DELETE)
        return refuse(c, ERR_CONFLICT, "file_trashed", "This file is in the trash. Restore it first.");
    return action == ACTION_DOWNLOAD ? file_check_ready(c, f) : ERR_OK;
}

enum err file_get(struct ctx *c, struct app *app, const struct principal *who, const struct id *id, enum action action,
                  struct file *ret)
{
    struct file f;
    enum err e = file_load(c, app, id, &f);
    if (e == ERR_NOT_FOUND) return policy_absent(c);
    TRY(e);
    struct policy_object o = object_of(&f);
    TRY(policy_check_as(c, app, who, action, &o, &f.relation));
    TRY(check_open(c, &f, action));
    *ret = f;
    return ERR_OK;
}

enum err file_check_tx(struct ctx *c, struct db_conn *conn, const struct principal *who, const struct file *f, enum action action)
{
    struct policy_object o = object_of(f);
    TRY(policy_check_tx(c, conn, who, action, &o));
    return check_open(c, f, action);
}

enum err file_get_tx(struct ctx *c, struct db_conn *conn, const struct principal *who, const struct id *id, enum action action,
                     struct file *ret)
{
    struct file f;
    enum err e = file_store_get(c, conn, id, &f);
    if (e == ERR_NOT_FOUND) return policy_absent(c);
    TRY(e);
    TRY(file_check_tx(c, conn, who, &f, action));
    *ret = f;
    return ERR_OK;
}

struct change_arg {
    const struct principal *who;
    struct id id, folder;
    const char *what; /* for the record: the first of what is changed */
    struct file_update update;
    struct file file;
};

/* Of a file that is held. */
static enum err update(struct ctx *c, struct db_conn *conn, const struct principal *who, const struct id *id,
                       const struct file_update *u, const char *what)
{
    bool searched_in = u->name.ptr || u->description.ptr || u->category.ptr || u->tags.ptr;
    TRY(file_store_change(c, conn, id, u, clock_wall_ms()));
    if (searched_in) TRY(library_change_tx(c, conn, id));
    return audit_write(c, conn, &(struct audit_event){.event = "file.change", .who = who, .object_type = "file", .object_id = id,
                                                      .detail = slice_cstr(what)});
}

enum err file_hold_folder_tx(struct ctx *c, struct db_conn *conn, const struct id *owner, const struct id *folder)
{
    struct folder_place place = {.id = *folder};
    TRY(folder_place_tx(c, conn, owner, &place));
    return id_eq(place.id, *folder) ? ERR_OK : refuse(c, ERR_NOT_FOUND, "folder_not_found", "This folder was just deleted.");
}

static enum err change_tx(struct ctx *c, struct db_conn *conn, void *arg)
{
    struct change_arg *a = arg;
    struct file_lock held;
    TRY(file_store_lock(c, conn, &a->id, &held));
    if (a->update.folder) TRY(file_hold_folder_tx(c, conn, &held.owner_id, a->update.folder));
    TRY(update(c, conn, a->who, &a->id, &a->update, a->what));
    return file_store_get(c, conn, &a->id, &a->file);
}

enum err file_move_tx(struct ctx *c, struct db_conn *conn, const struct principal *who, const struct file *f, const struct id *folder)
{
    return update(c, conn, who, &f->id, &(struct file_update){.folder = folder}, "folder");
}

enum err file_check_type(struct ctx *c, const struct app *app, struct slice name, struct slice detected)
{
    const struct type_policy *p = &app->cfg.types;
    enum type_verdict v = detected.len ? type_check(p, name, detected) : type_check_name(p, name);
    if (v == TYPE_ALLOWED) return ERR_OK;
    return refuse(c, ERR_INVALID, "type_denied", "\"" SLICE_FMT "\": files of this type are not allowed here.", SLICE_ARG(name));
}

/* The tags as one text, each once. */
static enum err join_tags(struct ctx *c, const struct file_patch *p, struct slice *ret)
{
    CLEANUP(buf_done) struct buf b = BUF_INIT(LIMIT_FILE_TAGS * (LIMIT_TAG_BYTES + 1));
    struct slice tag, keys[LIMIT_FILE_TAGS];
    size_t n = 0;
    if (p->tag_count > LIMIT_FILE_TAGS) {
        ctx_field_error(c, "tags", "are more than 50");
        return ERR_INVALID;
    }
    for (size_t i = 0; i < p->tag_count; i++) {
        size_t same = 0;
        TRY(library_label_check(c, "tags", p->tags[i], &tag, &keys[n]));
        while (!slice_eq(keys[same], keys[n])) same++;
        if (same < n) continue;
        n++;
        TRY(buf_put(&b, tag));
        TRY(buf_putc(&b, '\n'));
    }
    return arena_slice(&c->arena, buf_view(&b), ret);
}

enum err file_set_tags_tx(struct ctx *c, struct db_conn *conn, const struct principal *who, const struct id *id,
                          const struct slice *tags, size_t n)
{
    struct file_update u = {.name = {NULL, 0}};
    TRY(join_tags(c, &(struct file_patch){.tags = tags, .tag_count = n}, &u.tags));
    return update(c, conn, who, id, &u, "tags");
}

static enum err check_patch(struct ctx *c, const struct file_patch *p, struct file_update *u)
{
    struct slice key;
    *u = (struct file_update){.name = p->name, .description = p->description, .category = p->category};
    if (p->name.ptr) TRY(file_check_name(c, "name", &u->name, &u->name_key));
    if (p->category.len) TRY(library_label_check(c, "category", p->category, &u->category, &key));
    if (p->has_tags) TRY(join_tags(c, p, &u->tags));
    if (p->description.len > DESCRIPTION_BYTES) {
        ctx_field_error(c, "description", "is longer than 4000 bytes");
        return ERR_INVALID;
    }
    return ERR_OK;
}

enum err file_change(struct ctx *c, struct app *app, const struct principal *who, const struct id *id,
                     const struct file_patch *p, struct file *ret)
{
    struct file f;
    struct folder folder;
    struct change_arg a = {.who = who, .id = *id};
    /* Who may work on a file may not put it elsewhere. */
    TRY(file_get(c, app, who, id, p->folder.ptr ? ACTION_DELETE : ACTION_CHANGE, &f));
    TRY(check_patch(c, p, &a.update));
    if (p->name.ptr) TRY(file_check_type(c, app, a.update.name, f.detected_type));
    a.what = p->name.ptr ? "name" : p->folder.ptr ? "folder" : p->has_tags ? "tags" : p->category.ptr ? "category" : "description";
    if (p->folder.ptr) {
        TRY(folder_resolve(c, app, who, &f.owner_id, &(struct folder_wanted){.field = "folder", .text = p->folder}, &folder));
        a.folder = folder.id;
        a.update.folder = &a.folder;
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

enum err file_delete_held_tx(struct ctx *c, struct db_conn *conn, const struct principal *who, const struct id *id,
                             const struct id *owner, struct slice why)
{
    struct db_result versions;
    uint64_t size = 0;
    TRY(library_drop_tx(c, conn, id));
    TRY(version_store_delete_all(c, conn, id, &versions));
    TRY(file_store_delete(c, conn, id));
    for (size_t i = 0; i < versions.rows; i++) {
        struct id content = db_get_id(&versions, i, 0);
        TRY(content_drop(c, conn, &content));
        size += (uint64_t)db_get_i64(&versions, i, 1);
    }
    TRY(quota_give_back_file(c, conn, owner, size));
    return audit_write(c, conn, &(struct audit_event){.event = "file.delete", .who = who, .object_type = "file", .object_id = id,
                                                      .detail = why});
}

enum err file_delete_tx(struct ctx *c, struct db_conn *conn, const struct principal *who, const struct id *id, struct slice why)
{
    struct file_lock held;
    TRY(file_store_lock(c, conn, id, &held));
    return file_delete_held_tx(c, conn, who, id, &held.owner_id, why);
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
