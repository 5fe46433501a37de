/* Comments on files. */
#include "api/api.h"
#include "api/messages_comments.h"
#include "core/comment/comment.h"

static void encode_comment(const struct comment *m, struct msg_comment *ret)
{
    *ret = (struct msg_comment){.id = m->id,
                                .author = m->author_id,
                                .author_name = m->author_name,
                                .text = m->text,
                                .created_at = m->created_at,
                                .edited_at = {m->edited_at != 0, m->edited_at}};
}

static enum err reply_comment(struct call *q, const struct comment *m)
{
    struct msg_comment msg;
    struct msg_comment_out out = {&msg};
    encode_comment(m, &msg);
    return reply(q, &out);
}

enum err comments_list_call(struct call *q)
{
    struct id id;
    struct page page;
    struct comment *rows = NULL;
    struct msg_page out = {0};
    size_t n = 0;
    TRY(param_id(q, 0, &id));
    TRY(query_page(q, &page));
    TRY(comment_list(q->ctx, q->app, &q->who, &id, &page, &rows, &n));
    size_t shown = n > page.limit ? page.limit : n;
    struct msg_comment *items = ARENA_ARRAY(&q->ctx->arena, struct msg_comment, shown + 1);
    if (!items) return ERR_NOMEM;
    for (size_t i = 0; i < shown; i++) encode_comment(&rows[i], &items[i]);
    if (n > shown) TRY(page_cursor(q->ctx, rows[shown - 1].created_at, &rows[shown - 1].id, &out.next_cursor));
    out.items = (struct json_list){items, shown, true};
    return reply(q, &out);
}

enum err comments_new_call(struct call *q)
{
    const struct msg_comment_new *in = q->in;
    struct id id;
    struct comment m;
    TRY(param_id(q, 0, &id));
    TRY(comment_add(q->ctx, q->app, &q->who, &id, in->text, &m));
    return reply_comment(q, &m);
}

enum err comments_change_call(struct call *q)
{
    const struct msg_comment_new *in = q->in;
    struct id id, comment;
    struct comment m;
    TRY(param_id(q, 0, &id));
    TRY(param_id(q, 1, &comment));
    TRY(comment_change(q->ctx, q->app, &q->who, &id, &comment, in->text, &m));
    return reply_comment(q, &m);
}

enum err comments_delete_call(struct call *q)
{
    struct id id, comment;
    TRY(param_id(q, 0, &id));
    TRY(param_id(q, 1, &comment));
    TRY(comment_delete(q->ctx, q->app, &q->who, &id, &comment));
    return reply_empty(q);
}
