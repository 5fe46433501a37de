/* The end of an upload: the set of parts is checked, the blob becomes visible, one transaction makes the file. */
#include "base/intmath.h"
#include "base/limits.h"
#include "core/audit/audit.h"
#include "core/content/content_writer.h"
#include "core/content/reseal.h"
#include "core/file/file_store.h"
#include "core/folder/folder.h"
#include "core/job/job.h"
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
    const struct upload *u;
    struct content_insert content;
    struct file_insert in;
};

static enum err add_inspection(struct ctx *c, struct db_conn *conn, const struct id *file)
{
    char text[ID_TEXT_LEN + 1];
    id_text(*file, text);
    return job_add(c, conn, &(struct job_new){.kind = "inspect", .payload = slice_cstr(text)});
}

static enum err publish_tx(struct ctx *c, struct db_conn *conn, void *arg)
{
    struct publish_arg *a = arg;
    struct upload now;
    struct quota q;
    uint64_t size = a->in.file.size;
    TRY(upload_store_lock(c, conn, &a->u->id, &now));
    if (slice_eq(now.state, SLICE("complete"))) return file_store_get(c, conn, &now.file_id, &a->in.file);
    if (slice_eq(now.state, SLICE("partial"))) return ERR_OK;
    TRY(quota_get(c, conn, a->app, &now.owner_id, &q));
    TRY(quota_check_file(c, &q, size));
    if (size > now.reserved_bytes)
        TRY(quota_take(c, conn, a->app, &now.owner_id, size - now.reserved_bytes));
    else
        TRY(quota_give_back(c, conn, &now.owner_id, now.reserved_bytes - size));
    /* Taken from the row: a rotation may have re-wrapped the key since. */
    a->content.content.wrapped_key = now.wrapped_key;
    a->in.file.content = a->content.content;
    TRY(wrapped_key_kek(now.wrapped_key, &a->content.kek_id));
    TRY(content_store_insert(c, conn, &a->content));
    if (now.partial) {
        TRY(part_store_clear(c, conn, &now.id));
        return upload_store_hold(c, conn, &now.id, size);
    }
    struct folder_place place = {.id = now.folder_id};
    TRY(folder_place_tx(c, conn, &now.owner_id, &place));
    a->in.file.folder_id = place.id;
    a->in.file.folder = place.path;
    TRY(file_store_insert(c, conn, &a->in));
    TRY(library_put_tx(c, conn, &now.file_id));
    TRY(audit_write(c, conn, &(struct audit_event){.event = "file.create", .actor_id = &now.owner_id, .object_type = "file",
                                                   .object_id = &now.file_id}));
    TRY(add_inspection(c, conn, &now.file_id));
    TRY(reseal_stored(c, conn, a->app, &a->content.content, now.type));
    TRY(part_store_clear(c, conn, &now.id));
    return upload_store_finish(c, conn, &now.id, size);
}

enum err upload_publish(struct ctx *c, struct app *app, const struct upload *u, uint64_t size,
                        const struct part_record *parts, size_t n, struct slice sha256, struct file *ret)
{
    struct publish_arg a = {.app = app, .u = u};
    struct blob_tag *tags = NULL;
    struct blob_ref ref;
    int64_t now = clock_wall_ms();
    a.content = (struct content_insert){.content = {.id = u->content_id, .owner_id = u->owner_id, .size = size, .stored_size = size,
                                                    .part_size = u->part_size, .sealed_size = sft_sealed_size(size, u->part_size),
                                                    .sha256 = sha256, .codec = SLICE("")},
                                        .refs = 1,
                                        .created_at = now};
    a.in.created_by = u->owner_id;
    a.in.file = (struct file){.id = u->file_id, .owner_id = u->owner_id, .name = u->name, .size = size, .type = u->type,
                              .state = file_first_state(app), .detected_type = SLICE(""),
                              .mode = u->mode, .version = 1, .description = SLICE(""), .category = SLICE(""), .tags = SLICE(""),
                              .modified_at = u->modified_at, .created_at = now, .updated_at = now};
    TRY(file_check_name(c, "name", &a.in.file.name, &a.in.name_key));
    TRY(parts_collect(c, parts, n, &a.content, &tags, &a.content.content.crc32));
    upload_blob_ref(u, &ref);
    TRY(blob_commit(c, app->be.blobs, (struct blob_key){u->content_id}, &ref, tags, n, a.content.content.sealed_size));
    TRY(db_tx(c, app->be.db, DB_WRITE, publish_tx, &a));
    *ret = a.in.file;
    return ERR_OK;
}

static enum err add_content(struct ctx *c, struct app *app, const struct file *f, struct checksummer *sum)
{
    CLEANUP(mem_cleanup) uint8_t *piece = mem_alloc(1, VERIFY_PIECE);
    struct reader *r = NULL;
    size_t n = 1;
    enum err e = ERR_OK;
    if (!piece) return ERR_NOMEM;
    TRY(file_read_plain(c, app, f, 0, f->size, &r));
    while (n && e == ERR_OK) {
        e = r->ops->read(r, c, piece, VERIFY_PIECE, &n);
        if (e == ERR_OK) e = checksummer_add(sum, piece, n);
    }
    reader_close(r, c, true);
    return e;
}

enum err upload_checksum(struct ctx *c, struct app *app, const struct file *f, enum checksum_alg alg, struct checksum *ret)
{
    struct checksummer *sum = NULL;
    TRY(checksummer_new(alg, &sum));
    enum err e = add_content(c, app, f, sum);
    if (e == ERR_OK) e = checksummer_end(sum, ret);
    checksummer_free(sum);
    return e;
}

struct sha256_arg {
    struct file *f;
    struct slice sha256;
};

/* It may have been sealed anew since, which told the hash as well. */
static enum err set_sha256_tx(struct ctx *c, struct db_conn *conn, void *arg)
{
    const struct sha256_arg *a = arg;
    TRY(file_store_get(c, conn, &a->f->id, a->f));
    a->f->content.sha256 = a->sha256;
    return content_store_set_sha256(c, conn, &a->f->content.id, a->sha256);
}

static enum err compare(struct ctx *c, struct app *app, const struct file *f, const struct checksum *want)
{
    struct checksum got;
    TRY(upload_checksum(c, app, f, want->alg, &got));
    if (checksum_equal(&got, want)) return ERR_OK;
    return refuse(c, ERR_INVALID, "digest_mismatch", "The stored bytes do not have the digest you sent.");
}

/* What does not agree is not kept; but a file that was given out is not taken back for a wrong digest that comes later. */
static enum err confirm(struct ctx *c, struct app *app, const struct principal *who, struct file *f, const struct checksum *want,
                        bool fresh)
{
    struct slice sha256 = want && want->alg == CHECKSUM_SHA256 ? slice_of(want->b, SHA256_BYTES) : (struct slice){0};
    if (!want || (sha256.len && slice_eq(f->content.sha256, sha256))) return ERR_OK;
    enum err e = compare(c, app, f, want);
    if (e == ERR_INVALID && fresh) {
        CLEANUP(ctx_done) struct ctx own;
        ctx_init(&own, LIMIT_REQUEST_ARENA_BYTES);
        err_ignore(file_delete(&own, app, who, &f->id), "told as a mismatch; it stays listed for its owner to delete");
    }
    TRY(e);
    if (!sha256.len) return ERR_OK;
    struct sha256_arg a = {.f = f};
    TRY(arena_slice(&c->arena, sha256, &a.sha256));
    return db_tx(c, app->be.db, DB_WRITE, set_sha256_tx, &a);
}

static enum err known(struct ctx *c, struct app *app, const struct upload *u, const struct principal *who,
                      const struct checksum *want, struct file *ret)
{
    TRY(file_get(c, app, who, &u->file_id, ACTION_READ, ret));
    return confirm(c, app, who, ret, want, false);
}

enum err upload_finish(struct ctx *c, struct app *app, uint64_t size, struct upload *u, struct file *ret)
{
    struct complete_arg a = {.app = app, .id = u->id, .size = size};
    if (slice_eq(u->state, SLICE("append"))) TRY(append_settle(c, app, &u->id));
    TRY(db_tx(c, app->be.db, DB_WRITE, freeze_tx, &a));
    if (!ended(&a.u)) TRY(add_empty_part(c, &a));
    *u = a.u;
    if (ended(&a.u)) return ERR_OK;
    return upload_publish(c, app, &a.u, a.size, a.parts, a.n, (struct slice){0}, ret);
}

enum err upload_complete(struct ctx *c, struct app *app, const struct principal *who, const struct id *id, uint64_t size,
                         const struct checksum *want, struct file *ret)
{
    struct upload u;
    struct file f;
    TRY(upload_get(c, app, who, id, &u));
    if (u.partial) return refuse(c, ERR_CONFLICT, "upload_partial", "This is a part of another upload, and no file itself.");
    TRY(upload_finish(c, app, size, &u, &f));
    if (ended(&u)) return known(c, app, &u, who, want, ret);
    TRY(confirm(c, app, who, &f, want, true));
    *ret = f;
    return ERR_OK;
}
