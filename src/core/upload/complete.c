/* The end of an upload: the set of parts is checked, the blob becomes visible, one transaction makes the file. */
#include "base/assert.h"
#include "base/intmath.h"
#include "base/limits.h"
#include "core/audit/audit.h"
#include "core/content/content_writer.h"
#include "core/content/reseal.h"
#include "core/file/file_store.h"
#include "core/file/version_store.h"
#include "core/folder/folder.h"
#include "core/library/library.h"
#include "core/quota/quota.h"
#include "core/upload/append_impl.h"
#include "core/upload/claim.h"
#include "core/upload/upload_impl.h"
#include "core/upload/upload_store.h"
#include "os/clock.h"

#define VERIFY_PIECE (256 * 1024)

struct complete_arg {
    struct app *app;
    struct id id;
    struct upload u;
    uint64_t size; /* as told by the caller, or UPLOAD_SIZE_UNKNOWN; then as found */
    struct part_record *parts;
    size_t n;
};

static enum err missing(struct ctx *c, uint64_t part)
{
    return refuse(c, ERR_CONFLICT, "parts_missing", "Part %llu has not arrived yet.", (unsigned long long)part);
}

/* Every part but the last must be full; the last may lack only when it is the empty one. */
static enum err check_parts(struct ctx *c, struct complete_arg *a)
{
    uint64_t total = 0;
    for (size_t i = 0; i < a->n; i++) {
        if (a->parts[i].number != i) return missing(c, i);
        if (i + 1 < a->n && a->parts[i].size != a->u.part_size)
            return refuse(c, ERR_CONFLICT, "part_size", "Part %zu is not full, and only the last may be shorter.", i);
        total += a->parts[i].size;
    }
    if (a->size == UPLOAD_SIZE_UNKNOWN) a->size = a->u.size;
    if (a->u.size != UPLOAD_SIZE_UNKNOWN && a->size != a->u.size)
        return refuse(c, ERR_INVALID, "size_mismatch", "The upload was declared with another size.");
    if (a->size == UPLOAD_SIZE_UNKNOWN) a->size = total;
    if (total == a->size) return ERR_OK;
    if (a->u.size == UPLOAD_SIZE_UNKNOWN)
        return refuse(c, ERR_CONFLICT, "size_mismatch", "%llu bytes have arrived, not %llu.", (unsigned long long)total,
                      (unsigned long long)a->size);
    return missing(c, a->n);
}

static bool ended(const struct upload *u)
{
    return slice_eq(u->state, SLICE("complete")) || slice_eq(u->state, SLICE("partial"));
}

static enum err freeze_tx(struct ctx *c, struct db_conn *conn, void *arg)
{
    struct complete_arg *a = arg;
    TRY(upload_store_lock(c, conn, &a->id, &a->u));
    if (ended(&a->u)) return ERR_OK;
    if (slice_eq(a->u.state, SLICE("stream")))
        return refuse(c, ERR_CONFLICT, "upload_streaming", "This upload ends with its own request.");
    TRY(part_store_list(c, conn, &a->id, &a->parts, &a->n));
    TRY(check_parts(c, a));
    return upload_store_set_state(c, conn, &a->id, "completing");
}

static enum err record_tx(struct ctx *c, struct db_conn *conn, void *arg)
{
    struct complete_arg *a = arg;
    return part_store_insert(c, conn, &a->id, &a->parts[a->n]);
}

static enum err known_tx(struct ctx *c, struct db_conn *conn, void *arg)
{
    struct complete_arg *a = arg;
    TRY(upload_store_get(c, conn, &a->id, &a->u));
    /* The other one is through with it all. */
    if (ended(&a->u)) return ERR_OK;
    return part_store_get(c, conn, &a->id, a->n, &a->parts[a->n]);
}

static enum err seal_empty_part(struct ctx *c, struct complete_arg *a)
{
    struct part_sealer *s = NULL;
    /* A completion that ran at the same time may have made it: what is in the blob is what its row says. */
    enum err e = db_tx(c, a->app->be.db, DB_READ, known_tx, a);
    if (e != ERR_NOT_FOUND) return e;
    TRY(part_sealer_new(&s));
    e = upload_start_part(c, a->app, &a->u, a->n, s);
    if (e == ERR_OK) e = part_sealer_finish(c, s, BLOB_DURABLE, &a->parts[a->n]);
    part_sealer_free(s);
    TRY(e);
    return db_tx(c, a->app->be.db, DB_WRITE, record_tx, a);
}

/* SFT1 ends every file with a short part; when the size is a multiple of the part size that is an empty one. Its row is durable
 * before the blob is committed: a repeated completion must find the header that is in the blob. Under the part's claim: neither
 * another completion nor a late request with this part may write at its place. */
static enum err add_empty_part(struct ctx *c, struct complete_arg *a)
{
    struct part_claim *claim = NULL;
    if (a->n == sft_part_count(a->size, a->u.part_size)) return ERR_OK;
    if (a->n >= LIMIT_PARTS) return refuse(c, ERR_TOO_LARGE, "file_too_large", "The file has too many parts.");
    TRY(claim_take(a->app->claims, &a->id, a->n, &claim));
    enum err e = claim_begin_commit(claim);
    if (e == ERR_OK) e = seal_empty_part(c, a);
    claim_release(claim);
    TRY(e);
    a->n++;
    return ERR_OK;
}

struct publish_arg {
    struct app *app;
    const struct publication *p;
    struct new_file made;
};

/* The owner of the file pays; what the uploader had reserved is given back when that is somebody else. */
static enum err settle_quota(struct ctx *c, struct db_conn *conn, const struct app *app, const struct upload *u,
                             const struct id *owner, uint64_t size)
{
    uint64_t reserved = u->reserved_bytes;
    struct quota q;
    TRY(quota_get(c, conn, app, owner, &q));
    TRY(quota_check_file(c, &q, size));
    if (!id_eq(*owner, u->owner_id)) {
        TRY(quota_give_back(c, conn, &u->owner_id, reserved));
        reserved = 0;
    }
    if (size > reserved) return quota_take(c, conn, app, owner, size - reserved);
    return quota_give_back(c, conn, owner, reserved - size);
}

enum err upload_new_file(struct ctx *c, const struct app *app, const struct upload *u, uint64_t size, struct new_file *ret)
{
    int64_t now = clock_wall_ms();
    struct new_file f = {
        .content = {.content = {.id = u->content_id, .owner_id = u->owner_id, .size = size, .stored_size = size,
                                .part_size = u->part_size, .sealed_size = sft_sealed_size(size, u->part_size), .codec = SLICE("")},
                    .refs = 1, .created_at = now},
        .in.file = {.id = u->file_id, .owner_id = u->owner_id, .name = u->name, .size = size, .type = u->type,
                    .state = file_first_state(app), .detected_type = SLICE(""), .mode = u->mode, .version = 1,
                    .description = SLICE(""), .category = SLICE(""), .tags = SLICE(""), .modified_at = u->modified_at,
                    .created_at = now, .updated_at = now}};
    TRY(file_check_name(c, "name", &f.in.file.name, &f.in.name_key));
    *ret = f;
    return ERR_OK;
}

enum err upload_put_file(struct ctx *c, struct db_conn *conn, const struct app *app, const struct upload *u, struct new_file *made)
{
    struct file *f = &made->in.file;
    TRY(content_store_insert(c, conn, &made->content));
    f->content = made->content.content;
    struct folder_place place = {.id = u->folder_id};
    TRY(folder_place_tx(c, conn, &u->owner_id, &place));
    f->folder_id = place.id;
    f->folder = place.path;
    TRY(file_store_insert(c, conn, &made->in));
    TRY(library_put_tx(c, conn, &f->id));
    struct version_row v = {.file_id = f->id, .version = f->version, .content_id = f->content.id, .size = f->size, .type = f->type,
                            .state = f->state, .modified_at = f->modified_at, .created_at = f->created_at, .created_by = u->owner_id};
    TRY(version_store_insert(c, conn, &v));
    TRY(audit_write(c, conn, &(struct audit_event){.event = "file.create", .actor_id = &u->owner_id, .object_type = "file",
                                                   .object_id = &f->id}));
    return reseal_stored(c, conn, app, &f->content, u->type);
}

static enum err publish_file(struct ctx *c, struct db_conn *conn, struct publish_arg *a, const struct upload *u)
{
    TRY(settle_quota(c, conn, a->app, u, &u->owner_id, a->made.in.file.size));
    TRY(upload_put_file(c, conn, a->app, u, &a->made));
    return file_inspect_later(c, conn, &u->file_id, 1);
}

static enum err publish_version(struct ctx *c, struct db_conn *conn, struct publish_arg *a, const struct upload *u)
{
    struct file_lock held;
    enum err e = file_store_lock(c, conn, &u->file_id, &held);
    if (e == ERR_NOT_FOUND) return refuse(c, e, "not_found", "The file that was to get this version is gone.");
    TRY(e);
    TRY(settle_quota(c, conn, a->app, u, &held.owner_id, a->made.content.content.size));
    a->made.content.content.owner_id = held.owner_id;
    TRY(content_store_insert(c, conn, &a->made.content));
    struct version_new v = {.file_id = u->file_id, .content_id = u->content_id, .size = a->made.content.content.size, .type = u->type,
                            .modified_at = u->modified_at};
    TRY(version_add_tx(c, conn, a->app, a->p->who, &v, &a->made.in.file));
    return reseal_stored(c, conn, a->app, &a->made.content.content, u->type);
}

static enum err hold_partial(struct ctx *c, struct db_conn *conn, struct publish_arg *a, const struct upload *u)
{
    uint64_t size = a->made.content.content.size;
    TRY(settle_quota(c, conn, a->app, u, &u->owner_id, size));
    a->made.content.content.owner_id = u->owner_id;
    TRY(content_store_insert(c, conn, &a->made.content));
    TRY(part_store_clear(c, conn, &u->id));
    return upload_store_hold(c, conn, &u->id, size);
}

static enum err publish_tx(struct ctx *c, struct db_conn *conn, void *arg)
{
    struct publish_arg *a = arg;
    struct upload now;
    TRY(upload_store_lock(c, conn, &a->p->u->id, &now));
    if (slice_eq(now.state, SLICE("complete"))) return file_store_get(c, conn, &now.file_id, &a->made.in.file);
    if (slice_eq(now.state, SLICE("partial"))) return ERR_OK;
    /* Taken from the row: a rotation may have re-wrapped the key since. */
    a->made.content.content.wrapped_key = now.wrapped_key;
    TRY(wrapped_key_kek(now.wrapped_key, &a->made.content.kek_id));
    if (now.partial) return hold_partial(c, conn, a, &now);
    TRY(now.adds_version ? publish_version(c, conn, a, &now) : publish_file(c, conn, a, &now));
    TRY(part_store_clear(c, conn, &now.id));
    return upload_store_finish(c, conn, &now.id, a->made.content.content.size);
}

static enum err sum_of(struct ctx *c, struct reader *r, enum checksum_alg alg, struct checksum *ret)
{
    CLEANUP(mem_cleanup) uint8_t *piece = mem_alloc(1, VERIFY_PIECE);
    struct checksummer *sum = NULL;
    size_t n = 1;
    if (!piece) return ERR_NOMEM;
    TRY(checksummer_new(alg, &sum));
    enum err e = ERR_OK;
    while (n && e == ERR_OK) {
        e = r->ops->read(r, c, piece, VERIFY_PIECE, &n);
        if (e == ERR_OK) e = checksummer_add(sum, piece, n);
    }
    if (e == ERR_OK) e = checksummer_end(sum, ret);
    checksummer_free(sum);
    return e;
}

enum err upload_checksum(struct ctx *c, struct app *app, const struct file *f, enum checksum_alg alg, struct checksum *ret)
{
    struct reader *r = NULL;
    TRY(file_read_plain(c, app, f, 0, f->size, &r));
    enum err e = sum_of(c, r, alg, ret);
    reader_close(r, c, e == ERR_OK);
    return e;
}

static enum err mismatch(struct ctx *c)
{
    return refuse(c, ERR_INVALID, "digest_mismatch", "The stored bytes do not have the digest you sent.");
}

/* Of what is committed, before anybody sees it. */
static enum err check_committed(struct ctx *c, struct app *app, const struct publication *p, const struct content_insert *in)
{
    CLEANUP(key_done) struct key key = {{0}};
    struct content_parts parts = {in->tables, &key};
    struct checksum got;
    struct reader *r = NULL;
    TRY(key_unwrap(c, app, "sft/1/dek", &in->content.id, p->u->wrapped_key, &key));
    TRY(content_open(c, app, &in->content, &parts, 0, in->content.size, &r));
    enum err e = sum_of(c, r, p->want->alg, &got);
    reader_close(r, c, e == ERR_OK);
    TRY(e);
    return checksum_equal(&got, p->want) ? ERR_OK : mismatch(c);
}

static enum err give_up_tx(struct ctx *c, struct db_conn *conn, void *arg)
{
    const struct id *upload = arg;
    return upload_delete_tx(c, conn, upload);
}

/* What does not agree is not kept. */
static enum err check_digest(struct ctx *c, struct app *app, const struct publication *p, struct content_insert *in)
{
    struct id upload = p->u->id;
    if (!p->want) return ERR_OK;
    enum err e = check_committed(c, app, p, in);
    if (e == ERR_OK && p->want->alg == CHECKSUM_SHA256) in->content.sha256 = slice_of(p->want->b, SHA256_BYTES);
    if (e == ERR_INVALID) {
        CLEANUP(ctx_done) struct ctx own;
        ctx_init(&own, LIMIT_REQUEST_ARENA_BYTES);
        err_ignore(db_tx(&own, app->be.db, DB_WRITE, give_up_tx, &upload), "the expiry job throws it away later");
    }
    return e;
}

enum err upload_publish(struct ctx *c, struct app *app, const struct publication *p, struct file *ret)
{
    const struct upload *u = p->u;
    struct publish_arg a = {.app = app, .p = p};
    struct blob_tag *tags = NULL;
    struct blob_ref ref;
    struct file old = {.relation = RELATION_OWNER};
    ASSERT(p->who || !u->adds_version);
    TRY(upload_new_file(c, app, u, p->size, &a.made));
    if (u->adds_version) TRY(file_get(c, app, p->who, &u->file_id, ACTION_CHANGE, &old));
    TRY(parts_collect(c, p->parts, p->n, &a.made.content, &tags, &a.made.content.content.crc32));
    upload_blob_ref(u, &ref);
    TRY(blob_commit(c, app->be.blobs, (struct blob_key){u->content_id}, &ref, tags, p->n,
                    a.made.content.content.sealed_size));
    TRY(check_digest(c, app, p, &a.made.content));
    TRY(db_tx(c, app->be.db, DB_WRITE, publish_tx, &a));
    *ret = a.made.in.file;
    ret->relation = old.relation;
    return ERR_OK;
}

struct sha256_arg {
    struct id content_id;
    struct slice sha256;
};

static enum err set_sha256_tx(struct ctx *c, struct db_conn *conn, void *arg)
{
    const struct sha256_arg *a = arg;
    return content_store_set_sha256(c, conn, &a->content_id, a->sha256);
}

/* A file that was given out is not taken back for a wrong digest that comes later. */
static enum err confirm(struct ctx *c, struct app *app, struct file *f, const struct checksum *want)
{
    struct sha256_arg a = {.content_id = f->content.id};
    struct checksum got;
    if (want->alg == CHECKSUM_SHA256) TRY(arena_slice(&c->arena, slice_of(want->b, SHA256_BYTES), &a.sha256));
    if (a.sha256.len && slice_eq(f->content.sha256, a.sha256)) return ERR_OK;
    TRY(upload_checksum(c, app, f, want->alg, &got));
    if (!checksum_equal(&got, want)) return mismatch(c);
    if (!a.sha256.len) return ERR_OK;
    f->content.sha256 = a.sha256;
    enum err e = db_tx(c, app->be.db, DB_WRITE, set_sha256_tx, &a);
    /* Sealed anew meanwhile: that tells the hash as well. */
    return e == ERR_NOT_FOUND ? ERR_OK : e;
}

static enum err known(struct ctx *c, struct app *app, const struct upload *u, const struct principal *who,
                      const struct checksum *want, struct file *ret)
{
    struct file made;
    TRY(file_get(c, app, who, &u->file_id, ACTION_READ, ret));
    if (!want) return ERR_OK;
    if (!u->adds_version) return confirm(c, app, ret, want);
    /* Of the version that this upload made, which may not be the newest any more, or not there. */
    enum err e = version_with_content(c, app, ret, &u->content_id, &made);
    if (e == ERR_NOT_FOUND) return ERR_OK;
    TRY(e);
    return confirm(c, app, &made, want);
}

enum err upload_sha256(struct ctx *c, struct app *app, const struct principal *who, const struct upload *u, struct slice *ret)
{
    struct file f, made;
    enum err e = file_get(c, app, who, &u->file_id, ACTION_READ, &f);
    if (e == ERR_OK) e = version_with_content(c, app, &f, &u->content_id, &made);
    bool told = e == ERR_OK;
    /* Gone, or still being looked at. */
    if (e == ERR_NOT_FOUND || e == ERR_CONFLICT || e == ERR_DENIED) {
        ctx_clear_error(c);
        e = ERR_OK;
    }
    TRY(e);
    *ret = told ? made.content.sha256 : SLICE("");
    return ERR_OK;
}

enum err upload_finish(struct ctx *c, struct app *app, const struct completion *how, struct upload *u, struct file *ret)
{
    struct complete_arg a = {.app = app, .id = u->id, .size = how->size};
    if (slice_eq(u->state, SLICE("append"))) TRY(append_settle(c, app, &u->id));
    TRY(db_tx(c, app->be.db, DB_WRITE, freeze_tx, &a));
    if (!ended(&a.u)) TRY(add_empty_part(c, &a));
    *u = a.u;
    if (ended(&a.u)) return ERR_OK;
    struct publication p = {.who = how->who, .u = &a.u, .size = a.size, .parts = a.parts, .n = a.n, .want = how->want};
    return upload_publish(c, app, &p, ret);
}

enum err upload_complete(struct ctx *c, struct app *app, const struct principal *who, const struct id *id, uint64_t size,
                         const struct checksum *want, struct file *ret)
{
    struct upload u;
    TRY(upload_get(c, app, who, id, &u));
    if (u.partial) return refuse(c, ERR_CONFLICT, "upload_partial", "This is a part of another upload, and no file itself.");
    struct completion how = {.who = who, .size = size, .want = want};
    TRY(upload_finish(c, app, &how, &u, ret));
    return ended(&u) ? known(c, app, &u, who, want, ret) : ERR_OK;
}
