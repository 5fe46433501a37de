/* Versions of a file: list, restore, delete. Downloads of them are in files.c. */
#include "api/encode.h"
#include "core/file/version.h"

#define ORDER 'v'

enum err versions_list_call(struct call *q)
{
    struct id id;
    struct page_key page;
    struct file_version *rows = NULL;
    struct msg_page out = {0};
    size_t n = 0;
    TRY(param_id(q, 0, &id));
    TRY(query_page_key(q, ORDER, &page));
    TRY(version_list(q->ctx, q->app, &q->who, &id, &page, &rows, &n));
    size_t shown = n > page.limit ? page.limit : n;
    struct msg_version *items = ARENA_ARRAY(&q->ctx->arena, struct msg_version, shown + 1);
    if (!items) return ERR_NOMEM;
    for (size_t i = 0; i < shown; i++)
        items[i] = (struct msg_version){.version = (uint64_t)rows[i].version,
                                        .size = rows[i].size,
                                        .type = rows[i].type,
                                        .state = rows[i].state,
                                        .sha256 = rows[i].content.sha256,
                                        .content_id = rows[i].content.id,
                                        .created_by = rows[i].created_by,
                                        .modified_at = rows[i].modified_at,
                                        .created_at = rows[i].created_at,
                                        .replaced_at = {rows[i].replaced_at != 0, rows[i].replaced_at}};
    if (n > shown)
        TRY(page_key_cursor(q->ctx, ORDER, &(struct page_key){.number = rows[shown - 1].version, .text = SLICE("")}, &out.next_cursor));
    out.items = (struct json_list){items, shown, true};
    return reply(q, &out);
}

static enum err version_params(struct call *q, struct id *ret_file, int64_t *ret_version)
{
    uint64_t version = 0;
    TRY(param_id(q, 0, ret_file));
    TRY(param_u64(q, 1, &version));
    if (version > INT64_MAX) return refuse(q->ctx, ERR_NOT_FOUND, "not_found", "This file has no such version.");
    *ret_version = (int64_t)version;
    return ERR_OK;
}

enum err versions_restore_call(struct call *q)
{
    struct id id;
    int64_t version = 0;
    struct file f;
    TRY(version_params(q, &id, &version));
    TRY(version_restore(q->ctx, q->app, &q->who, &id, version, &f));
    return reply_file(q, &f);
}

enum err versions_delete_call(struct call *q)
{
    struct id id;
    int64_t version = 0;
    TRY(version_params(q, &id, &version));
    TRY(version_delete(q->ctx, q->app, &q->who, &id, version));
    return reply_empty(q);
}
