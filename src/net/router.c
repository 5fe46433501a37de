/* Matching a path against the rows of a constant table. Rows are grouped by their number of segments; among those that
 * match, a literal segment further left beats a parameter. */
#include "net/router.h"

#include <string.h>

#include "base/intmath.h"
#include "base/mem.h"
#include "codec/uri.h"

#define SEGMENTS_MAX 16u

struct row {
    size_t index;
    enum http_method method;
    unsigned count;    /* segments */
    unsigned literals; /* bit set, the leftmost segment is the highest bit: larger is more specific */
    struct slice segments[SEGMENTS_MAX];
};

struct router {
    size_t count;
    size_t first[SEGMENTS_MAX + 2]; /* rows[first[n] .. first[n + 1]) have n segments */
    struct row rows[];
};

/* Splits "/a/b" into its segments; 0 when there are too many or no leading slash. */
static unsigned split(struct slice path, struct slice segments[SEGMENTS_MAX])
{
    unsigned n = 0;
    if (path.len == 0 || path.ptr[0] != '/') return 0;
    struct slice rest = slice_sub(path, 1, path.len);
    for (;;) {
        size_t len = slice_find(rest, '/');
        if (n == SEGMENTS_MAX) return 0;
        segments[n++] = slice_sub(rest, 0, len);
        if (len == rest.len) return n;
        rest = slice_sub(rest, len + 1, rest.len);
    }
}

static bool is_param(struct slice pattern)
{
    return pattern.len > 2 && pattern.ptr[0] == '{' && pattern.ptr[pattern.len - 1] == '}';
}

static enum err fill_row(struct row *r, size_t index, router_row_fn *get)
{
    const char *pattern = NULL;
    unsigned params = 0;
    r->index = index;
    get(index, &r->method, &pattern);
    r->count = split(slice_cstr(pattern), r->segments);
    if (r->count == 0) return ERR_INVALID;
    for (unsigned i = 0; i < r->count; i++) {
        if (is_param(r->segments[i]))
            params++;
        else
            r->literals |= 1u << (SEGMENTS_MAX - i);
    }
    return params > ROUTER_PARAMS_MAX ? ERR_INVALID : ERR_OK;
}

static void router_cleanup(struct router **r) { router_free(*r); }

enum err router_new(size_t rows, router_row_fn *get, struct router **ret)
{
    CLEANUP(router_cleanup) struct router *r = mem_alloc(1, sizeof *r + rows * sizeof r->rows[0]);
    CLEANUP(mem_cleanup) struct row *all = mem_alloc(rows, sizeof *all);
    if (!r || !all) return ERR_NOMEM;
    for (size_t i = 0; i < rows; i++) TRY(fill_row(&all[i], i, get));
    for (unsigned n = 0; n <= SEGMENTS_MAX; n++) {
        r->first[n] = r->count;
        for (size_t i = 0; i < rows; i++)
            if (all[i].count == n) r->rows[r->count++] = all[i];
    }
    r->first[SEGMENTS_MAX + 1] = r->count;
    *ret = TAKE(r);
    return ERR_OK;
}

void router_free(struct router *r) { mem_free(r); }

static bool matches(const struct row *r, const struct slice segments[SEGMENTS_MAX])
{
    for (unsigned i = 0; i < r->count; i++) {
        bool literal = r->literals & 1u << (SEGMENTS_MAX - i);
        if (literal ? !slice_eq(r->segments[i], segments[i]) : segments[i].len == 0) return false;
    }
    return true;
}

static enum err decode(struct ctx *c, struct slice segments[SEGMENTS_MAX], unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        if (slice_find(segments[i], '%') == segments[i].len) continue;
        TRY(uri_decode(&c->arena, segments[i], &segments[i]));
        /* What one layer reads as two segments and another as one is how checks are walked around. */
        if (slice_find(segments[i], '/') < segments[i].len) return ERR_INVALID;
    }
    return ERR_OK;
}

static void take_params(const struct row *r, const struct slice segments[SEGMENTS_MAX],
                        struct router_match *ret)
{
    ret->param_count = 0;
    for (unsigned i = 0; i < r->count; i++)
        if (!(r->literals & 1u << (SEGMENTS_MAX - i))) ret->params[ret->param_count++] = segments[i];
}

enum err router_find(const struct router *r, struct ctx *c, enum http_method method, struct slice path,
                     struct router_match *ret)
{
    struct slice segments[SEGMENTS_MAX];
    unsigned n = split(path, segments), best = 0, allowed = 0;
    bool any = false;
    const struct row *found = NULL;
    if (n == 0) return ERR_NOT_FOUND;
    TRY(decode(c, segments, n));
    enum http_method as = method == HTTP_HEAD ? HTTP_GET : method;
    for (size_t i = r->first[n]; i < r->first[n + 1]; i++) {
        const struct row *row = &r->rows[i];
        if ((any && row->literals < best) || !matches(row, segments)) continue;
        if (!any || row->literals > best) {
            any = true;
            best = row->literals;
            allowed = 0;
            found = NULL;
        }
        allowed |= 1u << row->method;
        if (row->method == HTTP_GET) allowed |= 1u << HTTP_HEAD;
        if (row->method == method || (row->method == as && !found)) found = row;
    }
    if (!any) return ERR_NOT_FOUND;
    ret->allowed = allowed;
    if (!found) return ERR_UNSUPPORTED;
    ret->index = found->index;
    take_params(found, segments, ret);
    return ERR_OK;
}
