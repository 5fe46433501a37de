/* The audit log as a list. */
#include "core/audit/audit.h"

#include "api/api.h"
#include "api/messages_admin.h"
#include "codec/text.h"

/* An address in any spelling, as the log has it. */
static enum err query_ip(struct call *q, struct slice *ret)
{
    char canonical[IP_TEXT_BYTES];
    struct slice text;
    TRY(query_text(q, "ip", &text));
    if (!text.ptr) return ERR_OK;
    if (ip_canonical(text, canonical) == ERR_OK) return arena_slice(&q->ctx->arena, slice_cstr(canonical), ret);
    ctx_field_error(q->ctx, "ip", "is not an IPv4 or IPv6 address");
    return ERR_INVALID;
}

static struct slice or_null(struct slice s) { return s.len ? s : (struct slice){0}; }

static void encode_record(const struct audit_record *r, struct msg_audit_record *ret)
{
    *ret = (struct msg_audit_record){.id = r->id,
                                     .at = r->at,
                                     .event = r->event,
                                     .result = r->result,
                                     .actor = {r->has_actor, r->actor},
                                     .api_key = or_null(r->key),
                                     .object_type = or_null(r->object_type),
                                     .object = {r->has_object, r->object},
                                     .detail = or_null(r->detail),
                                     .ip = or_null(r->ip),
                                     .email = or_null(r->email),
                                     .break_glass = r->break_glass};
}

enum err audit_logs_call(struct call *q)
{
    struct audit_query query = {.actor = NULL};
    struct opt_id actor, object;
    struct audit_record *rows = NULL;
    struct msg_page out = {.items = {.set = true}};
    size_t n = 0;
    TRY(query_page(q, &query.page));
    TRY(query_text(q, "event", &query.event));
    TRY(query_id(q, "actor", &actor));
    TRY(query_id(q, "object", &object));
    TRY(query_ip(q, &query.ip));
    TRY(query_time(q, "from", 0, &query.from_ms));
    TRY(query_time(q, "to", 0, &query.to_ms));
    query.actor = actor.set ? &actor.v : NULL;
    query.object = object.set ? &object.v : NULL;
    TRY(audit_list(q->ctx, q->app, &query, &rows, &n));
    bool more = n > query.page.limit;
    if (more) n = query.page.limit;
    struct msg_audit_record *items = ARENA_ARRAY(&q->ctx->arena, struct msg_audit_record, n + 1);
    if (!items) return ERR_NOMEM;
    for (size_t i = 0; i < n; i++) encode_record(&rows[i], &items[i]);
    out.items.items = items;
    out.items.count = n;
    if (more) TRY(page_cursor(q->ctx, rows[n - 1].at, &rows[n - 1].id, &out.next_cursor));
    return reply(q, &out);
}
