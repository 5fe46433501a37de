/* One part on its way in: sealed as it streams, durable before it is acknowledged; a part that is there already is compared. */
#include "base/intmath.h"
#include "base/limits.h"
#include "core/quota/quota.h"
#include "core/upload/claim.h"
#include "core/content/part_sealer.h"
#include "core/upload/upload_impl.h"
#include "core/upload/upload_store.h"
#include "os/clock.h"

struct part_in {
    struct app *app;
    struct upload u; /* slices in it belong to the request's arena */
    struct part_claim *claim;
    struct part_sealer *sealer; /* NULL: the part is there, only compare */
    struct part_record known;   /* what is there, when comparing */
    struct hasher *hasher;      /* NULL: no digest to check */
    struct sha256 digest;
    uint64_t number;
    uint64_t size_max, size_min; /* plaintext bytes this part may have */
    uint64_t size;
    uint32_t crc32;
};

static void part_free(struct part_in *p)
{
    part_sealer_free(p->sealer);
    hasher_free(p->hasher);
    claim_release(p->claim);
    mem_free(p);
}

/* How many bytes part `number` has: known exactly when the size was declared. */
static enum err size_bounds(struct ctx *c, struct part_in *p)
{
    const struct upload *u = &p->u;
    if (u->size == UPLOAD_SIZE_UNKNOWN) {
        if (p->number >= LIMIT_PARTS) return refuse(c, ERR_INVALID, "part_number", "There are at most 10,000 parts.");
        p->size_min = 0;
        p->size_max = u->part_size;
        return ERR_OK;
    }
    if (p->number >= sft_part_count(u->size, u->part_size))
        return refuse(c, ERR_INVALID, "part_number", "This upload has %llu parts, numbered from 0.",
                      (unsigned long long)sft_part_count(u->size, u->part_size));
    p->size_min = p->size_max = sft_part_plain(u->size, u->part_size, p->number);
    return ERR_OK;
}

static enum err wrong_size(struct ctx *c, const struct part_in *p, uint64_t got)
{
    if (p->size_min == p->size_max)
        return refuse(c, ERR_INVALID, "part_size", "Part %llu must have %llu bytes, not %llu.",
                      (unsigned long long)p->number, (unsigned long long)p->size_max, (unsigned long long)got);
    return refuse(c, ERR_TOO_LARGE, "part_size", "A part has at most %llu bytes.", (unsigned long long)p->size_max);
}


static enum err known_tx(struct ctx *c, struct db_conn *conn, void *arg)
{
    struct part_in *p = arg;
    TRY(upload_store_get(c, conn, &p->u.id, &p->u));
    if (!slice_eq(p->u.state, SLICE("open")))
        return refuse(c, ERR_CONFLICT, "upload_complete", "This upload takes no more parts.");
    return part_store_get(c, conn, &p->u.id, p->number, &p->known);
}

static enum err none_recorded_tx(struct ctx *c, struct db_conn *conn, void *arg)
{
    const struct id *id = arg;
    struct upload now;
    struct db_result r;
    enum err e = upload_store_get(c, conn, id, &now);
    if (e == ERR_NOT_FOUND) return refuse(c, e, "not_found", "The upload was given up meanwhile.");
    TRY(e);
    if (slice_eq(now.state, SLICE("complete")))
        return refuse(c, ERR_CONFLICT, "upload_complete", "This upload takes no more parts.");
    TRY(part_store_numbers(c, conn, id, &r));
    return r.rows ? fail(c, ERR_CORRUPT, "the store has lost an upload with parts") : ERR_OK;
}

/* An upload is durable in the database from its beginning, in the store only with its first part: what a power cut between them
 * took is made good here. Once a part is recorded, what the store does not know is lost. */
enum err upload_begin_again(struct ctx *c, struct app *app, const struct upload *u)
{
    struct blob_ref ref = {{0}};
    struct id id = u->id;
    TRY(db_tx(c, app->be.db, DB_READ, none_recorded_tx, &id));
    TRY(blob_begin(c, app->be.blobs, (struct blob_key){u->content_id}, &ref));
    if (slice_eq(slice_cstr(ref.text), u->blob_ref)) return ERR_OK;
    return refuse(c, ERR_NOT_FOUND, "not_found", "The storage no longer knows this upload. Start a new one.");
}

enum err upload_start_part(struct ctx *c, struct app *app, const struct upload *u, uint64_t number,
                           struct part_sealer *s)
{
    CLEANUP(key_done) struct key key;
    struct blob_ref ref;
    upload_blob_ref(u, &ref);
    struct part_target t = {&key, u->content_id, u->part_size, &ref};
    TRY(key_unwrap(c, app, "sft/1/dek", &u->content_id, u->wrapped_key, &key));
    enum err e = part_sealer_start(c, s, app->be.blobs, &t, number);
    if (e != ERR_NOT_FOUND) return e;
    TRY(upload_begin_again(c, app, u));
    return part_sealer_start(c, s, app->be.blobs, &t, number);
}

static enum err start_sealing(struct ctx *c, struct part_in *p)
{
    TRY(part_sealer_new(&p->sealer));
    return upload_start_part(c, p->app, &p->u, p->number, p->sealer);
}

static enum err open_checked(struct ctx *c, const struct principal *who, const struct part_request *req,
                             struct part_in *p)
{
    TRY(upload_get(c, p->app, who, &req->upload_id, &p->u));
    TRY(size_bounds(c, p));
    if (req->length != UPLOAD_SIZE_UNKNOWN && (req->length > p->size_max || req->length < p->size_min))
        return wrong_size(c, p, req->length);
    if (req->digest) {
        p->digest = *req->digest;
        TRY(hasher_new(&p->hasher));
    }
    TRY(claim_take(p->app->claims, &p->u.id, p->number, &p->claim));
    /* Looked up under the claim: nobody else can be making this row now. */
    enum err e = db_tx(c, p->app->be.db, DB_READ, known_tx, p);
    if (e == ERR_NOT_FOUND) e = start_sealing(c, p);
    if (e == ERR_OK) claim_opened(p->claim);
    return e;
}

enum err part_open(struct ctx *c, struct app *app, const struct principal *who, const struct part_request *req,
                   struct part_in **ret)
{
    struct part_in *p = MEM_NEW(struct part_in);
    if (!p) return ERR_NOMEM;
    p->app = app;
    p->number = req->number;
    enum err e = open_checked(c, who, req, p);
    if (e != ERR_OK) {
        part_free(p);
        return e;
    }
    *ret = p;
    return ERR_OK;
}

enum err part_write(struct ctx *c, struct part_in *p, const void *bytes, size_t n)
{
    if (claim_check(p->claim) != ERR_OK)
        return refuse(c, ERR_CANCELLED, "part_superseded", "A newer attempt is sending this part.");
    if (n > p->size_max - p->size) return wrong_size(c, p, p->size + n);
    p->size += n;
    if (p->hasher) TRY(hasher_add(p->hasher, bytes, n));
    if (p->sealer) return part_sealer_write(c, p->sealer, bytes, n);
    p->crc32 = crc32_add(p->crc32, bytes, n);
    return ERR_OK;
}

struct record_arg {
    struct part_in *p;
    struct part_record record;
};

/* What is declared was checked at the beginning. */
static enum err check_growth(struct ctx *c, struct db_conn *conn, const struct record_arg *a, const struct upload *u)
{
    struct quota q;
    TRY(quota_get(c, conn, a->p->app, &u->owner_id, &q));
    return quota_check_file(c, &q, u->reserved_bytes + a->record.size);
}

static enum err record_tx(struct ctx *c, struct db_conn *conn, void *arg)
{
    struct record_arg *a = arg;
    struct upload u;
    bool sized = a->p->u.size != UPLOAD_SIZE_UNKNOWN;
    enum err e = upload_store_lock(c, conn, &a->p->u.id, &u);
    if (e == ERR_NOT_FOUND) return refuse(c, e, "not_found", "The upload was given up meanwhile.");
    TRY(e);
    if (!slice_eq(u.state, SLICE("open")))
        return refuse(c, ERR_CONFLICT, "upload_complete", "This upload takes no more parts.");
    if (!sized) TRY(check_growth(c, conn, a, &u));
    if (!sized) TRY(quota_take(c, conn, a->p->app, &u.owner_id, a->record.size));
    TRY(part_store_insert(c, conn, &u.id, &a->record));
    return upload_store_touch(c, conn, &u.id, sized ? 0 : a->record.size,
                              clock_wall_ms() + a->p->app->cfg.upload_ttl_ms);
}

static enum err check_digest(struct ctx *c, const struct part_in *p)
{
    struct sha256 got;
    if (!p->hasher) return ERR_OK;
    TRY(hasher_sum(p->hasher, &got));
    if (sha256_equal(&got, &p->digest)) return ERR_OK;
    return refuse(c, ERR_INVALID, "digest_mismatch", "The bytes that arrived do not have the digest you sent. Send the part again.");
}

static enum err compare(struct ctx *c, const struct part_in *p)
{
    if (p->known.size == p->size && p->known.crc32 == p->crc32) return ERR_OK;
    return refuse(c, ERR_CONFLICT, "part_conflict",
                  "Part %llu is stored already with other bytes: the source has changed. Start a new upload.",
                  (unsigned long long)p->number);
}

static enum err finish(struct ctx *c, struct part_in *p)
{
    struct record_arg a = {.p = p};
    if (p->size < p->size_min) return wrong_size(c, p, p->size);
    TRY(check_digest(c, p));
    if (!p->sealer) return compare(c, p);
    if (claim_begin_commit(p->claim) != ERR_OK)
        return refuse(c, ERR_CANCELLED, "part_superseded", "A newer attempt is sending this part.");
    TRY(part_sealer_finish(c, p->sealer, BLOB_DURABLE, &a.record));
    return db_tx(c, p->app->be.db, DB_WRITE, record_tx, &a);
}

enum err part_finish(struct ctx *c, struct part_in *p)
{
    enum err e = finish(c, p);
    part_free(p);
    return e;
}

void part_abort(struct ctx *c, struct part_in *p)
{
    (void)c;
    part_free(p);
}
