/* The caller's sessions: which there are, ending one or all others. */
#include "api/auth.h"
#include "base/intmath.h"

#define METHODS_MAX 4

/* "pwd otp" as a list. */
static enum err split_methods(struct ctx *c, struct slice amr, struct json_list *ret)
{
    struct slice *items = ARENA_ARRAY(&c->arena, struct slice, METHODS_MAX);
    if (!items) return ERR_NOMEM;
    *ret = (struct json_list){items, 0, true};
    while (amr.len && ret->count < METHODS_MAX) items[ret->count++] = slice_cut(&amr, ' ');
    return ERR_OK;
}

enum err sessions_list_call(struct call *q)
{
    struct session_info *rows = NULL;
    size_t n = 0;
    TRY(session_list(q->ctx, q->app, &q->who.user_id, &rows, &n));
    struct msg_session *items = ARENA_ARRAY(&q->ctx->arena, struct msg_session, n + 1);
    if (!items) return ERR_NOMEM;
    for (size_t i = 0; i < n; i++) {
        items[i] = (struct msg_session){.id = rows[i].id,
                                        .current = id_eq(rows[i].id, q->who.session_id),
                                        .device_name = rows[i].device_name,
                                        .user_agent = rows[i].user_agent,
                                        .ip = rows[i].ip,
                                        .country = rows[i].country.len ? rows[i].country : (struct slice){0},
                                        .created_at = rows[i].created_at,
                                        .last_used_at = rows[i].last_used_at,
                                        .expires_at = rows[i].expires_at};
        TRY(split_methods(q->ctx, rows[i].amr, &items[i].methods));
    }
    return reply(q, &(struct msg_page){.items = {items, n, true}});
}

enum err sessions_end_one_call(struct call *q)
{
    struct id id;
    TRY(param_id(q, 0, &id));
    TRY(session_end_one(q->ctx, q->app, &q->who, &id));
    return reply_empty(q);
}

enum err sessions_end_others_call(struct call *q)
{
    TRY(session_end_others(q->ctx, q->app, &q->who));
    return reply_empty(q);
}
