/* Which digests there are, and how their fields are read. */
#include "codec/digest.h"

#include <string.h>

#include "codec/sfield.h"

#define PREFERENCE_MAX 10

static const struct {
    const char *name;
    size_t bytes;
} algorithms[DIGEST_ALGORITHMS] = {
    [DIGEST_SHA256] = {"sha-256", 32},
    [DIGEST_SHA512] = {"sha-512", 64},
};

const char *digest_name(enum digest_algorithm a) { return algorithms[a].name; }
size_t digest_bytes(enum digest_algorithm a) { return algorithms[a].bytes; }

static enum digest_result parse_one(struct slice header, enum digest_algorithm a, struct digest *ret)
{
    struct sfield f;
    struct digest d = {.algorithm = a};
    /* Decoded in place: a buffer that is as large as it may ever be does not allocate. */
    struct buf out = {.ptr = (char *)d.b, .cap = digest_bytes(a), .max = digest_bytes(a)};
    enum err e = sfield_member(header, slice_cstr(digest_name(a)), &f);
    if (e == ERR_NOT_FOUND) return DIGEST_NONE;
    if (e != ERR_OK || sfield_bytes(&f, &out) != ERR_OK || out.len != digest_bytes(a)) return DIGEST_BAD;
    *ret = d;
    return DIGEST_ONE;
}

enum digest_result digest_parse(struct slice header, enum digest_algorithm max, struct digest *ret)
{
    struct digest best;
    enum digest_result result = DIGEST_NONE;
    for (enum digest_algorithm a = 0; a <= max; a++) {
        enum digest_result one = parse_one(header, a, &best);
        if (one == DIGEST_BAD) return DIGEST_BAD;
        if (one == DIGEST_ONE) result = DIGEST_ONE;
    }
    if (result == DIGEST_ONE) *ret = best;
    return result;
}

bool digest_wanted(struct slice header, enum digest_algorithm *ret)
{
    int64_t best = 0;
    for (enum digest_algorithm a = 0; a < DIGEST_ALGORITHMS; a++) {
        struct sfield f;
        enum err e = sfield_member(header, slice_cstr(digest_name(a)), &f);
        if (e == ERR_INVALID) return false;
        if (e != ERR_OK || f.type != SFIELD_INTEGER || f.integer > PREFERENCE_MAX || f.integer <= best) continue;
        best = f.integer;
        *ret = a;
    }
    return best > 0;
}
