/* json: structs to and from JSON by tables of fields. The same tables print the OpenAPI document, so it cannot lie.
 *
 * Decoding is strict: UTF-8, no duplicate or unknown members (unless JSON_LENIENT), depth and sizes bounded, every problem noted
 * with ctx_field_error() under its path ("recipients[2]"). Strings land in the ctx arena. Encoding is compact and never fails
 * but for memory (or out->max); on failure *out holds a part. A list is printed when it is `set` or not empty. jansson does the
 * parsing: whole numbers reach 2^63-1, and its allocator is chosen once, in cmd/. */
#ifndef SEALDROP_CODEC_JSON_H
#define SEALDROP_CODEC_JSON_H

#include "base/buf.h"
#include "base/ctx.h"
#include "base/id.h"

struct opt_u64 {
    bool set;
    uint64_t v;
};
struct opt_i64 {
    bool set;
    int64_t v;
};
struct opt_bool {
    bool set;
    bool v;
};
struct opt_id {
    bool set;
    struct id v;
};
struct json_list {
    const void *items; /* array of the element type */
    size_t count;
    bool set;
};

enum json_type {
    JSON_STRING,   /* struct slice; ptr NULL: absent */
    JSON_U64,      /* uint64_t */
    JSON_OPT_U64,  /* struct opt_u64 */
    JSON_BOOL,     /* bool */
    JSON_OPT_BOOL, /* struct opt_bool */
    JSON_ID,       /* struct id, UUID text */
    JSON_OPT_ID,   /* struct opt_id */
    JSON_TIME,     /* int64_t milliseconds, RFC 3339 text */
    JSON_OPT_TIME, /* struct opt_i64 */
    JSON_BYTES,    /* struct slice, unpadded base64url text */
    JSON_STRINGS,  /* json_list of struct slice */
    JSON_IDS,      /* json_list of struct id */
    JSON_OBJECT,   /* pointer to a struct described by `table`; NULL: absent */
    JSON_OBJECTS,  /* json_list of structs described by `table` */
    JSON_PAIRS,    /* json_list of uint64_t[2]: [[first,last],…] */
    JSON_RAW       /* struct slice with JSON text (encode only) */
};

enum json_flags {
    JSON_REQUIRED = 1u << 0, /* decode: must be there and not null */
    JSON_NULLABLE = 1u << 1, /* encode: an absent value is printed as null instead of left out */
    JSON_SECRET = 1u << 2    /* OpenAPI: format password; never logged */
};

struct json_table;
struct json_field {
    const char *name;
    enum json_type type;
    unsigned flags;
    size_t offset;
    uint64_t max; /* bytes of a string, value of a number, items of a list; 0: the general limits */
    const struct json_table *table;
    const char *const *words; /* JSON_STRING: NULL-terminated closed set, or NULL */
    const char *doc;          /* for OpenAPI */
};
struct json_table {
    const char *name; /* schema name, e.g. "UploadCreate" */
    size_t size;      /* of the struct */
    const struct json_field *fields;
    size_t count;
};

/* JSON_TABLE(upload_create, "UploadCreate", struct upload_create, FIELD(…), …) */
#define JSON_FIELD(strct, member, jtype, ...)                                                      \
    {                                                                                              \
        .name = #member, .type = (jtype), .offset = offsetof(strct, member), __VA_ARGS__           \
    }
#define JSON_TABLE(var, schema, strct, ...)                                                        \
    static const struct json_field var##_fields[] = {__VA_ARGS__};                                 \
    const struct json_table var = {schema, sizeof(strct), var##_fields,                            \
                                   sizeof(var##_fields) / sizeof(struct json_field)}

enum json_mode {
    JSON_STRICT,
    JSON_LENIENT /* unknown members are skipped: for clients reading a newer server */
};

/* Decode an object into *ret (zeroed first). ERR_INVALID with the client's sentence and the field errors in c (code
 * "invalid_json" or "invalid_fields"); ERR_TOO_LARGE when nested too deep. Tables with JSON_RAW are for printing only. */
MUST_USE enum err json_decode(struct ctx *c, struct slice text, const struct json_table *t,
                              enum json_mode mode, void *ret);
/* Append one struct as an object. */
MUST_USE enum err json_encode(struct buf *out, const struct json_table *t, const void *obj);
/* Append a quoted, escaped string. Invalid UTF-8 becomes U+FFFD. */
MUST_USE enum err json_put_string(struct buf *out, struct slice s);

#endif
