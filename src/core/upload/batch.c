/* The files of one request: which come, which wait, which are stored. */
#include "core/upload/batch.h"

#include "base/assert.h"
#include "base/limits.h"
#include "core/upload/small.h"
#include "os/clock.h"

struct batch {
    struct app *app;
    struct principal who;
    struct small_room room;
    struct stream_in *stream; /* the file that is coming; NULL: none, or it was refused */
    struct slice key;         /* of that file */
    struct batch_result *results; /* in the arena, grown by doubling */
    size_t n, cap;
    struct small_file *waiting; /* LIMIT_BATCH_FILES */
    size_t *places;             /* of the waiting in results */
    size_t count;
    uint64_t bytes;
    struct ctx refused; /* the first refusal as it was */
    enum err refused_err;
};

enum err batch_new(struct ctx *c, struct app *app, const struct principal *who, struct batch **ret)
{
    /* Who may not upload at all is told once, not for each file. */
    TRY(policy_check(c, app, who, ACTION_CREATE, NULL));
    struct batch *b = MEM_NEW(struct batch);
    if (!b) return ERR_NOMEM;
    b->app = app;
    b->who = *who;
    ctx_init(&b->refused, LIMIT_REQUEST_ARENA_BYTES);
    b->waiting = mem_alloc(LIMIT_BATCH_FILES, sizeof *b->waiting);
    b->places = mem_alloc(LIMIT_BATCH_FILES, sizeof *b->places);
    if (!b->waiting || !b->places) {
        batch_free(b);
        return ERR_NOMEM;
    }
    *ret = b;
    return ERR_OK;
}

void batch_free(struct batch *b)
{
    if (!b) return;
    if (b->stream) stream_abort(&b->refused, b->stream);
    for (size_t i = 0; i < b->count; i++) small_forget(b->app, &b->waiting[i]);
    small_room_done(&b->room);
    ctx_done(&b->refused);
    mem_free(b->waiting);
    mem_free(b->places);
    mem_free(b);
}

/* Is this the fault of one file? The others go on then. What the server is short of, or broken in, ends the request. */
static bool is_refusal(const struct ctx *c, enum err e)
{
    bool told = c->field_error_count || (c->err == e && c->err_code);
    return told && (e == ERR_INVALID || e == ERR_NOT_FOUND || e == ERR_EXISTS || e == ERR_CONFLICT || e == ERR_QUOTA || e == ERR_TOO_LARGE);
}

enum err batch_refusal(struct ctx *c, const struct batch *b)
{
    ASSERT(b->refused_err != ERR_OK);
    return ctx_pass_error(c, &b->refused, b->refused_err);
}

/* The result of file i; passes on what is not its own fault. */
static enum err note(struct ctx *c, struct batch *b, size_t i, enum err e)
{
    struct small_file f = {.err = e};
    if (e == ERR_OK || !is_refusal(c, e)) return e;
    if (b->refused_err == ERR_OK) b->refused_err = ctx_pass_error(&b->refused, c, e);
    TRY(small_note(c, e, &f));
    b->results[i].err = e;
    b->results[i].code = f.code;
    b->results[i].detail = f.detail;
    return ERR_OK;
}

static enum err add_result(struct ctx *c, struct batch *b, struct slice name)
{
    if (b->n == b->cap) {
        size_t cap = b->cap ? b->cap * 2 : 4;
        struct batch_result *more = ARENA_ARRAY(&c->arena, struct batch_result, cap);
        if (!more) return ERR_NOMEM;
        if (b->n) memcpy(more, b->results, b->n * sizeof *more);
        b->results = more;
        b->cap = cap;
    }
    b->results[b->n++] = (struct batch_result){.name = name};
    return ERR_OK;
}

/* Stores the waiting. Whatever comes of it, they wait no longer. */
static enum err flush(struct ctx *c, struct batch *b)
{
    size_t n = b->count;
    if (n == 0) return ERR_OK;
    b->count = 0;
    b->bytes = 0;
    /* Other blobs lie elsewhere. */
    b->room.siblings.has_content = false;
    enum err e = small_store(c, b->app, b->waiting, n);
    for (size_t i = 0; i < n; i++) {
        struct small_file *f = &b->waiting[i];
        struct batch_result *r = &b->results[b->places[i]];
        mem_wipe(&f->key, sizeof f->key);
        if (e != ERR_OK) continue;
        r->file = f->file;
        if (f->err != ERR_OK) e = note(c, b, b->places[i], small_refusal(c, f));
    }
    return e;
}

static enum err flush_when_due(struct ctx *c, struct batch *b)
{
    if (b->count == 0) return ERR_OK;
    bool due = b->count == LIMIT_BATCH_FILES || b->bytes >= LIMIT_BATCH_BYTES ||
               clock_mono_ms() - b->waiting[0].sealed_ms >= LIMIT_BATCH_MS;
    return due ? flush(c, b) : ERR_OK;
}

/* It has become an upload of its own: those that wait must not wait for its end, and its end cannot be repeated. */
static enum err outgrow(struct ctx *c, struct batch *b)
{
    if (b->key.ptr)
        return refuse(c, ERR_TOO_LARGE, "idempotency_too_large", "An idempotency key is for new files of up to %llu bytes.",
                      (unsigned long long)LIMIT_SMALL_FILE_BYTES);
    return flush(c, b);
}

/* After a step of the file that is coming. */
static enum err go_on(struct ctx *c, struct batch *b, bool was_small, enum err e)
{
    if (e == ERR_OK && was_small && !stream_is_small(b->stream)) e = outgrow(c, b);
    if (e == ERR_OK) return ERR_OK;
    if (b->stream) stream_abort(c, TAKE(b->stream));
    return note(c, b, b->n - 1, e);
}

enum err batch_begin(struct ctx *c, struct batch *b, const struct upload_new *n, struct slice idempotency_key)
{
    ASSERT(!b->stream);
    TRY(add_result(c, b, n->name));
    b->key = idempotency_key;
    return go_on(c, b, true, stream_open_in(c, b->app, &b->who, n, &b->room, &b->stream));
}

enum err batch_write(struct ctx *c, struct batch *b, const void *bytes, size_t n)
{
    if (!b->stream) return ERR_OK;
    bool small = stream_is_small(b->stream);
    return go_on(c, b, small, stream_write(c, b->stream, bytes, n));
}

enum err batch_end(struct ctx *c, struct batch *b)
{
    struct stream_in *s = TAKE(b->stream);
    size_t place = b->n - 1;
    if (!s) return ERR_OK;
    if (!stream_is_small(s)) return note(c, b, place, stream_finish(c, s, &b->results[place].file));
    struct small_file *f = &b->waiting[b->count];
    enum err e = stream_finish_small(c, s, f);
    if (e != ERR_OK) return note(c, b, place, e);
    f->idempotency_key = b->key;
    b->bytes += f->part.size;
    b->places[b->count++] = place;
    return flush_when_due(c, b);
}

enum err batch_finish(struct ctx *c, struct batch *b, const struct batch_result **ret, size_t *ret_n)
{
    TRY(flush(c, b));
    *ret = b->results;
    *ret_n = b->n;
    return ERR_OK;
}
