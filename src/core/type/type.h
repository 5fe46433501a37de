/* type: which files may be stored, by what their name says (its last extension) and by what their content is (core/type/sniff.h).
 *
 * A list names media types ("application/pdf", "image/" + "*") and extensions (".pdf"), separated by commas. Denied is what the
 * deny list names by extension, by the type of the extension or by the detected type. With an allow list, both the name and the
 * content must be on it. A mismatch is a name that says one thing and a content that is another. */
#ifndef SEALDROP_CORE_TYPE_TYPE_H
#define SEALDROP_CORE_TYPE_TYPE_H

#include "base/slice.h"

struct type_policy {
    struct slice allow;   /* empty: everything */
    struct slice deny;
    bool refuse_mismatch;
};

enum type_verdict { TYPE_ALLOWED, TYPE_DENIED, TYPE_MISMATCH, TYPE_UNKNOWN };
/* A word for each, as states carry it: "type_denied", "type_mismatch", "type_unknown"; empty for TYPE_ALLOWED. */
struct slice type_verdict_word(enum type_verdict v);

/* Is there anything to enforce? */
bool type_policy_set(const struct type_policy *p);
/* By the name alone, before anything is stored. */
enum type_verdict type_check_name(const struct type_policy *p, struct slice name);
/* By name and detected type (empty: could not be told, which no policy lets through). */
enum type_verdict type_check(const struct type_policy *p, struct slice name, struct slice detected);
/* Does the name's extension fit the content? True when the extension says nothing. */
bool type_fits_name(struct slice name, struct slice detected);
/* Are these the words of a list? */
bool type_list_valid(struct slice list);

#endif
