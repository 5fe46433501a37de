/* Storing small files: first all blobs, then one transaction. Who is refused in it does not hold up the others. */
#include "core/upload/small.h"

#include "base/intmath.h"
#include "base/limits.h"
#include "core/content/content_writer.h"
#include "core/quota/quota.h"
#include "core/sweep/sweep.h"
#include "os/clock.h"

struct store {
    struct app *app;
    struct small_file *files;
    struct new_file *made; /* one a file */
    struct idempotency *once;
    bool *known; /* it needs not be made: one with its key was, by an earlier request */
    size_t *twin; /* or is, of this one: that file's place, counted from 1 */
    struct id *ids; /* of those that are made */
    size_t n;
};

void small_room_done(struct small_room *r)
{
    part_sealer_free(r->sealer);
    r->sealer = NULL;
}

enum err small_refusal(struct ctx *c, const struct small_file *f)
{
    if (!f->detail.len) return fail(c, f->err, "refused");
    return refuse(c, f->err, f->code ? f->code : err_name(f->err), SLICE_FMT, SLICE_ARG(f->detail));
}

enum err small_note(struct ctx *c, enum err e, struct small_file *f)
{
    const struct field_error *field = &c->field_errors[0];
    f->err = e;
    f->code = c->err == e ? c->err_code : NULL;
    if (c->field_error_count)
        TRY(arena_printf(&c->arena, &f->detail, SLICE_FMT " " SLICE_FMT, SLICE_ARG(field->field), SLICE_ARG(field->message)));
    else
        TRY(arena_slice(&c->arena, c->err == e && c->err_public.len ? c->err_public : slice_cstr(err_text(e)), &f->detail));
    ctx_clear_error(c);
    return ERR_OK;
}

void small_forget(struct app *app, struct small_file *f)
{
    upload_forget(app, &f->u);
    mem_wipe(&f->key, sizeof f->key);
}

static struct blob_key blob_of(const struct small_file *f) { return (struct blob_key){f->u.content_id}; }

/* ---- before the transaction ---- */

/* What is asked for under a key: the same file again. */
static enum err identify(const struct small_file *f, struct idempotency *ret)
{
    CLEANUP(hasher_cleanup) struct hasher *h = NULL;
    uint8_t numbers[12];
    TRY(hasher_new(&h));
    TRY(hasher_add(h, "file", sizeof "file"));
    TRY(hasher_add(h, f->u.owner_id.b, sizeof f->u.owner_id.b));
    TRY(hasher_add(h, f->idempotency_key.ptr, f->idempotency_key.len));
    TRY(hasher_sum(h, &ret->key));
    hasher_free(TAKE(h));
    TRY(hasher_new(&h));
    store_u64be(numbers, f->part.size);
    store_u32be(numbers + 8, f->part.crc32);
    TRY(hasher_add(h, numbers, sizeof numbers));
    TRY(hasher_add(h, f->u.name.ptr, f->u.name.len));
    return hasher_sum(h, &ret->request);
}

static enum err prepare(struct ctx *c, struct store *s)
{
    struct arena *a = &c->arena;
    s->made = ARENA_ARRAY(a, struct new_file, s->n);
    s->once = ARENA_ARRAY(a, struct idempotency, s->n);
    s->known = ARENA_ARRAY(a, bool, s->n);
    s->twin = ARENA_ARRAY(a, size_t, s->n);
    s->ids = ARENA_ARRAY(a, struct id, s->n);
    if (!s->made || !s->once || !s->known || !s->twin || !s->ids) return ERR_NOMEM;
    for (size_t i = 0; i < s->n; i++)
        if (s->files[i].idempotency_key.ptr) TRY(identify(&s->files[i], &s->once[i]));
    return ERR_OK;
}

static enum err commit_blobs(struct ctx *c, struct store *s)
{
    struct blob_commit *list = ARENA_ARRAY(&c->arena, struct blob_commit, s->n);
    if (!list) return ERR_NOMEM;
    for (size_t i = 0; i < s->n; i++) {
        const struct small_file *f = &s->files[i];
        struct content_insert *in = &s->made[i].content;
        struct blob_tag *tags = NULL;
        TRY(upload_new_file(c, s->app, &f->u, f->part.size, &s->made[i]));
        TRY(parts_collect(c, &f->part, 1, in, &tags, &in->content.crc32));
        list[i] = (struct blob_commit){.key = blob_of(f), .tags = tags, .n = 1, .size_bytes = in->content.sealed_size};
        upload_blob_ref(&f->u, &list[i].ref);
    }
    return blob_commit_all(c, s->app->be.blobs, list, s->n);
}

/* The sweep must not find them orphans before they have rows. */
static enum err check_age(struct ctx *c, const struct store *s)
{
    for (size_t i = 0; i < s->n; i++)
        if (clock_mono_ms() - s->files[i].sealed_ms > SWEEP_GRACE_MS / 2)
            return fail(c, ERR_TIMEOUT, "a small file waited too long for its transaction");
    return ERR_OK;
}

/* ---- the transaction ---- */

/* What this key has stored before, when it is there still. */
static enum err look_up(struct ctx *c, struct db_conn *conn, struct store *s, size_t i)
{
    struct small_file *f = &s->files[i];
    struct id made;
    int64_t until_ms = clock_wall_ms() + MAX(s->app->cfg.upload_ttl_ms, IDEMPOTENCY_KEEP_MS);
    if (!f->idempotency_key.ptr) return ERR_OK;
    enum err e = idempotency_claim_tx(c, conn, &s->once[i], &f->u.file_id, until_ms, &made);
    if (e == ERR_CONFLICT && c->err_code) return small_note(c, e, f);
    TRY(e);
    if (id_is_zero(made)) return ERR_OK;
    for (size_t j = 0; j < i; j++) {
        if (!id_eq(made, s->files[j].u.file_id)) continue;
        s->twin[i] = j + 1;
        s->known[i] = true;
        return ERR_OK;
    }
    e = file_store_get(c, conn, &made, &f->file);
    if (e == ERR_NOT_FOUND) return idempotency_renew_tx(c, conn, &s->once[i], &f->u.file_id, until_ms);
    TRY(e);
    s->known[i] = true;
    return ERR_OK;
}

static bool to_make(const struct store *s, size_t i) { return s->files[i].err == ERR_OK && !s->known[i]; }

/* This file alone is refused; what was remembered of it is forgotten. */
static enum err refuse_one(struct ctx *c, struct db_conn *conn, struct store *s, size_t i, enum err e)
{
    struct small_file *f = &s->files[i];
    TRY(small_note(c, e, f));
    return f->idempotency_key.ptr ? idempotency_drop_tx(c, conn, &s->once[i]) : ERR_OK;
}

/* All at once when there is room for all; else as far as it goes, in their order. */
static enum err take_quota(struct ctx *c, struct db_conn *conn, struct store *s)
{
    const struct id *owner = &s->files[0].u.owner_id;
    struct quota q;
    uint64_t bytes = 0, files = 0;
    TRY(quota_get(c, conn, s->app, owner, &q));
    for (size_t i = 0; i < s->n; i++) {
        if (!to_make(s, i)) continue;
        enum err e = quota_check_file(c, &q, s->files[i].part.size);
        if (e != ERR_OK) {
            TRY(refuse_one(c, conn, s, i, e));
            continue;
        }
        bytes += s->files[i].part.size;
        files++;
    }
    enum err e = files ? quota_take_files(c, conn, s->app, owner, bytes, files) : ERR_OK;
    if (e != ERR_QUOTA) return e;
    ctx_clear_error(c);
    for (size_t i = 0; i < s->n; i++) {
        if (!to_make(s, i)) continue;
        e = quota_take_files(c, conn, s->app, owner, s->files[i].part.size, 1);
        if (e == ERR_QUOTA) e = refuse_one(c, conn, s, i, e);
        TRY(e);
    }
    return ERR_OK;
}

static enum err make(struct ctx *c, struct db_conn *conn, struct store *s, size_t i, const struct wrapped *w)
{
    struct small_file *f = &s->files[i];
    struct content_insert *in = &s->made[i].content;
    in->kek_id = w->kek_id;
    in->content.wrapped_key = slice_of(w->key.b, sizeof w->key.b);
    TRY(upload_put_file(c, conn, s->app, &f->u, &s->made[i]));
    f->file = s->made[i].in.file;
    f->file.relation = RELATION_OWNER;
    return ERR_OK;
}

static void copy_twin(const struct store *s, size_t i)
{
    const struct small_file *of = &s->files[s->twin[i] - 1];
    struct small_file *f = &s->files[i];
    f->err = of->err;
    f->code = of->code;
    f->detail = of->detail;
    f->file = of->file;
}

static enum err store_put(struct ctx *c, struct db_conn *conn, const struct wrapped *w, void *arg)
{
    struct store *s = arg;
    size_t made = 0;
    for (size_t i = 0; i < s->n; i++) {
        s->files[i].err = ERR_OK;
        s->known[i] = false;
        s->twin[i] = 0;
        TRY(look_up(c, conn, s, i));
    }
    TRY(take_quota(c, conn, s));
    for (size_t i = 0; i < s->n; i++) {
        if (s->twin[i]) copy_twin(s, i);
        if (!to_make(s, i)) continue;
        TRY(make(c, conn, s, i, &w[i]));
        s->ids[made++] = s->files[i].u.file_id;
    }
    return made ? file_inspect_later(c, conn, s->ids, made) : ERR_OK;
}

/* ---- the whole ---- */

static enum err record(struct ctx *c, struct store *s)
{
    struct key_item *items = ARENA_ARRAY(&c->arena, struct key_item, s->n);
    if (!items) return ERR_NOMEM;
    for (size_t i = 0; i < s->n; i++) items[i] = (struct key_item){s->files[i].u.content_id, &s->files[i].key};
    return key_put_all(c, s->app, "sft/1/dek", items, s->n, store_put, s);
}

/* Known to have no row: the transaction is through. */
static void drop_blob(struct app *app, const struct small_file *f)
{
    CLEANUP(ctx_done) struct ctx own;
    ctx_init(&own, LIMIT_REQUEST_ARENA_BYTES);
    err_ignore(blob_remove(&own, app->be.blobs, blob_of(f), BLOB_UNLINK), "the sweep of orphans gets it");
}

enum err small_store(struct ctx *c, struct app *app, struct small_file *files, size_t n)
{
    struct store s = {.app = app, .files = files, .n = n};
    enum err e = prepare(c, &s);
    if (e == ERR_OK) e = commit_blobs(c, &s);
    if (e != ERR_OK) {
        for (size_t i = 0; i < n; i++) upload_forget(app, &files[i].u);
        return e;
    }
    TRY(check_age(c, &s));
    /* After an error here nobody knows whether they have rows. */
    TRY(record(c, &s));
    for (size_t i = 0; i < n; i++)
        if (!to_make(&s, i)) drop_blob(app, &files[i]);
    return ERR_OK;
}
