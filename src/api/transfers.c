/* Transfers and their links, for those who send. */
#include "api/encode.h"

static enum err reply_transfer(struct call *q, const struct transfer *t)
{
    struct msg_transfer m;
    struct msg_transfer_out out = {&m};
    struct file *files = NULL;
    size_t n = 0;
    encode_transfer(t, &m);
    TRY(transfer_files(q->ctx, q->app, &t->id, &files, &n));
    TRY(encode_files(q->ctx, files, n, &m.files));
    return reply(q, &out);
}

enum err transfers_new_call(struct call *q)
{
    const struct msg_transfer_new *in = q->in;
    struct transfer t;
    struct transfer_new n = {.title = in->title,
                             .message = in->message,
                             .file_ids = in->file_ids.items,
                             .file_count = in->file_ids.count,
                             .password = in->password,
                             .limited = in->max_downloads.set,
                             .max_downloads = in->max_downloads.v,
                             .delete_files = in->delete_files.v};
    struct opt_u64 life;
    TRY(lifetime(q, &in->expires_in, &in->expires_at, &life));
    if (life.set) TRY(transfer_expiry(q->ctx, q->app, true, life.v, &n.expires_at));
    TRY(transfer_create(q->ctx, q->app, &q->who, &n, &t));
    return reply_transfer(q, &t);
}

enum err transfers_list_call(struct call *q)
{
    struct page page;
    struct transfer *rows = NULL;
    struct msg_page out = {0};
    size_t n = 0;
    TRY(query_page(q, &page));
    TRY(transfer_list(q->ctx, q->app, &q->who, &page, &rows, &n));
    size_t shown = n > page.limit ? page.limit : n;
    struct msg_transfer *items = ARENA_ARRAY(&q->ctx->arena, struct msg_transfer, shown + 1);
    if (!items) return ERR_NOMEM;
    for (size_t i = 0; i < shown; i++) encode_transfer(&rows[i], &items[i]);
    if (n > shown) TRY(page_cursor(q->ctx, rows[shown - 1].created_at, &rows[shown - 1].id, &out.next_cursor));
    out.items = (struct json_list){items, shown, true};
    return reply(q, &out);
}

enum err transfers_get_call(struct call *q)
{
    struct id id;
    struct transfer t;
    TRY(param_id(q, 0, &id));
    TRY(transfer_get(q->ctx, q->app, &q->who, &id, ACTION_READ, &t));
    return reply_transfer(q, &t);
}

enum err transfers_delete_call(struct call *q)
{
    struct id id;
    TRY(param_id(q, 0, &id));
    TRY(transfer_delete(q->ctx, q->app, &q->who, &id));
    return reply_empty(q);
}

enum err transfers_share_call(struct call *q)
{
    const struct msg_share_new *in = q->in;
    struct link_new n = {.permission = in->permission,
                         .label = in->label,
                         .password = in->password,
                         .limited = in->max_downloads.set,
                         .max_downloads = in->max_downloads.v};
    struct id id;
    struct link l;
    struct msg_link m;
    struct msg_link_out out = {&m};
    struct slice token, url = q->app->cfg.public_url;
    struct opt_u64 life;
    TRY(param_id(q, 0, &id));
    TRY(lifetime(q, &in->expires_in, &in->expires_at, &life));
    TRY(transfer_expiry(q->ctx, q->app, life.set, life.v, &n.expires_at));
    TRY(link_create(q->ctx, q->app, &q->who, &id, &n, &l, &token));
    encode_link(&l, &m);
    m.token = token;
    TRY(arena_printf(&q->ctx->arena, &m.url, SLICE_FMT "/s/" SLICE_FMT, SLICE_ARG(url), SLICE_ARG(token)));
    return reply(q, &out);
}

enum err transfers_links_call(struct call *q)
{
    struct id id;
    struct link *links = NULL;
    struct msg_page out = {0};
    size_t n = 0;
    TRY(param_id(q, 0, &id));
    TRY(link_list(q->ctx, q->app, &q->who, &id, &links, &n));
    struct msg_link *items = ARENA_ARRAY(&q->ctx->arena, struct msg_link, n + 1);
    if (!items) return ERR_NOMEM;
    for (size_t i = 0; i < n; i++) encode_link(&links[i], &items[i]);
    out.items = (struct json_list){items, n, true};
    return reply(q, &out);
}

enum err transfers_revoke_call(struct call *q)
{
    struct id id, link;
    TRY(param_id(q, 0, &id));
    TRY(param_id(q, 1, &link));
    TRY(link_revoke(q->ctx, q->app, &q->who, &id, &link));
    return reply_empty(q);
}
