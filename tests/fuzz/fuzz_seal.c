/* seal: no bytes open under a key they were not sealed with; what was sealed and then changed opens to nothing else.
 *
 * Input: the first bytes say how to change a message sealed here, the rest is its text; the whole is also tried as a message. */
#include "base/intmath.h"
#include "crypto/sft.h"
#include "fuzz.h"

#define TEXT_MAX (3 * SEAL_CHUNK)
#define HEAD 12

static const struct key key = {{1, 2, 3}};

static void open_anything(struct slice in)
{
    CLEANUP(buf_done) struct buf out = BUF_INIT(2 * TEXT_MAX);
    uint64_t plain = 0;
    /* A forgery would need the commitment of a key that no fuzzer can reach from outside. */
    ASSERT(seal_open_message(&key, SLICE("fuzz"), in, &out) == ERR_CORRUPT && out.len == 0);
    if (seal_plain_size(in.len, &plain) == ERR_OK) ASSERT(seal_size(plain) == in.len);
    if (sft_plain_size(in.len, SFT_PART_MIN, &plain) == ERR_OK) ASSERT(sft_sealed_size(plain, SFT_PART_MIN) == in.len);
}

/* Flips one byte, and cuts, or repeats some of the message at its end. False: the message is as it was. */
static bool change(struct buf *b, const uint8_t *head)
{
    const size_t at = load_u32be(head) % b->len, cut = load_u32be(head + 4) % b->len;
    const uint8_t flip = head[8], how = head[9] % 4;
    b->ptr[at] = (char)((uint8_t)b->ptr[at] ^ flip);
    if (how == 1) b->len = cut;
    if (how == 2) {
        CLEANUP(buf_done) struct buf tail = BUF_INIT(4 * TEXT_MAX);
        ASSERT(buf_put(&tail, slice_sub(buf_view(b), cut, b->len)) == ERR_OK && buf_put(b, buf_view(&tail)) == ERR_OK);
    }
    return flip != 0 || how == 1 || how == 2;
}

static void seal_change_open(const uint8_t *head, struct slice text)
{
    CLEANUP(buf_done) struct buf sealed = BUF_INIT(4 * TEXT_MAX);
    CLEANUP(buf_done) struct buf out = BUF_INIT(4 * TEXT_MAX);
    ASSERT(seal_message(&key, SLICE("fuzz"), text, &sealed) == ERR_OK && sealed.len == seal_size(text.len));
    if (change(&sealed, head)) {
        ASSERT(seal_open_message(&key, SLICE("fuzz"), buf_view(&sealed), &out) == ERR_CORRUPT && out.len == 0);
        return;
    }
    ASSERT(seal_open_message(&key, SLICE("fuzz"), buf_view(&sealed), &out) == ERR_OK);
    ASSERT(slice_eq(buf_view(&out), text));
}

static void pad_unpad(struct slice in)
{
    CLEANUP(buf_done) struct buf b = BUF_INIT(2 * TEXT_MAX);
    struct slice back;
    ASSERT(buf_put(&b, in) == ERR_OK && sft_pad(&b) == ERR_OK);
    ASSERT(sft_unpad(buf_view(&b), &back) == ERR_OK && slice_eq(back, in));
    if (sft_unpad(in, &back) != ERR_OK) return;
    buf_reset(&b);
    ASSERT(buf_put(&b, back) == ERR_OK && sft_pad(&b) == ERR_OK && slice_eq(buf_view(&b), in));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice in = slice_of(data, size);
    if (size < HEAD || size > TEXT_MAX) return 0;
    open_anything(in);
    pad_unpad(in);
    seal_change_open(data, slice_sub(in, HEAD, size));
    return 0;
}
