/* Many files at once: the archive of a selection. */
#include "api/download.h"
#include "api/messages_bulk.h"
#include "core/archive/selection.h"

#define ARCHIVE_NAME SLICE("files.zip")

static enum err send_archive(struct call *q, struct archive *a, const struct id *id)
{
    struct representation content;
    TRY(content_archive(q, a, ARCHIVE_NAME, &content));
    content.object_type = "archive";
    content.object_id = *id;
    return send_content(q, &content);
}

enum err files_archive_call(struct call *q)
{
    const struct msg_archive_new *in = q->in;
    struct selection s = {in->ids.items, in->ids.count};
    struct archive *a = NULL;
    struct slice at;
    struct id id;
    char text[ID_TEXT_LEN + 1];
    TRY(selection_open(q->ctx, q->app, &q->who, &s, &a, &id));
    id_text(id, text);
    enum err e = arena_printf(&q->ctx->arena, &at, "/api/v1/files/archive/%s", text);
    if (e == ERR_OK) e = reply_header(q, "content-location", at);
    if (e == ERR_OK) return send_archive(q, a, &id);
    archive_free(a);
    return e;
}

enum err files_archive_again_call(struct call *q)
{
    struct archive *a = NULL;
    struct id id;
    TRY(param_id(q, 0, &id));
    TRY(selection_reopen(q->ctx, q->app, &q->who, &id, &a));
    return send_archive(q, a, &id);
}
