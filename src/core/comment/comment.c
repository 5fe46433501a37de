/* Rules of comments: what may stand in one, who may say, change and delete it. */
#include "core/comment/comment.h"

#include "base/limits.h"
#include "codec/utf8.h"
#include "core/audit/audit.h"
#include "core/comment/comment_store.h"
#include "os/clock.h"

struct comment_arg {
    const struct principal *who;
    struct id file, id;
    struct slice text;
    const struct page *page;
    struct comment comment, *rows;
    size_t n;
};

static enum err list_tx(struct ctx *c, struct db_conn *conn, void *arg)
{
    struct comment_arg *a = arg;
    return comment_store_list(c, conn, &a->file, a->page, &a->rows, &a->n);
}

enum err comment_list(struct ctx *c, struct app *app, const struct principal *who, const struct id *file,
                      const struct page *page, struct comment **ret, size_t *ret_n)
{
    struct comment_arg a = {.file = *file, .page = page};
    struct file f;
    TRY(file_get(c, app, who, file, ACTION_READ, &f));
    TRY(db_tx(c, app->be.db, DB_READ, list_tx, &a));
    *ret = a.rows;
    *ret_n = a.n;
    return ERR_OK;
}

static bool readable(struct slice text)
{
    while (text.len) {
        uint32_t point = 0;
        size_t n = utf8_step(text, &point);
        bool blank = point == '\n' || point == '\t';
        if (n == 0 || (utf8_is_deceptive(point) && !blank)) return false;
        text = slice_sub(text, n, text.len);
    }
    return true;
}

static enum err check_text(struct ctx *c, struct slice text)
{
    if (slice_trim(text).len == 0) ctx_field_error(c, "text", "must not be empty");
    if (text.len > LIMIT_MESSAGE_BYTES) ctx_field_error(c, "text", "is longer than 4000 bytes");
    if (!readable(text)) ctx_field_error(c, "text", "has control or deceptive characters; line breaks and tabs are fine");
    return c->field_error_count ? ERR_INVALID : ERR_OK;
}

static enum err record(struct ctx *c, struct db_conn *conn, const char *event, const struct comment_arg *a)
{
    char text[ID_TEXT_LEN + 1];
    id_text(a->id, text);
    return audit_write(c, conn, &(struct audit_event){.event = event, .who = a->who, .object_type = "file", .object_id = &a->file,
                                                      .detail = slice_cstr(text)});
}

static enum err add_tx(struct ctx *c, struct db_conn *conn, void *arg)
{
    struct comment_arg *a = arg;
    uint64_t n = 0;
    TRY(comment_store_count(c, conn, &a->file, &n));
    if (n >= LIMIT_FILE_COMMENTS) return refuse(c, ERR_QUOTA, "too_many_comments", "This file has 10,000 comments already.");
    TRY(comment_store_insert(c, conn, &a->file, &a->comment));
    TRY(record(c, conn, "comment.create", a));
    return comment_store_get(c, conn, &a->file, &a->id, &a->comment);
}

enum err comment_add(struct ctx *c, struct app *app, const struct principal *who, const struct id *file, struct slice text,
                     struct comment *ret)
{
    struct comment_arg a = {.who = who, .file = *file};
    struct file f;
    TRY(file_get(c, app, who, file, ACTION_COMMENT, &f));
    TRY(check_text(c, text));
    TRY(os_new_id(&a.id));
    a.comment = (struct comment){.id = a.id, .author_id = who->user_id, .text = text, .created_at = clock_wall_ms()};
    enum err e = db_tx(c, app->be.db, DB_WRITE, add_tx, &a);
    if (e == ERR_NOT_FOUND) return policy_absent(c);
    TRY(e);
    *ret = a.comment;
    return ERR_OK;
}

static enum err get_tx(struct ctx *c, struct db_conn *conn, void *arg)
{
    struct comment_arg *a = arg;
    return comment_store_get(c, conn, &a->file, &a->id, &a->comment);
}

static enum err no_such(struct ctx *c) { return refuse(c, ERR_NOT_FOUND, "not_found", "This file has no such comment."); }

/* The comment, once it is clear that the caller may do `own` with the file if it is the author, and `others` if not. */
static enum err find(struct ctx *c, struct app *app, struct comment_arg *a, enum action own, enum action others, bool *ret_author)
{
    struct file f;
    enum err e = db_tx(c, app->be.db, DB_READ, get_tx, a);
    if (e != ERR_NOT_FOUND) TRY(e);
    bool author = e == ERR_OK && id_eq(a->comment.author_id, a->who->user_id);
    TRY(file_get(c, app, a->who, &a->file, author ? own : e == ERR_OK ? others : ACTION_READ, &f));
    if (e == ERR_NOT_FOUND) return no_such(c);
    *ret_author = author;
    return ERR_OK;
}

static enum err change_tx(struct ctx *c, struct db_conn *conn, void *arg)
{
    struct comment_arg *a = arg;
    TRY(comment_store_change(c, conn, &a->id, &a->who->user_id, a->text, clock_wall_ms()));
    TRY(record(c, conn, "comment.change", a));
    return comment_store_get(c, conn, &a->file, &a->id, &a->comment);
}

enum err comment_change(struct ctx *c, struct app *app, const struct principal *who, const struct id *file,
                        const struct id *comment, struct slice text, struct comment *ret)
{
    struct comment_arg a = {.who = who, .file = *file, .id = *comment, .text = text};
    bool author = false;
    TRY(find(c, app, &a, ACTION_COMMENT, ACTION_READ, &author));
    if (!author) return refuse(c, ERR_DENIED, "denied", "Only its author may change a comment.");
    TRY(check_text(c, text));
    enum err e = db_tx(c, app->be.db, DB_WRITE, change_tx, &a);
    if (e == ERR_NOT_FOUND) return no_such(c);
    TRY(e);
    *ret = a.comment;
    return ERR_OK;
}

static enum err delete_tx(struct ctx *c, struct db_conn *conn, void *arg)
{
    struct comment_arg *a = arg;
    TRY(comment_store_delete(c, conn, &a->id));
    return record(c, conn, "comment.delete", a);
}

enum err comment_delete(struct ctx *c, struct app *app, const struct principal *who, const struct id *file,
                        const struct id *comment)
{
    struct comment_arg a = {.who = who, .file = *file, .id = *comment};
    bool author = false;
    TRY(find(c, app, &a, ACTION_COMMENT, ACTION_DELETE, &author));
    enum err e = db_tx(c, app->be.db, DB_WRITE, delete_tx, &a);
    return e == ERR_NOT_FOUND ? no_such(c) : e;
}
