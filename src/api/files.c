/* Files of the caller: list, look, change, delete, download, keys. */
#include "api/download.h"
#include "api/encode.h"
#include "api/messages_library.h"
#include "core/audit/audit.h"
#include "core/file/version.h"
#include "core/library/library.h"

static enum err query_size(struct call *q, const char *name, uint64_t otherwise, uint64_t *ret)
{
    struct opt_u64 v;
    TRY(query_u64(q, name, INT64_MAX, &v));
    *ret = v.set ? v.v : otherwise;
    return ERR_OK;
}

static enum err read_query(struct call *q, struct opt_id *owner, struct library_query *ret)
{
    struct slice sort, shared;
    TRY(query_text(q, "sort", &sort));
    TRY(query_text(q, "shared", &shared));
    TRY(library_side_parse(q->ctx, shared, &ret->side));
    TRY(library_order_parse(q->ctx, sort, &ret->order));
    TRY(query_page_key(q, library_order_mark(ret->order), &ret->page));
    TRY(query_text(q, "q", &ret->q));
    TRY(query_text(q, "tag", &ret->tag));
    TRY(query_text(q, "category", &ret->category));
    TRY(query_text(q, "type", &ret->type));
    TRY(query_text(q, "state", &ret->state));
    TRY(query_text(q, "folder", &ret->folder));
    TRY(query_size(q, "min_size", 0, &ret->min_size));
    TRY(query_size(q, "max_size", INT64_MAX, &ret->max_size));
    TRY(query_time(q, "from", INT64_MIN, &ret->from_ms));
    TRY(query_time(q, "to", INT64_MAX, &ret->to_ms));
    TRY(query_id(q, "owner", owner));
    ret->owner = owner->set && !id_eq(owner->v, q->who.user_id) ? &owner->v : NULL;
    return ERR_OK;
}

enum err files_list_call(struct call *q)
{
    struct library_query query = {0};
    struct opt_id owner;
    struct file *files = NULL;
    struct msg_page out = {0};
    size_t n = 0;
    TRY(read_query(q, &owner, &query));
    TRY(library_search(q->ctx, q->app, &q->who, &query, &files, &n));
    size_t shown = n > query.page.limit ? query.page.limit : n;
    TRY(encode_own_files(q->ctx, files, shown, &out.items));
    if (n > shown) TRY(library_cursor(q->ctx, query.order, &files[shown - 1], &out.next_cursor));
    return reply(q, &out);
}

static enum err list_labels(struct call *q, enum label_kind kind, char order)
{
    struct page_key page;
    struct label *rows = NULL;
    struct msg_page out = {0};
    size_t n = 0;
    TRY(query_page_key(q, order, &page));
    TRY(library_labels(q->ctx, q->app, &q->who, kind, &page, &rows, &n));
    size_t shown = n > page.limit ? page.limit : n;
    struct msg_label *items = ARENA_ARRAY(&q->ctx->arena, struct msg_label, shown + 1);
    if (!items) return ERR_NOMEM;
    for (size_t i = 0; i < shown; i++) items[i] = (struct msg_label){rows[i].name, rows[i].files};
    if (n > shown) TRY(page_key_cursor(q->ctx, order, &(struct page_key){.text = rows[shown - 1].key}, &out.next_cursor));
    out.items = (struct json_list){items, shown, true};
    return reply(q, &out);
}

enum err tags_list_call(struct call *q) { return list_labels(q, LIBRARY_TAGS, 't'); }
enum err categories_list_call(struct call *q) { return list_labels(q, LIBRARY_CATEGORIES, 'g'); }

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
    struct file_patch patch = {.name = in->name, .description = in->description, .category = in->category, .folder = in->folder,
                               .has_tags = in->tags.set, .tags = in->tags.items, .tag_count = in->tags.count};
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

/* The file, or an older version of it (?version=). */
static enum err get_version(struct call *q, struct file *ret)
{
    struct opt_u64 version;
    struct id id;
    TRY(query_u64(q, "version", INT64_MAX, &version));
    if (!version.set) return get_file(q, ACTION_DOWNLOAD, ret);
    TRY(param_id(q, 0, &id));
    return version_get(q->ctx, q->app, &q->who, &id, (int64_t)version.v, ret);
}

static enum err get_plain(struct call *q, struct representation *ret)
{
    struct file f;
    TRY(get_version(q, &f));
    return content_plain(q, &f, ret);
}

static enum err get_sealed(struct call *q, struct representation *ret)
{
    struct file f;
    TRY(get_version(q, &f));
    return content_sealed(q, &f, ret);
}

enum err files_download_call(struct call *q) { return send_found(q, get_plain); }

enum err files_content_call(struct call *q) { return send_found(q, get_sealed); }

enum err files_key_call(struct call *q)
{
    const struct msg_key_request *in = q->in;
    struct opt_u64 version;
    struct file f;
    struct content_key key;
    TRY(get_version(q, &f));
    TRY(query_u64(q, "version", INT64_MAX, &version));
    /* Of the newest it may be that of a newer one; of a version it is that of no other. */
    if (version.set)
        TRY(content_release_key(q->ctx, q->app, &f.content, in->public_key, &q->who.session_id, &key));
    else
        TRY(file_release_key(q->ctx, q->app, &f, in->public_key, &q->who.session_id, &key));
    TRY(audit_record(q->ctx, q->app, &(struct audit_event){.event = "key.release", .who = &q->who, .object_type = "file",
                                                           .object_id = &f.id}));
    struct msg_key out;
    encode_key(&f.content, &key, &out);
    out.session_id = (struct opt_id){true, q->who.session_id};
    return reply(q, &out);
}
