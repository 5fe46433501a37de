/* Rules of the re-sealing: who has a content, and the change from the old one to the new one. The bytes are in reseal_pass.c. */
#include "core/content/reseal.h"

#include "base/assert.h"
#include "base/intmath.h"
#include "base/limits.h"
#include "base/log.h"
#include "codec/frames.h"
#include "codec/mime.h"
#include "core/audit/audit.h"
#include "core/content/reseal_impl.h"
#include "core/job/job.h"
#include "core/key/key.h"
#include "os/clock.h"

/* Two that find at once that they are equal: the second try sees the first's key. */
#define SETTLE_TRIES 3

static bool may_shrink(const struct app *app, const struct content *t, struct slice type)
{
    return app->cfg.compress && t->size >= RESEAL_BYTES_MIN && t->size <= LIMIT_FRAMES * FRAME_BYTES && !mime_compressed(type);
}

static enum err ask(struct ctx *c, struct db_conn *conn, const struct content *t, bool rotate, bool compress)
{
    char text[ID_TEXT_LEN + 1];
    id_text(t->id, text);
    TRY(reseal_store_ask(c, conn, &t->id, rotate, compress, clock_wall_ms()));
    return job_add(c, conn, &(struct job_new){.kind = "reseal", .payload = slice_cstr(text), .lane = JOB_LANE_BULK});
}

enum err reseal_stored(struct ctx *c, struct db_conn *conn, const struct app *app, const struct content *t, struct slice type)
{
    bool compress = may_shrink(app, t, type), compare = app->cfg.dedupe && t->size >= RESEAL_BYTES_MIN;
    return compress || compare ? ask(c, conn, t, false, compress) : ERR_OK;
}

enum err reseal_rotate(struct ctx *c, struct db_conn *conn, const struct app *app, const struct content *t, struct slice type)
{
    return ask(c, conn, t, true, may_shrink(app, t, type));
}

/* ---- taking it ---- */

struct start_arg {
    struct reseal *r;
    struct id content_id;
    bool gone;
    int64_t busy_until; /* another worker has it */
};

static enum err drop_blob(struct ctx *c, struct db_conn *conn, const struct id *id, struct slice ref)
{
    struct slice payload;
    char text[ID_TEXT_LEN + 1];
    id_text(*id, text);
    TRY(arena_printf(&c->arena, &payload, "%s " SLICE_FMT, text, SLICE_ARG(ref)));
    return job_add(c, conn, &(struct job_new){.kind = "abort_blob", .payload = payload});
}

/* What an earlier try left is given up first: from here on it cannot become the content any more. */
static enum err start_tx(struct ctx *c, struct db_conn *conn, void *arg)
{
    struct start_arg *a = arg;
    struct reseal *r = a->r;
    struct reseal_row row;
    int64_t now = clock_wall_ms();
    enum err e = reseal_store_lock(c, conn, &a->content_id, &row);
    a->gone = e == ERR_NOT_FOUND;
    a->busy_until = 0;
    if (a->gone) return ERR_OK;
    TRY(e);
    if (row.lease_until > now) {
        a->busy_until = row.lease_until;
        return ERR_OK;
    }
    if (row.started) TRY(drop_blob(c, conn, &row.next_id, row.next_ref));
    TRY(reseal_store_take(c, conn, &a->content_id, &r->next_id, now + JOB_LEASE_MS));
    r->old = row.content;
    r->rotate = row.rotate;
    r->compress = row.compress;
    return ERR_OK;
}

/* ---- ending it ---- */

struct settle_arg {
    struct reseal *r;
    bool again;     /* a fresh key was asked for while this try made none */
    bool cancelled; /* nobody wants it any more */
    const char *how;
    const struct wrapped *wrapped; /* the key of this try */
    uint8_t mac[SHA256_BYTES];
    struct slice dedupe_key; /* empty: none */
};

static enum err dedupe_mac(struct settle_arg *a)
{
    struct reseal *r = a->r;
    CLEANUP(buf_done) struct buf in = BUF_INIT(128);
    struct sha256 mac;
    uint8_t size[8];
    if (!r->hashed || !r->app->cfg.dedupe || r->old.size < RESEAL_BYTES_MIN) return ERR_OK;
    store_u64be(size, r->old.size);
    TRY(buf_put(&in, slice_of("sft/1/dedupe", sizeof "sft/1/dedupe")));
    TRY(buf_put(&in, id_bytes(&r->old.owner_id)));
    TRY(buf_put(&in, sha256_view(&r->sha256)));
    TRY(buf_put(&in, slice_of(size, sizeof size)));
    TRY(hmac_sha256(slice_of(r->app->server_key.b, KEY_BYTES), buf_view(&in), &mac));
    memcpy(a->mac, mac.b, sizeof a->mac);
    a->dedupe_key = slice_of(a->mac, sizeof a->mac);
    return ERR_OK;
}

/* All that held the old content holds `to`; the old one's key is gone with its row, which the row of this try follows. */
static enum err move_tx(struct ctx *c, struct db_conn *conn, struct settle_arg *a, const struct id *to)
{
    const struct id *from = &a->r->old.id;
    struct db_result files;
    struct slice name;
    char text[ID_TEXT_LEN + 1];
    id_text(*from, text);
    TRY(arena_printf(&c->arena, &name, RESEAL_REPLACED "%s", text));
    TRY(reseal_store_move(c, conn, from, to, &files));
    for (size_t i = 0; i < files.rows; i++) {
        struct id file = db_get_id(&files, i, 0);
        TRY(audit_write(c, conn, &(struct audit_event){.event = "file.resealed", .object_type = "file", .object_id = &file,
                                                       .detail = slice_cstr(a->how)}));
    }
    TRY(content_store_delete(c, conn, from));
    return job_add(c, conn, &(struct job_new){.kind = "delete_blob", .payload = slice_cstr(text),
                                              .dedupe = name.ptr,
                                              .run_at_ms = clock_wall_ms() + RESEAL_GRACE_MS});
}

static enum err swap_tx(struct ctx *c, struct db_conn *conn, struct settle_arg *a, const struct reseal_row *row)
{
    struct reseal *r = a->r;
    r->in.content.wrapped_key = slice_of(a->wrapped->key.b, sizeof a->wrapped->key.b);
    r->in.content.sha256 = sha256_view(&r->sha256);
    r->in.kek_id = a->wrapped->kek_id;
    r->in.refs = row->refs;
    r->in.created_at = clock_wall_ms();
    r->in.dedupe_key = a->dedupe_key;
    a->how = r->rotate ? "key" : "compress";
    /* The keys of one owner are unique: the old row must not stand in the way of the new one. */
    TRY(reseal_store_mark(c, conn, &r->old.id, r->old.sha256, (struct slice){0}));
    TRY(content_store_insert(c, conn, &r->in));
    return move_tx(c, conn, a, &r->next_id);
}

static enum err keep_tx(struct ctx *c, struct db_conn *conn, struct settle_arg *a, const struct reseal_row *row)
{
    struct reseal *r = a->r;
    if (r->hashed) TRY(reseal_store_mark(c, conn, &r->old.id, sha256_view(&r->sha256), a->dedupe_key));
    a->again = row->rotate;
    if (a->again) return reseal_store_take(c, conn, &r->old.id, &r->next_id, 0);
    return reseal_store_delete(c, conn, &r->old.id);
}

/* Whoever holds the content keeps it: its row is locked, and so is that of an equal one before this one is given up for it. */
static enum err settle_tx(struct ctx *c, struct db_conn *conn, const struct wrapped *w, void *arg)
{
    struct settle_arg *a = arg;
    struct reseal *r = a->r;
    struct reseal_row row;
    struct id same;
    a->wrapped = w;
    a->again = a->cancelled = false;
    enum err e = reseal_store_lock(c, conn, &r->old.id, &row);
    a->cancelled = e == ERR_NOT_FOUND || (e == ERR_OK && !id_eq(row.next_id, r->next_id));
    if (a->cancelled) return ERR_OK;
    TRY(e);
    /* Who asked for a fresh key does not get an old one with somebody else's bytes in it. */
    if (row.rotate && row.dedupe_key.len == 0) a->dedupe_key = (struct slice){0};
    if (a->dedupe_key.len && !row.rotate) {
        e = reseal_store_same(c, conn, &row.content.owner_id, a->dedupe_key, &r->old.id, row.refs, &same);
        if (e == ERR_OK) {
            a->how = "same";
            if (r->begun) TRY(drop_blob(c, conn, &r->next_id, slice_cstr(r->ref.text)));
            return move_tx(c, conn, a, &same);
        }
        if (e != ERR_NOT_FOUND) return e;
    }
    return r->sealed ? swap_tx(c, conn, a, &row) : keep_tx(c, conn, a, &row);
}

/* Called only when it is certain that no transaction made this try's blob a content. */
static void discard(struct reseal *r)
{
    if (!r->begun) return;
    CLEANUP(ctx_done) struct ctx own;
    ctx_init(&own, LIMIT_REQUEST_ARENA_BYTES);
    err_ignore(blob_abort(&own, r->app->be.blobs, (struct blob_key){r->next_id}, &r->ref), "the next try or the sweep takes it");
    err_ignore(blob_remove(&own, r->app->be.blobs, (struct blob_key){r->next_id}, BLOB_UNLINK), "the next try or the sweep takes it");
}

static enum err settle(struct ctx *c, struct reseal *r, bool *ret_again)
{
    struct settle_arg a = {.r = r};
    enum err e = dedupe_mac(&a);
    if (e == ERR_OK) e = ERR_EXISTS;
    for (unsigned i = 0; i < SETTLE_TRIES && e == ERR_EXISTS; i++) {
        ctx_clear_error(c);
        e = key_put(c, r->app, "sft/1/dek", &r->next_id, &r->key, settle_tx, &a);
    }
    TRY(e);
    *ret_again = a.again;
    if (a.cancelled) discard(r);
    if (a.how) log_info("resealed", LOG_TEXT("how", slice_cstr(a.how)), LOG_NUM("bytes", r->old.size));
    return ERR_OK;
}

static enum err release_tx(struct ctx *c, struct db_conn *conn, void *arg)
{
    const struct reseal *r = arg;
    enum err e = reseal_store_progress(c, conn, &r->old.id, &r->next_id, 0, 0);
    return e == ERR_NOT_FOUND ? ERR_OK : e;
}

/* So that the next try need not wait for the lease. */
static void release(struct reseal *r)
{
    CLEANUP(ctx_done) struct ctx own;
    ctx_init(&own, LIMIT_REQUEST_ARENA_BYTES);
    err_ignore(db_tx(&own, r->app->be.db, DB_WRITE, release_tx, r), "the lease runs out by itself");
}

static enum err work(struct ctx *c, struct reseal *r)
{
    bool packed = false, kept = false;
    r->told_ms = clock_mono_ms();
    if (r->compress) TRY(reseal_probe(c, r, &packed));
    if (packed) TRY(reseal_seal(c, r, true, &packed));
    if (!packed && r->rotate) return reseal_seal(c, r, false, &kept);
    if (!packed && !r->hashed && r->app->cfg.dedupe) return reseal_hash(c, r);
    return ERR_OK;
}

enum err reseal_run(struct ctx *c, struct app *app, const struct id *content, const atomic_bool *halt, int64_t *ret_again_at)
{
    struct reseal r = {.app = app, .halt = halt};
    struct start_arg start = {.r = &r, .content_id = *content};
    bool again = false;
    TRY(os_new_id(&r.next_id));
    TRY(db_tx(c, app->be.db, DB_WRITE, start_tx, &start));
    if (start.gone) return ERR_OK;
    *ret_again_at = start.busy_until;
    if (start.busy_until) return ERR_OK;
    enum err e = key_new(c, &r.key);
    if (e == ERR_OK) e = work(c, &r);
    if (e != ERR_OK) {
        discard(&r);
        release(&r);
    } else {
        e = settle(c, &r, &again);
        if (e != ERR_OK) release(&r);
    }
    key_done(&r.key);
    if (again) *ret_again_at = clock_wall_ms();
    if (e != ERR_CANCELLED && e != ERR_NOT_FOUND) return e;
    /* Its content was deleted, or the server stops: the row, if it is there still, says which at the next look. */
    ctx_clear_error(c);
    *ret_again_at = clock_wall_ms();
    return ERR_OK;
}

struct give_up_arg {
    struct id content_id;
};

static enum err give_up_tx(struct ctx *c, struct db_conn *conn, void *arg)
{
    const struct give_up_arg *a = arg;
    struct reseal_row row;
    enum err e = reseal_store_lock(c, conn, &a->content_id, &row);
    if (e == ERR_NOT_FOUND) return ERR_OK;
    TRY(e);
    if (row.started) TRY(drop_blob(c, conn, &row.next_id, row.next_ref));
    return reseal_store_delete(c, conn, &a->content_id);
}

enum err reseal_give_up(struct ctx *c, struct app *app, const struct id *content)
{
    struct give_up_arg a = {*content};
    return db_tx(c, app->be.db, DB_WRITE, give_up_tx, &a);
}
