/* Bodies that grow an upload, and how writers hand it over: each has a lock, and who takes an upload over holds that of the former
 * writer while it keeps what had arrived. What counts is in the database; its fence decides between nodes. */
#include "base/intmath.h"
#include "base/limits.h"
#include "core/quota/quota.h"
#include "core/upload/append_store.h"
#include "core/upload/upload_impl.h"
#include "core/upload/upload_store.h"
#include "crypto/sft.h"
#include "os/clock.h"

#define RESERVE_MAX (64 * MIB)

struct append_writers {
    struct mutex m; /* guards the list and the reference counts; taken inside a writer's lock, never around one */
    struct append_in *first;
};

enum err append_writers_new(struct append_writers **ret)
{
    struct append_writers *s = MEM_NEW(struct append_writers);
    if (!s) return ERR_NOMEM;
    mutex_init(&s->m);
    *ret = s;
    return ERR_OK;
}

void append_writers_free(struct append_writers *s)
{
    if (!s) return;
    mutex_done(&s->m);
    mem_free(s);
}

enum err append_superseded(struct ctx *c)
{
    return refuse(c, ERR_CANCELLED, "append_superseded", "A newer request has taken this upload over.");
}

static enum err not_appendable(struct ctx *c, const struct upload *u)
{
    if (slice_eq(u->state, SLICE("open")) || slice_eq(u->state, SLICE("stream")))
        return refuse(c, ERR_CONFLICT, "not_appendable", "This upload was begun in another way, and goes on that way.");
    return refuse(c, ERR_CONFLICT, "upload_complete", "This upload takes no more bytes.");
}

static enum err past_size(struct ctx *c) { return refuse(c, ERR_TOO_LARGE, "past_size", "That is more than the upload's size."); }

/* ---- writers ---- */

static void unref(struct append_in *in)
{
    struct append_writers *s = in->app->writers;
    mutex_lock(&s->m);
    bool last = --in->refs == 0;
    mutex_unlock(&s->m);
    if (!last) return;
    mutex_done(&in->m);
    key_done(&in->key);
    mem_free(in->pieces);
    checksummer_free(in->sum);
    mem_free(in);
}

/* With its lock held: nothing of it goes on. */
static void stop(struct append_in *in)
{
    struct append_writers *s = in->app->writers;
    append_drop(in);
    in->over = true;
    GUARD(&s->m);
    if (!in->link) return;
    *in->link = in->next;
    if (in->next) in->next->link = in->link;
    in->link = NULL;
}

static void keep_quietly(struct append_in *in)
{
    CLEANUP(ctx_done) struct ctx own;
    ctx_init(&own, LIMIT_REQUEST_ARENA_BYTES);
    if (!in->sum && in->failed != ERR_CANCELLED) err_ignore(append_keep(&own, in), "it was not acknowledged");
}

/* The writer of this upload, referenced; NULL: none. The lock of the set is held. */
static struct append_in *find(struct append_writers *s, const struct id *upload)
{
    for (struct append_in *in = s->first; in; in = in->next) {
        if (!id_eq(in->upload_id, *upload)) continue;
        in->refs++;
        return in;
    }
    return NULL;
}

static void end_other(struct append_in *other, bool keep)
{
    mutex_lock(&other->m);
    if (!other->over) {
        if (keep) keep_quietly(other);
        stop(other);
    }
    mutex_unlock(&other->m);
    unref(other);
}

void append_take_over(struct app *app, const struct id *upload, bool keep)
{
    struct append_writers *s = app->writers;
    mutex_lock(&s->m);
    struct append_in *other = find(s, upload);
    mutex_unlock(&s->m);
    if (other) end_other(other, keep);
}

/* `in` becomes the writer; its own lock is held, so that whoever comes next waits until it is open. */
static void become_writer(struct append_in *in)
{
    struct append_writers *s = in->app->writers;
    for (;;) {
        mutex_lock(&s->m);
        struct append_in *other = find(s, &in->upload_id);
        if (!other) break;
        mutex_unlock(&s->m);
        end_other(other, true);
    }
    in->next = s->first;
    in->link = &s->first;
    if (s->first) s->first->link = &in->next;
    s->first = in;
    mutex_unlock(&s->m);
}

static struct append_in *new_writer(struct app *app, const struct id *upload)
{
    struct append_in *in = MEM_NEW(struct append_in);
    if (!in) return NULL;
    in->app = app;
    in->refs = 1;
    in->upload_id = *upload;
    mutex_init(&in->m);
    mutex_lock(&in->m);
    return in;
}

/* The end of a request's hold on its writer; its lock is held. */
static void end(struct append_in *in)
{
    if (!in->over) stop(in);
    mutex_unlock(&in->m);
    unref(in);
}

/* ---- making, size, state ---- */

enum err append_create(struct ctx *c, struct app *app, const struct principal *who, const struct append_new *n,
                       struct upload *ret)
{
    CLEANUP(key_done) struct key key;
    if (n->memo.len > LIMIT_UPLOAD_MEMO_BYTES) return refuse(c, ERR_TOO_LARGE, "metadata_too_large", "That is too much metadata.");
    return upload_make(c, app, who, n, "append", &key, ret);
}

struct look_arg {
    struct app *app;
    struct id id;
    uint64_t size; /* to be set */
    struct upload u;
    struct piece *pieces;
    size_t piece_count;
};

/* Whoever wrote before is cut off; all there is to know. An upload that takes no bytes is only looked at. */
static enum err fence_tx(struct ctx *c, struct db_conn *conn, void *arg)
{
    struct look_arg *a = arg;
    TRY(upload_store_lock(c, conn, &a->id, &a->u));
    if (!slice_eq(a->u.state, SLICE("append"))) return ERR_OK;
    TRY(append_store_fence(c, conn, &a->id, &a->u.fence));
    return piece_store_list(c, conn, &a->id, &a->pieces, &a->piece_count);
}

static enum err fence(struct ctx *c, struct look_arg *a)
{
    enum err e = db_tx(c, a->app->be.db, DB_WRITE, fence_tx, a);
    return e == ERR_NOT_FOUND ? refuse(c, e, "not_found", "The upload was given up meanwhile.") : e;
}

static enum err set_size_tx(struct ctx *c, struct db_conn *conn, void *arg)
{
    struct look_arg *a = arg;
    struct upload *u = &a->u;
    struct quota q;
    TRY(upload_store_lock(c, conn, &a->id, u));
    if (u->size == a->size) return ERR_OK;
    if (!slice_eq(u->state, SLICE("append"))) return not_appendable(c, u);
    if (u->size != UPLOAD_SIZE_UNKNOWN || a->size < u->received)
        return refuse(c, ERR_INVALID, "size_mismatch", "The size does not agree with what was declared, or with what is there.");
    if (a->size > a->app->cfg.file_bytes_max || sft_part_count(a->size, u->part_size) > LIMIT_PARTS)
        return refuse(c, ERR_TOO_LARGE, "file_too_large", "The file is larger than this server takes.");
    TRY(quota_get(c, conn, a->app, &u->owner_id, &q));
    TRY(quota_check_file(c, &q, a->size));
    TRY(append_store_set_size(c, conn, &a->id, a->size, a->size));
    if (a->size > u->reserved_bytes) return quota_take(c, conn, a->app, &u->owner_id, a->size - u->reserved_bytes);
    return quota_give_back(c, conn, &u->owner_id, u->reserved_bytes - a->size);
}

static enum err set_size(struct ctx *c, struct app *app, const struct id *id, uint64_t size)
{
    struct look_arg a = {.app = app, .id = *id, .size = size};
    return db_tx(c, app->be.db, DB_WRITE, set_size_tx, &a);
}

enum err append_set_size(struct ctx *c, struct app *app, const struct principal *who, const struct id *id, uint64_t size)
{
    struct upload u;
    TRY(upload_get(c, app, who, id, &u));
    return set_size(c, app, id, size);
}

/* As a writer, for this moment: so no other can begin between the end of the former one and the look. */
static enum err take_and_look(struct ctx *c, struct look_arg *a)
{
    struct append_in *in = new_writer(a->app, &a->id);
    if (!in) return ERR_NOMEM;
    become_writer(in);
    enum err e = fence(c, a);
    end(in);
    return e;
}

static void tell(const struct upload *u, struct append_state *ret)
{
    bool complete = slice_eq(u->state, SLICE("complete")) || slice_eq(u->state, SLICE("partial"));
    *ret = (struct append_state){.u = *u, .offset = complete ? u->size : u->received, .complete = complete};
}

enum err append_state(struct ctx *c, struct app *app, const struct principal *who, const struct id *id,
                      struct append_state *ret)
{
    struct look_arg a = {.app = app, .id = *id};
    TRY(upload_get(c, app, who, id, &a.u));
    /* A join goes on: whoever asks for it has nothing to send. */
    if (a.u.joins.len == 0) TRY(take_and_look(c, &a));
    if (slice_eq(a.u.state, SLICE("open")) || slice_eq(a.u.state, SLICE("stream"))) return not_appendable(c, &a.u);
    tell(&a.u, ret);
    return ERR_OK;
}

/* ---- a body ---- */

static enum err set_up(struct ctx *c, struct append_in *in, const struct look_arg *a)
{
    const struct upload *u = &a->u;
    in->content_id = u->content_id;
    in->owner_id = u->owner_id;
    in->part_size = u->part_size;
    in->fence = u->fence;
    in->size = u->size;
    in->end_max = u->size == UPLOAD_SIZE_UNKNOWN ? MIN(in->app->cfg.file_bytes_max, (uint64_t)LIMIT_PARTS * u->part_size - 1)
                                                 : u->size;
    in->durable = in->at = u->received;
    in->reserved = u->reserved_bytes;
    in->body_end = UPLOAD_SIZE_UNKNOWN;
    upload_blob_ref(u, &in->ref);
    in->pieces = mem_alloc(a->piece_count + 1, sizeof *in->pieces);
    if (!in->pieces) return ERR_NOMEM;
    if (a->piece_count) memcpy(in->pieces, a->pieces, a->piece_count * sizeof *in->pieces);
    in->piece_count = a->piece_count;
    in->piece_cap = a->piece_count + 1;
    TRY(key_unwrap(c, in->app, "sft/1/dek", &u->content_id, u->wrapped_key, &in->key));
    /* Whole, but whoever was to seal it did not come to that. */
    bool whole = in->piece_count && in->durable == in->pieces[0].start + in->part_size;
    return whole ? append_fold(c, in) : ERR_OK;
}

static enum err start_digest(struct ctx *c, struct append_in *in, const struct checksum *want)
{
    uint64_t size_max = MIN(in->end_max - in->at, MIN((uint64_t)LIMIT_CHECKED_BODY_BYTES, in->body_end - in->at));
    in->want = *want;
    TRY(checksummer_new(want->alg, &in->sum));
    return append_begin_piece(c, in, in->at, size_max, &in->held, &in->held_id, &in->held_ref);
}

static enum err check_request(struct ctx *c, const struct append_request *req, const struct append_in *in)
{
    bool sized = req->length != UPLOAD_SIZE_UNKNOWN;
    if (sized && req->length > in->end_max - in->at) return past_size(c);
    if (sized && req->digest && req->length > LIMIT_CHECKED_BODY_BYTES)
        return refuse(c, ERR_TOO_LARGE, "checked_body_too_large", "A body with a checksum may have at most 512 MiB.");
    if (sized && req->last && in->size != UPLOAD_SIZE_UNKNOWN && in->at + req->length != in->size)
        return refuse(c, ERR_INVALID, "size_mismatch", "The end of this body is not the end that was declared.");
    return ERR_OK;
}

static enum err size_told(struct ctx *c, struct append_in *in, uint64_t size)
{
    TRY(set_size(c, in->app, &in->upload_id, size));
    in->size = in->end_max = in->reserved = size;
    return ERR_OK;
}

static enum err open_checked(struct ctx *c, struct append_in *in, const struct append_request *req, struct append_state *ret_state)
{
    struct look_arg a = {.app = in->app, .id = in->upload_id};
    TRY(fence(c, &a));
    tell(&a.u, ret_state);
    if (!slice_eq(a.u.state, SLICE("append"))) return not_appendable(c, &a.u);
    if (a.u.received != req->offset)
        return refuse(c, ERR_CONFLICT, "offset_mismatch", "The offset is %llu, not %llu.", (unsigned long long)a.u.received,
                      (unsigned long long)req->offset);
    TRY(set_up(c, in, &a));
    in->last = req->last;
    if (req->size && *req->size != in->size) {
        bool past = req->length != UPLOAD_SIZE_UNKNOWN && *req->size >= in->at && req->length > *req->size - in->at;
        if (in->size == UPLOAD_SIZE_UNKNOWN && past) return past_size(c);
        TRY(size_told(c, in, *req->size));
    }
    TRY(check_request(c, req, in));
    if (req->length != UPLOAD_SIZE_UNKNOWN) in->body_end = in->at + req->length;
    if (req->last && in->size == UPLOAD_SIZE_UNKNOWN && in->body_end != UPLOAD_SIZE_UNKNOWN) {
        TRY(size_told(c, in, in->body_end));
    }
    ret_state->u.size = in->size;
    return req->digest ? start_digest(c, in, req->digest) : ERR_OK;
}

enum err append_open(struct ctx *c, struct app *app, const struct principal *who, const struct append_request *req,
                     struct append_state *ret_state, struct append_in **ret)
{
    struct upload u;
    TRY(upload_get(c, app, who, &req->id, &u));
    if (u.joins.len) return refuse(c, ERR_DENIED, "upload_joined", "This upload is made of others, and takes no bytes.");
    return append_open_any(c, app, req, ret_state, ret);
}

enum err append_open_any(struct ctx *c, struct app *app, const struct append_request *req, struct append_state *ret_state,
                         struct append_in **ret)
{
    struct append_in *in = new_writer(app, &req->id);
    if (!in) return ERR_NOMEM;
    become_writer(in);
    enum err e = open_checked(c, in, req, ret_state);
    if (e != ERR_OK) {
        end(in);
        return e;
    }
    mutex_unlock(&in->m);
    *ret = in;
    return ERR_OK;
}

struct reserve_arg {
    struct append_in *in;
    uint64_t bytes;
    uint64_t upto; /* so long the file is at least */
};

static enum err reserve_tx(struct ctx *c, struct db_conn *conn, void *arg)
{
    const struct reserve_arg *a = arg;
    const struct append_in *in = a->in;
    struct quota q;
    int64_t expires_ms = clock_wall_ms() + in->app->cfg.upload_ttl_ms;
    TRY(append_store_reserve(c, conn, &(struct append_reserve){&in->upload_id, in->fence, a->bytes, expires_ms}));
    TRY(quota_get(c, conn, in->app, &in->owner_id, &q));
    TRY(quota_check_file(c, &q, a->upto));
    return quota_take(c, conn, in->app, &in->owner_id, a->bytes);
}

/* As in stream.c: without a size in growing steps, exactly when little is left. */
static enum err reserve(struct ctx *c, struct append_in *in, uint64_t upto)
{
    if (in->size != UPLOAD_SIZE_UNKNOWN || upto <= in->reserved) return ERR_OK;
    uint64_t need = upto - in->reserved;
    struct reserve_arg a = {in, MAX(need, MIN(upto / 4, RESERVE_MAX)), upto};
    enum err e = db_tx(c, in->app->be.db, DB_WRITE, reserve_tx, &a);
    if (e == ERR_QUOTA && a.bytes > need) {
        ctx_clear_error(c);
        a.bytes = need;
        e = db_tx(c, in->app->be.db, DB_WRITE, reserve_tx, &a);
    }
    if (e == ERR_OK) in->reserved += a.bytes;
    return e;
}

static enum err write_body(struct ctx *c, struct append_in *in, const void *bytes, size_t n)
{
    uint64_t upto = in->at + (in->held ? part_sealer_size(in->held) : 0);
    if (n > in->end_max - upto) return past_size(c);
    TRY(reserve(c, in, upto + n));
    if (!in->sum) return append_feed(c, in, bytes, n);
    if (n > LIMIT_CHECKED_BODY_BYTES - (upto - in->at))
        return refuse(c, ERR_TOO_LARGE, "checked_body_too_large", "A body with a checksum may have at most 512 MiB.");
    TRY(checksummer_add(in->sum, bytes, n));
    return part_sealer_write(c, in->held, bytes, n);
}

enum err append_write(struct ctx *c, struct append_in *in, const void *bytes, size_t n)
{
    GUARD(&in->m);
    if (in->over) return append_superseded(c);
    if (in->failed != ERR_OK) return in->failed;
    in->failed = write_body(c, in, bytes, n);
    return in->failed;
}

enum err append_sync(struct ctx *c, struct append_in *in, uint64_t *ret_offset)
{
    GUARD(&in->m);
    if (in->over) return append_superseded(c);
    if (in->failed == ERR_OK && !in->sum) in->failed = append_keep(c, in);
    *ret_offset = in->durable;
    return in->failed;
}

static enum err feed_held(struct ctx *c, void *arg, const void *bytes, size_t n) { return append_feed(c, arg, bytes, n); }

/* The bytes agree, and only now they count. */
static enum err verify(struct ctx *c, struct append_in *in)
{
    struct checksum got;
    TRY(checksummer_end(in->sum, &got));
    if (!checksum_equal(&got, &in->want))
        return refuse(c, ERR_INVALID, "digest_mismatch", "The bytes that arrived do not have the checksum you sent. Send them again.");
    return part_sealer_read_back(c, in->held, &in->key, 0, feed_held, in);
}

static enum err finish(struct ctx *c, struct append_in *in)
{
    if (in->over) return append_superseded(c);
    if (in->failed != ERR_OK) {
        keep_quietly(in);
        return in->failed;
    }
    if (in->sum) TRY(verify(c, in));
    if (in->last && in->size == UPLOAD_SIZE_UNKNOWN) {
        TRY(append_keep(c, in));
        return set_size(c, in->app, &in->upload_id, in->durable);
    }
    return append_keep(c, in);
}

enum err append_finish(struct ctx *c, struct append_in *in, uint64_t *ret_offset)
{
    mutex_lock(&in->m);
    enum err e = finish(c, in);
    *ret_offset = in->durable;
    end(in);
    return e;
}

void append_abort(struct ctx *c, struct append_in *in)
{
    (void)c;
    mutex_lock(&in->m);
    if (!in->over) keep_quietly(in);
    end(in);
}

/* ---- the end ---- */

static enum err settle(struct ctx *c, struct append_in *in)
{
    struct look_arg a = {.app = in->app, .id = in->upload_id};
    TRY(fence(c, &a));
    /* Another completion came first. */
    if (!slice_eq(a.u.state, SLICE("append"))) return ERR_OK;
    TRY(set_up(c, in, &a));
    if (in->size == UPLOAD_SIZE_UNKNOWN) TRY(set_size(c, in->app, &in->upload_id, in->durable));
    if (in->size != UPLOAD_SIZE_UNKNOWN && in->durable < in->size)
        return refuse(c, ERR_CONFLICT, "bytes_missing", "%llu of %llu bytes have arrived.", (unsigned long long)in->durable,
                      (unsigned long long)in->size);
    return append_fold(c, in);
}

enum err append_settle(struct ctx *c, struct app *app, const struct id *upload)
{
    struct append_in *in = new_writer(app, upload);
    if (!in) return ERR_NOMEM;
    become_writer(in);
    enum err e = settle(c, in);
    end(in);
    return e;
}
