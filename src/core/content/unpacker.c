/* Compressed content as people see it: whole frames are pulled from the reader of what is sealed, and opened one at a time.
 *
 * Of a transfer that waits for its client only the bytes are kept that nobody has taken yet. What opening needs besides (the packed frame,
 * zstd's own memory) lives as long as that takes: there is as much of it as there are workers, not transfers. */
#include "base/assert.h"
#include "base/intmath.h"
#include "codec/frames.h"
#include "core/content/content_impl.h"

struct unpacker {
    struct reader reader;
    struct reader *packed; /* of what is sealed */
    struct frame_map *map;
    struct id id;
    uint64_t at, end; /* plaintext positions: next byte, first byte not wanted */
    /* What is open, one piece of one frame; NULL: nothing. */
    uint8_t *open;
    uint64_t open_at; /* its place in the plaintext */
    size_t open_len;
};

struct bytes {
    uint8_t *p;
    size_t n;
};

static void bytes_drop(struct bytes *b)
{
    if (b->p) mem_wipe(b->p, b->n);
    mem_free(b->p);
}

static void drop_open(struct unpacker *u)
{
    bytes_drop(&(struct bytes){TAKE(u->open), u->open_len});
    u->open_len = 0;
}

/* Not zeroed, as all of it is written. */
static uint8_t *room(size_t n) { return mem_realloc(NULL, n); }

static void opener_drop(struct frame_opener **o) { frame_opener_free(*o); }

static void unpacker_close(struct reader *reader, struct ctx *c, bool complete)
{
    struct unpacker *u = (struct unpacker *)reader;
    reader_close(u->packed, c, complete);
    frame_map_free(u->map);
    drop_open(u);
    mem_free(u);
}

static enum err corrupt(struct ctx *c, const struct unpacker *u, const char *what)
{
    char id[ID_TEXT_LEN + 1];
    id_text(u->id, id);
    return fail(c, ERR_CORRUPT, "content %s: %s at byte %llu", id, what, (unsigned long long)u->at);
}

static enum err pull(struct ctx *c, struct unpacker *u, uint8_t *p, size_t want)
{
    size_t done = 0, n = 0;
    for (; done < want; done += n) {
        TRY(u->packed->ops->read(u->packed, c, p + done, want - done, &n));
        if (n == 0) return corrupt(c, u, "packed bytes end too early");
    }
    return ERR_OK;
}

/* A raw frame is what it holds. */
static enum err open_frame(struct ctx *c, struct unpacker *u, const struct frame_place *place, uint8_t *out)
{
    CLEANUP(bytes_drop) struct bytes packed = {NULL, place->packed_bytes};
    CLEANUP(opener_drop) struct frame_opener *opener = NULL;
    if (place->packed_bytes == place->plain_bytes) return pull(c, u, out, place->plain_bytes);
    packed.p = room(packed.n);
    if (!packed.p) return ERR_NOMEM;
    TRY(pull(c, u, packed.p, packed.n));
    TRY(frame_opener_new(&opener));
    enum err e = frame_open(opener, packed.p, packed.n, out, place->plain_bytes);
    return e == ERR_CORRUPT ? corrupt(c, u, "a compressed frame does not open") : e;
}

static enum err load_frame(struct ctx *c, struct unpacker *u)
{
    struct frame_place place;
    frame_map_at(u->map, u->at, &place);
    CLEANUP(bytes_drop) struct bytes frame = {room(place.plain_bytes), place.plain_bytes};
    if (!frame.p) return ERR_NOMEM;
    TRY(open_frame(c, u, &place, frame.p));
    u->open = TAKE(frame.p);
    u->open_at = u->at - place.skip;
    u->open_len = place.plain_bytes;
    return ERR_OK;
}

/* Bytes of `open` that are still to be taken, wanted or not. */
static size_t left(const struct unpacker *u) { return u->open ? (size_t)(u->open_at + u->open_len - u->at) : 0; }

static size_t take(struct unpacker *u, uint8_t *p, size_t cap)
{
    size_t n = (size_t)MIN((uint64_t)MIN(cap, left(u)), u->end - u->at);
    memcpy(p, u->open + (u->at - u->open_at), n);
    u->at += n;
    if (left(u) == 0) drop_open(u);
    return n;
}

/* When half of it is taken or not wanted, the other half moves into memory of its own size. Without memory all of it stays. */
static void shrink(struct unpacker *u)
{
    size_t n = (size_t)MIN((uint64_t)left(u), u->end - u->at);
    if (!u->open || n > u->open_len / 2) return;
    uint8_t *rest = n ? room(n) : NULL;
    if (n && !rest) return;
    if (n) memcpy(rest, u->open + (u->at - u->open_at), n);
    drop_open(u);
    u->open = rest;
    u->open_at = u->at;
    u->open_len = n;
}

static enum err unpacker_read(struct reader *reader, struct ctx *c, void *p, size_t cap, size_t *ret_n)
{
    struct unpacker *u = (struct unpacker *)reader;
    size_t done = 0;
    while (done < cap && u->at < u->end) {
        if (!u->open) TRY(load_frame(c, u));
        done += take(u, (uint8_t *)p + done, cap - done);
    }
    shrink(u);
    *ret_n = done;
    return ERR_OK;
}

/* Only what lies open already: a frame costs the I/O thread a millisecond. */
static enum err unpacker_read_now(struct reader *reader, struct ctx *c, void *p, size_t cap, size_t *ret_n)
{
    struct unpacker *u = (struct unpacker *)reader;
    (void)c;
    *ret_n = 0;
    if (u->at == u->end) return ERR_OK;
    if (!u->open) return ERR_BUSY;
    *ret_n = take(u, p, cap);
    return ERR_OK;
}

static const struct reader_ops unpacker_ops = {unpacker_read, unpacker_read_now, unpacker_close};

static enum err fill(struct ctx *c, struct unpacker *u, const struct content *t, struct slice frames)
{
    enum err e = frame_map_new(frames, t->size, t->stored_size, &u->map);
    if (e == ERR_CORRUPT || e == ERR_TOO_LARGE) return corrupt(c, u, "the seek table is not one of it");
    return e;
}

enum err unpacker_new(struct ctx *c, const struct content *t, struct slice frames, uint64_t first, uint64_t length,
                      struct unpacker **ret, uint64_t *ret_first, uint64_t *ret_end)
{
    struct frame_place from = {0}, to = {0};
    struct unpacker *u = MEM_NEW(struct unpacker);
    if (!u) return ERR_NOMEM;
    u->reader.ops = &unpacker_ops;
    u->id = t->id;
    u->at = first;
    u->end = first + length;
    enum err e = fill(c, u, t, frames);
    if (e != ERR_OK) {
        unpacker_close(&u->reader, c, false);
        return e;
    }
    if (length) {
        frame_map_at(u->map, first, &from);
        frame_map_at(u->map, first + length - 1, &to);
    }
    *ret = u;
    *ret_first = from.packed_offset;
    *ret_end = to.packed_offset + to.packed_bytes;
    return ERR_OK;
}

void unpacker_feed(struct unpacker *u, struct reader *packed)
{
    ASSERT(!u->packed);
    u->packed = packed;
}

struct reader *unpacker_reader(struct unpacker *u) { return &u->reader; }
