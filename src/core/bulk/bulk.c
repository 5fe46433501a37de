/* Running one operation on many files. */
#include "core/bulk/bulk.h"

#include <stdlib.h>

#include "base/intmath.h"
#include "base/limits.h"
#include "base/log.h"
#include "core/file/file_store.h"
#include "core/folder/folder.h"

#define BATCH 100u

static const struct {
    const char *word;
    enum action action;
} ops[BULK_OPS] = {[BULK_DELETE] = {"delete", ACTION_DELETE}, [BULK_TRASH] = {"trash", ACTION_DELETE},
                   [BULK_RESTORE] = {"restore", ACTION_DELETE}, [BULK_TAG] = {"tag", ACTION_CHANGE},
                   [BULK_UNTAG] = {"untag", ACTION_CHANGE}, [BULK_MOVE] = {"move", ACTION_DELETE},
                   [BULK_SHARE] = {"share", ACTION_SHARE}};

enum err bulk_op_parse(struct slice word, enum bulk_op *ret)
{
    for (unsigned i = 0; i < BULK_OPS; i++) {
        if (!slice_eq(word, slice_cstr(ops[i].word))) continue;
        *ret = (enum bulk_op)i;
        return ERR_OK;
    }
    return ERR_INVALID;
}

struct run {
    struct ctx *out; /* where the answers live */
    struct app *app;
    const struct principal *who;
    const struct bulk *b;
    struct share_target target;
    struct folder folder;
    bool folder_held; /* in this transaction, as one of this owner */
    struct id folder_owner;
    bool told; /* the mail of a share went out with an earlier batch */
    struct bulk_item *items;
    size_t *order; /* of items, by id: whoever works on the same files takes their locks in the same order */
    size_t from, to;
};

static bool is_again(const struct run *r, size_t i)
{
    return i > 0 && id_eq(r->items[r->order[i]].id, r->items[r->order[i - 1]].id);
}

/* Once for each owner: files of others go nowhere but into their root. */
static enum err hold_folder(struct ctx *c, struct db_conn *conn, struct run *r, const struct id *owner)
{
    if (r->folder_held && id_eq(r->folder_owner, *owner)) return ERR_OK;
    TRY(file_hold_folder_tx(c, conn, owner, &r->folder.id));
    r->folder_held = true;
    r->folder_owner = *owner;
    return ERR_OK;
}

static enum err apply(struct ctx *c, struct db_conn *conn, struct run *r, const struct file *f)
{
    const struct bulk *b = r->b;
    TRY(file_check_tx(c, conn, r->who, f, ops[b->op].action));
    if (b->op == BULK_DELETE) return file_delete_held_tx(c, conn, r->who, &f->id, &f->owner_id, SLICE(""));
    if (b->op == BULK_TRASH || b->op == BULK_RESTORE) return file_set_trashed_tx(c, conn, r->who, f, b->op == BULK_TRASH);
    if (b->op == BULK_SHARE) return share_put_tx(c, conn, r->app, r->who, f, &r->target);
    if (f->trashed_at) return refuse(c, ERR_CONFLICT, "file_trashed", "This file is in the trash. Restore it first.");
    if (b->op != BULK_MOVE) return file_tag_tx(c, conn, r->who, f, b->tags, b->tag_count, b->op == BULK_TAG);
    TRY(hold_folder(c, conn, r, &f->owner_id));
    return file_move_tx(c, conn, r->who, f, &r->folder.id);
}

/* What the caller is told of this item alone; everything else ends the batch. */
static bool is_refusal(const struct ctx *c, enum err e)
{
    return (c->err == e && c->err_public.ptr) || (e == ERR_INVALID && c->field_error_count);
}

static enum err note(struct run *r, struct bulk_item *item, const struct ctx *c, enum err e)
{
    const struct field_error *field = c->field_errors;
    item->ok = e == ERR_OK;
    if (e == ERR_OK) return ERR_OK;
    if (c->err != e || !c->err_public.ptr) {
        item->code = SLICE("invalid");
        return arena_printf(&r->out->arena, &item->detail, SLICE_FMT ": " SLICE_FMT, SLICE_ARG(field->field), SLICE_ARG(field->message));
    }
    item->code = slice_cstr(c->err_code ? c->err_code : err_name(e));
    return arena_slice(&r->out->arena, c->err_public, &item->detail);
}

/* The files of the batch in their order. */
static enum err hold_files(struct ctx *c, struct db_conn *conn, const struct run *r, struct file **ret)
{
    size_t n = r->to - r->from;
    struct id *ids = ARENA_ARRAY(&c->arena, struct id, n);
    *ret = ARENA_ARRAY(&c->arena, struct file, n);
    if (!ids || !*ret) return ERR_NOMEM;
    for (size_t i = 0; i < n; i++) ids[i] = r->items[r->order[r->from + i]].id;
    return file_store_hold_many(c, conn, ids, n, *ret);
}

static enum err batch_tx(struct ctx *c, struct db_conn *conn, void *arg)
{
    struct run *r = arg;
    struct file *files = NULL;
    r->target.told = r->told;
    r->folder_held = false;
    TRY(hold_files(c, conn, r, &files));
    for (size_t i = r->from; i < r->to; i++) {
        struct bulk_item *item = &r->items[r->order[i]];
        const struct file *f = &files[i - r->from];
        enum err e = ERR_OK;
        ctx_clear_error(c);
        if (is_again(r, i))
            e = refuse(c, ERR_CONFLICT, "duplicate", "This id stands in the list more than once.");
        else
            e = id_is_zero(f->id) ? policy_absent(c) : apply(c, conn, r, f);
        if (e != ERR_OK && !is_refusal(c, e)) return e;
        TRY(note(r, item, c, e));
    }
    return ERR_OK;
}

/* Nothing of it happened; the others' results stand. */
static void note_failure(struct run *r, const struct ctx *own, enum err e)
{
    log_error("bulk_failed", LOG_TEXT("error", slice_cstr(err_name(e))), LOG_TEXT("detail", slice_cstr(own->err_detail)),
              LOG_TEXT("request_id", r->out->request_id));
    for (size_t i = r->from; i < r->to; i++) {
        struct bulk_item *item = &r->items[r->order[i]];
        *item = (struct bulk_item){.id = item->id, .code = slice_cstr(err_name(e)), .detail = slice_cstr(err_text(e))};
    }
}

static void run_batch(struct run *r)
{
    CLEANUP(ctx_done) struct ctx own;
    ctx_init(&own, LIMIT_REQUEST_ARENA_BYTES);
    enum err e = db_tx(&own, r->app->be.db, DB_WRITE, batch_tx, r);
    if (e == ERR_OK)
        r->told = r->target.told;
    else
        note_failure(r, &own, e);
}

struct place {
    struct id id;
    size_t at;
};

static int by_id(const void *a, const void *b)
{
    const struct place *x = a, *y = b;
    int order = memcmp(x->id.b, y->id.b, sizeof x->id.b);
    return order ? order : x->at < y->at ? -1 : 1;
}

static enum err lay_out(struct ctx *c, struct run *r)
{
    size_t n = r->b->n;
    struct place *places = ARENA_ARRAY(&c->arena, struct place, n + 1);
    r->items = ARENA_ARRAY(&c->arena, struct bulk_item, n + 1);
    r->order = ARENA_ARRAY(&c->arena, size_t, n + 1);
    if (!places || !r->items || !r->order) return ERR_NOMEM;
    for (size_t i = 0; i < n; i++) {
        r->items[i] = (struct bulk_item){.id = r->b->ids[i]};
        places[i] = (struct place){r->b->ids[i], i};
    }
    qsort(places, n, sizeof *places, by_id);
    for (size_t i = 0; i < n; i++) r->order[i] = places[i].at;
    return ERR_OK;
}

static enum err check_count(struct ctx *c, const struct bulk *b)
{
    if (b->n == 0) ctx_field_error(c, "ids", "must name at least one file");
    if (b->n > LIMIT_BULK_FILES) ctx_field_error(c, "ids", "names more than 1,000 files");
    return c->field_error_count ? ERR_INVALID : ERR_OK;
}

enum err bulk_run(struct ctx *c, struct app *app, const struct principal *who, const struct bulk *b, struct bulk_item **ret)
{
    struct run r = {.out = c, .app = app, .who = who, .b = b};
    TRY(policy_check(c, app, who, ops[b->op].action, NULL));
    TRY(check_count(c, b));
    if (b->op == BULK_SHARE) TRY(share_find(c, app, who, &b->share, &r.target));
    if (b->op == BULK_TAG || b->op == BULK_UNTAG) TRY(file_check_tags(c, b->tags, b->tag_count));
    if (b->op == BULK_MOVE)
        TRY(folder_resolve(c, app, who, &who->user_id, &(struct folder_wanted){.field = "folder", .text = b->folder}, &r.folder));
    TRY(lay_out(c, &r));
    for (r.from = 0; r.from < b->n; r.from = r.to) {
        r.to = MIN(r.from + BATCH, b->n);
        run_batch(&r);
    }
    *ret = r.items;
    return ERR_OK;
}
