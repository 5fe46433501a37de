/* Printing structs as JSON by their tables. No tree is built: the bytes go straight to the buffer. */
#include <inttypes.h>

#include "base/intmath.h"
#include "base/limits.h"
#include "base/time.h"
#include "codec/base64.h"
#include "codec/json.h"
#include "codec/utf8.h"

static enum err put_escaped(struct buf *out, unsigned char c)
{
    static const char from[] = "\"\\\b\f\n\r\t", to[] = "\"\\bfnrt";
    const char *at = c ? strchr(from, c) : NULL;
    if (at) return buf_printf(out, "\\%c", to[at - from]);
    return buf_printf(out, "\\u%04x", c);
}

enum err json_put_string(struct buf *out, struct slice s)
{
    TRY(buf_putc(out, '"'));
    size_t from = 0, at = 0;
    while (at < s.len) {
        unsigned char c = (unsigned char)s.ptr[at];
        uint32_t cp = 0;
        bool plain = c >= 0x20 && c != '"' && c != '\\';
        size_t n = c < 0x80 ? 1 : utf8_step(slice_sub(s, at, s.len), &cp);
        if (n && plain) {
            at += n;
            continue;
        }
        TRY(buf_put(out, slice_sub(s, from, at)));
        if (n)
            TRY(put_escaped(out, c));
        else
            TRY(buf_put_cstr(out, "\xef\xbf\xbd"));
        from = ++at;
    }
    TRY(buf_put(out, slice_sub(s, from, at)));
    return buf_putc(out, '"');
}

/* Text that needs no escaping. */
static enum err put_plain(struct buf *out, struct slice s)
{
    TRY(buf_putc(out, '"'));
    TRY(buf_put(out, s));
    return buf_putc(out, '"');
}

static enum err put_id(struct buf *out, struct id id)
{
    char text[ID_TEXT_LEN + 1];
    id_text(id, text);
    return put_plain(out, slice_of(text, ID_TEXT_LEN));
}

static enum err put_time(struct buf *out, int64_t ms)
{
    char text[TIME_RFC3339_LEN + 1];
    time_rfc3339(ms, text);
    return put_plain(out, slice_of(text, TIME_RFC3339_LEN));
}

static enum err put_bytes(struct buf *out, struct slice s)
{
    TRY(buf_putc(out, '"'));
    TRY(base64url_encode(out, s));
    return buf_putc(out, '"');
}

static enum err put_list(struct buf *out, enum json_type type, const void *at)
{
    struct json_list list;
    memcpy(&list, at, sizeof list);
    const struct slice *strings = list.items;
    const struct id *ids = list.items;
    const uint64_t *pairs = list.items;
    TRY(buf_putc(out, '['));
    for (size_t i = 0; i < list.count; i++) {
        if (i) TRY(buf_putc(out, ','));
        if (type == JSON_STRINGS)
            TRY(json_put_string(out, strings[i]));
        else if (type == JSON_IDS)
            TRY(put_id(out, ids[i]));
        else
            TRY(buf_printf(out, "[%" PRIu64 ",%" PRIu64 "]", pairs[2 * i], pairs[2 * i + 1]));
    }
    return buf_putc(out, ']');
}

/* Everything a field may hold, read from the struct by its type. */
union value {
    struct slice s;
    uint64_t u64;
    int64_t i64;
    bool b;
    struct opt_u64 opt_u64;
    struct opt_i64 opt_i64;
    struct opt_bool opt_bool;
    struct id id;
    struct opt_id opt_id;
    struct json_list list;
    const void *obj;
};

/* Reads the field; true when it has something to print. */
static bool load(const struct json_field *f, const char *obj, union value *v)
{
    const char *at = obj + f->offset;
    switch (f->type) {
    case JSON_STRING:
    case JSON_BYTES:
    case JSON_RAW:
        memcpy(&v->s, at, sizeof v->s);
        return v->s.ptr != NULL;
    case JSON_U64:
        memcpy(&v->u64, at, sizeof v->u64);
        return true;
    case JSON_OPT_U64:
        memcpy(&v->opt_u64, at, sizeof v->opt_u64);
        return v->opt_u64.set;
    case JSON_BOOL:
        memcpy(&v->b, at, sizeof v->b);
        return true;
    case JSON_OPT_BOOL:
        memcpy(&v->opt_bool, at, sizeof v->opt_bool);
        return v->opt_bool.set;
    case JSON_ID:
        memcpy(&v->id, at, sizeof v->id);
        return true;
    case JSON_OPT_ID:
        memcpy(&v->opt_id, at, sizeof v->opt_id);
        return v->opt_id.set;
    case JSON_TIME:
        memcpy(&v->i64, at, sizeof v->i64);
        return true;
    case JSON_OPT_TIME:
        memcpy(&v->opt_i64, at, sizeof v->opt_i64);
        return v->opt_i64.set;
    case JSON_STRINGS:
    case JSON_IDS:
    case JSON_PAIRS:
    case JSON_OBJECTS:
        memcpy(&v->list, at, sizeof v->list);
        return v->list.set || v->list.count;
    case JSON_OBJECT:
        memcpy(&v->obj, at, sizeof v->obj);
        return v->obj != NULL;
    }
    return false;
}

/* Any type but the two of objects. */
static enum err put_scalar(struct buf *out, enum json_type type, const union value *v)
{
    switch (type) {
    case JSON_STRING:
        return json_put_string(out, v->s);
    case JSON_BYTES:
        return put_bytes(out, v->s);
    case JSON_RAW:
        return buf_put(out, v->s);
    case JSON_U64:
        return buf_put_u64(out, v->u64);
    case JSON_OPT_U64:
        return buf_put_u64(out, v->opt_u64.v);
    case JSON_BOOL:
        return buf_put_cstr(out, v->b ? "true" : "false");
    case JSON_OPT_BOOL:
        return buf_put_cstr(out, v->opt_bool.v ? "true" : "false");
    case JSON_ID:
        return put_id(out, v->id);
    case JSON_OPT_ID:
        return put_id(out, v->opt_id.v);
    case JSON_TIME:
        return put_time(out, v->i64);
    case JSON_OPT_TIME:
        return put_time(out, v->opt_i64.v);
    case JSON_STRINGS:
    case JSON_IDS:
    case JSON_PAIRS:
        return put_list(out, type, &v->list);
    case JSON_OBJECT:
    case JSON_OBJECTS:
        break;
    }
    return ERR_INTERNAL;
}

/* An object being printed. In a list, `left` more follow it in memory. */
struct frame {
    const struct json_table *table;
    const char *obj;
    size_t field;
    size_t left;
    bool in_list;
    bool comma;
};

struct printer {
    struct buf *out;
    struct frame frames[LIMIT_JSON_DEPTH];
    size_t depth;
};

static enum err enter(struct printer *p, struct frame f)
{
    if (p->depth == ARRAY_LEN(p->frames)) return ERR_INTERNAL;
    p->frames[p->depth++] = f;
    return buf_put_cstr(p->out, f.in_list ? "[{" : "{");
}

/* The object on top has no more fields: on to its next brother, or back to what holds it. */
static enum err leave(struct printer *p)
{
    struct frame *f = &p->frames[p->depth - 1];
    if (f->left) {
        *f = (struct frame){f->table, f->obj + f->table->size, 0, f->left - 1, true, false};
        return buf_put_cstr(p->out, "},{");
    }
    p->depth--;
    return buf_put_cstr(p->out, f->in_list ? "}]" : "}");
}

static enum err put_field(struct printer *p, struct frame *f, const struct json_field *field)
{
    union value v = {0};
    bool present = load(field, f->obj, &v);
    if (!present && !(field->flags & JSON_NULLABLE)) return ERR_OK;
    TRY(buf_put_cstr(p->out, f->comma ? "," : ""));
    TRY(json_put_string(p->out, slice_cstr(field->name)));
    TRY(buf_putc(p->out, ':'));
    f->comma = true;
    if (!present) return buf_put_cstr(p->out, "null");
    if (field->type == JSON_OBJECT)
        return enter(p, (struct frame){.table = field->table, .obj = v.obj});
    if (field->type != JSON_OBJECTS) return put_scalar(p->out, field->type, &v);
    if (v.list.count == 0) return buf_put_cstr(p->out, "[]");
    return enter(p, (struct frame){field->table, v.list.items, 0, v.list.count - 1, true, false});
}

enum err json_encode(struct buf *out, const struct json_table *t, const void *obj)
{
    struct printer p = {.out = out};
    TRY(enter(&p, (struct frame){.table = t, .obj = obj}));
    while (p.depth) {
        struct frame *f = &p.frames[p.depth - 1];
        if (f->field == f->table->count)
            TRY(leave(&p));
        else
            TRY(put_field(&p, f, &f->table->fields[f->field++]));
    }
    return ERR_OK;
}
