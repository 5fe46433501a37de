/* A whole file in one stream: cut into parts, acknowledged once at the end, so no part needs to be durable before that.
 *
 * A small one is nothing but a begun blob until its end, and is then stored by small.c, alone or with others; it gets the row of an
 * upload, and reserves its quota, when it turns out not to be small. */
#include "base/assert.h"
#include "base/intmath.h"
#include "base/limits.h"
#include "core/quota/quota.h"
#include "core/content/part_sealer.h"
#include "core/upload/small.h"
#include "core/upload/upload_store.h"
#include "os/clock.h"

#define RENEW_MS (60 * 60 * 1000)
#define RESERVE_MAX (64 * MIB)

struct stream_in {
    struct app *app;
    struct principal who;
    struct upload u; /* slices in it belong to the request's arena */
    struct key key;
    struct small_room *room;
    struct small_room own; /* of a file that comes alone */
    bool recorded;         /* it has a row */
    struct part_sealer *sealer;
    struct part_record *parts;
    size_t n, cap;
    bool in_part;
    uint64_t part_len; /* of the part being written */
    int64_t renewed_ms; /* when the upload's life was last extended */
    uint64_t size;
    uint64_t reserved; /* of the quota, while the size is not known */
};

static void stream_free(struct stream_in *s)
{
    part_sealer_free(s->sealer);
    small_room_done(&s->own);
    mem_free(s->parts);
    mem_wipe(s, sizeof *s);
    mem_free(s);
}

static enum err record(struct ctx *c, struct stream_in *s)
{
    if (s->recorded) return ERR_OK;
    TRY(upload_record(c, s->app, &s->u, &s->key));
    s->recorded = true;
    return ERR_OK;
}

static bool maybe_small(const struct upload_new *n)
{
    return !n->version_of && (n->size == UPLOAD_SIZE_UNKNOWN || n->size <= LIMIT_SMALL_FILE_BYTES);
}

static enum err prepare(struct ctx *c, struct stream_in *s, const struct upload_new *n)
{
    s->sealer = TAKE(s->room->sealer);
    if (!s->sealer) TRY(part_sealer_new(&s->sealer));
    TRY(upload_plan(c, s->app, &s->who, &(struct append_new){.file = *n}, "stream", &s->room->siblings, &s->key, &s->u));
    if (maybe_small(n)) return ERR_OK;
    enum err e = record(c, s);
    if (e != ERR_OK) upload_forget(s->app, &s->u);
    return e;
}

enum err stream_open_in(struct ctx *c, struct app *app, const struct principal *who, const struct upload_new *n,
                        struct small_room *room, struct stream_in **ret)
{
    struct stream_in *s = MEM_NEW(struct stream_in);
    if (!s) return ERR_NOMEM;
    s->app = app;
    s->who = *who;
    s->room = room ? room : &s->own;
    enum err e = prepare(c, s, n);
    if (e != ERR_OK) {
        stream_free(s);
        return e;
    }
    *ret = s;
    return ERR_OK;
}

enum err stream_open(struct ctx *c, struct app *app, const struct principal *who, const struct upload_new *n,
                     struct stream_in **ret)
{
    return stream_open_in(c, app, who, n, NULL, ret);
}

static enum err start_part(struct ctx *c, struct stream_in *s)
{
    struct blob_ref ref;
    upload_blob_ref(&s->u, &ref);
    struct part_target t = {&s->key, s->u.content_id, s->u.part_size, &ref};
    if (s->n == LIMIT_PARTS)
        return refuse(c, ERR_TOO_LARGE, "file_too_large", "The stream is longer than an upload without a size may be.");
    if (s->n == s->cap) {
        size_t cap = MAX(s->cap * 2, (size_t)16);
        struct part_record *more = mem_realloc(s->parts, cap * sizeof *more);
        if (!more) return ERR_NOMEM;
        s->parts = more;
        s->cap = cap;
    }
    TRY(part_sealer_start(c, s->sealer, s->app->be.blobs, &t, s->n));
    s->in_part = true;
    s->part_len = 0;
    return ERR_OK;
}

static enum err renew_tx(struct ctx *c, struct db_conn *conn, void *arg)
{
    struct stream_in *s = arg;
    return upload_store_touch(c, conn, &s->u.id, 0, clock_wall_ms() + s->app->cfg.upload_ttl_ms);
}

/* A slow stream must not be expired under its sender. */
static enum err renew(struct ctx *c, struct stream_in *s)
{
    int64_t now = clock_mono_ms();
    if (!s->recorded) return ERR_OK;
    if (s->renewed_ms && now - s->renewed_ms < RENEW_MS) return ERR_OK;
    if (s->renewed_ms) TRY(db_tx(c, s->app->be.db, DB_WRITE, renew_tx, s));
    s->renewed_ms = now;
    return ERR_OK;
}

struct reserve_arg {
    struct stream_in *s;
    uint64_t bytes;
};

static enum err reserve_tx(struct ctx *c, struct db_conn *conn, void *arg)
{
    struct reserve_arg *a = arg;
    struct stream_in *s = a->s;
    struct quota q;
    TRY(quota_get(c, conn, s->app, &s->u.owner_id, &q));
    TRY(quota_check_file(c, &q, s->size));
    TRY(quota_take(c, conn, s->app, &s->u.owner_id, a->bytes));
    return upload_store_touch(c, conn, &s->u.id, a->bytes, clock_wall_ms() + s->app->cfg.upload_ttl_ms);
}

/* Without a declared size the quota is taken as the bytes arrive, or a stream could fill the disk before it is refused: in growing
 * steps, so that large streams ask seldom, and exactly when little is left. What was taken too much is given back at the end. */
static enum err reserve(struct ctx *c, struct stream_in *s)
{
    if (!s->recorded || s->u.size != UPLOAD_SIZE_UNKNOWN || s->size <= s->reserved) return ERR_OK;
    uint64_t need = s->size - s->reserved;
    struct reserve_arg a = {s, MAX(need, MIN(s->size / 4, RESERVE_MAX))};
    enum err e = db_tx(c, s->app->be.db, DB_WRITE, reserve_tx, &a);
    if (e == ERR_QUOTA && a.bytes > need) {
        ctx_clear_error(c);
        a.bytes = need;
        e = db_tx(c, s->app->be.db, DB_WRITE, reserve_tx, &a);
    }
    if (e == ERR_OK) s->reserved += a.bytes;
    return e;
}

static enum err end_part(struct ctx *c, struct stream_in *s)
{
    TRY(renew(c, s));
    TRY(part_sealer_finish(c, s->sealer, BLOB_LATER, &s->parts[s->n]));
    s->n++;
    s->in_part = false;
    return ERR_OK;
}

enum err stream_write(struct ctx *c, struct stream_in *s, const void *bytes, size_t n)
{
    const uint8_t *p = bytes;
    uint64_t max = s->u.size == UPLOAD_SIZE_UNKNOWN ? s->app->cfg.file_bytes_max : s->u.size;
    if (n > max - s->size) return refuse(c, ERR_TOO_LARGE, "file_too_large", "The file is larger than this server takes.");
    s->size += n;
    if (s->size > LIMIT_SMALL_FILE_BYTES) TRY(record(c, s));
    TRY(reserve(c, s));
    while (n) {
        if (!s->in_part) TRY(start_part(c, s));
        size_t take = (size_t)MIN((uint64_t)n, s->u.part_size - s->part_len);
        TRY(part_sealer_write(c, s->sealer, p, take));
        s->part_len += take;
        p += take;
        n -= take;
        if (s->part_len == s->u.part_size) TRY(end_part(c, s));
    }
    return ERR_OK;
}

static enum err end_stream(struct ctx *c, struct stream_in *s)
{
    if (s->u.size != UPLOAD_SIZE_UNKNOWN && s->size != s->u.size)
        return refuse(c, ERR_INVALID, "size_mismatch", "The body ended too early.");
    /* The last part is the short one: open still, or empty. */
    if (!s->in_part) TRY(start_part(c, s));
    return end_part(c, s);
}

static enum err publish(struct ctx *c, struct stream_in *s, struct file *ret)
{
    struct publication p = {.who = &s->who, .u = &s->u, .size = s->size, .parts = s->parts, .n = s->n};
    return upload_publish(c, s->app, &p, ret);
}

static void give_up(struct stream_in *s)
{
    /* On a context of its own: what went wrong is what the client is told, not how the clean-up went. */
    CLEANUP(ctx_done) struct ctx own;
    ctx_init(&own, LIMIT_REQUEST_ARENA_BYTES);
    if (s->recorded)
        err_ignore(upload_delete(&own, s->app, &s->who, &s->u.id), "the expiry job throws it away later");
    else
        upload_forget(s->app, &s->u);
    stream_free(s);
}

bool stream_is_small(const struct stream_in *s) { return !s->recorded; }

enum err stream_finish_small(struct ctx *c, struct stream_in *s, struct small_file *ret)
{
    enum err e = end_stream(c, s);
    if (e != ERR_OK) {
        give_up(s);
        return e;
    }
    ASSERT(s->n == 1);
    *ret = (struct small_file){.u = s->u, .key = s->key, .part = s->parts[0], .sealed_ms = clock_mono_ms()};
    s->room->sealer = TAKE(s->sealer);
    stream_free(s);
    return ERR_OK;
}

static enum err finish_alone(struct ctx *c, struct stream_in *s, struct file *ret)
{
    struct app *app = s->app;
    struct small_file f = {.err = ERR_OK};
    TRY(stream_finish_small(c, s, &f));
    enum err e = small_store(c, app, &f, 1);
    if (e == ERR_OK) e = f.err == ERR_OK ? ERR_OK : small_refusal(c, &f);
    if (e == ERR_OK) *ret = f.file;
    mem_wipe(&f.key, sizeof f.key);
    return e;
}

enum err stream_finish(struct ctx *c, struct stream_in *s, struct file *ret)
{
    if (!s->recorded) return finish_alone(c, s, ret);
    enum err e = end_stream(c, s);
    if (e == ERR_OK) e = publish(c, s, ret);
    if (e != ERR_OK) {
        give_up(s);
        return e;
    }
    stream_free(s);
    return ERR_OK;
}

void stream_abort(struct ctx *c, struct stream_in *s)
{
    (void)c;
    give_up(s);
}
