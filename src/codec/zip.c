/* zip: where each record and each file of the archive lies, and the bytes of the records (PKWARE APPNOTE 6.3.x; extra field
 * 0x5455 as Info-ZIP has it). Content is somebody else's. Records are measured by rendering them, so that sizes and bytes
 * cannot disagree. */
#include "codec/zip.h"

#include <string.h>

#include "base/intmath.h"
#include "base/mem.h"
#include "base/time.h"
#include "codec/utf8.h"

#define ZIP_MAX16 0xFFFFu
#define ZIP_MAX32 0xFFFFFFFFu

enum {
    VERSION_PLAIN = 10,
    VERSION_DIRECTORY = 20,
    VERSION_ZIP64 = 45,
    MADE_BY = 3 << 8 | 63, /* unix; 6.3, the first with UTF-8 names */
    FLAG_UTF8 = 1 << 11,
    EXTRA_ZIP64 = 0x0001,
    EXTRA_TIME = 0x5455
};

/* Where the records of one entry start. */
struct place {
    uint64_t local;
    uint64_t central;
};

struct zip_plan {
    const struct zip_entry *entries;
    size_t count;
    uint64_t size;
    struct place
        places[]; /* count + 1: the last holds the start of the central directory, and its end */
};

/* A record on its way into a buffer of ZIP_RECORD_BYTES. */
struct record {
    char *ptr;
    size_t len;
};

static void put(struct record *r, uint64_t v, unsigned bytes)
{
    for (unsigned i = 0; i < bytes; i++) r->ptr[r->len++] = (char)(v >> (8 * i));
}

static void put16(struct record *r, uint32_t v) { put(r, v, 2); }
static void put32(struct record *r, uint32_t v) { put(r, v, 4); }
static void put64(struct record *r, uint64_t v) { put(r, v, 8); }

static uint32_t cap32(uint64_t v) { return (uint32_t)MIN(v, ZIP_MAX32); }
static uint32_t cap16(uint64_t v) { return (uint32_t)MIN(v, ZIP_MAX16); }

static bool is_directory(const struct zip_entry *e) { return slice_ends(e->path, SLICE("/")); }

static uint32_t version_needed(const struct zip_entry *e, uint64_t offset)
{
    if (e->size >= ZIP_MAX32 || offset >= ZIP_MAX32) return VERSION_ZIP64;
    return is_directory(e) ? VERSION_DIRECTORY : VERSION_PLAIN;
}

/* MS-DOS date and time, in UTC as the archive must not depend on the server's zone: 1980 to 2107, two-second steps. */
static uint32_t dos_time(int64_t ms)
{
    const int64_t first_ms = 315532800000, last_ms = 4354819198000;
    struct civil_time t;
    time_civil(ms < first_ms ? first_ms : ms > last_ms ? last_ms : ms, &t);
    uint32_t date = (uint32_t)(t.year - 1980) << 9 | (uint32_t)t.month << 5 | (uint32_t)t.day;
    return date << 16 | (uint32_t)t.hour << 11 | (uint32_t)t.minute << 5 | (uint32_t)t.second / 2;
}

static int64_t floor_seconds(int64_t ms) { return ms / 1000 - (ms % 1000 < 0); }

/* The field holds a signed 32-bit second: outside of that only the DOS time is there. */
static bool has_time(const struct zip_entry *e)
{
    int64_t s = floor_seconds(e->mtime_ms);
    return s >= INT32_MIN && s <= INT32_MAX;
}

static void put_time(struct record *r, const struct zip_entry *e)
{
    if (!has_time(e)) return;
    put16(r, EXTRA_TIME);
    put16(r, 5);
    put(r, 1, 1); /* flags: modification time only */
    put32(r, (uint32_t)floor_seconds(e->mtime_ms));
}

/* What local and central headers share, from "version needed" to the length of the extra fields. */
static void put_common(struct record *r, const struct zip_entry *e, uint64_t offset,
                       uint32_t extra_len)
{
    put16(r, version_needed(e, offset));
    put16(r, FLAG_UTF8);
    put16(r, 0); /* method: stored */
    put32(r, dos_time(e->mtime_ms));
    put32(r, e->crc32);
    put32(r, cap32(e->size)); /* compressed */
    put32(r, cap32(e->size)); /* and not */
    put16(r, (uint32_t)e->path.len);
    put16(r, extra_len);
}

static void put_path(struct record *r, const struct zip_entry *e)
{
    memcpy(r->ptr + r->len, e->path.ptr, e->path.len);
    r->len += e->path.len;
}

static size_t local_header(const struct zip_entry *e, uint64_t offset, char *out)
{
    struct record r = {out, 0};
    bool big = e->size >= ZIP_MAX32;
    put32(&r, 0x04034b50);
    put_common(&r, e, offset, (big ? 20u : 0u) + (has_time(e) ? 9u : 0u));
    put_path(&r, e);
    if (big) {
        put16(&r, EXTRA_ZIP64);
        put16(&r, 16);
        put64(&r, e->size);
        put64(&r, e->size);
    }
    put_time(&r, e);
    return r.len;
}

static size_t central_header(const struct zip_entry *e, uint64_t offset, char *out)
{
    struct record r = {out, 0};
    bool big = e->size >= ZIP_MAX32, far = offset >= ZIP_MAX32;
    uint32_t zip64_len = (big ? 16u : 0u) + (far ? 8u : 0u);
    put32(&r, 0x02014b50);
    put16(&r, MADE_BY);
    put_common(&r, e, offset, (zip64_len ? 4u + zip64_len : 0u) + (has_time(e) ? 9u : 0u));
    put16(&r, 0); /* comment */
    put16(&r, 0); /* disk */
    put16(&r, 0); /* internal attributes */
    put32(&r, is_directory(e) ? 040755u << 16 | 0x10 : 0100644u << 16);
    put32(&r, cap32(offset));
    put_path(&r, e);
    if (zip64_len) {
        put16(&r, EXTRA_ZIP64);
        put16(&r, zip64_len);
    }
    if (big) {
        put64(&r, e->size);
        put64(&r, e->size);
    }
    if (far) put64(&r, offset);
    put_time(&r, e);
    return r.len;
}

static size_t end_records(const struct zip_plan *p, char *out)
{
    struct record r = {out, 0};
    uint64_t start = p->places[p->count].local, end = p->places[p->count].central;
    if (p->count >= ZIP_MAX16 || end - start >= ZIP_MAX32 || start >= ZIP_MAX32) {
        put32(&r, 0x06064b50);
        put64(&r, 44); /* length of what follows */
        put16(&r, MADE_BY);
        put16(&r, VERSION_ZIP64);
        put32(&r, 0); /* this disk */
        put32(&r, 0); /* disk of the directory */
        put64(&r, p->count);
        put64(&r, p->count);
        put64(&r, end - start);
        put64(&r, start);
        put32(&r, 0x07064b50); /* locator */
        put32(&r, 0);
        put64(&r, end);
        put32(&r, 1); /* disks */
    }
    put32(&r, 0x06054b50);
    put16(&r, 0);
    put16(&r, 0);
    put16(&r, cap16(p->count));
    put16(&r, cap16(p->count));
    put32(&r, cap32(end - start));
    put32(&r, cap32(start));
    put16(&r, 0); /* comment */
    return r.len;
}

static bool path_safe(struct slice path)
{
    struct slice rest = path;
    if (path.len == 0 || path.len > ZIP_PATH_BYTES || !utf8_valid(path)) return false;
    for (size_t i = 0; i < path.len; i++) {
        unsigned char c = (unsigned char)path.ptr[i];
        if (c < 0x20 || c == 0x7f || c == '\\') return false;
    }
    while (rest.len) {
        struct slice name = slice_cut(&rest, '/');
        if (name.len == 0 || slice_eq(name, SLICE(".")) || slice_eq(name, SLICE("..")))
            return false;
    }
    return true;
}

/* Offsets are kept below 2^63, as HTTP ranges and files have them. */
static enum err advance(uint64_t *offset, uint64_t n)
{
    uint64_t sum = 0;
    TRY(u64_add(*offset, n, &sum));
    if (sum > INT64_MAX) return ERR_TOO_LARGE;
    *offset = sum;
    return ERR_OK;
}

static enum err lay_out(struct zip_plan *p)
{
    char record[ZIP_RECORD_BYTES];
    uint64_t at = 0;
    for (size_t i = 0; i < p->count; i++) {
        const struct zip_entry *e = &p->entries[i];
        if (!path_safe(e->path)) return ERR_INVALID;
        if (is_directory(e) && (e->size || e->crc32)) return ERR_INVALID;
        p->places[i].local = at;
        TRY(advance(&at, local_header(e, at, record)));
        TRY(advance(&at, e->size));
    }
    p->places[p->count].local = at;
    for (size_t i = 0; i < p->count; i++) {
        p->places[i].central = at;
        TRY(advance(&at, central_header(&p->entries[i], p->places[i].local, record)));
    }
    p->places[p->count].central = at;
    TRY(advance(&at, end_records(p, record)));
    p->size = at;
    return ERR_OK;
}

enum err zip_plan_new(const struct zip_entry *entries, size_t n, struct zip_plan **ret)
{
    size_t bytes = 0;
    TRY(size_add(n, 1, &bytes));
    TRY(size_mul(bytes, sizeof(struct place), &bytes));
    TRY(size_add(bytes, sizeof(struct zip_plan), &bytes));
    CLEANUP(zip_plan_cleanup) struct zip_plan *p = mem_alloc(1, bytes);
    if (!p) return ERR_NOMEM;
    p->entries = entries;
    p->count = n;
    TRY(lay_out(p));
    *ret = TAKE(p);
    return ERR_OK;
}

void zip_plan_free(struct zip_plan *p) { mem_free(p); }

void zip_plan_cleanup(struct zip_plan **p) { zip_plan_free(*p); }

uint64_t zip_plan_size(const struct zip_plan *p) { return p->size; }

/* The last entry whose local (or central) record starts at or before `offset`, which is in that half. */
static size_t find(const struct zip_plan *p, uint64_t offset, bool central)
{
    size_t low = 0, high = p->count;
    while (high - low > 1) {
        size_t mid = low + (high - low) / 2;
        uint64_t start = central ? p->places[mid].central : p->places[mid].local;
        if (start <= offset)
            low = mid;
        else
            high = mid;
    }
    return low;
}

/* ret->record holds a record of `len` bytes: the piece is what is left of it after `skip`. */
static void literal(struct zip_piece *ret, size_t len, uint64_t skip)
{
    ret->kind = ZIP_LITERAL;
    ret->bytes = slice_sub(slice_of(ret->record, len), (size_t)skip, len);
    ret->len = ret->bytes.len;
}

enum err zip_plan_piece(const struct zip_plan *p, uint64_t offset, struct zip_piece *ret)
{
    const struct place *last = &p->places[p->count];
    if (offset >= p->size) return ERR_INVALID;
    if (offset >= last->central) {
        literal(ret, end_records(p, ret->record), offset - last->central);
        return ERR_OK;
    }
    size_t i = find(p, offset, offset >= last->local);
    const struct zip_entry *e = &p->entries[i];
    if (offset >= last->local) {
        size_t len = central_header(e, p->places[i].local, ret->record);
        literal(ret, len, offset - p->places[i].central);
        return ERR_OK;
    }
    size_t len = local_header(e, p->places[i].local, ret->record);
    uint64_t skip = offset - p->places[i].local;
    if (skip < len) {
        literal(ret, len, skip);
        return ERR_OK;
    }
    ret->kind = ZIP_CONTENT;
    ret->bytes = (struct slice){0};
    ret->entry = i;
    ret->offset = skip - len;
    ret->len = e->size - ret->offset;
    return ERR_OK;
}
