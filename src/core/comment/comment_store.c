/* SQL of comments. */
#include "core/comment/comment_store.h"

#define COMMENT_SELECT                                                                                                 \
    "SELECT m.id, m.author_id, u.display_name, m.body, m.created_at, m.edited_at FROM comments m JOIN users u ON u.id = m.author_id "

static const struct db_stmt list = {
    "comment_list",
    COMMENT_SELECT "WHERE m.file_id = $1 AND (m.created_at < $2 OR (m.created_at = $2 AND m.id < $3)) "
    "ORDER BY m.created_at DESC, m.id DESC LIMIT $4", NULL};
static const struct db_stmt get = {"comment_get", COMMENT_SELECT "WHERE m.file_id = $1 AND m.id = $2", NULL};
static const struct db_stmt count = {"comment_count", "SELECT COUNT(*) FROM comments WHERE file_id = $1", NULL};
static const struct db_stmt insert = {
    "comment_insert",
    "INSERT INTO comments (id, file_id, author_id, body, created_at) SELECT $1, f.id, u.id, $4, $5 FROM files f, users u "
    "WHERE f.id = $2 AND u.id = $3", NULL};
static const struct db_stmt change = {
    "comment_change", "UPDATE comments SET body = $3, edited_at = $4 WHERE id = $1 AND author_id = $2", NULL};
static const struct db_stmt remove_comment = {"comment_delete", "DELETE FROM comments WHERE id = $1", NULL};

static void read_row(const struct db_result *r, size_t i, struct comment *ret)
{
    *ret = (struct comment){.id = db_get_id(r, i, 0),
                            .author_id = db_get_id(r, i, 1),
                            .author_name = db_get_slice(r, i, 2),
                            .text = db_get_slice(r, i, 3),
                            .created_at = db_get_i64(r, i, 4),
                            .edited_at = db_get_i64(r, i, 5)};
}

enum err comment_store_list(struct ctx *c, struct db_conn *conn, const struct id *file, const struct page *page,
                            struct comment **ret, size_t *ret_n)
{
    struct db_result r;
    TRY(db_exec(c, conn, &list, &r, db_id(file), db_i64(page->before_ms), db_id(&page->before_id), db_i64((int64_t)page->limit + 1)));
    struct comment *rows = ARENA_ARRAY(&c->arena, struct comment, r.rows + 1);
    if (!rows) return ERR_NOMEM;
    for (size_t i = 0; i < r.rows; i++) read_row(&r, i, &rows[i]);
    *ret = rows;
    *ret_n = r.rows;
    return ERR_OK;
}

enum err comment_store_get(struct ctx *c, struct db_conn *conn, const struct id *file, const struct id *comment, struct comment *ret)
{
    struct db_result r;
    TRY(db_one(c, conn, &get, &r, db_id(file), db_id(comment)));
    read_row(&r, 0, ret);
    return ERR_OK;
}

enum err comment_store_count(struct ctx *c, struct db_conn *conn, const struct id *file, uint64_t *ret)
{
    struct db_result r;
    TRY(db_one(c, conn, &count, &r, db_id(file)));
    *ret = (uint64_t)db_get_i64(&r, 0, 0);
    return ERR_OK;
}

enum err comment_store_insert(struct ctx *c, struct db_conn *conn, const struct id *file, const struct comment *m)
{
    return db_one(c, conn, &insert, NULL, db_id(&m->id), db_id(file), db_id(&m->author_id), db_text(m->text), db_i64(m->created_at));
}

enum err comment_store_change(struct ctx *c, struct db_conn *conn, const struct id *comment, const struct id *author,
                              struct slice text, int64_t now_ms)
{
    return db_one(c, conn, &change, NULL, db_id(comment), db_id(author), db_text(text), db_i64(now_ms));
}

enum err comment_store_delete(struct ctx *c, struct db_conn *conn, const struct id *comment)
{
    return db_one(c, conn, &remove_comment, NULL, db_id(comment));
}
