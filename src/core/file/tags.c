/* Tags of a file, some more or some fewer. */
#include "base/limits.h"
#include "core/file/file_store.h"
#include "core/library/library.h"

static enum err keys_of(struct ctx *c, const struct slice *tags, size_t n, struct slice *ret)
{
    struct slice tag;
    for (size_t i = 0; i < n; i++) TRY(library_label_check(c, "tags", tags[i], &tag, &ret[i]));
    return ERR_OK;
}

enum err file_check_tags(struct ctx *c, const struct slice *tags, size_t n)
{
    struct slice keys[LIMIT_FILE_TAGS];
    if (n == 0) ctx_field_error(c, "tags", "must name at least one");
    if (n > LIMIT_FILE_TAGS) ctx_field_error(c, "tags", "are more than 50");
    return c->field_error_count ? ERR_INVALID : keys_of(c, tags, n, keys);
}

static bool among(const struct slice *keys, size_t n, struct slice key)
{
    for (size_t i = 0; i < n; i++)
        if (slice_eq(keys[i], key)) return true;
    return false;
}

enum err file_tag_tx(struct ctx *c, struct db_conn *conn, const struct principal *who, const struct file *f, const struct slice *tags,
                     size_t n, bool add)
{
    struct slice all[2 * LIMIT_FILE_TAGS], had[LIMIT_FILE_TAGS], keys[LIMIT_FILE_TAGS], rest = f->tags;
    size_t had_n = 0, all_n = 0;
    TRY(file_check_tags(c, tags, n));
    TRY(keys_of(c, tags, n, keys));
    for (; rest.len && had_n < LIMIT_FILE_TAGS; had_n++) {
        struct slice tag = slice_cut(&rest, '\n');
        TRY(keys_of(c, &tag, 1, &had[had_n]));
        if (add || !among(keys, n, had[had_n])) all[all_n++] = tag;
    }
    for (size_t i = 0; add && i < n; i++)
        if (!among(had, had_n, keys[i])) all[all_n++] = tags[i];
    return all_n == had_n ? ERR_OK : file_set_tags_tx(c, conn, who, &f->id, all, all_n);
}
