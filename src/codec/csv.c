/* A reader of CSV records. */
#include "codec/csv.h"

static bool at_end(struct slice s) { return s.len == 0 || s.ptr[0] == ',' || s.ptr[0] == '\n' || s.ptr[0] == '\r'; }

static struct slice skip(struct slice s, size_t n) { return slice_sub(s, n, s.len); }

static enum err quoted(struct arena *a, struct csv *p, struct slice *ret)
{
    struct slice s = skip(p->rest, 1);
    char *text = arena_alloc(a, s.len + 1, 1);
    size_t n = 0;
    if (!text) return ERR_NOMEM;
    for (;; s = skip(s, 1)) {
        if (s.len == 0) return ERR_INVALID;
        if (s.ptr[0] == '"') {
            s = skip(s, 1);
            if (s.len == 0 || s.ptr[0] != '"') break;
        }
        p->lines += s.ptr[0] == '\n';
        text[n++] = s.ptr[0];
    }
    if (!at_end(s)) return ERR_INVALID;
    p->rest = s;
    *ret = slice_of(text, n);
    return ERR_OK;
}

static enum err plain(struct csv *p, struct slice *ret)
{
    size_t n = 0;
    while (!at_end(skip(p->rest, n))) {
        if (p->rest.ptr[n] == '"') return ERR_INVALID;
        n++;
    }
    *ret = slice_sub(p->rest, 0, n);
    p->rest = skip(p->rest, n);
    return ERR_OK;
}

/* A lone CR ends nothing. */
static enum err line_end(struct csv *p)
{
    if (p->rest.len && p->rest.ptr[0] == '\r') p->rest = skip(p->rest, 1);
    if (p->rest.len == 0) return ERR_OK;
    if (p->rest.ptr[0] != '\n') return ERR_INVALID;
    p->rest = skip(p->rest, 1);
    p->lines++;
    return ERR_OK;
}

enum err csv_next(struct arena *a, struct csv *p, struct slice *fields, size_t max, size_t *ret_n)
{
    size_t n = 0;
    while (p->rest.len && (p->rest.ptr[0] == '\n' || p->rest.ptr[0] == '\r')) TRY(line_end(p));
    if (p->rest.len == 0) return ERR_NOT_FOUND;
    p->line = p->lines + 1;
    for (;;) {
        if (n == max) return ERR_TOO_LARGE;
        TRY(p->rest.len && p->rest.ptr[0] == '"' ? quoted(a, p, &fields[n]) : plain(p, &fields[n]));
        n++;
        if (p->rest.len == 0 || p->rest.ptr[0] != ',') break;
        p->rest = skip(p->rest, 1);
    }
    TRY(line_end(p));
    *ret_n = n;
    return ERR_OK;
}
