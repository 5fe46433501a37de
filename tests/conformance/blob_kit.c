/* Helpers of the blob suite and of the tests of the local backend: keys, content, whole blobs. */
#include <string.h>

#include "base/intmath.h"
#include "base/mem.h"
#include "blob_suite.h"
#include "lib/test.h"
#include "os/clock.h"

struct blob_key key_new(void)
{
    struct blob_key k = {0};
    if (os_new_id(&k.id) != ERR_OK) test_fail(__FILE__, __LINE__, "no id");
    return k;
}

void pattern(uint64_t offset, unsigned seed, void *p, size_t n)
{
    uint8_t *b = p;
    for (size_t i = 0; i < n; i++) {
        uint64_t x = (offset + i) * 2654435761u + (uint64_t)seed * 40503u;
        b[i] = (uint8_t)(1 + (x ^ x >> 13) % 255);
    }
}

enum err piece_open(struct ctx *c, struct blob_store *s, struct blob_key key, const struct blob_ref *ref,
                    const struct piece *p, struct blob_writer **ret)
{
    return blob_part_open(c, s, key, ref, &(struct blob_part){p->number, p->offset, p->size}, ret);
}

enum err piece_write(struct ctx *c, struct blob_writer *w, const struct piece *p, size_t step)
{
    uint8_t b[4096];
    for (size_t at = 0; at < p->size;) {
        size_t n = MIN(MIN(step, sizeof b), p->size - at);
        pattern(p->offset + at, p->seed, b, n);
        TRY(blob_part_write(c, w, b, n));
        at += n;
    }
    return ERR_OK;
}

enum err piece_store(struct ctx *c, struct blob_store *s, struct blob_key key, const struct blob_ref *ref,
                     const struct piece *p, enum blob_durability d, struct blob_tag *ret)
{
    struct blob_writer *w = NULL;
    TRY(piece_open(c, s, key, ref, p, &w));
    enum err e = piece_write(c, w, p, 4096);
    if (e != ERR_OK) {
        blob_part_abort(w);
        return e;
    }
    return blob_part_close(c, w, d, ret);
}

enum err blob_store_whole(struct ctx *c, struct blob_store *s, struct blob_key key, size_t size, size_t part,
                          unsigned seed)
{
    struct blob_ref ref;
    size_t n = (size_t)div_ceil_u64(size, part);
    CLEANUP(mem_cleanup) struct blob_tag *tags = mem_alloc(n, sizeof *tags);
    if (!tags) return ERR_NOMEM;
    TRY(blob_begin(c, s, key, &ref));
    for (size_t i = 0; i < n; i++) {
        struct piece p = {(uint32_t)i, i * part, MIN(part, size - i * part), seed};
        TRY(piece_store(c, s, key, &ref, &p, i % 2 ? BLOB_LATER : BLOB_DURABLE, &tags[i]));
    }
    return blob_commit(c, s, key, &ref, tags, n, size);
}

enum err blob_verify(struct ctx *c, struct blob_store *s, struct blob_key key, size_t size, unsigned seed)
{
    struct blob_reader *r = NULL;
    uint64_t have = 0;
    TRY(blob_open(c, s, key, &r, &have));
    bool same = have == size;
    for (size_t at = 0; at < size && same;) {
        uint8_t got[4096], want[4096];
        size_t n = 0;
        same = blob_read(c, r, at, got, sizeof got, &n) == ERR_OK && n == MIN(sizeof got, size - at);
        pattern(at, seed, want, n);
        same = same && memcmp(got, want, n) == 0;
        at += n;
    }
    blob_close(r);
    return same ? ERR_OK : ERR_CORRUPT;
}

bool blob_holds(struct ctx *c, struct blob_store *s, struct blob_key key, size_t size, unsigned seed)
{
    return blob_verify(c, s, key, size, seed) == ERR_OK;
}

enum err blob_probe(struct ctx *c, struct blob_store *s, struct blob_key key)
{
    struct blob_reader *r = NULL;
    uint64_t size = 0;
    TRY(blob_open(c, s, key, &r, &size));
    blob_close(r);
    return ERR_OK;
}
