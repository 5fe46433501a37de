/* router: which row of a constant table a request is for. Patterns: "/api/v1/uploads/{id}/parts/{n}"; a segment in braces
 * takes one non-empty path segment (percent-decoded into the arena; an encoded slash or NUL is refused). Thread-safe. */
#ifndef SEALDROP_NET_ROUTER_H
#define SEALDROP_NET_ROUTER_H

#include "net/http.h"

#define ROUTER_PARAMS_MAX 4

struct router;
struct router_match {
    size_t index; /* of the row */
    struct slice params[ROUTER_PARAMS_MAX];
    size_t param_count;
    unsigned allowed; /* bit set of enum http_method for this path (also when the method did not match) */
};

/* row i of the table: method and pattern, read through `get` (the table's own struct stays the caller's). */
typedef void router_row_fn(size_t i, enum http_method *ret_method, const char **ret_pattern);
MUST_USE enum err router_new(size_t rows, router_row_fn *get, struct router **ret);
void router_free(struct router *r);
/* ERR_NOT_FOUND: no such path; ERR_UNSUPPORTED: the path exists, not with this method (see ret->allowed). HEAD matches GET
 * rows. ERR_INVALID: the path is not valid percent-encoding. */
MUST_USE enum err router_find(const struct router *r, struct ctx *c, enum http_method method, struct slice path,
                              struct router_match *ret);

#endif
