/* json: tables to structs and back, every kind of bad input by its path, limits, failing memory. */
#include "codec/json.h"

#include "base/limits.h"
#include "base/mem.h"
#include "lib/test.h"

/* From jansson.h, whose other names collide with ours: lets the fault loop reach the parser. */
void json_set_alloc_funcs(void *(*alloc)(size_t), void (*release)(void *));

struct pet {
    struct slice name;
    uint64_t legs;
    const struct pet *friend;
};
extern const struct json_table pet_table;
static const char *const colours[] = {"red", "green", NULL};
static const struct json_field pet_table_fields[] = {
    JSON_FIELD(struct pet, name, JSON_STRING, .flags = JSON_REQUIRED, .max = 8),
    JSON_FIELD(struct pet, legs, JSON_U64, .max = 100),
    JSON_FIELD(struct pet, friend, JSON_OBJECT, .table = &pet_table),
};
const struct json_table pet_table = {"Pet", sizeof(struct pet), pet_table_fields, 3};

struct all {
    struct slice text, colour, bytes, raw;
    uint64_t number;
    struct opt_u64 maybe_number;
    bool flag;
    struct opt_bool maybe_flag;
    struct id id;
    struct opt_id maybe_id;
    int64_t time;
    struct opt_i64 maybe_time;
    struct json_list strings, ids, pets, pairs;
    const struct pet *pet;
};
extern const struct json_table all_table;
JSON_TABLE(
    all_table, "All", struct all, JSON_FIELD(struct all, text, JSON_STRING, .flags = JSON_NULLABLE),
    JSON_FIELD(struct all, colour, JSON_STRING, .words = colours),
    JSON_FIELD(struct all, bytes, JSON_BYTES, .max = 4), JSON_FIELD(struct all, number, JSON_U64),
    JSON_FIELD(struct all, maybe_number, JSON_OPT_U64), JSON_FIELD(struct all, flag, JSON_BOOL),
    JSON_FIELD(struct all, maybe_flag, JSON_OPT_BOOL), JSON_FIELD(struct all, id, JSON_ID),
    JSON_FIELD(struct all, maybe_id, JSON_OPT_ID), JSON_FIELD(struct all, time, JSON_TIME),
    JSON_FIELD(struct all, maybe_time, JSON_OPT_TIME),
    JSON_FIELD(struct all, strings, JSON_STRINGS, .max = 3), JSON_FIELD(struct all, ids, JSON_IDS),
    JSON_FIELD(struct all, pets, JSON_OBJECTS, .table = &pet_table),
    JSON_FIELD(struct all, pairs, JSON_PAIRS),
    JSON_FIELD(struct all, pet, JSON_OBJECT, .table = &pet_table));

struct show {
    struct slice raw;
    struct json_list pairs;
    struct opt_u64 left;
};
extern const struct json_table show_table;
JSON_TABLE(show_table, "Show", struct show, JSON_FIELD(struct show, raw, JSON_RAW),
           JSON_FIELD(struct show, pairs, JSON_PAIRS, .flags = JSON_NULLABLE),
           JSON_FIELD(struct show, left, JSON_OPT_U64, .flags = JSON_NULLABLE));

static const char full[] =
    "{\"text\":\"h\xc3\xa9 \\\"\\\\\\n\\u0001\",\"colour\":\"green\",\"bytes\":\"AP8\","
    "\"number\":9223372036854775807,\"maybe_number\":0,\"flag\":true,\"maybe_flag\":false,"
    "\"id\":\"00112233-4455-6677-8899-aabbccddeeff\",\"maybe_id\":\"00112233-4455-6677-8899-"
    "aabbccddeeff\","
    "\"time\":\"2026-11-21T20:15:00.123Z\",\"maybe_time\":\"1969-12-31T23:59:59.999Z\","
    "\"strings\":[\"a\",\"\"],\"ids\":[\"00112233-4455-6677-8899-aabbccddeeff\"],"
    "\"pets\":[{\"name\":\"rex\",\"legs\":4},{\"name\":\"tux\",\"legs\":2,\"friend\":{\"name\":"
    "\"gnu\",\"legs\":4}}],"
    "\"pairs\":[[0,3],[5,9]],\"pet\":{\"name\":\"\",\"legs\":0}}";

TEST(json_everything_round_trips)
{
    CLEANUP(ctx_done) struct ctx c;
    CLEANUP(buf_done) struct buf out = BUF_INIT(4096);
    struct all v;
    ctx_init(&c, LIMIT_REQUEST_ARENA_BYTES);
    CHECK_OK(json_decode(&c, slice_cstr(full), &all_table, JSON_STRICT, &v));
    CHECK_SLICE(v.text, SLICE("h\xc3\xa9 \"\\\n\x01"));
    CHECK_SLICE(v.bytes, SLICE("\0\xff"));
    CHECK_U64(v.number, INT64_MAX);
    CHECK(v.maybe_number.set && v.maybe_number.v == 0);
    CHECK(v.flag && v.maybe_flag.set && !v.maybe_flag.v);
    CHECK(v.id.b[1] == 0x11 && v.maybe_id.set && id_eq(v.id, v.maybe_id.v));
    CHECK(v.time == 1795292100123 && v.maybe_time.set && v.maybe_time.v == -1);
    CHECK(v.strings.set && v.strings.count == 2 && v.pairs.count == 2);
    const struct pet *pets = v.pets.items;
    const uint64_t *pairs = v.pairs.items;
    CHECK(v.pets.count == 2 && pets[1].friend && pairs[3] == 9);
    CHECK_SLICE(pets[1].friend->name, SLICE("gnu"));
    CHECK(v.pet && v.pet->name.ptr && v.pet->name.len == 0);
    CHECK_OK(json_encode(&out, &all_table, &v));
    CHECK_SLICE(buf_view(&out), slice_cstr(full));
}

TEST(json_absent_values)
{
    CLEANUP(ctx_done) struct ctx c;
    CLEANUP(buf_done) struct buf out = BUF_INIT(4096);
    struct all v;
    memset(&v, 0xff, sizeof v);
    ctx_init(&c, LIMIT_REQUEST_ARENA_BYTES);
    CHECK_OK(
        json_decode(&c, SLICE(" {\"text\":null, \"strings\":[]} "), &all_table, JSON_STRICT, &v));
    CHECK(!v.text.ptr && !v.colour.ptr && !v.maybe_number.set && !v.maybe_id.set && !v.pet);
    CHECK(v.strings.set && v.strings.count == 0 && !v.ids.set);
    CHECK_OK(json_encode(&out, &all_table, &v));
    CHECK_SLICE(buf_view(&out), SLICE("{\"text\":null,\"number\":0,\"flag\":false,\"id\":"
                                      "\"00000000-0000-0000-0000-000000000000\","
                                      "\"time\":\"1970-01-01T00:00:00.000Z\",\"strings\":[]}"));
    struct show s = {.raw = SLICE("{\"x\":1}")};
    buf_reset(&out);
    CHECK_OK(json_encode(&out, &show_table, &s));
    CHECK_SLICE(buf_view(&out), SLICE("{\"raw\":{\"x\":1},\"pairs\":null,\"left\":null}"));
}

/* Decodes `text`, which must fail with one field error. */
static void check_field_error(const char *text, const char *field, const char *message)
{
    CLEANUP(ctx_done) struct ctx c;
    struct all v;
    ctx_init(&c, LIMIT_REQUEST_ARENA_BYTES);
    CHECK_ERR(json_decode(&c, slice_cstr(text), &all_table, JSON_STRICT, &v), ERR_INVALID);
    CHECK_U64(c.field_error_count, 1);
    CHECK_SLICE(c.field_errors[0].field, slice_cstr(field));
    CHECK_SLICE(c.field_errors[0].message, slice_cstr(message));
    CHECK(strcmp(c.err_code, "invalid_fields") == 0);
}

TEST(json_field_errors_name_their_path)
{
    check_field_error("{\"x\":1}", "x", "is not known here");
    check_field_error("{\"text\":1}", "text", "must be a string");
    check_field_error("{\"colour\":\"blue\"}", "colour", "must be one of: red, green");
    check_field_error("{\"bytes\":\"AB\"}", "bytes", "must be base64url text without padding");
    check_field_error("{\"bytes\":\"AAAAAAA\"}", "bytes", "is longer than 4 bytes");
    check_field_error("{\"number\":-1}", "number", "must not be negative");
    check_field_error("{\"number\":1.0}", "number", "must be a whole number");
    check_field_error("{\"number\":\"1\"}", "number", "must be a whole number");
    check_field_error("{\"flag\":1}", "flag", "must be true or false");
    check_field_error("{\"id\":\"7\"}", "id", "must be an id (UUID text)");
    check_field_error("{\"time\":\"now\"}", "time", "must be a time such as 2026-11-21T20:15:00Z");
    check_field_error("{\"strings\":{}}", "strings", "must be a list");
    check_field_error("{\"strings\":[\"a\",null]}", "strings[1]", "must be a string");
    check_field_error("{\"strings\":[\"\",\"\",\"\",\"\"]}", "strings", "has more than 3 items");
    check_field_error("{\"ids\":[\"x\"]}", "ids[0]", "must be an id (UUID text)");
    check_field_error("{\"pairs\":[[1,2,3]]}", "pairs[0]", "must have two numbers");
    check_field_error("{\"pairs\":[[1,\"2\"]]}", "pairs[0]", "must have two numbers");
    check_field_error("{\"pairs\":[7]}", "pairs[0]", "must be a list of two numbers");
    check_field_error("{\"pet\":[]}", "pet", "must be an object");
    check_field_error("{\"pet\":{}}", "pet.name", "is required");
    check_field_error("{\"pet\":{\"name\":null}}", "pet.name", "is required");
    check_field_error("{\"pet\":{\"name\":\"123456789\"}}", "pet.name", "is longer than 8 bytes");
    check_field_error("{\"pet\":{\"name\":\"a\",\"legs\":101}}", "pet.legs", "must be at most 100");
    check_field_error(
        "{\"pets\":[{\"name\":\"a\"},{\"name\":\"b\",\"friend\":{\"name\":\"c\",\"x\":0}}]}",
        "pets[1].friend.x", "is not known here");
    check_field_error("{\"pets\":[3]}", "pets[0]", "must be an object");
}

TEST(json_many_errors_are_told_at_once)
{
    CLEANUP(ctx_done) struct ctx c;
    struct all v;
    ctx_init(&c, LIMIT_REQUEST_ARENA_BYTES);
    CHECK_ERR(
        json_decode(&c, SLICE("{\"text\":1,\"flag\":2,\"y\":3}"), &all_table, JSON_STRICT, &v),
        ERR_INVALID);
    CHECK_U64(c.field_error_count, 3);
    CHECK_SLICE(c.field_errors[2].field, SLICE("y"));
}

static void check_syntax_error(struct slice text, const char *what)
{
    CLEANUP(ctx_done) struct ctx c;
    struct all v;
    ctx_init(&c, LIMIT_REQUEST_ARENA_BYTES);
    CHECK_ERR(json_decode(&c, text, &all_table, JSON_LENIENT, &v), ERR_INVALID);
    CHECK(strcmp(c.err_code, "invalid_json") == 0);
    if (!strstr(c.err_detail, what))
        test_fail(__FILE__, __LINE__, "%s, wanted %s", c.err_detail, what);
}

TEST(json_text_is_checked)
{
    check_syntax_error(SLICE(""), "ends too early");
    check_syntax_error(SLICE("{"), "ends too early");
    check_syntax_error(SLICE("[]"), "must be an object");
    check_syntax_error(SLICE("\"secret\""), "not valid JSON");
    check_syntax_error(SLICE("{\"text\":\"hunter2\"x}"), "not valid JSON (line 1, column 18)");
    check_syntax_error(SLICE("{} x"), "text after the end");
    check_syntax_error(SLICE("{\"a\":1,\"a\":1}"), "a member is given twice");
    check_syntax_error(SLICE("{\"text\":\"\xff\"}"), "not UTF-8");
    check_syntax_error(SLICE("{\"text\":\"\\ud800\"}"), "not valid JSON");
    check_syntax_error(SLICE("{\"text\":\"\\u0000\"}"), "a NUL character");
    check_syntax_error(SLICE("{\"text\":\"a\0b\"}"), "not valid JSON");
    check_syntax_error(SLICE("{\"number\":18446744073709551616}"), "a number is too large");
    check_syntax_error(SLICE("{\"number\":01}"), "not valid JSON");
}

TEST(json_nesting_is_bounded)
{
    CLEANUP(ctx_done) struct ctx c;
    struct all v;
    char text[256] = "";
    size_t n = 0;
    ctx_init(&c, LIMIT_REQUEST_ARENA_BYTES);
    for (int i = 0; i < LIMIT_JSON_DEPTH; i++)
        n += (size_t)snprintf(text + n, sizeof text - n, "{\"a\":");
    struct slice deep = slice_of(text, n);
    CHECK_ERR(json_decode(&c, deep, &all_table, JSON_LENIENT, &v), ERR_INVALID);
    text[n++] = '[';
    deep.len = n;
    CHECK_ERR(json_decode(&c, deep, &all_table, JSON_LENIENT, &v), ERR_TOO_LARGE);
    /* Brackets in strings do not count. */
    CHECK_OK(json_decode(&c, SLICE("{\"text\":\"\\\"[[[[[[[[[[[[[[[[[[[[[[[[[[\"}"), &all_table,
                         JSON_STRICT, &v));
}

TEST(json_printing_refuses_endless_structs)
{
    CLEANUP(buf_done) struct buf out = BUF_INIT(1 << 16);
    struct pet p = {.name = SLICE("a")};
    p.friend = &p;
    CHECK_ERR(json_encode(&out, &pet_table, &p), ERR_INTERNAL);
}

TEST(json_lenient_skips_unknown_members)
{
    CLEANUP(ctx_done) struct ctx c;
    struct all v;
    ctx_init(&c, LIMIT_REQUEST_ARENA_BYTES);
    CHECK_OK(json_decode(&c, SLICE("{\"new\":{\"x\":[1.5]},\"number\":7}"), &all_table,
                         JSON_LENIENT, &v));
    CHECK_U64(v.number, 7);
    CHECK_ERR(json_decode(&c, SLICE("{\"number\":[]}"), &all_table, JSON_LENIENT, &v), ERR_INVALID);
}

TEST(json_strings_are_escaped)
{
    CLEANUP(buf_done) struct buf out = BUF_INIT(256);
    CHECK_OK(json_put_string(&out, SLICE("a\xff\xc3\x28/\t\x1f\x7f\xf0\x9f\x98\x80\0")));
    CHECK_SLICE(buf_view(&out),
                SLICE("\"a\xef\xbf\xbd\xef\xbf\xbd(/\\t\\u001f\x7f\xf0\x9f\x98\x80\\u0000\""));
    buf_reset(&out);
    CHECK_OK(json_put_string(&out, (struct slice){0}));
    CHECK_SLICE(buf_view(&out), SLICE("\"\""));
}

static void *hooked_alloc(size_t n) { return mem_alloc(1, n); }

static void fault_loop(bool for_ever)
{
    bool fired = true;
    for (uint64_t n = 0; fired; n++) {
        CLEANUP(ctx_done) struct ctx c;
        CLEANUP(buf_done) struct buf out = BUF_INIT(4096);
        struct all v;
        ctx_init(&c, LIMIT_REQUEST_ARENA_BYTES);
        test_fail_alloc(n, for_ever);
        enum err e = json_decode(&c, slice_cstr(full), &all_table, JSON_STRICT, &v);
        if (e == ERR_OK) e = json_encode(&out, &all_table, &v);
        fired = test_alloc_fired();
        test_fail_alloc(UINT64_MAX, false);
        /* Some of jansson's own failures look like a syntax error; none may look like success. */
        CHECK(fired ? e == ERR_NOMEM || e == ERR_INVALID : e == ERR_OK);
        if (!fired) CHECK_SLICE(buf_view(&out), slice_cstr(full));
        CHECK(n < 10000);
    }
}

TEST(json_survives_allocation_failure)
{
    json_set_alloc_funcs(hooked_alloc, mem_free);
    fault_loop(false);
    fault_loop(true);
}
