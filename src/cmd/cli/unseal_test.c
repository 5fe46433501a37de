/* unseal: any cutting of the bytes gives the plaintext; nothing that does not verify comes out; going on after a break. */
#include "cmd/cli/unseal.h"

#include "base/intmath.h"
#include "base/mem.h"
#include "lib/test.h"

#define PART_SIZE 65536u

struct sink {
    char *bytes; /* the file */
    uint64_t size, next;
    bool in_order;
    enum err fail;
};

static enum err emit(void *arg, uint64_t offset, const void *p, size_t n)
{
    struct sink *s = arg;
    if (s->fail != ERR_OK) return s->fail;
    s->in_order = s->in_order && offset == s->next && offset + n <= s->size;
    if (!s->in_order) return ERR_INTERNAL;
    memcpy(s->bytes + offset, p, n);
    s->next = offset + n;
    return ERR_OK;
}

struct sample {
    struct key key;
    struct id content_id;
    uint64_t size;
    char *plain, *got;
    struct buf sealed; /* of one part */
};

static void sample_done(struct sample *s)
{
    mem_free(s->plain);
    mem_free(s->got);
    buf_done(&s->sealed);
}

static enum err make(struct sample *s, uint64_t size, uint32_t part)
{
    struct sft_context context;
    *s = (struct sample){.key = {{7}}, .content_id = {{8}}, .size = size, .sealed = BUF_INIT(1 << 20)};
    s->plain = mem_alloc(size + 1, 1);
    s->got = mem_alloc(size + 1, 1);
    if (!s->plain || !s->got) return ERR_NOMEM;
    for (uint64_t i = 0; i < size; i++) s->plain[i] = (char)(i * 31 + i / 257);
    sft_part_context(&context, &s->content_id, PART_SIZE, part);
    return seal_message(&s->key, sft_context_view(&context),
                        slice_of(s->plain + (uint64_t)part * PART_SIZE, (size_t)sft_part_plain(size, PART_SIZE, part)),
                        &s->sealed);
}

static enum err start(struct unseal *u, const struct sample *s, uint32_t part, struct sink *sink)
{
    *sink = (struct sink){s->got, s->size, (uint64_t)part * PART_SIZE, true, ERR_OK};
    return unseal_start(u, &s->key, &s->content_id, s->size, PART_SIZE, part, emit, sink);
}

static enum err push_cut(struct unseal *u, struct slice sealed, size_t step)
{
    for (size_t at = 0; at < sealed.len; at += step) {
        struct slice piece = slice_sub(sealed, at, at + step);
        TRY(unseal_push(u, piece.ptr, piece.len));
    }
    return ERR_OK;
}

TEST(unseal_any_cutting)
{
    static const uint64_t sizes[] = {0, 1, 16383, 16384, 16385, 65535, 65536, 65537, 131072, 200000};
    static const size_t steps[] = {1, 55, 56, 57, 16399, 16400, 16401, 1 << 20};
    CLEANUP(unseal_cleanup) struct unseal *u = NULL;
    CHECK_OK(unseal_new(&u));
    for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
        for (uint32_t part = 0; part < sft_part_count(sizes[i], PART_SIZE); part++) {
            CLEANUP(sample_done) struct sample s;
            CHECK_OK(make(&s, sizes[i], part));
            for (size_t k = 0; k < ARRAY_LEN(steps); k++) {
                struct sink sink;
                struct seal_header h;
                CHECK_OK(start(u, &s, part, &sink));
                CHECK_U64(unseal_length(u), s.sealed.len);
                CHECK_OK(push_cut(u, buf_view(&s.sealed), steps[k]));
                CHECK_OK(unseal_finish(u, &h));
                CHECK(memcmp(h.b, s.sealed.ptr, SEAL_HEADER) == 0 && sink.in_order);
                size_t from = (size_t)part * PART_SIZE, n = (size_t)sft_part_plain(s.size, PART_SIZE, part);
                CHECK(memcmp(s.got + from, s.plain + from, n) == 0 && sink.next == from + n);
                CHECK_ERR(unseal_push(u, "x", 1), ERR_CORRUPT); /* more than the part has */
            }
        }
    }
}

TEST(unseal_refuses_what_does_not_verify)
{
    CLEANUP(unseal_cleanup) struct unseal *u = NULL;
    CLEANUP(sample_done) struct sample s;
    struct sink sink;
    struct seal_header h;
    CHECK_OK(unseal_new(&u));
    CHECK_OK(make(&s, 100000, 1));
    static const size_t flips[] = {0, 23, 24, 55, 56, 16400, 16471, 30000};
    for (size_t i = 0; i < ARRAY_LEN(flips); i++) {
        s.sealed.ptr[flips[i]] ^= 1;
        CHECK_OK(start(u, &s, 1, &sink));
        CHECK_ERR(push_cut(u, buf_view(&s.sealed), 1000), ERR_CORRUPT);
        CHECK(unseal_finish(u, &h) == ERR_CORRUPT);
        s.sealed.ptr[flips[i]] ^= 1;
    }
    /* truncated */
    CHECK_OK(start(u, &s, 1, &sink));
    CHECK_OK(unseal_push(u, s.sealed.ptr, s.sealed.len - 1));
    CHECK_ERR(unseal_finish(u, &h), ERR_CORRUPT);
    /* another part's place, another key, another file */
    CHECK_OK(start(u, &s, 0, &sink));
    CHECK_ERR(unseal_push(u, s.sealed.ptr, s.sealed.len), ERR_CORRUPT);
    struct sample wrong = s;
    wrong.key.b[0] ^= 1;
    CHECK_OK(start(u, &wrong, 1, &sink));
    CHECK_ERR(unseal_push(u, s.sealed.ptr, s.sealed.len), ERR_CORRUPT);
    wrong = s;
    wrong.content_id.b[3] ^= 1;
    CHECK_OK(start(u, &wrong, 1, &sink));
    CHECK_ERR(unseal_push(u, s.sealed.ptr, s.sealed.len), ERR_CORRUPT);
    CHECK_ERR(start(u, &s, 2, &sink), ERR_INVALID); /* there is no part 2 */
}

TEST(unseal_goes_on_after_a_break)
{
    CLEANUP(unseal_cleanup) struct unseal *u = NULL;
    CLEANUP(sample_done) struct sample s;
    CHECK_OK(unseal_new(&u));
    CHECK_OK(make(&s, 65000, 0));
    for (size_t cut = 0; cut < s.sealed.len; cut += 997) {
        struct sink sink;
        struct seal_header h;
        uint64_t from = 0;
        CHECK_OK(start(u, &s, 0, &sink));
        CHECK_OK(unseal_push(u, s.sealed.ptr, cut));
        CHECK_OK(unseal_resume(u, &from));
        CHECK(from <= cut && cut - from <= SEAL_SEALED_CHUNK);
        CHECK(sink.next == (from > SEAL_HEADER ? (from - SEAL_HEADER) / SEAL_SEALED_CHUNK * SEAL_CHUNK : 0));
        CHECK_OK(unseal_push(u, s.sealed.ptr + from, s.sealed.len - (size_t)from));
        CHECK_OK(unseal_resume(u, &from));
        CHECK_U64(from, s.sealed.len);
        CHECK_OK(unseal_finish(u, &h));
        CHECK(memcmp(s.got, s.plain, s.size) == 0);
    }
}

TEST(unseal_failing_sink_and_memory)
{
    CLEANUP(unseal_cleanup) struct unseal *u = NULL;
    CLEANUP(sample_done) struct sample s;
    struct sink sink;
    struct seal_header h;
    CHECK_OK(unseal_new(&u));
    CHECK_OK(make(&s, 100, 0));
    CHECK_OK(start(u, &s, 0, &sink));
    sink.fail = ERR_NOSPACE;
    CHECK_OK(unseal_push(u, s.sealed.ptr, s.sealed.len));
    CHECK_ERR(unseal_finish(u, &h), ERR_NOSPACE);
    for (uint64_t n = 0; n < 10; n++) {
        struct unseal *v = NULL;
        test_fail_alloc(n, false);
        enum err e = unseal_new(&v);
        test_fail_alloc(UINT64_MAX, false);
        unseal_free(v);
        if (e == ERR_OK) return;
    }
    CHECK(false);
}
