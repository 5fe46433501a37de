/* zip_unique: a path of its own for each file of an archive. Sorted once; new names are only ever looked up among the given
 * ones, because two new names cannot be equal: each shows, by the number it ends in, from what it was made. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "codec/utf8.h"
#include "codec/zip.h"

#define NUMBER_BYTES 24        /* " (18446744073709551615)" */
#define EXTENSION_BYTES_MAX 16 /* what is longer is no extension but a name with a dot */

/* One entry in sorted order. */
struct ranked {
    struct slice path;
    size_t index;
    struct slice fresh; /* its new path; ptr NULL: it keeps the old */
};

struct ranking {
    struct ranked *items;
    size_t count;
};

static unsigned char fold(char c) { return (unsigned char)(c >= 'A' && c <= 'Z' ? c + 32 : c); }

static int fold_compare(struct slice a, struct slice b)
{
    for (size_t i = 0; i < a.len && i < b.len; i++) {
        int diff = fold(a.ptr[i]) - fold(b.ptr[i]);
        if (diff) return diff;
    }
    return (a.len > b.len) - (a.len < b.len);
}

static int rank_compare(const void *a, const void *b)
{
    const struct ranked *x = a, *y = b;
    int diff = fold_compare(x->path, y->path);
    return diff ? diff : (x->index > y->index) - (x->index < y->index);
}

/* The first path that is not before `s`, or the empty slice. */
static struct slice at_or_after(const struct ranking *r, struct slice s)
{
    size_t low = 0, high = r->count;
    while (low < high) {
        size_t mid = low + (high - low) / 2;
        if (fold_compare(r->items[mid].path, s) < 0)
            low = mid + 1;
        else
            high = mid;
    }
    return low < r->count ? r->items[low].path : SLICE("");
}

/* Is there an entry at or in directory `path`? */
static bool is_directory(const struct ranking *r, struct slice path)
{
    char with_slash[ZIP_PATH_BYTES + 1];
    memcpy(with_slash, path.ptr, path.len);
    with_slash[path.len] = '/';
    struct slice prefix = slice_of(with_slash, path.len + 1);
    struct slice next = at_or_after(r, prefix);
    return slice_eq_nocase(slice_sub(next, 0, prefix.len), prefix);
}

static bool is_taken(const struct ranking *r, struct slice path)
{
    return slice_eq_nocase(at_or_after(r, path), path) || is_directory(r, path);
}

/* "dir/stem.ext" as "dir/", "stem", ".ext"; a leading dot makes no extension. */
static void split(struct slice path, struct slice *ret_dir, struct slice *ret_stem,
                  struct slice *ret_ext)
{
    const char *slash = memrchr(path.ptr, '/', path.len);
    size_t start = slash ? (size_t)(slash - path.ptr) + 1 : 0;
    struct slice name = slice_sub(path, start, path.len);
    const char *dot = memrchr(name.ptr, '.', name.len);
    size_t cut = dot && dot > name.ptr ? (size_t)(dot - name.ptr) : name.len;
    if (name.len - cut > EXTENSION_BYTES_MAX) cut = name.len;
    *ret_dir = slice_sub(path, 0, start);
    *ret_stem = slice_sub(name, 0, cut);
    *ret_ext = slice_sub(name, cut, name.len);
}

/* Find a free name for one item; *next is the number to try first and, afterwards, the one after that taken. */
static enum err rename_one(struct arena *a, const struct ranking *r, struct ranked *item,
                           uint64_t *next)
{
    char path[ZIP_PATH_BYTES + 1];
    struct slice dir, stem, ext, fresh;
    split(item->path, &dir, &stem, &ext);
    size_t room = LIMIT_NAME_BYTES - NUMBER_BYTES - ext.len;
    bool cut = stem.len > room;
    /* Different names may become equal when cut. So a cut one counts in steps of n from its own index, above all numbers that
     * the others can reach: each number is tried by one entry only. */
    uint64_t own = r->count + 2 + item->index;
    uint64_t *number = cut ? &own : next, step = cut ? r->count : 1;
    if (cut) stem = slice_sub(stem, 0, utf8_cut(stem, room));
    do {
        int len =
            snprintf(path, sizeof path, SLICE_FMT SLICE_FMT " (%llu)" SLICE_FMT, SLICE_ARG(dir),
                     SLICE_ARG(stem), (unsigned long long)*number, SLICE_ARG(ext));
        fresh = slice_of(path, (size_t)len);
        *number += step;
    } while (is_taken(r, fresh));
    return arena_slice(a, fresh, &item->fresh);
}

/* Items [from, to) have equal paths: new ones for all but the first, and for that too when a directory has its name. */
static enum err rename_group(struct arena *a, const struct ranking *r, size_t from, size_t to)
{
    struct slice path = r->items[from].path;
    uint64_t next = 2;
    if (slice_ends(path, SLICE("/"))) return ERR_OK;
    for (size_t i = is_directory(r, path) ? from : from + 1; i < to; i++)
        TRY(rename_one(a, r, &r->items[i], &next));
    return ERR_OK;
}

enum err zip_unique(struct arena *a, struct zip_entry *entries, size_t n)
{
    CLEANUP(mem_cleanup) struct ranked *items = mem_alloc(n, sizeof *items);
    if (!items) return ERR_NOMEM;
    struct ranking r = {items, n};
    for (size_t i = 0; i < n; i++) {
        struct slice path = entries[i].path;
        if (path.len == 0 || path.len > ZIP_GIVEN_BYTES) return ERR_INVALID;
        if (memchr(path.ptr, 0, path.len)) return ERR_INVALID;
        items[i] = (struct ranked){.path = path, .index = i};
    }
    qsort(items, n, sizeof *items, rank_compare);
    for (size_t i = 0, end; i < n; i = end) {
        for (end = i + 1; end < n && slice_eq_nocase(items[i].path, items[end].path);) end++;
        TRY(rename_group(a, &r, i, end));
    }
    for (size_t i = 0; i < n; i++)
        if (items[i].fresh.ptr) entries[items[i].index].path = items[i].fresh;
    return ERR_OK;
}
