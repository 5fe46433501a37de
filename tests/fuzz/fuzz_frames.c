/* frames: any bytes as content come back as they were; any bytes as a seek table are refused or describe content without gap or
 * excess; any bytes as a frame are refused or give exactly the size asked for. Input: what (1 byte), size (4 bytes), the rest. */
#include "base/buf.h"
#include "base/intmath.h"
#include "base/mem.h"
#include "codec/frames.h"
#include "fuzz.h"

static enum err keep(void *arg, const void *p, size_t n) { return buf_put(arg, slice_of(p, n)); }

static void check_frame(const uint8_t *p, size_t n, size_t plain)
{
    struct frame_opener *o = NULL;
    uint8_t *out = mem_alloc(1, plain);
    enum err e = frame_opener_new(&o);
    ASSERT(out && e == ERR_OK);
    e = frame_open(o, p, n, out, plain);
    ASSERT(e == ERR_OK || e == ERR_CORRUPT);
    frame_opener_free(o);
    mem_free(out);
}

static void check_table(struct slice table, uint64_t plain, uint64_t packed)
{
    CLEANUP(frame_map_cleanup) struct frame_map *m = NULL;
    struct frame_place at = {0};
    uint64_t end = 0;
    if (frame_map_new(table, plain, packed, &m) != ERR_OK) return;
    for (uint64_t offset = 0; offset < plain; offset += at.plain_bytes) {
        frame_map_at(m, offset, &at);
        ASSERT(at.skip == 0 && at.packed_offset == end && at.packed_bytes > 0);
        ASSERT(at.plain_bytes > 0 && at.plain_bytes <= FRAME_BYTES && at.packed_bytes <= at.plain_bytes);
        end += at.packed_bytes;
    }
    ASSERT(end == packed);
}

static void check_content(const uint8_t *p, size_t n)
{
    CLEANUP(buf_done) struct buf packed = BUF_INIT(4 * MIB);
    struct frame_packer *fp = NULL;
    struct frame_opener *o = NULL;
    uint8_t *out = mem_alloc(1, n + 1);
    enum err e = frame_packer_new(1, keep, &packed, &fp);
    ASSERT(out && e == ERR_OK);
    e = frame_packer_add(fp, p, n);
    if (e == ERR_OK) e = frame_packer_finish(fp);
    if (e == ERR_OK) e = frame_opener_new(&o);
    ASSERT(e == ERR_OK && packed.len <= n && frame_packer_packed(fp) == packed.len);
    check_table(frame_packer_table(fp), n, packed.len);
    if (n) e = frame_open(o, packed.ptr, packed.len, out, n);
    ASSERT(e == ERR_OK && memcmp(out, p, n) == 0);
    frame_packer_free(fp);
    frame_opener_free(o);
    mem_free(out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 5 || size > FRAME_BYTES) return 0;
    uint32_t number = load_u32be(data + 1);
    const uint8_t *rest = data + 5;
    size -= 5;
    if (data[0] % 3 == 0) check_content(rest, size);
    if (data[0] % 3 == 1) check_frame(rest, size, number % FRAME_BYTES + 1);
    if (data[0] % 3 == 2) check_table(slice_of(rest, size), (uint64_t)data[0] / 3 * FRAME_BYTES + 1, number);
    return 0;
}
