/* Sharing files with named users. */
#include "api/api.h"
#include "api/messages_permissions.h"
#include "core/share/share.h"

static void encode_share(const struct share *s, struct msg_permission *ret)
{
    *ret = (struct msg_permission){.user_id = s->user_id,
                                   .display_name = s->display_name,
                                   .email = s->email.len ? s->email : (struct slice){0},
                                   .permission = s->permission,
                                   .granted_by = s->granted_by,
                                   .expires_at = {s->expires_at != 0, s->expires_at},
                                   .created_at = s->created_at};
}

enum err permissions_list_call(struct call *q)
{
    struct id id;
    struct page page;
    struct share *rows = NULL;
    struct msg_page out = {0};
    size_t n = 0;
    TRY(param_id(q, 0, &id));
    TRY(query_page(q, &page));
    TRY(share_list(q->ctx, q->app, &q->who, &id, &page, &rows, &n));
    size_t shown = n > page.limit ? page.limit : n;
    struct msg_permission *items = ARENA_ARRAY(&q->ctx->arena, struct msg_permission, shown + 1);
    if (!items) return ERR_NOMEM;
    for (size_t i = 0; i < shown; i++) encode_share(&rows[i], &items[i]);
    if (n > shown) TRY(page_cursor(q->ctx, rows[shown - 1].created_at, &rows[shown - 1].user_id, &out.next_cursor));
    out.items = (struct json_list){items, shown, true};
    return reply(q, &out);
}

static enum err put(struct call *q, const struct id *user)
{
    const struct msg_permission_put *in = q->in;
    struct share_new n = {.user = user, .email = in->email, .permission = in->permission};
    struct opt_u64 life;
    struct id id;
    struct share s;
    struct msg_permission m;
    struct msg_permission_out out = {&m};
    TRY(param_id(q, 0, &id));
    TRY(lifetime(q, &in->expires_in, &in->expires_at, &life));
    n.limited = life.set;
    n.expires_in_s = life.v;
    TRY(share_put(q->ctx, q->app, &q->who, &id, &n, &s));
    encode_share(&s, &m);
    return reply(q, &out);
}

enum err permissions_put_call(struct call *q)
{
    const struct msg_permission_put *in = q->in;
    return put(q, in->user.set ? &in->user.v : NULL);
}

enum err permissions_set_call(struct call *q)
{
    struct id user;
    TRY(param_id(q, 1, &user));
    return put(q, &user);
}

enum err permissions_delete_call(struct call *q)
{
    struct id id, user;
    TRY(param_id(q, 0, &id));
    TRY(param_id(q, 1, &user));
    TRY(share_remove(q->ctx, q->app, &q->who, &id, &user));
    return reply_empty(q);
}
