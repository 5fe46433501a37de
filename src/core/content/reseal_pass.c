/* One way through a content's bytes: read, hashed, packed, sealed under the new key, and read back. A few MiB of memory, whatever the
 * size; plaintext is nowhere but there. */
#include "base/intmath.h"
#include "codec/frames.h"
#include "core/content/content_writer.h"
#include "core/content/reseal_impl.h"
#include "core/job/job.h"
#include "os/clock.h"

#define PIECE_BYTES ((size_t)(256 * KIB))
#define TELL_MS 2000
#define ZSTD_LEVEL 2 /* docs/PERFORMANCE.md: as fast as 1, and nearly as small as 3 */

typedef enum err piece_fn(void *arg, const void *p, size_t n);

struct alive_arg {
    struct reseal *r;
    uint64_t done_bytes;
};

static enum err alive_tx(struct ctx *c, struct db_conn *conn, void *arg)
{
    struct alive_arg *a = arg;
    return reseal_store_progress(c, conn, &a->r->old.id, &a->r->next_id, a->done_bytes, clock_wall_ms() + JOB_LEASE_MS);
}

enum err reseal_alive(struct reseal *r, uint64_t done_bytes)
{
    struct alive_arg a = {r, done_bytes};
    if (r->halt && atomic_load(r->halt)) return ERR_CANCELLED;
    if (clock_mono_ms() - r->told_ms < TELL_MS) return ERR_OK;
    /* On a context of its own: there may be thousands of these. */
    CLEANUP(ctx_done) struct ctx own;
    ctx_init(&own, LIMIT_REQUEST_ARENA_BYTES);
    enum err e = db_tx(&own, r->app->be.db, DB_WRITE, alive_tx, &a);
    r->told_ms = clock_mono_ms();
    return e == ERR_NOT_FOUND ? ERR_CANCELLED : e;
}

/* Each piece of [0, length) of a content as people see it. *ret_crc32 of them. */
static enum err read_pieces(struct ctx *c, struct reseal *r, struct reader *in, uint64_t length, bool counted, piece_fn *each, void *arg,
                            uint32_t *ret_crc32)
{
    uint8_t *piece = mem_alloc(1, PIECE_BYTES);
    uint64_t done = 0;
    uint32_t crc32 = 0;
    size_t n = 1;
    enum err e = piece ? ERR_OK : ERR_NOMEM;
    while (e == ERR_OK && n) {
        e = in->ops->read(in, c, piece, PIECE_BYTES, &n);
        if (e != ERR_OK) break;
        crc32 = crc32_add(crc32, piece, n);
        done += n;
        if (n && each) e = each(arg, piece, n);
        if (e == ERR_OK) e = reseal_alive(r, counted ? done : length);
    }
    if (piece) mem_wipe(piece, PIECE_BYTES);
    mem_free(piece);
    TRY(e);
    if (done != length) return fail(c, ERR_CORRUPT, "a content ends too early");
    *ret_crc32 = crc32;
    return ERR_OK;
}

/* All of the old content, its CRC-32 compared. */
static enum err read_old(struct ctx *c, struct reseal *r, piece_fn *each, void *arg)
{
    struct reader *in = NULL;
    uint32_t crc32 = 0;
    TRY(content_read_plain(c, r->app, &r->old, 0, r->old.size, &in));
    enum err e = read_pieces(c, r, in, r->old.size, true, each, arg, &crc32);
    reader_close(in, c, true);
    TRY(e);
    return crc32 == r->old.crc32 ? ERR_OK : fail(c, ERR_CORRUPT, "a content does not have the CRC-32 it was stored with");
}

static enum err count_bytes(void *arg, const void *p, size_t n)
{
    (void)p;
    *(uint64_t *)arg += n;
    return ERR_OK;
}

static bool gains(uint64_t plain, uint64_t packed) { return packed < plain - plain / RESEAL_GAIN; }

static enum err pack_piece(void *arg, const void *p, size_t n) { return frame_packer_add(arg, p, n); }

enum err reseal_probe(struct ctx *c, struct reseal *r, bool *ret_gains)
{
    uint64_t packed = 0, first = MIN(r->old.size, (uint64_t)FRAME_BYTES);
    struct frame_packer *packer = NULL;
    struct reader *in = NULL;
    uint32_t crc32 = 0;
    TRY(content_read_plain(c, r->app, &r->old, 0, first, &in));
    enum err e = frame_packer_new(ZSTD_LEVEL, count_bytes, &packed, &packer);
    if (e == ERR_OK) e = read_pieces(c, r, in, first, false, pack_piece, packer, &crc32);
    if (e == ERR_OK) e = frame_packer_finish(packer);
    frame_packer_free(packer);
    reader_close(in, c, true);
    TRY(e);
    *ret_gains = gains(first, packed);
    return ERR_OK;
}

/* Where the pieces go. */
struct pass {
    struct ctx *c;
    struct hasher *hasher;
    struct frame_packer *packer; /* NULL: sealed as they are */
    struct content_writer *writer; /* NULL: hashed only */
};

static enum err seal_piece(void *arg, const void *p, size_t n)
{
    struct pass *s = arg;
    return content_writer_add(s->c, s->writer, p, n);
}

static enum err take_piece(void *arg, const void *p, size_t n)
{
    struct pass *s = arg;
    TRY(hasher_add(s->hasher, p, n));
    if (s->packer) return frame_packer_add(s->packer, p, n);
    return s->writer ? seal_piece(s, p, n) : ERR_OK;
}

static void pass_done(struct pass *s)
{
    hasher_free(s->hasher);
    frame_packer_free(s->packer);
    content_writer_free(s->writer);
}

enum err reseal_hash(struct ctx *c, struct reseal *r)
{
    CLEANUP(pass_done) struct pass s = {.c = c};
    TRY(hasher_new(&s.hasher));
    TRY(read_old(c, r, take_piece, &s));
    TRY(hasher_sum(s.hasher, &r->sha256));
    r->hashed = true;
    return ERR_OK;
}

static enum err ref_tx(struct ctx *c, struct db_conn *conn, void *arg)
{
    const struct reseal *r = arg;
    enum err e = reseal_store_ref(c, conn, &r->old.id, &r->next_id, slice_cstr(r->ref.text));
    return e == ERR_NOT_FOUND ? ERR_CANCELLED : e;
}

static enum err begin(struct ctx *c, struct reseal *r)
{
    r->in = (struct content_insert){.content = r->old};
    r->in.content.id = r->next_id;
    TRY(sft_part_size_for(r->old.size, &r->in.content.part_size));
    TRY(blob_begin(c, r->app->be.blobs, (struct blob_key){r->next_id}, &r->ref));
    r->begun = true;
    return r->ref.text[0] ? db_tx(c, r->app->be.db, DB_WRITE, ref_tx, r) : ERR_OK;
}

static enum err open_pass(struct reseal *r, bool pack, struct pass *s)
{
    struct part_target target = {&r->key, r->next_id, r->in.content.part_size, &r->ref};
    TRY(hasher_new(&s->hasher));
    TRY(content_writer_new(r->app->be.blobs, &target, &s->writer));
    return pack ? frame_packer_new(ZSTD_LEVEL, seal_piece, s, &s->packer) : ERR_OK;
}

/* What was written, by the door that downloads come through. */
static enum err read_back(struct ctx *c, struct reseal *r)
{
    struct reader *in = NULL;
    uint32_t crc32 = 0;
    const struct content *now = &r->in.content;
    TRY(content_open(c, r->app, now, &(struct content_parts){r->in.tables, &r->key}, 0, now->size, &in));
    enum err e = read_pieces(c, r, in, now->size, false, NULL, NULL, &crc32);
    reader_close(in, c, true);
    TRY(e);
    return crc32 == r->old.crc32 ? ERR_OK : fail(c, ERR_CORRUPT, "what was sealed anew does not read back as it was");
}

static enum err finish_packing(struct ctx *c, struct reseal *r, struct pass *s, bool *ret_kept)
{
    TRY(frame_packer_finish(s->packer));
    *ret_kept = gains(r->old.size, frame_packer_packed(s->packer));
    r->in.content.codec = SLICE(CONTENT_CODEC_ZSTD);
    return arena_slice(&c->arena, frame_packer_table(s->packer), &r->in.tables.frames);
}

enum err reseal_seal(struct ctx *c, struct reseal *r, bool pack, bool *ret_kept)
{
    CLEANUP(pass_done) struct pass s = {.c = c};
    bool kept = true;
    TRY(begin(c, r));
    r->in.content.codec = SLICE("");
    TRY(open_pass(r, pack, &s));
    TRY(read_old(c, r, take_piece, &s));
    TRY(hasher_sum(s.hasher, &r->sha256));
    r->hashed = true;
    if (pack) TRY(finish_packing(c, r, &s, &kept));
    *ret_kept = kept;
    if (!kept) {
        content_writer_free(TAKE(s.writer));
        return blob_abort(c, r->app->be.blobs, (struct blob_key){r->next_id}, &r->ref);
    }
    TRY(content_writer_finish(c, s.writer, &r->in));
    TRY(read_back(c, r));
    r->sealed = true;
    return ERR_OK;
}
