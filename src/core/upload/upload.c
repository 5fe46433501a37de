/* Rules of uploads: making, looking at, giving up, expiring them. Parts are in part.c, the end in complete.c. */
#include "core/upload/upload.h"

#include "base/intmath.h"
#include "base/limits.h"
#include "codec/mime.h"
#include "core/folder/folder.h"
#include "core/job/job.h"
#include "core/quota/quota.h"
#include "core/upload/append_store.h"
#include "core/upload/upload_impl.h"
#include "core/upload/upload_store.h"
#include "os/clock.h"

/* Parts that come alone are bodies of requests, and must fit through a proxy in front. */
static uint32_t part_size_within(const struct app *app, uint32_t part_size)
{
    uint64_t max = app->cfg.request_bytes_max;
    while (max && part_size > max && part_size > LIMIT_PART_BYTES_MIN) part_size /= 2;
    return part_size;
}

uint64_t upload_size_max(const struct app *app)
{
    uint64_t parts = (uint64_t)LIMIT_PARTS * part_size_within(app, SFT_PART_MAX) - 1;
    return MIN(parts, app->cfg.file_bytes_max);
}

static enum err choose_part_size(struct ctx *c, const struct app *app, uint64_t size, uint32_t *ret)
{
    uint32_t part_size = 0;
    TRY(sft_part_size_for(size == UPLOAD_SIZE_UNKNOWN ? SFT_UNKNOWN_SIZE : size, &part_size));
    part_size = part_size_within(app, part_size);
    if (size != UPLOAD_SIZE_UNKNOWN && sft_part_count(size, part_size) > LIMIT_PARTS)
        return refuse(c, ERR_TOO_LARGE, "file_too_large", "The file is larger than goes through the proxy in front of this server.");
    *ret = part_size;
    return ERR_OK;
}

/* What a new version takes from its file; the right to make it is checked once more when it is complete. */
static enum err place_version(struct ctx *c, struct app *app, const struct principal *who, const struct upload_new *n, struct upload *u)
{
    struct file f;
    if (n->folder.ptr) {
        ctx_field_error(c, "folder", "is for a new file: a version stays where its file is");
        return ERR_INVALID;
    }
    TRY(file_get(c, app, who, n->version_of, ACTION_CHANGE, &f));
    u->file_id = f.id;
    u->adds_version = true;
    u->name = f.name;
    return ERR_OK;
}

static enum err check_new(struct ctx *c, const struct app *app, const struct upload_new *n, struct slice name, uint32_t *ret_part_size)
{
    uint32_t part_size = n->part_size;
    TRY(file_check_type(c, app, name, SLICE("")));
    if (n->type.len > LIMIT_MIME_BYTES || !mime_valid(n->type)) {
        ctx_field_error(c, "type", "is not a media type");
        return ERR_INVALID;
    }
    if (n->size != UPLOAD_SIZE_UNKNOWN && n->size > app->cfg.file_bytes_max)
        return refuse(c, ERR_TOO_LARGE, "file_too_large", "The file is larger than this server takes.");
    if (part_size == 0) return choose_part_size(c, app, n->size, ret_part_size);
    if (!sft_part_size_valid(part_size) || part_size < LIMIT_PART_BYTES_MIN ||
        (n->size != UPLOAD_SIZE_UNKNOWN && sft_part_count(n->size, part_size) > LIMIT_PARTS)) {
        ctx_field_error(c, "part_size", "must be a power of two from 1 MiB to 512 MiB that gives at most 10,000 parts");
        return ERR_INVALID;
    }
    if (part_size > part_size_within(app, part_size)) {
        ctx_field_error(c, "part_size", "is more than one request may bring to this server");
        return ERR_INVALID;
    }
    *ret_part_size = part_size;
    return ERR_OK;
}

struct insert_arg {
    const struct app *app;
    struct upload *u;
};

/* A version is no file more. */
static enum err reserve_version(struct ctx *c, struct db_conn *conn, const struct app *app, const struct upload *u)
{
    struct quota q;
    TRY(quota_get(c, conn, app, &u->owner_id, &q));
    TRY(quota_check_file(c, &q, u->reserved_bytes));
    return quota_take(c, conn, app, &u->owner_id, u->reserved_bytes);
}

static enum err insert_put(struct ctx *c, struct db_conn *conn, const struct wrapped *w, void *arg)
{
    struct insert_arg *a = arg;
    TRY(arena_slice(&c->arena, slice_of(w->key.b, sizeof w->key.b), &a->u->wrapped_key));
    TRY(a->u->adds_version ? reserve_version(c, conn, a->app, a->u)
                           : quota_take_file(c, conn, a->app, &a->u->owner_id, a->u->reserved_bytes));
    TRY(upload_store_insert(c, conn, a->u, &w->kek_id));
    return a->u->joins.len ? upload_add_join_job(c, conn, a->u) : ERR_OK;
}

enum err upload_record(struct ctx *c, struct app *app, struct upload *u, const struct key *file_key)
{
    struct insert_arg a = {app, u};
    return key_put(c, app, "sft/1/dek", &u->content_id, file_key, insert_put, &a);
}

void upload_forget(struct app *app, const struct upload *u)
{
    CLEANUP(ctx_done) struct ctx own;
    struct blob_ref ref;
    ctx_init(&own, LIMIT_REQUEST_ARENA_BYTES);
    upload_blob_ref(u, &ref);
    err_ignore(blob_abort(&own, app->be.blobs, (struct blob_key){u->content_id}, &ref), "the sweep of old temporaries gets it");
}

static enum err find_folder(struct ctx *c, struct app *app, const struct principal *who, const struct folder_wanted *w,
                            struct upload_siblings *s, struct id *ret)
{
    struct folder folder;
    if (s->has_folder && slice_eq(s->folder, w->text) && slice_eq(s->below, w->below)) {
        *ret = s->folder_id;
        return ERR_OK;
    }
    TRY(folder_resolve(c, app, who, &who->user_id, w, &folder));
    *ret = s->folder_id = folder.id;
    s->folder = w->text;
    s->below = w->below;
    s->has_folder = true;
    return ERR_OK;
}

/* Name and folder. Where a folder is given, those in the name are made in it; else the name keeps them, for the transfer it will be in. */
static enum err find_place(struct ctx *c, struct app *app, const struct principal *who, const struct upload_new *n,
                           struct upload_siblings *siblings, struct upload *u)
{
    struct slice key;
    size_t slash = 0;
    TRY(os_new_id(&u->file_id));
    TRY(file_check_name(c, "name", &u->name, &key));
    if (!n->folder.ptr) return ERR_OK;
    for (size_t i = 0; i < u->name.len; i++)
        if (u->name.ptr[i] == '/') slash = i;
    struct folder_wanted wanted = {.field = "folder", .text = n->folder, .below = slice_sub(u->name, 0, slash), .create = true};
    TRY(find_folder(c, app, who, &wanted, siblings, &u->folder_id));
    if (slash) u->name = slice_sub(u->name, slash + 1, u->name.len);
    return ERR_OK;
}

static enum err begin_blob(struct ctx *c, struct app *app, struct upload_siblings *siblings, struct upload *u)
{
    struct blob_ref ref = {{0}};
    TRY(os_new_id(&u->content_id));
    if (siblings->has_content) blob_key_beside(&u->content_id, &siblings->content_id);
    TRY(blob_begin(c, app->be.blobs, (struct blob_key){u->content_id}, &ref));
    siblings->content_id = u->content_id;
    siblings->has_content = true;
    return arena_slice(&c->arena, slice_cstr(ref.text), &u->blob_ref);
}

enum err upload_plan(struct ctx *c, struct app *app, const struct principal *who, const struct append_new *new,
                     const char *state, struct upload_siblings *siblings, struct key *ret_key, struct upload *ret)
{
    const struct upload_new *n = &new->file;
    struct upload u = {.memo = new->memo.ptr ? new->memo : SLICE(""), .joins = new->joins.ptr ? new->joins : SLICE(""),
                       .partial = new->partial,
                       .owner_id = who->user_id, .name = n->name, .size = n->size, .mode = SLICE("managed"),
                       .state = slice_cstr(state), .created_at = clock_wall_ms()};
    TRY(policy_check(c, app, who, ACTION_CREATE, NULL));
    if (n->version_of) TRY(place_version(c, app, who, n, &u));
    TRY(check_new(c, app, n, u.name, &u.part_size));
    if (!n->version_of) TRY(find_place(c, app, who, n, siblings, &u));
    u.type = n->type.len ? n->type : mime_for_name(u.name);
    u.modified_at = n->modified_at ? n->modified_at : u.created_at;
    u.expires_at = u.created_at + app->cfg.upload_ttl_ms;
    u.reserved_bytes = n->size == UPLOAD_SIZE_UNKNOWN ? 0 : n->size;
    TRY(os_new_id(&u.id));
    TRY(key_new(c, ret_key));
    TRY(begin_blob(c, app, siblings, &u));
    *ret = u;
    return ERR_OK;
}

enum err upload_make(struct ctx *c, struct app *app, const struct principal *who, const struct append_new *new,
                     const char *state, struct key *ret_key, struct upload *ret)
{
    CLEANUP(key_done) struct key key = {{0}};
    struct upload_siblings none = {.has_folder = false};
    struct upload u;
    TRY(upload_plan(c, app, who, new, state, &none, &key, &u));
    enum err e = upload_record(c, app, &u, &key);
    if (e != ERR_OK) {
        upload_forget(app, &u);
        return e;
    }
    *ret_key = key;
    *ret = u;
    return ERR_OK;
}

enum err upload_create(struct ctx *c, struct app *app, const struct principal *who, const struct upload_new *n,
                       struct upload *ret)
{
    CLEANUP(key_done) struct key key;
    return upload_make(c, app, who, &(struct append_new){.file = *n}, "open", &key, ret);
}

struct get_arg {
    struct id id;
    struct upload u;
};

static enum err get_tx(struct ctx *c, struct db_conn *conn, void *arg)
{
    struct get_arg *a = arg;
    return upload_store_get(c, conn, &a->id, &a->u);
}

enum err upload_get(struct ctx *c, struct app *app, const struct principal *who, const struct id *id, struct upload *ret)
{
    struct get_arg a = {.id = *id};
    enum err e = db_tx(c, app->be.db, DB_READ_ONE, get_tx, &a);
    if (e == ERR_NOT_FOUND) return policy_absent(c);
    TRY(e);
    TRY(policy_check(c, app, who, ACTION_CHANGE, &(struct policy_object){"upload", &a.u.id, &a.u.owner_id, false}));
    *ret = a.u;
    return ERR_OK;
}

void upload_blob_ref(const struct upload *u, struct blob_ref *ret)
{
    *ret = (struct blob_ref){{0}};
    memcpy(ret->text, u->blob_ref.ptr, MIN(u->blob_ref.len, sizeof ret->text - 1));
}

struct numbers_arg {
    struct id id;
    struct db_result r;
};

static enum err numbers_tx(struct ctx *c, struct db_conn *conn, void *arg)
{
    struct numbers_arg *a = arg;
    return part_store_numbers(c, conn, &a->id, &a->r);
}

enum err upload_received(struct ctx *c, struct app *app, const struct upload *u, struct part_range **ret, size_t *ret_n)
{
    struct numbers_arg a = {.id = u->id};
    size_t n = 0;
    if (slice_eq(u->state, SLICE("complete"))) {
        struct part_range *all = ARENA_NEW(&c->arena, struct part_range);
        if (!all) return ERR_NOMEM;
        *all = (struct part_range){0, sft_part_count(u->size, u->part_size) - 1};
        *ret = all;
        *ret_n = 1;
        return ERR_OK;
    }
    TRY(db_tx(c, app->be.db, DB_READ, numbers_tx, &a));
    struct part_range *ranges = ARENA_ARRAY(&c->arena, struct part_range, a.r.rows + 1);
    if (!ranges) return ERR_NOMEM;
    for (size_t i = 0; i < a.r.rows; i++) {
        uint64_t number = (uint64_t)db_get_i64(&a.r, i, 0);
        if (n && ranges[n - 1].last + 1 == number)
            ranges[n - 1].last = number;
        else
            ranges[n++] = (struct part_range){number, number};
    }
    *ret = ranges;
    *ret_n = n;
    return ERR_OK;
}

struct list_arg {
    struct id owner;
    const struct page *page;
    struct upload *uploads;
    size_t n;
};

static enum err list_tx(struct ctx *c, struct db_conn *conn, void *arg)
{
    struct list_arg *a = arg;
    return upload_store_list(c, conn, &a->owner, a->page, &a->uploads, &a->n);
}

enum err upload_list(struct ctx *c, struct app *app, const struct principal *who, const struct page *page,
                     struct upload **ret, size_t *ret_n)
{
    struct list_arg a = {.owner = who->user_id, .page = page};
    TRY(policy_check(c, app, who, ACTION_READ, NULL));
    TRY(db_tx(c, app->be.db, DB_READ, list_tx, &a));
    *ret = a.uploads;
    *ret_n = a.n;
    return ERR_OK;
}

/* Payload of the job that throws the bytes away: content id and the backend's reference. */
static enum err add_abort_job(struct ctx *c, struct db_conn *conn, const struct upload *u)
{
    char text[ID_TEXT_LEN + 1];
    struct slice payload;
    id_text(u->content_id, text);
    TRY(arena_printf(&c->arena, &payload, "%s " SLICE_FMT, text, SLICE_ARG(u->blob_ref)));
    return job_add(c, conn, &(struct job_new){.kind = "abort_blob", .payload = payload});
}

/* Its row is locked. */
static enum err end_tx(struct ctx *c, struct db_conn *conn, const struct upload *u)
{
    bool complete = slice_eq(u->state, SLICE("complete"));
    if (!complete) {
        TRY(u->adds_version ? quota_give_back(c, conn, &u->owner_id, u->reserved_bytes)
                            : quota_give_back_file(c, conn, &u->owner_id, u->reserved_bytes));
        TRY(piece_store_drop(c, conn, &u->id, 0, INT64_MAX));
        TRY(slice_eq(u->state, SLICE("partial")) ? content_drop(c, conn, &u->content_id) : add_abort_job(c, conn, u));
    }
    return upload_store_delete(c, conn, &u->id);
}

enum err upload_delete_tx(struct ctx *c, struct db_conn *conn, const struct id *id)
{
    struct upload u;
    TRY(upload_store_lock(c, conn, id, &u));
    return end_tx(c, conn, &u);
}

static enum err delete_tx(struct ctx *c, struct db_conn *conn, void *arg)
{
    const struct get_arg *a = arg;
    return upload_delete_tx(c, conn, &a->id);
}

enum err upload_delete(struct ctx *c, struct app *app, const struct principal *who, const struct id *id)
{
    struct get_arg a = {.id = *id};
    struct upload u;
    TRY(upload_get(c, app, who, id, &u));
    if (slice_eq(u.state, SLICE("complete")))
        return refuse(c, ERR_CONFLICT, "upload_complete", "The upload is complete. Delete its file instead.");
    append_take_over(app, id, false);
    return db_tx(c, app->be.db, DB_WRITE, delete_tx, &a);
}

struct overdue_arg {
    size_t limit;
    struct db_result r;
};

static enum err overdue_tx(struct ctx *c, struct db_conn *conn, void *arg)
{
    struct overdue_arg *a = arg;
    return upload_store_overdue(c, conn, clock_wall_ms(), a->limit, &a->r);
}

/* It may have gone on since it was found. */
static enum err expire_tx(struct ctx *c, struct db_conn *conn, void *arg)
{
    const struct get_arg *a = arg;
    struct upload u;
    TRY(upload_store_lock(c, conn, &a->id, &u));
    return u.expires_at > clock_wall_ms() ? ERR_OK : end_tx(c, conn, &u);
}

enum err upload_expire(struct ctx *c, struct app *app, size_t limit, size_t *ret_n)
{
    struct overdue_arg a = {.limit = limit};
    TRY(db_tx(c, app->be.db, DB_READ, overdue_tx, &a));
    for (size_t i = 0; i < a.r.rows; i++) {
        struct get_arg g = {.id = db_get_id(&a.r, i, 0)};
        enum err e = db_tx(c, app->be.db, DB_WRITE, expire_tx, &g);
        if (e != ERR_NOT_FOUND) TRY(e);
    }
    *ret_n = a.r.rows;
    return ERR_OK;
}
