/* The OpenAPI 3.1 document, printed from the route table and the message tables. Nothing in it is written by hand twice. */
#include "api/api.h"

#include "base/limits.h"

#define SCHEMAS_MAX 128

struct schemas {
    const struct json_table *list[SCHEMAS_MAX];
    size_t n;
};

static enum err collect(struct schemas *s, const struct json_table *t)
{
    if (!t) return ERR_OK;
    for (size_t i = 0; i < s->n; i++)
        if (s->list[i] == t) return ERR_OK;
    if (s->n == SCHEMAS_MAX) return ERR_TOO_LARGE;
    s->list[s->n++] = t;
    return ERR_OK;
}

/* Adds what the tables of the list refer to; the list grows while it is walked, and has each table once. */
static enum err collect_all(struct schemas *s)
{
    for (size_t i = 0; i < api_route_count; i++) {
        TRY(collect(s, api_routes[i].in));
        TRY(collect(s, api_routes[i].out));
    }
    for (size_t i = 0; i < s->n; i++)
        for (size_t f = 0; f < s->list[i]->count; f++) TRY(collect(s, s->list[i]->fields[f].table));
    return ERR_OK;
}

static enum err put_text(struct buf *b, const char *member, const char *text)
{
    TRY(buf_printf(b, ",\"%s\":", member));
    return json_put_string(b, slice_cstr(text));
}

static enum err put_words(struct buf *b, const char *const *words)
{
    TRY(buf_put_cstr(b, ",\"enum\":["));
    for (size_t i = 0; words[i]; i++) TRY(buf_printf(b, "%s\"%s\"", i ? "," : "", words[i]));
    return buf_putc(b, ']');
}

/* The type members of a field, without the outer braces. */
static enum err put_type(struct buf *b, const struct json_field *f)
{
    const char *nullable = f->flags & JSON_NULLABLE ? ",\"null\"" : "";
    switch (f->type) {
    case JSON_STRING:
        TRY(buf_printf(b, "\"type\":[\"string\"%s]", nullable));
        if (f->max) TRY(buf_printf(b, ",\"maxLength\":%llu", (unsigned long long)f->max));
        if (f->flags & JSON_SECRET) TRY(buf_put_cstr(b, ",\"format\":\"password\""));
        return f->words ? put_words(b, f->words) : ERR_OK;
    case JSON_U64:
    case JSON_OPT_U64:
        TRY(buf_printf(b, "\"type\":[\"integer\"%s],\"minimum\":0", nullable));
        return f->max ? buf_printf(b, ",\"maximum\":%llu", (unsigned long long)f->max) : ERR_OK;
    case JSON_BOOL:
    case JSON_OPT_BOOL: return buf_printf(b, "\"type\":[\"boolean\"%s]", nullable);
    case JSON_ID:
    case JSON_OPT_ID: return buf_printf(b, "\"type\":[\"string\"%s],\"format\":\"uuid\"", nullable);
    case JSON_TIME:
    case JSON_OPT_TIME: return buf_printf(b, "\"type\":[\"string\"%s],\"format\":\"date-time\"", nullable);
    case JSON_BYTES: return buf_printf(b, "\"type\":[\"string\"%s],\"contentEncoding\":\"base64url\"", nullable);
    case JSON_STRINGS: return buf_put_cstr(b, "\"type\":\"array\",\"items\":{\"type\":\"string\"}");
    case JSON_IDS: return buf_put_cstr(b, "\"type\":\"array\",\"items\":{\"type\":\"string\",\"format\":\"uuid\"}");
    case JSON_OBJECT: return buf_printf(b, "\"$ref\":\"#/components/schemas/%s\"", f->table->name);
    case JSON_OBJECTS:
        return buf_printf(b, "\"type\":\"array\",\"items\":{\"$ref\":\"#/components/schemas/%s\"}", f->table->name);
    case JSON_PAIRS:
        return buf_put_cstr(b, "\"type\":\"array\",\"items\":{\"type\":\"array\",\"prefixItems\":[{\"type\":\"integer\"},"
                               "{\"type\":\"integer\"}],\"minItems\":2,\"maxItems\":2}");
    case JSON_RAW: return buf_put_cstr(b, "\"type\":\"object\"");
    }
    return ERR_INTERNAL;
}

static enum err put_required(struct buf *b, const struct json_table *t)
{
    bool any = false;
    for (size_t i = 0; i < t->count; i++) {
        if (!(t->fields[i].flags & (JSON_REQUIRED | JSON_NULLABLE))) continue;
        TRY(buf_printf(b, "%s\"%s\"", any ? "," : ",\"required\":[", t->fields[i].name));
        any = true;
    }
    return any ? buf_putc(b, ']') : ERR_OK;
}

static enum err put_schema(struct buf *b, const struct json_table *t)
{
    TRY(buf_printf(b, "\"%s\":{\"type\":\"object\",\"additionalProperties\":false,\"properties\":{", t->name));
    for (size_t i = 0; i < t->count; i++) {
        const struct json_field *f = &t->fields[i];
        TRY(buf_printf(b, "%s\"%s\":{", i ? "," : "", f->name));
        TRY(put_type(b, f));
        if (f->doc) TRY(put_text(b, "description", f->doc));
        TRY(buf_putc(b, '}'));
    }
    TRY(buf_putc(b, '}'));
    TRY(put_required(b, t));
    return buf_putc(b, '}');
}

static enum err put_parameters(struct buf *b, const struct route *r)
{
    struct slice rest = slice_cstr(r->pattern);
    bool any = false;
    TRY(buf_put_cstr(b, ",\"parameters\":["));
    while (slice_find(rest, '{') < rest.len) {
        slice_cut(&rest, '{');
        struct slice name = slice_cut(&rest, '}');
        TRY(buf_printf(b, "%s{\"name\":\"" SLICE_FMT "\",\"in\":\"path\",\"required\":true,\"schema\":{\"type\":\"string\"}}",
                       any ? "," : "", SLICE_ARG(name)));
        any = true;
    }
    for (size_t i = 0; r->query && r->query[i]; i++) {
        if (strcmp(r->query[i], "*") == 0) continue;
        TRY(buf_printf(b, "%s{\"name\":\"%s\",\"in\":\"query\",\"schema\":{\"type\":\"string\"}}", any ? "," : "", r->query[i]));
        any = true;
    }
    if (r->creates)
        TRY(buf_printf(b, "%s{\"name\":\"Idempotency-Key\",\"in\":\"header\",\"schema\":{\"type\":\"string\",\"maxLength\":255}}",
                       any ? "," : ""));
    return buf_putc(b, ']');
}

static enum err put_body(struct buf *b, const struct route *r)
{
    if (r->in)
        return buf_printf(b, ",\"requestBody\":{\"content\":{\"application/json\":{\"schema\":"
                             "{\"$ref\":\"#/components/schemas/%s\"}}}}", r->in->name);
    if (!r->open) return ERR_OK;
    return buf_put_cstr(b, ",\"requestBody\":{\"required\":true,\"content\":{\"application/octet-stream\":{\"schema\":"
                           "{\"type\":\"string\",\"format\":\"binary\"}}}}");
}

static enum err put_responses(struct buf *b, const struct route *r)
{
    TRY(buf_printf(b, ",\"responses\":{\"%d\":{\"description\":\"done\"", r->status));
    if (r->out)
        TRY(buf_printf(b, ",\"content\":{\"application/json\":{\"schema\":{\"$ref\":\"#/components/schemas/%s\"}}}",
                       r->out->name));
    else if (r->out_type)
        TRY(buf_printf(b, ",\"content\":{\"%s\":{\"schema\":{\"type\":\"string\"}}}", r->out_type));
    return buf_put_cstr(b, "},\"default\":{\"description\":\"an error\",\"content\":{\"application/problem+json\":"
                           "{\"schema\":{\"$ref\":\"#/components/schemas/Problem\"}}}}}");
}

static enum err put_security(struct buf *b, const struct route *r)
{
    if (r->caller == CALLER_USER || r->caller == CALLER_ADMIN)
        return buf_put_cstr(b, ",\"security\":[{\"bearer\":[]}]");
    if (r->caller == CALLER_EITHER) return buf_put_cstr(b, ",\"security\":[{},{\"bearer\":[]}]");
    if (r->caller == CALLER_LINK) return buf_put_cstr(b, ",\"security\":[{},{\"ticket\":[]}]");
    return buf_put_cstr(b, ",\"security\":[]");
}

/* "post_uploads_id_complete": method and path in one word, stable as long as they are. */
static enum err put_operation_id(struct buf *b, struct slice method, const char *pattern)
{
    struct slice path = slice_cstr(pattern);
    if (slice_starts(path, SLICE("/api/v1"))) path = slice_sub(path, 7, path.len);
    TRY(buf_put(b, method));
    bool gap = true;
    for (size_t i = 0; i < path.len; i++) {
        char ch = path.ptr[i];
        bool word = (ch >= 'a' && ch <= 'z') || (ch >= '0' && ch <= '9') || ch == '_';
        if (word && gap) TRY(buf_putc(b, '_'));
        if (word) TRY(buf_putc(b, ch));
        gap = !word;
    }
    return ERR_OK;
}

static enum err put_operation(struct buf *b, const struct route *r)
{
    CLEANUP(buf_done) struct buf method = BUF_INIT(16);
    TRY(buf_put_cstr(&method, http_method_name(r->method)));
    for (size_t i = 0; i < method.len; i++) method.ptr[i] = (char)(method.ptr[i] | 32);
    TRY(buf_printf(b, "\"" SLICE_FMT "\":{\"operationId\":\"", SLICE_ARG(buf_view(&method))));
    TRY(put_operation_id(b, buf_view(&method), r->pattern));
    TRY(buf_putc(b, '"'));
    TRY(put_text(b, "summary", r->summary));
    TRY(put_parameters(b, r));
    TRY(put_body(b, r));
    TRY(put_responses(b, r));
    TRY(put_security(b, r));
    return buf_putc(b, '}');
}

/* All methods of one pattern, at its first row. */
static enum err put_path(struct buf *b, size_t first, bool *any)
{
    const char *pattern = api_routes[first].pattern;
    bool more = false;
    for (size_t i = 0; i < first; i++)
        if (strcmp(api_routes[i].pattern, pattern) == 0) return ERR_OK;
    TRY(buf_printf(b, "%s\"%s\":{", *any ? "," : "", pattern));
    *any = true;
    for (size_t i = first; i < api_route_count; i++) {
        if (strcmp(api_routes[i].pattern, pattern) != 0) continue;
        if (more) TRY(buf_putc(b, ','));
        TRY(put_operation(b, &api_routes[i]));
        more = true;
    }
    return buf_putc(b, '}');
}

static const char problem_schema[] =
    "\"Problem\":{\"type\":\"object\",\"description\":\"RFC 9457\",\"properties\":{\"type\":{\"type\":\"string\"},"
    "\"title\":{\"type\":\"string\"},\"status\":{\"type\":\"integer\"},\"detail\":{\"type\":\"string\"},"
    "\"code\":{\"type\":\"string\",\"description\":\"a stable word\"},\"request_id\":{\"type\":\"string\"},"
    "\"errors\":{\"type\":\"array\",\"items\":{\"type\":\"object\",\"properties\":{\"field\":{\"type\":\"string\"},"
    "\"message\":{\"type\":\"string\"}},\"required\":[\"field\",\"message\"]}}},"
    "\"required\":[\"type\",\"title\",\"status\",\"detail\",\"code\",\"request_id\"]}";

static const char security_schemes[] =
    "\"securitySchemes\":{\"bearer\":{\"type\":\"http\",\"scheme\":\"bearer\",\"bearerFormat\":\"JWT\"},"
    "\"ticket\":{\"type\":\"apiKey\",\"in\":\"header\",\"name\":\"Authorization\",\"description\":\"Link <ticket>\"}}";

enum err openapi_write(struct buf *out)
{
    struct schemas s = {.n = 0};
    bool any = false;
    TRY(collect_all(&s));
    TRY(buf_printf(out, "{\"openapi\":\"3.1.0\",\"info\":{\"title\":\"Sealdrop\",\"version\":\"%s\",\"license\":"
                        "{\"name\":\"Apache-2.0\",\"identifier\":\"Apache-2.0\"}},\"paths\":{", SEALDROP_VERSION));
    for (size_t i = 0; i < api_route_count; i++) TRY(put_path(out, i, &any));
    TRY(buf_put_cstr(out, "},\"components\":{\"schemas\":{"));
    TRY(buf_put_cstr(out, problem_schema));
    for (size_t i = 0; i < s.n; i++) {
        TRY(buf_putc(out, ','));
        TRY(put_schema(out, s.list[i]));
    }
    TRY(buf_put_cstr(out, "},"));
    TRY(buf_put_cstr(out, security_schemes));
    return buf_put_cstr(out, "}}\n");
}
