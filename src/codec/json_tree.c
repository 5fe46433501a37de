/* JSON text to a tree: jansson behind a depth check of our own, since its limit is a compiled-in 2048 levels of recursion. */
#include "codec/json_tree.h"

#include <jansson.h>

#include "base/limits.h"

/* Nodes are jansson's values under another name. */
static const json_t *value_of(const struct json_node *n) { return (const json_t *)(const void *)n; }

/* jansson's getters are not const-correct in all places. */
static json_t *mutable(const struct json_node *n)
{
    union {
        const struct json_node *from;
        json_t *to;
    } u = {.from = n};
    return u.to;
}

static const struct json_node *node_of(const json_t *v)
{
    return (const struct json_node *)(const void *)v;
}

static bool too_deep(struct slice text)
{
    size_t depth = 0;
    bool in_string = false;
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        if (in_string) {
            if (c == '\\') i++;
            if (c == '"') in_string = false;
        } else if (c == '"') {
            in_string = true;
        } else if (c == '{' || c == '[') {
            if (++depth > LIMIT_JSON_DEPTH) return true;
        } else if ((c == '}' || c == ']') && depth) {
            depth--;
        }
    }
    return false;
}

static const char *explain(int code)
{
    static const struct {
        int code;
        const char *what;
    } words[] = {
        {json_error_invalid_utf8, "not UTF-8"},
        {json_error_premature_end_of_input, "ends too early"},
        {json_error_end_of_input_expected, "text after the end"},
        {json_error_null_character, "a NUL character"},
        {json_error_null_byte_in_key, "a NUL character"},
        {json_error_duplicate_key, "a member is given twice"},
        {json_error_numeric_overflow, "a number is too large"},
    };
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (words[i].code == code) return words[i].what;
    return "not valid JSON";
}

enum err json_tree_parse(struct slice text, struct json_node **ret,
                         struct json_problem *ret_problem)
{
    json_error_t e = {.line = 1};
    if (too_deep(text)) return ERR_TOO_LARGE;
    json_t *root = json_loadb(text.len ? text.ptr : "", text.len, JSON_REJECT_DUPLICATES, &e);
    if (root && json_is_object(root)) {
        *ret = (struct json_node *)(void *)root;
        return ERR_OK;
    }
    int code = root ? json_error_wrong_type : (int)json_error_code(&e);
    json_decref(root);
    if (code == json_error_out_of_memory) return ERR_NOMEM;
    *ret_problem = (struct json_problem){explain(code), e.line > 0 ? e.line : 1, e.column};
    if (code == json_error_wrong_type) ret_problem->what = "must be an object";
    return ERR_INVALID;
}

void json_tree_free(struct json_node **root)
{
    json_decref((json_t *)(void *)*root);
    *root = NULL;
}

enum json_kind json_node_kind(const struct json_node *n)
{
    switch (json_typeof(value_of(n))) {
    case JSON_OBJECT:
        return JSON_KIND_OBJECT;
    case JSON_ARRAY:
        return JSON_KIND_LIST;
    case JSON_STRING:
        return JSON_KIND_STRING;
    case JSON_INTEGER:
        return JSON_KIND_INTEGER;
    case JSON_REAL:
        return JSON_KIND_REAL;
    case JSON_TRUE:
    case JSON_FALSE:
        return JSON_KIND_BOOL;
    case JSON_NULL:
        return JSON_KIND_NULL;
    }
    return JSON_KIND_NULL;
}

bool json_node_bool(const struct json_node *n) { return json_is_true(value_of(n)); }
int64_t json_node_integer(const struct json_node *n) { return json_integer_value(value_of(n)); }

struct slice json_node_string(const struct json_node *n)
{
    return slice_of(json_string_value(value_of(n)), json_string_length(value_of(n)));
}

size_t json_node_count(const struct json_node *list) { return json_array_size(value_of(list)); }

const struct json_node *json_node_item(const struct json_node *list, size_t i)
{
    return node_of(json_array_get(value_of(list), i));
}

const struct json_node *json_node_member(const struct json_node *object, const char *name)
{
    return node_of(json_object_get(value_of(object), name));
}

bool json_node_next(const struct json_node *object, void **iter, const char **ret_name)
{
    json_t *v = mutable(object);
    *iter = *iter ? json_object_iter_next(v, *iter) : json_object_iter(v);
    if (!*iter) return false;
    *ret_name = json_object_iter_key(*iter);
    return true;
}
