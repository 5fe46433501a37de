/* Range, entity tags, Accept-Encoding. */
#include "codec/range.h"

static bool all_digits(struct slice s)
{
    for (size_t i = 0; i < s.len; i++)
        if (s.ptr[i] < '0' || s.ptr[i] > '9') return false;
    return s.len > 0;
}

/* A number beyond 64 bits is beyond any file: the largest will do. */
static uint64_t saturated(struct slice digits)
{
    uint64_t v = 0;
    return slice_u64(digits, UINT64_MAX, &v) == ERR_OK ? v : UINT64_MAX;
}

static enum range_result suffix_range(uint64_t length, uint64_t size, struct byte_range *ret)
{
    if (length == 0) return RANGE_UNSATISFIABLE;
    if (size == 0) return RANGE_NONE; /* satisfiable, but no Content-Range can say so */
    if (length > size) length = size;
    *ret = (struct byte_range){size - length, length};
    return RANGE_ONE;
}

enum range_result range_parse(struct slice header, uint64_t size, struct byte_range *ret)
{
    struct slice spec = slice_trim(header), unit = slice_cut(&spec, '=');
    if (!slice_eq_nocase(unit, SLICE("bytes")) || slice_find(spec, '-') == spec.len)
        return RANGE_NONE;
    struct slice from = slice_cut(&spec, '-'), to = spec;
    if (from.len == 0) return all_digits(to) ? suffix_range(saturated(to), size, ret) : RANGE_NONE;
    if (!all_digits(from) || (to.len && !all_digits(to))) return RANGE_NONE;
    uint64_t first = saturated(from), last = to.len ? saturated(to) : UINT64_MAX;
    if (last < first) return RANGE_NONE;
    if (first >= size) return RANGE_UNSATISFIABLE;
    if (last >= size) last = size - 1;
    *ret = (struct byte_range){first, last - first + 1};
    return RANGE_ONE;
}

struct etag {
    bool weak;
    struct slice opaque; /* without the quotes */
};

static bool take_etag(struct slice *s, struct etag *ret)
{
    ret->weak = slice_starts(*s, SLICE("W/"));
    struct slice rest = slice_sub(*s, ret->weak ? 2 : 0, s->len);
    if (rest.len == 0 || rest.ptr[0] != '"') return false;
    rest = slice_sub(rest, 1, rest.len);
    size_t end = slice_find(rest, '"');
    if (end == rest.len) return false;
    ret->opaque = slice_sub(rest, 0, end);
    *s = slice_sub(rest, end + 1, rest.len);
    return true;
}

bool etag_matches(struct slice list_header, struct slice etag, bool weak)
{
    struct slice rest = slice_trim(list_header);
    struct etag ours, theirs;
    bool found = false;
    if (slice_eq(rest, SLICE("*"))) return true;
    if (!take_etag(&etag, &ours) || etag.len) return false;
    while (rest.len) {
        if (rest.ptr[0] != ',') {
            if (!take_etag(&rest, &theirs)) return false;
            bool strong = !ours.weak && !theirs.weak;
            found = found || ((weak || strong) && slice_eq(ours.opaque, theirs.opaque));
            rest = slice_trim(rest);
            if (rest.len && rest.ptr[0] != ',') return false;
        }
        rest = slice_trim(slice_sub(rest, 1, rest.len));
    }
    return found;
}

/* "0", "0.5", "1.000" of a weight; true when it is well-formed and above zero. */
static bool weight_allows(struct slice q)
{
    if (q.len == 0 || q.len > 5 || q.ptr[0] < '0' || q.ptr[0] > '1' ||
        (q.len > 1 && q.ptr[1] != '.'))
        return false;
    bool above = q.ptr[0] == '1';
    for (size_t i = 2; i < q.len; i++) {
        if (q.ptr[i] < '0' || q.ptr[i] > '9') return false;
        if (q.ptr[0] == '1' && q.ptr[i] != '0') return false;
        above = above || q.ptr[i] != '0';
    }
    return above;
}

/* The parameters of one element: no weight means 1. */
static bool params_allow(struct slice params)
{
    struct slice p = slice_trim(params);
    if (p.len == 0) return true;
    struct slice name = slice_trim(slice_cut(&p, '='));
    return slice_eq_nocase(name, SLICE("q")) && weight_allows(slice_trim(p));
}

bool encoding_accepted(struct slice accept_encoding, const char *coding)
{
    struct slice rest = accept_encoding, wanted = slice_cstr(coding);
    bool others = slice_eq_nocase(wanted, SLICE("identity"));
    while (rest.len) {
        struct slice params = slice_cut(&rest, ',');
        struct slice name = slice_trim(slice_cut(&params, ';'));
        if (slice_eq_nocase(name, wanted)) return params_allow(params);
        if (slice_eq(name, SLICE("*"))) others = params_allow(params);
    }
    return others;
}
