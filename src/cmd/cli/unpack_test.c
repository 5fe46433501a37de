/* Compressed content comes back whatever the pieces are; what is cut, longer, or changed does not pass. */
#include "cmd/cli/unpack.h"

#include "base/mem.h"
#include "lib/test.h"

#define SIZE (2 * FRAME_BYTES + 777)

static struct buf packed, got;
static uint8_t plain[SIZE];
static struct frame_map *map;

static enum err keep(void *arg, const void *p, size_t n) { return buf_put(arg, slice_of(p, n)); }

static enum err emit(void *arg, uint64_t offset, const void *p, size_t n)
{
    struct buf *b = arg;
    return offset == b->len ? buf_put(b, slice_of(p, n)) : ERR_INTERNAL;
}

static enum err make(void)
{
    struct frame_packer *p = NULL;
    packed = BUF_INIT(SIZE);
    got = BUF_INIT(SIZE);
    for (size_t i = 0; i < SIZE; i++) plain[i] = (uint8_t)(i / 300);
    TRY(frame_packer_new(1, keep, &packed, &p));
    enum err e = frame_packer_add(p, plain, SIZE);
    if (e == ERR_OK) e = frame_packer_finish(p);
    if (e == ERR_OK) e = frame_map_new(frame_packer_table(p), SIZE, packed.len, &map);
    frame_packer_free(p);
    return e;
}

static void done(void)
{
    buf_done(&packed);
    buf_done(&got);
    frame_map_free(TAKE(map));
}

static enum err run(struct slice in, size_t step)
{
    CLEANUP(unpack_cleanup) struct unpack *u = NULL;
    buf_reset(&got);
    TRY(unpack_new(map, SIZE, emit, &got, &u));
    for (size_t at = 0; at < in.len; at += step) {
        struct slice piece = slice_sub(in, at, at + step);
        TRY(unpack_push(u, piece.ptr, piece.len));
    }
    return unpack_finish(u);
}

TEST(unpack_pieces_and_lies)
{
    CHECK_OK(make());
    for (size_t step = 1; step < 2 * packed.len; step = step * 3 + 1) {
        CHECK_OK(run(buf_view(&packed), step));
        CHECK(slice_eq(buf_view(&got), slice_of(plain, SIZE)));
    }
    CHECK_ERR(run(slice_sub(buf_view(&packed), 0, packed.len - 1), 999), ERR_CORRUPT);
    CHECK_ERR(run((struct slice){0}, 1), ERR_CORRUPT);
    CHECK_OK(buf_putc(&packed, 'x'));
    CHECK_ERR(run(buf_view(&packed), 999), ERR_CORRUPT);
    packed.len--;
    packed.ptr[0] ^= 1;
    CHECK_ERR(run(buf_view(&packed), 999), ERR_CORRUPT);
    CHECK_U64(got.len, 0);
    done();
}
