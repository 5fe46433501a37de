/* json: what decodes prints to a text that decodes to the same; any bytes print to a string that decodes. */
#include "base/limits.h"
#include "codec/json.h"
#include "codec/utf8.h"
#include "fuzz.h"

struct thing {
    struct slice text, word, bytes;
    uint64_t u;
    struct opt_u64 ou;
    bool b;
    struct opt_bool ob;
    struct id id;
    struct opt_id oi;
    int64_t t;
    struct opt_i64 ot;
    struct json_list ss, is, ps, things;
    const struct thing *thing;
};
static const struct json_table thing_table;
static const char *const words[] = {"red", "green", NULL};
static const struct json_field thing_fields[] = {
    JSON_FIELD(struct thing, text, JSON_STRING, .flags = JSON_NULLABLE),
    JSON_FIELD(struct thing, word, JSON_STRING, .words = words),
    JSON_FIELD(struct thing, bytes, JSON_BYTES, .max = 8),
    JSON_FIELD(struct thing, u, JSON_U64, .max = 1000),
    JSON_FIELD(struct thing, ou, JSON_OPT_U64),
    JSON_FIELD(struct thing, b, JSON_BOOL),
    JSON_FIELD(struct thing, ob, JSON_OPT_BOOL),
    JSON_FIELD(struct thing, id, JSON_ID),
    JSON_FIELD(struct thing, oi, JSON_OPT_ID),
    JSON_FIELD(struct thing, t, JSON_TIME),
    JSON_FIELD(struct thing, ot, JSON_OPT_TIME),
    JSON_FIELD(struct thing, ss, JSON_STRINGS, .max = 5),
    JSON_FIELD(struct thing, is, JSON_IDS),
    JSON_FIELD(struct thing, ps, JSON_PAIRS),
    JSON_FIELD(struct thing, things, JSON_OBJECTS, .table = &thing_table),
    JSON_FIELD(struct thing, thing, JSON_OBJECT, .table = &thing_table),
};
static const struct json_table thing_table = {"Thing", sizeof(struct thing), thing_fields,
                                              sizeof thing_fields / sizeof thing_fields[0]};

static void round_trip(struct slice in, enum json_mode mode)
{
    CLEANUP(ctx_done) struct ctx c;
    CLEANUP(buf_done) struct buf once = BUF_INIT(64 * MIB);
    CLEANUP(buf_done) struct buf twice = BUF_INIT(64 * MIB);
    struct thing v;
    ctx_init(&c, 16 * MIB);
    enum err e = json_decode(&c, in, &thing_table, mode, &v);
    ASSERT(e == ERR_OK || e == c.err);
    if (e != ERR_OK) return;
    ASSERT(json_encode(&once, &thing_table, &v) == ERR_OK);
    ASSERT(json_decode(&c, buf_view(&once), &thing_table, JSON_STRICT, &v) == ERR_OK);
    ASSERT(json_encode(&twice, &thing_table, &v) == ERR_OK);
    ASSERT(slice_eq(buf_view(&once), buf_view(&twice)));
}

static void any_string(struct slice in)
{
    CLEANUP(ctx_done) struct ctx c;
    CLEANUP(buf_done) struct buf text = BUF_INIT(16 * MIB);
    struct thing v;
    ctx_init(&c, 16 * MIB);
    ASSERT(buf_put_cstr(&text, "{\"text\":") == ERR_OK && json_put_string(&text, in) == ERR_OK);
    ASSERT(buf_putc(&text, '}') == ERR_OK);
    bool has_nul = slice_find(in, '\0') < in.len;
    enum err e = json_decode(&c, buf_view(&text), &thing_table, JSON_STRICT, &v);
    ASSERT(e == (has_nul ? ERR_INVALID : ERR_OK));
    if (has_nul) return;
    ASSERT(utf8_valid(v.text) && slice_eq(v.text, in) == utf8_valid(in));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice in = slice_of(data, size);
    if (size > 1 << 16) return 0;
    round_trip(in, JSON_STRICT);
    round_trip(in, JSON_LENIENT);
    any_string(in);
    return 0;
}
