/* Where appended bytes go. A part that begins with a body is sealed in its place as it streams in. One that is left unfinished, or
 * goes on in another body, is kept as pieces, each a message of its own in a blob of its own; when it is whole, the pieces are read
 * once, sealed as the part, and removed. No message is ever continued: every one has its own salt, and nothing that was recorded is
 * written over.
 *
 * Small bodies make small pieces; they are merged by size class, so that a part has at most some hundred and a byte is copied at
 * most once a class (a factor of 16). */
#include "base/assert.h"
#include "base/intmath.h"
#include "base/limits.h"
#include "core/upload/append_store.h"
#include "core/upload/upload_impl.h"
#include "core/upload/upload_store.h"
#include "crypto/checksum.h"
#include "os/clock.h"

#define MERGE_COUNT 16u
#define CHUNKS_PER_READ 16u

/* ---- the books ---- */

struct record_arg {
    struct append_in *in;
    uint64_t to;                     /* the offset from now on */
    const struct part_record *part;  /* NULL: none */
    const struct piece *piece;       /* NULL: none */
    uint64_t drop_from, drop_to;     /* pieces that are no longer needed */
};

static enum err record_tx(struct ctx *c, struct db_conn *conn, void *arg)
{
    const struct record_arg *a = arg;
    const struct append_in *in = a->in;
    TRY(append_store_move(c, conn, &(struct append_move){&in->upload_id, in->fence, in->durable, a->to,
                                                         clock_wall_ms() + in->app->cfg.upload_ttl_ms}));
    if (a->drop_to > a->drop_from) TRY(piece_store_drop(c, conn, &in->upload_id, a->drop_from, a->drop_to));
    if (a->part) TRY(part_store_insert(c, conn, &in->upload_id, a->part));
    return a->piece ? piece_store_insert(c, conn, &in->upload_id, a->piece) : ERR_OK;
}

static enum err record(struct ctx *c, struct record_arg *a)
{
    TRY(db_tx(c, a->in->app->be.db, DB_WRITE, record_tx, a));
    a->in->durable = a->to;
    return ERR_OK;
}

static uint64_t part_start(const struct append_in *in, uint64_t at) { return at - at % in->part_size; }

/* ---- pieces ---- */

void append_forget_blob(struct append_in *in, const struct id *id, const struct blob_ref *ref)
{
    CLEANUP(ctx_done) struct ctx own;
    ctx_init(&own, LIMIT_REQUEST_ARENA_BYTES);
    err_ignore(blob_abort(&own, in->app->be.blobs, (struct blob_key){*id}, ref), "the sweep gets it");
    err_ignore(blob_remove(&own, in->app->be.blobs, (struct blob_key){*id}, BLOB_UNLINK), "likewise");
}

enum err append_begin_piece(struct ctx *c, struct append_in *in, uint64_t start, uint64_t size_max, struct part_sealer **ret,
                            struct id *ret_id, struct blob_ref *ret_ref)
{
    struct piece_target t = {.file_key = &in->key, .content_id = in->content_id, .ref = ret_ref, .size_max = size_max};
    struct part_sealer *s = NULL;
    TRY(os_new_id(&t.blob_id));
    TRY(blob_begin(c, in->app->be.blobs, (struct blob_key){t.blob_id}, ret_ref));
    enum err e = part_sealer_new(&s);
    if (e == ERR_OK) e = part_sealer_start_piece(c, s, in->app->be.blobs, &t, start);
    if (e != ERR_OK) {
        part_sealer_free(s);
        append_forget_blob(in, &t.blob_id, ret_ref);
        return e;
    }
    *ret = s;
    *ret_id = t.blob_id;
    return ERR_OK;
}

struct new_piece {
    struct part_sealer *sealer;
    struct blob_ref ref;
    struct piece p;
    bool recording; /* its row may be there, even after an error */
};

static enum err begin_piece(struct ctx *c, struct append_in *in, uint64_t start, uint64_t size_max, struct new_piece *ret)
{
    *ret = (struct new_piece){.p.start = start};
    return append_begin_piece(c, in, start, size_max, &ret->sealer, &ret->p.blob_id, &ret->ref);
}

static void give_up_piece(struct append_in *in, struct new_piece *n)
{
    part_sealer_free(TAKE(n->sealer));
    append_forget_blob(in, &n->p.blob_id, &n->ref);
}

/* The bytes of a piece whose row may be there are left alone: the sweep knows. */
static void piece_ended(struct append_in *in, struct new_piece *n, enum err e)
{
    part_sealer_free(TAKE(n->sealer));
    if (e != ERR_OK && (!n->recording || e == ERR_CANCELLED)) give_up_piece(in, n);
}

/* Its bytes are durable and visible under its own key. */
static enum err commit_piece(struct ctx *c, struct append_in *in, struct new_piece *n)
{
    struct part_record r;
    n->p.size = part_sealer_size(n->sealer);
    TRY(part_sealer_finish(c, n->sealer, BLOB_LATER, &r));
    n->p.header = r.header;
    return blob_commit(c, in->app->be.blobs, (struct blob_key){n->p.blob_id}, &n->ref, &r.tag, 1, seal_size(n->p.size));
}

/* Ends it in the store and in the books, in the place of the last `replaced` ones. */
static enum err end_piece(struct ctx *c, struct append_in *in, struct new_piece *n, size_t replaced)
{
    if (in->piece_count == in->piece_cap) {
        size_t cap = MAX(in->piece_cap * 2, (size_t)16);
        struct piece *more = mem_realloc(in->pieces, cap * sizeof *more);
        if (!more) return ERR_NOMEM;
        in->pieces = more;
        in->piece_cap = cap;
    }
    TRY(commit_piece(c, in, n));
    struct record_arg a = {.in = in, .to = n->p.start + n->p.size, .piece = &n->p, .drop_from = n->p.start,
                           .drop_to = replaced ? in->durable : 0};
    n->recording = true;
    TRY(record(c, &a));
    in->piece_count -= replaced;
    in->pieces[in->piece_count++] = n->p;
    return ERR_OK;
}

static enum err seal_bytes(struct ctx *c, void *arg, const void *bytes, size_t n)
{
    return part_sealer_write(c, arg, bytes, n);
}

static enum err read_chunks(struct ctx *c, struct blob_reader *r, struct sealer *opener, const struct piece *p, uint8_t *run,
                            struct part_sealer *to)
{
    uint64_t sealed = seal_size(p->size);
    for (uint64_t k = 0, at = SEAL_HEADER; at < sealed;) {
        size_t want = (size_t)MIN((uint64_t)CHUNKS_PER_READ * SEAL_SEALED_CHUNK, sealed - at), got = 0;
        TRY(blob_read(c, r, at, run, want, &got));
        if (got != want) return fail(c, ERR_CORRUPT, "a piece ends too early");
        for (size_t used = 0; used < want; k++) {
            size_t n = MIN(want - used, (size_t)SEAL_SEALED_CHUNK);
            TRY(sealer_open_chunk(opener, k, run + used, n, run + used));
            TRY(part_sealer_write(c, to, run + used, n - SEAL_TAG));
            used += n;
        }
        at += want;
    }
    return ERR_OK;
}

static enum err copy_piece(struct ctx *c, struct append_in *in, const struct piece *p, struct part_sealer *to)
{
    CLEANUP(sealer_cleanup) struct sealer *opener = NULL;
    struct sft_context context;
    struct blob_reader *r = NULL;
    uint64_t size = 0;
    sft_piece_context(&context, &in->content_id, p->start);
    TRY(sealer_new(&opener));
    TRY(sealer_open(opener, &in->key, sft_context_view(&context), &p->header));
    enum err e = blob_open(c, in->app->be.blobs, (struct blob_key){p->blob_id}, &r, &size);
    if (e == ERR_NOT_FOUND) return fail(c, ERR_CORRUPT, "a piece of an upload is gone");
    TRY(e);
    uint8_t *run = mem_alloc(CHUNKS_PER_READ, SEAL_SEALED_CHUNK);
    if (!run) e = ERR_NOMEM;
    if (e == ERR_OK && size != seal_size(p->size)) e = fail(c, ERR_CORRUPT, "a piece has another size");
    if (e == ERR_OK) e = read_chunks(c, r, opener, p, run, to);
    if (run) mem_wipe(run, CHUNKS_PER_READ * SEAL_SEALED_CHUNK);
    mem_free(run);
    blob_close(r);
    return e;
}

static unsigned size_class(uint64_t size)
{
    unsigned class = 0;
    while (size >= MERGE_COUNT) {
        size /= MERGE_COUNT;
        class++;
    }
    return class;
}

size_t pieces_to_merge(const struct piece *pieces, size_t n)
{
    size_t run = n ? 1 : 0;
    uint64_t size = n ? pieces[n - 1].size : 0;
    for (bool more = run > 0; more;) {
        /* Smaller ones before it go along: what is left is ordered by class. */
        while (run < n && size_class(pieces[n - 1 - run].size) < size_class(size)) size += pieces[n - 1 - run++].size;
        size_t same = 0;
        uint64_t sum = 0;
        while (run + same < n && size_class(pieces[n - 1 - run - same].size) == size_class(size)) {
            sum += pieces[n - 1 - run - same].size;
            same++;
        }
        more = same + 1 >= MERGE_COUNT;
        if (more) {
            run += same;
            size += sum;
        }
    }
    return run > 1 ? run : 0;
}

static enum err merge(struct ctx *c, struct append_in *in)
{
    struct new_piece n;
    size_t run = pieces_to_merge(in->pieces, in->piece_count);
    if (run == 0) return ERR_OK;
    const struct piece *first = &in->pieces[in->piece_count - run];
    TRY(begin_piece(c, in, first->start, in->durable - first->start, &n));
    enum err e = ERR_OK;
    for (size_t i = 0; i < run && e == ERR_OK; i++) e = copy_piece(c, in, &first[i], n.sealer);
    if (e == ERR_OK) e = end_piece(c, in, &n, run);
    piece_ended(in, &n, e);
    return e;
}

/* ---- parts ---- */

static enum err start_part(struct ctx *c, struct append_in *in, uint64_t number, struct part_sealer *s)
{
    struct part_target t = {&in->key, in->content_id, in->part_size, &in->ref};
    struct upload u = {.id = in->upload_id, .content_id = in->content_id, .blob_ref = slice_cstr(in->ref.text)};
    enum err e = part_sealer_start(c, s, in->app->be.blobs, &t, number);
    if (e != ERR_NOT_FOUND) return e;
    TRY(upload_begin_again(c, in->app, &u));
    return part_sealer_start(c, s, in->app->be.blobs, &t, number);
}

enum err append_fold(struct ctx *c, struct append_in *in)
{
    struct part_sealer *s = NULL;
    struct part_record r;
    if (in->piece_count == 0) return ERR_OK;
    uint64_t start = in->pieces[0].start;
    ASSERT(start % in->part_size == 0 && in->durable - start <= in->part_size);
    TRY(part_sealer_new(&s));
    enum err e = start_part(c, in, start / in->part_size, s);
    for (size_t i = 0; i < in->piece_count && e == ERR_OK; i++) e = copy_piece(c, in, &in->pieces[i], s);
    if (e == ERR_OK) e = part_sealer_finish(c, s, BLOB_DURABLE, &r);
    part_sealer_free(s);
    TRY(e);
    struct record_arg a = {.in = in, .to = in->durable, .part = &r, .drop_from = start, .drop_to = start + in->part_size};
    TRY(record(c, &a));
    in->piece_count = 0;
    return ERR_OK;
}

/* A part in its place, when this body begins it and is not known to end within it. */
static enum err begin_message(struct ctx *c, struct append_in *in)
{
    uint64_t start = part_start(in, in->at), end = start + in->part_size;
    bool ends_within = in->body_end != UPLOAD_SIZE_UNKNOWN && in->body_end < end && in->body_end != in->size;
    struct new_piece n;
    if (in->at == start && in->piece_count == 0 && !ends_within) {
        TRY(part_sealer_new(&in->sealer));
        in->in_piece = false;
        in->begun = start;
        return start_part(c, in, start / in->part_size, in->sealer);
    }
    TRY(begin_piece(c, in, in->at, end - in->at, &n));
    in->sealer = n.sealer;
    in->in_piece = true;
    in->begun = in->at;
    in->piece_id = n.p.blob_id;
    in->piece_ref = n.ref;
    return ERR_OK;
}

void append_drop(struct append_in *in)
{
    if (in->sealer && in->in_piece) {
        struct new_piece n = {.sealer = TAKE(in->sealer), .p.blob_id = in->piece_id, .ref = in->piece_ref};
        give_up_piece(in, &n);
    }
    part_sealer_free(TAKE(in->sealer));
    if (in->held) {
        struct new_piece n = {.sealer = TAKE(in->held), .p.blob_id = in->held_id, .ref = in->held_ref};
        give_up_piece(in, &n);
    }
    in->at = in->durable;
}

/* The piece that is being written. */
static enum err keep_piece(struct ctx *c, struct append_in *in)
{
    struct new_piece n = {.sealer = TAKE(in->sealer), .ref = in->piece_ref, .p = {.start = in->begun, .blob_id = in->piece_id}};
    enum err e = end_piece(c, in, &n, 0);
    piece_ended(in, &n, e);
    return e;
}

/* What of the part is not in a piece yet becomes one; the part itself may go on. */
static enum err keep_part(struct ctx *c, struct append_in *in)
{
    struct new_piece n;
    TRY(begin_piece(c, in, in->durable, in->at - in->durable, &n));
    enum err e = part_sealer_read_back(c, in->sealer, &in->key, in->durable - in->begun, seal_bytes, n.sealer);
    if (e == ERR_OK) e = end_piece(c, in, &n, 0);
    piece_ended(in, &n, e);
    return e;
}

enum err append_keep(struct ctx *c, struct append_in *in)
{
    /* What a message that failed had in it is gone with it. */
    if (!in->sealer) in->at = in->durable;
    if (in->at == in->durable) return ERR_OK;
    TRY(in->in_piece ? keep_piece(c, in) : keep_part(c, in));
    return merge(c, in);
}

/* The part is full, or it is the last one and the upload is whole. */
static enum err end_message(struct ctx *c, struct append_in *in)
{
    struct part_record r;
    if (in->in_piece) {
        TRY(keep_piece(c, in));
        return append_fold(c, in);
    }
    enum err e = part_sealer_finish(c, in->sealer, BLOB_DURABLE, &r);
    part_sealer_free(TAKE(in->sealer));
    TRY(e);
    struct record_arg a = {.in = in, .to = in->at, .part = &r, .drop_from = in->begun,
                           .drop_to = in->piece_count ? in->begun + in->part_size : 0};
    TRY(record(c, &a));
    in->piece_count = 0;
    return ERR_OK;
}

enum err append_feed(struct ctx *c, struct append_in *in, const void *bytes, size_t n)
{
    const uint8_t *p = bytes;
    while (n) {
        if (!in->sealer) TRY(begin_message(c, in));
        uint64_t end = part_start(in, in->at) + in->part_size;
        size_t take = (size_t)MIN((uint64_t)n, end - in->at);
        TRY(part_sealer_write(c, in->sealer, p, take));
        in->at += take;
        p += take;
        n -= take;
        if (in->at == end || in->at == in->size) TRY(end_message(c, in));
    }
    return ERR_OK;
}
