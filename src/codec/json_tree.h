/* json_tree: a parsed JSON text, read-only. Private to codec/json.c; hides jansson, whose names collide with ours.
 *
 * Refuses duplicate members, NUL characters, anything but an object at the top, and nesting beyond LIMIT_JSON_DEPTH. */
#ifndef SEALDROP_CODEC_JSON_TREE_H
#define SEALDROP_CODEC_JSON_TREE_H

#include "base/err.h"
#include "base/slice.h"

enum json_kind {
    JSON_KIND_NULL,
    JSON_KIND_BOOL,
    JSON_KIND_INTEGER,
    JSON_KIND_REAL,
    JSON_KIND_STRING,
    JSON_KIND_LIST,
    JSON_KIND_OBJECT
};

struct json_node;

struct json_problem {
    const char *what; /* static text; never quotes the input, which may hold a password */
    int line, column; /* from 1; column 0 when there is none */
};

/* ERR_INVALID (with *ret_problem set), ERR_TOO_LARGE past the depth limit, ERR_NOMEM. Free with json_tree_free. */
MUST_USE enum err json_tree_parse(struct slice text, struct json_node **ret,
                                  struct json_problem *ret_problem);
/* CLEANUP(json_tree_free) on the root pointer; NULL is fine. */
void json_tree_free(struct json_node **root);

/* Nodes live as long as the root. Each getter asks for a node of its kind. */
enum json_kind json_node_kind(const struct json_node *n);
bool json_node_bool(const struct json_node *n);
int64_t json_node_integer(const struct json_node *n);
struct slice json_node_string(const struct json_node *n);
size_t json_node_count(const struct json_node *list);
const struct json_node *json_node_item(const struct json_node *list, size_t i);
/* NULL when there is no such member. */
const struct json_node *json_node_member(const struct json_node *object, const char *name);
/* Walk over the members: start with *iter NULL; false at the end. */
bool json_node_next(const struct json_node *object, void **iter, const char **ret_name);

#endif
