/* One row of a library with what belongs to it, through the stores. */
#include "integration/library_kit.h"

#include "codec/utf8.h"
#include "core/file/file_store.h"
#include "core/library/library.h"
#include "os/clock.h"

enum err kit_add(struct ctx *c, struct db_conn *conn, const struct kit_file *f, struct id *ret)
{
    static const uint8_t bytes[56];
    struct content_insert content = {.tables = {.headers = slice_of(bytes, 56), .frames = SLICE("")}, .refs = 1};
    struct file_insert in = {.name_key = SLICE("")};
    struct file_update more = {.description = slice_cstr(f->description), .category = slice_cstr(f->category), .tags = slice_cstr(f->tags)};
    in.file = (struct file){.owner_id = f->owner, .name = slice_cstr(f->name), .size = f->size, .type = slice_cstr(f->type),
                            .state = slice_cstr(f->state), .mode = SLICE("managed"), .version = 1, .folder_id = f->folder,
                            .modified_at = f->created_at, .created_at = f->created_at, .updated_at = f->created_at};
    content.created_at = f->created_at;
    TRY(os_new_id(&in.file.id));
    TRY(os_new_id(&content.content.id));
    content.content.owner_id = f->owner;
    content.content.headers_hash = content.content.wrapped_key = slice_of(bytes, 32);
    content.content.codec = SLICE("");
    in.file.content = content.content;
    TRY(content_store_insert(c, conn, &content));
    TRY(utf8_fold(&c->arena, in.file.name, &in.name_key));
    TRY(file_store_insert(c, conn, &in));
    TRY(file_store_change(c, conn, &in.file.id, &more, f->updated_at));
    TRY(library_put_tx(c, conn, &in.file.id));
    if (f->trashed_at)
        TRY(file_store_set_trashed(c, conn, &in.file.id,
                                   &(struct file_trashing){.at_ms = f->trashed_at, .folder = f->folder, .from = SLICE("")}));
    *ret = in.file.id;
    return ERR_OK;
}
