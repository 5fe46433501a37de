/* search: what people type, as what the databases are asked. Internal to core/library. */
#ifndef SEALDROP_CORE_LIBRARY_SEARCH_H
#define SEALDROP_CORE_LIBRARY_SEARCH_H

#include "base/ctx.h"
#include "base/limits.h"

#define SEARCH_PATTERNS (LIMIT_SEARCH_WORDS + 2) /* the tag, the category */

struct search {
    struct slice like[SEARCH_PATTERNS]; /* for LIKE with '!' as the escape character; those not used are empty */
    size_t n;
    struct slice match; /* trigrams that all of them need, for FTS5; empty when there are none */
};
/* `tag` and `category`: keys, exactly these; ptr NULL: any. ERR_INVALID with an error of field "q". */
MUST_USE enum err search_parse(struct ctx *c, struct slice q, struct slice tag, struct slice category, struct search *ret);
/* A pattern for what begins with s. */
MUST_USE enum err search_prefix(struct ctx *c, struct slice s, struct slice *ret);

struct search_source {
    struct slice name, description, category, category_key;
    const struct slice *tags, *tag_keys;
    size_t n;
};
/* The text of a file that is searched in. */
MUST_USE enum err search_text(struct ctx *c, const struct search_source *s, struct slice *ret);

#endif
