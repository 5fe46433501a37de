/* Collects a frame, opens it, hands its plaintext out. */
#include "cmd/cli/unpack.h"

#include "base/intmath.h"
#include "base/mem.h"

struct unpack {
    const struct frame_map *map;
    struct frame_opener *opener;
    uint64_t at, plain; /* plaintext handed out, and in all */
    size_t have;        /* bytes in `in` */
    unseal_emit_fn *emit;
    void *arg;
    uint8_t in[FRAME_BYTES], out[FRAME_BYTES];
};

enum err unpack_new(const struct frame_map *map, uint64_t plain, unseal_emit_fn *emit, void *arg, struct unpack **ret)
{
    CLEANUP(unpack_cleanup) struct unpack *u = MEM_NEW(struct unpack);
    if (!u) return ERR_NOMEM;
    TRY(frame_opener_new(&u->opener));
    u->map = map;
    u->plain = plain;
    u->emit = emit;
    u->arg = arg;
    *ret = TAKE(u);
    return ERR_OK;
}

void unpack_free(struct unpack *u)
{
    if (!u) return;
    frame_opener_free(u->opener);
    mem_wipe(u->in, sizeof u->in);
    mem_wipe(u->out, sizeof u->out);
    mem_free(u);
}

void unpack_cleanup(struct unpack **u) { unpack_free(*u); }

enum err unpack_push(struct unpack *u, const void *p, size_t n)
{
    const uint8_t *from = p;
    struct frame_place place;
    while (n) {
        if (u->at == u->plain) return ERR_CORRUPT;
        frame_map_at(u->map, u->at, &place);
        size_t take = MIN(n, place.packed_bytes - u->have);
        memcpy(u->in + u->have, from, take);
        u->have += take;
        from += take;
        n -= take;
        if (u->have < place.packed_bytes) continue;
        u->have = 0;
        TRY(frame_open(u->opener, u->in, place.packed_bytes, u->out, place.plain_bytes));
        TRY(u->emit(u->arg, u->at, u->out, place.plain_bytes));
        u->at += place.plain_bytes;
    }
    return ERR_OK;
}

enum err unpack_finish(const struct unpack *u) { return u->at == u->plain && u->have == 0 ? ERR_OK : ERR_CORRUPT; }
