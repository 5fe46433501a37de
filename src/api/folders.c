/* Folders of the caller. */
#include "core/folder/folder.h"

#include "api/api.h"
#include "api/messages_library.h"

#define BY_NAME 'd' /* order of the cursor */

static void encode_folder(const struct folder *f, struct msg_folder *ret)
{
    *ret = (struct msg_folder){.id = f->id,
                               .name = f->name,
                               .path = f->path,
                               .parent_id = {!id_is_zero(f->parent_id), f->parent_id},
                               .folder_count = f->folders,
                               .file_count = f->files,
                               .total_size = f->bytes,
                               .created_at = f->created_at,
                               .updated_at = f->updated_at};
}

static enum err reply_folder(struct call *q, const struct folder *f)
{
    struct msg_folder folder;
    encode_folder(f, &folder);
    return reply(q, &(struct msg_folder_out){.folder = &folder});
}

enum err folders_list_call(struct call *q)
{
    struct page_key page;
    struct slice parent;
    struct folder *rows = NULL;
    struct msg_page out = {0};
    size_t n = 0;
    TRY(query_page_key(q, BY_NAME, &page));
    TRY(query_text(q, "parent", &parent));
    TRY(folder_list(q->ctx, q->app, &q->who, parent, &page, &rows, &n));
    size_t shown = n > page.limit ? page.limit : n;
    struct msg_folder *items = ARENA_ARRAY(&q->ctx->arena, struct msg_folder, shown + 1);
    if (!items) return ERR_NOMEM;
    for (size_t i = 0; i < shown; i++) encode_folder(&rows[i], &items[i]);
    if (n > shown) {
        struct page_key last = {.text = rows[shown - 1].name_key, .id = rows[shown - 1].id};
        TRY(page_key_cursor(q->ctx, BY_NAME, &last, &out.next_cursor));
    }
    out.items = (struct json_list){items, shown, true};
    return reply(q, &out);
}

enum err folders_new_call(struct call *q)
{
    const struct msg_folder_new *in = q->in;
    struct folder f;
    TRY(folder_create(q->ctx, q->app, &q->who, &(struct folder_new){in->name, in->parent, in->path}, &f));
    return reply_folder(q, &f);
}

enum err folders_change_call(struct call *q)
{
    const struct msg_folder_patch *in = q->in;
    struct folder f;
    struct id id;
    TRY(param_id(q, 0, &id));
    TRY(folder_change(q->ctx, q->app, &q->who, &id, &(struct folder_patch){in->name, in->parent}, &f));
    return reply_folder(q, &f);
}

enum err folders_delete_call(struct call *q)
{
    struct id id;
    bool recursive = false, purge = false;
    TRY(param_id(q, 0, &id));
    TRY(query_bool(q, "recursive", false, &recursive));
    TRY(query_bool(q, "purge", false, &purge));
    TRY(folder_delete(q->ctx, q->app, &q->who, &id, recursive, purge));
    return reply_empty(q);
}
