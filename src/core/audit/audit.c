/* Reading audit records back: what stands only in the entry and in the erasable part is taken from their JSON. */
#include "core/audit/audit.h"

#include "base/buf.h"
#include "codec/json.h"
#include "core/audit/audit_store.h"

#define EVENT_BYTES 64

struct entry_actor {
    struct slice key;
};
struct entry_object {
    struct slice type;
};
struct entry {
    struct entry_actor *actor;
    struct entry_object *object;
    struct slice detail;
    bool break_glass;
};
struct pii {
    struct slice ip, email;
};
#define F(strct, member, type, ...) JSON_FIELD(struct strct, member, type, __VA_ARGS__)
JSON_TABLE(entry_actor_table, "EntryActor", struct entry_actor, F(entry_actor, key, JSON_STRING));
JSON_TABLE(entry_object_table, "EntryObject", struct entry_object, F(entry_object, type, JSON_STRING));
JSON_TABLE(entry_table, "Entry", struct entry,
           F(entry, actor, JSON_OBJECT, .table = &entry_actor_table), F(entry, object, JSON_OBJECT, .table = &entry_object_table),
           F(entry, detail, JSON_STRING), F(entry, break_glass, JSON_BOOL));
JSON_TABLE(pii_table, "Pii", struct pii, F(pii, ip, JSON_STRING), F(pii, email, JSON_STRING));

static enum err read_record(struct ctx *c, const struct db_result *r, size_t i, struct audit_record *ret)
{
    struct entry entry;
    struct pii pii = {.ip = SLICE("")};
    struct slice pii_text = db_get_slice(r, i, 7);
    enum err e = json_decode(c, db_get_slice(r, i, 6), &entry_table, JSON_LENIENT, &entry);
    if (e == ERR_OK && pii_text.ptr) e = json_decode(c, pii_text, &pii_table, JSON_LENIENT, &pii);
    if (e != ERR_OK) return fail(c, e == ERR_INVALID ? ERR_CORRUPT : e, "audit entry");
    *ret = (struct audit_record){.id = db_get_id(r, i, 0),
                                 .at = db_get_i64(r, i, 1),
                                 .event = db_get_slice(r, i, 2),
                                 .result = db_get_slice(r, i, 3),
                                 .detail = entry.detail,
                                 .object_type = entry.object ? entry.object->type : SLICE(""),
                                 .key = entry.actor ? entry.actor->key : SLICE(""),
                                 .has_actor = db_at(r, i, 4)->type != DB_NULL,
                                 .has_object = db_at(r, i, 5)->type != DB_NULL,
                                 .break_glass = entry.break_glass,
                                 .actor = db_get_id(r, i, 4),
                                 .object = db_get_id(r, i, 5),
                                 .ip = pii.ip,
                                 .email = pii.email};
    return ERR_OK;
}

struct list_arg {
    const struct audit_query *q;
    struct slice like;
    struct db_result r;
};

static enum err list_tx(struct ctx *c, struct db_conn *conn, void *arg)
{
    struct list_arg *a = arg;
    return audit_store_list(c, conn, a->q, a->like, &a->r);
}

static enum err prefix(struct ctx *c, struct slice event, struct slice *ret)
{
    for (size_t i = 0; i < event.len; i++) {
        bool known = (event.ptr[i] >= 'a' && event.ptr[i] <= 'z') || memchr("._", event.ptr[i], 2);
        if (known && event.len <= EVENT_BYTES) continue;
        ctx_field_error(c, "event", "is not the name of an event");
        return ERR_INVALID;
    }
    *ret = SLICE("");
    if (!slice_ends(event, SLICE("."))) return ERR_OK;
    /* '_' stands for any letter in a pattern; no group of events has one. */
    return arena_printf(&c->arena, ret, SLICE_FMT "%%", SLICE_ARG(event));
}

enum err audit_list(struct ctx *c, struct app *app, const struct audit_query *q, struct audit_record **ret, size_t *ret_n)
{
    struct list_arg a = {.q = q};
    TRY(prefix(c, q->event, &a.like));
    TRY(db_tx(c, app->be.db, DB_READ, list_tx, &a));
    struct audit_record *rows = ARENA_ARRAY(&c->arena, struct audit_record, a.r.rows + 1);
    if (!rows) return ERR_NOMEM;
    for (size_t i = 0; i < a.r.rows; i++) TRY(read_record(c, &a.r, i, &rows[i]));
    *ret = rows;
    *ret_n = a.r.rows;
    return ERR_OK;
}
