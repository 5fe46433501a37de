/* Decoding JSON objects into structs by their tables. Parsing is json_tree's; printing is json_write.c's.
 *
 * Objects wait in a list until their turn comes, so nesting in the input costs no stack. */
#include "codec/json.h"

#include <inttypes.h>
#include <stdarg.h>

#include "base/assert.h"
#include "base/intmath.h"
#include "base/limits.h"
#include "base/time.h"
#include "codec/base64.h"
#include "codec/json_tree.h"

#define NO_INDEX SIZE_MAX
#define PATH_SHOWN 200

/* Where a value stands: "parent.name[index]". */
struct place {
    struct slice parent;
    const char *name;
    size_t index;
};

/* An object that is still to be decoded. */
struct job {
    struct job *next;
    const struct json_node *node;
    const struct json_table *table;
    char *dest;
    struct slice path;
};

struct decoder {
    struct ctx *c;
    enum json_mode mode;
    bool bad;
    struct job *first;
    struct job **last;
};

/* The path for people, cut when a client sends absurd member names. */
static void place_text(const struct place *p, char *ret, size_t size)
{
    bool dot = p->parent.len && p->name[0];
    snprintf(ret, size, SLICE_FMT "%s%s", SLICE_ARG(p->parent), dot ? "." : "", p->name);
    size_t used = strlen(ret);
    if (p->index != NO_INDEX) snprintf(ret + used, size - used, "[%zu]", p->index);
}

PRINTF_LIKE(3, 4)
static void note(struct decoder *d, const struct place *p, const char *fmt, ...)
{
    char path[PATH_SHOWN], message[256];
    va_list args;
    d->bad = true;
    /* A hostile text may have a hundred thousand: no time for those that will not be told. */
    if (d->c->field_error_count == ARRAY_LEN(d->c->field_errors)) return;
    place_text(p, path, sizeof path);
    va_start(args, fmt);
    vsnprintf(message, sizeof message, fmt, args);
    va_end(args);
    ctx_field_error(d->c, path[0] ? path : "body", message);
}

static void note_words(struct decoder *d, const struct place *p, const char *const *words)
{
    char text[200] = "";
    size_t used = 0;
    for (size_t i = 0; words[i] && used < sizeof text; i++)
        used += (size_t)snprintf(text + used, sizeof text - used, "%s%s", i ? ", " : "", words[i]);
    note(d, p, "must be one of: %s", text);
}

static bool is_word(struct slice s, const char *const *words)
{
    for (; *words; words++)
        if (slice_eq(s, slice_cstr(*words))) return true;
    return false;
}

static enum err add_job(struct decoder *d, const struct place *p, const struct json_table *t,
                        char *dest, const struct json_node *n)
{
    char path[PATH_SHOWN];
    struct job *job = ARENA_NEW(&d->c->arena, struct job);
    if (!job) return ERR_NOMEM;
    *job = (struct job){.node = n, .table = t, .dest = dest};
    place_text(p, path, sizeof path);
    TRY(arena_slice(&d->c->arena, slice_cstr(path), &job->path));
    *d->last = job;
    d->last = &job->next;
    return ERR_OK;
}

static enum err get_string(struct decoder *d, const struct place *p, const struct json_field *f,
                           void *dest, const struct json_node *n)
{
    struct slice s = json_node_string(n);
    /* For a list `max` counts items. */
    if (f->type == JSON_STRING && f->max && s.len > f->max) {
        note(d, p, "is longer than %" PRIu64 " bytes", f->max);
        return ERR_OK;
    }
    if (f->words && !is_word(s, f->words)) {
        note_words(d, p, f->words);
        return ERR_OK;
    }
    TRY(arena_slice(&d->c->arena, s, &s));
    memcpy(dest, &s, sizeof s);
    return ERR_OK;
}

static enum err get_bytes(struct decoder *d, const struct place *p, const struct json_field *f,
                          void *dest, const struct json_node *n)
{
    struct slice s = json_node_string(n);
    CLEANUP(buf_done) struct buf bytes = BUF_INIT(s.len);
    bytes.sensitive = true;
    enum err e = base64url_decode(&bytes, s);
    if (e == ERR_INVALID) {
        note(d, p, "must be base64url text without padding");
        return ERR_OK;
    }
    TRY(e);
    if (f->max && bytes.len > f->max) {
        note(d, p, "is longer than %" PRIu64 " bytes", f->max);
        return ERR_OK;
    }
    TRY(arena_slice(&d->c->arena, buf_view(&bytes), &s));
    memcpy(dest, &s, sizeof s);
    return ERR_OK;
}

static void put_number(const struct json_field *f, void *dest, uint64_t v)
{
    struct opt_u64 opt = {true, v};
    if (f->type == JSON_OPT_U64)
        memcpy(dest, &opt, sizeof opt);
    else
        memcpy(dest, &v, sizeof v);
}

static void get_number(struct decoder *d, const struct place *p, const struct json_field *f,
                       void *dest, const struct json_node *n)
{
    int64_t v = json_node_integer(n);
    if (v < 0)
        note(d, p, "must not be negative");
    else if (f->type != JSON_PAIRS && f->max && (uint64_t)v > f->max)
        note(d, p, "must be at most %" PRIu64, f->max);
    else
        put_number(f, dest, (uint64_t)v);
}

static void get_bool(const struct json_field *f, void *dest, const struct json_node *n)
{
    struct opt_bool opt = {true, json_node_bool(n)};
    if (f->type == JSON_OPT_BOOL)
        memcpy(dest, &opt, sizeof opt);
    else
        memcpy(dest, &opt.v, sizeof opt.v);
}

static void get_id(struct decoder *d, const struct place *p, const struct json_field *f, void *dest,
                   const struct json_node *n)
{
    struct opt_id opt = {.set = true};
    if (id_parse(json_node_string(n), &opt.v) != ERR_OK)
        note(d, p, "must be an id (UUID text)");
    else if (f->type == JSON_OPT_ID)
        memcpy(dest, &opt, sizeof opt);
    else
        memcpy(dest, &opt.v, sizeof opt.v);
}

static void get_time(struct decoder *d, const struct place *p, const struct json_field *f,
                     void *dest, const struct json_node *n)
{
    struct opt_i64 opt = {.set = true};
    if (time_parse_rfc3339(json_node_string(n), &opt.v) != ERR_OK)
        note(d, p, "must be a time such as 2026-11-21T20:15:00Z");
    else if (f->type == JSON_OPT_TIME)
        memcpy(dest, &opt, sizeof opt);
    else
        memcpy(dest, &opt.v, sizeof opt.v);
}

static void get_pair(struct decoder *d, const struct place *p, const struct json_field *f,
                     void *dest, const struct json_node *n)
{
    uint64_t pair[2] = {0};
    if (json_node_count(n) != 2) {
        note(d, p, "must have two numbers");
        return;
    }
    for (size_t i = 0; i < 2; i++) {
        const struct json_node *item = json_node_item(n, i);
        if (json_node_kind(item) == JSON_KIND_INTEGER)
            get_number(d, p, f, &pair[i], item);
        else
            note(d, p, "must have two numbers");
    }
    memcpy(dest, pair, sizeof pair);
}

static enum err get_object(struct decoder *d, const struct place *p, const struct json_field *f,
                           void *dest, const struct json_node *n)
{
    char *obj = arena_alloc(&d->c->arena, 1, f->table->size);
    if (!obj) return ERR_NOMEM;
    memcpy(dest, &obj, sizeof obj);
    return add_job(d, p, f->table, obj, n);
}

/* What a type looks like in JSON, how it is called, and how large one item of a list of it is. */
struct shape {
    enum json_kind kind;
    const char *wanted;
    bool is_list;
};

static struct shape shape_of(enum json_type type)
{
    switch (type) {
    case JSON_STRING:
    case JSON_ID:
    case JSON_OPT_ID:
    case JSON_TIME:
    case JSON_OPT_TIME:
    case JSON_BYTES:
        return (struct shape){JSON_KIND_STRING, "must be a string", false};
    case JSON_U64:
    case JSON_OPT_U64:
        return (struct shape){JSON_KIND_INTEGER, "must be a whole number", false};
    case JSON_BOOL:
    case JSON_OPT_BOOL:
        return (struct shape){JSON_KIND_BOOL, "must be true or false", false};
    case JSON_OBJECT:
        return (struct shape){JSON_KIND_OBJECT, "must be an object", false};
    case JSON_STRINGS:
    case JSON_IDS:
        return (struct shape){JSON_KIND_STRING, "must be a string", true};
    case JSON_OBJECTS:
        return (struct shape){JSON_KIND_OBJECT, "must be an object", true};
    case JSON_PAIRS:
        return (struct shape){JSON_KIND_LIST, "must be a list of two numbers", true};
    case JSON_RAW:
        break;
    }
    ASSERT(false); /* JSON_RAW is for printing only: a table with it describes answers, not input */
    return (struct shape){0};
}

static size_t item_size(const struct json_field *f)
{
    if (f->type == JSON_OBJECTS) return f->table->size;
    if (f->type == JSON_IDS) return sizeof(struct id);
    if (f->type == JSON_PAIRS) return sizeof(uint64_t[2]);
    return sizeof(struct slice);
}

/* One value, which may be an item of a list; its kind is right. */
static enum err get_value(struct decoder *d, const struct place *p, const struct json_field *f,
                          void *dest, const struct json_node *n)
{
    switch (f->type) {
    case JSON_STRING:
    case JSON_STRINGS:
        return get_string(d, p, f, dest, n);
    case JSON_BYTES:
        return get_bytes(d, p, f, dest, n);
    case JSON_OBJECT:
        return get_object(d, p, f, dest, n);
    case JSON_OBJECTS:
        return add_job(d, p, f->table, dest, n);
    case JSON_U64:
    case JSON_OPT_U64:
        get_number(d, p, f, dest, n);
        break;
    case JSON_BOOL:
    case JSON_OPT_BOOL:
        get_bool(f, dest, n);
        break;
    case JSON_ID:
    case JSON_OPT_ID:
    case JSON_IDS:
        get_id(d, p, f, dest, n);
        break;
    case JSON_TIME:
    case JSON_OPT_TIME:
        get_time(d, p, f, dest, n);
        break;
    case JSON_PAIRS:
        get_pair(d, p, f, dest, n);
        break;
    case JSON_RAW:
        return ERR_INTERNAL;
    }
    return ERR_OK;
}

static enum err get_list(struct decoder *d, const struct place *p, const struct json_field *f,
                         void *dest, const struct json_node *n)
{
    struct shape shape = shape_of(f->type);
    size_t count = json_node_count(n), size = item_size(f);
    uint64_t max = f->max ? f->max : LIMIT_JSON_ARRAY;
    if (count > max) {
        note(d, p, "has more than %" PRIu64 " items", max);
        return ERR_OK;
    }
    char *items = arena_alloc(&d->c->arena, count, size);
    if (!items) return ERR_NOMEM;
    for (size_t i = 0; i < count; i++) {
        struct place at = {p->parent, p->name, i};
        const struct json_node *item = json_node_item(n, i);
        if (json_node_kind(item) == shape.kind)
            TRY(get_value(d, &at, f, items + i * size, item));
        else
            note(d, &at, "%s", shape.wanted);
    }
    struct json_list list = {items, count, true};
    memcpy(dest, &list, sizeof list);
    return ERR_OK;
}

static enum err get_field(struct decoder *d, const struct job *job, const struct json_field *f)
{
    struct place p = {job->path, f->name, NO_INDEX};
    struct shape shape = shape_of(f->type);
    const struct json_node *n = json_node_member(job->node, f->name);
    if (!n || json_node_kind(n) == JSON_KIND_NULL) {
        if (f->flags & JSON_REQUIRED) note(d, &p, "is required");
        return ERR_OK;
    }
    enum json_kind want = shape.is_list ? JSON_KIND_LIST : shape.kind;
    if (json_node_kind(n) != want) {
        note(d, &p, "%s", shape.is_list ? "must be a list" : shape.wanted);
        return ERR_OK;
    }
    void *dest = job->dest + f->offset;
    return shape.is_list ? get_list(d, &p, f, dest, n) : get_value(d, &p, f, dest, n);
}

static void check_unknown(struct decoder *d, const struct job *job)
{
    void *iter = NULL;
    const char *name = NULL;
    while (json_node_next(job->node, &iter, &name)) {
        size_t i = 0;
        while (i < job->table->count && strcmp(job->table->fields[i].name, name) != 0) i++;
        struct place p = {job->path, name, NO_INDEX};
        if (i == job->table->count) note(d, &p, "is not known here");
    }
}

static enum err run_jobs(struct decoder *d)
{
    for (struct job *job = d->first; job; job = job->next) {
        for (size_t i = 0; i < job->table->count; i++)
            TRY(get_field(d, job, &job->table->fields[i]));
        if (d->mode == JSON_STRICT) check_unknown(d, job);
    }
    return ERR_OK;
}

static enum err parse(struct ctx *c, struct slice text, struct json_node **ret)
{
    struct json_problem problem = {0};
    enum err e = json_tree_parse(text, ret, &problem);
    if (e == ERR_INVALID)
        return refuse(c, e, "invalid_json", "The JSON text is not valid: %s (line %d, column %d).",
                      problem.what, problem.line, problem.column);
    if (e == ERR_TOO_LARGE)
        return refuse(c, e, "invalid_json", "The JSON text is nested deeper than %d levels.",
                      LIMIT_JSON_DEPTH);
    return e == ERR_OK ? e : fail(c, e, "parse %zu bytes of JSON", text.len);
}

enum err json_decode(struct ctx *c, struct slice text, const struct json_table *t,
                     enum json_mode mode, void *ret)
{
    CLEANUP(json_tree_free) struct json_node *root = NULL;
    struct decoder d = {.c = c, .mode = mode, .last = &d.first};
    memset(ret, 0, t->size);
    TRY(parse(c, text, &root));
    struct place top = {{"", 0}, "", NO_INDEX};
    enum err e = add_job(&d, &top, t, ret, root);
    if (e == ERR_OK) e = run_jobs(&d);
    if (e != ERR_OK) return fail(c, e, "decode %s", t->name);
    if (d.bad) return refuse(c, ERR_INVALID, "invalid_fields", "Some fields are not valid.");
    return ERR_OK;
}
