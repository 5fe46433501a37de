/* SQL of folders. */
#include "core/folder/folder_store.h"

#define FOLDER_COLUMNS                                                                                                 \
    "d.id, d.owner_id, d.parent_id, d.name, d.path, d.created_at, d.updated_at, "                                      \
    "(SELECT COUNT(*) FROM folders s WHERE s.owner_id = d.owner_id AND s.parent_id = d.id), "                          \
    "(SELECT COUNT(*) FROM files f WHERE f.folder_id = d.id AND f.trashed_at IS NULL), "                               \
    "(SELECT CAST(COALESCE(SUM(f.size), 0) AS BIGINT) FROM files f WHERE f.folder_id = d.id AND f.trashed_at IS NULL), " \
    "d.name_key, d.path_key, d.depth"
/* Of $1 the owner and $2 the key of a folder's path, $3 the same with a step behind it: it and all below. */
#define SUBTREE_OF(d) d "owner_id = $1 AND (" d "path_key = $2 OR substr(" d "path_key, 1, length($2) + 1) = $3)"
#define SUBTREE SUBTREE_OF("")

static const struct db_stmt lock = {
    "folder_lock", "SELECT id FROM users WHERE id = $1 FOR NO KEY UPDATE", "SELECT id FROM users WHERE id = $1"};
static const struct db_stmt insert = {
    "folder_insert",
    "INSERT INTO folders (id, owner_id, parent_id, name, name_key, path, path_key, depth, created_at, updated_at) "
    "VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $9)", NULL};
static const struct db_stmt count = {"folder_count", "SELECT COUNT(*) FROM folders WHERE owner_id = $1", NULL};
static const struct db_stmt get = {"folder_get", "SELECT " FOLDER_COLUMNS " FROM folders d WHERE d.id = $1", NULL};
static const struct db_stmt find = {
    "folder_find", "SELECT " FOLDER_COLUMNS " FROM folders d WHERE d.owner_id = $1 AND d.path_key = $2", NULL};
static const struct db_stmt list = {
    "folder_list",
    "SELECT " FOLDER_COLUMNS " FROM folders d WHERE d.owner_id = $1 AND d.parent_id = $2 AND (d.name_key, d.id) > ($3, $4) "
    "ORDER BY d.name_key, d.id LIMIT $5", NULL};
static const struct db_stmt subtree = {"folder_subtree", "SELECT path, depth FROM folders WHERE " SUBTREE, NULL};
static const struct db_stmt move_one = {
    "folder_move",
    "UPDATE folders SET parent_id = $2, name = $3, name_key = $4, updated_at = $5 WHERE id = $1", NULL};
static const struct db_stmt move_below = {
    "folder_move_subtree",
    "UPDATE folders SET path = $4 || substr(path, length($5) + 1), path_key = $6 || substr(path_key, length($2) + 1), depth = depth + $7 "
    "WHERE " SUBTREE, NULL};
static const struct db_stmt holds = {
    "folder_holds",
    "SELECT COUNT(*), "
    "CASE WHEN EXISTS (SELECT 1 FROM files WHERE folder_id IN (SELECT id FROM folders WHERE " SUBTREE ") AND trashed_at IS NULL) "
    "OR EXISTS (SELECT 1 FROM uploads WHERE state <> 'complete' AND folder_id IN (SELECT id FROM folders WHERE " SUBTREE ")) "
    "THEN 1 ELSE 0 END FROM folders WHERE " SUBTREE, NULL};
static const struct db_stmt some_files = {
    "folder_some_files",
    "SELECT id, folder_id FROM (SELECT id, folder_id FROM files WHERE folder_id IN (SELECT id FROM folders WHERE " SUBTREE ") "
    "AND (trashed_at IS NOT NULL OR $5 = 1) LIMIT $4) found ORDER BY id", NULL};
static const struct db_stmt tree_files = {
    "folder_tree_files",
    "SELECT f.id FROM folders d JOIN files f ON f.folder_id = d.id WHERE " SUBTREE_OF("d.") " AND f.trashed_at IS NULL "
    "ORDER BY d.path_key, f.name_key, f.id LIMIT $4", NULL};
static const struct db_stmt tree_empty = {
    "folder_tree_empty",
    "SELECT d.id FROM folders d WHERE " SUBTREE_OF("d.")
    " AND NOT EXISTS (SELECT 1 FROM folders s WHERE s.owner_id = d.owner_id AND s.parent_id = d.id) "
    "AND NOT EXISTS (SELECT 1 FROM files f WHERE f.folder_id = d.id AND f.trashed_at IS NULL) ORDER BY d.path_key LIMIT $4", NULL};
static const struct db_stmt get_many = {
    "folder_get_many",
    "WITH RECURSIVE pick (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM pick WHERE i + 1 < $2) "
    "SELECT d.id, d.owner_id, d.parent_id, d.name, d.path, d.updated_at, pick.i FROM pick "
    "JOIN folders d ON d.id = substr($1, pick.i * 16 + 1, 16)", NULL};
static const struct db_stmt remove_all = {"folder_delete", "DELETE FROM folders WHERE " SUBTREE, NULL};

static void read_row(const struct db_result *r, size_t i, struct folder_row *ret)
{
    *ret = (struct folder_row){.folder = {.id = db_get_id(r, i, 0),
                                          .owner_id = db_get_id(r, i, 1),
                                          .parent_id = db_get_id(r, i, 2),
                                          .name = db_get_slice(r, i, 3),
                                          .path = db_get_slice(r, i, 4),
                                          .created_at = db_get_i64(r, i, 5),
                                          .updated_at = db_get_i64(r, i, 6),
                                          .folders = (uint64_t)db_get_i64(r, i, 7),
                                          .files = (uint64_t)db_get_i64(r, i, 8),
                                          .bytes = (uint64_t)db_get_i64(r, i, 9),
                                          .name_key = db_get_slice(r, i, 10)},
                               .path_key = db_get_slice(r, i, 11),
                               .depth = db_get_i64(r, i, 12)};
}

/* The key of a folder's path with a step behind it: what all below begin with. */
static enum err below(struct ctx *c, const struct folder_row *f, struct slice *ret)
{
    return arena_printf(&c->arena, ret, SLICE_FMT "%c", SLICE_ARG(f->path_key), FOLDER_KEY_STEP);
}

enum err folder_store_lock(struct ctx *c, struct db_conn *conn, const struct id *owner)
{
    return db_one(c, conn, &lock, NULL, db_id(owner));
}

enum err folder_store_insert(struct ctx *c, struct db_conn *conn, const struct folder_row *f)
{
    return db_exec(c, conn, &insert, NULL, db_id(&f->folder.id), db_id(&f->folder.owner_id), db_id(&f->folder.parent_id),
                   db_text(f->folder.name), db_text(f->folder.name_key), db_text(f->folder.path), db_text(f->path_key), db_i64(f->depth),
                   db_i64(f->folder.created_at));
}

enum err folder_store_count(struct ctx *c, struct db_conn *conn, const struct id *owner, uint64_t *ret)
{
    struct db_result r;
    TRY(db_one(c, conn, &count, &r, db_id(owner)));
    *ret = (uint64_t)db_get_i64(&r, 0, 0);
    return ERR_OK;
}

enum err folder_store_get(struct ctx *c, struct db_conn *conn, const struct id *id, struct folder_row *ret)
{
    struct db_result r;
    TRY(db_one(c, conn, &get, &r, db_id(id)));
    read_row(&r, 0, ret);
    return ERR_OK;
}

enum err folder_store_find(struct ctx *c, struct db_conn *conn, const struct id *owner, struct slice path_key,
                           struct folder_row *ret)
{
    struct db_result r;
    TRY(db_one(c, conn, &find, &r, db_id(owner), db_text(path_key)));
    read_row(&r, 0, ret);
    return ERR_OK;
}

enum err folder_store_list(struct ctx *c, struct db_conn *conn, const struct id *owner, const struct id *parent,
                           const struct page_key *page, struct folder **ret, size_t *ret_n)
{
    struct db_result r;
    struct folder_row row;
    TRY(db_exec(c, conn, &list, &r, db_id(owner), db_id(parent), db_text(page->text), db_id(&page->id),
                db_i64((int64_t)page->limit + 1)));
    struct folder *folders = ARENA_ARRAY(&c->arena, struct folder, r.rows + 1);
    if (!folders) return ERR_NOMEM;
    for (size_t i = 0; i < r.rows; i++) {
        read_row(&r, i, &row);
        folders[i] = row.folder;
    }
    *ret = folders;
    *ret_n = r.rows;
    return ERR_OK;
}

enum err folder_store_subtree(struct ctx *c, struct db_conn *conn, const struct folder_row *f, struct db_result *ret)
{
    struct slice prefix;
    TRY(below(c, f, &prefix));
    return db_exec(c, conn, &subtree, ret, db_id(&f->folder.owner_id), db_text(f->path_key), db_text(prefix));
}

enum err folder_store_move(struct ctx *c, struct db_conn *conn, const struct folder_row *from, const struct folder_row *to,
                           int64_t now_ms)
{
    struct slice prefix;
    TRY(below(c, from, &prefix));
    TRY(db_one(c, conn, &move_one, NULL, db_id(&from->folder.id), db_id(&to->folder.parent_id), db_text(to->folder.name),
               db_text(to->folder.name_key), db_i64(now_ms)));
    return db_exec(c, conn, &move_below, NULL, db_id(&from->folder.owner_id), db_text(from->path_key), db_text(prefix),
                   db_text(to->folder.path), db_text(from->folder.path), db_text(to->path_key),
                   db_i64(to->depth - from->depth));
}

enum err folder_store_holds(struct ctx *c, struct db_conn *conn, const struct folder_row *f, bool *ret_folders, bool *ret_files)
{
    struct db_result r;
    struct slice prefix;
    TRY(below(c, f, &prefix));
    TRY(db_one(c, conn, &holds, &r, db_id(&f->folder.owner_id), db_text(f->path_key), db_text(prefix)));
    *ret_folders = db_get_i64(&r, 0, 0) > 1;
    *ret_files = db_get_i64(&r, 0, 1) != 0;
    return ERR_OK;
}

enum err folder_store_some_files(struct ctx *c, struct db_conn *conn, const struct folder_row *f, bool all, size_t n,
                                 struct db_result *ret)
{
    struct slice prefix;
    TRY(below(c, f, &prefix));
    return db_exec(c, conn, &some_files, ret, db_id(&f->folder.owner_id), db_text(f->path_key), db_text(prefix), db_i64((int64_t)n),
                   db_i64(all));
}

static enum err read_ids(struct ctx *c, const struct db_result *r, struct id **ret, size_t *ret_n)
{
    *ret = ARENA_ARRAY(&c->arena, struct id, r->rows + 1);
    if (!*ret) return ERR_NOMEM;
    for (size_t i = 0; i < r->rows; i++) (*ret)[i] = db_get_id(r, i, 0);
    *ret_n = r->rows;
    return ERR_OK;
}

enum err folder_store_tree(struct ctx *c, struct db_conn *conn, const struct folder_row *f, size_t limit, struct folder_tree *ret)
{
    struct db_result r;
    struct slice prefix;
    TRY(below(c, f, &prefix));
    TRY(db_exec(c, conn, &tree_files, &r, db_id(&f->folder.owner_id), db_text(f->path_key), db_text(prefix), db_i64((int64_t)limit)));
    TRY(read_ids(c, &r, &ret->files, &ret->file_count));
    TRY(db_exec(c, conn, &tree_empty, &r, db_id(&f->folder.owner_id), db_text(f->path_key), db_text(prefix), db_i64((int64_t)limit)));
    return read_ids(c, &r, &ret->empty, &ret->empty_count);
}

enum err folder_store_get_many(struct ctx *c, struct db_conn *conn, const struct id *ids, size_t n, struct folder *ret)
{
    struct db_result r;
    if (n == 0) return ERR_OK;
    TRY(db_exec(c, conn, &get_many, &r, db_bytes(slice_of(ids, n * sizeof *ids)), db_i64((int64_t)n)));
    for (size_t i = 0; i < n; i++) ret[i] = (struct folder){.id = {{0}}};
    for (size_t i = 0; i < r.rows; i++)
        ret[db_get_i64(&r, i, 6)] = (struct folder){.id = db_get_id(&r, i, 0),
                                                    .owner_id = db_get_id(&r, i, 1),
                                                    .parent_id = db_get_id(&r, i, 2),
                                                    .name = db_get_slice(&r, i, 3),
                                                    .path = db_get_slice(&r, i, 4),
                                                    .updated_at = db_get_i64(&r, i, 5)};
    return ERR_OK;
}

enum err folder_store_delete(struct ctx *c, struct db_conn *conn, const struct folder_row *f)
{
    struct slice prefix;
    TRY(below(c, f, &prefix));
    return db_exec(c, conn, &remove_all, NULL, db_id(&f->folder.owner_id), db_text(f->path_key), db_text(prefix));
}
