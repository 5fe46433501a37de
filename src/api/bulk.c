/* Many files at once: one operation on each, and the archive of a selection. */
#include "api/download.h"
#include "api/messages_bulk.h"
#include "core/archive/selection.h"
#include "core/bulk/bulk.h"

/* Owns the archive from here on. */
static enum err send_archive(struct call *q, struct archive *a, const struct selection *s)
{
    struct representation content;
    struct slice name;
    enum err e = arena_printf(&q->ctx->arena, &name, SLICE_FMT ".zip", SLICE_ARG(s->name));
    if (e != ERR_OK) {
        archive_free(a);
        return e;
    }
    TRY(content_archive(q, a, name, &content));
    content.object_type = "archive";
    content.object_id = s->id;
    return send_content(q, &content);
}

enum err files_archive_call(struct call *q)
{
    const struct msg_archive_new *in = q->in;
    struct selection_new n = {in->ids.items, in->folder_ids.items, in->ids.count, in->folder_ids.count};
    struct selection s;
    struct archive *a = NULL;
    struct slice at;
    char text[ID_TEXT_LEN + 1];
    TRY(selection_open(q->ctx, q->app, &q->who, &n, &a, &s));
    id_text(s.id, text);
    enum err e = arena_printf(&q->ctx->arena, &at, "/api/v1/files/archive/%s", text);
    if (e == ERR_OK) e = reply_header(q, "content-location", at);
    if (e == ERR_OK) return send_archive(q, a, &s);
    archive_free(a);
    return e;
}

enum err files_archive_again_call(struct call *q)
{
    struct archive *a = NULL;
    struct selection s;
    struct id id;
    TRY(param_id(q, 0, &id));
    TRY(selection_reopen(q->ctx, q->app, &q->who, &id, &a, &s));
    return send_archive(q, a, &s);
}

/* Arguments of other operations would be left out silently. */
static enum err check_arguments(struct call *q, const struct msg_bulk *in, enum bulk_op op)
{
    bool tags = op == BULK_TAG || op == BULK_UNTAG, share = op == BULK_SHARE;
    const struct {
        const char *name;
        bool given, wanted;
    } members[] = {{"tags", in->tags.set, tags}, {"folder", in->folder.ptr != NULL, op == BULK_MOVE}, {"user", in->user.set, share},
                   {"email", in->email.ptr != NULL, share}, {"permission", in->permission.ptr != NULL, share},
                   {"expires_in", in->expires_in.set, share}, {"expires_at", in->expires_at.set, share}};
    for (size_t i = 0; i < sizeof members / sizeof members[0]; i++)
        if (members[i].given && !members[i].wanted) ctx_field_error(q->ctx, members[i].name, "does not go with this operation");
    if (op == BULK_MOVE && !in->folder.ptr) ctx_field_error(q->ctx, "folder", "is required");
    return q->ctx->field_error_count ? ERR_INVALID : ERR_OK;
}

enum err files_bulk_call(struct call *q)
{
    const struct msg_bulk *in = q->in;
    struct bulk b = {.ids = in->ids.items, .n = in->ids.count, .tags = in->tags.items, .tag_count = in->tags.count,
                     .folder = in->folder};
    struct bulk_item *items = NULL;
    struct opt_u64 life;
    TRY(bulk_op_parse(in->op, &b.op));
    TRY(check_arguments(q, in, b.op));
    TRY(lifetime(q, &in->expires_in, &in->expires_at, &life));
    b.share = (struct share_new){.user = in->user.set ? &in->user.v : NULL, .email = in->email, .permission = in->permission,
                                 .limited = life.set, .expires_in_s = life.v};
    TRY(bulk_run(q->ctx, q->app, &q->who, &b, &items));
    struct msg_bulk_item *out = ARENA_ARRAY(&q->ctx->arena, struct msg_bulk_item, b.n + 1);
    struct msg_bulk_error *errors = ARENA_ARRAY(&q->ctx->arena, struct msg_bulk_error, b.n + 1);
    if (!out || !errors) return ERR_NOMEM;
    for (size_t i = 0; i < b.n; i++) {
        errors[i] = (struct msg_bulk_error){items[i].code, items[i].detail};
        out[i] = (struct msg_bulk_item){items[i].id, items[i].ok, items[i].ok ? NULL : &errors[i]};
    }
    return reply(q, &(struct msg_bulk_out){{out, b.n, true}});
}
