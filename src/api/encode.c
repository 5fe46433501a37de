/* Core structs as messages. */
#include "api/encode.h"

void encode_user(const struct user *u, struct msg_user *ret)
{
    *ret = (struct msg_user){.id = u->id,
                             .email = u->email,
                             .display_name = u->display_name,
                             .role = slice_cstr(role_name(u->role)),
                             .quota_bytes = {u->quota.bytes != 0, u->quota.bytes},
                             .quota_files = {u->quota.files != 0, u->quota.files},
                             .file_bytes_max = {u->quota.file_bytes != 0, u->quota.file_bytes},
                             .transfer_bytes_max = {u->quota.transfer_bytes != 0, u->quota.transfer_bytes},
                             .used_bytes = u->used_bytes,
                             .used_files = u->used_files,
                             .locale = u->locale.len ? u->locale : (struct slice){0},
                             .created_at = u->created_at};
}

static enum err encode_tags(struct ctx *c, struct slice tags, struct json_list *ret)
{
    size_t n = 0;
    for (size_t i = 0; i < tags.len; i++) n += tags.ptr[i] == '\n';
    struct slice *items = ARENA_ARRAY(&c->arena, struct slice, n + 1);
    if (!items) return ERR_NOMEM;
    for (size_t i = 0; i < n; i++) items[i] = slice_cut(&tags, '\n');
    *ret = (struct json_list){items, n, true};
    return ERR_OK;
}

enum err encode_file(struct ctx *c, const struct file *f, struct msg_file *ret)
{
    *ret = (struct msg_file){.id = f->id,
                             .name = f->name,
                             .size = f->size,
                             .type = f->type,
                             .detected_type = f->detected_type.len ? f->detected_type : (struct slice){0},
                             .state = f->trashed_at ? SLICE("trashed") : f->state,
                             .state_why = f->state_why.len ? f->state_why : (struct slice){0},
                             .mode = f->mode,
                             .sha256 = f->content.sha256,
                             .version = (uint64_t)f->version,
                             .content_id = f->content.id,
                             .description = f->description,
                             .category = f->category,
                             .folder = f->folder,
                             .folder_id = {!id_is_zero(f->folder_id), f->folder_id},
                             .owner = f->owner_id,
                             .modified_at = f->modified_at,
                             .created_at = f->created_at,
                             .updated_at = f->updated_at,
                             .trashed_at = {f->trashed_at != 0, f->trashed_at}};
    ret->processing_now = (struct msg_processing){SLICE("sealing"), f->processed_bytes, f->size};
    if (f->processing) ret->processing = &ret->processing_now;
    return encode_tags(c, f->tags, &ret->tags);
}

void encode_key(const struct content *t, const struct content_key *key, struct msg_key *ret)
{
    *ret = (struct msg_key){.enc = slice_of(key->enc, sizeof key->enc),
                            .ct = key->ct,
                            .content_id = t->id,
                            .part_size = t->part_size,
                            .headers_hash = t->headers_hash,
                            .size = t->size};
    if (t->codec.len == 0) return;
    ret->codec_is = (struct msg_codec){t->codec, key->frames, t->stored_size};
    ret->codec = &ret->codec_is;
}

void encode_upload(const struct upload *u, struct msg_upload *ret)
{
    bool sized = u->size != UPLOAD_SIZE_UNKNOWN;
    *ret = (struct msg_upload){.upload_id = u->id,
                               .file_id = u->file_id,
                               .name = u->name,
                               .state = u->state,
                               .size = {sized, sized ? u->size : 0},
                               .part_size = u->part_size,
                               .part_count = {sized, sized ? sft_part_count(u->size, u->part_size) : 0},
                               .created_at = u->created_at,
                               .expires_at = u->expires_at};
}

void encode_transfer(const struct transfer *t, struct msg_transfer *ret)
{
    *ret = (struct msg_transfer){.id = t->id,
                                 .title = t->title,
                                 .message = t->message,
                                 .mode = t->mode,
                                 .has_password = t->password_hash.ptr != NULL,
                                 .max_downloads = {t->limited, t->max_downloads},
                                 .delete_files = t->delete_files,
                                 .file_count = t->file_count,
                                 .total_size = t->total_bytes,
                                 .expires_at = {t->expires_at != 0, t->expires_at},
                                 .created_at = t->created_at,
                                 .updated_at = t->updated_at};
}

void encode_link(const struct link *l, struct msg_link *ret)
{
    *ret = (struct msg_link){.id = l->id,
                             .permission = l->permission,
                             .label = l->label,
                             .has_password = l->password_hash.ptr != NULL,
                             .max_downloads = {l->limited, l->max_downloads},
                             .downloads = l->downloads,
                             .expires_at = {l->expires_at != 0, l->expires_at},
                             .revoked_at = {l->revoked_at != 0, l->revoked_at},
                             .created_at = l->created_at};
}

/* As whoever asked for it sees it. */
static void encode_relation(const struct file *f, struct msg_file *ret)
{
    struct slice word = slice_cstr(relation_name(f->relation));
    ret->permission = word.len ? word : (struct slice){0};
    ret->owner_name = f->owner_name;
    if (f->relation == RELATION_OWNER || f->relation == RELATION_NONE) return;
    /* Where its owner keeps it is nobody else's business; administrators broke the glass. */
    ret->folder = (struct slice){0};
    ret->folder_id = (struct opt_id){0};
}

enum err encode_own_files(struct ctx *c, const struct file *files, size_t n, struct json_list *ret)
{
    struct msg_file *items = ARENA_ARRAY(&c->arena, struct msg_file, n + 1);
    if (!items) return ERR_NOMEM;
    for (size_t i = 0; i < n; i++) {
        TRY(encode_file(c, &files[i], &items[i]));
        encode_relation(&files[i], &items[i]);
    }
    *ret = (struct json_list){items, n, true};
    return ERR_OK;
}

enum err encode_files(struct ctx *c, const struct file *files, size_t n, struct json_list *ret)
{
    struct msg_file *items = ARENA_ARRAY(&c->arena, struct msg_file, n + 1);
    if (!items) return ERR_NOMEM;
    for (size_t i = 0; i < n; i++) TRY(encode_file(c, &files[i], &items[i]));
    *ret = (struct json_list){items, n, true};
    return ERR_OK;
}

enum err reply_file(struct call *q, const struct file *f)
{
    struct msg_file file;
    struct msg_file_out out = {&file};
    struct user owner;
    TRY(encode_file(q->ctx, f, &file));
    encode_relation(f, &file);
    if (f->relation == RELATION_OWNER) return reply(q, &out);
    TRY(user_by_id(q->ctx, q->app, &f->owner_id, &owner));
    file.owner_name = owner.display_name;
    return reply(q, &out);
}
