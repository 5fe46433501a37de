/* Files of the caller: list, look, change, delete, download, keys. */
#include "api/download.h"
#include "api/encode.h"
#include "core/audit/audit.h"
#include "core/share/share.h"

/* What others share with the caller, or the caller with others. */
static enum err list_shared(struct call *q, struct slice shared, const struct file_query *query, struct file **ret, size_t *ret_n)
{
    bool with_me = slice_eq(shared, SLICE("with_me"));
    if (!with_me && !slice_eq(shared, SLICE("by_me"))) ctx_field_error(q->ctx, "shared", "must be \"with_me\" or \"by_me\"");
    if (query->state.ptr) ctx_field_error(q->ctx, "state", "cannot be asked for together with shared");
    if (q->ctx->field_error_count) return ERR_INVALID;
    return share_files(q->ctx, q->app, &q->who, with_me ? SHARED_WITH_ME : SHARED_BY_ME, query, ret, ret_n);
}

enum err files_list_call(struct call *q)
{
    struct file_query query;
    struct file *files = NULL;
    struct msg_page out = {0};
    struct slice shared;
    size_t n = 0;
    TRY(query_page(q, &query.page));
    TRY(query_text(q, "q", &query.q));
    TRY(query_text(q, "state", &query.state));
    TRY(query_text(q, "shared", &shared));
    TRY(shared.ptr ? list_shared(q, shared, &query, &files, &n) : file_list(q->ctx, q->app, &q->who, &query, &files, &n));
    size_t shown = n > query.page.limit ? query.page.limit : n;
    TRY(encode_own_files(q->ctx, files, shown, &out.items));
    if (n > shown) TRY(page_cursor(q->ctx, files[shown - 1].created_at, &files[shown - 1].id, &out.next_cursor));
    return reply(q, &out);
}

static enum err get_file(struct call *q, enum action action, struct file *ret)
{
    struct id id;
    TRY(param_id(q, 0, &id));
    return file_get(q->ctx, q->app, &q->who, &id, action, ret);
}

enum err files_get_call(struct call *q)
{
    struct file f;
    TRY(get_file(q, ACTION_READ, &f));
    return reply_file(q, &f);
}

enum err files_change_call(struct call *q)
{
    const struct msg_file_patch *in = q->in;
    struct file_patch patch = {in->name, in->description};
    struct id id;
    struct file f;
    TRY(param_id(q, 0, &id));
    TRY(file_change(q->ctx, q->app, &q->who, &id, &patch, &f));
    return reply_file(q, &f);
}

enum err files_encrypt_call(struct call *q)
{
    struct id id;
    struct file f;
    TRY(param_id(q, 0, &id));
    TRY(file_encrypt(q->ctx, q->app, &q->who, &id, &f));
    return reply_file(q, &f);
}

enum err files_delete_call(struct call *q)
{
    struct id id;
    bool purge = true;
    TRY(param_id(q, 0, &id));
    TRY(query_bool(q, "purge", true, &purge));
    TRY(purge ? file_delete(q->ctx, q->app, &q->who, &id) : file_trash(q->ctx, q->app, &q->who, &id));
    return reply_empty(q);
}

enum err files_restore_call(struct call *q)
{
    struct id id;
    struct file f;
    TRY(param_id(q, 0, &id));
    TRY(file_restore(q->ctx, q->app, &q->who, &id, &f));
    return reply_file(q, &f);
}

enum err files_download_call(struct call *q)
{
    struct file f;
    struct representation content;
    TRY(get_file(q, ACTION_DOWNLOAD, &f));
    TRY(content_plain(q, &f, &content));
    return send_content(q, &content);
}

enum err files_content_call(struct call *q)
{
    struct file f;
    struct representation content;
    TRY(get_file(q, ACTION_DOWNLOAD, &f));
    TRY(content_sealed(q, &f, &content));
    return send_content(q, &content);
}

enum err files_key_call(struct call *q)
{
    const struct msg_key_request *in = q->in;
    struct file f;
    struct content_key key;
    TRY(get_file(q, ACTION_DOWNLOAD, &f));
    TRY(file_release_key(q->ctx, q->app, &f, in->public_key, &q->who.session_id, &key));
    TRY(audit_record(q->ctx, q->app, &(struct audit_event){.event = "key.release", .who = &q->who, .object_type = "file",
                                                           .object_id = &f.id}));
    struct msg_key out;
    encode_key(&f.content, &key, &out);
    return reply(q, &out);
}
