/* Reading contents: plaintext (each 16 KiB chunk verified before a byte of it is given out) and sealed bytes as they lie. */
#include "base/assert.h"
#include "base/intmath.h"
#include "core/content/content_impl.h"
#include "core/key/key.h"
#include "crypto/sft.h"
#include "os/file.h"

/* Sealed chunks fetched per storage read: with the piece size of the edge this keeps one read per piece. What goes through an unpacker is
 * less than the pieces, and keeps a part of a frame as well. */
#define CHUNKS_PER_READ 16u
#define CHUNKS_PER_READ_PACKED 4u

struct plain_reader {
    struct reader reader;
    struct blob_reader *blob;
    struct sealer *sealer;
    struct key key;
    struct id id;
    uint64_t size;
    uint32_t part_size;
    uint64_t at, end;     /* plaintext positions: next byte, first byte not wanted */
    bool now;             /* this read must not block */
    uint64_t open_part;   /* part the sealer is set to; UINT64_MAX: none */
    uint8_t *headers;     /* 56 bytes a part, checked against headers_hash at open */
    uint8_t *sealed;      /* `chunks` sealed chunks */
    uint64_t chunks;      /* to be fetched at a time */
    uint8_t chunk[SEAL_CHUNK]; /* a chunk of which only a part is wanted */
};

static void plain_free(struct plain_reader *r)
{
    blob_close(r->blob);
    sealer_free(r->sealer);
    mem_free(r->headers);
    mem_free(r->sealed);
    mem_wipe(r, sizeof *r);
    mem_free(r);
}

static void plain_close(struct reader *reader, struct ctx *c, bool complete)
{
    (void)c;
    (void)complete;
    plain_free((struct plain_reader *)reader);
}

static enum err corrupt(struct ctx *c, const struct plain_reader *r, const char *what)
{
    char id[ID_TEXT_LEN + 1];
    id_text(r->id, id);
    return fail(c, ERR_CORRUPT, "content %s: %s at byte %llu", id, what, (unsigned long long)r->at);
}

static enum err set_part(struct ctx *c, struct plain_reader *r, uint64_t part)
{
    struct sft_context context;
    struct seal_header h;
    if (r->open_part == part) return ERR_OK;
    memcpy(h.b, r->headers + part * SEAL_HEADER, SEAL_HEADER);
    sft_part_context(&context, &r->id, r->part_size, (uint32_t)part);
    enum err e = sealer_open(r->sealer, &r->key, sft_context_view(&context), &h);
    if (e == ERR_CORRUPT) return corrupt(c, r, "part header does not verify");
    TRY(e);
    r->open_part = part;
    return ERR_OK;
}

/* Open sealed chunk k of the current part into `out`, or the wanted piece of it through r->chunk. */
static enum err open_chunk(struct ctx *c, struct plain_reader *r, uint64_t k, const uint8_t *sealed, size_t n,
                           size_t skip, uint8_t *out, size_t cap, size_t *ret_n)
{
    size_t plain = n - SEAL_TAG;
    size_t want = (size_t)MIN((uint64_t)(plain - skip), r->end - r->at);
    want = MIN(want, cap);
    bool direct = skip == 0 && want == plain;
    enum err e = sealer_open_chunk(r->sealer, k, sealed, n, direct ? out : r->chunk);
    if (e == ERR_CORRUPT) return corrupt(c, r, "stored bytes do not verify");
    TRY(e);
    if (!direct) memcpy(out, r->chunk + skip, want);
    *ret_n = want;
    return ERR_OK;
}

/* n sealed bytes: those of a run lie together. A short answer is the end of the blob, or, without blocking, of what is in memory. */
static enum err fetch(struct ctx *c, struct blob_reader *blob, bool now, uint64_t off, void *p, size_t n, size_t *ret_n)
{
    int fd = now ? blob_reader_fd(blob) : -1;
    if (!now) return blob_read(c, blob, off, p, n, ret_n);
    return fd < 0 ? ERR_BUSY : file_pread_now(fd, p, n, off, ret_n);
}

/* Some chunks of one part, starting at r->at. */
static enum err read_run(struct ctx *c, struct plain_reader *r, uint8_t *out, size_t cap, size_t *ret_n)
{
    struct sft_place place;
    size_t got = 0, done = 0, used = 0;
    sft_locate(r->size, r->part_size, r->at, &place);
    TRY(set_part(c, r, place.part));
    uint64_t part_sealed = seal_size(sft_part_plain(r->size, r->part_size, place.part));
    uint64_t part_end = place.header_offset + part_sealed;
    uint64_t wanted_chunks = div_ceil_u64(MIN(r->end - r->at, (uint64_t)cap) + place.skip, SEAL_CHUNK);
    uint64_t n = MIN(MIN(wanted_chunks, r->chunks) * SEAL_SEALED_CHUNK, part_end - place.chunk_offset);
    TRY(fetch(c, r->blob, r->now, place.chunk_offset, r->sealed, (size_t)n, &got));
    if (got != n && r->now) return ERR_BUSY;
    if (got != n) return corrupt(c, r, "stored bytes end too early");
    size_t skip = place.skip;
    for (uint64_t k = place.chunk; used < got && done < cap && r->at < r->end; k++, skip = 0) {
        size_t len = MIN(got - used, (size_t)SEAL_SEALED_CHUNK), put = 0;
        TRY(open_chunk(c, r, k, r->sealed + used, len, skip, out + done, cap - done, &put));
        used += len;
        done += put;
        r->at += put;
    }
    *ret_n = done;
    return ERR_OK;
}

static enum err plain_read(struct reader *reader, struct ctx *c, void *p, size_t cap, size_t *ret_n)
{
    struct plain_reader *r = (struct plain_reader *)reader;
    size_t done = 0;
    while (done < cap && r->at < r->end) {
        size_t n = 0;
        TRY(read_run(c, r, (uint8_t *)p + done, cap - done, &n));
        ASSERT(n > 0);
        done += n;
    }
    *ret_n = done;
    return ERR_OK;
}

/* One run at most: opening four chunks takes the I/O thread a few microseconds. */
static enum err plain_read_now(struct reader *reader, struct ctx *c, void *p, size_t cap, size_t *ret_n)
{
    struct plain_reader *r = (struct plain_reader *)reader;
    *ret_n = 0;
    if (r->at == r->end) return ERR_OK;
    r->now = true;
    enum err e = read_run(c, r, p, cap, ret_n);
    r->now = false;
    return e;
}

static const struct reader_ops plain_ops = {plain_read, plain_read_now, plain_close};

struct tables_arg {
    const struct content *t;
    struct content_tables tables;
};

static enum err tables_tx(struct ctx *c, struct db_conn *conn, void *arg)
{
    struct tables_arg *a = arg;
    return content_store_tables(c, conn, &a->t->id, &a->tables);
}

static enum err keep_headers(struct ctx *c, const struct content *t, struct slice headers, struct plain_reader *r)
{
    struct sha256 hash;
    TRY(sft_headers_hash(headers, &hash));
    if (headers.len != sft_part_count(t->stored_size, t->part_size) * SEAL_HEADER ||
        !slice_eq(sha256_view(&hash), t->headers_hash))
        return corrupt(c, r, "part headers do not match their hash");
    r->headers = mem_alloc(headers.len, 1);
    if (!r->headers) return ERR_NOMEM;
    memcpy(r->headers, headers.ptr, headers.len);
    return ERR_OK;
}

/* The blob of a content that was dropped meanwhile may be gone; that of one that is held may not. */
static enum err blob_lost(struct ctx *c, struct app *app, const struct content *t)
{
    struct tables_arg a = {.t = t};
    TRY(db_tx(c, app->be.db, DB_READ, tables_tx, &a));
    return fail(c, ERR_CORRUPT, "the sealed bytes of a content are gone");
}

static enum err open_blob(struct ctx *c, struct app *app, const struct content *t, struct blob_reader **ret)
{
    uint64_t size = 0;
    enum err e = blob_open(c, app->be.blobs, (struct blob_key){t->id}, ret, &size);
    if (e == ERR_NOT_FOUND) return blob_lost(c, app, t);
    TRY(e);
    if (size == t->sealed_size) return ERR_OK;
    return fail(c, ERR_CORRUPT, "stored size %llu, wanted %llu", (unsigned long long)size,
                (unsigned long long)t->sealed_size);
}

/* The blob first: while the row is there after it was opened, nothing has been taken from under it. */
static enum err plain_open(struct ctx *c, struct app *app, const struct content *t, const struct content_parts *parts,
                           struct plain_reader *r, struct slice *ret_frames)
{
    struct tables_arg a = {.t = t};
    TRY(open_blob(c, app, t, &r->blob));
    if (parts) {
        a.tables = parts->tables;
        r->key = *parts->key;
    } else {
        TRY(db_tx(c, app->be.db, DB_READ, tables_tx, &a));
        TRY(key_unwrap(c, app, "sft/1/dek", &t->id, t->wrapped_key, &r->key));
    }
    TRY(keep_headers(c, t, a.tables.headers, r));
    *ret_frames = a.tables.frames;
    TRY(sealer_new(&r->sealer));
    r->chunks = t->codec.len ? CHUNKS_PER_READ_PACKED : CHUNKS_PER_READ;
    r->sealed = mem_alloc(r->chunks, SEAL_SEALED_CHUNK);
    return r->sealed ? ERR_OK : ERR_NOMEM;
}

/* What is sealed is what people see, or goes through an unpacker. */
static enum err reader_for(struct ctx *c, const struct content *t, struct slice frames, uint64_t first, uint64_t length,
                           struct plain_reader *r, struct reader **ret)
{
    struct unpacker *u = NULL;
    r->at = first;
    r->end = first + length;
    if (t->codec.len == 0) {
        *ret = &r->reader;
        return ERR_OK;
    }
    if (!slice_eq(t->codec, SLICE(CONTENT_CODEC_ZSTD))) return fail(c, ERR_UNSUPPORTED, "a content in a codec of a newer server");
    TRY(unpacker_new(c, t, frames, first, length, &u, &r->at, &r->end));
    unpacker_feed(u, &r->reader);
    *ret = unpacker_reader(u);
    return ERR_OK;
}

enum err content_open(struct ctx *c, struct app *app, const struct content *t, const struct content_parts *parts,
                      uint64_t first, uint64_t length, struct reader **ret)
{
    struct slice frames = {0};
    ASSERT(first <= t->size && length <= t->size - first);
    struct plain_reader *r = MEM_NEW(struct plain_reader);
    if (!r) return ERR_NOMEM;
    r->reader.ops = &plain_ops;
    r->id = t->id;
    r->size = t->stored_size;
    r->part_size = t->part_size;
    r->open_part = UINT64_MAX;
    enum err e = plain_open(c, app, t, parts, r, &frames);
    if (e == ERR_OK) e = reader_for(c, t, frames, first, length, r, ret);
    if (e != ERR_OK) plain_free(r);
    return e;
}

enum err content_read_plain(struct ctx *c, struct app *app, const struct content *t, uint64_t first, uint64_t length,
                            struct reader **ret)
{
    return content_open(c, app, t, NULL, first, length, ret);
}

struct sealed_reader {
    struct reader reader;
    struct blob_reader *blob;
    uint64_t at, end;
};

static enum err sealed_read(struct reader *reader, struct ctx *c, void *p, size_t cap, size_t *ret_n)
{
    struct sealed_reader *r = (struct sealed_reader *)reader;
    size_t want = (size_t)MIN((uint64_t)cap, r->end - r->at), got = 0;
    if (want) TRY(blob_read(c, r->blob, r->at, p, want, &got));
    if (got != want) return fail(c, ERR_CORRUPT, "sealed bytes end too early");
    r->at += got;
    *ret_n = got;
    return ERR_OK;
}

static void sealed_close(struct reader *reader, struct ctx *c, bool complete)
{
    struct sealed_reader *r = (struct sealed_reader *)reader;
    (void)c;
    (void)complete;
    blob_close(r->blob);
    mem_free(r);
}

static enum err sealed_read_now(struct reader *reader, struct ctx *c, void *p, size_t cap, size_t *ret_n)
{
    struct sealed_reader *r = (struct sealed_reader *)reader;
    size_t want = (size_t)MIN((uint64_t)cap, r->end - r->at), got = 0;
    if (want) TRY(fetch(c, r->blob, true, r->at, p, want, &got));
    if (want && got == 0) return ERR_BUSY; /* the end came too early: read() says so */
    r->at += got;
    *ret_n = got;
    return ERR_OK;
}

static const struct reader_ops sealed_ops = {sealed_read, sealed_read_now, sealed_close};

enum err content_read_sealed(struct ctx *c, struct app *app, const struct content *t, uint64_t first, uint64_t length,
                             struct reader **ret)
{
    ASSERT(first <= t->sealed_size && length <= t->sealed_size - first);
    struct sealed_reader *r = MEM_NEW(struct sealed_reader);
    if (!r) return ERR_NOMEM;
    r->reader.ops = &sealed_ops;
    r->at = first;
    r->end = first + length;
    enum err e = open_blob(c, app, t, &r->blob);
    if (e != ERR_OK) {
        sealed_close(&r->reader, c, false);
        return e;
    }
    *ret = &r->reader;
    return ERR_OK;
}
