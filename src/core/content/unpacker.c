/* Compressed content as people see it: whole frames are pulled from the reader of what is sealed, and opened one at a time. */
#include "base/assert.h"
#include "base/intmath.h"
#include "codec/frames.h"
#include "core/content/content_impl.h"

struct unpacker {
    struct reader reader;
    struct reader *packed; /* of what is sealed */
    struct frame_map *map;
    struct frame_opener *opener;
    struct id id;
    uint64_t at, end;  /* plaintext positions: next byte, first byte not wanted */
    uint64_t have;     /* number of the frame in `frame`; UINT64_MAX: none */
    size_t frame_len;
    size_t packed_cap;
    uint8_t *packed_bytes; /* of a frame that shrank: as large as they came */
    uint8_t frame[FRAME_BYTES];
};

static void unpacker_close(struct reader *reader, struct ctx *c, bool complete)
{
    struct unpacker *u = (struct unpacker *)reader;
    reader_close(u->packed, c, complete);
    frame_map_free(u->map);
    frame_opener_free(u->opener);
    mem_wipe(u->frame, sizeof u->frame);
    if (u->packed_bytes) mem_wipe(u->packed_bytes, u->packed_cap);
    mem_free(u->packed_bytes);
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

static enum err open_packed(struct ctx *c, struct unpacker *u, const struct frame_place *place)
{
    if (place->packed_bytes > u->packed_cap) {
        uint8_t *more = mem_alloc(1, place->packed_bytes);
        if (!more) return ERR_NOMEM;
        if (u->packed_bytes) mem_wipe(u->packed_bytes, u->packed_cap);
        mem_free(u->packed_bytes);
        u->packed_bytes = more;
        u->packed_cap = place->packed_bytes;
    }
    TRY(pull(c, u, u->packed_bytes, place->packed_bytes));
    enum err e = frame_open(u->opener, u->packed_bytes, place->packed_bytes, u->frame, place->plain_bytes);
    return e == ERR_CORRUPT ? corrupt(c, u, "a compressed frame does not open") : e;
}

static enum err load_frame(struct ctx *c, struct unpacker *u, const struct frame_place *place)
{
    u->have = UINT64_MAX;
    /* A raw frame is what it holds. */
    if (place->packed_bytes == place->plain_bytes)
        TRY(pull(c, u, u->frame, place->plain_bytes));
    else
        TRY(open_packed(c, u, place));
    u->have = place->number;
    u->frame_len = place->plain_bytes;
    return ERR_OK;
}

static enum err unpacker_read(struct reader *reader, struct ctx *c, void *p, size_t cap, size_t *ret_n)
{
    struct unpacker *u = (struct unpacker *)reader;
    struct frame_place place;
    size_t done = 0;
    while (done < cap && u->at < u->end) {
        frame_map_at(u->map, u->at, &place);
        if (place.number != u->have) TRY(load_frame(c, u, &place));
        size_t n = (size_t)MIN(MIN((uint64_t)(cap - done), (uint64_t)(u->frame_len - place.skip)), u->end - u->at);
        memcpy((uint8_t *)p + done, u->frame + place.skip, n);
        done += n;
        u->at += n;
    }
    *ret_n = done;
    return ERR_OK;
}

/* Only what lies opened already: a frame costs the I/O thread a millisecond. */
static enum err unpacker_read_now(struct reader *reader, struct ctx *c, void *p, size_t cap, size_t *ret_n)
{
    struct unpacker *u = (struct unpacker *)reader;
    uint64_t left = u->have == UINT64_MAX ? 0 : u->have * FRAME_BYTES + u->frame_len - u->at;
    *ret_n = 0;
    if (u->at == u->end) return ERR_OK;
    if (left == 0) return ERR_BUSY;
    return unpacker_read(reader, c, p, (size_t)MIN((uint64_t)cap, left), ret_n);
}

static const struct reader_ops unpacker_ops = {unpacker_read, unpacker_read_now, unpacker_close};

static enum err fill(struct ctx *c, struct unpacker *u, const struct content *t, struct slice frames)
{
    enum err e = frame_map_new(frames, t->size, t->stored_size, &u->map);
    if (e == ERR_CORRUPT || e == ERR_TOO_LARGE) return corrupt(c, u, "the seek table is not one of it");
    TRY(e);
    return frame_opener_new(&u->opener);
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
    u->have = UINT64_MAX;
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
